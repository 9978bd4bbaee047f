from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import wait
from tests.rtl.schedule.sequencer_bench import ABORTED, LEAD, Bench, Timeline, episodes, parse

# Waiting for the read-out


@pytest.mark.parametrize("seed", range(5))
def test_neither_latches_nor_room_are_overrun_whatever_the_host_does(seed: int) -> None:
    runs = [20, 9, 14]
    bench = Bench(sample_schedule(runs, 12))
    generator = random.Random(seed)
    chance = 0.15 + 0.15 * seed

    async def host(context: Any) -> None:
        await bench.start(context)
        for _ in range(120):
            context.set(bench.room, generator.random() < chance)
            context.set(bench.hold, generator.random() < chance)
            await wait(context, generator.randint(1, 20))

    record = bench.simulate(host)
    init, run, room, busy = (record.values(name) for name in ("init", "run", "room", "busy"))
    begun = [cycle for cycle in record.cycles("init") if not init[cycle - 1]]
    # An init is let go two cycles before it shows: at that time there was room.
    assert all(room[cycle - LEAD] for cycle in begun)
    assert not any(busy[cycle] for cycle in record.cycles("frames.start"))
    assert [cycle + 1 for cycle in record.cycles("frames.start")] == record.cycles("sample")[
        : len(record.cycles("frames.start"))
    ]
    # Between two inits: all of the init, then every run in full, whatever waited in between.
    assert len(begun) > 5
    for one, other in pairwise(begun):
        assert sum(init[one:other]) == 12
        assert sum(run[one:other]) == sum(runs)
        parts, last = [], one
        for commit in [cycle for cycle in record.cycles("commit") if one <= cycle < other]:
            parts.append(sum(run[last : commit + 1]))
            last = commit + 1
        assert parts == runs
    # Every cycle in which the array stands still is counted and told.
    first = record.cycles("init")[0]
    still = [cycle for cycle in range(first, len(record)) if not (init[cycle] or run[cycle])]
    assert [cycle + 1 for cycle in record.cycles("stalled") if first <= cycle + 1 < len(record)] == still
    assert record.values("stall_cycles")[-1] in (len(still) - 1, len(still))
    assert len(still) > 20


def test_period_and_samples(make_core: Callable[..., CoreSpec]) -> None:
    bench = Bench(parse("load 0,commit,init 20,run 20,sample,run 30,sample,run 25,sample,stop"))
    record = bench.run_for(200)
    samples = record.cycles("sample")
    assert [later - earlier for earlier, later in pairwise(samples)] == [30, 25]
    for name, expected in (("period", [0, 30, 25]), ("samples", [1, 2, 3])):
        assert [record.values(name)[cycle] for cycle in samples] == expected
    assert record.values("period")[samples[0] - 1] == 0


# The array's answers


def test_an_init_waits_until_the_array_is_ready() -> None:
    bench = Bench(sample_schedule([20, 21], 12))
    marks: list[int] = []

    async def host(context: Any) -> None:
        context.set(bench.ready, 0)
        await bench.start(context)
        await wait(context, 80)
        context.set(bench.ready, 1)
        marks.append(len(bench.record))
        await wait(context, 12 + 20 + 10)

    record = bench.simulate(host)
    begun = record.cycles("init")[0]
    assert begun == marks[0] + LEAD
    waited = record.cycles("awaiting_array")
    assert waited == list(range(waited[0], marks[0]))
    # The first load and its commit went on meanwhile; no cycle counts as stalled before the first init.
    assert record.cycles("commit")[0] < begun
    assert record.values("stall_cycles")[begun] == 0
    assert record.cycles("array_lost") == []


def test_a_wait_for_the_array_between_samples_is_a_stall() -> None:
    bench = Bench(parse("load 0,commit,init 9,run 30,sample,init 9,run 30,sample,stop"))
    core = bench.core

    async def host(context: Any) -> None:
        await bench.start(context)
        # The second sample's init is held by the output first, with the array still busy in its run.
        context.set(bench.room, 0)
        while not any(bench.record.values("sample")):
            context.set(bench.room, 1 if not any(bench.record.values("init")) else 0)
            await context.tick()
        await wait(context, 5)
        context.set(bench.ready, 0)
        await wait(context, 3)
        context.set(bench.room, 1)
        await wait(context, 25)
        context.set(bench.ready, 1)
        await wait(context, 9 + 30 + core.readout_cycles + 20)

    record = bench.simulate(host)
    assert len(record.cycles("awaiting_array")) == 25
    assert record.cycles("array_lost") == record.cycles("frames.discard") == []
    assert len(record.cycles("sample")) == 2
    first, second = record.cycles("sample")
    still = [c for c in range(first, second) if not (record.values("init")[c] or record.values("run")[c])]
    assert record.values("stall_cycles")[-1] == len(still) > 25


@pytest.mark.parametrize("name", ["samples for ever", "runs before the first init"])
def test_an_array_that_is_lost_ends_the_schedule_like_a_fault(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    busy = sorted({*timeline.waves["init"], *timeline.waves["run"]})
    lost = [cycle for cycle in busy if cycle < 90]
    seen = episodes(schedule, [[(cycle, "ready")] for cycle in lost])
    for cycle, found in zip(lost, seen, strict=True):
        assert found["array_lost"] == [cycle]
        assert found["running"] == list(range(1, cycle + 1))
        assert found["stopped"] == [cycle + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(cycle), cycle
    assert len(lost) > 40


@pytest.mark.parametrize("back", [0, 1, 5])
def test_a_run_does_not_begin_on_an_array_that_was_lost_while_it_held_still(back: int) -> None:
    # The commit behind the init waits for its load, and the array drops out meanwhile.
    bench = Bench(parse("load 0,commit,load 1,init 3,commit,run 20,sample,init 3,run 9,sample,stop"))

    async def host(context: Any) -> None:
        await bench.start(context)
        while not (bench.record.cycles("init") and not bench.record.values("init")[-1]):
            await context.tick()
        context.set(bench.ready, 0)
        while not bench.record.cycles("array_lost"):
            await context.tick()
        await wait(context, back)
        context.set(bench.ready, 1)
        await wait(context, 80)

    record = bench.simulate(host, limit=400)
    assert record.cycles("run") == record.cycles("sample") == []
    assert len(record.cycles("commit")) == 2
    (lost,) = record.cycles("array_lost")
    # One cycle after the run could have begun, which is with the commit.
    assert lost == record.cycles("commit")[1]
    assert record.cycles("stopped") == record.cycles("frames.discard") == [lost + 1]


def test_a_sample_that_had_begun_is_told_to_be_discarded_and_no_other() -> None:
    schedule = ABORTED["samples for ever"]
    timeline = Timeline(schedule)
    faults = range(1, 120)
    told = []
    for fault, found in zip(faults, episodes(schedule, [[(fault, "fault")] for fault in faults]), strict=True):
        latest = max((init for init in timeline.inits if init < fault), default=None)
        open_sample = latest is not None and not any(latest < sample <= fault for sample in timeline.samples)
        assert found["frames.discard"] == ([fault + 1] if open_sample else []), fault
        told.append(open_sample)
    assert True in told
    assert False in told


def test_a_sample_that_was_latched_in_the_cycle_of_the_fault_is_not_discarded() -> None:
    schedule = ABORTED["samples for ever"]
    fault = Timeline(schedule).samples[0]
    (found,) = episodes(schedule, [[(fault, "fault")]])
    assert found["frames.discard"] == []
    assert found["sample"] == [fault + 1]


def test_a_schedule_that_stops_by_itself_discards_nothing() -> None:
    record = Bench(parse("load 0,commit,init 9,run 20,stop")).run_for(80)
    assert len(record.cycles("stopped")) == 1
    assert record.cycles("frames.discard") == []


def test_a_run_without_an_init_begins_no_sample() -> None:
    # The read-out keeps a place for the beat of one discarded sample, and only an init waits for room in it.
    schedule = ABORTED["no init"]
    seen = episodes(schedule, [[(fault, "fault")] for fault in range(1, 60)])
    assert all(found["frames.discard"] == [] for found in seen)
