"""Hubs: nodes with more neighbours than there are cells near a cell, laid so that few cells reach room for all.

Neighbours that are coupled with nothing else, the leaves of a hub, may lie anywhere beside its chain. So the chain need
not lead to where they are: it is laid over cells that have most free cells beside them, and the leaves follow.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.copies.chains import Chains
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.ir.adjacency import Adjacency


def hubs_of(adjacency: Adjacency, host: HostGraph) -> list[int]:
    """Return the hubs of a graph that have leaves, ascending.

    Parameters
    ----------
    adjacency : Adjacency
        Of the graph.
    host : HostGraph
    """
    crowded = np.flatnonzero(adjacency.degree() > host.most_neighbours).tolist()
    return [node for node in crowded if _leaves(node, adjacency).size]


def spread(node: int, adjacency: Adjacency, host: HostGraph, read: NDArray[np.bool_], chains: Chains) -> Chains | None:
    """Lay a hub over cells that have much room beside them, one after another, and its leaves into that room.

    The next cell is always the one that touches the most of the other neighbours anew and, of those, has the most room
    beside it that no cell of the chain has yet, until there is enough. No other node changes.

    Parameters
    ----------
    node : int
        One of `hubs_of`.
    adjacency : Adjacency
        Of the graph, N nodes.
    host : HostGraph
    read : bool[N]
        Nodes that are read out, whose root must be on a readable cell.
    chains : Chains
        Not changed.

    Returns
    -------
    Chains or None
        None where that comes to no end.
    """
    leaves = _leaves(node, adjacency)
    freed = np.concatenate([chains.of_node(each) for each in (node, *leaves.tolist())])
    free = host.usable & (chains.fill == 0)
    free[freed] = host.usable[freed] & (chains.fill[freed] == 1)
    room = free & (host.readable if read[leaves].any() else True)
    others = [chains.of_node(each) for each in np.setdiff1d(adjacency.near(node), leaves).tolist()]
    roots = free & (host.readable if read[node] else True)
    cells = _chain(host, _Places(free, room, roots), others, leaves.size)
    if cells is None or len(cells) > chains.chain.shape[1]:
        return None
    beside = _beside(host, cells) & room
    beside[cells] = False
    made = Chains(*(array.copy() for array in chains))
    for each in (node, *leaves.tolist()):
        made.fill[made.of_node(each)] -= 1
        made.length[each] = 0
    made.put(node, cells)
    for leaf, cell in zip(leaves.tolist(), np.flatnonzero(beside).tolist(), strict=False):
        made.put(leaf, [cell])
    return made


class _Places(NamedTuple):
    """Cells that a hub's chain, its leaves, and its root may take, bool[P] each."""

    free: NDArray[np.bool_]
    room: NDArray[np.bool_]
    roots: NDArray[np.bool_]


def _leaves(node: int, adjacency: Adjacency) -> NDArray[np.int32]:
    """Return the neighbours of a node that have no other, int32[n]."""
    near = adjacency.near(node)
    leaves: NDArray[np.int32] = near[adjacency.degree()[near] == 1]
    return leaves


def _beside(host: HostGraph, cells: list[int]) -> NDArray[np.bool_]:
    """Find the cells that can be coupled with one of some cells, bool[P]."""
    found = np.zeros(host.cells, dtype=bool)
    for cell in cells:
        found[host.near(cell)] = True
    return found


def _chain(host: HostGraph, places: _Places, others: list[NDArray[np.int32]], wanted: int) -> list[int] | None:
    """Return the cells of a chain, the root first; None where no chain has as much beside it.

    Parameters
    ----------
    host : HostGraph
    places : _Places
    others : list of int32[n]
        Chains that it must touch.
    wanted : int
        Leaves that need room beside it.
    """
    owner, neighbour = host.pairs()
    touching = np.zeros((len(others), host.cells), dtype=bool)
    for place, other in enumerate(others):
        touching[place] = _beside(host, other.tolist())
    missing = np.ones(len(others), dtype=bool)
    # Room that no cell of the chain has beside it yet; where the next cell may be.
    free, room, fresh, may = places.free.copy(), places.room.copy(), places.room.copy(), places.roots
    cells: list[int] = []
    held = 0
    while missing.any() or held < wanted:
        # A cell that has room itself takes it from what is held so far.
        gain = np.bincount(owner, fresh[neighbour], host.cells) - (room & ~fresh)
        rank = np.where(may, gain + host.cells * touching[missing].sum(axis=0), -1)
        cell = int(rank.argmax())
        if rank[cell] <= 0:
            return None
        cells.append(cell)
        missing &= ~touching[:, cell]
        fresh[host.near(cell)] = False
        fresh[cell] = room[cell] = free[cell] = False
        beside = _beside(host, cells)
        held = int(np.count_nonzero(beside & room))
        may = beside & free
    return cells
