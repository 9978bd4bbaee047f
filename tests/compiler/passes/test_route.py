from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.findings import FindingsError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import verify_routed
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.place.placer import identity_placement
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def _placed(graph: CouplingGraph, core: CoreSpec) -> PlacedGraph:
    placed = identity_placement(graph, core)
    assert placed is not None
    return placed


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_route_gives_every_coupling_a_unit(make_graph: MakeGraph, make_core: MakeCore, couplings: str) -> None:
    core = make_core(couplings=couplings)
    placed = _placed(make_graph(core), core)
    routed = RoutePass().run(placed)
    verify_routed(routed)
    assert (routed.route.slot >= 0).all()
    cells, slots = routed.route.unit_cell.tolist(), routed.route.slot.tolist()
    used = {(row, col, slot) for (row, col), slot in zip(cells, slots, strict=True)}
    assert len(used) == routed.graph.couplings // (2 if couplings == "reciprocal" else 1)


def test_route_leaves_its_input_alone(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    placed = _placed(make_graph(tiny_core), tiny_core)
    routed = RoutePass().run(placed)
    assert type(placed) is PlacedGraph
    assert routed.graph is placed.graph
    assert routed.transform == placed.transform


def test_route_reports_every_finding_of_routing_and_fit(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(), chunks=4)
    core = make_core(chunks=3, defects={"cells": [[4, 4]]}, readout={"origin": [1, 1]}, init={"std_rad": 0.5})
    with pytest.raises(FindingsError) as caught:
        RoutePass().run(_placed(graph, core))
    found = caught.value.findings
    # A node on a cell that is defective, pixels on cells that cannot be read, and what no other placement would mend.
    assert [finding.code for finding in found] == ["R004", *["F001"] * 16, "L007", "F003", "F002"]
    assert found[17].witness == {"nodes": 64, "pixels": 16, "usable": 63, "readable": 16, "cause": "defects"}


def test_example_needs_every_track_of_its_core(example_path: Path) -> None:
    core = load_core("ais-56x56")
    routed = RoutePass().run(PlacePass(core).run(read_checkpoint(example_path)))
    assert routed.transform == "identity"
    assert int(routed.route.demand_across_columns.max()) == 30
    assert int(routed.route.demand_across_rows.max()) == 30
    assert int(np.bincount(routed.graph.dst).max()) == 24
    verify_routed(routed)
    narrow = core.model_copy(update={"tracks_per_boundary": 29})
    with pytest.raises(FindingsError) as caught:
        RoutePass().run(dataclasses.replace(routed, core=narrow))
    codes = [finding.code for finding in caught.value.findings]
    assert codes[0] == "R010"
    assert set(codes[1:]) == {"R008"}


def test_pass_describes_itself() -> None:
    assert RoutePass().name == "route"
    assert RoutePass().description == "check that the placement can be routed, and count slots and wires"
