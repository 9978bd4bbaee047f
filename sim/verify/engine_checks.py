"""Digital checks of a co-simulation: everything here is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.core.instructions import Operation
from oscc.core.schedule_proof import trace_schedule
from oscc.core.weight_word import code_name, word_patterns
from oscc.sim.array.macro import EventKind
from oscc.sim.array.phase_readout import expected_codes, readable_cells
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.verify.checks import CheckLine, judge, skipped

TIMED = {Operation.INIT: EventKind.INIT, Operation.RUN: EventKind.RUN}
STROBES = {Operation.COMMIT: EventKind.COMMIT, Operation.SAMPLE: EventKind.SAMPLE}


@dataclass(frozen=True)
class Expected:
    """What a program makes the macro see.

    Parameters
    ----------
    events : tuple of (time, EventKind, argument)
        Inits, runs, commits and samples in order of time, up to the last sample.
    chunks : tuple of int
        Chunk that each commit makes active, commits up to the last sample.
    period : int or None
        Cycles between two samples in steady state.
    """

    events: tuple[tuple[int, EventKind, int], ...]
    chunks: tuple[int, ...]
    period: int | None


def expected_events(job: CosimJob, rounds: int) -> Expected:
    """Return what the schedule of a job's program must look like at the macro boundary.

    Parameters
    ----------
    job : CosimJob
    rounds : int
        Samples that are run one after another.
    """
    trace = trace_schedule(job.program.instructions(), job.core, rounds)
    events, chunks, loaded = [], [], -1
    end = trace.samples[-1]
    for event in trace.events:
        if event.operation is Operation.LOAD:
            loaded = event.operand
        elif event.operation in TIMED and event.cycle < end:
            events.append((event.cycle, TIMED[event.operation], event.operand))
        elif event.operation in STROBES and event.cycle <= end:
            # A commit together with the last sample belongs to the sample after it.
            if event.operation is Operation.COMMIT and event.cycle == end:
                continue
            events.append((event.cycle, STROBES[event.operation], 0))
            if event.operation is Operation.COMMIT:
                chunks.append(loaded)
    return Expected(tuple(sorted(events)), tuple(chunks), trace.cycles_per_sample)


def program_patterns(job: CosimJob) -> NDArray[np.uint8]:
    """Return bit patterns of the program's codes, uint8[chunks, rows, cols, codes per cell], signs not decoded."""
    core = job.core
    bits = np.unpackbits(job.program.words, axis=-1, bitorder="little")
    patterns = word_patterns(bits, core).reshape(core.cols, core.chunks, core.rows, -1)
    return np.ascontiguousarray(patterns.transpose(1, 2, 0, 3))


def check_engine(job: CosimJob, record: CosimRecord) -> list[CheckLine]:
    """Yield lines ``codes at the array``, ``commit cycles``, ``read-out codes``, ``period`` and ``stalled cycles``.

    An engine without a clock has no line ``period``: its register holds what the compiler's model of time says.

    Parameters
    ----------
    job : CosimJob
    record : CosimRecord
    """
    batch = record.macro.sample_phases.shape[-1]
    rounds = -(-job.samples // batch)
    expected = expected_events(job, rounds)
    return [
        _codes_at_array(job, record, expected),
        _commit_cycles(record, expected),
        _readout_codes(job, record),
        *([_period(record, expected)] if record.cycles else []),
        judge(
            "stalled cycles",
            record.engine,
            record.counters.stalled == 0,
            f"{record.counters.stalled} cycles",
            "0 cycles",
            "the schedule had to wait for a load, for the latches or for the output",
        ),
    ]


def _codes_at_array(job: CosimJob, record: CosimRecord, expected: Expected) -> CheckLine:
    """Check that every commit makes exactly the program's bits active."""
    wanted = program_patterns(job)
    seen = record.macro.commit_patterns[: len(expected.chunks)]
    detail, bad = "", len(expected.chunks) - len(seen)
    if bad:
        detail = f"{len(seen)} commits were seen, {len(expected.chunks)} are scheduled"
    for number, (patterns, chunk) in enumerate(zip(seen, expected.chunks, strict=False)):
        different = np.argwhere(patterns != wanted[chunk])
        if len(different):
            bad += 1
            row, col, unit = different[0].tolist()
            detail = detail or (
                f"commit {number} (chunk {chunk}), cell ({row}, {col}), {_unit_name(unit, job)}: bits "
                f"{patterns[row, col, unit]:#x}, program {wanted[chunk, row, col, unit]:#x}; "
                f"{len(different)} codes differ"
            )
    checked = seen.size
    return judge(
        "codes at the array",
        record.engine,
        bad == 0,
        f"{checked} codes of {len(seen)} commits" if not bad else f"{bad} of {len(expected.chunks)} commits wrong",
        "equal the program, bit for bit",
        detail,
    )


def _unit_name(unit: int, job: CosimJob) -> str:
    name = code_name(unit, job.core)
    return "SHIL" if name == "shil" else name


def _commit_cycles(record: CosimRecord, expected: Expected) -> CheckLine:
    """Check that inits, runs, commits and samples happen in their cycles and last as long as they should."""
    end = expected.events[-1][0]
    seen = sorted(
        (time, EventKind(kind), argument)
        for time, kind, argument in record.macro.events.tolist()
        if kind != EventKind.ROW and time <= end
    )
    # What happens on the edge of the last sample, but for the sample, belongs to the next one.
    seen = [event for event in seen if event[0] < end or event[1] is EventKind.SAMPLE]
    detail = ""
    for given, wanted in zip(seen, expected.events, strict=False):
        if given != wanted:
            detail = f"first difference: {_event_name(given)}, scheduled {_event_name(wanted)}"
            break
    else:
        if len(seen) != len(expected.events):
            detail = f"{len(seen)} events were seen, {len(expected.events)} are scheduled"
    return judge(
        "commit cycles",
        record.engine,
        not detail,
        f"{len(seen)} inits, runs, commits and samples",
        "each in its scheduled cycle",
        detail,
    )


def _event_name(event: tuple[int, EventKind, int]) -> str:
    time, kind, argument = event
    length = f" of {argument} cycles" if kind in (EventKind.INIT, EventKind.RUN) else ""
    return f"{kind.name.lower()}{length} at cycle {time}"


def _readout_codes(job: CosimJob, record: CosimRecord) -> CheckLine:
    """Check that the codes that the host received are the quantized phases that were latched."""
    phases = sample_phases(record)[: job.samples]
    name, limit = "read-out codes", f"equal floor({job.core.readout.phase_steps} theta / 2 pi)"
    if len(phases) < job.samples:
        return judge(
            name, record.engine, False, f"{len(phases)} of {job.samples} samples", limit, "samples are missing"
        )
    wanted = np.stack([expected_codes(readable_cells(grid, job.core), job.core) for grid in phases])
    different = np.argwhere(record.codes != wanted)
    detail = ""
    if len(different):
        sample, row, col = different[0].tolist()
        detail = (
            f"first in sample {sample}, frame ({row}, {col}): code {record.codes[sample, row, col]}, "
            f"expected {wanted[sample, row, col]}"
        )
    return judge(
        name, record.engine, not len(different), f"{len(different)} of {wanted.size} codes differ", limit, detail
    )


def sample_phases(record: CosimRecord) -> NDArray[np.float64]:
    """Return latched phases sample by sample, float64[samples, rows, cols], rad."""
    grids = record.macro.sample_phases
    return grids.transpose(0, 3, 1, 2).reshape(-1, *grids.shape[1:3])


def _period(record: CosimRecord, expected: Expected) -> CheckLine:
    """Register PERIOD holds the cycles of a sample."""
    name = "period"
    if expected.period is None or len(record.macro.sample_times) < 2:
        return skipped(name, record.engine, "needs two samples, one after another: verify with -n 2 or more")
    times = np.diff(record.macro.sample_times)
    good = record.counters.period == expected.period and bool(np.all(times == expected.period))
    return judge(
        name,
        record.engine,
        good,
        f"{record.counters.period} cycles",
        f"{expected.period} cycles, init and runs",
        f"samples are {times.tolist()} cycles apart",
    )
