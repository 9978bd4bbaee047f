"""Chains that a search for an embedding begins with, from the most promising to the most roomy."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import run_kernel
from oscc.compiler.copies.chains import LONGEST, Chains
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.copies.hubs import hubs_of, spread
from oscc.compiler.copies.pieces import in_pieces, least_copies
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

SPACINGS = (1.0, 1.34, 1.67, 2.0, 3.0, 4.0)
"""Distances between the cells of neighbours in the placements that it begins with: room for chains between them."""

PIECES = (1.0, 1.5, 2.0)
"""Of a node with more neighbours than there are cells near a cell, relative to those that it needs at least."""

MOVES_PER_NODE = 4000
"""Of the annealing that a start comes from: a good one is not needed."""


@dataclass(frozen=True, eq=False)
class Starts:
    """Where chains for a model on a core begin.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    adjacency : Adjacency
        Of the model.
    host : HostGraph
        Of the core.
    search : Search
        Of which nobody is told.
    """

    graph: CouplingGraph
    core: CoreSpec
    adjacency: Adjacency
    host: HostGraph
    search: Search

    def chains(self) -> Iterator[Chains]:
        """Yield placements with more and more room between the nodes, then crossing lines.

        Before them, of a model that has nodes with more neighbours than there are cells near a cell, placements of
        these in pieces.

        Raises
        ------
        KeyboardInterrupt
            Also for one that ended an annealing, which keeps it to itself.
        """
        first = self._spaced(self.graph, SPACINGS[0])
        if first is not None and (crowded := hubs_of(self.adjacency, self.host)):
            chains = self._spread(crowded, self._of_cells([[each] for each in first.tolist()]))
            if not unmet_of(self.adjacency, self.host, chains).any():
                yield chains
        if first is not None:
            yield from self._of_pieces(first)
        for spacing in SPACINGS:
            cell = first if spacing == SPACINGS[0] else self._spaced(self.graph, spacing)
            if cell is not None:
                yield self._of_cells([[each] for each in cell.tolist()])
        lines = crossing_lines(self.host, self.graph.nodes)
        if lines is not None and max(map(len, lines)) <= LONGEST:
            from oscc.compiler.copies.embed_kernel import trim

            chains = self._of_cells(lines)
            for node in range(self.graph.nodes):
                trim(node, self.adjacency, self.host.adjacency, chains)
            yield chains

    def _of_cells(self, cells: list[list[int]]) -> Chains:
        chains = Chains.none(self.graph.nodes, self.host)
        for node, own in enumerate(cells):
            chains.put(node, own)
        return chains

    def _spread(self, hubs: list[int], chains: Chains) -> Chains:
        """Return chains in which hubs, one after another, are laid where there is room for their leaves."""
        read = np.zeros(self.graph.nodes, dtype=bool)
        read[self.graph.readout] = True
        for node in hubs:
            chains = spread(node, self.adjacency, self.host, read, chains) or chains
        return chains

    def _spaced(self, graph: CouplingGraph, spacing: float) -> NDArray[np.int32] | None:
        """Return the cells of a placement on every so many rows and columns of the core, int32[N]; None if too few.

        Dead cells, and cells that cannot be read, are met only with spacing 1: what begins there is laid anew.
        """
        core = self.core
        rows, cols = int(core.rows / spacing), int(core.cols / spacing)
        if rows * cols < graph.nodes:
            return None
        if spacing > 1:
            core = core.changed(grid=[rows, cols], defects={}, readout={})
        placed = anneal(graph, core, self.search, attempts=1, moves=MOVES_PER_NODE * graph.nodes)
        if not placed.complete and not self.search.is_over():
            raise KeyboardInterrupt
        if placed.cell is None:
            return None
        # Different cells stay different, since rows and columns are drawn apart by more than 1.
        row, col = np.floor((placed.cell.T + 0.5) * spacing).astype(np.int32)
        cell: NDArray[np.int32] = row * np.int32(self.core.cols) + col
        return cell

    def _of_pieces(self, cell: NDArray[np.int32]) -> Iterator[Chains]:
        """Yield chains of nodes that need some, from the shortest; but only those with room for all, if there are any.

        Parameters
        ----------
        cell : int32[N]
            Where the nodes lie about.
        """
        least = least_copies(self.graph, self.core)
        if least.max(initial=1) == 1:
            return
        crowded = []
        for factor in PIECES:
            chains = self._in_pieces(np.where(least > 1, np.ceil(factor * least), 1).astype(np.int64), cell)
            if chains is None:
                continue
            if not unmet_of(self.adjacency, self.host, chains).any():
                yield chains
                return
            crowded.append(chains)
        yield from crowded

    def _in_pieces(self, pieces: NDArray[np.int64], cell: NDArray[np.int32]) -> Chains | None:
        """Return the chains of a placement of the pieces of nodes; None when the cells are too few for these."""
        split, owner = in_pieces(self.graph, pieces, self.host.positions(cell))
        if pieces.max() > LONGEST or owner.size > self.core.cells:
            return None
        placed = self._spaced(split, 1.0)
        if placed is None:
            return None
        chains = Chains.none(self.graph.nodes, self.host)
        for piece, node in enumerate(owner.tolist()):
            # What does not hang together is no chain.
            if piece < self.graph.nodes or np.isin(self.host.near(placed[piece]), chains.of_node(node)).any():
                chains.put(node, [int(placed[piece])])
        return chains


def crossing_lines(host: HostGraph, nodes: int) -> list[list[int]] | None:
    """Return the cells of chains that all meet each other, for dense graphs; None where the host has no room for them.

    Chain i takes every second cell of row i up to the diagonal, and every second cell of column i from there on, so
    that rows take the cells whose row and column add up to an even number, and columns the others. Where column i
    crosses row j, one of the two has a cell, and the other has one beside it.

    Parameters
    ----------
    host : HostGraph
        Whose cells must be joined to those one and two cells away, along rows and columns.
    nodes : int
    """
    rows, cols = host.grid
    if nodes > min(rows, cols) or nodes < 2:
        return None
    chains = []
    for node in range(nodes):
        along = [node * cols + col for col in range(node % 2, node + 1, 2)]
        down = [row * cols + node for row in range(node + 1, nodes, 2)]
        chains.append(along + down)
    joined = {(one, other) for one, other in zip(*(end.tolist() for end in host.pairs()), strict=True)}
    whole = all(pair in joined for chain in chains for pair in itertools.pairwise(chain))
    return chains if whole and all(host.usable[chain].all() for chain in chains) else None


def unmet_of(adjacency: Adjacency, host: HostGraph, chains: Chains) -> NDArray[np.int32]:
    """Count what is wrong with each chain: cells that it shares, and neighbours that it does not reach.

    Parameters
    ----------
    adjacency : Adjacency
        Of N nodes.
    host : HostGraph
    chains : Chains

    Returns
    -------
    int32[N]
    """
    from oscc.compiler.copies.embed_kernel import unmet

    found: NDArray[np.int32] = run_kernel(unmet, adjacency, host.adjacency, chains)
    return found
