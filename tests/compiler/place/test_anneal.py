from __future__ import annotations

import dataclasses
from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.anneal_kernel import CellChoices, Cooling, distances_from, move_nodes, total_cost
from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import Search
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
ModelOf = Callable[..., CouplingGraph]


def placed_well(graph: CouplingGraph, core: CoreSpec, cell: NDArray[np.int32]) -> bool:
    """By the router, and by hand."""
    cells = [tuple(one) for one in cell.tolist()]
    near = all(
        max(abs(cells[a][0] - cells[b][0]), abs(cells[a][1] - cells[b][1])) <= 2
        for a, b in zip(graph.src.tolist(), graph.dst.tolist(), strict=True)
    )
    return (
        near
        and len(set(cells)) == graph.nodes
        and not [*diagnose_route(routed_graph(PlacedGraph(graph, core, cell, "x")))]
    )


@pytest.mark.parametrize(
    ("graph", "shape"),
    [
        (nx.grid_2d_graph(6, 10, periodic=True), (8, 12)),
        (nx.grid_2d_graph(5, 5, periodic=True), (5, 5)),
        (nx.cycle_graph(40), (8, 8)),
        (nx.random_regular_graph(3, 30, seed=1), (8, 8)),
        (nx.balanced_tree(3, 3), (8, 8)),
        (nx.disjoint_union(nx.complete_graph(9), nx.path_graph(9)), (6, 6)),
        (nx.empty_graph(7), (3, 3)),
    ],
    ids=["torus", "full torus", "cycle", "cubic", "tree", "clique and path", "no couplings"],
)
def test_sparse_graphs_are_placed_one_to_one(
    graph: nx.Graph[int], shape: tuple[int, int], open_core: MakeCore, model_of: ModelOf
) -> None:
    model, core = model_of(graph), open_core(*shape)
    found = anneal(model, core)
    assert found.cell is not None
    assert (found.cost, found.complete) == (0, True)
    assert placed_well(model, core, found.cell)


def test_a_clique_of_ten_cannot_be_placed_and_the_best_is_given(open_core: MakeCore, model_of: ModelOf) -> None:
    model, core = model_of(nx.complete_graph(10)), open_core(6, 6)
    found = anneal(model, core, attempts=2)
    assert found.cell is not None
    assert found.complete
    assert found.attempts == 2
    # Nine cells are near each other; one more is a cell too far from three of them at least, in both directions.
    cells = found.cell.tolist()
    far = [max(abs(a[0] - b[0]), abs(a[1] - b[1])) - 2 for a in cells for b in cells]
    assert found.cost == sum(one for one in far if one > 0) == 6


def test_defects_and_the_read_out_are_kept(make_core: MakeCore, model_of: ModelOf) -> None:
    dead, slots = [[3, 3], [3, 4], [4, 3]], [[2, 2, 12], [5, 5, 0]]
    core = make_core(
        grid=[8, 8],
        stencil="box-2",
        readout={"origin": [0, 0], "step": [2, 2]},
        defects={"cells": dead, "slots": slots},
    )
    model = model_of(nx.grid_2d_graph(5, 8), pixels=16)
    found = anneal(model, core)
    assert found.cell is not None
    assert found.cost == 0
    cell = found.cell.tolist()
    assert not any(one in dead for one in cell)
    assert all(row % 2 == col % 2 == 0 for row, col in cell[:16])
    assert placed_well(model, core, found.cell)


def test_a_dead_slot_costs_one(open_core: MakeCore, model_of: ModelOf) -> None:
    model = model_of(nx.path_graph(2))
    core = open_core(2, 2, defects={"slots": [[0, 0, 12]]})
    problem = PlacementProblem.of(model, core)
    costs = CellRules.of(model, core, problem).costs
    # Slot 12 of box-2 is (0, 1): the source to the right.
    for cells, cost in (([[0, 0], [0, 1]], 1), ([[0, 1], [0, 0]], 1), ([[1, 0], [1, 1]], 0)):
        cell = np.array(cells, np.int32)
        assert total_cost(problem.adjacency, costs, cell) == cost
    assert anneal(model, core).cost == 0


def test_the_same_seed_gives_the_same_cells(open_core: MakeCore, model_of: ModelOf) -> None:
    model, core = model_of(nx.grid_2d_graph(6, 6, periodic=True)), open_core(7, 7)
    first, again, other = (anneal(model, core, Search(seed)).cell for seed in (1, 1, 2))
    assert first is not None
    assert again is not None
    assert first.tolist() == again.tolist()
    assert other is not None
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize("ending", ["time", "interrupt"])
def test_a_search_that_is_ended_gives_the_best_so_far(
    open_core: MakeCore, model_of: ModelOf, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    model, core = model_of(nx.complete_graph(12)), open_core(8, 8)
    seen: list[float] = []

    def report(_: str, done: float) -> None:
        seen.append(done)
        if len(seen) == 10 and ending == "interrupt":
            raise KeyboardInterrupt

    ticks = iter(range(1000))
    monkeypatch.setattr("oscc.compiler.place.search.time.monotonic", lambda: float(next(ticks)))
    found = anneal(model, core, Search.within(10.0 if ending == "time" else None, progress=report))
    assert not found.complete
    assert len(seen) in (9, 10)
    assert found.cell is not None
    assert len({tuple(one) for one in found.cell.tolist()}) == 12
    assert seen == sorted(seen)


def test_more_nodes_than_cells(open_core: MakeCore, model_of: ModelOf) -> None:
    assert anneal(model_of(nx.path_graph(10)), open_core(3, 3)).cell is None


def test_the_cost_that_moves_keep_is_the_whole_cost(open_core: MakeCore, model_of: ModelOf) -> None:
    model = model_of(nx.random_regular_graph(6, 40, seed=2))
    core = open_core(7, 7, defects={"slots": [[3, 3, slot] for slot in range(24)]})
    # Some couplings in one direction only.
    kept = np.random.default_rng(0).random(model.src.size) < 0.7
    model = dataclasses.replace(model, src=model.src[kept], dst=model.dst[kept], weight=model.weight[:, kept])
    problem = PlacementProblem.of(model, core)
    rules = CellRules.of(model, core, problem)
    near = np.array(core.model_stencil.offsets, np.int32)
    cell = np.stack(np.divmod(np.arange(40), 7), axis=1).astype(np.int32)
    before = cell.copy()
    choices = CellChoices(rules.usable, rules.read, near)
    moved, cost = move_nodes(problem.adjacency, rules.costs, choices, cell, Cooling(5000, 3.0, 1.0, 7))
    assert np.array_equal(cell, before)
    assert cost == total_cost(problem.adjacency, rules.costs, moved)
    # By hand: the cells beyond the stencil, and the dead units of cell (3, 3).
    expected = 0
    for source, destination in zip(moved[model.src].tolist(), moved[model.dst].tolist(), strict=True):
        far = max(abs(source[0] - destination[0]), abs(source[1] - destination[1])) - 2
        expected += far if far > 0 else int(destination == [3, 3])
    assert cost == expected


def test_distances_are_those_of_breadth_first_search(open_core: MakeCore, model_of: ModelOf) -> None:
    graph = nx.disjoint_union(nx.random_regular_graph(3, 20, seed=3), nx.path_graph(4))
    model = model_of(graph, seed=1)
    problem = PlacementProblem.of(model, open_core(8, 8))
    again = nx.Graph(zip(model.src.tolist(), model.dst.tolist(), strict=True))
    found = distances_from(problem.adjacency, 5)
    lengths = nx.single_source_shortest_path_length(again, 5)
    longest = max(lengths.values())
    assert found.tolist() == [lengths.get(node, longest + 1) for node in range(24)]
