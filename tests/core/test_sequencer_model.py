"""The sequencer model against a naive simulation that goes through every clock cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.instructions import Instruction, Operation
from oscc.core.sequencer_model import SequencerModel
from oscc.core.spec import ReadoutSpec
from oscc.core.spec_file import load_core

LOAD, COMMIT, INIT = Operation.LOAD, Operation.COMMIT, Operation.INIT
RUN, SAMPLE, REPEAT, STOP = Operation.RUN, Operation.SAMPLE, Operation.REPEAT, Operation.STOP

HORIZON = 600
# Every cell readable: a read-out takes almost three times as long as a load, so that either may be what is waited for.
CORE = load_core("tiny-8x8").model_copy(update={"readout": ReadoutSpec(step=(1, 1))})
LOADING, READING = CORE.load_cycles, CORE.readout_cycles


@dataclass
class Naive:
    """Counters that go down by one per cycle, as hardware would have them."""

    schedule: Sequence[Instruction]
    events: list[tuple[int, Operation, int]] = field(default_factory=list)
    stalled: list[int] = field(default_factory=list)

    def run(self, cycles: int) -> None:
        pc, fetch_timer, untimed = 0, 1 + 2, 0
        group: list[int] = []
        gathered = dead = finished = started = shadow_full = False
        done: set[int] = set()
        jumps: dict[int, int] = {}
        array_left = load_left = read_left = 0
        for now in range(cycles):
            if finished:
                return
            if not gathered and not dead:
                if fetch_timer == 0:
                    # One instruction has arrived.
                    if pc >= len(self.schedule):
                        return
                    word = self.schedule[pc]
                    inside = [self.schedule[member].operation for member in group]
                    clash = (
                        (word.operation is COMMIT and (COMMIT in inside or LOAD in inside))
                        or (word.operation is LOAD and LOAD in inside)
                        or (word.operation is SAMPLE and SAMPLE in inside)
                    )
                    if clash:
                        gathered = True
                    elif word.operation in (INIT, RUN, STOP):
                        group.append(pc)
                        pc += 1
                        gathered = True
                        untimed = 0
                    else:
                        untimed += 1
                        if untimed == 5:
                            return
                        if word.operation is REPEAT:
                            if word.count == 0:
                                pc = word.operand
                            else:
                                left = jumps.get(pc, word.count)
                                jumps[pc] = left - 1
                                if left == 0:
                                    del jumps[pc]
                                    pc += 1
                                else:
                                    pc = word.operand
                        else:
                            group.append(pc)
                            pc += 1
                    fetch_timer = 2
                fetch_timer -= 1
            if gathered and array_left == 0:
                for member in group:
                    word = self.schedule[member]
                    waiting_for_commit = any(
                        self.schedule[other].operation is COMMIT and other not in done for other in group
                    )
                    if member in done or word.operation in (INIT, RUN, STOP):
                        continue
                    if word.operation is COMMIT and shadow_full and load_left == 0:
                        shadow_full = False
                    elif word.operation is LOAD and load_left == 0 and not waiting_for_commit:
                        load_left, shadow_full = LOADING, True
                    elif word.operation is SAMPLE and read_left == 0:
                        read_left = READING
                    else:
                        continue
                    done.add(member)
                    self.events.append((now, word.operation, member))
                rest = [member for member in group if member not in done]
                if not rest or (len(rest) == 1 and self.schedule[rest[0]].operation in (INIT, RUN, STOP)):
                    if rest:
                        word = self.schedule[rest[0]]
                        self.events.append((now, word.operation, rest[0]))
                        if word.operation is STOP:
                            finished = True
                        else:
                            array_left, started = word.operand, True
                    group, done, gathered = [], set(), False
                    fetch_timer = 1 + 2 - 1
            if started and array_left == 0 and not finished:
                self.stalled.append(now)
            array_left = max(0, array_left - 1)
            load_left = max(0, load_left - 1)
            read_left = max(0, read_left - 1)


def model_events(schedule: Sequence[Instruction]) -> tuple[list[tuple[int, Operation, int]], set[int]]:
    """Events and stalled cycles of the model before the horizon."""
    sequencer = SequencerModel(schedule, CORE)
    events: list[tuple[int, Operation, int]] = []
    stalled: set[int] = set()
    while sequencer.effect < HORIZON and (step := sequencer.step()) is not None:
        stalled |= set(range(step.cycle - step.waited, step.cycle))
        for cycle, (address, instruction) in zip(step.cycles, step.group.members, strict=True):
            events.append((cycle, instruction.operation, address))
    return sorted(event for event in events if event[0] < HORIZON), stalled


@st.composite
def schedules(draw: st.DrawFn) -> list[Instruction]:
    """Any legal instructions, most of them in an order that makes some sense."""
    length = draw(st.integers(1, 14))
    single = st.one_of(
        st.builds(Instruction, st.just(LOAD), st.integers(0, 3)),
        st.builds(Instruction, st.just(COMMIT)),
        st.builds(Instruction, st.sampled_from([INIT, RUN, RUN]), st.integers(1, 40)),
        st.builds(Instruction, st.just(SAMPLE)),
        st.builds(Instruction, st.just(REPEAT), st.integers(0, length - 1), st.integers(0, 3)),
        st.just(Instruction(STOP)),
    )
    return draw(st.lists(single, min_size=length, max_size=length))


def looping(draw: st.DrawFn) -> list[Instruction]:
    """A loop in the shape of a real schedule, with durations around those at which it begins to wait."""
    length = st.integers(1, 45)
    if draw(st.booleans()):
        # The load starts while the sample beside it still waits for the latches.
        loop = [Instruction(INIT, draw(length)), Instruction(RUN, draw(length)), Instruction(LOAD), Instruction(SAMPLE)]
        return [Instruction(LOAD), Instruction(COMMIT), *loop, Instruction(COMMIT), Instruction(REPEAT, 2)]
    chunks = draw(st.integers(1, 3))
    loop = []
    for chunk in range(chunks):
        loop += [Instruction(COMMIT), Instruction(LOAD, chunk)]
        loop += [Instruction(INIT, draw(length))] if chunk == 0 else []
        loop += [Instruction(RUN, draw(length))]
    return [Instruction(LOAD), *loop, Instruction(SAMPLE), Instruction(REPEAT, 1, draw(st.integers(0, 5)))]


def agree(schedule: list[Instruction]) -> None:
    naive = Naive(schedule)
    naive.run(HORIZON)
    events, stalled = model_events(schedule)
    assert sorted(naive.events) == events
    # After its last event the naive machine may be waiting for something that never comes.
    last = max((cycle for cycle, _, _ in events), default=0)
    assert {cycle for cycle in naive.stalled if cycle < last} == {cycle for cycle in stalled if cycle < last}


@settings(max_examples=400, deadline=None)
@given(schedules())
def test_any_schedule_takes_effect_as_counters_would_have_it(schedule: list[Instruction]) -> None:
    agree(schedule)


@settings(max_examples=200, deadline=None)
@given(st.composite(looping)())
def test_sample_loops_take_effect_and_stall_as_counters_would_have_it(schedule: list[Instruction]) -> None:
    agree(schedule)


def step_all(*instructions: Instruction) -> tuple[SequencerModel, list[tuple[int, ...]]]:
    sequencer = SequencerModel(instructions, CORE)
    cycles: list[tuple[int, ...]] = []
    while (step := sequencer.step()) is not None and len(cycles) < 50:
        cycles.append(step.cycles)
    return sequencer, cycles


def test_the_first_group_needs_its_fetch() -> None:
    # A cycle of latency and two per instruction: load, then a commit that conflicts with it.
    _, cycles = step_all(Instruction(LOAD), Instruction(COMMIT), Instruction(RUN, 5), Instruction(STOP))
    assert cycles[0] == (1 + 2 * 2,)
    # The commit waits for the load, not for its fetch.
    assert cycles[1] == (5 + LOADING, 5 + LOADING)


def test_a_load_behind_a_commit_starts_with_it() -> None:
    _, cycles = step_all(
        Instruction(LOAD), Instruction(COMMIT), Instruction(LOAD, 1), Instruction(RUN, 100), Instruction(STOP)
    )
    assert len(set(cycles[1])) == 1


def test_a_sample_does_not_wait_for_the_commit_beside_it() -> None:
    short = LOADING - 2
    sequencer, cycles = step_all(
        Instruction(LOAD),
        Instruction(COMMIT),
        Instruction(LOAD, 1),
        Instruction(INIT, 1),
        Instruction(RUN, 1),
        Instruction(SAMPLE),
        Instruction(COMMIT),
        Instruction(RUN, short),
        Instruction(STOP),
    )
    sample, commit, run = cycles[3]
    begin = cycles[1][0]
    assert commit == run == begin + LOADING
    assert sample < commit
    assert not sequencer.faults


@pytest.mark.parametrize("count", [4, 5])
def test_more_than_four_untimed_instructions_end_it(count: int) -> None:
    loads = [Instruction(LOAD)] * count
    sequencer, _ = step_all(*loads, Instruction(RUN, 5), Instruction(STOP))
    assert [kind.code for kind, _ in sequencer.faults] == (["T010"] if count == 4 else ["T003"])


def test_faults_name_what_happened() -> None:
    sequencer, cycles = step_all(
        Instruction(RUN, 9), Instruction(SAMPLE), Instruction(INIT, 9), Instruction(SAMPLE), Instruction(STOP)
    )
    assert [(fault.code, fault.message) for fault in sequencer.faults.values()] == [
        ("T010", "instruction 0 runs, but no chunk was committed before it"),
        ("T005", "instruction 1 samples without an init"),
        ("T005", "instruction 3 samples without a run since its init"),
    ]
    assert len(cycles) == 3


def test_a_commit_without_a_load_waits_for_ever() -> None:
    sequencer, cycles = step_all(
        Instruction(LOAD), Instruction(COMMIT), Instruction(RUN, 50), Instruction(COMMIT), Instruction(RUN, 50)
    )
    assert [fault.code for fault in sequencer.faults.values()] == ["T004"]
    assert cycles[-1] == ()
    assert sequencer.stopped


def test_finite_repeats_nest() -> None:
    schedule = [Instruction(RUN, 9), Instruction(REPEAT, 0, 2), Instruction(REPEAT, 0, 1), Instruction(STOP)]
    _, cycles = step_all(*schedule)
    # Three runs per inner loop, twice; then stop.
    assert len(cycles) == 6 + 1


def test_state_forgets_what_no_longer_matters() -> None:
    schedule = [Instruction(LOAD), Instruction(COMMIT), Instruction(RUN, LOADING + 1), Instruction(REPEAT, 2)]
    sequencer = SequencerModel(schedule, CORE)
    steps = [sequencer.step() for _ in range(3)]
    early = sequencer.state()
    steps.append(sequencer.step())
    assert sequencer.state() == early
    assert all(step is not None for step in steps)
