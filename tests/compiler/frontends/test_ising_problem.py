from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut


def test_energy_by_hand() -> None:
    problem = IsingProblem(
        "three",
        "ising",
        np.array([0, 1], np.int32),
        np.array([1, 2], np.int32),
        np.array([2.0, -0.5]),
        np.array([1.0, 0.0, -3.0]),
        0.25,
        ("a", "b", "c"),
    )
    every = np.array(list(product((-1, 1), repeat=3)), np.int8)
    expected = [0.25 + a - 3 * c + 2 * a * b - 0.5 * b * c for a, b, c in every.tolist()]
    assert problem.energy(every).tolist() == pytest.approx(expected)
    assert problem.value(every).tolist() == pytest.approx(expected)
    assert problem.spins == 3


def test_value_of_max_cut_is_the_weight_of_the_cut() -> None:
    first, second = np.array([0, 0, 1], np.int32), np.array([1, 2, 2], np.int32)
    problem = max_cut("triangle", first, second, np.array([1.0, -2.0, 4.0]), ("1", "2", "3"))
    for spins in product((-1, 1), repeat=3):
        cut = sum(weight for a, b, weight in ((0, 1, 1), (0, 2, -2), (1, 2, 4)) if spins[a] != spins[b])
        assert problem.value(np.array([spins], np.int8)).tolist() == [cut]
        assert problem.energy(np.array([spins], np.int8)).tolist() == [-cut]


def test_arrays_cannot_be_changed() -> None:
    problem = max_cut("edge", np.array([0], np.int32), np.array([1], np.int32), np.ones(1), ("1", "2"))
    with pytest.raises(ValueError, match="read-only"):
        problem.coupling[0] = 0
