"""Read-out as a constraint of placing: pixels on readable cells, whatever placer puts them there."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import Finding, FindingsError
from oscc.compiler.compile import check_model
from oscc.compiler.feasibility.witness_checker import check_witness
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.place import PlaceOptions, PlacePass
from oscc.compiler.place import anneal as annealing
from oscc.compiler.place import growth as growing
from oscc.compiler.place.cell_rules import CellRules, NodeCells
from oscc.compiler.place.placer import AnnealPlacer, GrowthPlacer, TorusPlacer, identity_placement
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import Search
from oscc.compiler.place.visible_growth import grow_visible
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
ModelOf = Callable[..., CouplingGraph]


def assert_fits(placed: PlacedGraph) -> None:
    """By hand: a living cell for each node, a readable one for pixels, and living units for all couplings."""
    graph, core = placed.graph, placed.core
    cells = [(row, col) for row, col in placed.cell.tolist()]
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    assert len(set(cells)) == graph.nodes
    assert not set(cells) & set(core.defects.cells)
    assert all(row in range(core.rows) and col in range(core.cols) for row, col in cells)
    for node in graph.readout.tolist():
        assert cells[node][0] in range(row0, core.rows, drow)
        assert cells[node][1] in range(col0, core.cols, dcol)
    for source, destination in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        into, out = cells[destination], cells[source]
        slot = core.model_stencil.offsets.index((out[0] - into[0], out[1] - into[1]))
        assert (*into, slot) not in core.defects.slots


def king_graph(rows: int, cols: int) -> nx.Graph[tuple[int, int]]:
    graph = nx.grid_2d_graph(rows, cols)
    graph.add_edges_from(((row, col), (row + 1, col + 1)) for row in range(rows - 1) for col in range(cols - 1))
    graph.add_edges_from(((row + 1, col), (row, col + 1)) for row in range(rows - 1) for col in range(cols - 1))
    return graph


@settings(max_examples=25)
@given(data=st.data())
def test_whatever_is_placed_fits(data: st.DataObject, make_core: MakeCore, model_of: ModelOf) -> None:
    step = data.draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    origin = data.draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    line = st.integers(0, 11)
    core = make_core(
        grid=[12, 12],
        stencil=data.draw(st.sampled_from(["king", "box-2", "diamond-3", "box-3"])),
        tracks_per_boundary=200,
        readout={"origin": origin, "step": step},
        defects={
            "cells": data.draw(st.lists(st.tuples(line, line), max_size=4)),
            "slots": data.draw(st.lists(st.tuples(line, line, st.integers(0, 7)), max_size=4)),
        },
    )
    seed = data.draw(st.integers(0, 99))
    graph = data.draw(
        st.sampled_from(
            [
                king_graph(3, 4),
                nx.grid_2d_graph(4, 5),
                nx.path_graph(14),
                nx.cycle_graph(9),
                nx.balanced_tree(2, 3),
                nx.gnp_random_graph(12, 0.2, seed=seed),
                nx.disjoint_union(nx.star_graph(4), nx.empty_graph(3)),
            ]
        )
    )
    model = model_of(graph, seed, pixels=data.draw(st.integers(0, len(graph))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annealing, "MOVES_PER_NODE", 500)
        patch.setattr(growing, "ATTEMPTS", 200)
        placed, findings = place(model, core, seed)
        again, _ = place(model, core, seed)
    if placed is not None:
        assert_fits(placed)
        assert again is not None
        assert np.array_equal(again.cell, placed.cell)
    for each in findings:
        assert check_witness(each, model, core, None) is not False


def place(model: CouplingGraph, core: CoreSpec, seed: int) -> tuple[PlacedGraph | None, tuple[Finding, ...]]:
    try:
        return PlacePass(core, PlaceOptions(seed=seed)).run(model), ()
    except FindingsError as refused:
        return None, refused.findings


BOX = [(a, b) for a, b in np.ndindex(5, 5) if (a, b) != (2, 2)]


def test_what_the_read_out_of_a_whole_core_has_room_for(model_of: ModelOf) -> None:
    core = load_core("ais-56x56")
    for graph in (king_graph(20, 20), nx.grid_2d_graph(20, 20)):
        placed, findings = place(model_of(graph, seed=2), core, 0)
        assert findings == ()
        assert placed is not None
        assert_fits(placed)
    grid = set(np.ndindex(20, 20))
    box = nx.Graph(
        (cell, other) for cell in grid for a, b in BOX if (other := (cell[0] + a - 2, cell[1] + b - 2)) in grid
    )
    model = model_of(box, seed=1)
    placed, (finding,) = place(model, core, 0)
    assert placed is None
    assert (finding.code, finding.witness["cause"], finding.witness["near"]) == ("L010", "readout", 8)
    assert "such as ising-56x56, or readout: {origin: [0, 0], step: [1, 1]}" in finding.fix
    opened, _ = place(model, load_core("ising-56x56"), 0)
    assert opened is not None
    assert_fits(opened)


@pytest.mark.parametrize("graph", [king_graph(9, 9), nx.grid_2d_graph(9, 9)], ids=["king", "grid"])
@pytest.mark.parametrize(("step", "origin"), [((2, 2), (0, 0)), ((2, 1), (1, 0)), ((1, 2), (3, 1))])
def test_grids_grow_on_readable_cells(
    graph: nx.Graph[tuple[int, int]],
    step: tuple[int, int],
    origin: tuple[int, int],
    make_core: MakeCore,
    model_of: ModelOf,
) -> None:
    core = make_core(grid=[24, 22], stencil="box-2", readout={"origin": origin, "step": step})
    placed = PlacePass(core).run(model_of(graph, seed=3))
    assert placed.transform.split()[0] == "growth"
    assert_fits(placed)


def test_growth_leaves_dead_cells_aside(make_core: MakeCore, model_of: ModelOf) -> None:
    # A free place of four by four readable cells is at the other end only.
    dead = [[2, 2], [2, 10], [10, 2]]
    core = make_core(grid=[16, 16], stencil="box-2", defects={"cells": dead})
    model = model_of(nx.disjoint_union(king_graph(4, 4), nx.path_graph(4)))
    placed = GrowthPlacer().place(model, core).placed
    assert placed is not None
    assert_fits(placed)
    everywhere = [[row, col] for row in range(0, 16, 4) for col in range(0, 16, 4)]
    full = make_core(grid=[16, 16], stencil="box-2", defects={"cells": everywhere})
    refused = GrowthPlacer().place(model, full)
    assert refused.placed is None
    assert {"R004", "L002", "L014"} <= {finding.code for finding in refused.findings}


def test_components_are_put_on_cells_that_their_nodes_may_have(make_core: MakeCore, model_of: ModelOf) -> None:
    core = make_core(grid=[11, 12], stencil="king", readout={"step": [1, 1]})
    model = model_of(nx.disjoint_union_all([king_graph(3, 4), king_graph(3, 3), nx.empty_graph(3)]))
    problem = PlacementProblem.of(model, core)
    read = np.zeros(model.nodes, dtype=np.int32)
    read[0] = 1
    usable = np.ones((2, 11, 12), dtype=bool)
    usable[0, :2] = usable[0, 4, 4] = False
    usable[1] = usable[0] & (np.add.outer(np.arange(11), np.arange(12)) % 3 == 0)
    found = growing.grow(problem, NodeCells(usable, read))
    assert found.cell is not None
    assert usable[read, found.cell[:, 0], found.cell[:, 1]].all()
    # Where there is no such place, free cells do.
    usable[:] = False
    other = growing.grow(problem, NodeCells(usable, read)).cell
    assert other is not None
    assert len(np.unique(other, axis=0)) == model.nodes


def test_what_grew_on_dead_cells_is_moved_off_them(make_core: MakeCore, model_of: ModelOf) -> None:
    # Wherever a path of 30 lies straight on this row, one of its cells is dead; beside it there is room.
    core = make_core(grid=[4, 30], stencil="box-2", readout={"step": [1, 1]}, defects={"cells": [[1, 14], [2, 15]]})
    placed = GrowthPlacer().place(model_of(nx.grid_2d_graph(3, 30)), core).placed
    assert placed is not None
    assert "nodes moved" in placed.transform
    assert_fits(placed)


def test_tori_are_folded_on_readable_cells(make_core: MakeCore, model_of: ModelOf) -> None:
    torus = model_of(nx.grid_2d_graph(5, 7, periodic=True))
    core = make_core(grid=[12, 15], stencil="box-4", readout={"origin": [1, 1], "step": [2, 2]})
    placed = TorusPlacer().place(torus, core).placed
    assert placed is not None
    assert_fits(placed)
    # Box-2 leads to the next readable cell, and a folded ring needs the next but one.
    near = make_core(grid=[12, 15], stencil="box-2", readout={"origin": [1, 1], "step": [2, 2]})
    assert [finding.code for finding in TorusPlacer().place(torus, near).findings] == ["L001"]


def test_pixels_that_fill_the_readable_cells_are_placed_row_by_row(make_core: MakeCore, model_of: ModelOf) -> None:
    core = make_core(grid=[5, 8], stencil="box-2", readout={"origin": [1, 0], "step": [2, 2]})
    placed = identity_placement(model_of(nx.empty_graph(8)), core)
    assert placed is not None
    assert (placed.transform, placed.cell.tolist()) == (
        "row-major",
        [[row, col] for row in (1, 3) for col in (0, 2, 4, 6)],
    )
    assert identity_placement(model_of(nx.empty_graph(8), pixels=7), core) is None


def test_positions_are_drawn_apart_to_the_readable_cells(make_core: MakeCore, model_of: ModelOf) -> None:
    grid = nx.grid_2d_graph(4, 6)
    where = np.array(sorted(grid.nodes), dtype=np.int32)
    order = np.random.default_rng(0).permutation(24)
    model = dataclasses.replace(model_of(grid), position=where[np.argsort(order)].copy())
    core = make_core(grid=[8, 14], stencil="box-2", readout={"origin": [1, 0], "step": [2, 2]})
    placed = PlacePass(core).run(model)
    assert placed.transform == "spread(2, 2) shift(1, 0)"
    assert_fits(placed)
    # Seven rows of readable cells are too few for it.
    with pytest.raises(FindingsError) as caught:
        PlacePass(make_core(grid=[8, 10], stencil="box-2"), PlaceOptions("symmetry")).run(model)
    searched = caught.value.findings[-1]
    assert searched.code == "L002"
    assert searched.message.endswith("; nor with rows and columns 2 and 2 apart")
    assert searched.witness["spread"] == [2, 2]


def test_single_pixels_are_moved_to_readable_cells(make_core: MakeCore, model_of: ModelOf) -> None:
    row = np.stack([np.zeros(6), np.arange(6)], axis=1).astype(np.int32)
    path = model_of(nx.path_graph(6))
    order = np.random.default_rng(0).permutation(6)
    model = dataclasses.replace(
        path, position=row[np.argsort(order)].copy(), readout=order[[0, 3]].astype(np.int32), image_shape=(1, 2)
    )
    placed = PlacePass(make_core(grid=[4, 8], stencil="box-2")).run(model)
    assert "nodes moved" in placed.transform
    assert_fits(placed)


@pytest.mark.parametrize("seed", [0, 1])
def test_pixels_grow_first_where_the_rest_is_between_them(seed: int, make_core: MakeCore, model_of: ModelOf) -> None:
    # A king's graph of pixels with a hidden node in the middle of each square: no named stencil has it.
    graph: nx.Graph[tuple[object, ...]] = nx.Graph(king_graph(6, 6).edges)
    for square in np.ndindex(5, 5):
        graph.add_edges_from((("hidden", *square), (square[0] + a, square[1] + b)) for a, b in np.ndindex(2, 2))
    core = make_core(grid=[15, 14], stencil="box-2", readout={"origin": [0, 1], "step": [2, 2]})
    model = model_of(graph, seed)
    number = dict(zip(graph.nodes, np.random.default_rng(seed).permutation(61).tolist(), strict=True))
    pixels = np.array(sorted(number[node] for node in graph if node[0] != "hidden"), dtype=np.int32)
    model = dataclasses.replace(model, readout=pixels, image_shape=(6, 6))
    problem = PlacementProblem.of(model, core)
    rules = CellRules.of(model, core, problem)
    start = grow_visible(model, core, problem, rules, Search(seed))
    assert start is not None
    # Nothing is left to annealing: of each square, the cell in the middle is near its corners, and free.
    assert_fits(PlacedGraph(model, core, start, "start"))
    placed = GrowthPlacer(Search(seed)).place(model, core).placed
    assert placed is not None
    assert placed.transform == "growth, pixels first"
    assert_fits(placed)


@pytest.mark.parametrize("pixels", [30, 12])
def test_annealing_keeps_pixels_on_readable_cells(pixels: int, make_core: MakeCore, model_of: ModelOf) -> None:
    model = model_of(nx.random_regular_graph(2, 30, seed=1), pixels=pixels)
    core = make_core(grid=[16, 12], stencil="box-2", readout={"origin": [1, 0], "step": [2, 1]})
    placed = AnnealPlacer(Search(5)).place(model, core).placed
    assert placed is not None
    assert_fits(placed)
    again = AnnealPlacer(Search(5)).place(model, core).placed
    assert again is not None
    assert np.array_equal(placed.cell, again.cell)


def test_what_annealing_misses_is_counted_in_cells_of_the_core(make_core: MakeCore, model_of: ModelOf) -> None:
    model = model_of(nx.random_regular_graph(4, 24, seed=1))
    core = make_core(grid=[12, 12], stencil="box-2", readout={"step": [2, 2]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annealing, "MOVES_PER_NODE", 400)
        (finding,) = AnnealPlacer().place(model, core).findings
    assert finding.code == "L006"
    cells = finding.witness["cells"]
    far = [
        max(abs(cells[a][0] - cells[b][0]), abs(cells[a][1] - cells[b][1])) - 2
        for a, b in zip(model.src.tolist(), model.dst.tolist(), strict=True)
    ]
    assert finding.witness["cost"] == sum(one for one in far if one > 0)
    assert finding.witness["couplings"] == sum(one > 0 for one in far)
    assert "a core with more readable cells or a wider stencil" in finding.fix
    assert all(row % 2 == col % 2 == 0 for row, col in cells)


def test_searches_say_the_best_so_far(make_core: MakeCore, model_of: ModelOf) -> None:
    said: list[tuple[str, float]] = []
    core = make_core(grid=[12, 12], stencil="box-2", readout={"step": [2, 2]})
    search = Search(progress=lambda what, done: said.append((what, done)))
    model = model_of(nx.random_regular_graph(4, 24, seed=1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(annealing, "MOVES_PER_NODE", 400)
        found = annealing.anneal(model, core, search, attempts=1)
    assert found.cell is not None
    words = [what.split() for what, _ in said]
    assert all(each[0] == "annealing:" and each[2:] == ["couplings", "too", "long", "so", "far"] for each in words)
    best = [int(each[1]) for each in words]
    # Fewer couplings that are further off may cost more: what is said is of the placement that costs least.
    assert best[-1] <= best[0]
    assert [done for _, done in said] == sorted(done for _, done in said)
    said.clear()
    GrowthPlacer(search).place(model, core)
    assert said[0][0] == "growing: 1 of 24 nodes placed so far"
    assert max(int(what.split()[1]) for what, _ in said) > 1


@pytest.mark.parametrize("placer", ["auto", "anneal", "growth"])
def test_proofs_come_before_any_search(
    placer: str, make_core: MakeCore, model_of: ModelOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def searched(*_: object, **__: object) -> None:
        raise AssertionError("searched")

    for name in ("anneal", "grow", "folded_torus", "repair"):
        monkeypatch.setattr(f"oscc.compiler.place.placer.{name}", searched)
    core = make_core(grid=[12, 12], stencil="box-2", readout={"step": [2, 2]})
    for graph, code in (
        (nx.star_graph(12), "L010"),
        (nx.balanced_tree(8, 2), "L007"),
        (nx.balanced_tree(5, 2), "L011"),
    ):
        path = tmp_path / "model.safetensors"
        write_checkpoint(path, model_of(graph))
        first = check_model(read_checkpoint(path), core, placing=PlaceOptions(placer)).causes[0]
        assert (first.code, first.witness["cause"], first.proof) == (code, "readout", True)


def test_positions_on_cells_that_cannot_be_read_and_no_others(make_core: MakeCore, model_of: ModelOf) -> None:
    star = dataclasses.replace(model_of(nx.star_graph(12)), position=np.argwhere(np.ones((4, 4)))[:13].astype(np.int32))
    core = make_core(grid=[12, 12], stencil="box-3", readout={"step": [3, 3]})
    with pytest.raises(FindingsError) as caught:
        PlacePass(core).run(star)
    codes = [finding.code for finding in caught.value.findings]
    assert (codes[0], codes[-1]) == ("L010", "L002")
    assert "F001" in codes


def test_one_deadline_is_handed_to_all_placers(model_of: ModelOf, make_core: MakeCore) -> None:
    placers = PlaceOptions(timeout_s=8.0).placers(model_of(nx.path_graph(5)), make_core())
    assert len({placer.search.deadline for placer in placers}) == 1  # type: ignore[attr-defined]
