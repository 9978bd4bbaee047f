from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np
import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.front_end import read_source
from oscc.compiler.frontends.gset import write_gset
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.sim.engines.job import Draws
from oscc.sim.solve import MOST_BINS, Solutions, decoded, distribution, histogram, solve, valued


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory, make_core) -> tuple[IsingProblem, CoreSpec, Program]:
    """A cycle of six with one weight of another sign, compiled. A cut has an even number of edges."""
    ends = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (0, 5)]
    first, second = np.array(ends, np.int32).T
    problem = max_cut("cycle", first.copy(), second.copy(), np.array([1, 1, 1, 1, 1, -1.0]), tuple("abcdef"))
    core = make_core(readout={"origin": [0, 0], "step": [1, 1]}, cycles_per_sample=4000)
    path = tmp_path_factory.mktemp("solve") / "cycle.gset"
    path.write_text(write_gset(problem))
    program = compile_model(read_source(path, None, core).model.graph, core).program
    assert program is not None
    return problem, core, program


def best_cut(problem: IsingProblem) -> float:
    """By trying all."""
    edges = list(zip(problem.first.tolist(), problem.second.tolist(), problem.coupling.tolist(), strict=True))
    every = product((-1, 1), repeat=problem.spins)
    best: float = max(sum(2.0 * w for a, b, w in edges if spins[a] != spins[b]) for spins in every)
    return best


def test_a_small_problem_is_solved(square) -> None:
    problem, core, program = square
    found = solve(problem, core, program, Draws(20))
    assert found.spins.shape == (20, 6)
    assert found.value[found.best] == found.value.max() == best_cut(problem) == 4
    # Most samples of so small a problem are good ones; what is worth less is told apart.
    assert np.mean(found.value == 4) > 0.5
    for spins, value in zip(found.spins.tolist(), found.value.tolist(), strict=True):
        cut = sum(
            2 * w
            for a, b, w in zip(problem.first, problem.second, problem.coupling, strict=True)
            if spins[a] != spins[b]
        )
        assert value == cut


def test_samples_follow_from_seed_and_number(square) -> None:
    problem, core, program = square
    both = solve(problem, core, program, Draws(4, seed=3))
    assert np.array_equal(solve(problem, core, program, Draws(2, seed=3, first=2)).spins, both.spins[2:])
    assert not np.array_equal(solve(problem, core, program, Draws(4, seed=4)).spins, both.spins)


def test_the_best_so_far_is_told(square, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, core, program = square
    monkeypatch.setattr("oscc.sim.solve.MAX_BATCH", 2)
    told: list[tuple[str, float]] = []
    found = solve(problem, core, program, Draws(5, seed=3), progress=lambda what, done: told.append((what, done)))
    # Batches change nothing.
    monkeypatch.undo()
    assert np.array_equal(solve(problem, core, program, Draws(5, seed=3)).spins, found.spins)
    said = list(dict.fromkeys(what for what, _ in told))
    after = [f", best of {count} samples {found.value[:count].max():.12g}" for count in (2, 4)]
    assert said == ["running the array", *(f"running the array{words}" for words in after)]
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


def test_another_problem_is_refused(square) -> None:
    problem, core, program = square
    smaller = dataclasses.replace(
        problem, field=np.zeros(5), first=problem.first[:3], second=problem.second[:3], coupling=problem.coupling[:3]
    )
    with pytest.raises(ValueError, match="6 spins are read out of 5"):
        solve(smaller, core, program, Draws(1))


def test_spins_of_pixels() -> None:
    assert decoded(np.array([[0.9, -0.1, 0.1, -1.0]])).tolist() == [[1, -1, 1, -1]]


def test_the_best_is_the_largest_cut_and_the_lowest_energy(square) -> None:
    problem, _, _ = square
    spins = np.array([[1, 1, 1, 1, 1, 1], [1, -1, 1, -1, 1, 1], [1, -1, 1, 1, 1, 1]], np.int8)
    assert valued(problem, spins).best == 1
    energies = dataclasses.replace(problem, kind="ising")
    found = valued(energies, spins)
    assert found.value.tolist() == [0.0, -4.0, -2.0]
    assert found.best == 1


@pytest.mark.parametrize(
    "values",
    [
        [0.0],
        [3.0] * 5,
        [1.0, 2.0, 4.0],
        [1e17] * 5,
        [1e150, np.nextafter(1e150, 2e150)],
        [1.0, np.nextafter(1.0, 2.0)] * 30,
        [-1e150, 1e150] * 50,
        [-1e-300, 1e-300],
        list(range(100)),
    ],
)
def test_a_histogram_holds_all_values_in_bins_that_differ(values: list[float]) -> None:
    counts, edges = histogram(np.array(values, float))
    assert len(counts) == len(edges) - 1 == min(MOST_BINS, len(values))
    assert counts.sum() == len(values)
    assert (np.diff(edges) > 0).all()
    assert edges[0] <= min(values) <= max(values) <= edges[-1]


def test_a_distribution_is_finite_for_the_largest_weights_that_are_read(square) -> None:
    problem, _, _ = square
    # 1e150 in all is what problems may have.
    heavy = dataclasses.replace(problem, coupling=problem.coupling * (1e150 / np.abs(2 * problem.coupling).sum()))
    spins = np.array([[1, 1, 1, 1, 1, 1], [1, -1, 1, -1, 1, 1], [1, -1, 1, 1, 1, 1]] * 20, np.int8)
    found = distribution(heavy, valued(heavy, spins))
    numbers = [found["best"], found["mean"], found["spread"], *found["quartiles"], *found["histogram"]["edges"]]
    assert np.isfinite(numbers).all()
    assert found["times_best"] == 20
    assert found["spread"] == pytest.approx(np.std([0, 4 / 6, 2 / 6]) * 1e150)


def test_values_that_differ_by_rounding_are_one(square) -> None:
    problem, _, _ = square
    spins = np.ones((4, 6), np.int8)
    found = Solutions(spins, np.array([0.3, 0.1 + 0.2, 0.3 - 1e-6, 0.2]), 1)
    assert distribution(problem, found)["times_best"] == 2
