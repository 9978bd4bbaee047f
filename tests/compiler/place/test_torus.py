from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from oscc.base.findings import FindingsError
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions, PlacePass
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.torus import folded_torus
from oscc.compiler.route.routing import diagnose_route
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
ModelOf = Callable[..., CouplingGraph]


@pytest.mark.parametrize(
    ("rows", "cols", "grid"), [(5, 5, (5, 5)), (6, 9, (9, 6)), (20, 40, (20, 40)), (55, 56, (56, 56)), (7, 12, (13, 9))]
)
def test_a_torus_fills_its_rows_and_columns(
    rows: int, cols: int, grid: tuple[int, int], model_of: ModelOf, open_core: MakeCore
) -> None:
    model, core = model_of(nx.grid_2d_graph(rows, cols, periodic=True), seed=rows), open_core(*grid)
    cell = folded_torus(PlacementProblem.of(model, core))
    assert cell is not None
    assert len({tuple(one) for one in cell.tolist()}) == rows * cols
    assert sorted((np.ptp(cell, axis=0) + 1).tolist()) == sorted((rows, cols))
    apart = np.abs(cell[model.src] - cell[model.dst])
    assert apart.min(axis=1).max() == 0, "couplings run along rows and columns"
    assert apart.max() == 2
    placed = PlacePass(core, PlaceOptions("torus")).run(model)
    assert [*diagnose_route(placed)] == []


def test_a_torus_goes_around_a_dead_cell(model_of: ModelOf, open_core: MakeCore) -> None:
    model = model_of(nx.grid_2d_graph(6, 6, periodic=True))
    core = open_core(8, 8, defects={"cells": [[1, 1]]})
    placed = PlacePass(core, PlaceOptions("torus")).run(model)
    assert placed.transform.startswith("torus")
    assert (1, 1) not in {tuple(cell) for cell in placed.cell.tolist()}


def twisted(rows: int, cols: int, by: int) -> nx.Graph[tuple[int, int]]:
    """A torus whose columns come back some columns further."""
    graph: nx.Graph[tuple[int, int]] = nx.Graph()
    for row in range(rows):
        for col in range(cols):
            graph.add_edge((row, col), (row, (col + 1) % cols))
            graph.add_edge((row, col), (row + 1, col) if row + 1 < rows else (0, (col + by) % cols))
    return graph


@pytest.mark.parametrize(
    "graph",
    [
        nx.random_regular_graph(4, 40, seed=1),
        twisted(6, 9, 2),
        nx.grid_2d_graph(6, 6),
        nx.grid_2d_graph(4, 8, periodic=True),
        nx.disjoint_union(nx.grid_2d_graph(5, 5, periodic=True), nx.grid_2d_graph(5, 5, periodic=True)),
        nx.hypercube_graph(4),
        nx.circulant_graph(40, [1, 2]),
        nx.double_edge_swap(nx.grid_2d_graph(7, 7, periodic=True), nswap=1, seed=3),
    ],
    ids=["random", "twisted", "open", "short ring", "two", "hypercube", "circulant", "two couplings exchanged"],
)
def test_what_is_no_torus(graph: nx.Graph[object], model_of: ModelOf, open_core: MakeCore) -> None:
    model, core = model_of(graph), open_core(12, 12)
    assert folded_torus(PlacementProblem.of(model, core)) is None
    with pytest.raises(FindingsError) as caught:
        PlacePass(core, PlaceOptions("torus")).run(model)
    assert [finding.code for finding in caught.value.findings] == ["L001"]


def test_a_torus_that_does_not_fit(model_of: ModelOf, open_core: MakeCore) -> None:
    model = model_of(nx.grid_2d_graph(6, 10, periodic=True))
    assert folded_torus(PlacementProblem.of(model, open_core(9, 9))) is None
    assert folded_torus(PlacementProblem.of(model, open_core(12, 12, stencil="king"))) is None
    assert folded_torus(PlacementProblem.of(model, open_core(12, 12, stencil="diamond-2"))) is not None
