"""Copies: a model whose nodes are chains of cells, coupled so strongly that each chain moves as one."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.copies.chains import Embedding
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

STRENGTH = 1.5
"""Coupling between copies, in units of what pulls on a copy; see `copied_graph`."""


@dataclass(frozen=True, eq=False)
class CopyMap:
    """Which nodes of a model with copies stand for which nodes of the original. Arrays are read-only.

    Parameters
    ----------
    owner : int32[M]
        Node of the original that each node is a copy of. Node n < N is the first copy of node n, which is read out.
    strength : float32[N]
        Coupling between copies of each node [rad per unit of model time]; 0 where there is one.
    """

    owner: NDArray[np.int32]
    strength: NDArray[np.float32]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def nodes(self) -> int:
        """N."""
        return int(self.strength.size)

    @property
    def extra(self) -> int:
        """Cells that the copies take besides one for each node."""
        return int(self.owner.size) - self.nodes

    def lengths(self) -> NDArray[np.int64]:
        """Return how many copies each node has, int64[N]."""
        return np.bincount(self.owner, minlength=self.nodes)

    def as_dict(self) -> dict[str, Any]:
        """Return the map as JSON: ``nodes``, and for each node from N on its ``owner``; what `copy_map_of` reads."""
        return {"nodes": self.nodes, "owner": self.owner[self.nodes :].tolist()}

    def summary(self) -> dict[str, Any]:
        """Return a summary as JSON: ``nodes``, ``split``, ``extra``, ``longest``, ``strength`` (least, most)."""
        lengths = self.lengths()
        split = lengths > 1
        used = self.strength[split] if split.any() else np.zeros(1, np.float32)
        return {
            "nodes": self.nodes,
            "split": int(split.sum()),
            "extra": self.extra,
            "longest": int(lengths.max(initial=0)),
            "strength": [round(float(used.min()), 6), round(float(used.max()), 6)],
        }


def copied_graph(
    graph: CouplingGraph,
    core: CoreSpec,
    embedding: Embedding,
    factor: NDArray[np.int32],
    strength: float = STRENGTH,
) -> tuple[CouplingGraph, CopyMap]:
    """Make a model on the chains of an embedding, with the cells as positions.

    A coupling K into a node of m copies becomes f K in all, shared out over the pairs of cells at which it can be made,
    and field, SHIL and detuning of each copy are f / m of the node's. Couplings between copies are equal in both
    directions and cancel in the sum over a chain, so that, as far as the copies agree on a phase x, it obeys

        dx / dt = (1 / m) [m (f / m) (w - S sin 2 x - h sin x) + sum f K sin(x_j - x)] = (f / m) times the node's own.

    With f = m the chain moves as the node would, but couplings are m times as strong, and codes as much coarser or runs
    as much longer. With f = 1 it moves in the same direction at 1 / m of the speed: what is at rest stays the same, and
    so does the energy of an Ising problem (V. Choi, Minor-embedding in adiabatic quantum computation I, 2008, arXiv
    0804.4884). On a core with reciprocal couplings only that is to be had, since both directions have one weight.

    What holds a chain together are couplings between all neighbouring pairs of its copies. At rest they carry the
    differences of what pulls on the copies, so that two copies differ by about pull / coupling [rad]; their strength is
    ``strength`` times the largest root of the sum of squares of the couplings into one of the copies. The stronger, the
    coarser are the codes of all other couplings, since one full scale serves all (N. A. Aadit et al., Massively
    parallel probabilistic computing with sparse Ising machines, Nature Electronics 5, 2022, sparsify graphs so).

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    embedding : Embedding
        One that was found.
    factor : int32[N]
        f: `Embedding.lengths` or ones.
    strength : float

    Returns
    -------
    graph : CouplingGraph
        Nodes 0 to N - 1 are the first copies. When all nodes are pixels of a single row, as those of a problem are,
        and all their cells can be read, all copies are read out, so that a solution can be decoded by majority.
    copies : CopyMap

    Raises
    ------
    ValueError
        When the embedding is none, or lacks a pair; when ``factor`` is not 1 on a core with reciprocal couplings.
    """
    if not embedding.found:
        raise ValueError(f"not an embedding: {embedding.at_fault} nodes are at fault")
    if core.couplings == "reciprocal" and np.any(factor != 1):
        raise ValueError("reciprocal couplings have one weight for both directions: factor must be 1")
    host, lengths = HostGraph.of(core), embedding.lengths()
    owner, cell = _numbered(embedding)
    at = np.full(host.cells, -1, dtype=np.int32)
    at[cell] = np.arange(cell.size, dtype=np.int32)
    near, far = (at[end] for end in host.pairs())
    both = (near >= 0) & (far >= 0)
    near, far = near[both], far[both]
    src, dst, weight = _shared_out(graph, owner, near, far, factor)
    # What pulls on a copy, in the chunk where it is most.
    squares = np.zeros((graph.chunks, cell.size))
    for chunk in range(graph.chunks):
        np.add.at(squares[chunk], dst, weight[chunk].astype(np.float64) ** 2)
    pull = np.sqrt(squares.max(axis=0))
    largest = np.zeros(graph.nodes)
    np.maximum.at(largest, owner, pull)
    held = np.where(lengths > 1, strength * largest, 0.0).astype(np.float32)
    link = owner[near] == owner[far]
    links = np.repeat(held[owner[near[link]]][None, :], graph.chunks, axis=0)
    src, dst = np.concatenate([src, near[link]]), np.concatenate([dst, far[link]])
    weight = np.concatenate([weight, links], axis=1)
    order = np.lexsort((src, dst))
    share = factor / lengths
    node = {name: (getattr(graph, name) * share)[:, owner].astype(np.float32) for name in ("shil", "field", "detuning")}
    copies = CopyMap(owner, held)
    every = (
        graph.image_shape == (1, graph.nodes) and graph.readout.size == graph.nodes and bool(host.readable[cell].all())
    )
    made = dataclasses.replace(
        graph,
        src=src[order].astype(np.int32),
        dst=dst[order].astype(np.int32),
        weight=weight[:, order].astype(np.float32),
        position=host.positions(cell),
        readout=np.arange(cell.size, dtype=np.int32) if every else graph.readout,
        image_shape=(1, cell.size) if every else graph.image_shape,
        model_hash="",
        training={**_recorded(graph), "copies": copies.as_dict()},
        **node,
    )
    return made, copies


def copy_map_of(graph: CouplingGraph) -> NDArray[np.int32] | None:
    """Return the owner of each node of a model that `copied_graph` made, int32[M]; None for another model.

    Parameters
    ----------
    graph : CouplingGraph
    """
    recorded = _recorded(graph).get("copies")
    if not isinstance(recorded, dict):
        return None
    # A checkpoint may hold anything here, and other models than ours do.
    nodes, owner = recorded.get("nodes"), recorded.get("owner")
    if type(nodes) is not int or not isinstance(owner, list) or nodes + len(owner) != graph.nodes:
        return None
    if not all(type(each) is int and 0 <= each < nodes for each in owner):
        return None
    return np.concatenate([np.arange(nodes), owner]).astype(np.int32)


def _recorded(graph: CouplingGraph) -> dict[str, Any]:
    """Return what a trainer recorded, to add to it: anything that is no object goes along under its own key."""
    given = graph.training
    return given if isinstance(given, dict) else {"training": given}


def _numbered(embedding: Embedding) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Number the copies, with owner and cell of each: the roots first, then the others node by node."""
    root = np.zeros(embedding.cell.size, dtype=bool)
    root[embedding.first[:-1]] = True
    node = np.repeat(np.arange(embedding.first.size - 1, dtype=np.int32), embedding.lengths())
    owner = np.concatenate([node[root], node[~root]])
    return owner, np.concatenate([embedding.cell[root], embedding.cell[~root]])


def _shared_out(
    graph: CouplingGraph,
    owner: NDArray[np.int32],
    near: NDArray[np.int32],
    far: NDArray[np.int32],
    scale: NDArray[np.int32],
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Share out the couplings between copies of different nodes: sources, destinations, weights [C, E']."""
    key = graph.src.astype(np.int64) * graph.nodes + graph.dst
    order = np.argsort(key)
    wanted = owner[near].astype(np.int64) * graph.nodes + owner[far]
    place = np.minimum(np.searchsorted(key[order], wanted), max(0, key.size - 1))
    made = np.zeros(wanted.size, dtype=bool) if key.size == 0 else key[order][place] == wanted
    edge, near, far = order[place[made]], near[made], far[made]
    # Pairs of an edge one after another, in an order that is the same for both of its directions.
    turn = np.lexsort((np.maximum(near, far), np.minimum(near, far), edge))
    edge, near, far = edge[turn], near[turn], far[turn]
    pairs = np.bincount(edge, minlength=key.size)
    if np.any(pairs == 0):
        missing = int(np.flatnonzero(pairs == 0)[0])
        raise ValueError(f"the coupling into {graph.dst[missing]} from {graph.src[missing]} has no pair of cells")
    used = np.minimum(pairs, scale[graph.dst])
    # Evenly spread over the pairs there are, from another one for each edge, so that no copy has most of them.
    rank = np.arange(edge.size) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    begin = (graph.src + graph.dst)[edge] % pairs[edge]
    rank = (rank + begin) % pairs[edge]
    kept = (rank * used[edge]) // pairs[edge] != ((rank - 1) * used[edge]) // pairs[edge]
    edge = edge[kept]
    return near[kept], far[kept], (graph.weight[:, edge] * (scale[graph.dst[edge]] / used[edge])).astype(np.float32)
