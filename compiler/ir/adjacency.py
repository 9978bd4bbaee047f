"""Adjacency: the neighbours of every node of a graph, as one array of them all and where each node's begin (CSR)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph


class Adjacency(NamedTuple):
    """Neighbours of every node; of a coupling, in either direction. Compiled kernels take it as it is.

    Parameters
    ----------
    first : int32[N + 1]
        Neighbours of node n are ``neighbour[first[n] : first[n + 1]]``.
    neighbour : int32[2 M]
        Ascending for each node, without repetitions; M pairs of neighbours.
    """

    first: NDArray[np.int32]
    neighbour: NDArray[np.int32]

    @classmethod
    def of_pairs(cls, node: NDArray[np.integer], neighbour: NDArray[np.integer], nodes: int) -> Adjacency:
        """Return the neighbours that pairs of nodes make. Its arrays are read-only.

        Parameters
        ----------
        node, neighbour : int[2 M]
            Each pair once in either direction, in any order.
        nodes : int
            N.
        """
        order = np.lexsort((neighbour, node))
        first = np.concatenate([[0], np.cumsum(np.bincount(node, minlength=nodes))])
        made = cls(first.astype(np.int32), neighbour[order].astype(np.int32))
        for array in made:
            # Kernels are compiled for either kind of array: all of one kind is one compilation.
            array.flags.writeable = False
        return made

    @classmethod
    def in_graph(cls, graph: CouplingGraph) -> Adjacency:
        """Return the neighbours in a model.

        Parameters
        ----------
        graph : CouplingGraph
        """
        source, destination = graph.src.astype(np.int64), graph.dst.astype(np.int64)
        pairs = np.unique(np.concatenate([source * graph.nodes + destination, destination * graph.nodes + source]))
        return cls.of_pairs(*np.divmod(pairs, graph.nodes), graph.nodes)

    @property
    def nodes(self) -> int:
        """N."""
        return self.first.size - 1

    def near(self, node: int) -> NDArray[np.int32]:
        """Return the neighbours of a node, int32[n].

        Parameters
        ----------
        node : int
        """
        return self.neighbour[self.first[node] : self.first[node + 1]]

    def degree(self) -> NDArray[np.int32]:
        """Return how many neighbours each node has, int32[N]."""
        return np.diff(self.first)

    def owner(self) -> NDArray[np.int32]:
        """Return the node that each entry of ``neighbour`` is a neighbour of, int32[2 M]."""
        return np.repeat(np.arange(self.nodes, dtype=np.int32), self.degree())

    def among(self, node: NDArray[np.integer]) -> Adjacency:
        """Return the same of some nodes, numbered in their order, with the neighbours that are among them.

        Parameters
        ----------
        node : int[n]
            Ascending.
        """
        number = np.full(self.nodes, -1, dtype=np.int32)
        number[node] = np.arange(len(node), dtype=np.int32)
        owner, neighbour = number[self.owner()], number[self.neighbour]
        kept = (owner >= 0) & (neighbour >= 0)
        return Adjacency.of_pairs(owner[kept], neighbour[kept], len(node))
