from __future__ import annotations

from itertools import product
from typing import Literal

import numpy as np
import pytest

from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut

Kind = Literal["ising", "qubo", "max-cut"]


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


def test_no_value_is_minus_zero_or_what_rounding_leaves_of_it() -> None:
    first, second = np.array([0, 1, 0], np.int32), np.array([1, 2, 2], np.int32)
    # Their sum is rounded: from the energy, the empty cut would be worth 2.8e-17.
    problem = max_cut("rounded", first, second, np.array([0.1, 0.2, -0.3]), (1, 2, 3))
    nothing = problem.value(np.array([[1, 1, 1]], np.int8))
    assert (nothing.tolist(), np.signbit(nothing).tolist()) == ([0.0], [False])
    none = max_cut("none", first[:0], second[:0], np.zeros(0), (1, 2))
    assert not np.signbit(none.value(np.array([[1, -1]], np.int8))).any()
    field = IsingProblem("f", "ising", first[:0], second[:0], np.zeros(0), np.array([0.0]), -0.0, ("a",))
    assert not np.signbit(field.value(np.array([[-1]], np.int8))).any()


@pytest.mark.parametrize(("kind", "values"), [("ising", [-1, 1]), ("qubo", [0, 1]), ("max-cut", [-1, 1])])
def test_variables_are_answered_as_the_file_has_them(kind: Kind, values: list[int]) -> None:
    none = np.zeros(0, np.int32)
    problem = IsingProblem("p", kind, none, none, np.zeros(0), np.zeros(2), 0.0, ("a", "b"))
    found = problem.assignment(np.array([[-1, 1]], np.int8))
    assert found.tolist() == [values]
    assert found.dtype == np.int8
