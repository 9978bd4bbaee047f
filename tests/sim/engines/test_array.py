from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import oscc.sim.engines.array
from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.models.dynamics.reference import AISModel
from oscc.sim.array.array_steps import step_plan
from oscc.sim.array.noise import initial_phases_batch
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob
from oscc.sim.host.host import HostError
from oscc.sim.verify.phase_checks import run_reference


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program, seed=8)


def test_codes_are_the_quantized_phases_of_the_plain_equation(tiny_job: CosimJob, tiny_result: CompileResult) -> None:
    assert tiny_result.coded is not None
    phases = run_reference(tiny_result.coded, tiny_job).phases[-1]
    steps = phases * 64 / (2 * np.pi)
    readable = tiny_result.graph.readout
    # A node within the rounding of an edge between two codes could get either.
    assert np.abs(steps[readable] - np.rint(steps[readable])).min() > 1e-4
    expected = np.floor(steps[readable]).astype(int).T.reshape(2, 4, 4) % 64
    record = ArrayEngine().run(tiny_job)
    assert record.codes.dtype == np.uint8
    np.testing.assert_array_equal(record.codes, expected)
    assert len(np.unique(expected)) > 8


def test_record_is_that_of_one_round(tiny_job: CosimJob) -> None:
    record = ArrayEngine().run(tiny_job)
    assert (record.engine, record.cycles) == ("array", 0)
    assert record.macro.sample_phases.shape == (1, 8, 8, 2)
    assert record.macro.boundary_times.tolist() == [189, 314, 439, 564]
    assert record.counters.samples == 2
    assert record.counters.program_crc == tiny_job.program.stream_crc()
    np.testing.assert_array_equal(record.macro.initial_phases[0], initial_phases_batch(tiny_job.core, 5, [3, 4]))
    assert record.load_seconds >= 0
    assert record.run_seconds > 0


def test_samples_do_not_depend_on_the_batch(job: CosimJob) -> None:
    whole = ArrayEngine().run(dataclasses.replace(job, samples=10))
    # Three rounds of four: the last two samples are computed and left out.
    parts = ArrayEngine(batch=4).run(dataclasses.replace(job, samples=10))
    assert parts.macro.sample_phases.shape == (3, 3, 4, 4)
    np.testing.assert_array_equal(parts.codes, whole.codes)
    later = ArrayEngine().run(dataclasses.replace(job, samples=2, first_sample=7))
    np.testing.assert_array_equal(later.codes, whole.codes[7:9])


def test_another_seed_gives_other_samples(job: CosimJob) -> None:
    one, two = (ArrayEngine().run(dataclasses.replace(job, seed=seed)).codes for seed in (8, 9))
    assert not np.array_equal(one, two)


def test_single_precision_gives_nearly_the_same(tiny_job: CosimJob) -> None:
    double = ArrayEngine().run(tiny_job)
    single = ArrayEngine().run(dataclasses.replace(tiny_job, dtype="float32"))
    error = np.abs(double.macro.sample_phases - single.macro.sample_phases)
    assert 0 < error.max() < 1e-3


def test_progress_runs_to_the_end_and_changes_nothing(job: CosimJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oscc.sim.engines.array, "MAX_BATCH", 2)
    told: list[tuple[str, float]] = []
    six = dataclasses.replace(job, samples=6)
    record = ArrayEngine().run(six, lambda what, done: told.append((what, done)))
    assert {what for what, _ in told} == {"running the array"}
    parts = [done for _, done in told]
    assert parts == sorted(set(parts))
    assert len(parts) >= 6
    assert parts[-1] == pytest.approx(1.0)
    np.testing.assert_array_equal(record.codes, ArrayEngine().run(six).codes)


def test_a_program_for_another_core_is_refused(job: CosimJob, make_core: Callable[..., CoreSpec]) -> None:
    smaller = make_core(
        grid=[3, 4], stencil="king", chunks=1, init={"cycles": 20}, readout={"origin": [0, 0], "step": [1, 1]}
    )
    with pytest.raises(HostError, match=r"^TLAST came before or after the last beat of the program$"):
        ArrayEngine().run(dataclasses.replace(job, core=smaller))


@pytest.fixture(scope="module")
def example(example_path: Path) -> tuple[CosimJob, CompileResult]:
    core = load_core("ais-56x56")
    result = compile_model(read_checkpoint(example_path), core)
    assert result.program is not None
    return CosimJob(core, result.program, samples=2), result


def test_the_example_gives_the_same_codes_every_time(example: tuple[CosimJob, CompileResult]) -> None:
    job, _ = example
    both = ArrayEngine().run(job)
    assert both.codes.shape == (2, 28, 28)
    np.testing.assert_array_equal(ArrayEngine().run(job).codes, both.codes)
    second = ArrayEngine().run(dataclasses.replace(job, samples=1, first_sample=1))
    np.testing.assert_array_equal(second.codes[0], both.codes[1])


def test_the_example_draws_what_the_reference_draws(example: tuple[CosimJob, CompileResult]) -> None:
    job, result = example
    assert result.coded is not None
    model = AISModel.from_coded(result.coded)
    rows, cols = result.coded.placed.cell.T
    coarse = dataclasses.replace(job, samples=1, max_step=0.1)
    initial = initial_phases_batch(job.core, 0, [0])[rows, cols]
    with torch.no_grad():
        phases = model.integrate(torch.from_numpy(initial), step_plan(job.core, job.program, 0.1))[-1]
    expected = model.images(phases).numpy()[0]
    codes = ArrayEngine().run(coarse).codes
    image = np.cos((job.program.image_of(codes)[0] + 0.5) * 2 * np.pi / 64)
    assert np.abs(image - expected).mean() < 0.02


def test_a_record_need_not_grow_with_the_samples(job: CosimJob) -> None:
    whole = ArrayEngine(batch=2).run(dataclasses.replace(job, samples=8))
    short = ArrayEngine(batch=2).run(dataclasses.replace(job, samples=8, keep=False))
    np.testing.assert_array_equal(short.codes, whole.codes)
    np.testing.assert_array_equal(short.macro.events, whole.macro.events)
    assert len(whole.macro.sample_phases) == 4
    assert len(short.macro.sample_phases) == len(short.macro.initial_phases) == 1
    np.testing.assert_array_equal(short.macro.sample_phases[-1], whole.macro.sample_phases[-1])
    # The codes of one sample at the most, and those that were committed for the next.
    assert len(short.macro.commit_patterns) <= whole.macro.commit_patterns.shape[0] // 2
