from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import Finding
from oscc.base.kernels import run_kernel
from oscc.compiler.feasibility.witness_checker import check_witness
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.bounds import (
    BOUNDS,
    CLIQUE,
    COPY_ADVICE,
    CUT,
    DEGREE,
    DENSITY,
    Bound,
    diagnose_bound,
    diagnose_bounds,
    diagnose_neighbourhoods,
    opened_readout,
)
from oscc.compiler.place.reach_kernel import most_within
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def model(graph: Any, pixels: list[int] | None = None) -> CouplingGraph:
    """Of a graph whose nodes, in their order, are all read out, or some of them."""
    numbered = nx.convert_node_labels_to_integers(graph)
    for one, other in numbered.edges:
        numbered.edges[one, other]["weight"] = 1.0
    made = graph_model(numbered, name="g", where="g")
    if pixels is None:
        return made
    return dataclasses.replace(made, readout=np.array(pixels, dtype=np.int32), image_shape=(1, len(pixels)))


def has_placement(graph: CouplingGraph, core: CoreSpec) -> bool:
    """By trying every placement, node by node, with the read-out, dead cells and dead units."""
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    whole = itertools.product(range(core.rows), range(core.cols))
    cells = [cell for cell in whole if cell not in core.defects.cells]
    readable = [(row, col) for row, col in cells if row in range(row0, 99, drow) and col in range(col0, 99, dcol)]
    pixels, dead = set(graph.readout.tolist()), set(core.defects.slots)
    pairs = list(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))

    def works(source: tuple[int, int], destination: tuple[int, int]) -> bool:
        offset = (source[0] - destination[0], source[1] - destination[1])
        if offset not in core.model_stencil.offsets:
            return False
        if offset in core.unit_stencil.offsets:
            return (*destination, core.unit_stencil.offsets.index(offset)) not in dead
        return (*source, core.unit_stencil.offsets.index((-offset[0], -offset[1]))) not in dead

    def extended(chosen: list[tuple[int, int]]) -> bool:
        node = len(chosen)
        if node == graph.nodes:
            return True
        for cell in readable if node in pixels else cells:
            if cell in chosen:
                continue
            placed = [*chosen, cell]
            due = [(a, b) for a, b in pairs if node in (a, b) and max(a, b) == node]
            if all(works(placed[a], placed[b]) for a, b in due) and extended(placed):
                return True
        return False

    return extended([])


@settings(max_examples=40)
@given(
    rows=st.integers(1, 6),
    cols=st.integers(2, 6),
    stencil=st.sampled_from(["king", "box-2", "diamond-3"]),
    step=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    origin=st.tuples(st.integers(0, 1), st.integers(0, 1)),
    density=st.floats(0.2, 1.0),
    seed=st.integers(0, 9999),
)
def test_what_was_cut_out_of_the_grid_exceeds_no_bound(
    rows: int,
    cols: int,
    stencil: str,
    step: tuple[int, int],
    origin: tuple[int, int],
    density: float,
    seed: int,
    make_core: MakeCore,
    make_graph: MakeGraph,
) -> None:
    origin = (min(origin[0], rows - 1), min(origin[1], cols - 1))
    core = make_core(grid=[rows, cols], stencil=stencil, readout={"origin": origin, "step": step})
    graph = make_graph(core, chunks=1, density=density, seed=seed)
    for bound in BOUNDS:
        assert diagnose_bound(bound, graph, core) is None


SMALL = [
    *(nx.gnp_random_graph(nodes, share, seed=nodes) for nodes in (4, 5, 6) for share in (0.5, 0.8, 1.0)),
    nx.star_graph(5),
    nx.cycle_graph(6),
    nx.complete_bipartite_graph(2, 4),
]


@pytest.mark.parametrize("grid", [(2, 3), (1, 6), (3, 2)])
@pytest.mark.parametrize("stencil", ["king", [[0, 1], [0, -1], [1, 0], [-1, 0]]])
def test_a_bound_never_refuses_what_fits(grid: tuple[int, int], stencil: object, make_core: MakeCore) -> None:
    """Against all placements of small graphs on small grids."""
    core = make_core(grid=list(grid), stencil=stencil, readout={"step": [1, 1]})
    refused = 0
    for graph in map(model, SMALL):
        bounds = [each for bound in BOUNDS if (each := diagnose_bound(bound, graph, core))]
        refused += bool(bounds)
        assert not (bounds and has_placement(graph, core)), bounds
    assert refused, "the graphs are to have some that a bound refuses"


READ_OUT: list[dict[str, Any]] = [
    {"grid": [3, 4], "stencil": "king", "readout": {"step": [2, 2]}},
    {"grid": [3, 5], "stencil": "box-2", "readout": {"step": [2, 2]}},
    {"grid": [3, 4], "stencil": "box-2", "readout": {"origin": [1, 0], "step": [2, 1]}},
    {"grid": [2, 6], "stencil": "diamond-3", "readout": {"origin": [0, 1], "step": [1, 3]}},
    {"grid": [4, 4], "stencil": "box-2", "readout": {"step": [2, 2]}, "defects": {"cells": [[0, 0], [1, 1]]}},
    {
        "grid": [3, 4],
        "stencil": "king",
        "readout": {"step": [1, 2]},
        "defects": {"cells": [[1, 2]], "slots": [[0, 0, slot] for slot in range(3, 8)]},
    },
    {
        "grid": [3, 4],
        "stencil": "king",
        "couplings": "reciprocal",
        "readout": {"step": [1, 2]},
        "defects": {"slots": [[0, 0, 0], [1, 1, 2], [1, 2, 1]]},
    },
    {"grid": [3, 4], "stencil": [[0, 2], [0, -1], [1, 1], [-1, 0]], "readout": {"step": [1, 2]}},
]


@pytest.mark.parametrize("described", READ_OUT, ids=str)
@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_neither_with_a_read_out_and_defects(described: dict[str, Any], share: float, make_core: MakeCore) -> None:
    core = make_core(**described)
    random = np.random.default_rng(7)
    for graph in SMALL:
        pixels = np.flatnonzero(random.random(len(graph)) < share).tolist()
        made = model(graph, pixels)
        if core.couplings == "directed":
            # Some couplings in one direction only: of a pair of units, one that works is enough.
            kept = random.random(made.src.size) < 0.6
            made = dataclasses.replace(
                made, src=made.src[kept], dst=made.dst[kept], weight=made.weight[:, kept], model_hash=""
            )
        found = [each for bound in BOUNDS if (each := diagnose_bound(bound, made, core))]
        assert all(check_witness(each, made, core, None) for each in found), found
        assert not (found and has_placement(made, core)), found


def test_one_unit_of_two_is_enough_for_one_direction(make_core: MakeCore) -> None:
    # Nothing can be coupled into the middle, but it can be coupled into all others.
    dead = [[1, 1, slot] for slot in range(8)]
    core = make_core(grid=[3, 3], stencil="king", readout={"step": [1, 1]}, defects={"slots": dead})
    star = model(nx.star_graph(8))
    out = star.src == 0
    outwards = dataclasses.replace(
        star, src=star.src[out], dst=star.dst[out], weight=star.weight[:, out], model_hash=""
    )
    assert has_placement(outwards, core)
    assert [bound.kind.code for bound in BOUNDS if diagnose_bound(bound, outwards, core)] == []


def test_the_read_out_refuses_some_of_these(make_core: MakeCore) -> None:
    """Or the test above would say nothing of bounds that are due to the read-out."""
    found: list[Finding] = []
    for described in READ_OUT:
        core = make_core(**described)
        for graph, share in itertools.product(SMALL, (0.6, 1.0)):
            pixels = list(range(round(share * len(graph))))
            made = model(graph, pixels)
            found += [each for bound in BOUNDS if (each := diagnose_bound(bound, made, core))]
    by_cause = {(each.code, each.witness["cause"]) for each in found}
    assert {(code, "readout") for code in ("L010", "L011", "L012")} <= by_cause
    assert {"all", "read out", "read out around all"} == {each.witness["view"] for each in found}


def exceeded(bound: Bound, graph: CouplingGraph, core: CoreSpec) -> Finding:
    found = diagnose_bound(bound, graph, core)
    assert found is not None
    assert found.proof
    assert check_witness(found, graph, core, None) is True
    return found


def test_each_bound_has_a_witness_that_holds(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    star, tree = nx.star_graph(30), nx.balanced_tree(5, 3)
    cases: list[tuple[Bound, Any, dict[str, Any]]] = [
        (DEGREE, star, {"node": 0, "neighbours": 30, "near": 24}),
        # The root, 5, 25 and 125 nodes: within two steps of a child of the root are all but few.
        (DENSITY, nx.balanced_tree(20, 2), {"steps": 2, "nodes": 421, "cells": 81, "node": 0}),
        (CLIQUE, nx.complete_graph(10), {"nodes": list(range(10)), "cells": 9}),
    ]
    for bound, graph, witness in cases:
        assert exceeded(bound, model(graph), core).witness == {"cause": "stencil", "view": "all", **witness}
    assert diagnose_bound(DENSITY, model(tree), core) is None
    expander = model(nx.random_regular_graph(12, 300, seed=1))
    found = exceeded(CUT, expander, core)
    assert found.witness["pairs"] == sum(b * (20 - abs(a)) for a in range(-2, 3) for b in (1, 2))


def test_each_bound_knows_the_cells_that_can_be_read(make_core: MakeCore) -> None:
    """With step 2, box-2 leads from a readable cell to the eight around it, as a king's moves do."""
    core = make_core(grid=[40, 40], stencil="box-2", readout={"origin": [1, 0], "step": [2, 2]})
    apart = "readable cells are 2 rows and 2 columns apart"
    star, tree = model(nx.star_graph(12)), model(nx.balanced_tree(8, 2))
    found = exceeded(DEGREE, star, core)
    assert found.witness == {"cause": "readout", "view": "read out", "node": 0, "neighbours": 12, "near": 8}
    assert found.message == (
        f"node 0 and 12 nodes that it is coupled with must be read out; {apart}, so that at most 8 of them are within "
        "reach of another"
    )
    # The root, 8 and 64 nodes; two steps of a king reach 25 cells.
    found = exceeded(DENSITY, tree, core)
    assert (found.witness["nodes"], found.witness["cells"]) == (73, 25)
    assert found.witness["cause"] == "readout"
    assert found.message == (
        f"73 nodes that must be read out are within 2 couplings of node 0, by way of such nodes; {apart}, so that at "
        "most 25 are within 2 steps of a cell, by way of such cells"
    )
    found = exceeded(CLIQUE, model(nx.complete_graph(5)), core)
    assert found.witness == {"cause": "readout", "view": "read out", "nodes": [0, 1, 2, 3, 4], "cells": 4}
    assert found.message == (
        f"nodes 0, 1, 2, 3, 4 must be read out and are all coupled with each other; {apart}, so that at most 4 are all "
        "near each other"
    )
    found = exceeded(CUT, model(nx.random_regular_graph(8, 200, seed=1)), core)
    assert (found.witness["cause"], found.witness["pairs"]) == ("readout", 20 + 2 * 19)
    assert f"couplings of nodes that must be read out cross; {apart}, so that at most 58 pairs" in found.message
    # Hidden nodes may have any cell, so that one of them has six readable cells near it, and no more than nine.
    mixed = model(nx.star_graph(10), list(range(1, 11)))
    found = exceeded(DEGREE, mixed, core)
    assert found.witness == {
        "cause": "readout",
        "view": "read out around all",
        "node": 0,
        "neighbours": 10,
        "near": 8,
    }
    assert found.message == (
        f"node 0 is coupled with 10 nodes that must be read out; {apart}, so that at most 8 of them are within reach "
        "of a cell"
    )
    assert diagnose_bound(DEGREE, model(nx.star_graph(24), [0]), core) is None
    around = model(nx.balanced_tree(8, 2), [0, *range(9, 73)])
    found = exceeded(DENSITY, around, core)
    assert found.witness["view"] == "read out around all"
    assert found.witness["nodes"] == 65


def test_no_two_readable_cells_are_near_each_other(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="king", readout={"step": [2, 2]})
    found = exceeded(DEGREE, model(nx.path_graph(20)), core)
    assert found.witness["near"] == 0
    assert found.message.startswith("node 1 and 2 nodes that it is coupled with must be read out; readable cells are ")
    assert found.message.endswith("2 rows and 2 columns apart, so that none of them is within reach of another")
    single = exceeded(DEGREE, model(nx.path_graph(2)), core)
    assert single.message.startswith("node 0 and a node that it is coupled with must be read out")
    # Every second node hidden: a king reaches from one readable cell to the next but one.
    assert list(diagnose_bounds(model(nx.path_graph(20), list(range(0, 20, 2))), core)) == []


@pytest.mark.parametrize(
    ("graph", "core", "preset"),
    [
        (nx.star_graph(12), "ais-56x56", "ising-56x56"),
        (nx.star_graph(12), "ais-56x56-diamond", "ising-56x56"),
        (nx.star_graph(12), "tiny-8x8", "ais-28x28"),
        (nx.star_graph(12), "king-48x41", "ais-28x28"),
        (nx.complete_graph(9), "ais-56x56", "ising-56x56"),
    ],
)
def test_the_advice_names_a_core_that_the_bound_allows(graph: Any, core: str, preset: str) -> None:
    (found,) = diagnose_bounds(model(graph), load_core(core))
    assert re.search(rf"such as {preset}(,|$)", found.fix)
    assert list(diagnose_bounds(model(graph), load_core(preset))) == []
    if found.witness["cause"] == "readout":
        opened = load_core(core).changed(readout={"origin": [0, 0], "step": [1, 1]})
        assert list(diagnose_bounds(model(graph), opened)) == []
        assert "or readout: {origin: [0, 0], step: [1, 1]}" in found.fix


@pytest.mark.parametrize(
    ("graph", "advised"),
    [
        (nx.star_graph(60), True),
        (nx.complete_graph(30), True),
        (nx.random_regular_graph(26, 60, seed=1), False),
        (nx.disjoint_union(nx.star_graph(30), nx.random_regular_graph(10, 60, seed=1)), True),
    ],
    ids=["star", "few nodes", "dense", "sparse"],
)
def test_copies_are_advised_where_there_may_be_chains(graph: Any, advised: bool, make_core: MakeCore) -> None:
    core = make_core(grid=[40, 40], stencil="box-2", readout={"step": [1, 1]})
    found = exceeded(DEGREE, model(graph), core)
    assert (COPY_ADVICE in found.fixes) is advised


def test_what_no_preset_allows_is_advised_a_stencil(make_core: MakeCore) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    (found,) = diagnose_bounds(model(nx.star_graph(40)), core)
    assert found.fix.startswith(
        "use a core with a wider stencil, such as stencil: diamond-4 with tracks_per_boundary: 60, or a model with "
    )
    closed = make_core(grid=[20, 20], stencil="box-2", readout={"step": [2, 2]})
    (found,) = diagnose_bounds(model(nx.star_graph(40)), closed)
    assert "stencil: diamond-4 with tracks_per_boundary: 60 and readout: {origin: [0, 0], step: [1, 1]}" in found.fix
    (found,) = diagnose_bounds(model(nx.star_graph(300)), core)
    assert found.fix == (
        "use a model with fewer couplings: a core like this with stencil box-4 would be refused, too, by L010"
        + f", or {COPY_ADVICE}"
    )


ADVISED = {
    "a node in its clique": (nx.complete_graph(20), {"stencil": "king"}, "L010", "box-4"),
    "a clique": (nx.complete_graph(12), {"stencil": "box-2"}, "L012", "diamond-4"),
    "a clique that is read out": (nx.complete_graph(12), {"stencil": "box-2", "readout": {"step": [2, 2]}}, "L010", ""),
    "a node of many in a cut": (nx.random_regular_graph(20, 64, seed=1), {"stencil": "king"}, "L010", "ais-28x28"),
    "more within two couplings": (nx.balanced_tree(7, 2), {"stencil": "king"}, "L011", "ais-28x28"),
    "too wide a cut": (nx.random_regular_graph(20, 64, seed=1), {"stencil": "box-2"}, "L013", "ais-28x28"),
}


@pytest.mark.parametrize(("graph", "keys", "code", "named"), ADVISED.values(), ids=ADVISED)
def test_no_bound_refuses_what_is_advised(
    graph: Any, keys: dict[str, Any], code: str, named: str, make_core: MakeCore
) -> None:
    core = make_core(**{"readout": {"step": [1, 1]}, **keys})
    found = next(iter(diagnose_bounds(model(graph), core)))
    assert found.code == code
    assert named in found.fix
    advised = re.search(
        r"such as (?:stencil: (\S+) with tracks_per_boundary: (\d+)( and readout)?|([^ ,]+))", found.fix
    )
    assert advised is not None, found.fix
    stencil, tracks, opened, preset = advised.groups()
    if preset:
        other = load_core(preset)
    else:
        other = core.changed(stencil=stencil, tracks_per_boundary=int(tracks))
        other = other.changed(readout=opened_readout(core)) if opened else other
    assert list(diagnose_bounds(model(graph), other)) == []


def test_no_core_is_advised_where_all_are_refused(make_core: MakeCore) -> None:
    core = make_core(stencil="box-2", readout={"step": [1, 1]})
    (found,) = diagnose_bounds(model(nx.complete_graph(30)), core)
    assert (found.code, found.fix) == (
        "L010",
        "use a model with fewer couplings: a core like this with stencil box-4 would be refused, too, by L012",
    )
    closed = make_core(stencil="box-2", readout={"step": [2, 2]})
    (found,) = diagnose_bounds(model(nx.complete_graph(27)), closed)
    assert "with stencil box-4" in found.fix
    assert "such as" not in found.fix


def test_another_die_is_advised_only_where_it_would_do(make_core: MakeCore) -> None:
    dead = {"cells": [[row, col] for row in range(8) for col in range(8) if (row + col) % 4 == 3]}
    for graph, enough in ((nx.star_graph(24), True), (nx.complete_graph(25), False)):
        core = make_core(stencil="box-2", readout={"step": [1, 1]}, defects=dead)
        found = next(iter(diagnose_bounds(model(graph), core)))
        assert (found.code, found.witness["cause"]) == ("L010", "defects")
        assert ("use another die" in found.fix) is enough, found.fix


def test_what_only_defects_are_in_the_way_of(make_core: MakeCore) -> None:
    holes = [[row, col] for row in range(9) for col in range(9) if (row + col) % 4 == 0]
    core = make_core(grid=[9, 9], stencil="king", readout={"step": [1, 1]}, defects={"cells": holes})
    (found,) = diagnose_bounds(model(nx.star_graph(8)), core)
    assert (found.witness["cause"], found.witness["near"]) == ("defects", 6)
    assert found.message == "node 0 is coupled with 8 others; only 6 cells are near a cell and not defective"
    assert found.fix.startswith("use another die, or a core with more spare cells")
    assert check_witness(found, model(nx.star_graph(8)), core, None) is True
    slots = [[row, col, slot] for row in range(9) for col in range(9) for slot in (0, 7)]
    weak = make_core(grid=[9, 9], stencil="king", readout={"step": [1, 1]}, defects={"slots": slots})
    (found,) = diagnose_bounds(model(nx.star_graph(8)), weak)
    assert (found.witness["cause"], found.witness["near"]) == ("defects", 6)
    assert check_witness(found, model(nx.star_graph(8)), weak, None) is True


def test_what_is_quick_to_decide_is_all_that_is_said(make_core: MakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [1, 1]})
    dense = model(nx.complete_graph(30))
    assert [each.code for each in diagnose_bounds(dense, core)] == ["L010"]
    assert [each.code for each in diagnose_neighbourhoods(dense, core)] == ["L010"]
    clique = model(nx.complete_graph(10))
    assert [each.code for each in diagnose_bounds(clique, core)] == ["L012"]
    assert [each.code for each in diagnose_neighbourhoods(clique, core)] == []
    assert [each.code for each in diagnose_neighbourhoods(model(nx.balanced_tree(20, 2)), core)] == ["L011"]


STAR, TREE, CLIQUE_OF_TEN = nx.star_graph(30), nx.balanced_tree(20, 2), nx.complete_graph(10)


@pytest.mark.parametrize(
    ("bound", "graph", "step", "change"),
    [
        (DEGREE, STAR, 1, {"neighbours": 29}),
        (DEGREE, STAR, 1, {"node": 3}),
        (DEGREE, STAR, 1, {"near": 23}),
        (DEGREE, STAR, 1, {"cause": "readout"}),
        (DEGREE, STAR, 1, {"cause": "defects"}),
        (DEGREE, nx.star_graph(9), 2, {"near": 7}),
        (DEGREE, nx.star_graph(9), 2, {"view": "all"}),
        (DEGREE, nx.star_graph(9), 2, {"cause": "stencil"}),
        (DENSITY, TREE, 1, {"nodes": 500}),
        (DENSITY, TREE, 1, {"cells": 80}),
        (DENSITY, nx.balanced_tree(8, 2), 2, {"nodes": 74}),
        (DENSITY, nx.balanced_tree(8, 2), 2, {"cells": 24}),
        (CLIQUE, CLIQUE_OF_TEN, 1, {"nodes": [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]}),
        (CLIQUE, CLIQUE_OF_TEN, 1, {"cells": 8, "nodes": [0, 1, 2, 3, 4, 5, 6, 7, 8]}),
        (CLIQUE, nx.complete_graph(6), 2, {"cells": 5, "nodes": [0, 1, 2, 3, 4, 5]}),
        (CUT, nx.random_regular_graph(12, 300, seed=1), 1, {"eigenvalue": 6.0}),
        (CUT, nx.random_regular_graph(12, 300, seed=1), 1, {"pairs": 100}),
        (CUT, nx.random_regular_graph(5, 100, seed=1), 2, {"pairs": 27}),
    ],
)
def test_a_false_witness_is_found_out(
    bound: Bound, graph: Any, step: int, change: dict[str, object], make_core: MakeCore
) -> None:
    core = make_core(grid=[20, 20], stencil="box-2", readout={"step": [step, step]})
    made = model(graph)
    true = exceeded(bound, made, core)
    false = dataclasses.replace(true, witness={**true.witness, **change})
    assert check_witness(false, made, core, None) is False


FAR = [[0, 2], [0, -2], [2, 0], [-2, 0]]


@pytest.mark.parametrize("stencil", [FAR, [[0, 1], [0, -1]], [[1, 1], [-1, -1], [1, -1], [-1, 1]]])
def test_stencils_that_do_not_reach_the_whole_grid(stencil: list[list[int]], make_core: MakeCore) -> None:
    core = make_core(grid=[8, 8], stencil=stencil, readout={"step": [1, 1]})
    moves = [(row, col) for row, col in stencil]
    # From every cell, by plain walking on the grid.
    most = 0
    for start in [(row, col) for row in range(8) for col in range(8)]:
        reached, edge = {start}, {start}
        while edge:
            edge = {(row + a, col + b) for row, col in edge for a, b in moves} - reached
            edge = {cell for cell in edge if 0 <= cell[0] < 8 and 0 <= cell[1] < 8}
            reached |= edge
        most = max(most, len(reached))
    fits, large = (model(nx.path_graph(nodes)) for nodes in (most, most + 1))
    assert diagnose_bound(DENSITY, fits, core) is None
    found = exceeded(DENSITY, large, core)
    assert found.witness["nodes"] == most + 1
    assert found.witness["cells"] <= most


def test_searches_end_when_their_visits_are_used_up() -> None:
    graph = model(nx.union(nx.path_graph(30), nx.convert_node_labels_to_integers(nx.star_graph(9), first_label=30)))
    near = Adjacency.in_graph(graph)
    every = np.ones(graph.nodes, dtype=bool)
    order = np.arange(graph.nodes, dtype=np.int32)
    most, node = most_within(near, every, order, 1, 0)
    assert (most.tolist(), node.tolist()) == ([1, 2], [0, 0])
    most, node = most_within(near, every, order, 1, 10**9)
    assert (most.tolist(), node[1]) == ([1, 10], int(near.degree().argmax()))
    # Of a star, the leaves count; they are two couplings from each other.
    most, node = most_within(near, near.degree() < 2, order, 2, 10**9)
    assert (most.tolist(), node[1]) == ([1, 9, 9], int(near.degree().argmax()))


def test_crowded_nodes_are_searched_from_first(make_core: MakeCore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oscc.compiler.place.bound_views.MOST_VISITS", 0)
    core = make_core(grid=[30, 30], stencil="box-2", readout={"step": [1, 1]})
    tree = nx.union(nx.path_graph(5), nx.convert_node_labels_to_integers(nx.balanced_tree(20, 2), first_label=5))
    # The leaves have one neighbour, the root 20, and its children 21, one of which is the first to be searched from.
    found = exceeded(DENSITY, model(tree), core)
    assert found.witness["nodes"] > found.witness["cells"]


def test_what_nodes_need_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = model(nx.path_graph(12))
    runs: list[Any] = []

    def counted(kernel: Any, *args: Any) -> Any:
        runs.append(kernel)
        return run_kernel(kernel, *args)

    monkeypatch.setattr("oscc.compiler.place.bound_views.run_kernel", counted)
    for core in ("tiny-8x8", "ais-28x28"):
        for _ in range(2):
            assert list(diagnose_neighbourhoods(graph, load_core(core))) == []
        assert diagnose_bound(DENSITY, graph, load_core(core)) is None
    # The whole model, and what is read out of it, which is the same here.
    assert len(runs) == 1
