from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import FindingError, is_empty, raise_first
from oscc.compiler.passes.schedule import sample_schedule
from oscc.core import schedule_proof as schedule_timing
from oscc.core.instructions import Instruction, Operation
from oscc.core.schedule_proof import diagnose_schedule, trace_schedule
from oscc.core.spec_file import load_core

LOAD, COMMIT, INIT = Operation.LOAD, Operation.COMMIT, Operation.INIT
RUN, SAMPLE, REPEAT, STOP = Operation.RUN, Operation.SAMPLE, Operation.REPEAT, Operation.STOP

CORE = load_core("tiny-8x8")


def parse(text: str) -> list[Instruction]:
    """A schedule from lines such as ``run 20`` or ``repeat 3 1`` (count, target)."""
    schedule = []
    for line in text.strip().splitlines():
        name, *numbers = line.split()
        values = [int(number) for number in numbers]
        kind = Operation[name.upper()]
        schedule.append(Instruction(kind, values[-1], values[0]) if kind is REPEAT else Instruction(kind, *values))
    return schedule


ONCE = """
load 0
commit
init 64
run 30
sample
stop
"""


def codes(schedule: Sequence[Instruction]) -> list[str]:
    return [finding.code for finding in diagnose_schedule(schedule, CORE)]


@settings(deadline=None)
@given(runs=st.lists(st.integers(20, 300), min_size=1, max_size=4), init=st.integers(12, 90))
def test_back_to_back_samples_take_init_and_runs_and_not_a_cycle_more(runs: list[int], init: int) -> None:
    trace = trace_schedule(sample_schedule(runs, init), CORE, samples=4)
    period = init + sum(runs)
    assert trace.samples == (period, 2 * period, 3 * period, 4 * period)
    assert trace.cycles_per_sample == period
    assert trace.stalled == 0


@settings(deadline=None, max_examples=60)
@given(runs=st.lists(st.integers(1, 30), min_size=1, max_size=4), init=st.integers(1, 30))
def test_findings_about_waiting_say_what_a_long_trace_shows(runs: list[int], init: int) -> None:
    schedule = sample_schedule(runs, init)
    long, longer = (trace_schedule(schedule, CORE, samples=n) for n in (40, 80))
    per_sample = (longer.stalled - long.stalled) / 40
    findings = list(diagnose_schedule(schedule, CORE))
    assert sum(finding.witness["missing_cycles"] for finding in findings) == pytest.approx(per_sample)
    assert is_empty(diagnose_schedule(schedule, CORE)) == (per_sample == 0)
    assert {finding.code for finding in findings} <= {"T006", "T007"}
    # No sample takes longer than was stated, once the first ones are past.
    gaps = [later - earlier for earlier, later in pairwise(longer.samples[10:])]
    assert longer.cycles_per_sample == max(gaps)


def test_the_trace_of_four_chunks_is_that_of_the_design() -> None:
    trace = trace_schedule(sample_schedule([20, 21, 22, 23], 64), CORE, samples=1)
    listed = [(event.cycle, event.operation.name, event.operand) for event in trace.events]
    assert listed == [
        (-CORE.load_cycles, "LOAD", 0),
        (0, "COMMIT", 0),
        (0, "LOAD", 1),
        (0, "INIT", 64),
        (64, "RUN", 20),
        (84, "COMMIT", 0),
        (84, "LOAD", 2),
        (84, "RUN", 21),
        (105, "COMMIT", 0),
        (105, "LOAD", 3),
        (105, "RUN", 22),
        (127, "COMMIT", 0),
        (127, "LOAD", 0),
        (127, "RUN", 23),
        (150, "SAMPLE", 0),
        (150, "COMMIT", 0),
        (150, "LOAD", 1),
        (150, "INIT", 64),
    ]
    assert [event.address for event in trace.events[:5]] == [0, 1, 2, 3, 4]


def test_commit_that_waits_is_found_with_what_is_missing() -> None:
    schedule = sample_schedule([64, CORE.load_cycles - 3], 64)
    (finding,) = diagnose_schedule(schedule, CORE)
    assert finding.code == "T006"
    assert finding.message == (
        "instruction 1 (commit) waits 3 cycles in every round of the endless repeat: its load is not complete"
    )
    assert finding.witness == {"instruction": 1, "missing_cycles": 3, "cause": "commit"}
    assert finding.proof
    with pytest.raises(FindingError, match=r"^T006: instruction 1"):
        raise_first(diagnose_schedule(schedule, CORE))
    assert trace_schedule(schedule, CORE, samples=2).stalled == 2 * 3


def test_read_out_that_is_not_done_is_found() -> None:
    core = load_core("ising-56x56")
    missing = core.readout_cycles - 64 - 100
    (finding,) = diagnose_schedule(sample_schedule([100], 64), core)
    assert finding.code == "T007"
    assert finding.message == (
        f"instruction 4 (sample) waits {missing} cycles in every round of the endless repeat: the latches still "
        "hold the frame before"
    )


def test_fetch_that_is_too_slow_is_found() -> None:
    findings = list(diagnose_schedule(sample_schedule([100], 2), CORE))
    # One instruction is fetched in 1 + 2 cycles, an init of 2 does not cover it.
    assert [(f.code, f.witness["missing_cycles"], f.witness["cause"]) for f in findings] == [("T007", 1, "fetch")]


def test_loader_that_is_busy_is_found() -> None:
    schedule = parse("load 0\ncommit\nload 1\ninit 64\nrun 5\nload 2\nrun 5\nload 3\nrun 64\nsample\nrepeat 0 1")
    findings = [finding for finding in diagnose_schedule(schedule, CORE) if finding.code != "T006"]
    assert [(f.code, f.witness["instruction"], f.witness["cause"]) for f in findings] == [("T007", 7, "load")]


def test_period_over_the_budget_is_found() -> None:
    (finding,) = diagnose_schedule(sample_schedule([500, 500], 64), CORE)
    assert (finding.code, finding.witness) == ("T008", {"cycles": 1064, "cycles_per_sample": 1000})


def test_good_schedules_have_no_findings() -> None:
    for schedule in (parse(ONCE), sample_schedule([20] * 4, 64), sample_schedule([30], 20)):
        assert codes(schedule) == []
        raise_first(diagnose_schedule(schedule, CORE))


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("load 0", "load 4", "T001", "instruction 0 (load 4): the core has chunks 0..3"),
        ("stop", "repeat 0 6", "T001", "instruction 5 (repeat for ever, 6): the schedule has instructions 0..5"),
        ("stop", "repeat 3 0", "T002", "the last instruction (repeat 3, 0) is neither stop nor an endless repeat"),
        (
            "sample",
            "load 1\ncommit\nload 2\ncommit\nload 3\nrun 9",
            "T003",
            "instruction 8 (load 3) is the 5th without duration in a row; at most 4 may follow each other",
        ),
        ("load 0\n", "", "T004", "instruction 0 commits, but no chunk was loaded since the commit before"),
        ("run 30\n", "", "T005", "instruction 3 samples without a run since its init"),
        ("init 64\n", "", "T005", "instruction 3 samples without an init"),
        ("load 0\ncommit\n", "", "T010", "instruction 1 runs, but no chunk was committed before it"),
    ],
)
def test_each_fault_is_found(old: str, new: str, code: str, message: str) -> None:
    found = list(diagnose_schedule(parse(ONCE.replace(old, new)), CORE))
    assert code in [finding.code for finding in found]
    assert next(f for f in found if f.code == code).message.startswith(message)
    assert not is_empty(diagnose_schedule(parse(ONCE.replace(old, new)), CORE))


def test_too_many_untimed_over_a_repeat_are_found() -> None:
    # Two before the jump, the jump, and two behind it: five, though never more than four stand together.
    schedule = parse("load 0\ncommit\ninit 64\nrun 64\nload 1\nsample\nrepeat 0 0")
    findings = [finding for finding in diagnose_schedule(schedule, CORE) if finding.code == "T003"]
    assert [finding.witness["instruction"] for finding in findings] == [1]


def test_untimed_instructions_that_are_never_reached_count_too() -> None:
    # The hardware checks the memory in its order before it starts.
    assert "T003" in codes(parse(ONCE + "load 0\nload 1\nload 2\nload 3\nload 0\nstop"))


@pytest.mark.parametrize("loop", ["load 1\nrepeat 0 2", "repeat 0 2", "load 1\nload 2\nrepeat 2 2\nload 3\nrepeat 0 2"])
def test_endless_loop_without_time_is_found(loop: str) -> None:
    schedule = parse(f"load 0\ncommit\n{loop}")
    (finding,) = (finding for finding in diagnose_schedule(schedule, CORE) if finding.code == "T009")
    assert "repeats for ever without an init or a run" in finding.message


def test_a_finite_loop_without_time_is_crowded_but_not_endless() -> None:
    assert codes(parse("load 0\ncommit\nload 1\nrepeat 5 2\nrun 9\nstop")) == ["T003"]


def test_endless_loop_with_time_behind_a_finite_repeat_is_no_fault() -> None:
    schedule = parse("load 0\ncommit\ninit 64\nrun 64\nsample\nrepeat 1 3\nrepeat 0 2")
    assert "T009" not in codes(schedule)


def test_a_schedule_that_ends_is_judged_after_its_first_sample() -> None:
    waiting = "load 0\ncommit\nload 1\ninit 3\nrun 7\nsample\ncommit\ninit 5\nrun 60\nsample\nstop"
    (finding,) = diagnose_schedule(parse(waiting), CORE)
    assert finding.code == "T006"
    assert "waits 4 cycles after the first sample" in finding.message


def test_finite_repeats_count_jumps() -> None:
    schedule = parse(ONCE.replace("stop", "repeat 3 2\nstop"))
    trace = trace_schedule(schedule, CORE, samples=99)
    assert trace.samples == (94, 188, 282, 376)
    assert trace.cycles_per_sample == 94
    assert trace.events[-1].operation is STOP


def test_endless_schedule_without_samples_is_followed_for_one_round() -> None:
    trace = trace_schedule(parse("load 0\ncommit\nrun 9\nrepeat 0 2"), CORE, samples=5)
    assert trace.samples == ()
    assert trace.cycles_per_sample is None
    # There is no init: times are counted from the first run.
    assert next(event.cycle for event in trace.events if event.operation is RUN) == 0


def test_what_is_not_proven_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_timing, "MAX_GROUPS", 50)
    schedule = parse(ONCE.replace("stop", "repeat 60000 2\nstop"))
    (finding,) = diagnose_schedule(schedule, CORE)
    assert (finding.code, finding.proof) == ("T011", False)
    assert finding.message == "neither an end nor a steady state was found within 50 groups of instructions"
    with pytest.raises(ValueError, match="0 of 2 samples after 128 groups"):
        trace_schedule(parse(ONCE.replace("sample", "repeat 60000 3\nsample")), CORE, samples=2)


def test_trace_refuses_operands_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"the core has chunks 0\.\.3"):
        trace_schedule([Instruction(LOAD, 9)], CORE, samples=1)
    with pytest.raises(ValueError, match="the schedule has 0 instructions"):
        trace_schedule([], CORE, samples=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ONCE, []),
        (ONCE.replace("sample\n", ""), ["T012"]),
        ("stop", ["T012"]),
        ("load 0\ncommit\ninit 64\nrun 30\nrepeat 0 2\nsample\nstop", ["T012"]),
        ("load 0\ncommit\ninit 64\nrun 30\nsample\nrepeat 0 2", []),
    ],
)
def test_a_schedule_that_never_samples_is_found(text: str, expected: list[str]) -> None:
    assert codes(parse(text)) == expected
