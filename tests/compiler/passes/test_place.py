from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import FindingsError, is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.conditions import diagnose_conditions
from oscc.compiler.passes.place import PlaceOptions, PlacePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.place.symmetry import ORIENTATIONS
from oscc.compiler.route.routing import diagnose_route, routed_graph, trace_route
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]
Cell = tuple[int, int]


def _moved(graph: CouplingGraph, cells: list[Cell]) -> CouplingGraph:
    return dataclasses.replace(graph, position=np.array(cells, dtype=np.int32))


def _cells(graph: CouplingGraph) -> list[Cell]:
    assert graph.position is not None
    return [(row, col) for row, col in graph.position.tolist()]


def _shifted(graph: CouplingGraph, rows: int, cols: int) -> CouplingGraph:
    return _moved(graph, [(row + rows, col + cols) for row, col in _cells(graph)])


def _box(cells: list[Cell]) -> tuple[int, int, int, int]:
    rows, cols = [row for row, _ in cells], [col for _, col in cells]
    return min(rows), min(cols), max(rows), max(cols)


def _turned(cells: list[Cell], turns: int, mirrored: bool) -> list[Cell]:
    """Cells of a rotated and mirrored bounding box, one step at a time; the box begins where it did."""
    top, left, _, _ = _box(cells)
    local = [(row - top, col - left) for row, col in cells]
    for _ in range(turns):
        height = max(row for row, _ in local) + 1
        local = [(col, height - 1 - row) for row, col in local]
    if mirrored:
        width = max(col for _, col in local) + 1
        local = [(row, width - 1 - col) for row, col in local]
    return [(row + top, col + left) for row, col in local]


def _candidates(
    graph: CouplingGraph, core: CoreSpec, spread: tuple[int, int] = (1, 1)
) -> Iterator[tuple[str, list[Cell]]]:
    """Every placement that the pass promises to try, in the order that it promises."""
    first_row, first_col, _, _ = _box(_cells(graph))
    for turns, mirrored in ORIENTATIONS:
        cells = [
            (first_row + spread[0] * (row - first_row), first_col + spread[1] * (col - first_col))
            for row, col in _turned(_cells(graph), turns, mirrored)
        ]
        top, left, bottom, right = _box(cells)
        shifts = [(drow, dcol) for drow in range(-top, core.rows - bottom) for dcol in range(-left, core.cols - right)]
        for drow, dcol in sorted(shifts, key=lambda shift: (abs(shift[0]) + abs(shift[1]), shift)):
            parts = ([f"rotate-{90 * turns}"] if turns else []) + (["mirror"] if mirrored else [])
            parts += [f"spread{spread}"] if spread != (1, 1) else []
            parts += [f"shift({drow}, {dcol})"] if (drow, dcol) != (0, 0) else []
            yield " ".join(parts) or "identity", [(row + drow, col + dcol) for row, col in cells]


def _first_that_fits(graph: CouplingGraph, core: CoreSpec) -> tuple[str, list[Cell]] | None:
    spreads = dict.fromkeys(((1, 1), core.readout.step))
    for name, cells in (each for spread in spreads for each in _candidates(graph, core, spread)):
        placed = PlacedGraph(graph, core, np.array(cells, dtype=np.int32), name)
        if is_empty(diagnose_route(routed_graph(placed))) and is_empty(diagnose_fit(placed)):
            return name, cells
    return None


def _expect(graph: CouplingGraph, core: CoreSpec, transform: str) -> PlacedGraph:
    """The pass takes the placement that a plain search in the promised order finds first, and it is ``transform``."""
    placed = PlacePass(core).run(graph)
    expected = _first_that_fits(graph, core)
    assert expected is not None
    assert (placed.transform, [(row, col) for row, col in placed.cell.tolist()]) == expected
    assert placed.transform == transform
    assert placed.graph is graph
    return placed


def _findings(graph: CouplingGraph, core: CoreSpec) -> list[Any]:
    with pytest.raises(FindingsError) as caught:
        PlacePass(core).run(graph)
    return list(caught.value.findings)


# What is found


def test_identity_is_taken_when_it_fits(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core)
    placed = _expect(graph, tiny_core, "identity")
    assert placed.cell.tolist() == graph.position.tolist()  # type: ignore[union-attr]


def test_identity_is_taken_also_where_others_fit(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4])
    _expect(_shifted(make_graph(small), 2, 4), make_core(), "identity")


def test_nodes_without_positions_fill_the_core_row_by_row(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[4, 6])
    placed = PlacePass(core).run(make_graph(core, positions=False))
    assert placed.transform == "row-major"
    assert placed.cell.tolist() == [[row, col] for row in range(4) for col in range(6)]
    assert placed.cell.dtype == np.int32


def test_nodes_without_positions_are_turned_as_well(make_graph: MakeGraph, make_core: MakeCore) -> None:
    # Trained with couplings from the left only; the core has them from the right only.
    trained = make_core(stencil=[[0, -1]], readout={"step": [1, 1]})
    core = make_core(stencil=[[0, 1]], readout={"step": [1, 1]})
    placed = PlacePass(core).run(make_graph(trained, positions=False))
    assert placed.transform == "row-major mirror"


def test_model_larger_than_the_remaining_grid_is_shifted_back(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4])
    _expect(_shifted(make_graph(small), 6, 6), make_core(), "shift(-2, -2)")


def test_shift_avoids_a_dead_cell(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4])
    _expect(make_graph(small), make_core(defects={"cells": [[0, 1]]}), "shift(0, 2)")
    _expect(make_graph(small), make_core(defects={"cells": [[0, 3]]}), "shift(2, 0)")


def test_shift_lands_on_readable_cells(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4])
    _expect(make_graph(small), make_core(readout={"origin": [1, 0], "step": [2, 2]}), "shift(1, 0)")
    _expect(make_graph(small), make_core(readout={"origin": [2, 0], "step": [2, 2]}), "shift(2, 0)")


def test_shift_avoids_a_dead_slot(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4])
    slot = small.unit_stencil.offsets.index((0, 1))
    _expect(make_graph(small), make_core(defects={"slots": [[1, 1, slot]]}), "shift(0, 2)")
    # The last column of the model has no source to its right, so this slot is not used.
    _expect(make_graph(small), make_core(defects={"slots": [[1, 3, slot]]}), "identity")


def test_ties_go_to_the_smaller_shift(make_graph: MakeGraph, make_core: MakeCore) -> None:
    small = make_core(grid=[2, 2], readout={"step": [1, 1]}, cycles_per_sample=1000)
    core = make_core(readout={"step": [1, 1]}, defects={"cells": [[3, 3]]})
    # One step up, left, right or down would all avoid the dead corner in the middle of the grid.
    _expect(_shifted(make_graph(small), 3, 3), core, "shift(0, 1)")
    _expect(_shifted(make_graph(small), 2, 2), core, "shift(-1, 0)")


@pytest.mark.parametrize(
    ("offset", "transform"),
    [
        ((0, 2), "identity"),
        ((0, -2), "mirror"),
        ((2, 0), "rotate-90"),
        ((-2, 0), "rotate-270"),
    ],
)
def test_model_is_turned_until_the_stencil_holds_it(
    make_graph: MakeGraph, make_core: MakeCore, offset: Cell, transform: str
) -> None:
    # The model has a coupling to the right; turned, it fits a core whose only offset points elsewhere.
    anywhere = {"readout": {"step": [1, 1]}}
    graph = make_graph(make_core(grid=[5, 6], stencil=[[0, 2]], **anywhere))
    _expect(graph, make_core(stencil=[list(offset)], **anywhere), transform)


@pytest.mark.parametrize(("turns", "mirrored"), ORIENTATIONS)
def test_every_orientation_is_undone(make_graph: MakeGraph, make_core: MakeCore, turns: int, mirrored: bool) -> None:
    # The offsets (0, 1) and (3, 0) together tell all eight orientations apart.
    core = make_core(grid=[7, 9], stencil=[[0, 1], [3, 0]], readout={"step": [1, 1]})
    trained = make_graph(core)
    turned = _moved(trained, _turned(_cells(trained), turns, mirrored))
    placed = PlacePass(core).run(turned)
    assert placed.cell.tolist() == trained.position.tolist()  # type: ignore[union-attr]
    assert is_empty(diagnose_route(placed))


def test_tall_model_is_laid_down_on_a_wide_core(make_graph: MakeGraph, make_core: MakeCore) -> None:
    anywhere = {"readout": {"step": [1, 1]}}
    _expect(make_graph(make_core(grid=[8, 3], **anywhere)), make_core(grid=[3, 8], **anywhere), "rotate-90")


def test_wires_that_can_be_negotiated_do_not_move_a_model(make_graph: MakeGraph, make_core: MakeCore) -> None:
    # Three wires out of one cell share the row of their source where they run straight.
    anywhere: dict[str, Any] = {"readout": {"step": [1, 1]}}
    graph = make_graph(make_core(grid=[3, 3], **anywhere))
    edges = [(3, 1), (3, 4), (3, 7)]
    star = dataclasses.replace(
        graph,
        src=np.array([src for src, _ in edges], dtype=np.int32),
        dst=np.array([dst for _, dst in edges], dtype=np.int32),
        weight=graph.weight[:, : len(edges)],
    )
    core = make_core(tracks_per_boundary=2, **anywhere)
    placed = _expect(star, core, "identity")
    assert is_empty(diagnose_route(routed_graph(placed)))
    assert trace_route(placed).rounds > 0
    # A corner has two boundaries, and three wires leave it.
    assert "R010" in {finding.code for finding in _findings(star, make_core(tracks_per_boundary=0, **anywhere))}
    _expect(star, make_core(tracks_per_boundary=3, **anywhere), "identity")


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_search_takes_the_first_placement_that_fits(
    make_graph: MakeGraph, make_core: MakeCore, data: st.DataObject
) -> None:
    line = st.integers(0, 5)
    offsets = data.draw(
        st.lists(
            st.tuples(st.integers(-2, 2), st.integers(-2, 2)).filter(lambda o: o != (0, 0)),
            min_size=1,
            max_size=4,
            unique=True,
        )
    )
    shape = (data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)))
    trained = make_core(grid=shape, stencil=[list(offset) for offset in offsets], readout={"step": [2, 1]})
    graph = make_graph(trained, chunks=1, density=data.draw(st.sampled_from([0.5, 1.0])))
    graph = _moved(graph, _turned(_cells(graph), data.draw(st.integers(0, 3)), data.draw(st.booleans())))
    graph = _shifted(graph, data.draw(line), data.draw(line))
    core = make_core(
        grid=[5, 6],
        stencil=[list(offset) for offset in offsets],
        tracks_per_boundary=data.draw(st.integers(2, 8)),
        readout={"origin": [data.draw(st.integers(0, 1)), 0], "step": data.draw(st.sampled_from([[2, 1], [1, 1]]))},
        defects={
            "cells": data.draw(st.lists(st.tuples(st.integers(0, 4), line), max_size=2)),
            "slots": data.draw(st.lists(st.tuples(st.integers(0, 4), line, st.just(0)), max_size=2)),
        },
    )
    expected = _first_that_fits(graph, core)
    if expected is None:
        assert _findings(graph, core)[-1].code == "L002"
    else:
        placed = PlacePass(core).run(graph)
        assert (placed.transform, [(row, col) for row, col in placed.cell.tolist()]) == expected


# What is not found


def test_no_positions_and_free_cells(make_graph: MakeGraph, make_core: MakeCore) -> None:
    readout = {"step": [1, 1]}
    graph = make_graph(make_core(grid=[10, 11], readout=readout), positions=False)
    core = make_core(grid=[12, 11], readout=readout)
    assert identity_placement(graph, core) is None
    placed = PlacePass(core).run(graph)
    assert placed.transform.startswith("growth")
    assert is_empty(diagnose_route(placed))


def test_relabelled_nodes_that_fill_the_core(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[12, 12], readout={"step": [1, 1]})
    graph = make_graph(core, positions=False)
    mixed = np.random.default_rng(3).permutation(graph.nodes).astype(np.int32)
    relabelled = dataclasses.replace(graph, src=mixed[graph.src], dst=mixed[graph.dst], readout=mixed[graph.readout])
    placed = PlacePass(core).run(relabelled)
    assert placed.transform.startswith("growth")
    assert is_empty(diagnose_route(placed))


def test_no_positions_and_no_placement(make_graph: MakeGraph, make_core: MakeCore) -> None:
    # No node has too many neighbours, nor are too many nodes near one, but nothing grows.
    whole = make_graph(make_core(grid=[4, 4]), positions=False, family="tanh_ising", chunks=1)
    edges = np.array(nx.random_regular_graph(4, 16, seed=1).edges, dtype=np.int32)
    src, dst = np.concatenate([edges, edges[:, ::-1]]).T
    graph = dataclasses.replace(whole, src=src.copy(), dst=dst.copy(), weight=whole.weight[:, : src.size])
    core = make_core(stencil="king", readout={"step": [1, 1]})
    with pytest.raises(FindingsError) as caught:
        PlacePass(core, PlaceOptions("growth")).run(graph)
    findings = caught.value.findings
    assert [finding.code for finding in findings] == ["L001", "F004"]
    words = r"no placement could be grown: from one node it never held more than (\d+) of 16 nodes on 8 x 8 cells "
    match = re.match(words + r"\(3060 attempts\)$", findings[0].message)
    assert match is not None
    assert 1 < int(match[1]) < 16
    assert findings[0].witness == {"nodes": 16, "cells": 64, "placed": int(match[1]), "attempts": 3060}
    assert findings[0].proof is False


def test_nothing_fits(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[4, 4]), density=0.9)
    core = make_core(stencil="king")
    findings = _findings(graph, core)
    assert {finding.code for finding in findings} == {"R001", "R003", "L002"}
    last = findings[-1]
    assert last.proof is False
    tried = 8 * 5 * 5
    assert last.message == (
        f"no placement found among {tried} (8 rotations and mirrors, every shift on the grid): {tried} fail by stencil"
    )
    assert last.witness["placements"] == tried
    assert sum(1 for _ in _candidates(graph, core)) == tried


def test_refusals_are_counted_by_reason(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[4, 4]))
    dead = [[row, col] for row in (0, 3, 4, 7) for col in (0, 3, 4, 7)]
    findings = _findings(graph, make_core(defects={"cells": dead}))
    # In each orientation 3 x 3 or 2 x 2 of the 5 x 5 shifts put the pixels on readable cells.
    (searched,) = (finding for finding in findings if finding.code == "L002")
    refused = searched.witness["refused"]
    assert refused["stencil"] == refused["wires"] == refused["dead slots"] == 0
    assert refused["read-out"] + refused["dead cells"] == 8 * 25
    assert refused["dead cells"] == 2 * (9 + 6 + 6 + 4)
    assert "fail by read-out; " in searched.message


def test_model_larger_than_the_grid(make_graph: MakeGraph, make_core: MakeCore) -> None:
    findings = _findings(make_graph(make_core(grid=[9, 4])), make_core())
    assert {finding.code for finding in findings} == {"R009", "L002"}
    assert findings[-1].message == "no placement found: the model needs 9 x 4 cells, the grid has 8 x 8"


def test_what_no_placement_can_change_is_reported_in_full(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(couplings="reciprocal", chunks=2)
    graph = make_graph(make_core(), chunks=3, density=0.98)
    # It is no part of the search, so that a placement is found; the next pass refuses it.
    placed = PlacePass(core).run(graph)
    with pytest.raises(FindingsError) as caught:
        RoutePass().run(placed)
    assert caught.value.about is placed
    codes = [finding.code for finding in caught.value.findings]
    assert set(codes) == {"R006", "F003"}
    assert codes.count("R006") > 1


def test_findings_are_those_of_the_placement_as_trained(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core())
    findings = _findings(graph, make_core(defects={"cells": [[2, 3]]}))
    assert [finding.code for finding in findings] == ["R004", "L007", "L002"]
    assert findings[0].witness["cell"] == [2, 3]


def test_pass_describes_itself(tiny_core: CoreSpec) -> None:
    place = PlacePass(tiny_core)
    assert (place.name, place.description) == ("place", "give every node a cell of the core")
    with pytest.raises(dataclasses.FrozenInstanceError):
        place.core = tiny_core  # type: ignore[misc]


def test_what_is_impossible_is_said_once(make_graph: MakeGraph, make_core: MakeCore) -> None:
    # Grown, but a cell in its middle is dead, and there are too many chunks besides.
    graph = make_graph(make_core(stencil="king", readout={"step": [1, 1]}), chunks=2, positions=False)
    core = make_core(grid=[9, 9], stencil="king", readout={"step": [1, 1]}, chunks=1, defects={"cells": [[4, 4]]})
    # Around the dead cell, fewer cells are within some steps than nodes are within as many couplings.
    assert [finding.code for finding in _findings(graph, core)] == ["L011"]
    # The chunks are no matter of places, and said before these are looked for.
    codes = [finding.code for finding in diagnose_conditions(graph, core, ScaleOptions(per_chunk=True))]
    assert sorted(codes) == ["F003", "L011"]
