"""Growth of a placement from a first node, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel
from oscc.compiler.ir.adjacency import Adjacency

MISSING = 8.0
"""Cost of a placed node that would be near without being a neighbour, in units of the density."""


class OpenPlane(NamedTuple):
    """What holds anywhere on the plane.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
        As a `PlacementProblem` has it.
    common : float64[4 r + 1, 4 r + 1]
        Part of the cells near a cell that are also near another, by their displacement.
    longer, shorter : int
        Sides that the placement may have.
    """

    near: NDArray[np.bool_]
    common: NDArray[np.float64]
    longer: int
    shorter: int


class Turn(NamedTuple):
    """What differs from one growth to the next.

    Parameters
    ----------
    start : int
        The first node.
    density : float
        Part of the expected common neighbours that nodes are taken to have: less than 1 where couplings are missing.
    noise : float
        Part of a cost that is random: 0 for the growth that the numbers alone suggest.
    seed : int
    """

    start: int
    density: float
    noise: float
    seed: int


@kernel()
def grow_component(adjacency: Adjacency, given: OpenPlane, turn: Turn) -> tuple[NDArray[np.int32], int]:
    """Find cells for the nodes that are connected with a first one, on an open plane.

    The next node is always the one with the most placed neighbours, and it goes where it is near all of them and the
    numbers of neighbours that it has in common with the placed nodes around are most like those of a dense grid.

    Parameters
    ----------
    adjacency : Adjacency
    given : OpenPlane
    turn : Turn

    Returns
    -------
    cell : int32[N, 2]
        Beginning at (0, 0); -1 for nodes that have none.
    placed : int
        Number of nodes that have one; those of the component unless the growth came to a node that fits nowhere.
    """
    first, neighbour = adjacency
    near, common, longer, shorter = given
    start, density, noise, seed = turn
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, which is the compiled function's alone
    nodes = first.size - 1
    reach = near.shape[0] // 2
    margin = 2 * reach
    size = 2 * longer + 1 + 2 * margin
    middle = size // 2
    plane = np.full((size, size), -1, np.int32)
    cell = np.full((nodes, 2), -1, np.int32)
    placed_neighbours = np.zeros(nodes, np.int32)
    in_common = np.zeros(nodes, np.int32)
    is_neighbour = np.zeros(nodes, np.bool_)

    top = bottom = left = right = middle
    node, row, col = start, middle, middle
    placed = 0
    while True:
        cell[node, 0], cell[node, 1] = row, col
        plane[row, col] = node
        placed += 1
        top, bottom, left, right = min(top, row), max(bottom, row), min(left, col), max(right, col)
        for at in range(first[node], first[node + 1]):
            placed_neighbours[neighbour[at]] += 1

        node, most = -1, 0.0
        for other in range(nodes):
            if cell[other, 0] < 0 and placed_neighbours[other] > 0:
                # Of those with as many, the one that has the fewest still to be placed.
                rank = placed_neighbours[other] + placed_neighbours[other] / (first[other + 1] - first[other] + 1.0)
                if rank > most:
                    node, most = other, rank
        if node < 0:
            break

        low_row, high_row, low_col, high_col = margin, size - margin - 1, margin, size - margin - 1
        for at in range(first[node], first[node + 1]):
            other = neighbour[at]
            is_neighbour[other] = True
            if cell[other, 0] >= 0:
                low_row, high_row = max(low_row, cell[other, 0] - reach), min(high_row, cell[other, 0] + reach)
                low_col, high_col = max(low_col, cell[other, 1] - reach), min(high_col, cell[other, 1] + reach)
            for further in range(first[other], first[other + 1]):
                in_common[neighbour[further]] += 1

        degree = first[node + 1] - first[node]
        row, col, best = -1, -1, 0.0
        for r in range(low_row, high_row + 1):
            for c in range(low_col, high_col + 1):
                height, width = max(bottom, r) - min(top, r) + 1, max(right, c) - min(left, c) + 1
                if plane[r, c] >= 0 or max(height, width) > longer or min(height, width) > shorter:
                    continue
                near_placed, cost = 0, 0.0
                for dr in range(-margin, margin + 1):
                    for dc in range(-margin, margin + 1):
                        other = plane[r + dr, c + dc]
                        if other < 0:
                            continue
                        fewer = min(degree, first[other + 1] - first[other])
                        expected = density * common[dr + margin, dc + margin] * fewer
                        cost += (in_common[other] - expected) ** 2 / (expected + 1.0)
                        if abs(dr) <= reach and abs(dc) <= reach and near[dr + reach, dc + reach]:
                            if is_neighbour[other]:
                                near_placed += 1
                            else:
                                cost += MISSING * density
                cost *= 1.0 + noise * np.random.random()  # noqa: NPY002
                if near_placed == placed_neighbours[node] and (row < 0 or cost < best):
                    row, col, best = r, c, cost

        for at in range(first[node], first[node + 1]):
            other = neighbour[at]
            is_neighbour[other] = False
            for further in range(first[other], first[other + 1]):
                in_common[neighbour[further]] = 0
        if row < 0:
            break

    for other in range(nodes):
        if cell[other, 0] >= 0:
            cell[other, 0] -= top
            cell[other, 1] -= left
    return cell, placed
