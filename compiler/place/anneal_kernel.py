"""Moves of placer `anneal`, and distances in a graph; compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.place.cell_rules import CouplingCosts


class CellChoices(NamedTuple):
    """Cells that moves may lead to.

    Parameters
    ----------
    usable : bool[2, R, C]
    read : int32[N]
        Of `NodeCells`.
    near : int32[k, 2]
        Displacements at which two cells can be coupled.
    """

    usable: NDArray[np.bool_]
    read: NDArray[np.int32]
    near: NDArray[np.int32]


class Cooling(NamedTuple):
    """How long moves are made, and how freely.

    Parameters
    ----------
    moves : int
    hot, cold : float
        Temperature at the first and the last move, in units of the cost.
    seed : int
    """

    moves: int
    hot: float
    cold: float
    seed: int


@kernel()
def distances_from(adjacency: Adjacency, start: int) -> NDArray[np.int32]:
    """Count the couplings on a shortest way from one node to every other.

    Parameters
    ----------
    adjacency : Adjacency
    start : int

    Returns
    -------
    int32[N]
        One more than the longest where no way leads.
    """
    first, neighbour = adjacency
    nodes = first.size - 1
    distance = np.full(nodes, -1, np.int32)
    queue = np.empty(nodes, np.int32)
    distance[start], queue[0] = 0, start
    head, tail = 0, 1
    while head < tail:
        node = queue[head]
        head += 1
        for place in range(first[node], first[node + 1]):
            other = neighbour[place]
            if distance[other] < 0:
                distance[other] = distance[node] + 1
                queue[tail] = other
                tail += 1
    longest = distance.max()
    for node in range(nodes):
        if distance[node] < 0:
            distance[node] = longest + 1
    return distance


@kernel()
def _cost(  # type: ignore[no-untyped-def]
    costs, place, row, col, other_row, other_col
) -> int:
    """Return what the couplings between a node and a neighbour cost, with the two on these cells."""
    excess, lost = costs.excess, costs.lost
    reach = lost.shape[2] // 2
    rows, cols = lost.shape[0], lost.shape[1]
    drow, dcol = other_row - row, other_col - col
    cost = 0
    if costs.receives[place]:
        far = excess[drow + rows - 1, dcol + cols - 1]
        cost += far if far > 0 else int(lost[row, col, drow + reach, dcol + reach])
    if costs.sends[place]:
        far = excess[rows - 1 - drow, cols - 1 - dcol]
        cost += far if far > 0 else int(lost[other_row, other_col, reach - drow, reach - dcol])
    return cost


@kernel()
def _cost_at(  # type: ignore[no-untyped-def]
    node, row, col, without, adjacency, costs, cell
) -> int:
    """Return what all couplings of a node cost with it on a cell, but for those with one neighbour."""
    first, neighbour = adjacency
    total = 0
    for place in range(first[node], first[node + 1]):
        other = neighbour[place]
        if other != without:
            total += _cost(costs, place, row, col, cell[other, 0], cell[other, 1])
    return total


@kernel()
def total_cost(adjacency: Adjacency, costs: CouplingCosts, cell: NDArray[np.int32]) -> int:
    """Sum the cost of a placement: the cells beyond the stencil, and 1 for each coupling that needs a dead unit.

    Parameters
    ----------
    adjacency : Adjacency
    costs : CouplingCosts
    cell : int32[N, 2]
    """
    total = 0
    for node in range(adjacency.first.size - 1):
        row, col = cell[node, 0], cell[node, 1]
        total += _cost_at(node, row, col, -1, adjacency, costs, cell)
    return total // 2


@kernel()
def move_nodes(
    adjacency: Adjacency, costs: CouplingCosts, choices: CellChoices, cell: NDArray[np.int32], cooling: Cooling
) -> tuple[NDArray[np.int32], int]:
    """Make moves at falling temperature (S. Kirkpatrick, C. Gelatt and M. Vecchi, Science 220, 1983).

    A random node goes to a random cell near a random neighbour; whoever is there takes its cell.

    Parameters
    ----------
    adjacency : Adjacency
    costs : CouplingCosts
    choices : CellChoices
    cell : int32[N, 2]
        Where the nodes are.
    cooling : Cooling

    Returns
    -------
    cell : int32[N, 2]
    cost : int
        As `total_cost` counts it; the moves end early when it is 0.
    """
    first, neighbour = adjacency
    usable, read, near = choices
    moves, hot, cold, seed = cooling
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, which is the compiled function's alone
    nodes = first.size - 1
    rows, cols = usable.shape[1], usable.shape[2]
    cell = cell.copy()
    at = np.full((rows, cols), -1, np.int32)
    for node in range(nodes):
        at[cell[node, 0], cell[node, 1]] = node
    cost = total_cost(adjacency, costs, cell)
    for move in range(moves):
        if cost == 0:
            break
        temperature = hot * (cold / hot) ** (move / moves)
        node = np.random.randint(nodes)  # noqa: NPY002
        if first[node] == first[node + 1]:
            continue
        aim = neighbour[np.random.randint(first[node], first[node + 1])]  # noqa: NPY002
        offset = np.random.randint(near.shape[0])  # noqa: NPY002
        row, col = cell[aim, 0] + near[offset, 0], cell[aim, 1] + near[offset, 1]
        if row < 0 or col < 0 or row >= rows or col >= cols or not usable[read[node], row, col]:
            continue
        there = at[row, col]
        old_row, old_col = cell[node, 0], cell[node, 1]
        if there == node or (there >= 0 and not usable[read[there], old_row, old_col]):
            continue
        # The couplings between the two stay out of the sums: they are looked at once, after the exchange.
        change = _cost_at(node, row, col, there, adjacency, costs, cell)
        change -= _cost_at(node, old_row, old_col, there, adjacency, costs, cell)
        if there >= 0:
            change += _cost_at(there, old_row, old_col, node, adjacency, costs, cell)
            change -= _cost_at(there, row, col, node, adjacency, costs, cell)
            for place in range(first[node], first[node + 1]):
                if neighbour[place] == there:
                    change += _cost(costs, place, row, col, old_row, old_col)
                    change -= _cost(costs, place, old_row, old_col, row, col)
        if change <= 0 or np.random.random() < np.exp(-change / temperature):  # noqa: NPY002
            cost += change
            cell[node, 0], cell[node, 1] = row, col
            at[row, col], at[old_row, old_col] = node, there
            if there >= 0:
                cell[there, 0], cell[there, 1] = old_row, old_col
    return cell, cost
