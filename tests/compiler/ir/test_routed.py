from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.findings import Finding, FindingError, is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph, diagnose_routed, verify_routed
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.route.routing import routed_graph
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def _routed(make_graph: MakeGraph, core: CoreSpec) -> RoutedGraph:
    placed = identity_placement(make_graph(core, chunks=1), core)
    assert placed is not None
    return routed_graph(placed)


@pytest.fixture
def routed(make_graph: MakeGraph, tiny_core: CoreSpec) -> RoutedGraph:
    return _routed(make_graph, tiny_core)


def _with_route(routed: RoutedGraph, **arrays: Any) -> RoutedGraph:
    return dataclasses.replace(routed, route=dataclasses.replace(routed.route, **arrays))


def _only(placed: RoutedGraph) -> Finding:
    findings = list(diagnose_routed(placed))
    assert len(findings) == 1, findings
    assert not is_empty(diagnose_routed(placed))
    with pytest.raises(FindingError, match=findings[0].code):
        verify_routed(placed)
    return findings[0]


def test_cells_cannot_be_changed(routed: RoutedGraph) -> None:
    with pytest.raises(ValueError, match="read-only"):
        routed.cell[0] = 1
    with pytest.raises(ValueError, match="read-only"):
        routed.route.slot[0] = 1


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_routed_placement_is_consistent(make_graph: MakeGraph, make_core: MakeCore, couplings: str) -> None:
    placed = _routed(make_graph, make_core(grid=[6, 5], couplings=couplings))
    assert list(diagnose_routed(placed)) == []
    assert is_empty(diagnose_routed(placed))
    verify_routed(placed)


def test_demand_of_the_wrong_shape(routed: RoutedGraph) -> None:
    finding = _only(_with_route(routed, demand_across_rows=routed.route.demand_across_rows[:-1]))
    assert (finding.code, finding.witness["array"]) == ("L003", "route.demand_across_rows")


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_wrong_slot(make_graph: MakeGraph, make_core: MakeCore, couplings: str) -> None:
    routed = _routed(make_graph, make_core(couplings=couplings))
    slot = routed.route.slot.copy()
    slot[11] = (slot[11] + 1) % routed.core.slots
    finding = _only(_with_route(routed, slot=slot))
    assert finding.code == "L004"
    assert finding.witness["coupling"] == 11
    assert finding.witness["slot"] == slot[11]


def test_slot_that_does_not_exist(routed: RoutedGraph) -> None:
    for bad in (-1, 24):
        slot = routed.route.slot.copy()
        slot[3] = bad
        assert _only(_with_route(routed, slot=slot)).code == "L004"


def test_unit_at_the_source_of_a_directed_coupling(routed: RoutedGraph) -> None:
    unit_cell, slot = routed.route.unit_cell.copy(), routed.route.slot.copy()
    unit_cell[0] = routed.cell[routed.graph.src[0]]
    drow, dcol = (routed.cell[routed.graph.dst[0]] - unit_cell[0]).tolist()
    slot[0] = routed.core.unit_stencil.offsets.index((drow, dcol))
    finding = _only(_with_route(routed, unit_cell=unit_cell, slot=slot))
    assert finding.code == "L004"


def test_unit_at_a_third_cell(routed: RoutedGraph) -> None:
    # From one cell further right the offset to the source is one less: the slot before joins them.
    edge = int(np.flatnonzero(np.all(routed.displacement() == (1, 1), axis=1))[0])
    unit_cell, slot = routed.route.unit_cell.copy(), routed.route.slot.copy()
    unit_cell[edge, 1] += 1
    slot[edge] = routed.core.unit_stencil.offsets.index((1, 0))
    finding = _only(_with_route(routed, unit_cell=unit_cell, slot=slot))
    assert (finding.code, finding.witness["coupling"]) == ("L004", edge)


def test_cell_outside_the_grid_has_no_unit(routed: RoutedGraph) -> None:
    moved = routed.cell + np.int32(8)
    unit_cell = routed.route.unit_cell + np.int32(8)
    findings = list(diagnose_routed(_with_route(dataclasses.replace(routed, cell=moved), unit_cell=unit_cell)))
    assert [finding.code for finding in findings] == ["L004"] * routed.graph.couplings


@pytest.mark.parametrize("name", ["demand_across_columns", "demand_across_rows"])
def test_demand_that_the_units_do_not_explain(routed: RoutedGraph, name: str) -> None:
    demand = getattr(routed.route, name).copy()
    demand[2, 3] += 1
    finding = _only(_with_route(routed, **{name: demand}))
    assert finding.code == "L005"
    assert finding.witness == {"index": [2, 3], "given": int(demand[2, 3]), "traced": int(demand[2, 3]) - 1}
