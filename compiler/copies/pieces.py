"""Pieces: nodes with more neighbours than there are cells near a cell, split into paths before anything is placed.

A chain that grows cell by cell does not come to hold such a node: a neighbour too many shares a cell with another
rather than to lie where no chain is near yet. Split into as many pieces as it needs at least, it is placed at once.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.problem import PlacementProblem
from oscc.core.spec import CoreSpec


def least_copies(graph: CouplingGraph, core: CoreSpec) -> NDArray[np.int64]:
    """Return how many copies of each node there are in any embedding at least, int64[N], by its neighbours.

    A chain of m cells is held together by m - 1 couplings, so that of the cells near its cells at most m n - 2 (m - 1)
    are of others, n being those near one cell. Where that never is enough, it is more than the core has cells.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    """
    problem = PlacementProblem.of(graph, core)
    degree, near = problem.adjacency.degree().astype(np.int64), int(problem.near.sum())
    more = -(-(degree - 2) // (near - 2)) if near > 2 else np.full(degree.shape, core.cells + 1)
    return np.where(degree > near, more, 1)


def in_pieces(
    graph: CouplingGraph, pieces: NDArray[np.int64], cell: NDArray[np.int32]
) -> tuple[CouplingGraph, NDArray[np.int32]]:
    """Return a graph in which nodes are paths of pieces, and which node each of its nodes is a piece of.

    The first piece of node n is node n, which alone is read out. Couplings are spread evenly over the pieces, those
    together whose other ends lie together.

    Parameters
    ----------
    graph : CouplingGraph
    pieces : int64[N]
        Of each node, at least 1.
    cell : int32[N, 2]
        Where nodes lie about, so that pieces and their neighbours can lie together.

    Returns
    -------
    graph : CouplingGraph
        With weights of 1 in one chunk, which no placement depends on, and without positions.
    owner : int32[N']
        Ascending from N on, each path in its order.
    """
    near = Adjacency.in_graph(graph)
    more = np.repeat(np.arange(graph.nodes, dtype=np.int32), pieces - 1)
    owner = np.concatenate([np.arange(graph.nodes, dtype=np.int32), more])
    start = graph.nodes + np.concatenate([[0], np.cumsum(pieces - 1)])
    # The piece that each entry of ``neighbour`` is a neighbour of.
    piece = near.owner().astype(np.int32)
    path = [np.zeros((0, 2), dtype=np.int32)]
    for node in np.flatnonzero(pieces > 1).tolist():
        chain = np.concatenate([[node], np.arange(start[node], start[node + 1])]).astype(np.int32)
        path.append(np.stack([chain[:-1], chain[1:]], axis=1))
        entries = slice(near.first[node], near.first[node + 1])
        place = cell[near.neighbour[entries]]
        # Along the side on which they lie further apart.
        axis = int(np.ptp(place[:, 1]) > np.ptp(place[:, 0]))
        rank = np.argsort(np.lexsort((place[:, 1 - axis], place[:, axis])))
        piece[entries] = chain[rank * chain.size // rank.size]
    # Of a pair, each end is an entry of the other.
    there = near.neighbour.astype(np.int64) * graph.nodes + near.owner()
    back = np.searchsorted(near.owner().astype(np.int64) * graph.nodes + near.neighbour, there)
    joined = np.concatenate(path)
    src = np.concatenate([piece, joined[:, 0], joined[:, 1]])
    dst = np.concatenate([piece[back], joined[:, 1], joined[:, 0]])
    order = np.lexsort((src, dst))
    zeros = np.zeros((1, owner.size), dtype=np.float32)
    made = dataclasses.replace(
        graph,
        src=src[order].astype(np.int32),
        dst=dst[order].astype(np.int32),
        weight=np.ones((1, src.size), dtype=np.float32),
        shil=zeros,
        field=zeros,
        detuning=zeros,
        chunk_duration=np.ones(1, dtype=np.float32),
        position=None,
    )
    return made, owner
