from __future__ import annotations

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.place import growth as module
from oscc.compiler.place.growth import grow
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import Search
from oscc.core.stencil import Stencil, named_stencil

Cell = tuple[int, int]


def grid_graph(cells: list[Cell], stencil: Stencil) -> nx.Graph[Cell]:
    """All couplings among some cells."""
    graph: nx.Graph[Cell] = nx.Graph()
    graph.add_nodes_from(cells)
    there = set(cells)
    for row, col in cells:
        for drow, dcol in stencil.offsets:
            if (row + drow, col + dcol) in there:
                graph.add_edge((row, col), (row + drow, col + dcol))
    return graph


def problem_of(graph: nx.Graph[Cell], stencil: Stencil, grid: tuple[int, int], seed: int = 0) -> PlacementProblem:
    """The problem of a graph whose nodes have lost their places."""
    order = np.random.default_rng(seed).permutation(len(graph))
    number = {node: int(order[place]) for place, node in enumerate(sorted(graph.nodes))}
    pairs = [(number[node], number[other]) for node in graph for other in graph[node]]
    ends = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    adjacency = Adjacency.of_pairs(ends[:, 0], ends[:, 1], len(graph))
    return PlacementProblem(adjacency, stencil.slot_of_displacement >= 0, grid)


def cells_of(rows: int, cols: int) -> list[Cell]:
    return [(row, col) for row in range(rows) for col in range(cols)]


def as_cells(graph: nx.Graph[int]) -> nx.Graph[Cell]:
    """A graph with cells for names, which say nothing."""
    renamed: nx.Graph[Cell] = nx.Graph()
    renamed.add_edges_from(((0, a), (0, b)) for a, b in graph.edges)
    return renamed


def check(problem: PlacementProblem, cell: np.ndarray, stencil: Stencil) -> None:
    """Every node has a cell of its own on the grid, and neighbours are near."""
    cells = [(row, col) for row, col in cell.tolist()]
    assert len(set(cells)) == problem.nodes
    rows, cols = problem.grid
    assert all(0 <= row < rows and 0 <= col < cols for row, col in cells)
    for node, (row, col) in enumerate(cells):
        for other in problem.adjacency.near(node).tolist():
            assert (cells[other][0] - row, cells[other][1] - col) in stencil.offsets


@pytest.mark.parametrize("name", ["box-2", "diamond-3", "king", "box-3"])
@pytest.mark.parametrize("grid", [(20, 20), (14, 22), (22, 14)])
def test_a_relabelled_grid_is_placed_one_to_one(name: str, grid: tuple[int, int]) -> None:
    stencil = named_stencil(name)
    problem = problem_of(grid_graph(cells_of(*grid), stencil), stencil, grid)
    found = grow(problem)
    assert found.cell is not None
    assert found.placed == problem.nodes == grid[0] * grid[1]
    check(problem, found.cell, stencil)


def test_the_largest_grid() -> None:
    stencil = named_stencil("box-2")
    problem = problem_of(grid_graph(cells_of(56, 56), stencil), stencil, (56, 56))
    found = grow(problem)
    assert found.cell is not None
    check(problem, found.cell, stencil)


@pytest.mark.parametrize("name", ["diamond-1", "king", "diamond-2"])
@pytest.mark.parametrize(("rows", "cols"), [(8, 8), (20, 31)])
def test_grids_with_fewer_couplings_than_the_core_has_units(name: str, rows: int, cols: int) -> None:
    own, stencil = named_stencil(name), named_stencil("box-2")
    problem = problem_of(grid_graph(cells_of(rows, cols), own), stencil, (31, 32))
    found = grow(problem)
    assert found.cell is not None
    check(problem, found.cell, stencil)
    assert np.ptp(found.cell, axis=0).max() + 1 == max(rows, cols), "nothing is crumpled"


def test_stencils_that_are_part_of_another() -> None:
    def parts(name: str) -> list[int]:
        return [int(near.sum()) for near in module._smaller_stencils(named_stencil(name).slot_of_displacement >= 0)]

    assert parts("box-2") == [4, 8, 12]
    assert parts("diamond-2") == [4, 8]
    assert parts("king") == [4]
    assert parts("diamond-1") == []
    assert parts("diamond-3") == [4, 8, 12]
    without = Stencil(tuple(offset for offset in named_stencil("box-2").offsets if offset not in ((0, 1), (0, -1))))
    assert [int(near.sum()) for near in module._smaller_stencils(without.slot_of_displacement >= 0)] == []


@settings(max_examples=15)
@given(seed=st.integers(0, 2**16), missing=st.floats(0, 0.1), side=st.integers(12, 24))
def test_grids_with_holes(seed: int, missing: float, side: int) -> None:
    random = np.random.default_rng(seed)
    cells = [cell for cell in cells_of(side, side) if random.random() >= missing]
    stencil = named_stencil("box-2")
    problem = problem_of(grid_graph(cells, stencil), stencil, (side, side), seed)
    found = grow(problem)
    if found.cell is None:
        assert found.placed < problem.nodes
    else:
        check(problem, found.cell, stencil)


def test_the_same_bytes_for_the_same_seed() -> None:
    stencil = named_stencil("box-2")
    cells = [cell for number, cell in enumerate(cells_of(15, 15)) if number % 11]
    problem = problem_of(grid_graph(cells, stencil), stencil, (15, 15))
    first, second = grow(problem, search=Search(4)), grow(problem, search=Search(4))
    assert first.cell is not None
    assert second.cell is not None
    np.testing.assert_array_equal(first.cell, second.cell)
    assert first.attempts == second.attempts


def test_components_are_put_where_there_is_room() -> None:
    stencil = named_stencil("box-1")
    blocks = [(row, col) for row, col in cells_of(7, 7) if row != 3 and col != 3]
    alone = [(20, 20), (30, 30)]
    problem = problem_of(grid_graph([*blocks, *alone], stencil), stencil, (6, 7))
    found = grow(problem)
    assert found.cell is not None
    check(problem, found.cell, stencil)
    # Four blocks of nine and two nodes do not fit 6 x 6.
    full = problem_of(grid_graph([*blocks, *alone], stencil), stencil, (6, 6))
    assert grow(full).cell is None
    assert grow(full).placed == 37


def test_what_cannot_be_placed_is_not() -> None:
    stencil = named_stencil("king")
    # Five nodes that are all coupled; four cells of a King's graph are.
    problem = problem_of(as_cells(nx.complete_graph(5)), stencil, (8, 8))
    found = grow(problem, attempts=30)
    # As many on the King's stencil and on the four offsets of it that are enough for four neighbours.
    assert (found.cell, found.attempts, found.placed) == (None, 2 * 30, 4)
    line = problem_of(as_cells(nx.path_graph(9)), stencil, (2, 2))
    assert grow(line).cell is None


@pytest.mark.parametrize("name", ["box-2", "diamond-3", "king"])
def test_common_cells_are_counted(name: str) -> None:
    stencil = named_stencil(name)
    reach = stencil.radius
    found = module._common_cells(stencil.slot_of_displacement >= 0)
    offsets = set(stencil.offsets)
    for drow, dcol in product(range(-2 * reach, 2 * reach + 1), repeat=2):
        wanted = sum((row - drow, col - dcol) in offsets for row, col in offsets)
        assert found[drow + 2 * reach, dcol + 2 * reach] == wanted


def test_no_growth_is_begun_after_the_time() -> None:
    stencil = named_stencil("box-2")
    problem = problem_of(grid_graph(cells_of(20, 20), stencil), stencil, (20, 20))
    found = grow(problem, search=Search.within(0.0))
    assert (found.cell, found.attempts) == (None, 0)
