from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from oscc.compiler.passes.schedule import sample_schedule
from oscc.core.instructions import Instruction
from oscc.core.schedule_proof import diagnose_schedule, trace_schedule
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import wait
from tests.rtl.schedule.sequencer_bench import (
    COMMIT,
    INIT,
    LOAD,
    REPEAT,
    RUN,
    SAMPLE,
    SMALL,
    STOP,
    TINY,
    Bench,
    compare,
    parse,
    span_of,
)

EXAMPLES = {
    "four chunks": sample_schedule([20, 21, 22, 23], 64),
    "one chunk": sample_schedule([30], 20),
    "every commit waits": sample_schedule([3, 2, 1], 2),
    "every sample waits": sample_schedule([5], 4),
    "fetch is too slow": sample_schedule([1], 1),
    "two samples of the same run": parse("load 0,commit,init 9,run 7,sample,run 5,sample,repeat 0 2"),
    "sample and init alone": parse("load 0,commit,init 9,sample,init 1,sample,repeat 3 2,stop"),
    "runs in a row": parse("load 0,commit,init 9,run 7,run 8,run 1,run 1,sample,stop"),
    "nested repeats": parse("load 0,commit,init 8,run 9,load 1,commit,run 12,repeat 2 3,sample,repeat 1 2,stop"),
    "load behind a busy load": parse("load 0,commit,load 1,init 5,load 2,run 30,commit,load 3,sample,run 2,stop"),
    "commit, load and sample wait one by one": parse(
        "load 0,commit,load 1,init 1,run 1,sample,run 2,sample,commit,load 2,run 3,stop"
    ),
    "nothing": parse("stop"),
    "no time at all": parse("load 1,commit,stop"),
    "sample before the latches are free, then the end": parse("load 0,commit,init 2,run 2,sample,run 3,sample,stop"),
}


@pytest.mark.parametrize("schedule", EXAMPLES.values(), ids=EXAMPLES.keys())
@pytest.mark.parametrize("core", [SMALL, TINY], ids=["small", "tiny"])
def test_every_strobe_in_its_cycle(schedule: list[Instruction], core: CoreSpec) -> None:
    record = compare(schedule, core, trace_schedule(schedule, core, samples=4))
    assert not any(record.cycles(name) for name in ("illegal", "overrun"))


def accepted(schedule: Sequence[Instruction]) -> list[Instruction]:
    """A schedule that the hardware lets start: with runs put in where five without duration would stand in a row."""
    spaced: list[Instruction] = []
    in_a_row = 0
    for instruction in schedule:
        in_a_row = 0 if instruction.is_timed or instruction.operation is STOP else in_a_row + 1
        if in_a_row > 4:
            spaced.append(Instruction(RUN, 3))
            in_a_row = 1
        spaced.append(instruction)
    return spaced


TIMED = st.builds(Instruction, st.sampled_from([INIT, RUN]), st.integers(1, 25))
UNTIMED = st.one_of(
    st.builds(Instruction, st.sampled_from([COMMIT, SAMPLE])),
    st.builds(Instruction, st.just(LOAD), st.integers(0, 3)),
)


@st.composite
def schedules(draw: st.DrawFn) -> list[Instruction]:
    """What the hardware accepts: every load is followed by a commit sooner or later, repeats are nested."""
    blocks: list[list[Instruction]] = [[Instruction(LOAD, draw(st.integers(0, 3))), Instruction(COMMIT)]]
    for _ in range(draw(st.integers(1, 4))):
        block = [draw(TIMED) for _ in range(draw(st.integers(1, 3)))]
        if draw(st.booleans()):
            load, commit = sorted(draw(st.tuples(st.integers(0, len(block)), st.integers(0, len(block)))))
            block.insert(commit, Instruction(COMMIT))
            block.insert(load, Instruction(LOAD, draw(st.integers(0, 3))))
        if draw(st.booleans()):
            block.insert(draw(st.integers(0, len(block))), Instruction(SAMPLE))
        if draw(st.booleans()):
            block.append(draw(TIMED))
        blocks.append(block)
    schedule: list[Instruction] = []
    starts = []
    for block in blocks:
        starts.append(len(schedule))
        schedule += block
        if len(starts) > 1 and draw(st.integers(0, 2)) == 0:
            target = draw(st.sampled_from(starts[1:]))
            schedule.append(Instruction(REPEAT, target, draw(st.integers(1, 2))))
    return accepted([*schedule, draw(st.sampled_from([Instruction(STOP), Instruction(REPEAT, starts[1])]))])


@settings(deadline=None, max_examples=40)
@given(schedule=schedules(), samples=st.integers(1, 4))
def test_random_schedules_land_on_the_predicted_cycles(schedule: list[Instruction], samples: int) -> None:
    trace = trace_schedule(schedule, SMALL, samples)
    assume(span_of(trace) < 1500)
    compare(schedule, SMALL, trace)


@st.composite
def wild_schedules(draw: st.DrawFn) -> list[Instruction]:
    body = draw(st.lists(st.one_of(TIMED, TIMED, UNTIMED), min_size=2, max_size=10))
    for _ in range(draw(st.integers(0, 2))):
        target, count = draw(st.integers(0, len(body) - 1)), draw(st.integers(0, 2))
        body.insert(draw(st.integers(0, len(body))), Instruction(REPEAT, target, count))
    return accepted([*body, draw(st.sampled_from([Instruction(STOP), Instruction(REPEAT, 0)]))])


@settings(deadline=None, max_examples=40)
@given(schedule=wild_schedules())
def test_wild_schedules_do_what_the_model_says_as_long_as_it_goes_on(schedule: list[Instruction]) -> None:
    trace = trace_schedule(schedule, SMALL, samples=3)
    assume(span_of(trace) < 1000)
    # The trace does not count the cycles of a commit for which nothing was loaded.
    unloaded = any(finding.code == "T004" for finding in diagnose_schedule(schedule, SMALL))
    record = compare(schedule, SMALL, trace, counters_too=not unloaded)
    if unloaded:
        (told,) = record.cycles("nothing_loaded")
        assert record.cycles("stopped") == [told + 1]
        assert not record.values("running")[told + 1]
    else:
        assert record.cycles("nothing_loaded") == []


def test_the_first_effect_comes_after_the_check_and_a_fetch() -> None:
    schedule = parse("init 5,run 6,stop")
    record = Bench(schedule).run_for(60)
    good = 3 + len(schedule) + 2
    # Fetched in 1 + 2 cycles; the outputs leave a register, so they follow two cycles after the group was let go.
    assert record.cycles("init") == list(range(good + 3 + 2, good + 3 + 2 + 5))
    assert record.cycles("run") == list(range(good + 3 + 7, good + 3 + 7 + 6))


@pytest.mark.parametrize("cycles", [1, 2, 3, 7, 40])
def test_a_run_lasts_exactly_as_long_as_it_says(cycles: int) -> None:
    record = Bench(parse(f"init 9,run {cycles},init 9,stop")).run_for(80)
    init = record.cycles("init")
    assert record.cycles("run") == list(range(init[8] + 1, init[8] + 1 + cycles))
    assert record.cycles("stopped") == [init[-1]]


@pytest.mark.parametrize("fetched", [1, 2, 3, 4, 5])
def test_no_stall_when_a_timed_instruction_covers_the_fetch(fetched: int) -> None:
    between = ["sample", "load 1", "repeat 1 0", "repeat 1 0"][: fetched - 1]
    for cycles, stalled in ((1 + 2 * fetched, 0), (2 * fetched, 1)):
        # Enough of everything else: only the fetch of what follows the second run can be late.
        schedule = parse(",".join(["run 60", f"run {cycles}", *between, "run 60", "stop"]))
        schedule = [
            Instruction(REPEAT, address + 1, 1) if instruction.operation is REPEAT else instruction
            for address, instruction in enumerate(schedule)
        ]
        record = Bench(schedule).run_for(300)
        # A repeat to the next instruction is taken once and passed by the jump: it is fetched a single time.
        assert record.values("stall_cycles")[-1] == stalled
        assert len(record.cycles("run")) == 120 + cycles


def test_sample_numbers_begin_with_the_first_and_count_on() -> None:
    bench = Bench(sample_schedule([20, 21], 18))

    async def host(context: Any) -> None:
        for first in (41, 2**32 - 1):
            await bench.start(context, first)
            await wait(context, 300)
            await bench.pulse(context, "abort")
            await wait(context, 100)

    record = bench.simulate(host)
    number, init = record.values("sample_number"), record.values("init")
    begun = [number[cycle] for cycle in record.cycles("init") if not init[cycle - 1]]
    second = begun.index(2**32 - 1)
    assert begun[:second] == list(range(41, 41 + second))
    assert begun[second:] == [2**32 - 1, *range(len(begun) - second - 1)]
    assert second > 4


def test_the_sample_number_stands_still_while_init_is_high() -> None:
    # A sample right behind an init acts in the init's last cycle, and the next init follows without a gap: to the array
    # they are one.
    schedule = parse("load 0,commit,init 20,sample,init 20,sample,init 20,run 20,sample,init 9,run 9,stop")
    record = Bench(schedule).run_for(200)
    init, numbers = record.cycles("init"), record.values("sample_number")
    assert [numbers[cycle] for cycle in init] == [0] * 60 + [3] * 9
    # It has caught up with the samples as soon as the init is over.
    assert numbers[init[59] + 1] == 2
    assert record.values("samples")[-1] == 3


def test_the_sample_number_of_an_endless_init_never_moves() -> None:
    record = Bench(parse("load 0,commit,init 20,sample,init 20,sample,repeat 0 2")).run_for(200)
    assert {record.values("sample_number")[cycle] for cycle in record.cycles("init")} == {0}
    assert record.values("samples")[-1] > 5
