"""Bounds: why no one-to-one placement of a graph can exist, whatever a search would try; each finding is a proof."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.compiler.findings import Finding
from oscc.compiler.kernels import run_kernel
from oscc.compiler.placers.problem import PlacementProblem

MOST_EIGEN = 1200
"""Nodes up to which the spectral bound is computed: a dense eigenvalue problem, half a second at this size."""

MOST_VISITS = 300_000_000
"""Couplings that the density bound looks at: about a second."""

MOST_CLIQUES = 20_000
"""Maximal cliques that are looked at: about a second."""

ROUNDING = 1e-6
"""Taken off the computed eigenvalue, relative to the largest degree, so that what is left is certainly no more."""

COPY_ADVICE = ", or let nodes be copied: --copies"
"""End of a fix, where copies would be free of what is found."""

SEVERAL = f"use a core with a wider stencil or a model with fewer couplings{COPY_ADVICE}"


def diagnose_bounds(problem: PlacementProblem) -> Iterator[Finding]:
    """Every bound that a graph exceeds (codes L010 to L013), each with its worst witness.

    L010 a node with more neighbours than there are cells near a cell, L011 more nodes within some steps of a node than
    there are cells within as many steps of a cell, L012 more nodes that are all coupled with each other than there can
    be cells all near each other, L013 a cut that every placement has and that is wider than a line through the grid.

    Parameters
    ----------
    problem : PlacementProblem
    """
    for finding in (degree_bound(problem), density_bound(problem), clique_bound(problem), cut_bound(problem)):
        if finding is not None:
            yield finding


def degree_bound(problem: PlacementProblem) -> Finding | None:
    """L010: neighbours of a node need cells of their own near its cell."""
    degree, near = problem.degree(), int(problem.near.sum())
    node = int(degree.argmax()) if degree.size else 0
    if degree.size == 0 or degree[node] <= near:
        return None
    return Finding(
        "L010",
        f"node {node} is coupled with {degree[node]} others; only {near} cells are near a cell",
        SEVERAL,
        {"node": node, "neighbours": int(degree[node]), "near": near},
    )


def density_bound(problem: PlacementProblem) -> Finding | None:
    """L011: what d couplings reach from a node lies, placed, within d steps of the stencil from its cell.

    So the nodes within d of any node, itself included, are at most as many as the cells within d steps of a cell: of
    the cell in the middle of the grid, which reaches the most. With d = 1 this is the degree bound.
    """
    from oscc.compiler.reach_kernel import most_within

    cells = _cells_of_steps(problem)
    # Crowded surroundings are looked at first, since a graph of any size gets the same time.
    start = np.argsort(-problem.degree(), kind="stable").astype(np.int32)
    held, node = run_kernel(most_within, problem.first, problem.neighbour, start, max(0, cells.size - 1), MOST_VISITS)
    beyond = np.flatnonzero(held[2 : cells.size] > cells[2:])
    if beyond.size == 0:
        return None
    steps = int(beyond[0]) + 2
    return Finding(
        "L011",
        f"{held[steps]} nodes are within {steps} couplings of node {node[steps]}; only {cells[steps]} cells are within "
        f"{steps} steps of a cell",
        SEVERAL,
        {"node": int(node[steps]), "steps": steps, "nodes": int(held[steps]), "cells": int(cells[steps])},
    )


def _cells_of_steps(problem: PlacementProblem) -> NDArray[np.int64]:
    """Cells within 0, 1, ... steps of a cell, as long as there are fewer than nodes, and fewer than on the grid.

    Where the stencil does not reach the whole grid, the last number holds for any further step.
    """
    everything = problem.grid[0] * problem.grid[1]
    cells: list[int] = []
    for count in reachable_cells(problem.near, problem.grid):
        # Within as many steps as reach the whole grid, more nodes are simply more nodes than cells.
        if count >= min(problem.nodes, everything):
            return np.array(cells, dtype=np.int64)
        cells.append(count)
    cells += [cells[-1]] * (problem.nodes - len(cells))
    return np.array(cells, dtype=np.int64)


def reachable_cells(near: NDArray[np.bool_], grid: tuple[int, int]) -> Iterator[int]:
    """The most cells that any cell of a grid has within 0, 1, 2, ... steps, itself included, until they are all.

    Steps may leave the grid and come back, but lead no further from the first cell than the grid is long: what is
    counted is never less than what a placement can use.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
        As a `PlacementProblem` has it.
    grid : tuple of (int, int)
    """
    rows, cols = grid
    held = np.zeros((2 * rows - 1, 2 * cols - 1), dtype=bool)
    held[rows - 1, cols - 1] = True
    moves = (np.argwhere(near) - near.shape[0] // 2).tolist()
    while True:
        yield _in_best_window(held, grid)
        wider = held.copy()
        for drow, dcol in moves:
            if abs(drow) < held.shape[0] and abs(dcol) < held.shape[1]:
                into, out = _overlap(held.shape, (drow, dcol))
                wider[into] |= held[out]
        if np.array_equal(wider, held):
            return
        held = wider


def _overlap(shape: tuple[int, ...], step: tuple[int, int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the cells of a table come to by a step, and which of them stay on it."""
    sizes = list(zip(shape, step, strict=True))
    into = tuple(slice(max(0, by), size + min(0, by)) for size, by in sizes)
    return into, tuple(slice(max(0, -by), size + min(0, -by)) for size, by in sizes)


def _in_best_window(held: NDArray[np.bool_], grid: tuple[int, int]) -> int:
    """The most of these displacements, bool[2 R - 1, 2 C - 1], that any cell of a grid has on it."""
    rows, cols = grid
    sums = np.zeros((2 * rows, 2 * cols), dtype=np.int64)
    sums[1:, 1:] = held.cumsum(axis=0, dtype=np.int64).cumsum(axis=1)
    windows = sums[rows:, cols:] - sums[:-rows, cols:] - sums[rows:, :-cols] + sums[:-rows, :-cols]
    return int(windows.max())


def clique_bound(problem: PlacementProblem) -> Finding | None:
    """L012: nodes that are all coupled with each other need cells that are all near each other."""
    room = largest_near_set(problem.near)
    if np.all(problem.degree() < room):
        return None
    # Whoever belongs to more than that has as many neighbours that do.
    graph = nx.k_core(_networkx(problem), room)
    for clique in itertools.islice(nx.find_cliques(graph), MOST_CLIQUES):
        if len(clique) > room:
            nodes = sorted(clique)[: room + 1]
            return Finding(
                "L012",
                f"nodes {', '.join(map(str, nodes))} are all coupled with each other; at most {room} cells are all "
                "near each other",
                SEVERAL,
                {"nodes": nodes, "cells": room},
            )
    return None


def largest_near_set(near: NDArray[np.bool_]) -> int:
    """The most cells that are all near each other: by looking at all such sets that hold a given cell.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
    """
    radius = near.shape[0] // 2
    around = [tuple(cell) for cell in (np.argwhere(near) - radius).tolist()]
    graph: nx.Graph[tuple[int, ...]] = nx.Graph()
    graph.add_nodes_from(around)
    for one, other in itertools.combinations(around, 2):
        drow, dcol = other[0] - one[0], other[1] - one[1]
        if max(abs(drow), abs(dcol)) <= radius and near[drow + radius, dcol + radius]:
            graph.add_edge(one, other)
    return 1 + max((len(clique) for clique in nx.find_cliques(graph)), default=0)


def cut_bound(problem: PlacementProblem) -> Finding | None:
    """L013: the lines between columns (or rows) of a placement cut the graph, and few couplings cross a line.

    Counted from the left, the nodes in the first columns grow by at most one column of cells at a line, so some line
    has between (N - R) / 2 and (N + R) / 2 nodes on its left. Any set of s nodes is left by at least
    lambda s (N - s) / N couplings, lambda being the second-smallest eigenvalue of the graph's Laplacian (M. Fiedler,
    Algebraic connectivity of graphs, 1973); with such an s this is at least lambda (N^2 - R^2) / (4 N). A line of R
    rows is crossed by no more couplings than there are pairs of near cells across it. Likewise for rows.
    """
    nodes = problem.nodes
    if not 2 <= nodes <= MOST_EIGEN:
        return None
    degree = problem.degree()
    laplacian = np.diag(degree.astype(np.float64)) - _adjacency(problem).astype(np.float64)
    least = float(np.linalg.eigvalsh(laplacian)[1]) - ROUNDING * max(1, int(degree.max()))
    for line, length, depth in (("columns", *problem.grid), ("rows", *problem.grid[::-1])):
        if nodes <= length or depth < 2:
            continue
        needed = least * (nodes**2 - length**2) / (4 * nodes)
        pairs = pairs_across(problem.near if line == "columns" else problem.near.T, length)
        if needed > pairs:
            return Finding(
                "L013",
                f"any placement has a line between two {line} that at least {int(np.ceil(needed))} couplings cross; at "
                f"most {pairs} pairs of near cells lie across one",
                SEVERAL,
                {"line": line, "eigenvalue": least, "couplings": int(np.ceil(needed)), "pairs": pairs},
            )
    return None


def pairs_across(near: NDArray[np.bool_], rows: int) -> int:
    """Pairs of near cells on both sides of a line between two columns, on a grid that is wide enough.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
    rows : int
        Of the grid.
    """
    radius = near.shape[0] // 2
    # An offset of c columns to the right crosses the line from c columns, each at every row that it stays on the grid.
    return sum(col * max(0, rows - abs(row)) for row, col in (np.argwhere(near) - radius).tolist() if col > 0)


def _adjacency(problem: PlacementProblem) -> NDArray[np.float32]:
    adjacent = np.zeros((problem.nodes, problem.nodes), dtype=np.float32)
    adjacent[np.repeat(np.arange(problem.nodes), problem.degree()), problem.neighbour] = 1.0
    return adjacent


def _networkx(problem: PlacementProblem) -> nx.Graph[int]:
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(problem.nodes))
    node = np.repeat(np.arange(problem.nodes), problem.degree())
    graph.add_edges_from(zip(node.tolist(), problem.neighbour.tolist(), strict=True))
    return graph
