"""The placement problem: who must be near whom, and what near means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.arrays import freeze
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class PlacementProblem:
    """Neighbours of every node, in either direction, and the displacements at which two cells can be coupled.

    Arrays are read-only.

    Parameters
    ----------
    first : int32[N + 1]
        Neighbours of node n are ``neighbour[first[n] : first[n + 1]]``.
    neighbour : int32[2 M]
        Ascending for each node, without repetitions.
    near : bool[2 r + 1, 2 r + 1]
        Whether cells that are (row - r, column - r) apart can be coupled; False in the middle.
    grid : tuple of (int, int)
        Rows and columns.
    """

    first: NDArray[np.int32]
    neighbour: NDArray[np.int32]
    near: NDArray[np.bool_]
    grid: tuple[int, int]

    def __post_init__(self) -> None:
        freeze(self)

    @classmethod
    def of(cls, graph: CouplingGraph, core: CoreSpec) -> PlacementProblem:
        """The problem of a model on a core, without its defects and its read-out.

        Parameters
        ----------
        graph : CouplingGraph
        core : CoreSpec
            Where its stencil lacks the opposite of an offset, either direction counts: what is placed must be routed
            to know.
        """
        source, destination = graph.src.astype(np.int64), graph.dst.astype(np.int64)
        pairs = np.unique(np.concatenate([source * graph.nodes + destination, destination * graph.nodes + source]))
        node, neighbour = np.divmod(pairs, graph.nodes)
        near = core.model_stencil.slot_of_displacement >= 0
        first = np.searchsorted(node, np.arange(graph.nodes + 1))
        return cls(first.astype(np.int32), neighbour.astype(np.int32), near | near[::-1, ::-1], core.grid)

    @property
    def nodes(self) -> int:
        """N."""
        return self.first.size - 1

    def degree(self) -> NDArray[np.int32]:
        """Neighbours of each node, int32[N]."""
        return np.diff(self.first)
