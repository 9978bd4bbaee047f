from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from oscc.base.errors import OsccError
from oscc.base.findings import is_empty
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.lowering import RAMPS, lower_problem
from oscc.compiler.ir.graph import CouplingGraph, diagnose_graph
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]


def problem_of(seed: int = 0, fields: bool = True) -> IsingProblem:
    random = np.random.default_rng(seed)
    pairs = np.array([pair for pair in product(range(6), repeat=2) if pair[0] < pair[1]], np.int32)
    return IsingProblem(
        "random",
        "ising",
        pairs[:, 0].copy(),
        pairs[:, 1].copy(),
        random.normal(size=len(pairs)),
        random.normal(size=6) * fields,
        1.5,
        tuple("abcdef"),
    )


def slope(model: CouplingGraph, chunk: int, phases: np.ndarray) -> np.ndarray:
    """The right-hand side, term by term."""
    found: np.ndarray = model.detuning[chunk].astype(float)
    for src, dst, weight in zip(model.src, model.dst, model.weight[chunk], strict=True):
        found[dst] += weight * np.sin(phases[src] - phases[dst])
    found -= model.shil[chunk] * np.sin(2 * phases) + model.field[chunk] * np.sin(phases)
    return found


def test_phases_go_down_the_energy() -> None:
    problem, core = problem_of(), load_core("ising-56x56")
    model = lower_problem(problem, core)
    assert is_empty(diagnose_graph(model))
    last = model.chunks - 1
    phases = np.random.default_rng(1).uniform(-3, 3, 6)

    def energy(x: np.ndarray) -> float:
        cosines = np.cos(x[problem.first] - x[problem.second])
        shil = float(model.shil[last, 0])
        pulled = float(problem.coupling @ cosines + problem.field @ np.cos(x)) / float(unit)
        return pulled - shil / 2 * float(np.cos(2 * x).sum())

    # What everything was divided by: from the largest coupling of the model.
    unit = np.abs(problem.coupling).max() / np.abs(model.weight[last]).max()
    without_drive = slope(model, last, phases) - model.detuning[last]
    np.testing.assert_allclose(without_drive, -approx_fprime(phases, energy), atol=1e-4)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("fields", [0.0, 1.0, 50.0])
def test_parameters_take_their_full_scale_and_the_run_its_cycles(scale: float, fields: float) -> None:
    problem, core = problem_of(fields=False), load_core("ising-56x56")
    field = scale * fields * np.linspace(-1, 1, 6)
    problem = IsingProblem(
        "p", "ising", problem.first, problem.second, scale * problem.coupling, field, 0.0, problem.labels
    )
    model = lower_problem(problem, core)
    assert list(diagnose_time_scale(model, core, ScaleOptions())) == []
    time_scale = choose_time_scale(model, core, ScaleOptions())
    cycles = core.init.cycles + int(time_scale.run_cycles.sum())
    assert 0.97 * core.cycles_per_sample < cycles <= core.cycles_per_sample
    top = core.coupling_dac.full_scale_rad_s * time_scale.tau_s.max()
    assert np.abs(model.weight).max() <= top * (1 + 1e-6)
    if fields < 1:
        assert np.abs(model.weight).max() == pytest.approx(top, rel=1e-3)


@pytest.mark.parametrize("chunks", [1, 2, 3, 4, 8])
def test_the_ramp_is_that_of_the_chunks_there_are(chunks: int, make_core: MakeCore) -> None:
    model = lower_problem(problem_of(), make_core("ising-56x56", chunks=chunks))
    assert model.chunks == {1: 1, 2: 2, 3: 2, 4: 4, 8: 4}[chunks]
    # SHIL is the strongest at the end, and drive, where there is any, at the beginning.
    assert model.shil.max() == model.shil[-1].max()
    drive = np.abs(model.detuning).max(axis=1)
    assert (np.diff(drive) <= 0).all()


def test_ramps_are_whole() -> None:
    for chunks, ramp in RAMPS.items():
        assert all(len(part) == chunks for part in (ramp.share, ramp.shil, ramp.drive))
        assert sum(ramp.share) == pytest.approx(1)


def test_max_cut_pulls_neighbours_apart() -> None:
    problem = max_cut("edge", np.array([0], np.int32), np.array([1], np.int32), np.ones(1), ("1", "2"))
    model = lower_problem(problem, load_core("ising-56x56"))
    assert (model.weight <= 0).all()
    assert model.weight.min() == pytest.approx(-1)


def test_the_initial_phases_are_the_cores(make_core: MakeCore) -> None:
    assert lower_problem(problem_of(), make_core("ising-56x56", init={"std_rad": 0.5})).init.std == 0.5
    uniform = lower_problem(problem_of(), make_core("ising-56x56", init={"kind": "uniform"})).init
    assert uniform.kind == "uniform"
    assert uniform.std == pytest.approx(np.pi / np.sqrt(3))


def test_a_problem_without_spins_or_couplings() -> None:
    none = np.zeros(0, np.int32)
    with pytest.raises(OsccError, match="the problem has no spins"):
        lower_problem(max_cut("nothing", none, none, np.zeros(0), ()), load_core("ising-56x56"))
    assert not lower_problem(
        max_cut("apart", none, none, np.zeros(0), ("1", "2")), load_core("ising-56x56")
    ).weight.size


def test_pairs_without_a_coupling_take_no_slot(make_core: Callable[..., CoreSpec]) -> None:
    ends = np.array([[0, 1], [1, 2], [0, 2]], np.int32)
    problem = max_cut("p", ends[:, 0].copy(), ends[:, 1].copy(), np.array([1.0, 0.0, -2.0]), ("a", "b", "c"))
    graph = lower_problem(problem, make_core(readout={"step": [1, 1]}))
    assert sorted(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 0), (2, 0)]


def test_weak_cells_leave_a_problem_its_cycles() -> None:
    core = load_core("ising-56x56")
    weak = core.changed(defects={"gain": [[1, 1, 0.8], [2, 2, 1.3]]})
    plain, slower = (lower_problem(problem_of(fields=False), each) for each in (core, weak))
    assert slower.chunk_duration == pytest.approx(0.8 * plain.chunk_duration, rel=1e-6)
    # Placed where the cell is weak, it takes the cycles that the core has.
    programmed = dataclasses.replace(slower, weight=slower.weight / np.float32(0.8))
    assert list(diagnose_time_scale(programmed, weak, ScaleOptions())) == []
    assert list(diagnose_time_scale(dataclasses.replace(plain, weight=programmed.weight), weak, ScaleOptions())) != []
