from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.place.cell_rules import CellRules, excess_of
from oscc.compiler.place.layout import cells_in_order, pivot_coordinates
from oscc.compiler.place.problem import PlacementProblem
from oscc.core.stencil import named_stencil


def problem_of(graph, grid=(20, 20)):
    """Of a graph whose nodes are numbered from 0."""
    pairs = np.array([(node, other) for node in graph for other in graph[node]], np.int32).reshape(-1, 2)
    adjacency = Adjacency.of_pairs(pairs[:, 0], pairs[:, 1], len(graph))
    return PlacementProblem(adjacency, named_stencil("box-2").slot_of_displacement >= 0, grid)


def rules_of(nodes, usable, readable=None, read=()):
    """Rules without couplings."""
    alive = np.asarray(usable, bool)
    marks = np.zeros(nodes, np.int32)
    marks[list(read)] = 1
    none = np.zeros(0, bool)
    lost = np.zeros((*alive.shape, 5, 5), bool)
    both = np.stack([alive, alive if readable is None else alive & readable])
    return CellRules(both, marks, none, none, excess_of(named_stencil("box-2"), alive.shape), lost)


def test_coordinates_of_a_path_are_in_its_order():
    order = np.random.default_rng(0).permutation(30)
    path = nx.Graph(zip(order[:-1].tolist(), order[1:].tolist(), strict=True))
    found = pivot_coordinates(problem_of(path))[order, 0]
    assert (np.diff(found) > 0).all() or (np.diff(found) < 0).all()


def test_coordinates_of_a_grid_are_those_of_the_plane():
    grid = nx.grid_2d_graph(12, 20)
    where = np.array(sorted(grid.nodes))
    number = {tuple(cell): place for place, cell in enumerate(where.tolist())}
    found = pivot_coordinates(problem_of(nx.relabel_nodes(grid, number)))
    # The leading two follow the rows and columns but for a rotation: what they do not explain is small.
    centred = where - where.mean(axis=0)
    fit, *_ = np.linalg.lstsq(found[:, :2], centred, rcond=None)
    assert np.square(found[:, :2] @ fit - centred).sum() < 0.1 * np.square(centred).sum()


def test_components_and_single_nodes_have_coordinates():
    graph = nx.disjoint_union(nx.path_graph(4), nx.empty_graph(3))
    assert np.isfinite(pivot_coordinates(problem_of(graph))).all()
    assert pivot_coordinates(problem_of(nx.empty_graph(1))).shape == (1, 1)


def test_coordinates_are_the_same_for_the_same_seed():
    problem = problem_of(nx.random_regular_graph(4, 50, seed=1))
    assert np.array_equal(pivot_coordinates(problem, 3), pivot_coordinates(problem, 3))
    assert not np.allclose(pivot_coordinates(problem, 3), pivot_coordinates(problem, 4))


def test_cells_are_in_the_order_of_the_coordinates():
    where = np.array([[row, col] for row in range(4) for col in range(4)], float)
    order = np.random.default_rng(0).permutation(16)
    cell = cells_in_order(where[order], rules_of(16, np.ones((8, 8))))
    assert cell is not None
    assert cell.tolist() == (where[order] + 2).tolist()


@pytest.mark.parametrize(("nodes", "shape"), [(64, (8, 8)), (60, (4, 16)), (60, (16, 4)), (5, (1, 9)), (1, (3, 3))])
def test_every_node_has_a_cell_of_its_own_on_the_grid(nodes, shape):
    cell = cells_in_order(np.random.default_rng(0).normal(size=(nodes, 2)), rules_of(nodes, np.ones(shape)))
    assert cell is not None
    assert len({tuple(one) for one in cell.tolist()}) == nodes
    assert (cell >= 0).all()
    assert (cell < shape).all()


@pytest.mark.parametrize("seed", range(10))
def test_dead_cells_are_left_empty_and_pixels_are_on_readable_cells(seed):
    random = np.random.default_rng(seed)
    usable = random.random((8, 8)) > 0.2
    readable = np.zeros((8, 8), bool)
    readable[::2, ::2] = True
    nodes, pixels = int(usable.sum()), int((usable & readable).sum())
    read = random.choice(nodes, pixels, replace=False)
    cell = cells_in_order(random.normal(size=(nodes, 2)), rules_of(nodes, usable, readable, read))
    assert cell is not None
    assert len({tuple(one) for one in cell.tolist()}) == nodes
    assert usable[tuple(cell.T)].all()
    assert readable[tuple(cell[read].T)].all()


def test_too_few_cells():
    assert cells_in_order(np.zeros((5, 2)), rules_of(5, [[1, 1], [1, 1]])) is None
    assert cells_in_order(np.zeros((3, 2)), rules_of(3, np.ones((2, 2)), np.eye(2, dtype=bool), [0, 1, 2])) is None
