"""Analog checks: phases and pixels against the PyTorch reference. Everything here is bounded, not exact.

Trained models amplify small differences, so that limits at the end of a run are on percentiles; only within the first
chunk the largest error has one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from oscc.compiler.ir.coded import CodedGraph
from oscc.core.weight_word import pattern_values
from oscc.models.dynamics.reference import AISModel
from oscc.sim.array.array_steps import step_plan
from oscc.sim.array.macro import EventKind, MacroRecord
from oscc.sim.array.noise import initial_phases_batch
from oscc.sim.array.phase_readout import code_to_pixel
from oscc.sim.engines.job import CosimJob, CosimRecord, Progress
from oscc.sim.verify.checks import CheckLine, judge

FIRST_CHUNK_MAX = 1e-9
"""Largest phase error after the first chunk [rad]: the integrator and its steps are the same, only rounding differs."""

LATER_MEDIAN = 1e-9
LATER_P99 = 1e-6
"""Phase error after later chunks [rad]; rounding of 1e-15, amplified about a thousand times, stays far below."""

PIXEL_LIMIT_AT_64_STEPS = 0.03
"""Mean absolute difference of pixels, which lie within -1 and 1, for a read-out of 64 steps per turn.

A step of 2 pi / 64 alone gives 0.016 on phases that lie anywhere; the limit scales with the step.
"""

STEP_P99 = 1e-3
"""Phase error that the integration step may cause at the end of a run, 99th percentile [rad]."""

REFERENCE_BATCH = 8
"""Samples that the reference integrates at a time: the fastest, see `AISModel.integrate`."""


@dataclass(frozen=True)
class ReferenceRun:
    """The reference's phases for the initial noise of a job.

    Parameters
    ----------
    model : AISModel
        With the program's codes as parameters, in float64.
    plan : list of float64[steps]
        Integration steps of each chunk [model time].
    phases : float64[C + 1, N, samples]
        Before the run and after each chunk [rad].
    """

    model: AISModel
    plan: list[NDArray[np.float64]]
    phases: NDArray[np.float64]


def run_reference(coded: CodedGraph, job: CosimJob, progress: Progress | None = None) -> ReferenceRun:
    """Integrate the plain equation with the same codes, initial phases, integrator and steps.

    Parameters
    ----------
    coded : CodedGraph
        The model's codes.
    job : CosimJob
    progress : callable, optional
    """
    model = AISModel.from_coded(coded, torch.float64)
    plan = step_plan(job.core, job.program, job.max_step)
    rows, cols = coded.placed.cell.T
    parts = []
    for start in range(0, job.samples, REFERENCE_BATCH):
        if progress:
            progress(f"running the PyTorch reference, {start:,} of {job.samples:,} samples done", start / job.samples)
        numbers = range(job.first_sample + start, job.first_sample + min(start + REFERENCE_BATCH, job.samples))
        initial = initial_phases_batch(job.core, job.seed, numbers)[rows, cols]
        with torch.no_grad():
            parts.append(model.integrate(torch.from_numpy(initial), plan, job.integrator).numpy())
    return ReferenceRun(model, plan, np.concatenate(parts, axis=-1))


def node_phases(grids: NDArray[np.float64], coded: CodedGraph) -> NDArray[np.float64]:
    """Return phases [..., rows, cols, B] of the cells that hold a node, [..., N, B]."""
    rows, cols = coded.placed.cell.T
    return grids[..., rows, cols, :]


def check_phases(job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun) -> list[CheckLine]:
    """Yield a line ``phases after chunk c`` for each chunk.

    Parameters
    ----------
    job : CosimJob
    record : CosimRecord
    coded : CodedGraph
    reference : ReferenceRun
        Of at least as many samples, from the same first one.
    """
    chunks = len(reference.plan)
    batch = record.macro.boundary_phases.shape[-1]
    rounds = -(-job.samples // batch)
    missing = rounds * chunks - len(record.macro.boundary_phases)
    if missing > 0:
        return [
            judge(
                f"phases after chunk {chunk + 1}",
                record.engine,
                False,
                f"{len(record.macro.boundary_phases)} ends of runs",
                f"{rounds * chunks} ends of runs",
                "runs are missing, so that phases cannot be compared",
            )
            for chunk in range(chunks)
        ]
    grids = node_phases(record.macro.boundary_phases[: rounds * chunks], coded)
    by_chunk = grids.reshape(rounds, chunks, -1, batch).transpose(1, 2, 0, 3).reshape(chunks, -1, rounds * batch)
    errors = np.abs(by_chunk[:, :, : job.samples] - reference.phases[1:, :, : job.samples])
    lines: list[CheckLine] = []
    for chunk in range(chunks):
        median, high, largest = np.percentile(errors[chunk], [50, 99, 100]).tolist()
        if chunk == 0:
            good, limit = largest <= FIRST_CHUNK_MAX, f"max {FIRST_CHUNK_MAX:g} rad"
        else:
            good = median <= LATER_MEDIAN and high <= LATER_P99
            limit = f"median {LATER_MEDIAN:g}, 99 % {LATER_P99:g} rad"
        detail = ""
        if not good:
            earlier = [line for line in lines if line.detail]
            worst = int(errors[chunk].max(axis=0).argmax())
            where = "follows from the chunk before"
            detail = where if earlier else _divergence(job, record, coded, reference, chunk, worst)
        measured = f"median {median:.1e}, 99 % {high:.1e}, max {largest:.1e} rad"
        lines.append(judge(f"phases after chunk {chunk + 1}", record.engine, good, measured, limit, detail))
    return lines


def _divergence(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun, chunk: int, sample: int
) -> str:
    """Return where and when a sample leaves the reference within a chunk: node, cell, model time and cycle.

    The chunk is run once more from the phases that were recorded at its beginning, with the codes that were committed,
    and compared step by step. What that does not explain shows at the end of the chunk.
    """
    macro, core = record.macro, job.core
    round_, place = divmod(sample, macro.boundary_phases.shape[-1])
    end = round_ * len(reference.plan) + chunk
    rows, cols = coded.placed.cell.T
    array = job.make_array()
    array.set_phases(_phases_before(macro, end, round_ if chunk == 0 else None)[..., place])
    committed = int(np.count_nonzero(macro.times_of(EventKind.COMMIT) < macro.boundary_times[end]))
    if committed:
        array.set_codes(pattern_values(macro.commit_patterns[committed - 1], core))
    with torch.no_grad():
        trace = reference.model.trace(
            torch.from_numpy(reference.phases[chunk, :, sample : sample + 1].copy()),
            chunk,
            reference.plan[chunk],
            job.integrator,
        ).numpy()[:, :, 0]
    cycles_per_time = float(job.program.tau_s[chunk]) * core.clock_hz
    elapsed = np.concatenate([[0.0], np.cumsum(reference.plan[chunk])]).tolist()
    done = 0

    def place_of(error: NDArray[np.float64], time: float) -> str:
        node = int(error.argmax())
        return (
            f"first beyond {FIRST_CHUNK_MAX:g} rad: sample {job.first_sample + sample}, node {node} at cell "
            f"({rows[node]}, {cols[node]}), chunk {chunk + 1}, model time {time:.4g} (cycle {done} of the run): "
            f"{error[node]:.1e} rad"
        )

    for step, time in enumerate(elapsed):
        cycle = round(time * cycles_per_time)
        array.advance(cycle - done)
        done = cycle
        error = np.abs(array.phases()[rows, cols, 0] - trace[step])
        if error.max() > FIRST_CHUNK_MAX:
            return place_of(error, time)
    error = np.abs(macro.boundary_phases[end][rows, cols, place] - trace[-1])
    runs = macro.events[macro.events[:, 1] == EventKind.RUN, 2]
    took = f"; the run took {runs[end]} cycles" if end < len(runs) and runs[end] != done else ""
    return f"{place_of(error, elapsed[-1])}; with the codes that were committed the array follows the reference{took}"


def _phases_before(macro: MacroRecord, end: int, first_run_of: int | None) -> NDArray[np.float64]:
    """Return phases at the beginning of the run that a boundary ends: of an init, or of the boundary before."""
    phases: NDArray[np.float64] = np.zeros(macro.boundary_phases.shape[1:])
    if first_run_of is not None and first_run_of < len(macro.initial_phases):
        phases = macro.initial_phases[first_run_of]
    elif end:
        phases = macro.boundary_phases[end - 1]
    return phases


def check_pixels(job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun) -> CheckLine:
    """Return the line ``pixels``: images decoded from the read-out against those of the reference.

    Parameters
    ----------
    job : CosimJob
    record : CosimRecord
    coded : CodedGraph
    reference : ReferenceRun
    """
    decoded = job.program.image_of(code_to_pixel(record.codes, job.core))
    wanted = reference_images(reference, coded)[: job.samples]
    difference = np.abs(decoded - wanted)
    limit = PIXEL_LIMIT_AT_64_STEPS * 64 / job.core.readout.phase_steps
    worst = difference.mean(axis=(1, 2))
    return judge(
        "pixels",
        record.engine,
        bool(difference.mean() <= limit),
        f"mean {difference.mean():.4f} over {job.samples} samples",
        f"mean {limit:g}",
        f"the worst is sample {job.first_sample + int(worst.argmax())}, mean {worst.max():.4f}",
    )


def reference_images(reference: ReferenceRun, coded: CodedGraph) -> NDArray[np.float64]:
    """Return pixels cos(theta) at the end of the reference's run, float64[samples, image rows, image cols]."""
    graph = coded.placed.graph
    pixels: NDArray[np.float64] = np.cos(reference.phases[-1][graph.readout])
    return pixels.T.reshape(-1, *graph.image_shape)


def check_step(job: CosimJob, coarse: CosimRecord, fine: CosimRecord, coded: CodedGraph) -> CheckLine:
    """Return the line ``integration step``: end phases at the job's step against those at a finer one.

    Parameters
    ----------
    job : CosimJob
    coarse, fine : CosimRecord
        Of the same samples.
    coded : CodedGraph
    """
    error = np.abs(node_phases(coarse.macro.sample_phases, coded) - node_phases(fine.macro.sample_phases, coded))
    median, high, largest = np.percentile(error, [50, 99, 100]).tolist()
    return judge(
        "integration step",
        coarse.engine,
        high <= STEP_P99,
        f"median {median:.1e}, 99 % {high:.1e}, max {largest:.1e} rad",
        f"99 % {STEP_P99:g} rad at the end",
        f"{job.integrator} at {job.max_step:g} of model time has not converged: use a smaller --max-step",
    )
