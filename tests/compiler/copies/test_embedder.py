from __future__ import annotations

from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.copies.chains import Embedding
from oscc.compiler.copies.embedder import _Rounds, embed
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.anneal import Annealing
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def model(graph: Any) -> CouplingGraph:
    numbered = nx.convert_node_labels_to_integers(graph)
    for one, other in numbered.edges:
        numbered.edges[one, other]["weight"] = 1.0
    return graph_model(numbered, name="g", where="g")


def assert_embedded(found: Embedding, graph: CouplingGraph, core: CoreSpec) -> None:
    """A minor embedding, by networkx and plain Python."""
    host: Any = nx.Graph()
    cells = [(row, col) for row in range(core.rows) for col in range(core.cols)]
    host.add_nodes_from(cell for cell in cells if cell not in core.defects.cells)
    for row, col in cells:
        for drow, dcol in core.model_stencil.offsets:
            if (row + drow, col + dcol) in host and (row, col) in host:
                host.add_edge((row, col), (row + drow, col + dcol))
    chains = [
        [divmod(int(cell), core.cols) for cell in found.cell[low:high]]
        for low, high in zip(found.first[:-1], found.first[1:], strict=True)
    ]
    assert len(chains) == graph.nodes
    used = [cell for chain in chains for cell in chain]
    assert len(set(used)) == len(used)
    for chain in chains:
        assert chain
        assert all(cell in host for cell in chain)
        assert nx.is_connected(host.subgraph(chain))
    for one, other in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        assert any(host.has_edge(a, b) for a in chains[one] for b in chains[other])
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    for node in graph.readout.tolist():
        row, col = chains[node][0]
        assert (row - row0) % drow == 0
        assert (col - col0) % dcol == 0


CASES = {
    "star": nx.star_graph(40),
    "clique": nx.complete_graph(14),
    "cubic": nx.random_regular_graph(3, 60, seed=1),
    "bipartite": nx.complete_bipartite_graph(6, 7),
    "geometric": nx.random_geometric_graph(60, 0.2, seed=4),
    "two parts": nx.disjoint_union(nx.cycle_graph(9), nx.complete_graph(6)),
}


@pytest.mark.parametrize("name", CASES)
def test_graphs_that_need_chains(name: str, make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    graph = model(CASES[name])
    found = embed(graph, core)
    assert found.found
    assert_embedded(found, graph, core)
    again = embed(graph, core)
    assert np.array_equal(found.cell, again.cell)


@pytest.mark.parametrize(
    ("leaves", "seed", "extra"), [(25, 0, 1), (26, 2, 1), (27, 9, 1), (30, 0, 1), (30, 3, 1), (43, 2, 2)]
)
def test_a_hub_that_needs_few_copies_has_them(leaves: int, seed: int, extra: int, make_core: MakeCore) -> None:
    """Two cells hold up to 39 leaves: a box of 7 x 7 less its corners, and those two."""
    core = make_core(stencil="box-2", readout={"step": [1, 1]})
    graph = model(nx.star_graph(leaves))
    found = embed(graph, core, Search(seed))
    assert found.found
    assert_embedded(found, graph, core)
    assert found.lengths().tolist() == [1 + extra, *[1] * leaves]


@pytest.mark.parametrize(("leaves", "seed", "most"), [(120, 0, 8), (120, 1, 8), (300, 0, 22)])
def test_a_large_hub_is_laid_where_there_is_room(leaves: int, seed: int, most: int, make_core: MakeCore) -> None:
    """Cells one after another along a diagonal have 15 more cells beside them each: 8 hold 129, and no 5 hold 120."""
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    graph = model(nx.star_graph(leaves))
    found = embed(graph, core, Search(seed))
    assert_embedded(found, graph, core)
    assert -(-(leaves - 2) // 22) <= found.lengths()[0] <= most
    assert found.lengths()[1:].tolist() == [1] * leaves


def test_hubs_with_other_neighbours_are_laid_so_too(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="king", readout={"step": [1, 1]})
    grid = nx.grid_2d_graph(5, 5)
    grid.add_edges_from(((0, 0), (9, leaf)) for leaf in range(60))
    graph = model(grid)
    found = embed(graph, core)
    assert_embedded(found, graph, core)
    # Along a line of every second cell each has 6 more beside it, where cells are to be near: 60 and two in the grid.
    assert found.cell.size - graph.nodes <= 14


def test_hubs_beside_each_other_have_chains(make_core: MakeCore) -> None:
    core = make_core(grid=[12, 12], stencil="king", readout={"step": [1, 1]})
    hubs = nx.path_graph(4)
    hubs.add_edges_from((node % 4, node) for node in range(4, 44))
    graph = model(hubs)
    found = embed(graph, core, Search(2))
    assert found.found
    assert_embedded(found, graph, core)


def test_defects_and_readable_cells_are_minded(make_core: MakeCore) -> None:
    core = make_core(
        grid=[16, 16], stencil="king", readout={"step": [2, 2]}, defects={"cells": [[5, 5], [0, 0], [8, 9]]}
    )
    graph = model(nx.star_graph(12))
    found = embed(graph, core)
    assert found.found
    assert_embedded(found, graph, core)
    assert found.lengths()[0] > 1, "twelve neighbours need a chain where a cell has eight"


def test_what_fits_one_to_one_has_no_copies(make_core: MakeCore) -> None:
    core = make_core(grid=[12, 12], stencil="king", readout={"step": [1, 1]})
    found = embed(model(nx.grid_2d_graph(8, 8)), core)
    assert found.found
    assert found.lengths().tolist() == [1] * 64


def test_too_small_a_core(make_core: MakeCore) -> None:
    core = make_core(grid=[4, 4], stencil="king", readout={"step": [1, 1]})
    found = embed(model(nx.complete_graph(14)), core)
    assert not found.found
    assert found.at_fault > 0
    assert embed(model(nx.path_graph(17)), core).at_fault == 17


def test_the_end_of_the_time(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="king", readout={"step": [1, 1]})
    found = embed(model(nx.complete_graph(12)), core, Search.within(0.0))
    assert not found.found
    assert not found.complete


def test_an_interrupt_of_an_annealing_ends_the_search(make_core: MakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    core = make_core(grid=[20, 20], stencil="king", readout={"step": [1, 1]})
    asked: list[float | None] = []

    def interrupted(graph: CouplingGraph, core: CoreSpec, search: Search, **_: object) -> Annealing:
        asked.append(search.seconds_left())
        return Annealing(np.argwhere(np.ones((3, 4))).astype(np.int32), 5, 1, False)

    monkeypatch.setattr("oscc.compiler.copies.starts.anneal", interrupted)
    found = embed(model(nx.complete_graph(12)), core, Search.within(100.0))
    assert (found.found, found.complete) == (False, False)
    assert len(asked) == 1, "no further annealing is begun"
    assert asked[0] is not None
    assert 0 < asked[0] <= 100.0


@pytest.mark.parametrize("call", [2, 5])
def test_an_interrupt_of_a_round_keeps_the_best(
    call: int, make_core: MakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(grid=[20, 20], stencil="king", readout={"step": [1, 1]})
    calls = 0
    lay = _Rounds._lay

    def interrupted(self: _Rounds, *arguments: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        lay(self, *arguments)

    monkeypatch.setattr(_Rounds, "_lay", interrupted)
    found = embed(model(nx.complete_graph(16)), core)
    assert (found.found, found.complete) == (False, False)
    assert 0 < found.at_fault <= 16
    assert calls == call, "nothing is laid after it"


def test_an_interrupt_while_chains_are_shortened_keeps_them(
    make_core: MakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    graph = model(CASES["geometric"])
    lay = _Rounds._lay

    def interrupted(self: _Rounds, *arguments: Any) -> None:
        # Over free cells only, which nothing weighs: the shortening.
        if arguments[3] == 0.0:
            raise KeyboardInterrupt
        lay(self, *arguments)

    monkeypatch.setattr(_Rounds, "_lay", interrupted)
    found = embed(graph, core)
    assert found.found
    assert_embedded(found, graph, core)
