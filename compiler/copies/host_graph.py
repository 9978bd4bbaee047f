"""The host graph of a core: cells as nodes, and an edge where two cells can be coupled in both directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.route.routing import coupling_units, unit_index
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class HostGraph:
    """Cells of a core, numbered row by row, and which of them can be coupled. Arrays are read-only.

    Parameters
    ----------
    adjacency : Adjacency
        Cells that each cell can be coupled with. An edge needs both offsets in the stencil, both cells and both units
        alive.
    usable, readable : bool[P]
        Cells that are not dead, and those of them that can be read.
    grid : tuple of (int, int)
        Rows and columns; P is their product.
    """

    adjacency: Adjacency
    usable: NDArray[np.bool_]
    readable: NDArray[np.bool_]
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def of(cls, core: CoreSpec) -> HostGraph:
        """Return the host graph of a core, without its dead cells and dead units.

        Parameters
        ----------
        core : CoreSpec
        """
        rows, cols = core.grid
        usable = np.ones((rows, cols), dtype=bool)
        for dead in core.defects.cells:
            usable[dead] = False
        readable = np.zeros((rows, cols), dtype=bool)
        (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
        readable[row0::drow, col0::dcol] = True
        alive_cells, readable_cells = usable.ravel(), (usable & readable).ravel()

        cell = np.stack(np.divmod(np.arange(core.cells, dtype=np.int32), np.int32(cols)), axis=1)
        offsets = [offset for offset in core.model_stencil.offsets if _opposite(offset) in core.model_stencil.offsets]
        ends = [_shifted(cell, offset, core.grid) for offset in offsets]
        near, far = (np.concatenate([np.zeros((0, 2), np.int32), *(end[side] for end in ends)]) for side in (0, 1))
        alive = _unit_lives(near, far, core) & _unit_lives(far, near, core)
        start, end = (side[alive, 0] * np.int32(cols) + side[alive, 1] for side in (near, far))
        kept = alive_cells[start] & alive_cells[end]
        start, end = start[kept], end[kept]
        return cls(Adjacency.of_pairs(start, end, core.cells), alive_cells, readable_cells, core.grid)

    @property
    def cells(self) -> int:
        """P."""
        return self.adjacency.nodes

    @property
    def most_neighbours(self) -> int:
        """Cells that a cell in the middle can be coupled with."""
        return int(self.adjacency.degree().max(initial=0))

    def near(self, cell: int) -> NDArray[np.int32]:
        """Return the cells that a cell can be coupled with, int32[n]."""
        return self.adjacency.near(cell)

    def pairs(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """Return both ends of every edge, int32[2 M] each, in both directions."""
        return self.adjacency.owner(), self.adjacency.neighbour

    def positions(self, cell: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return the rows and columns of cells, int32[n, 2]."""
        return np.stack(np.divmod(cell, np.int32(self.grid[1])), axis=1).astype(np.int32)


def _opposite(offset: tuple[int, int]) -> tuple[int, int]:
    return -offset[0], -offset[1]


def _shifted(
    cell: NDArray[np.int32], offset: tuple[int, int], grid: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the cells whose shifted cell is on the grid, and those."""
    far = cell + np.array(offset, dtype=np.int32)
    inside = np.all((far >= 0) & (far < grid), axis=1)
    return cell[inside], far[inside]


def _unit_lives(source: NDArray[np.int32], destination: NDArray[np.int32], core: CoreSpec) -> NDArray[np.bool_]:
    if not core.defects.slots:
        return np.ones(len(source), dtype=bool)
    row, col, slot = np.array(core.defects.slots, dtype=np.int32).T
    dead = unit_index(np.stack([row, col], axis=1), slot, core)
    unit_cell, unit_slot = coupling_units(source, destination, core)
    return ~np.isin(unit_index(unit_cell, unit_slot, core), dead)
