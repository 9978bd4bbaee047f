from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np

from oscc.compiler.copies.pieces import in_pieces, least_copies
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def model(graph: Any) -> CouplingGraph:
    nx.set_edge_attributes(graph, dict.fromkeys(graph.edges, 0.1), "weight")
    return graph_model(graph, name="g", where="g")


def test_pieces_put_together_are_the_graph() -> None:
    graph = model(nx.gnp_random_graph(12, 0.5, seed=1))
    pieces = np.array([1, 3, 1, 2, *[1] * 8])
    cell = np.random.default_rng(1).integers(0, 9, (12, 2)).astype(np.int32)
    split, owner = in_pieces(graph, pieces, cell)
    assert np.bincount(owner).tolist() == pieces.tolist()
    assert owner[:12].tolist() == list(range(12))
    assert split.readout.tolist() == graph.readout.tolist()
    pairs = set(zip(split.src.tolist(), split.dst.tolist(), strict=True))
    assert len(pairs) == split.couplings
    assert pairs == {(dst, src) for src, dst in pairs}
    merged = sorted((int(owner[src]), int(owner[dst])) for src, dst in pairs if owner[src] != owner[dst])
    assert merged == sorted((src, dst) for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    within = {tuple(sorted(pair)) for pair in pairs if owner[pair[0]] == owner[pair[1]]}
    assert within == {(1, 12), (12, 13), (3, 14)}
    for node, chain in ((1, [1, 12, 13]), (3, [3, 14])):
        shares = [sum(src == piece and owner[dst] != node for src, dst in pairs) for piece in chain]
        assert max(shares) - min(shares) <= 1
        # Neighbours of a piece lie together: pieces follow each other along one side.
        along = [
            [cell[owner[dst], axis] for src, dst in pairs if src == piece and owner[dst] != node]
            for axis in range(2)
            for piece in chain
        ]
        halves = along[: len(chain)], along[len(chain) :]
        assert any(all(max(a) <= min(b) for a, b in itertools.pairwise(half)) for half in halves)


def test_how_many_copies_there_are_at_least(make_core: MakeCore) -> None:
    core = make_core(stencil="box-2", readout={"step": [1, 1]})
    for leaves, least in ((24, 1), (25, 2), (46, 2), (47, 3)):
        assert least_copies(model(nx.star_graph(leaves)), core).tolist() == [least, *[1] * leaves]
