from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route, RoutedGraph
from oscc.compiler.ir.wire_routes import WireRoutes
from oscc.compiler.route.route_checker import check_route
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.compiler.route.tracks import assign_tracks
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def finished(graph: CouplingGraph, core: CoreSpec) -> tuple[RoutedGraph, np.ndarray]:
    """A placed model with its route, and its tracks."""
    assert graph.position is not None
    routed = routed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    return routed, assign_tracks(routed.route.wires)


@settings(deadline=None, max_examples=1000)
@given(
    stencil=st.sampled_from(["king", "box-2", "diamond-3"]),
    couplings=st.sampled_from(["directed", "reciprocal"]),
    density=st.floats(0.1, 1.0),
    seed=st.integers(0, 10_000),
    tracks=st.integers(1, 30),
)
def test_every_finished_route_passes(make_graph, make_core, stencil, couplings, density, seed, tracks) -> None:
    core = make_core(grid=[6, 5], stencil=stencil, couplings=couplings, tracks_per_boundary=tracks)
    placed, track = finished(make_graph(core, chunks=1, density=density, seed=seed), core)
    found = {finding.code for finding in check_route(placed, track)}
    # What does not fit is told by both; nothing else is ever wrong.
    assert found <= {"K006", "K008"}
    assert bool(found) == (not is_empty(diagnose_route(placed)))


@pytest.fixture
def routed(make_graph: MakeGraph, make_core: MakeCore) -> tuple[RoutedGraph, np.ndarray]:
    """A route with negotiated ways: some wires of three steps and more."""
    core = make_core(grid=[6, 5], stencil="box-2", tracks_per_boundary=14)
    placed, track = finished(make_graph(core, chunks=1, density=0.5, seed=3), core)
    assert not list(check_route(placed, track))
    return placed, track


def longest(wires: WireRoutes) -> int:
    """The first step of a wire that runs straight at first."""
    for wire in range(wires.wires):
        low = int(wires.first[wire])
        if wires.first[wire + 1] - low >= 2 and wires.direction[low] == wires.direction[low + 1]:
            return low
    raise AssertionError("no wire runs straight for two steps")


DAMAGE = {
    "a node off the grid": "K001",
    "a node on another's cell": "K001",
    "a node on a dead cell": "K001",
    "a slot of another offset": "K002",
    "a unit elsewhere": "K002",
    "a dead slot": "K003",
    "a wire less": "K004",
    "a wire that feeds another cell": "K004",
    "a step in another direction": "K005",
    "a direction that there is not": "K005",
    "fewer tracks than wires": "K006",
    "a demand that is not so": "K007",
    "a track of another wire": "K008",
    "a track that there is not": "K008",
    "a track that changes": "K009",
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_found(kind: str, routed) -> None:
    placed, tracks = routed
    route, core = placed.route, placed.core
    wires = route.wires
    cell, slot, unit = placed.cell.copy(), route.slot.copy(), route.unit_cell.copy()
    end, first, direction = wires.end.copy(), wires.first.copy(), wires.direction.copy()
    start, across, tracks = wires.start.copy(), route.demand_across_columns.copy(), tracks.copy()
    step = longest(wires)
    match kind:
        case "a node off the grid":
            cell[3] = (6, 0)
        case "a node on another's cell":
            cell[3] = cell[4]
        case "a node on a dead cell":
            core = core.model_copy(update={"defects": core.defects.model_copy(update={"cells": ((2, 2),)})})
        case "a slot of another offset":
            slot[5] = (slot[5] + 1) % 24
        case "a unit elsewhere":
            unit[5, 0] = 5 - unit[5, 0]
        case "a dead slot":
            dead = (int(unit[5, 0]), int(unit[5, 1]), int(slot[5]))
            core = core.model_copy(update={"defects": core.defects.model_copy(update={"slots": (dead,)})})
        case "a wire less":
            start, end = start[:-1], end[:-1]
            direction, tracks = direction[: first[-2]], tracks[: first[-2]]
            first = first[:-1]
        case "a wire that feeds another cell":
            end[0] = (5, 4) if end[0].tolist() != [5, 4] else (0, 0)
        case "a step in another direction":
            direction[step] = (direction[step] + 1) % 4
        case "a direction that there is not":
            direction[step] = 4
        case "fewer tracks than wires":
            core = core.model_copy(update={"tracks_per_boundary": 3})
        case "a demand that is not so":
            across[2, 1] += 1
        case "a track of another wire":
            tracks[:] = 0
        case "a track that there is not":
            tracks[step] = tracks[step + 1] = 14
        case "a track that changes":
            tracks[step] = (tracks[step] + 1) % 14
    damaged = Route(
        unit,
        slot,
        across,
        route.demand_across_rows,
        wires=WireRoutes(start, end, first, direction),
        rounds=route.rounds,
    )
    found = [*check_route(dataclasses.replace(placed, core=core, cell=cell, route=damaged), tracks)]
    assert DAMAGE[kind] in {finding.code for finding in found}
    assert all(finding.proof and "\n" not in finding.message for finding in found)
