from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.problem import PlacementProblem
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def test_neighbours_in_either_direction_once(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[3, 4]), density=0.4, seed=5)
    problem = PlacementProblem.of(graph, make_core())
    pairs = set(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    wanted = [sorted({b for a, b in pairs if a == n} | {a for a, b in pairs if b == n}) for n in range(graph.nodes)]
    found = [problem.neighbour[low:high].tolist() for low, high in zip(problem.first, problem.first[1:], strict=False)]
    assert found == wanted
    assert problem.degree().tolist() == [len(part) for part in wanted]
    assert (problem.nodes, problem.grid) == (12, (8, 8))


def test_near_is_what_the_stencil_reaches_in_either_direction(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[2, 2]))
    near = PlacementProblem.of(graph, make_core(stencil=[[0, 1], [1, -1]])).near
    assert np.argwhere(near).tolist() == [[0, 2], [1, 0], [1, 2], [2, 0]]
    assert PlacementProblem.of(graph, make_core(stencil="diamond-2")).near.sum() == 12


def test_arrays_cannot_be_changed(make_graph: MakeGraph, make_core: MakeCore) -> None:
    problem = PlacementProblem.of(make_graph(make_core(grid=[2, 2])), make_core())
    for field in dataclasses.fields(problem)[:3]:
        with pytest.raises(ValueError, match="read-only"):
            getattr(problem, field.name)[0] = 0


def test_a_model_without_couplings(make_graph: MakeGraph, make_core: MakeCore) -> None:
    problem = PlacementProblem.of(make_graph(make_core(grid=[2, 2]), density=0.0), make_core())
    assert problem.first.tolist() == [0] * 5
    assert problem.neighbour.size == 0
