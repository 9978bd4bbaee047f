from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import networkx as nx
import pytest

from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.copies.starts import Starts, crossing_lines
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.place.search import UNLIMITED
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


@pytest.mark.parametrize("nodes", [2, 3, 8, 15, 16])
def test_crossing_lines_all_meet(nodes: int, make_core: MakeCore) -> None:
    core = make_core(grid=[16, 16], stencil="box-2", readout={"step": [1, 1]})
    lines = crossing_lines(HostGraph.of(core), nodes)
    assert lines is not None
    box: Any = nx.Graph()
    for row, col in itertools.product(range(16), repeat=2):
        for drow, dcol in itertools.product(range(-2, 3), repeat=2):
            if (drow, dcol) != (0, 0) and 0 <= row + drow < 16 and 0 <= col + dcol < 16:
                box.add_edge((row, col), (row + drow, col + dcol))
    chains = [{divmod(cell, 16) for cell in line} for line in lines]
    assert len(chains) == nodes
    assert len(set().union(*chains)) == sum(map(len, lines))
    assert all(nx.is_connected(box.subgraph(chain)) for chain in chains)
    assert all(any(nx.edge_boundary(box, one, other)) for one, other in itertools.combinations(chains, 2))


def test_crossing_lines_need_room_and_reach(make_core: MakeCore) -> None:
    box = make_core(grid=[16, 16], stencil="box-2", readout={"step": [1, 1]})
    assert crossing_lines(HostGraph.of(box), 17) is None
    king = make_core(grid=[16, 16], stencil="king", readout={"step": [1, 1]})
    assert crossing_lines(HostGraph.of(king), 8) is None
    dead = make_core(grid=[16, 16], stencil="box-2", readout={"step": [1, 1]}, defects={"cells": [[3, 3]]})
    assert crossing_lines(HostGraph.of(dead), 8) is None


def test_each_start_has_more_room_than_the_one_before(make_core: MakeCore) -> None:
    core = make_core(grid=[12, 12], stencil="king", readout={"step": [1, 1]})
    graph: Any = nx.cycle_graph(9)
    nx.set_edge_attributes(graph, dict.fromkeys(graph.edges, 1.0), "weight")
    model = graph_model(graph, name="g", where="g")
    host = HostGraph.of(core)
    found = list(Starts(model, core, Adjacency.in_graph(model), host, UNLIMITED).chains())
    # Of twelve rows, a spacing of 4 leaves three: enough for nine nodes. Crossing lines need a wider stencil.
    assert len(found) == 6
    for chains in found:
        assert chains.length.tolist() == [1] * 9
        assert chains.fill.sum() == 9
        assert chains.fill.max() == 1
    assert host.positions(found[-1].chain[:, 0]).tolist() != host.positions(found[0].chain[:, 0]).tolist()
    assert {int(place) % 4 for cell in host.positions(found[-1].chain[:, 0]) for place in cell} == {2}
