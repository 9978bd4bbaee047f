"""The placement problem: who must be near whom, and what near means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.lattice import Lattice
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class PlacementProblem:
    """Neighbours of every node, and the displacements at which two cells can be coupled. Arrays are read-only.

    Parameters
    ----------
    adjacency : Adjacency
        Of N nodes.
    near : bool[2 r + 1, 2 r + 1]
        Whether cells that are (row - r, column - r) apart can be coupled; False in the middle.
    grid : tuple of (int, int)
        Rows and columns, of cells or of a `Lattice`.
    """

    adjacency: Adjacency
    near: NDArray[np.bool_]
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def of(cls, graph: CouplingGraph, core: CoreSpec, lattice: Lattice | None = None) -> PlacementProblem:
        """Return the problem of a model on a core, without its defects.

        Parameters
        ----------
        graph : CouplingGraph
        core : CoreSpec
            Where its stencil lacks the opposite of an offset, either direction counts: what is placed must be routed
            to know.
        lattice : Lattice, optional
            The cells that nodes may have; all of them by default.
        """
        lattice = Lattice.whole(core) if lattice is None else lattice
        return cls(Adjacency.in_graph(graph), near_cells(core, lattice), lattice.grid)

    @property
    def nodes(self) -> int:
        """N."""
        return self.adjacency.nodes


def near_cells(core: CoreSpec, lattice: Lattice) -> NDArray[np.bool_]:
    """Return the displacements on a lattice at which two cells can be coupled, in one direction at least.

    Parameters
    ----------
    core : CoreSpec
    lattice : Lattice
        Of the core. Where no offset leads from one of its cells to another, nothing is near.

    Returns
    -------
    bool[2 r + 1, 2 r + 1]
        As a `PlacementProblem` has them.
    """
    stencil = lattice.stencil(core.model_stencil)
    near = np.zeros((3, 3), dtype=bool) if stencil is None else stencil.slot_of_displacement >= 0
    return near | near[::-1, ::-1]
