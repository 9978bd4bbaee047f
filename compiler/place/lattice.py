"""Lattices: cells of a core at regular distances, such as those that can be read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.stencil import Stencil


@dataclass(frozen=True)
class Lattice:
    """Every so many rows and columns of a grid.

    A node that is read out may only have a cell that can be read. A model of such nodes alone is placed as on a smaller
    core: the lattice for its grid, and of its stencil the offsets that lead from one cell of the lattice to another.

    Parameters
    ----------
    origin : tuple of (int, int)
        Row and column of the first cell.
    step : tuple of (int, int)
        Rows and columns to the next one.
    grid : tuple of (int, int)
        Rows and columns of the lattice.
    """

    origin: tuple[int, int]
    step: tuple[int, int]
    grid: tuple[int, int]

    @classmethod
    def whole(cls, core: CoreSpec) -> Lattice:
        """Return all cells of a core."""
        return cls((0, 0), (1, 1), core.grid)

    @classmethod
    def readable(cls, core: CoreSpec) -> Lattice:
        """Return the cells of a core that can be read."""
        return cls(core.readout.origin, core.readout.step, core.frame_shape)

    @classmethod
    def of(cls, graph: CouplingGraph, core: CoreSpec) -> Lattice:
        """Return the lattice that a model is placed on: of readable cells where all of its nodes are read out.

        Of all cells, too, where no coupling leads from a readable cell to another, so that no stencil is left.

        Parameters
        ----------
        graph : CouplingGraph
        core : CoreSpec
        """
        readable = cls.readable(core)
        read_out = np.unique(graph.readout).size == graph.nodes
        return readable if read_out and readable.stencil(core.model_stencil) is not None else cls.whole(core)

    def cells(self, place: NDArray[np.integer]) -> NDArray[np.int32]:
        """Return cells of the core, int32[n, 2], of places on the lattice, int[n, 2]."""
        found: NDArray[np.int32] = (place * np.array(self.step) + np.array(self.origin)).astype(np.int32)
        return found

    def part(self, table: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return what a table, bool[R, C, ...], says of the cells of the lattice."""
        return table[self.origin[0] :: self.step[0], self.origin[1] :: self.step[1]]

    def stencil(self, stencil: Stencil) -> Stencil | None:
        """Return the offsets that lead from one cell of the lattice to another, in its steps; None when none does."""
        rows, cols = self.step
        offsets = [(row // rows, col // cols) for row, col in stencil.offsets if row % rows == col % cols == 0]
        return Stencil(tuple(sorted(offsets))) if offsets else None
