"""Ways of wires over the boundaries of cells, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze

UP, RIGHT, DOWN, LEFT = range(4)

STEPS = np.array([[-1, 0], [0, 1], [1, 0], [0, -1]], dtype=np.int32)
"""Row and column steps of the four directions."""

Cells = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class WireRoutes:
    """The ways of W wires, L steps in all. Arrays are read-only.

    Parameters
    ----------
    start, end : int32[W, 2]
        Cells (row, col): of the source, and of the unit that the wire feeds.
    first : int32[W + 1]
        Steps of wire w are ``direction[first[w] : first[w + 1]]``.
    direction : uint8[L]
        Of each step over a boundary: 0 up, 1 right, 2 down, 3 left.
    """

    start: Cells
    end: Cells
    first: NDArray[np.int32]
    direction: NDArray[np.uint8]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def wires(self) -> int:
        """W."""
        return len(self.start)

    def lengths(self) -> NDArray[np.int32]:
        """Count the boundaries that each wire crosses, int32[W]."""
        return np.diff(self.first)

    def cells_before(self) -> Cells:
        """Return the cell from which each step goes, int32[L, 2]."""
        moves = STEPS[self.direction]
        gone = np.zeros((len(moves) + 1, 2), dtype=np.int32)
        np.cumsum(moves, axis=0, out=gone[1:])
        begin = np.repeat(self.start - gone[self.first[:-1]], self.lengths(), axis=0)
        cells: Cells = begin + gone[:-1]
        return cells

    def demand(self, grid: tuple[int, int]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Count the wires over every boundary.

        Parameters
        ----------
        grid : tuple of (int, int)
            Rows and columns.

        Returns
        -------
        across_columns : int32[rows, cols - 1]
            Over the boundary between (r, c) and (r, c + 1).
        across_rows : int32[rows - 1, cols]
            Over the boundary between (r, c) and (r + 1, c).
        """
        rows, cols = grid
        cell = self.cells_before()
        row, col = cell.T
        counts = []
        for forward, backward, shape in ((RIGHT, LEFT, (rows, cols - 1)), (DOWN, UP, (rows - 1, cols))):
            along = (self.direction == forward) | (self.direction == backward)
            back = (self.direction == backward)[along]
            low_row = row[along] - (back if forward == DOWN else 0)
            low_col = col[along] - (back if forward == RIGHT else 0)
            flat = np.bincount(low_row * shape[1] + low_col, minlength=shape[0] * shape[1])
            counts.append(flat.reshape(shape).astype(np.int32))
        return counts[0], counts[1]


def straight_routes(start: Cells, end: Cells) -> WireRoutes:
    """Lay wires that run along the row of their source first, then along the column of the cell that they feed.

    Parameters
    ----------
    start, end : int32[W, 2]
    """
    offset = (end - start).astype(np.int64)
    across, down = np.abs(offset[:, 1]), np.abs(offset[:, 0])
    first = np.concatenate([[0], np.cumsum(across + down)])
    sideways = np.where(offset[:, 1] > 0, RIGHT, LEFT)
    upright = np.where(offset[:, 0] > 0, DOWN, UP)
    direction = np.repeat(np.stack([sideways, upright], axis=1).ravel(), np.stack([across, down], axis=1).ravel())
    return WireRoutes(start.copy(), end.copy(), first.astype(np.int32), direction.astype(np.uint8))
