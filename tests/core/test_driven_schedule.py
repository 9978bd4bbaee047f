"""Schedules with feeds and settles, each time worked out by hand from the rules in the manual."""

from __future__ import annotations

import pytest

from oscc.core.driven_times import DriveTimes
from oscc.core.instructions import Instruction, Operation, Source
from oscc.core.schedule_proof import diagnose_schedule, period_bounds, trace_schedule
from oscc.core.sequencer_model import SequencerModel
from oscc.core.spec_file import load_core

CORE = load_core("driven-8x8")
LOAD, WALK = 8 + 7, 8 * (1 + 3) + 1
LOOK = 8 * (1 + 3) + 8
"""Cycles of a load, of a walk over the frame and of a look over all of its rows."""

INPUTS = 20
FEEDBACK = INPUTS + 8
DRIVE = DriveTimes(INPUTS, 8)
COMMIT, INIT = Instruction(Operation.COMMIT), Instruction(Operation.INIT, 64)
SAMPLE, QUIET = Instruction(Operation.SAMPLE), Instruction(Operation.SAMPLE, 1)


def load(chunk: int) -> Instruction:
    return Instruction(Operation.LOAD, chunk)


def run(cycles: int) -> Instruction:
    return Instruction(Operation.RUN, cycles)


def settle(most: int) -> Instruction:
    return Instruction(Operation.SETTLE, most)


def with_feedback(walk: int = WALK, feed: int = FEEDBACK, loading: int = LOAD) -> tuple[Instruction, ...]:
    """Two chunks that settle: the first is fed by the host, the second by the rest point of the first."""
    loop = [COMMIT, INIT, settle(900), QUIET, run(walk), Instruction.feed(Source.FEEDBACK, 1), run(feed)]
    loop += [load(1), run(loading), COMMIT, Instruction.feed(Source.STREAM), load(0), settle(900), SAMPLE]
    return (Instruction.feed(Source.STREAM), load(0), *loop, Instruction(Operation.REPEAT, 2))


def test_nothing_waits_and_the_period_is_an_interval() -> None:
    assert list(diagnose_schedule(with_feedback(), CORE, DRIVE)) == []
    between = 64 + WALK + FEEDBACK + LOAD
    assert period_bounds(with_feedback(), CORE, DRIVE) == (between + 2 * 3 * LOOK, between + 2 * 900)
    trace = trace_schedule(with_feedback(), CORE, 2, DRIVE)
    assert trace.stalled == 0
    assert trace.cycles_per_sample == between + 2 * 3 * LOOK


@pytest.mark.parametrize(
    ("runs", "missing", "cause"),
    [
        ({"walk": WALK - 1}, 1, "feed"),
        ({"feed": FEEDBACK - 3}, 3, "load"),
        ({"loading": LOAD - 2}, 2, "commit"),
    ],
)
def test_runs_that_do_not_cover_what_goes_on_meanwhile(runs: dict[str, int], missing: int, cause: str) -> None:
    (finding,) = diagnose_schedule(with_feedback(**runs), CORE, DRIVE)
    assert finding.witness["missing_cycles"] == missing
    assert finding.witness["cause"] == cause


def test_the_looks_decide_how_long_a_settle_lasts() -> None:
    instructions = (load(0), COMMIT, INIT, settle(10 * LOOK), SAMPLE, run(200), SAMPLE, Instruction(Operation.STOP))

    def length(looks: int) -> int:
        model = SequencerModel(instructions, CORE, DRIVE, lambda number: looks)
        return next(step.length for step in iter(model.step, None) if step.group.has(Operation.SETTLE))

    assert [length(looks) for looks in (3, 7, 10, 11, 0)] == [3 * LOOK, 7 * LOOK, 10 * LOOK, 10 * LOOK, 10 * LOOK]


def test_the_first_look_waits_for_the_walk_of_the_frame_before() -> None:
    instructions = (load(0), COMMIT, INIT, run(100), SAMPLE, settle(900), Instruction(Operation.STOP))
    model = SequencerModel(instructions, CORE, DRIVE)
    lengths = [step.length for step in iter(model.step, None)]
    assert lengths == [0, 64, 100, WALK + 3 * LOOK, 0]


def test_a_sample_and_a_settle_wait_for_feedback_under_way() -> None:
    after = (Instruction.feed(Source.FEEDBACK, 1), run(10))
    for last, cause in ((SAMPLE, "sample"), (settle(900), "settle")):
        instructions = (load(0), COMMIT, INIT, run(100), QUIET, run(WALK), *after, last, run(50), SAMPLE)
        steps = list(iter(SequencerModel((*instructions, Instruction(Operation.STOP)), CORE, DRIVE).step, None))
        waits = [(step.waited, step.cause) for step in steps if step.waited]
        assert waits[0] == (FEEDBACK - 10, cause)


def test_a_feed_behind_a_load_or_a_feed_begins_a_group() -> None:
    stream = Instruction.feed(Source.STREAM)
    model = SequencerModel((stream, stream, load(0), stream, COMMIT, INIT), CORE, DRIVE)
    groups = [step.group.members for step in iter(model.step, None)]
    assert [len(members) for members in groups] == [1, 2]
    assert [str(member) for _, member in groups[1]] == ["feed stream", "load 0"]


def test_a_core_without_inputs_has_no_such_instructions() -> None:
    plain = load_core("tiny-8x8")
    findings = list(diagnose_schedule(with_feedback(), plain, DRIVE))
    assert {finding.code for finding in findings} == {"T001"}
    assert "tiny-8x8 has no inputs" in findings[0].message
    (finding,) = diagnose_schedule((Instruction.feed(Source.FEEDBACK, 2), Instruction(Operation.STOP)), CORE, DRIVE)
    assert finding.message == "instruction 0 (feed feedback 2): the core has chunks 0..1"
