from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.bounds import (
    clique_bound,
    cut_bound,
    degree_bound,
    density_bound,
    diagnose_bounds,
    largest_near_set,
    pairs_across,
    reachable_cells,
)
from oscc.compiler.findings import Finding
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.placers.problem import PlacementProblem
from oscc.compiler.reach_kernel import most_within
from oscc.compiler.spec import CoreSpec
from oscc.compiler.spec_file import load_core
from oscc.compiler.witness_checker import check_witness

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def model(graph: Any) -> CouplingGraph:
    numbered = nx.convert_node_labels_to_integers(graph)
    for one, other in numbered.edges:
        numbered.edges[one, other]["weight"] = 1.0
    return graph_model(numbered, name="g", where="g")


def near_of(offsets: list[tuple[int, int]]) -> np.ndarray:
    radius = max(max(abs(row), abs(col)) for row, col in offsets)
    near = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=bool)
    for row, col in offsets:
        near[row + radius, col + radius] = near[radius - row, radius - col] = True
    near[radius, radius] = False
    return near


OFFSETS = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)).filter(any), min_size=1, max_size=8)


@settings(max_examples=60)
@given(offsets=OFFSETS, rows=st.integers(1, 5), cols=st.integers(1, 5), steps=st.integers(1, 3))
def test_cells_within_steps_by_walking(offsets: list[tuple[int, int]], rows: int, cols: int, steps: int) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    grid = set(itertools.product(range(1 - rows, rows), range(1 - cols, cols)))
    moves = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    reached = {(0, 0)}
    for _ in range(steps):
        reached |= {(row + a, col + b) for row, col in reached for a, b in moves} & grid
    # All cells as the start, the steps free to leave the grid, but not its length: what a cell reaches at most.
    most = max(
        sum(0 <= row + a < rows and 0 <= col + b < cols for a, b in reached)
        for row, col in itertools.product(range(rows), range(cols))
    )
    counts = list(reachable_cells(near, (rows, cols)))
    assert counts[min(steps, len(counts) - 1)] == most


@settings(max_examples=30)
@given(offsets=OFFSETS)
def test_largest_near_set_by_trying_all(offsets: list[tuple[int, int]]) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    cells = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    joined = set(cells)
    best = 1
    for size in range(2, 6):
        for some in itertools.combinations(cells, size - 1):
            if all((a[0] - b[0], a[1] - b[1]) in joined for a, b in itertools.combinations(some, 2)):
                best = size
                break
    assert min(largest_near_set(near), 5) == best


@settings(max_examples=30)
@given(offsets=OFFSETS, rows=st.integers(1, 6))
def test_pairs_across_a_line_by_counting(offsets: list[tuple[int, int]], rows: int) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    moves = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    count = sum(
        0 <= row + a < rows and col + b > 3 for row, col in itertools.product(range(rows), range(4)) for a, b in moves
    )
    assert pairs_across(near, rows) == count


@settings(max_examples=40)
@given(
    rows=st.integers(1, 6),
    cols=st.integers(2, 6),
    stencil=st.sampled_from(["king", "box-2", "diamond-3"]),
    density=st.floats(0.2, 1.0),
    seed=st.integers(0, 9999),
)
def test_what_was_cut_out_of_the_grid_exceeds_no_bound(
    rows: int, cols: int, stencil: str, density: float, seed: int, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = make_core(grid=[rows, cols], stencil=stencil, readout={"step": [1, 1]})
    graph = make_graph(core, chunks=1, density=density, seed=seed)
    assert list(diagnose_bounds(PlacementProblem.of(graph, core))) == []


def random_graphs() -> list[Any]:
    found = [nx.gnp_random_graph(nodes, share, seed=nodes) for nodes in (4, 5, 6) for share in (0.5, 0.8, 1.0)]
    return [*found, nx.star_graph(5), nx.cycle_graph(6), nx.complete_bipartite_graph(2, 4)]


@pytest.mark.parametrize("grid", [(2, 3), (1, 6), (3, 2)])
@pytest.mark.parametrize("stencil", ["king", [[0, 1], [0, -1], [1, 0], [-1, 0]]])
def test_a_bound_never_refuses_what_fits(grid: tuple[int, int], stencil: object, make_core: MakeCore) -> None:
    """Against all placements of small graphs on small grids."""
    core = make_core(grid=list(grid), stencil=stencil, readout={"step": [1, 1]})
    cells = list(itertools.product(range(grid[0]), range(grid[1])))
    near = set(core.model_stencil.offsets)
    refused = 0
    for graph in random_graphs():
        edges = list(nx.convert_node_labels_to_integers(graph).edges)
        fits = any(
            all((place[a][0] - place[b][0], place[a][1] - place[b][1]) in near for a, b in edges)
            for place in itertools.permutations(cells, graph.number_of_nodes())
        )
        bounds = list(diagnose_bounds(PlacementProblem.of(model(graph), core)))
        refused += bool(bounds)
        assert not (fits and bounds), (graph, bounds)
    assert refused, "the graphs are to have some that a bound refuses"


def finding(found: Finding | None) -> Finding:
    assert found is not None
    assert found.proof
    return found


def test_each_bound_has_a_witness_that_holds(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    star, tree = nx.star_graph(30), nx.balanced_tree(5, 3)
    cases = [
        (degree_bound, star, {"node": 0, "neighbours": 30, "near": 24}),
        # The root, 5, 25 and 125 nodes: within two steps of a child of the root are all but few.
        (density_bound, nx.balanced_tree(20, 2), {"steps": 2, "nodes": 421, "cells": 81, "node": 0}),
        (clique_bound, nx.complete_graph(10), {"nodes": list(range(10)), "cells": 9}),
    ]
    for bound, graph, witness in cases:
        made = model(graph)
        found = finding(bound(PlacementProblem.of(made, core)))
        assert found.witness == witness
        assert check_witness(found, made, core, None) is True
    assert density_bound(PlacementProblem.of(model(tree), core)) is None
    expander = model(nx.random_regular_graph(12, 300, seed=1))
    found = finding(cut_bound(PlacementProblem.of(expander, core)))
    assert found.witness["pairs"] == sum(b * (20 - abs(a)) for a in range(-2, 3) for b in (1, 2))
    assert check_witness(found, expander, core, None) is True


@pytest.mark.parametrize(
    "change",
    [
        {"L010": {"neighbours": 29}},
        {"L010": {"node": 3}},
        {"L011": {"nodes": 500}},
        {"L011": {"cells": 80}},
        {"L012": {"nodes": [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]}},
        {"L012": {"cells": 8, "nodes": [0, 1, 2, 3, 4, 5, 6, 7, 8]}},
        {"L013": {"eigenvalue": 6.0}},
        {"L013": {"pairs": 100}},
    ],
)
def test_a_false_witness_is_found_out(change: dict[str, dict[str, object]], make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    graphs = {
        "L010": nx.star_graph(30),
        "L011": nx.balanced_tree(20, 2),
        "L012": nx.complete_graph(10),
        "L013": nx.random_regular_graph(12, 300, seed=1),
    }
    ((code, changes),) = change.items()
    made = model(graphs[code])
    true = next(each for each in diagnose_bounds(PlacementProblem.of(made, core)) if each.code == code)
    assert check_witness(true, made, core, None) is True
    false = dataclasses.replace(true, witness={**true.witness, **changes})
    assert check_witness(false, made, core, None) is False


FAR = [[0, 2], [0, -2], [2, 0], [-2, 0]]


@pytest.mark.parametrize("stencil", [FAR, [[0, 1], [0, -1]], [[1, 1], [-1, -1], [1, -1], [-1, 1]]])
def test_stencils_that_do_not_reach_the_whole_grid(stencil: list[list[int]], make_core: MakeCore) -> None:
    core = make_core(grid=[8, 8], stencil=stencil, readout={"step": [1, 1]})
    moves = [(row, col) for row, col in stencil]
    # From every cell, by plain walking on the grid.
    most = 0
    for start in [(row, col) for row in range(8) for col in range(8)]:
        reached, edge = {start}, {start}
        while edge:
            edge = {(row + a, col + b) for row, col in edge for a, b in moves} - reached
            edge = {cell for cell in edge if 0 <= cell[0] < 8 and 0 <= cell[1] < 8}
            reached |= edge
        most = max(most, len(reached))
    fits, large = (PlacementProblem.of(model(nx.path_graph(nodes)), core) for nodes in (most, most + 1))
    assert density_bound(fits) is None
    found = finding(density_bound(large))
    assert found.witness["nodes"] == most + 1
    assert found.witness["cells"] <= most
    assert check_witness(found, model(nx.path_graph(most + 1)), core, None) is True


def test_searches_end_when_their_visits_are_used_up() -> None:
    graph = model(nx.union(nx.path_graph(30), nx.convert_node_labels_to_integers(nx.star_graph(9), first_label=30)))
    problem = PlacementProblem.of(graph, load_core("ising-56x56"))
    order = np.arange(graph.nodes, dtype=np.int32)
    most, node = most_within(problem.first, problem.neighbour, order, 1, 0)
    assert (most.tolist(), node.tolist()) == ([1, 2], [0, 0])
    most, node = most_within(problem.first, problem.neighbour, order, 1, 10**9)
    assert (most.tolist(), node[1]) == ([1, 10], int(problem.degree().argmax()))


def test_crowded_nodes_are_searched_from_first(make_core: MakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oscc.compiler.bounds.MOST_VISITS", 0)
    core = make_core(grid=[30, 30], stencil="box-2", readout={"step": [1, 1]})
    tree = nx.union(nx.path_graph(5), nx.convert_node_labels_to_integers(nx.balanced_tree(20, 2), first_label=5))
    # The leaves have one neighbour, the root 20, and its children 21, one of which is the first to be searched from.
    found = finding(density_bound(PlacementProblem.of(model(tree), core)))
    assert found.witness["nodes"] > found.witness["cells"]
