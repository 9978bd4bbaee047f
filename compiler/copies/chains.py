"""Chains: the connected set of cells that each node has, while they change and when they are found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.copies.host_graph import HostGraph

LONGEST = 128
"""Most cells of a chain."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """The best chains that were found. Arrays are read-only.

    Parameters
    ----------
    first : int32[N + 1]
        Cells of node n are ``cell[first[n] : first[n + 1]]``, the root first: the one that is read.
    cell : int32[K]
        Numbers of cells of the `HostGraph`.
    at_fault : int
        Nodes whose chain is missing, shares a cell, or lacks a neighbour; 0 for an embedding.
    rounds : int
        That were made.
    complete : bool
        Whether neither time nor an interrupt ended the search.
    """

    first: NDArray[np.int32]
    cell: NDArray[np.int32]
    at_fault: int
    rounds: int
    complete: bool

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def found(self) -> bool:
        """Whether this is an embedding."""
        return self.at_fault == 0

    def lengths(self) -> NDArray[np.int32]:
        """Return how many cells each node has, int32[N]."""
        return np.diff(self.first)


class Chains(NamedTuple):
    """Chains that compiled kernels change in place; P cells, chains of at most L cells.

    Parameters
    ----------
    chain : int32[N, L]
        Cells of each node, the root first; what follows the last one does not count.
    length : int32[N]
        How many they are; 0 for a node that has none yet.
    fill : int32[P]
        Chains on each cell.
    """

    chain: NDArray[np.int32]
    length: NDArray[np.int32]
    fill: NDArray[np.int32]

    @classmethod
    def none(cls, nodes: int, host: HostGraph) -> Chains:
        """Return the empty chains of some nodes.

        Parameters
        ----------
        nodes : int
        host : HostGraph
        """
        return cls(
            np.full((nodes, min(LONGEST, host.cells)), -1, dtype=np.int32),
            np.zeros(nodes, dtype=np.int32),
            np.zeros(host.cells, dtype=np.int32),
        )

    def put(self, node: int, cells: list[int]) -> None:
        """Append cells to the chain of a node.

        Parameters
        ----------
        node : int
        cells : list of int
            Different ones.
        """
        end = int(self.length[node])
        self.chain[node, end : end + len(cells)] = cells
        self.length[node] = end + len(cells)
        self.fill[cells] += 1

    def of_node(self, node: int) -> NDArray[np.int32]:
        """Return the cells of a node, int32[n].

        Parameters
        ----------
        node : int
        """
        return self.chain[node, : self.length[node]]

    def packed(self, at_fault: int, rounds: int, *, complete: bool) -> Embedding:
        """Return a copy of the chains as they are.

        Parameters
        ----------
        at_fault, rounds, complete
            As an `Embedding` has them.
        """
        first = np.concatenate([[0], np.cumsum(self.length)]).astype(np.int32)
        kept = np.arange(self.chain.shape[1]) < self.length[:, None]
        return Embedding(first, self.chain[kept].astype(np.int32), at_fault, rounds, complete)
