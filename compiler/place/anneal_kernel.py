"""Moves of placer `anneal`, and distances in a graph; compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel


@kernel()
def distances_from(first: NDArray[np.int32], neighbour: NDArray[np.int32], start: int) -> NDArray[np.int32]:
    """Compute the couplings on a shortest way from a node to every other, int32[N]; one more than the longest if none.

    Parameters
    ----------
    first, neighbour
        Of a `PlacementProblem`.
    start : int
    """
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
    receives, sends, row, col, other_row, other_col, excess, lost
) -> int:
    """Return what the couplings between a node and a neighbour cost, with the two on these cells."""
    reach = lost.shape[2] // 2
    rows, cols = lost.shape[0], lost.shape[1]
    drow, dcol = other_row - row, other_col - col
    cost = 0
    if receives:
        far = excess[drow + rows - 1, dcol + cols - 1]
        cost += far if far > 0 else int(lost[row, col, drow + reach, dcol + reach])
    if sends:
        far = excess[rows - 1 - drow, cols - 1 - dcol]
        cost += far if far > 0 else int(lost[other_row, other_col, reach - drow, reach - dcol])
    return cost


@kernel()
def _cost_at(  # type: ignore[no-untyped-def]
    node, row, col, without, first, neighbour, cell, receives, sends, excess, lost
) -> int:
    """Return what all couplings of a node cost with it on a cell, but for those with one neighbour."""
    total = 0
    for place in range(first[node], first[node + 1]):
        other = neighbour[place]
        if other != without:
            total += _cost(receives[place], sends[place], row, col, cell[other, 0], cell[other, 1], excess, lost)
    return total


@kernel()
def total_cost(
    first: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    cell: NDArray[np.int32],
    receives: NDArray[np.bool_],
    sends: NDArray[np.bool_],
    excess: NDArray[np.int32],
    lost: NDArray[np.bool_],
) -> int:
    """Compute the cost of a placement: the cells beyond the stencil, and 1 for each coupling that needs a dead unit.

    Parameters
    ----------
    first, neighbour
        Of a `PlacementProblem`.
    cell : int32[N, 2]
    receives, sends, excess, lost
        Of `CellRules`.
    """
    total = 0
    for node in range(first.size - 1):
        row, col = cell[node, 0], cell[node, 1]
        total += _cost_at(node, row, col, -1, first, neighbour, cell, receives, sends, excess, lost)
    return total // 2


@kernel()
def move_nodes(
    first: NDArray[np.int32],
    neighbour: NDArray[np.int32],
    cell: NDArray[np.int32],
    usable: NDArray[np.bool_],
    read: NDArray[np.int32],
    receives: NDArray[np.bool_],
    sends: NDArray[np.bool_],
    excess: NDArray[np.int32],
    lost: NDArray[np.bool_],
    near: NDArray[np.int32],
    moves: int,
    hot: float,
    cold: float,
    seed: int,
) -> tuple[NDArray[np.int32], int]:
    """Move nodes at falling temperature (S. Kirkpatrick, C. Gelatt and M. Vecchi, Science 220, 1983).

    A random node goes to a random cell near a random neighbour; whoever is there takes its cell.

    Parameters
    ----------
    first, neighbour
        Of a `PlacementProblem`.
    cell : int32[N, 2]
        Where the nodes are.
    usable, read, receives, sends, excess, lost
        Of `CellRules`.
    near : int32[k, 2]
        Displacements at which two cells can be coupled.
    moves : int
    hot, cold : float
        Temperature at the first and the last move, in units of the cost.
    seed : int

    Returns
    -------
    cell : int32[N, 2]
    cost : int
        As `total_cost` counts it; the moves end early when it is 0.
    """
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, which is the compiled function's alone
    nodes = first.size - 1
    rows, cols = usable.shape[1], usable.shape[2]
    cell = cell.copy()
    at = np.full((rows, cols), -1, np.int32)
    for node in range(nodes):
        at[cell[node, 0], cell[node, 1]] = node
    cost = total_cost(first, neighbour, cell, receives, sends, excess, lost)
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
        change = _cost_at(node, row, col, there, first, neighbour, cell, receives, sends, excess, lost)
        change -= _cost_at(node, old_row, old_col, there, first, neighbour, cell, receives, sends, excess, lost)
        if there >= 0:
            change += _cost_at(there, old_row, old_col, node, first, neighbour, cell, receives, sends, excess, lost)
            change -= _cost_at(there, row, col, node, first, neighbour, cell, receives, sends, excess, lost)
            for place in range(first[node], first[node + 1]):
                if neighbour[place] == there:
                    takes, gives = receives[place], sends[place]
                    change += _cost(takes, gives, row, col, old_row, old_col, excess, lost)
                    change -= _cost(takes, gives, old_row, old_col, row, col, excess, lost)
        if change <= 0 or np.random.random() < np.exp(-change / temperature):  # noqa: NPY002
            cost += change
            cell[node, 0], cell[node, 1] = row, col
            at[row, col], at[old_row, old_col] = node, there
            if there >= 0:
                cell[there, 0], cell[there, 1] = old_row, old_col
    return cell, cost
