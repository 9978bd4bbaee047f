from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.problem import PlacementProblem
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def test_the_problem_is_of_all_nodes_on_the_whole_grid(make_graph: MakeGraph, make_core: MakeCore) -> None:
    problem = PlacementProblem.of(make_graph(make_core(grid=[3, 4]), density=0.4, seed=5), make_core())
    assert (problem.nodes, problem.grid) == (12, (8, 8))


def test_near_is_what_the_stencil_reaches_in_either_direction(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[2, 2]))
    near = PlacementProblem.of(graph, make_core(stencil=[[0, 1], [1, -1]])).near
    assert np.argwhere(near).tolist() == [[0, 2], [1, 0], [1, 2], [2, 0]]
    assert PlacementProblem.of(graph, make_core(stencil="diamond-2")).near.sum() == 12


def test_arrays_cannot_be_changed(make_graph: MakeGraph, make_core: MakeCore) -> None:
    problem = PlacementProblem.of(make_graph(make_core(grid=[2, 2])), make_core())
    for array in (*problem.adjacency, problem.near):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
