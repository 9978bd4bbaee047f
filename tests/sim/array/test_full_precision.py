from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
import torch

from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.timed import TimedGraph
from oscc.core.spec import CoreSpec
from oscc.models.dynamics.reference import AISModel
from oscc.sim.array.full_precision import full_precision_images
from oscc.sim.array.noise import initial_phases_batch


@pytest.fixture(scope="module")
def placed(small_result: CompileResult) -> TimedGraph:
    assert small_result.timed is not None
    return small_result.timed


def reference_images(placed: TimedGraph, seed: int, samples: list[int]) -> np.ndarray:
    """Images of the model's own parameters, in double precision and with short steps."""
    model = AISModel.from_graph(placed.graph, torch.float64)
    rows, cols = placed.cell.T
    initial = torch.from_numpy(initial_phases_batch(placed.core, seed, samples)[rows, cols])
    with torch.no_grad():
        images: np.ndarray = model.images(model.integrate(initial, model.even_steps(0.005))[-1]).numpy()
    return images


def test_images_are_those_of_the_model_without_quantization(placed: TimedGraph) -> None:
    images = full_precision_images(placed, 5, seed=3)
    assert images.shape == (5, 3, 4)
    assert images.dtype == np.float64
    expected = reference_images(placed, 3, [0, 1, 2, 3, 4])
    # A run is rounded up to whole cycles and tau with it, so that only single precision and the step remain.
    np.testing.assert_allclose(images, expected, rtol=0, atol=2e-4)
    assert np.abs(expected).max() <= 1


def test_quantization_makes_a_difference(placed: TimedGraph, small_result: CompileResult) -> None:
    assert small_result.coded is not None
    quantized = AISModel.from_coded(small_result.coded).to_graph()
    rounded = reference_images(dataclasses.replace(placed, graph=quantized), 3, [0, 1])
    assert np.abs(full_precision_images(placed, 2, seed=3) - rounded).max() > 0.01


def test_samples_are_numbered(placed: TimedGraph) -> None:
    whole = full_precision_images(placed, 4, seed=1)
    np.testing.assert_array_equal(full_precision_images(placed, 2, seed=1, first_sample=2), whole[2:])
    assert not np.array_equal(full_precision_images(placed, 4, seed=2), whole)


def test_every_chunk_has_its_own_time_scale(small_core: CoreSpec, compile_on: Callable[..., CompileResult]) -> None:
    result = compile_on(small_core, duration=0.6, seed=4)
    assert result.timed is not None
    scale = result.timed.time_scale
    slower = dataclasses.replace(
        scale, tau_s=scale.tau_s * np.array([1, 2]), run_cycles=scale.run_cycles * np.array([1, 2])
    )
    images = full_precision_images(dataclasses.replace(result.timed, time_scale=slower), 3, seed=3)
    # A larger tau and a longer run are the same model.
    np.testing.assert_allclose(images, reference_images(result.timed, 3, [0, 1, 2]), rtol=0, atol=2e-4)


def test_progress_runs_to_the_end_and_changes_nothing(placed: TimedGraph) -> None:
    told: list[tuple[str, float]] = []
    images = full_precision_images(placed, 3, seed=3, progress=lambda what, done: told.append((what, done)))
    assert {what for what, _ in told} == {"running at full precision"}
    parts = [done for _, done in told]
    assert parts == sorted(parts)
    assert parts[-1] == pytest.approx(1.0)
    np.testing.assert_array_equal(images, full_precision_images(placed, 3, seed=3))


def test_images_do_not_depend_on_the_batch(placed: TimedGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = full_precision_images(placed, 5, seed=3, first_sample=2)
    monkeypatch.setattr("oscc.sim.array.full_precision.BATCH", 2)
    np.testing.assert_array_equal(full_precision_images(placed, 5, seed=3, first_sample=2), whole)
