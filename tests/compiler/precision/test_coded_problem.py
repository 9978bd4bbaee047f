from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from oscc.compiler.copies.splitting import split_nodes
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.precision.coded_problem import CodedProblem, coded_problem, problem_of
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def ising(fields: np.ndarray, seed: int = 0) -> IsingProblem:
    random = np.random.default_rng(seed)
    pairs = np.array([pair for pair in product(range(fields.size), repeat=2) if pair[0] < pair[1]], np.int32)
    coupling = random.normal(size=len(pairs))
    labels = tuple(map(str, range(fields.size)))
    return IsingProblem("p", "ising", pairs[:, 0].copy(), pairs[:, 1].copy(), coupling, fields, 0.5, labels)


def coded_of(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def delivered(coded: CodedGraph, spins: int, owner: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """h and J (a matrix) that the DACs make of the last chunk, unit by unit."""
    placed = coded.placed
    own = np.arange(spins) if owner is None else owner
    unit, core = float(placed.graph.training["problem"]["unit"]), placed.core
    field, matrix = np.zeros(spins), np.zeros((spins, spins))
    for node, (row, col) in enumerate(placed.cell.tolist()):
        field[own[node]] -= float(coded.codes.field[-1, row, col]) * float(coded.lsb.field[-1]) * unit
    for edge in range(placed.graph.couplings):
        (row, col), slot = placed.route.unit_cell[edge].tolist(), int(placed.route.slot[edge])
        one, other = sorted((int(own[placed.graph.src[edge]]), int(own[placed.graph.dst[edge]])))
        if one != other:
            strength = (
                float(coded.codes.coupling[-1, row, col, slot])
                * float(coded.lsb.coupling[-1])
                * float(core.unit_gain[row, col])
            )
            matrix[one, other] -= strength * unit / 2
    return field, matrix


def energies(field: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Of every configuration, one by one."""
    return np.array([s @ field + s @ matrix @ s for s in map(np.array, product((-1, 1), repeat=field.size))])


@pytest.mark.parametrize(
    ("bits", "changes"),
    [
        (3, {}),
        (4, {}),
        (8, {}),
        (4, {"couplings": "reciprocal"}),
        (4, {"defects": {"gain": [[3, 3, 0.7], [4, 4, 1.3]]}}),
    ],
)
def test_it_is_what_the_dacs_make_of_all_configurations(
    bits: int, changes: dict[str, Any], make_core: MakeCore
) -> None:
    dacs = {f"{group}_dac": {"bits": bits} for group in ("coupling", "field")}
    core = make_core("ising-56x56", grid=[8, 8], name="ising-8x8", **dacs, **changes)
    problem = ising(np.random.default_rng(1).normal(size=6))
    coded = coded_of(lower_problem(problem, core), core)
    field, matrix = delivered(coded, 6)
    wanted = np.zeros((6, 6))
    wanted[problem.first, problem.second] = problem.coupling
    given, had = energies(problem.field, wanted), energies(field, matrix)
    found = coded_problem(coded)
    # A common factor changes no problem: the one that brings the energies nearest to each other, by least squares.
    factor = float(np.cov(given, had)[0, 1] / np.var(had, ddof=1))
    field, matrix, had = field * factor, matrix * factor, had * factor
    assert found.correlation == pytest.approx(np.corrcoef(given, had)[0, 1], abs=1e-6)
    assert np.abs(had - given).max() <= found.largest_error * (1 + 1e-6) + 1e-6
    errors = np.abs(field - problem.field).sum() + np.abs(matrix - wanted).sum()
    assert found.largest_error == pytest.approx(errors, rel=1e-3, abs=1e-5)
    off = np.linalg.norm(field - problem.field) / np.linalg.norm(problem.field)
    assert found.field_error == pytest.approx(off, rel=1e-3, abs=1e-6)
    off = np.linalg.norm(matrix - wanted) / np.linalg.norm(wanted)
    assert found.coupling_error == pytest.approx(off, rel=1e-3, abs=1e-6)


def test_more_bits_leave_less_error(make_core: MakeCore) -> None:
    def error(bits: int) -> float:
        dacs = {f"{group}_dac": {"bits": bits} for group in ("coupling", "field")}
        core = make_core("ising-56x56", grid=[8, 8], name="ising-8x8", **dacs)
        return coded_problem(coded_of(lower_problem(ising(np.ones(6)), core), core)).largest_error

    assert error(2) > 3 * error(4) > 9 * error(8) > 0


def test_copies_of_a_spin_are_summed_up(make_core: MakeCore) -> None:
    core = make_core("king-48x41", grid=[8, 8], name="king-8x8", coupling_dac={"bits": 8})
    first, second = np.zeros(9, np.int32), np.arange(1, 10, dtype=np.int32)
    weight = np.array([1.0, -2.0, 3.0, 1.0, -1.0, 2.0, 1.0, 1.0, -3.0])
    split = split_nodes(lower_problem(max_cut("star", first, second, weight, tuple(map(str, range(10)))), core), core)
    assert split.graph is not None
    assert split.copies is not None
    coded = coded_of(split.graph, core)
    field, matrix = delivered(coded, 10, split.copies.owner)
    matrix *= float(matrix[0, 1:] @ weight / 2 / (matrix[0, 1:] @ matrix[0, 1:]))
    found = coded_problem(coded)
    # The numbers are those of the problem, though all parameters were divided once more for the chains.
    np.testing.assert_allclose(matrix[0, 1:], weight / 2, atol=found.largest_error)
    assert found.coupling_error == pytest.approx(
        np.linalg.norm(matrix[0, 1:] - weight / 2) / np.linalg.norm(weight / 2), rel=1e-3
    )
    assert 0 < found.coupling_error < 0.1
    assert not field.any()


@pytest.mark.parametrize(
    ("training", "wanted"),
    [
        ({}, None),
        ({"problem": None}, None),
        ({"problem": {"kind": "sudoku", "unit": 2.0}}, None),
        ({"problem": ["max-cut"]}, None),
        ({"problem": {"kind": "max-cut", "unit": 2}}, 2.0),
        # The first release wrote none, and others may have written anything.
        ({"problem": {"kind": "max-cut"}}, 1.0),
        ({"problem": {"kind": "ising", "unit": -2.0}}, 1.0),
        ({"problem": {"kind": "ising", "unit": "2"}}, 1.0),
        ({"problem": {"kind": "ising", "unit": True}}, 1.0),
        ({"problem": {"kind": "ising", "unit": float("nan")}}, 1.0),
    ],
)
def test_what_a_checkpoint_says_is_not_trusted(
    training: dict[str, Any], wanted: float | None, make_core: MakeCore, make_graph: Callable[..., CouplingGraph]
) -> None:
    core = make_core(grid=[2, 2], stencil="king", chunks=1)
    found = problem_of(replace(make_graph(core), training=training))
    assert (None if found is None else found["unit"]) == wanted


def test_nothing_but_a_problem(make_core: MakeCore, make_graph: Callable[..., CouplingGraph]) -> None:
    core = make_core(grid=[2, 2], stencil="king", chunks=1)
    with pytest.raises(ValueError, match="not a placed problem"):
        coded_problem(coded_of(make_graph(core), core))


def test_a_problem_without_terms(make_core: MakeCore) -> None:
    core = make_core("ising-56x56", grid=[4, 4], name="ising-4x4")
    none = np.zeros(0, np.int32)
    graph = lower_problem(max_cut("none", none, none, np.zeros(0), ("1", "2")), core)
    assert coded_problem(coded_of(graph, core)) == CodedProblem(0.0, 0.0, 1.0, 0.0, 1.0, "max-cut")


def test_the_rounding_of_the_factor_is_no_error(make_core: MakeCore) -> None:
    """Of 1e30 float64 leaves 1e14, which is more than all that is lost beside it."""
    core = make_core("ising-56x56", grid=[8, 8], name="ising-8x8")
    first, second = np.array([0, 1, 2, 0], np.int32), np.array([1, 2, 3, 3], np.int32)
    problem = max_cut("p", first, second, np.array([1.0, 1e30, -1.0, 2.0]), tuple("1234"))
    assert coded_problem(coded_of(lower_problem(problem, core), core)).largest_error == pytest.approx(2.0)
