"""What the cells of a core have room for, wherever nodes are placed: the right-hand sides of the bounds."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import networkx as nx
import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 20_000_000
"""Displacements that `cells_within` looks at over all its steps: about a second."""


def most_near(near: NDArray[np.bool_], room: NDArray[np.bool_], start: NDArray[np.bool_]) -> int:
    """Return the most cells with room that are near any cell to start from; 0 where there is none.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1] or bool[R, C, 2 r + 1, 2 r + 1]
        Of which displacements cells are near: of all cells alike, or of each.
    room, start : bool[R, C]
    """
    radius = near.shape[-1] // 2
    count = np.zeros(room.shape, dtype=np.int64)
    of_each = np.broadcast_to(near, (*room.shape, *near.shape[-2:]))
    somewhere = near if near.ndim == 2 else near.any(axis=(0, 1))
    for drow, dcol in (np.argwhere(somewhere) - radius).tolist():
        if abs(drow) < room.shape[0] and abs(dcol) < room.shape[1]:
            there, here = overlap(room.shape, (drow, dcol))
            count[here] += room[there] & of_each[:, :, drow + radius, dcol + radius][here]
    return int(count[start].max(initial=0))


def cells_within(near: NDArray[np.bool_], room: NDArray[np.bool_], start: NDArray[np.bool_]) -> Iterator[int]:
    """Yield the most cells with room within 0, 1, 2, ... steps of any cell to start from, for ever the same at last.

    Steps may leave the grid and come back, and lead over cells without room, but no further from the first cell than
    the grid is long: what is counted is never less than what a placement can use. On large grids it ends when it has
    looked at `MOST_POINTS`.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
        As a `PlacementProblem` has it.
    room, start : bool[R, C]
    """
    rows, cols = room.shape
    held = np.zeros((2 * rows - 1, 2 * cols - 1), dtype=bool)
    held[rows - 1, cols - 1] = True
    moves = (np.argwhere(near) - near.shape[0] // 2).tolist()
    # How many cells with room a set of displacements leads to, from all cells at once, is a correlation. Periods of
    # twice the grid keep those apart that wrap around.
    spectrum = np.fft.rfft2(room, held.shape)
    for _ in range(1 + MOST_POINTS // held.size):
        table = np.fft.irfft2(np.fft.rfft2(held[::-1, ::-1]) * spectrum, held.shape)[rows - 1 :, cols - 1 :]
        count = int(np.rint(table[start].max(initial=0.0)))
        yield count
        wider = held.copy()
        for drow, dcol in moves:
            if abs(drow) < held.shape[0] and abs(dcol) < held.shape[1]:
                into, out = overlap(held.shape, (drow, dcol))
                wider[into] |= held[out]
        if np.array_equal(wider, held):
            yield from itertools.repeat(count)
        held = wider


def overlap(shape: tuple[int, ...], step: tuple[int, int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return where the cells of a table come to by a step, and which of them stay on it."""
    sizes = list(zip(shape, step, strict=True))
    into = tuple(slice(max(0, by), size + min(0, by)) for size, by in sizes)
    return into, tuple(slice(max(0, -by), size + min(0, -by)) for size, by in sizes)


def largest_near_set(near: NDArray[np.bool_]) -> int:
    """Return the most cells that are all near each other, by looking at all such sets that hold a given cell.

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


def pairs_across(near: NDArray[np.bool_], rows: int) -> int:
    """Return the pairs of near cells on both sides of a line between two columns, on a grid that is wide enough.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
    rows : int
        Of the grid.
    """
    radius = near.shape[0] // 2
    # An offset of c columns to the right crosses the line from c columns, each at every row that it stays on the grid.
    return sum(col * max(0, rows - abs(row)) for row, col in (np.argwhere(near) - radius).tolist() if col > 0)
