from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.coded import CodedGraph
from oscc.core.groups import Groups
from oscc.sim.array.noise import initial_phases
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.verify.checks import CheckLine, Status
from oscc.sim.verify.phase_checks import (
    PIXEL_LIMIT_AT_64_STEPS,
    ReferenceRun,
    check_phases,
    check_pixels,
    check_step,
    node_phases,
    reference_images,
    run_reference,
)


@pytest.fixture(scope="module")
def coded(tiny_result: CompileResult) -> CodedGraph:
    assert tiny_result.coded is not None
    return tiny_result.coded


@pytest.fixture(scope="module")
def job(tiny_job: CosimJob) -> CosimJob:
    """One sample, so that one phase in 64 weighs in the 99th percentile."""
    return dataclasses.replace(tiny_job, samples=1)


@pytest.fixture(scope="module")
def record(job: CosimJob) -> CosimRecord:
    return ArrayEngine().run(job)


@pytest.fixture(scope="module")
def reference(coded: CodedGraph, tiny_job: CosimJob) -> ReferenceRun:
    """Of two samples."""
    return run_reference(coded, tiny_job)


def with_macro(record: CosimRecord, **changes: Any) -> CosimRecord:
    return dataclasses.replace(record, macro=dataclasses.replace(record.macro, **changes))


def chunk_codes(job: CosimJob, chunk: int) -> Groups[np.ndarray]:
    return job.program.codes(job.core).map(lambda codes: codes[chunk])


def red(lines: list[CheckLine]) -> list[str]:
    return [line.name for line in lines if line.status is Status.FAIL]


CHUNKS = [f"phases after chunk {chunk}" for chunk in (1, 2, 3, 4)]
PLACE = re.compile(
    r"^first beyond 1e-09 rad: sample (\d+), node (\d+) at cell \((\d+), (\d+)\), chunk (\d), model time ([\d.]+) "
    r"\(cycle (\d+) of the run\): (\S+) rad"
)


# The reference


def test_reference_starts_from_the_noise_of_the_job(
    reference: ReferenceRun, tiny_job: CosimJob, coded: CodedGraph
) -> None:
    assert reference.phases.shape == (5, 64, 2)
    for place, sample in enumerate((3, 4)):
        noise = initial_phases(tiny_job.core, 5, sample)
        expected = [noise[row, col] for row, col in coded.placed.cell.tolist()]
        assert reference.phases[0, :, place].tolist() == expected


def test_reference_runs_as_long_as_the_chunks_of_the_model(reference: ReferenceRun) -> None:
    # 0.02 of model time is 1.25 cycles here, so that the steps are one cycle: 0.016.
    assert [len(steps) for steps in reference.plan] == [125] * 4
    np.testing.assert_allclose(np.concatenate(reference.plan), 0.016, rtol=1e-12)
    assert [float(steps.sum()) for steps in reference.plan] == pytest.approx([2.0] * 4)


def test_reference_solves_the_equation_with_the_worth_of_the_codes(reference: ReferenceRun, coded: CodedGraph) -> None:
    graph, (rows, cols) = coded.placed.graph, coded.placed.cell.T
    tau = 1.25e-6 / 2
    slots = {offset: slot for slot, offset in enumerate(coded.placed.core.unit_stencil.offsets)}
    full_scales = {"coupling": 1.8e6, "shil": 2.4e6, "field": 2.4e6, "detuning": 1.2e6}
    worth = {group: scale * tau / 7 for group, scale in full_scales.items()}
    matrix = np.zeros((64, 64))
    for source, destination in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        offset = (int(rows[source] - rows[destination]), int(cols[source] - cols[destination]))
        code = int(coded.codes.coupling[0, rows[destination], cols[destination], slots[offset]])
        matrix[destination, source] = code * worth["coupling"]
    shil, field, detuning = (
        coded.codes[group][0, rows, cols] * worth[group] for group in ("shil", "field", "detuning")
    )

    def slope(_: float, theta: np.ndarray) -> Any:
        pull = (matrix * np.sin(theta[None, :] - theta[:, None])).sum(axis=1)
        return detuning + pull - shil * np.sin(2 * theta) - field * np.sin(theta)

    solved = solve_ivp(slope, (0, 2), reference.phases[0, :, 0], rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(reference.phases[1, :, 0], solved.y[:, -1], rtol=0, atol=1e-5)


def test_reference_runs_many_samples_in_parts(coded: CodedGraph, tiny_job: CosimJob) -> None:
    told: list[float] = []
    eleven = dataclasses.replace(tiny_job, samples=11, first_sample=0, max_step=0.2)
    many = run_reference(coded, eleven, lambda what, done: told.append(done))
    assert many.phases.shape == (5, 64, 11)
    assert told == [0.0, 8 / 11]
    last = run_reference(coded, dataclasses.replace(eleven, samples=1, first_sample=10))
    np.testing.assert_allclose(last.phases[..., 0], many.phases[..., 10], rtol=0, atol=1e-9)


def test_node_phases_are_those_of_the_cells(coded: CodedGraph) -> None:
    grids = np.arange(3.0 * 8 * 8 * 2).reshape(3, 8, 8, 2)
    nodes = node_phases(grids, coded)
    assert nodes.shape == (3, 64, 2)
    for node in (0, 17, 63):
        row, col = coded.placed.cell[node]
        np.testing.assert_array_equal(nodes[:, node], grids[:, row, col])


def test_images_are_cosines_of_the_visible_nodes(reference: ReferenceRun, coded: CodedGraph) -> None:
    images = reference_images(reference, coded)
    assert images.shape == (2, 4, 4)
    graph = coded.placed.graph
    for pixel in range(16):
        theta = reference.phases[-1, graph.readout[pixel], 1]
        assert images[1, pixel // 4, pixel % 4] == math.cos(theta)


# Phases


@pytest.mark.parametrize("engine", ["array", "pysim"])
def test_phases_of_the_engines_are_those_of_the_reference(
    engine: str,
    tiny_job: CosimJob,
    record_of: Callable[[str], CosimRecord],
    coded: CodedGraph,
    reference: ReferenceRun,
) -> None:
    lines = check_phases(tiny_job, record_of(engine), coded, reference)
    assert [line.name for line in lines] == CHUNKS
    assert {(line.subject, line.status, line.detail) for line in lines} == {(engine, Status.PASS, "")}
    assert [line.limit for line in lines] == ["max 1e-09 rad"] + ["median 1e-09, 99 % 1e-06 rad"] * 3
    assert re.fullmatch(r"median \S+, 99 % \S+, max \S+ rad", lines[0].measured)


def test_one_phase_that_is_off_is_named(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    phases = record.macro.boundary_phases.copy()
    phases[1, 5, 2, 0] += 1e-3
    node = int(coded.placed.node_map()[5, 2])
    lines = check_phases(job, with_macro(record, boundary_phases=phases), coded, reference)
    assert red(lines) == ["phases after chunk 2"]
    assert "max 1.0e-03 rad" in lines[1].measured
    assert lines[1].detail == (
        f"first beyond 1e-09 rad: sample 3, node {node} at cell (5, 2), chunk 2, model time 2 (cycle 125 of the run): "
        "1.0e-03 rad; with the codes that were committed the array follows the reference"
    )


def test_the_sample_that_is_off_is_named(
    tiny_job: CosimJob, record_of: Callable[[str], CosimRecord], coded: CodedGraph, reference: ReferenceRun
) -> None:
    for engine, place in (("array", (0, 7, 7, 1)), ("pysim", (4, 7, 7, 0))):
        record = record_of(engine)
        phases = record.macro.boundary_phases.copy()
        phases[place] += 1e-3
        lines = check_phases(tiny_job, with_macro(record, boundary_phases=phases), coded, reference)
        assert red(lines) == ["phases after chunk 1"]
        assert lines[0].detail.startswith("first beyond 1e-09 rad: sample 4, node 63 at cell (7, 7), chunk 1, ")


def test_a_wrong_code_is_found_where_and_when_it_acts(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    # What the array would have done with another detuning of cell (4, 1) in chunk 2.
    patterns = record.macro.commit_patterns.copy()
    patterns[1, 4, 1, 26] ^= 3
    array = job.make_array()
    phases = record.macro.boundary_phases.copy()
    array.set_phases(phases[0])
    codes = chunk_codes(job, 1)
    nibble = int(patterns[1, 4, 1, 26])
    detuning = codes.detuning.copy()
    detuning[4, 1] = (-1 if nibble & 8 else 1) * (nibble & 7)
    array.set_codes(dataclasses.replace(codes, detuning=detuning))
    array.advance(125)
    phases[1] = array.phases()
    changed = with_macro(record, boundary_phases=phases, commit_patterns=patterns)
    lines = check_phases(job, changed, coded, reference)
    assert red(lines) == ["phases after chunk 2"]
    found = PLACE.match(lines[1].detail)
    assert found is not None
    sample, node, row, col, chunk, time, cycle, error = found.groups()
    assert (sample, node, chunk) == ("3", str(coded.placed.node_map()[4, 1]), "2")
    assert (row, col) == ("4", "1")
    # After one step of one cycle, 0.016 of model time, the cell has turned by the difference of the codes.
    assert (time, cycle) == ("0.016", "1")
    difference = int(detuning[4, 1]) - int(codes.detuning[4, 1])
    assert float(error) == pytest.approx(abs(difference) / 7 * 1.2e6 * 1e-8, rel=0.05)
    assert lines[1].detail.endswith(" rad")


def test_what_follows_is_not_explained_again(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    phases = record.macro.boundary_phases.copy()
    phases[1:, 3, 3] += 0.1
    lines = check_phases(job, with_macro(record, boundary_phases=phases), coded, reference)
    assert red(lines) == CHUNKS[1:]
    assert lines[1].detail.startswith("first beyond 1e-09 rad: sample 3, node ")
    assert [line.detail for line in lines[2:]] == ["follows from the chunk before"] * 2


def test_a_run_of_another_length_is_named(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    array = job.make_array()
    array.set_phases(record.macro.initial_phases[0])
    array.set_codes(chunk_codes(job, 0))
    array.advance(120)
    phases = record.macro.boundary_phases.copy()
    phases[0] = array.phases()
    events = record.macro.events.copy()
    events[np.flatnonzero(events[:, 1] == 1)[0], 2] = 120
    lines = check_phases(job, with_macro(record, boundary_phases=phases, events=events), coded, reference)
    assert red(lines) == ["phases after chunk 1"]
    assert lines[0].detail.endswith("the array follows the reference; the run took 120 cycles")
    found = PLACE.match(lines[0].detail)
    assert found is not None
    assert found[7] == "125"


def test_another_start_is_found_at_once(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    other = ArrayEngine().run(dataclasses.replace(job, seed=6))
    lines = check_phases(job, other, coded, reference)
    assert red(lines) == CHUNKS
    found = PLACE.match(lines[0].detail)
    assert found is not None
    assert (found[5], found[6], found[7]) == ("1", "0", "0")


def test_missing_runs_are_told(job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun) -> None:
    fewer = with_macro(record, boundary_phases=record.macro.boundary_phases[:3])
    lines = check_phases(job, fewer, coded, reference)
    assert red(lines) == CHUNKS
    assert {(line.measured, line.limit, line.detail) for line in lines} == {
        ("3 ends of runs", "4 ends of runs", "runs are missing, so that phases cannot be compared")
    }


def test_a_missing_init_is_no_reason_to_fail_otherwise(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    phases = record.macro.boundary_phases + 1.0
    nothing = with_macro(record, boundary_phases=phases, initial_phases=record.macro.initial_phases[:0])
    lines = check_phases(job, nothing, coded, reference)
    assert red(lines) == CHUNKS
    assert lines[0].detail.startswith("first beyond 1e-09 rad: sample 3, node ")


def test_phases_that_are_no_numbers_fail(
    job: CosimJob, record: CosimRecord, coded: CodedGraph, reference: ReferenceRun
) -> None:
    phases = record.macro.boundary_phases.copy()
    phases[2, 0, 0, 0] = np.nan
    assert red(check_phases(job, with_macro(record, boundary_phases=phases), coded, reference)) == [CHUNKS[2]]


# Pixels


def test_pixels_are_near_those_of_the_reference(
    tiny_job: CosimJob, record_of: Callable[[str], CosimRecord], coded: CodedGraph, reference: ReferenceRun
) -> None:
    line = check_pixels(tiny_job, record_of("array"), coded, reference)
    assert (line.name, line.subject, line.status, line.limit) == ("pixels", "array", Status.PASS, "mean 0.03")
    found = re.fullmatch(r"mean (0\.\d{4}) over 2 samples", line.measured)
    assert found is not None
    # A step of the read-out is 2 pi / 64 wide, so that a pixel is off by at most half of that.
    assert 0.001 < float(found[1]) < math.pi / 64


def test_pixels_of_other_samples_are_too_far(
    tiny_job: CosimJob, record_of: Callable[[str], CosimRecord], coded: CodedGraph, reference: ReferenceRun
) -> None:
    record = record_of("array")
    codes = record.codes.copy()
    codes[1] = (codes[1] + 32) % 64
    line = check_pixels(tiny_job, dataclasses.replace(record, codes=codes), coded, reference)
    assert line.status is Status.FAIL
    assert line.detail.startswith("the worst is sample 4, mean ")
    images = reference_images(reference, coded)
    expected = np.abs(2 * images[1]).mean() / 2
    assert float(line.measured.split()[1]) == pytest.approx(expected, abs=PIXEL_LIMIT_AT_64_STEPS)


# Integration step


def test_the_step_has_converged(tiny_job: CosimJob, coded: CodedGraph) -> None:
    runs = [ArrayEngine().run(dataclasses.replace(tiny_job, max_step=step)) for step in (0.016, 0.008, 0.4)]
    line = check_step(tiny_job, runs[0], runs[1], coded)
    assert (line.name, line.subject, line.status) == ("integration step", "array", Status.PASS)
    assert line.limit == "99 % 0.001 rad at the end"
    coarse = check_step(tiny_job, runs[2], runs[1], coded)
    assert coarse.status is Status.FAIL
    assert coarse.detail == "rk4 at 0.02 of model time has not converged: use a smaller --max-step"
