"""The placement problem: who must be near whom, and what near means."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.lattice import Lattice
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbours of every node, in either direction. Arrays are read-only.

    Parameters
    ----------
    first : int32[N + 1]
        Neighbours of node n are ``neighbour[first[n] : first[n + 1]]``.
    neighbour : int32[2 M]
        Ascending for each node, without repetitions.
    """

    first: NDArray[np.int32]
    neighbour: NDArray[np.int32]

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def in_graph(cls, graph: CouplingGraph) -> Neighbours:
        """Return the neighbours in a model.

        Parameters
        ----------
        graph : CouplingGraph
        """
        source, destination = graph.src.astype(np.int64), graph.dst.astype(np.int64)
        pairs = np.unique(np.concatenate([source * graph.nodes + destination, destination * graph.nodes + source]))
        node, neighbour = np.divmod(pairs, graph.nodes)
        first = np.searchsorted(node, np.arange(graph.nodes + 1))
        return Neighbours(first.astype(np.int32), neighbour.astype(np.int32))

    @property
    def nodes(self) -> int:
        """N."""
        return self.first.size - 1

    def degree(self) -> NDArray[np.int32]:
        """Return neighbours of each node, int32[N]."""
        return np.diff(self.first)

    def owner(self) -> NDArray[np.int32]:
        """Return the node that each entry of ``neighbour`` is a neighbour of, int32[2 M]."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), self.degree())

    def among(self, node: NDArray[np.integer]) -> Self:
        """Return the same of some nodes, numbered in their order, with the neighbours that are among them.

        Parameters
        ----------
        node : int[n]
            Ascending.
        """
        number = np.full(self.nodes, -1, dtype=np.int32)
        number[node] = np.arange(len(node), dtype=np.int32)
        owner = number[self.owner()]
        kept = (owner >= 0) & (number[self.neighbour] >= 0)
        first = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=len(node)))])
        return replace(self, first=first.astype(np.int32), neighbour=number[self.neighbour[kept]])


@dataclass(frozen=True, eq=False)
class PlacementProblem(Neighbours):
    """Neighbours of every node, and the displacements at which two cells can be coupled.

    Parameters
    ----------
    near : bool[2 r + 1, 2 r + 1]
        Whether cells that are (row - r, column - r) apart can be coupled; False in the middle.
    grid : tuple of (int, int)
        Rows and columns, of cells or of a `Lattice`.
    """

    near: NDArray[np.bool_]
    grid: tuple[int, int]

    @classmethod
    def of(cls, graph: CouplingGraph, core: CoreSpec, lattice: Lattice | None = None) -> PlacementProblem:
        """Describe the problem of placing a model on a core, without its defects.

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
        found = Neighbours.in_graph(graph)
        return cls(found.first, found.neighbour, near_cells(core, lattice), lattice.grid)


def near_cells(core: CoreSpec, lattice: Lattice) -> NDArray[np.bool_]:
    """Return displacements on a lattice at which two cells can be coupled, in either direction.

    Parameters
    ----------
    core : CoreSpec
    lattice : Lattice
        Of the core. Where no offset leads from one of its cells to another, nothing is near.
    """
    stencil = lattice.stencil(core.model_stencil)
    near = np.zeros((3, 3), dtype=bool) if stencil is None else stencil.slot_of_displacement >= 0
    return near | near[::-1, ::-1]
