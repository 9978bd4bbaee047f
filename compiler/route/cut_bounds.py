"""Cuts: sets of cells that more wires must leave than there are tracks around them: proofs that nothing routes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.wire_routes import Cells

LARGEST_BLOCK = 8
"""Side of the largest square of cells whose boundary is looked at."""


@dataclass(frozen=True)
class Cut:
    """A rectangle of cells that more wires must leave or enter than there are tracks over its boundary.

    Parameters
    ----------
    top, left, bottom, right : int
        First and last row and column.
    wires : int
        With exactly one end in it.
    tracks : int
        Over its boundary.
    """

    top: int
    left: int
    bottom: int
    right: int
    wires: int
    tracks: int

    @property
    def cells(self) -> int:
        """Cells in it."""
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)


def overfull_cuts(start: Cells, end: Cells, grid: tuple[int, int], capacity: int) -> Iterator[Cut]:
    """Yield every cell, small square, and band of rows or columns from an edge that wires cannot all leave.

    Whatever ways the wires take, each of those with one end in a set of cells crosses its boundary once at least. So
    each cut is a proof; without any, nothing is proved.

    Parameters
    ----------
    start, end : int32[W, 2]
    grid : tuple of (int, int)
        Rows and columns.
    capacity : int
        Tracks of every boundary of two cells.
    """
    rows, cols = grid
    sizes = [(side, side) for side in range(1, min(LARGEST_BLOCK, rows, cols) + 1)]
    for height, width in sizes:
        yield from _windows(start, end, grid, capacity, height, width)
    for height in range(1, rows):
        yield from _window_at(start, end, grid, capacity, (0, 0, height, cols))
    for width in range(1, cols):
        yield from _window_at(start, end, grid, capacity, (0, 0, rows, width))


def _windows(start: Cells, end: Cells, grid: tuple[int, int], capacity: int, height: int, width: int) -> Iterator[Cut]:
    rows, cols = grid
    ends = _covered(start, start, grid, height, width) + _covered(end, end, grid, height, width)
    leaving = ends - 2 * _covered(np.minimum(start, end), np.maximum(start, end), grid, height, width)
    row, col = np.ogrid[: rows - height + 1, : cols - width + 1]
    open_rows = (row > 0).astype(np.int64) + (row + height < rows)
    open_cols = (col > 0).astype(np.int64) + (col + width < cols)
    tracks = capacity * (open_rows * width + open_cols * height)
    for top, left in np.argwhere(leaving > tracks).tolist():
        yield Cut(top, left, top + height - 1, left + width - 1, int(leaving[top, left]), int(tracks[top, left]))


def _covered(low: Cells, high: Cells, grid: tuple[int, int], height: int, width: int) -> NDArray[np.int64]:
    """Count the boxes from ``low`` to ``high`` in the window at each place, int64[rows - h + 1, cols - w + 1]."""
    shape = (grid[0] - height + 1, grid[1] - width + 1)
    fits = np.all(high - low < (height, width), axis=1)
    low, high = low[fits].astype(np.int64), high[fits].astype(np.int64)
    first = np.maximum(high - (height - 1, width - 1), 0)
    last = np.minimum(low, (shape[0] - 1, shape[1] - 1))
    corners = np.zeros((shape[0] + 1, shape[1] + 1), dtype=np.int64)
    np.add.at(corners, (first[:, 0], first[:, 1]), 1)
    np.add.at(corners, (last[:, 0] + 1, first[:, 1]), -1)
    np.add.at(corners, (first[:, 0], last[:, 1] + 1), -1)
    np.add.at(corners, (last[:, 0] + 1, last[:, 1] + 1), 1)
    found: NDArray[np.int64] = corners.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return found


def _window_at(
    start: Cells, end: Cells, grid: tuple[int, int], capacity: int, window: tuple[int, int, int, int]
) -> Iterator[Cut]:
    top, left, height, width = window

    def inside(cell: Cells) -> NDArray[np.bool_]:
        held: NDArray[np.bool_] = np.all((cell >= (top, left)) & (cell < (top + height, left + width)), axis=1)
        return held

    wires = int(np.count_nonzero(inside(start) != inside(end)))
    open_sides = [
        (top > 0, width),
        (top + height < grid[0], width),
        (left > 0, height),
        (left + width < grid[1], height),
    ]
    tracks = capacity * sum(length for is_open, length in open_sides if is_open)
    if wires > tracks:
        yield Cut(top, left, top + height - 1, left + width - 1, wires, tracks)
