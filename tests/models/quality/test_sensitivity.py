from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.core.families import family_named
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import load_core
from oscc.core.stencil import named_stencil
from oscc.models.quality import sensitivity
from oscc.models.quality.sensitivity import measure_sensitivity
from oscc.models.training.topology import GridLayout, grid_graph


def written(tmp_path: Path, family: str, **parameters: float) -> Path:
    """A model of 2 x 2 nodes with one parameter for all."""
    graph = grid_graph(
        "small",
        family_named(family),
        GridLayout((2, 2), named_stencil("king")),
        chunk_duration=(1.5, 0.5),
        init=InitialPhases("normal", 0.3, 1.0),
    )
    values = {name: np.full_like(getattr(graph, name), value) for name, value in parameters.items()}
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, dataclasses.replace(graph, **values))
    return path


def test_steps_and_perturbations_of_free_oscillators(tmp_path: Path) -> None:
    # Nothing pulls: every step is exact, and a perturbation stays as large as it was.
    found = {
        line.what: line for line in measure_sensitivity(written(tmp_path, "kurashil", detuning=0.7), None).differences
    }
    for step in sensitivity.STEPS:
        assert found[f"RK4 {step:g}"].largest < 1e-12
    for size in sensitivity.PERTURBATIONS:
        line = found[f"initial state perturbed by {size:g}"]
        # Absolute normal deviates: median 0.6745, 99 % 2.576.
        assert line.median == pytest.approx(0.6745 * size, rel=0.3)
        assert line.percentile_99 == pytest.approx(2.576 * size, rel=0.4)
        assert line.median <= line.percentile_99 <= line.largest


def test_growth_is_that_of_the_equation(tmp_path: Path) -> None:
    # dx/dt = a x - x^3 without couplings: small differences grow as the slope of the flow, which scipy integrates.
    path = written(tmp_path, "poly_ising", shil=1.0)
    lines = measure_sensitivity(path, None, samples=400, seed=3).differences
    found = next(line for line in lines if line.what == "initial state perturbed by 1e-06")
    random = np.random.default_rng(0)
    start = 0.3 + random.standard_normal(1500)
    slopes = []
    for x in start:
        flow = solve_ivp(lambda t, y: [y[0] - y[0] ** 3, (1 - 3 * y[0] ** 2) * y[1]], (0, 2), [x, 1.0], rtol=1e-8)
        slopes.append(abs(flow.y[1, -1]))
    expected = np.median(np.array(slopes) * np.abs(random.standard_normal(len(start)))) * 1e-6
    assert found.median == pytest.approx(expected, rel=0.15)


def test_differences_of_phases_go_the_shorter_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivity, "PERTURBATIONS", (50.0,))
    lines = measure_sensitivity(written(tmp_path, "kuramoto"), None).differences
    assert lines[-1].largest <= math.pi
    assert lines[-1].median == pytest.approx(math.pi / 2, rel=0.4)
    assert 0.5 < lines[-1].pixel < 1.2


def test_rounding_is_compared_with_the_model_itself(tmp_path: Path) -> None:
    core = load_core("tiny-8x8")
    graph = grid_graph(
        "tiny",
        family_named("kurashil"),
        GridLayout((8, 8), named_stencil("box-2"), (0, 0), (2, 2)),
        chunk_duration=(2.0,),
        init=InitialPhases("normal", 0.0, 1.0),
    )
    random = np.random.default_rng(1)
    weight = random.normal(size=graph.weight.shape).astype(np.float32)
    path = tmp_path / "tiny.safetensors"
    write_checkpoint(path, dataclasses.replace(graph, weight=weight))
    four, eight = (
        measure_sensitivity(path, variant, samples=4).differences[-1] for variant in (core, core.with_coupling_bits(8))
    )
    assert four.what == eight.what == "parameters not rounded"
    assert 1e-3 < eight.median < four.median
    differences = measure_sensitivity(path, None, samples=2).differences
    assert len(differences) == len(sensitivity.STEPS) + len(sensitivity.PERTURBATIONS)


def diverging(tmp_path: Path, std: float) -> Path:
    """A model of free nodes, dx/dt = -x^3, from an initial spread."""
    path = written(tmp_path, "poly_ising")
    graph = dataclasses.replace(read_checkpoint(path), init=InitialPhases("normal", 0.0, std))
    write_checkpoint(path, graph)
    return path


def test_a_step_that_is_too_long_is_said(tmp_path: Path) -> None:
    # RK4 of x' = -x^3 jumps ever farther where x^2 times the step is above some 2.8 / 3.
    lines = measure_sensitivity(diverging(tmp_path, 1.6), None, samples=8, seed=1).differences
    found = {line.what: line for line in lines}
    long = found["RK4 0.2"]
    assert long.diverged > 0
    assert {long.median, long.percentile_99, long.largest, long.pixel} == {math.inf}
    assert found["RK4 0.05"].diverged == 0
    assert json.loads(json.dumps(long.to_dict(), allow_nan=False)) == {
        "what": "RK4 0.2",
        **dict.fromkeys(("median", "percentile_99", "largest", "pixel")),
        "diverged": long.diverged,
    }


def test_a_model_that_diverges_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        measure_sensitivity(diverging(tmp_path, 1000.0), None, samples=3)
    assert caught.value.code == "evaluation.diverged"
    assert str(caught.value) == (
        "3 of 3 runs of 'small' end in something that is not a number at RK4 0.01\n"
        "such steps are too long for it: train it with a smaller model.init.std or weaker couplings"
    )


def test_a_model_in_memory_is_as_sensitive_as_its_checkpoint(tmp_path: Path) -> None:
    path = written(tmp_path, "kurashil", weight=0.3, shil=0.2)
    of_graph, of_file = (measure_sensitivity(model, None, samples=3) for model in (read_checkpoint(path), path))
    assert of_graph.differences == of_file.differences
    assert (of_graph.to_dict()["model"], of_file.to_dict()["model"]) == ("small", str(path))
