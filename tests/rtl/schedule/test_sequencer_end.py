from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction
from oscc.rtl.bench.simulation import wait
from tests.rtl.schedule.sequencer_bench import ABORTED, COMMIT, TINY, Bench, Plan, Timeline, episodes, parse


@pytest.mark.parametrize("schedule", ABORTED.values(), ids=ABORTED.keys())
def test_abort_in_every_cycle_ends_after_the_present_sample(schedule: list[Instruction]) -> None:
    timeline = Timeline(schedule)
    aborts = range(1, 100)
    seen = episodes(schedule, [[(abort, "abort")] for abort in aborts])
    for abort, found in zip(aborts, seen, strict=True):
        end = timeline.end_after_abort(abort)
        assert found["running"] == list(range(1, end + 1)), f"abort in cycle {abort}"
        assert found["stopped"] == [end + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(end), f"abort in cycle {abort}"


@pytest.mark.parametrize("name", ["samples for ever", "no init", "runs before the first init"])
def test_a_second_abort_ends_at_once_in_every_state(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    generator = random.Random(name)
    plans: list[Plan] = []
    for second in range(2, 90):
        first = generator.randrange(1, second)
        plans.append([(first, "abort"), (second, "abort")])
    for plan, found in zip(plans, episodes(schedule, plans), strict=True):
        end = min(plan[1][0], timeline.end_after_abort(plan[0][0]))
        assert found["running"] == list(range(1, end + 1)), plan
        assert found["stopped"] == [end + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(end), plan


@pytest.mark.parametrize("name", ["samples for ever", "runs before the first init"])
def test_a_fault_ends_at_once_in_every_state(name: str) -> None:
    schedule = ABORTED[name]
    timeline = Timeline(schedule)
    faults = range(1, 90)
    seen = episodes(schedule, [[(fault, "fault")] for fault in faults])
    for fault, found in zip(faults, seen, strict=True):
        # Also while the schedule is still being checked: it does not start behind the fault.
        assert found["running"] == list(range(1, fault + 1))
        assert found["stopped"] == [fault + 1]
        assert {name: found[name] for name in timeline.waves} == timeline.waves_until(fault), fault


@pytest.mark.parametrize("schedule", [parse("repeat 0 0"), [0]], ids=["an overrun, were it fetched", "illegal"])
def test_nothing_is_told_of_a_schedule_behind_a_fault_during_its_check(schedule: Sequence[Any]) -> None:
    bench = Bench(schedule)

    async def host(context: Any) -> None:
        await bench.start(context)
        await bench.pulse(context, "fault")
        await wait(context, 40)

    record = bench.simulate(host)
    assert record.cycles("running") == [1]
    assert record.cycles("stopped") == [2]
    assert record.cycles("overrun") == record.cycles("illegal") == []


def test_abort_and_fault_do_nothing_while_nothing_runs() -> None:
    bench = Bench(parse("load 0,commit,init 9,run 20,sample,stop"))

    async def host(context: Any) -> None:
        for name in ("abort", "abort", "fault"):
            await bench.pulse(context, name)
            await wait(context, 3)
        await bench.start(context)
        await wait(context, 100)
        await bench.pulse(context, "abort")
        await wait(context, 10)

    record = bench.simulate(host)
    assert len(record.cycles("stopped")) == 1
    assert len(record.cycles("sample")) == 1


def test_an_abort_that_comes_with_the_start_lets_the_first_sample_happen() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        context.set(bench.sequencer.abort, 1)
        await bench.start(context)
        context.set(bench.sequencer.abort, 0)
        await wait(context, 200)

    record = bench.simulate(host)
    assert len(record.cycles("sample")) == 1
    assert record.cycles("stopped") == record.cycles("sample")


def test_the_length_is_taken_at_the_start() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        await bench.start(context)
        context.set(bench.sequencer.length, 2)
        await wait(context, 100)

    record = bench.simulate(host)
    assert record.cycles("illegal") == []
    assert record.cycles("sample")


def test_start_is_ignored_while_running() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        await bench.start(context)
        for _ in range(6):
            await wait(context, 30)
            await bench.pulse(context, "start")

    record = bench.simulate(host)
    assert record.cycles("running") == list(range(1, len(record)))
    assert record.values("samples")[-1] == len(record.cycles("sample")) > 1


@pytest.mark.parametrize(
    ("word", "address"),
    [(0, 0), (0x8000_0000, 2), (0x4000_0000, 1), (0x2000_0004, 3), (0x7000_0004, 3), (0x3000_0000, 3)],
)
def test_an_illegal_schedule_does_not_start_and_its_address_is_told(word: int, address: int) -> None:
    words = [item.encode() for item in parse("load 0,commit,init 9,stop")]
    words[address] = word
    record = Bench(words).run_for(60)
    assert record.cycles("illegal") == [3 + 3 + address]
    assert record.cycles("running") == list(range(4, 3 + 4 + address))
    assert record.cycles("stopped") == [3 + 4 + address]
    assert record.values("bad_address")[-1] == address
    assert not any(record.cycles(name) for name in ("init", "run", "sample", "commit", "load.start", "overrun"))


@pytest.mark.parametrize(
    "text",
    ["load 0,commit,init 9,run 40,repeat 0 4", "init 30,sample,load 0,commit,repeat 0 1", "repeat 0 0"],
)
def test_a_loop_without_duration_is_an_overrun_and_ends(text: str) -> None:
    record = Bench(parse(text)).run_for(150)
    ((overrun,),) = [record.cycles("overrun")]
    assert record.cycles("stopped") == [overrun + 1]
    assert record.cycles("running")[-1] == overrun
    assert not any(record.values(name)[cycle] for name in ("init", "run") for cycle in range(overrun + 2, len(record)))


def test_the_sequencer_can_be_started_again_after_each_kind_of_end() -> None:
    schedule = parse("load 0,commit,init 9,run 20,sample,repeat 2 2,stop")
    plans: list[Plan] = [[], [(40, "abort")], [], [(30, "fault")], [], [(10, "abort"), (12, "abort")], []]
    seen = episodes(schedule, plans)
    assert seen[0] == seen[2] == seen[4] == seen[6]
    assert len(seen[0]["sample"]) == 3


def test_what_was_loaded_for_the_schedule_before_is_not_committed() -> None:
    schedule = parse("load 1,init 1,run 4,stop")
    bench = Bench(schedule)

    async def host(context: Any) -> None:
        await bench.start(context)
        await wait(context, 60)
        # The second schedule commits without a load of its own.
        for address, instruction in enumerate(parse("run 5,commit,run 6,stop")):
            context.set(bench.memory.data[address], instruction.encode())
        await bench.start(context)
        await wait(context, 100)

    record = bench.simulate(host)
    second = record.cycles("start")[1]
    assert record.values("complete")[second]
    assert record.cycles("commit") == []
    assert len([cycle for cycle in record.cycles("run") if cycle > second]) == 5
    (told,) = record.cycles("nothing_loaded")
    assert record.cycles("stopped")[1:] == [told + 1]
    assert record.values("running")[-1] == record.values("stalled")[-1] == 0


def test_a_commit_waits_for_a_load_of_the_schedule_before_before_it_is_refused() -> None:
    # The load is still under way when the second schedule gets to its commit.
    bench = Bench(parse("load 1,init 1,stop"), TINY)

    async def host(context: Any) -> None:
        await bench.start(context)
        while not any(bench.record.values("stopped")):
            await context.tick()
        context.set(bench.memory.data[0], Instruction(COMMIT).encode())
        await bench.start(context)
        await wait(context, 60)

    record = bench.simulate(host)
    assert record.cycles("commit") == []
    (told,) = record.cycles("nothing_loaded")
    assert record.cycles("stopped")[-1] == told + 1
