from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.findings import Finding, FindingError
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph, Route, diagnose_placed, is_valid_placed, verify_placed
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.route.routing import trace_route
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def _routed(make_graph: MakeGraph, core: CoreSpec) -> PlacedGraph:
    placed = identity_placement(make_graph(core, chunks=1), core)
    assert placed is not None
    return dataclasses.replace(placed, route=trace_route(placed))


@pytest.fixture
def routed(make_graph: MakeGraph, tiny_core: CoreSpec) -> PlacedGraph:
    return _routed(make_graph, tiny_core)


def _with_route(routed: PlacedGraph, **arrays: Any) -> PlacedGraph:
    assert routed.route is not None
    return dataclasses.replace(routed, route=dataclasses.replace(routed.route, **arrays))


def _only(placed: PlacedGraph) -> Finding:
    findings = list(diagnose_placed(placed))
    assert len(findings) == 1, findings
    assert not is_valid_placed(placed)
    with pytest.raises(FindingError, match=findings[0].code):
        verify_placed(placed)
    return findings[0]


def _route(placed: PlacedGraph) -> Route:
    assert placed.route is not None
    return placed.route


def test_node_map_is_the_inverse_of_the_cells(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[5, 7], defects={"cells": [[2, 3]]})
    placed = identity_placement(make_graph(core), core)
    assert placed is not None
    table = placed.node_map()
    assert table.shape == (5, 7)
    assert table[2, 3] == -1
    for node, (row, col) in enumerate(placed.cell.tolist()):
        assert table[row, col] == node


def test_displacement_is_source_minus_destination(routed: PlacedGraph) -> None:
    cells = routed.cell.tolist()
    for edge in (0, 7, routed.graph.couplings - 1):
        source, destination = cells[routed.graph.src[edge]], cells[routed.graph.dst[edge]]
        expected = [source[0] - destination[0], source[1] - destination[1]]
        assert routed.displacement()[edge].tolist() == expected


def test_cells_cannot_be_changed(routed: PlacedGraph) -> None:
    with pytest.raises(ValueError, match="read-only"):
        routed.cell[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        _route(routed).slot[0] = 1


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_routed_placement_is_consistent(make_graph: MakeGraph, make_core: MakeCore, couplings: str) -> None:
    placed = _routed(make_graph, make_core(grid=[6, 5], couplings=couplings))
    assert list(diagnose_placed(placed)) == []
    assert is_valid_placed(placed)
    verify_placed(placed)
    verify_placed(dataclasses.replace(placed, route=None))


def test_cells_of_the_wrong_shape_or_type(routed: PlacedGraph) -> None:
    unrouted = dataclasses.replace(routed, route=None)
    finding = _only(dataclasses.replace(unrouted, cell=routed.cell[:-1]))
    assert (finding.code, finding.message) == ("L003", "cell: int32 [63, 2], expected int32 [64, 2]")
    finding = _only(dataclasses.replace(unrouted, cell=routed.cell.astype(np.int64)))
    assert (finding.code, finding.message) == ("L003", "cell: int64 [64, 2], expected int32 [64, 2]")


def test_demand_of_the_wrong_shape(routed: PlacedGraph) -> None:
    finding = _only(_with_route(routed, demand_across_rows=_route(routed).demand_across_rows[:-1]))
    assert (finding.code, finding.witness["array"]) == ("L003", "route.demand_across_rows")


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_wrong_slot(make_graph: MakeGraph, make_core: MakeCore, couplings: str) -> None:
    routed = _routed(make_graph, make_core(couplings=couplings))
    slot = _route(routed).slot.copy()
    slot[11] = (slot[11] + 1) % routed.core.slots
    finding = _only(_with_route(routed, slot=slot))
    assert finding.code == "L004"
    assert finding.witness["coupling"] == 11
    assert finding.witness["slot"] == slot[11]


def test_slot_that_does_not_exist(routed: PlacedGraph) -> None:
    for bad in (-1, 24):
        slot = _route(routed).slot.copy()
        slot[3] = bad
        assert _only(_with_route(routed, slot=slot)).code == "L004"


def test_unit_at_the_source_of_a_directed_coupling(routed: PlacedGraph) -> None:
    unit_cell, slot = _route(routed).unit_cell.copy(), _route(routed).slot.copy()
    unit_cell[0] = routed.cell[routed.graph.src[0]]
    drow, dcol = (routed.cell[routed.graph.dst[0]] - unit_cell[0]).tolist()
    slot[0] = routed.core.unit_stencil.offsets.index((drow, dcol))
    finding = _only(_with_route(routed, unit_cell=unit_cell, slot=slot))
    assert finding.code == "L004"


def test_unit_at_a_third_cell(routed: PlacedGraph) -> None:
    # From one cell further right the offset to the source is one less: the slot before joins them.
    edge = int(np.flatnonzero(np.all(routed.displacement() == (1, 1), axis=1))[0])
    unit_cell, slot = _route(routed).unit_cell.copy(), _route(routed).slot.copy()
    unit_cell[edge, 1] += 1
    slot[edge] = routed.core.unit_stencil.offsets.index((1, 0))
    finding = _only(_with_route(routed, unit_cell=unit_cell, slot=slot))
    assert (finding.code, finding.witness["coupling"]) == ("L004", edge)


def test_cell_outside_the_grid_has_no_unit(routed: PlacedGraph) -> None:
    moved = routed.cell + np.int32(8)
    unit_cell = _route(routed).unit_cell + np.int32(8)
    findings = list(diagnose_placed(_with_route(dataclasses.replace(routed, cell=moved), unit_cell=unit_cell)))
    assert [finding.code for finding in findings] == ["L004"] * routed.graph.couplings


@pytest.mark.parametrize("name", ["demand_across_columns", "demand_across_rows"])
def test_demand_that_the_units_do_not_explain(routed: PlacedGraph, name: str) -> None:
    demand = getattr(_route(routed), name).copy()
    demand[2, 3] += 1
    finding = _only(_with_route(routed, **{name: demand}))
    assert finding.code == "L005"
    assert finding.witness == {"index": [2, 3], "given": int(demand[2, 3]), "traced": int(demand[2, 3]) - 1}
