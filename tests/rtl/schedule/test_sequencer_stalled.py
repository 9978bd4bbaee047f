"""STATUS.stalled: every way in which a schedule can hold still is told while it lasts."""

from __future__ import annotations

from typing import Any

import pytest

from oscc.rtl.bench.simulation import wait
from tests.rtl.schedule.sequencer_bench import LEAD, Bench, parse

ONE = "load 0,commit,init 9,run 20,sample,stop"


@pytest.mark.parametrize("input_", ["ready", "room"])
def test_the_first_init_of_a_start_waits_stalled(input_: str) -> None:
    bench = Bench(parse(ONE))

    async def host(context: Any) -> None:
        context.set(getattr(bench, input_), 0)
        await bench.start(context)
        await wait(context, 80)
        context.set(getattr(bench, input_), 1)
        await wait(context, 60)

    record = bench.simulate(host)
    (commit,) = record.cycles("commit")
    begun = record.cycles("init")[0]
    # From the commit, which stands in one group with the init, until the init is let go.
    assert record.cycles("stalled")[-1] == begun - LEAD
    assert set(range(commit + 1, begun - LEAD + 1)) <= set(record.cycles("stalled"))
    assert begun - commit > 40
    # The register counts from the first init on: what comes before it delays no sample.
    assert record.values("stall_cycles")[-1] == 0


def test_the_first_commit_waits_for_its_load_stalled() -> None:
    bench = Bench(parse(ONE))
    record = bench.run_for(120)
    (load,) = record.cycles("load.start")
    (complete,) = [c for c in record.cycles("complete") if not record.values("complete")[c - 1]]
    stalled = [cycle for cycle in record.cycles("stalled") if cycle <= complete]
    # A load and its commit are two groups; the second is fetched while the loader works.
    assert stalled == list(range(stalled[0], complete + 1))
    assert load < stalled[0] < complete - 1
    assert record.cycles("stalled") == stalled


def test_a_sample_before_anything_is_timed_waits_for_the_latches_stalled() -> None:
    bench = Bench(parse("sample,sample,run 9,stop"))

    async def host(context: Any) -> None:
        await bench.start(context)
        while not bench.record.cycles("frames.start"):
            await context.tick()
        context.set(bench.hold, 1)
        await wait(context, 40)
        context.set(bench.hold, 0)
        await wait(context, 80)

    record = bench.simulate(host)
    first, second = record.cycles("frames.start")
    stalled = [cycle for cycle in record.cycles("stalled") if cycle < second]
    assert stalled == list(range(stalled[0], second))
    assert first < stalled[0] < first + 10 < second - 30


def test_a_schedule_that_does_not_wait_is_never_stalled() -> None:
    # Its first group needs neither a load nor a commit, and every run covers the fetch of what follows.
    record = Bench(parse("init 20,run 40,sample,run 40,sample,stop")).run_for(200)
    assert record.cycles("sample")
    # Behind the last sample, the stop takes effect at once.
    assert record.cycles("stalled") == []


def test_neither_the_check_nor_an_idle_core_is_stalled() -> None:
    bench = Bench(parse(ONE))
    record = bench.run_for(200)
    running = set(record.cycles("running"))
    assert set(record.cycles("stalled")) < running
    assert min(record.cycles("stalled")) > min(running) + len(bench.words)
