"""Rounds of negotiated congestion, compiled."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel

GROWTH = 1.6
"""By how much present congestion costs more from round to round."""

PATIENCE, IMPROVEMENT = 8, 0.98
"""Rounds after which no more are made when none of them brought the wires too many below that part."""


class Wires(NamedTuple):
    """Where wires are; each as in `WireRoutes`.

    Parameters
    ----------
    start, end : int32[W, 2]
    first : int32[W + 1]
    direction : uint8[L]
    """

    start: NDArray[np.int32]
    end: NDArray[np.int32]
    first: NDArray[np.int32]
    direction: NDArray[np.uint8]


class _Congestion(NamedTuple):
    """How full boundaries are: those between columns, and those between rows.

    Parameters
    ----------
    used : int64[2, rows, cols]
        Wires now.
    past : float64[2, rows, cols]
        Wires too many, over all rounds so far.
    capacity : int
        Tracks of each.
    """

    used: NDArray[np.int64]
    past: NDArray[np.float64]
    capacity: int


class _Scratch(NamedTuple):
    """Room for a search of ways.

    Parameters
    ----------
    distance : float64[rows, cols]
    came : uint8[rows, cols]
        Direction of the last step to each cell.
    done : bool[rows, cols]
    steps : uint8[k]
    """

    distance: NDArray[np.float64]
    came: NDArray[np.uint8]
    done: NDArray[np.bool_]
    steps: NDArray[np.uint8]


@kernel()
def _boundary(row: int, col: int, direction: int) -> tuple[int, int, int]:
    """Return the boundary of a step: 0 for one between columns and 1 between rows, and its index."""
    if direction == 1:
        return 0, row, col
    if direction == 3:
        return 0, row, col - 1
    if direction == 2:
        return 1, row, col
    return 1, row - 1, col


@kernel()
def _way(  # type: ignore[no-untyped-def]
    start, end, congestion, pressure, margin, scratch
) -> int:
    """Find the cheapest way between two cells within their box and a margin, into ``steps``; return its length."""
    row, col, to_row, to_col = start[0], start[1], end[0], end[1]
    used, past, capacity = congestion
    distance, came, done, steps = scratch
    rows, cols = used.shape[1], used.shape[2]
    top, bottom = max(0, min(row, to_row) - margin), min(rows - 1, max(row, to_row) + margin)
    left, right = max(0, min(col, to_col) - margin), min(cols - 1, max(col, to_col) + margin)
    distance[top : bottom + 1, left : right + 1] = np.inf
    done[top : bottom + 1, left : right + 1] = False
    distance[row, col] = 0.0
    while True:
        best, here_row, here_col = np.inf, -1, -1
        for r in range(top, bottom + 1):
            for c in range(left, right + 1):
                if not done[r, c] and distance[r, c] < best:
                    best, here_row, here_col = distance[r, c], r, c
        if here_row == to_row and here_col == to_col:
            break
        done[here_row, here_col] = True
        for direction in range(4):
            r = here_row + (direction == 2) - (direction == 0)
            c = here_col + (direction == 1) - (direction == 3)
            if r < top or r > bottom or c < left or c > right:
                continue
            kind, i, j = _boundary(here_row, here_col, direction)
            over = max(0, used[kind, i, j] + 1 - capacity)
            cost = best + (1.0 + past[kind, i, j]) * (1.0 + pressure * over)
            if cost < distance[r, c]:
                distance[r, c] = cost
                came[r, c] = direction
    length = 0
    r, c = to_row, to_col
    while r != row or c != col:
        direction = came[r, c]
        steps[length] = direction
        length += 1
        r -= (direction == 2) - (direction == 0)
        c -= (direction == 1) - (direction == 3)
    steps[:length] = steps[:length][::-1].copy()
    return length


@kernel()
def negotiate_rounds(
    wires: Wires, grid: tuple[int, int], capacity: int, rounds: int, seed: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8], int]:
    """Take up wires over full boundaries and lay them anew, round after round, until no boundary is too full.

    Parameters
    ----------
    wires : Wires
    grid : tuple of (int, int)
    capacity : int
        Tracks of every boundary.
    rounds : int
        Most rounds.
    seed : int
        Of the order in which wires are laid anew.

    Returns
    -------
    first, direction
        Of the new `WireRoutes`: the best round's, which has the fewest wires too many.
    rounds : int
        That were made.
    """
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, which is the compiled function's alone
    start, end, first, direction = wires
    rows, cols = grid
    count = start.shape[0]
    used = np.zeros((2, rows, cols), np.int64)
    past = np.zeros((2, rows, cols))
    longest = 4 * (rows + cols)
    length = np.zeros(count, np.int32)
    path = np.zeros((count, 64), np.uint8)
    for wire in range(count):
        row, col = start[wire]
        length[wire] = first[wire + 1] - first[wire]
        for step in range(length[wire]):
            taken = direction[first[wire] + step]
            path[wire, step] = taken
            kind, i, j = _boundary(row, col, taken)
            used[kind, i, j] += 1
            row += (taken == 2) - (taken == 0)
            col += (taken == 1) - (taken == 3)
    steps = np.zeros(longest, np.uint8)
    congestion = _Congestion(used, past, capacity)
    came, done = np.zeros((rows, cols), np.uint8), np.zeros((rows, cols), np.bool_)
    scratch = _Scratch(np.zeros((rows, cols)), came, done, steps)
    best_length, best_path = length.copy(), path.copy()
    best_over = np.maximum(used - capacity, 0).sum()
    pressure, made, improved = 0.5, 0, 0
    level = best_over
    for number in range(rounds):
        if best_over == 0 or number - improved > PATIENCE:
            break
        made = number + 1
        margin = 1 + number // 4
        for wire in np.random.permutation(count):  # noqa: NPY002
            row, col = start[wire]
            crowded = False
            for step in range(length[wire]):
                kind, i, j = _boundary(row, col, path[wire, step])
                crowded |= used[kind, i, j] > capacity
                row += (path[wire, step] == 2) - (path[wire, step] == 0)
                col += (path[wire, step] == 1) - (path[wire, step] == 3)
            if not crowded:
                continue
            row, col = start[wire]
            for step in range(length[wire]):
                kind, i, j = _boundary(row, col, path[wire, step])
                used[kind, i, j] -= 1
                row += (path[wire, step] == 2) - (path[wire, step] == 0)
                col += (path[wire, step] == 1) - (path[wire, step] == 3)
            found = _way(start[wire], end[wire], congestion, pressure, margin, scratch)
            # A way that is too long to be kept is no way: the wire goes back where it was.
            if found <= path.shape[1]:
                length[wire] = found
                path[wire, :found] = steps[:found]
            row, col = start[wire]
            for step in range(length[wire]):
                kind, i, j = _boundary(row, col, path[wire, step])
                used[kind, i, j] += 1
                row += (path[wire, step] == 2) - (path[wire, step] == 0)
                col += (path[wire, step] == 1) - (path[wire, step] == 3)
        over = np.maximum(used - capacity, 0)
        if over.sum() < best_over:
            best_over = over.sum()
            best_length, best_path = length.copy(), path.copy()
        if best_over <= IMPROVEMENT * level:
            level, improved = best_over, number
        past += over
        pressure *= GROWTH
    offsets = np.zeros(count + 1, np.int32)
    for wire in range(count):
        offsets[wire + 1] = offsets[wire] + best_length[wire]
    flat = np.zeros(offsets[count], np.uint8)
    for wire in range(count):
        flat[offsets[wire] : offsets[wire + 1]] = best_path[wire, : best_length[wire]]
    return offsets, flat, made
