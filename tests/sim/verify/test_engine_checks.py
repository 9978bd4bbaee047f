from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.sim.array.macro import EventKind
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.verify.checks import CheckLine, Status
from oscc.sim.verify.engine_checks import check_engine, expected_events, program_patterns, sample_phases

INIT, RUN, COMMIT, SAMPLE = EventKind.INIT, EventKind.RUN, EventKind.COMMIT, EventKind.SAMPLE


@pytest.fixture(scope="module")
def record(record_of: Callable[[str], CosimRecord]) -> CosimRecord:
    return record_of("pysim")


def lines_of(job: CosimJob, record: CosimRecord) -> dict[str, CheckLine]:
    return {line.name: line for line in check_engine(job, record)}


def red(job: CosimJob, record: CosimRecord) -> tuple[str, ...]:
    return tuple(name for name, line in lines_of(job, record).items() if line.status is Status.FAIL)


def with_macro(record: CosimRecord, **changes: Any) -> CosimRecord:
    return dataclasses.replace(record, macro=dataclasses.replace(record.macro, **changes))


def with_counters(record: CosimRecord, **changes: Any) -> CosimRecord:
    return dataclasses.replace(record, counters=dataclasses.replace(record.counters, **changes))


def event_at(record: CosimRecord, time: int, kind: EventKind) -> int:
    """Place of an event in the record."""
    events = record.macro.events
    (place,) = np.flatnonzero((events[:, 0] == time) & (events[:, 1] == kind)).tolist()
    return int(place)


# What is expected


def test_expected_events_of_a_sample(tiny_job: CosimJob) -> None:
    expected = expected_events(tiny_job, 1)
    assert expected.events == (
        (0, INIT, 64),
        (0, COMMIT, 0),
        (64, RUN, 125),
        (189, RUN, 125),
        (189, COMMIT, 0),
        (314, RUN, 125),
        (314, COMMIT, 0),
        (439, RUN, 125),
        (439, COMMIT, 0),
        (564, SAMPLE, 0),
    )
    assert expected.chunks == (0, 1, 2, 3)
    assert expected.period == 564


def test_expected_events_of_more_samples_repeat(tiny_job: CosimJob) -> None:
    one, three = expected_events(tiny_job, 1), expected_events(tiny_job, 3)
    shifted = [(time + 564 * number, kind, argument) for number in range(3) for time, kind, argument in one.events]
    assert three.events == tuple(sorted(shifted))
    assert three.chunks == one.chunks * 3


def test_patterns_are_the_bits_of_the_words(tiny_job: CosimJob) -> None:
    patterns = program_patterns(tiny_job)
    assert patterns.shape == (4, 8, 8, 27)
    for chunk, row, col in [(0, 0, 0), (3, 7, 7), (2, 5, 1), (1, 0, 6)]:
        word = int.from_bytes(tiny_job.program.words[col, 8 * chunk + row].tobytes(), "little")
        assert patterns[chunk, row, col].tolist() == [word >> 4 * place & 15 for place in range(27)]


def test_samples_of_all_batches_follow_each_other(tiny_job: CosimJob, record_of: Any) -> None:
    record = record_of("array")
    phases = np.arange(2 * 8 * 8 * 3).reshape(2, 8, 8, 3)
    grids = sample_phases(with_macro(record, sample_phases=phases))
    assert grids.shape == (6, 8, 8)
    for sample in range(6):
        np.testing.assert_array_equal(grids[sample], phases[sample // 3, :, :, sample % 3])


# Undamaged


def test_nothing_is_wrong_with_the_rtl(tiny_job: CosimJob, record: CosimRecord) -> None:
    lines = check_engine(tiny_job, record)
    assert [(line.name, line.subject, line.status, line.measured, line.detail) for line in lines] == [
        ("codes at the array", "pysim", Status.PASS, f"{8 * 64 * 27} codes of 8 commits", ""),
        ("commit cycles", "pysim", Status.PASS, "20 inits, runs, commits and samples", ""),
        ("read-out codes", "pysim", Status.PASS, "0 of 32 codes differ", ""),
        ("period", "pysim", Status.PASS, "564 cycles", ""),
        ("stalled cycles", "pysim", Status.PASS, "0 cycles", ""),
    ]
    assert lines[2].limit == "equal floor(64 theta / 2 pi)"


def test_an_engine_without_a_clock_has_no_period(tiny_job: CosimJob, record_of: Any) -> None:
    lines = lines_of(tiny_job, record_of("array"))
    assert list(lines) == ["codes at the array", "commit cycles", "read-out codes", "stalled cycles"]
    assert {line.status for line in lines.values()} == {Status.PASS}
    assert lines["codes at the array"].measured == f"{4 * 64 * 27} codes of 4 commits"


def test_the_period_of_one_sample_is_skipped(tiny_job: CosimJob, record: CosimRecord) -> None:
    one = dataclasses.replace(with_macro(record, sample_times=record.macro.sample_times[:1]), codes=record.codes[:1])
    line = lines_of(dataclasses.replace(tiny_job, samples=1), one)["period"]
    assert line.status is Status.SKIPPED
    assert line.detail == "needs two samples, one after another: verify with -n 2 or more"


def test_samples_beyond_those_asked_for_are_left_out(tiny_job: CosimJob) -> None:
    job = dataclasses.replace(tiny_job, samples=3)
    record = ArrayEngine(batch=2).run(job)
    assert record.macro.sample_phases.shape[0] == 2
    assert red(job, record) == ()


# Damaged


def test_one_changed_code(tiny_job: CosimJob, record: CosimRecord) -> None:
    patterns = record.macro.commit_patterns.copy()
    before = int(patterns[6, 3, 5, 10])
    patterns[6, 3, 5, 10] ^= 2
    changed = with_macro(record, commit_patterns=patterns)
    assert red(tiny_job, changed) == ("codes at the array",)
    line = lines_of(tiny_job, changed)["codes at the array"]
    assert line.measured == "1 of 8 commits wrong"
    assert line.detail == (
        f"commit 6 (chunk 2), cell (3, 5), slot 10: bits {before ^ 2:#x}, program {before:#x}; 1 codes differ"
    )


@pytest.mark.parametrize(("unit", "name"), [(24, "SHIL"), (25, "field"), (26, "detuning"), (0, "slot 0")])
def test_the_unit_of_a_changed_code_is_named(tiny_job: CosimJob, record: CosimRecord, unit: int, name: str) -> None:
    patterns = record.macro.commit_patterns.copy()
    patterns[1, 0, 0, unit] ^= 1
    patterns[2, 4, 4] ^= 1
    detail = lines_of(tiny_job, with_macro(record, commit_patterns=patterns))["codes at the array"].detail
    assert detail.startswith(f"commit 1 (chunk 1), cell (0, 0), {name}: bits ")


def test_minus_zero_is_not_zero(tiny_job: CosimJob, record: CosimRecord) -> None:
    patterns = record.macro.commit_patterns.copy()
    unit = int(np.flatnonzero(patterns[0].ravel() == 0)[0])
    patterns[0].ravel()[unit] = 8
    assert red(tiny_job, with_macro(record, commit_patterns=patterns)) == ("codes at the array",)


def test_a_missing_commit(tiny_job: CosimJob, record: CosimRecord) -> None:
    events = np.delete(record.macro.events, event_at(record, 189, COMMIT), axis=0)
    patterns = np.delete(record.macro.commit_patterns, 1, axis=0)
    # A commit is also seen together with the last sample, so that the count stands until it is left out, too.
    changed = with_macro(record, events=events, commit_patterns=patterns)
    assert red(tiny_job, changed) == ("codes at the array", "commit cycles")
    lines = lines_of(tiny_job, changed)
    assert lines["commit cycles"].detail == (
        "first difference: run of 125 cycles at cycle 314, scheduled commit at cycle 189"
    )
    fewer = with_macro(record, events=events, commit_patterns=patterns[:7])
    assert lines_of(tiny_job, fewer)["codes at the array"].detail == "7 commits were seen, 8 are scheduled"


@pytest.mark.parametrize(
    ("time", "kind", "change", "detail"),
    [
        (189, COMMIT, (1, 0, 0), "commit at cycle 190, scheduled commit at cycle 189"),
        (0, INIT, (0, 0, 1), "init of 65 cycles at cycle 0, scheduled init of 64 cycles at cycle 0"),
        (439, RUN, (0, 0, -1), "run of 124 cycles at cycle 439, scheduled run of 125 cycles at cycle 439"),
        (753, RUN, (1, 0, 0), "commit at cycle 753, scheduled run of 125 cycles at cycle 753"),
        (564, SAMPLE, (-1, 0, 0), "sample at cycle 563, scheduled init of 64 cycles at cycle 564"),
    ],
)
def test_one_time_that_is_off(
    tiny_job: CosimJob,
    record: CosimRecord,
    time: int,
    kind: EventKind,
    change: tuple[int, int, int],
    detail: str,
) -> None:
    events = record.macro.events.copy()
    events[event_at(record, time, kind)] += change
    changed = with_macro(record, events=events)
    assert red(tiny_job, changed) == ("commit cycles",)
    assert lines_of(tiny_job, changed)["commit cycles"].detail == f"first difference: {detail}"


def test_row_writes_may_come_at_any_time(tiny_job: CosimJob, record: CosimRecord) -> None:
    events = record.macro.events.copy()
    events[events[:, 1] == EventKind.ROW, 0] += 1
    assert red(tiny_job, with_macro(record, events=events)) == ()


def test_an_event_too_many(tiny_job: CosimJob, record: CosimRecord) -> None:
    events = np.concatenate([record.macro.events, [[1127, COMMIT, 0]]])
    line = lines_of(tiny_job, with_macro(record, events=events))["commit cycles"]
    assert line.detail == "first difference: commit at cycle 1127, scheduled sample at cycle 1128"
    early = record.macro.events[record.macro.events[:, 0] < 1128]
    line = lines_of(tiny_job, with_macro(record, events=early))["commit cycles"]
    assert line.detail == "19 events were seen, 20 are scheduled"


def test_one_changed_read_out_code(tiny_job: CosimJob, record: CosimRecord) -> None:
    codes = record.codes.copy()
    codes[1, 2, 3] ^= 1
    changed = dataclasses.replace(record, codes=codes)
    assert red(tiny_job, changed) == ("read-out codes",)
    line = lines_of(tiny_job, changed)["read-out codes"]
    assert line.measured == "1 of 32 codes differ"
    assert line.detail == f"first in sample 1, frame (2, 3): code {codes[1, 2, 3]}, expected {record.codes[1, 2, 3]}"


def test_a_missing_sample(tiny_job: CosimJob, record: CosimRecord) -> None:
    fewer = with_macro(record, sample_phases=record.macro.sample_phases[:1])
    line = lines_of(tiny_job, fewer)["read-out codes"]
    assert (line.status, line.measured, line.detail) == (Status.FAIL, "1 of 2 samples", "samples are missing")


def test_another_period_in_the_register(tiny_job: CosimJob, record: CosimRecord) -> None:
    changed = with_counters(record, period=563)
    assert red(tiny_job, changed) == ("period",)
    line = lines_of(tiny_job, changed)["period"]
    assert (line.measured, line.limit) == ("563 cycles", "564 cycles, init and runs")
    assert line.detail == "samples are [564] cycles apart"


def test_another_period_at_the_array(tiny_job: CosimJob, record: CosimRecord) -> None:
    changed = with_macro(record, sample_times=record.macro.sample_times + np.array([0, 2]))
    assert red(tiny_job, changed) == ("period",)
    assert lines_of(tiny_job, changed)["period"].detail == "samples are [566] cycles apart"


def test_stalled_cycles(tiny_job: CosimJob, record: CosimRecord) -> None:
    changed = with_counters(record, stalled=3)
    assert red(tiny_job, changed) == ("stalled cycles",)
    assert lines_of(tiny_job, changed)["stalled cycles"].measured == "3 cycles"
