from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.copies.chains import Chains
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.copies.hubs import hubs_of, spread
from oscc.compiler.ir.adjacency import Adjacency
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def adjacency_of(graph: Any) -> Adjacency:
    ends = np.array([pair for edge in graph.edges for pair in (edge, edge[::-1])])
    return Adjacency.of_pairs(ends[:, 0], ends[:, 1], len(graph))


def box(one: int, other: int, cols: int, reach: int = 2) -> bool:
    """Whether two cells are at most so many rows and columns apart."""
    return all(abs(a - b) <= reach for a, b in zip(divmod(one, cols), divmod(other, cols), strict=True))


def assert_spread(chains: Chains, leaves: range, cols: int) -> None:
    """Node 0 hangs together, and every leaf has a cell of its own beside it."""
    chain = chains.of_node(0).tolist()
    for place, cell in enumerate(chain[1:], 1):
        assert any(box(cell, before, cols) for before in chain[:place])
    cells = [chains.of_node(leaf).tolist() for leaf in leaves]
    assert all(len(cell) == 1 for cell in cells)
    assert all(any(box(cell[0], own, cols) for own in chain) for cell in cells)
    used = [*chain, *(cell[0] for cell in cells)]
    assert len(set(used)) == len(used)
    assert chains.fill[used].tolist() == [1] * len(used)


def test_hubs_have_too_many_neighbours_and_leaves_among_them(make_core: MakeCore) -> None:
    host = HostGraph.of(make_core(stencil="box-2", readout={"step": [1, 1]}))
    graph = nx.disjoint_union(nx.star_graph(25), nx.disjoint_union(nx.star_graph(24), nx.wheel_graph(30)))
    assert hubs_of(adjacency_of(graph), host) == [0]


def test_leaves_follow_the_hub_and_others_stay(make_core: MakeCore) -> None:
    core = make_core(grid=[12, 12], stencil="box-2", readout={"step": [1, 1]}, defects={"cells": [[6, 6], [3, 4]]})
    host = HostGraph.of(core)
    graph = nx.star_graph(40)
    graph.add_edges_from([(0, 41), (41, 42), (0, 43), (43, 42)])
    chains = Chains.none(44, host)
    # Others that the hub must reach in opposite corners, where it has less room than in the middle.
    for node, cell in ((41, 0), (43, 143), (42, 70), (0, 20)):
        chains.put(node, [cell])
    before = [array.copy() for array in chains]
    made = spread(0, adjacency_of(graph), host, np.zeros(44, dtype=bool), chains)
    assert all(np.array_equal(array, old) for array, old in zip(chains, before, strict=True))
    assert made is not None
    assert_spread(made, range(1, 41), 12)
    assert [made.of_node(node).tolist() for node in (41, 42, 43)] == [[0], [70], [143]]
    chain = made.of_node(0).tolist()
    assert all(any(box(cell, own, 12) for own in chain) for cell in (0, 143))
    assert made.fill[[78, 40]].tolist() == [0, 0], "dead cells"


def test_nodes_that_are_read_out_get_readable_cells(make_core: MakeCore) -> None:
    core = make_core(grid=[24, 24], stencil="box-2", readout={"origin": [0, 0], "step": [2, 2]})
    host = HostGraph.of(core)
    adjacency = adjacency_of(nx.star_graph(40))
    made = spread(0, adjacency, host, np.ones(41, dtype=bool), Chains.none(41, host))
    assert made is not None
    assert_spread(made, range(1, 41), 24)
    assert host.readable[made.chain[:, 0]].all()
    free = spread(0, adjacency, host, np.zeros(41, dtype=bool), Chains.none(41, host))
    assert free is not None
    assert free.length[0] < made.length[0]


@pytest.mark.parametrize(("leaves", "fits"), [(45, True), (62, False)])
def test_too_few_cells(leaves: int, fits: bool, make_core: MakeCore) -> None:
    host = HostGraph.of(make_core(grid=[8, 8], stencil="box-2", readout={"step": [1, 1]}))
    nodes = leaves + 1
    made = spread(0, adjacency_of(nx.star_graph(leaves)), host, np.zeros(nodes, dtype=bool), Chains.none(nodes, host))
    assert (made is not None) == fits
