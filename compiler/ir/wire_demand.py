"""Demand of straight wires: how many cross the boundary of two neighbouring cells.

A straight wire runs horizontally along the row of its source first, then vertically along the column of the cell whose
unit it feeds. The router takes other ways where these do not fit; this count, which needs no ways, is its first test.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def wire_demand(
    source: NDArray[np.integer], unit_cell: NDArray[np.integer], shape: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Wires over every boundary of a grid.

    Each wire adds one where its horizontal part begins and takes one away where it ends; running sums along the rows
    give the demand, and likewise for the vertical parts. The effort is linear in wires and cells.

    Parameters
    ----------
    source, unit_cell : int[W, 2]
        (row, col) at which each wire starts and ends, inside the grid.
    shape : tuple of (int, int)
        Rows and columns of the grid.

    Returns
    -------
    across_columns : int32[rows, cols - 1]
        Wires over the boundary between (r, c) and (r, c + 1).
    across_rows : int32[rows - 1, cols]
        Wires over the boundary between (r, c) and (r + 1, c).
    """
    rows, cols = shape
    horizontal = _spans(source[:, 0], source[:, 1], unit_cell[:, 1], rows, cols)
    vertical = _spans(unit_cell[:, 1], source[:, 0], unit_cell[:, 0], cols, rows)
    return horizontal, np.ascontiguousarray(vertical.T)


def _spans(
    line: NDArray[np.integer], start: NDArray[np.integer], end: NDArray[np.integer], lines: int, length: int
) -> NDArray[np.int32]:
    """How many of the spans from ``start`` to ``end`` on each line cover each gap, int32[lines, length - 1]."""
    first = line.astype(np.int64) * length
    low, high = np.minimum(start, end), np.maximum(start, end)
    begins = np.bincount(first + low, minlength=lines * length)
    ends = np.bincount(first + high, minlength=lines * length)
    covered = np.cumsum((begins - ends).reshape(lines, length), axis=1)
    return covered[:, : length - 1].astype(np.int32)
