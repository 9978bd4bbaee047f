"""Placer `torus`: grids that close in both directions, folded so that the ends of every ring are beside each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.place.problem import PlacementProblem

SHORTEST = 5
"""Nodes of the shortest ring: in shorter ones, two nodes that are two apart have further neighbours in common."""

STEPS = ((0, 1), (0, 2), (1, 0), (2, 0))
"""Displacements that a folded torus needs, and their opposites."""


def folded_torus(problem: PlacementProblem) -> NDArray[np.int32] | None:
    """Fold a torus: return its cells, beginning at (0, 0); none is left free within its rows and columns.

    Rings are followed straight on: of the neighbours of a node, the one behind it has no other neighbour in common with
    the one in front. A ring that is folded flat has its neighbours at most two cells apart.

    Parameters
    ----------
    problem : PlacementProblem

    Returns
    -------
    int32[N, 2] or None
        None when the graph is no torus of R x C nodes, each at least `SHORTEST`, when it does not fit the grid, or when
        cells one and two apart cannot be coupled along rows and columns.
    """
    near, radius = problem.near, problem.near.shape[0] // 2
    if radius < 2 or not all(near[radius + drow, radius + dcol] for drow, dcol in STEPS):
        return None
    if problem.nodes < SHORTEST**2 or np.any(problem.adjacency.degree() != 4):
        return None
    rings = _rings(_neighbours(problem))
    if rings is None:
        return None
    table = np.array(rings, dtype=np.int64)
    if table.shape[0] > problem.grid[0] or table.shape[1] > problem.grid[1]:
        table = table.T
    if table.shape[0] > problem.grid[0] or table.shape[1] > problem.grid[1]:
        return None
    cell = np.zeros((problem.nodes, 2), dtype=np.int32)
    cell[table, 0] = _folded(table.shape[0])[:, None]
    cell[table, 1] = _folded(table.shape[1])[None, :]
    return cell


def _folded(length: int) -> NDArray[np.int32]:
    """Lay the nodes of a ring on a line: the first half outwards, the second half back between them."""
    node = np.arange(length, dtype=np.int32)
    place: NDArray[np.int32] = np.minimum(2 * node, 2 * (length - node) - 1).astype(np.int32)
    return place


def _neighbours(problem: PlacementProblem) -> list[list[int]]:
    return [problem.adjacency.near(node).tolist() for node in range(problem.nodes)]


def _rings(neighbours: list[list[int]]) -> list[list[int]] | None:
    """Return the nodes of a torus by row and column, as following the rings gives them; None if it does not."""
    row = _ring(0, neighbours[0][0], neighbours)
    if row is None:
        return None
    aside = [other for other in neighbours[0] if other not in (row[1], row[-1])]
    column = _ring(0, aside[0], neighbours) if len(aside) == 2 else None
    if column is None or len(row) * len(column) != len(neighbours):
        return None
    table = [row]
    for first in column[1:]:
        line = [first]
        for above, corner in zip(table[-1][1:], table[-1], strict=False):
            # The fourth corner of a square whose other three are known.
            corners = (set(neighbours[above]) & set(neighbours[line[-1]])) - {corner}
            if len(corners) != 1:
                return None
            line += corners
        table.append(line)
    return table if _is_torus(table, neighbours) else None


def _ring(first: int, second: int, neighbours: list[list[int]]) -> list[int] | None:
    """Follow a ring straight on from two nodes, until the first comes again; None where the way is not clear."""
    ring = [first, second]
    while True:
        before, here = ring[-2:]
        around = set(neighbours[before])
        ahead = [other for other in neighbours[here] if other != before and len(around & set(neighbours[other])) == 1]
        if len(ahead) != 1:
            return None
        if ahead[0] == first:
            return ring if len(ring) >= SHORTEST else None
        if len(ring) > len(neighbours):
            return None
        ring += ahead


def _is_torus(table: list[list[int]], neighbours: list[list[int]]) -> bool:
    """Return whether every node stands once in the table, with its four neighbours around it."""
    rows, cols = len(table), len(table[0])
    if sorted(node for line in table for node in line) != list(range(len(neighbours))):
        return False
    return all(
        sorted(
            (
                table[row - 1][col],
                table[(row + 1) % rows][col],
                table[row][col - 1],
                table[row][(col + 1) % cols],
            )
        )
        == sorted(neighbours[table[row][col]])
        for row in range(rows)
        for col in range(cols)
    )
