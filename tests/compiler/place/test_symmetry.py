from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from oscc.base.findings import is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route, RoutedGraph, diagnose_routed
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.place.symmetry import search_symmetric
from oscc.compiler.route.route_checker import check_route
from oscc.compiler.route.routing import diagnose_route, routed_graph, trace_route
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]

OPEN = {"origin": [0, 0], "step": [1, 1]}


def assert_same_route(one: Route, other: Route) -> None:
    """Equal in every array and its type, those of the wires included."""
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(Route)]
    pairs += [
        (getattr(one.wires, field.name), getattr(other.wires, field.name)) for field in dataclasses.fields(one.wires)
    ]
    for left, right in pairs:
        if isinstance(left, np.ndarray):
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
    assert one.rounds == other.rounds


def found_of(graph: CouplingGraph, core: CoreSpec) -> RoutedGraph | None:
    """The placement near that of a model, whose route is that of its cells."""
    assert graph.position is not None
    found = search_symmetric(PlacedGraph(graph, core, graph.position, "identity"))[0]
    if found is not None:
        assert_same_route(found.route, trace_route(found.placement()))
        assert list(diagnose_routed(found)) == []
    return found


def some_cells(core: CoreSpec, count: int, rng: np.random.Generator) -> list[list[int]]:
    """Cells of a grid, each once."""
    return [list(divmod(cell, core.cols)) for cell in rng.choice(core.cells, count, replace=False).tolist()]


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_the_wires_of_a_moved_model_are_those_of_its_cells(
    couplings: str, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    seen: set[str] = set()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        small = make_core(grid=[3, 5], stencil="box-2", couplings=couplings, readout=OPEN)
        graph = make_graph(small, chunks=1, density=0.5, seed=seed)
        core = make_core(grid=[5, 6], stencil="box-2", couplings=couplings, readout=OPEN)
        # Dead slots tell orientations apart, though the model fills its bounding box in all of them.
        slots = [[*cell, int(rng.integers(core.slots))] for cell in some_cells(core, 8, rng)]
        die = core.changed(defects={"cells": some_cells(core, 1, rng), "slots": slots})
        if (found := found_of(graph, die)) is not None:
            seen |= {word.split("(")[0] for word in found.transform.replace(", ", ",").split()}
            assert not list(check_route(found))
    assert seen == {"identity", "shift", "rotate-90", "rotate-180", "rotate-270", "mirror"}


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_the_wires_of_a_model_that_was_drawn_apart(couplings: str, make_core: MakeCore, make_graph: MakeGraph) -> None:
    for seed in range(5):
        small = make_core(grid=[3, 4], stencil="king", couplings=couplings, readout=OPEN)
        core = make_core(grid=[9, 10], stencil="box-2", couplings=couplings, readout={"origin": [1, 1], "step": [2, 2]})
        found = found_of(make_graph(small, chunks=1, density=0.6, seed=seed), core)
        assert found is not None
        assert found.transform == "spread(2, 2) shift(1, 1)"


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
@pytest.mark.parametrize("grid", [[6, 5], [7, 8]], ids=["fills the core", "smaller than the core"])
def test_wires_that_were_negotiated(
    grid: list[int], couplings: str, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    negotiated = 0
    for seed in range(6):
        tracks = {"directed": 14, "reciprocal": 7}[couplings]
        small = make_core(grid=[6, 5], stencil="box-2", couplings=couplings, readout=OPEN)
        graph = make_graph(small, chunks=1, density=0.5, seed=seed)
        core = make_core(grid=grid, stencil="box-2", couplings=couplings, readout=OPEN, tracks_per_boundary=tracks)
        if grid != [6, 5]:
            core = core.changed(defects={"cells": [[0, 0], [6, 7]]})
        if (found := found_of(graph, core)) is not None:
            negotiated += found.route.rounds > 0
            assert grid == [6, 5] or "shift" in found.transform
    assert negotiated > 0


@pytest.mark.parametrize(("tracks", "found"), [(34, True), (24, True), (20, False)])
def test_wires_find_ways_around_the_model(tracks: int, found: bool, make_core: MakeCore, make_graph: MakeGraph) -> None:
    """34 are enough for straight wires, 24 with those beside the 4 x 4 cells of the model."""

    def core(**keys: object) -> CoreSpec:
        return make_core(stencil="box-3", readout={"step": [1, 1]}, **keys)

    graph = make_graph(core(grid=[4, 4], tracks_per_boundary=50), density=1.0)
    start = identity_placement(graph, core(tracks_per_boundary=tracks))
    assert start is not None
    placed, searched = search_symmetric(start)
    assert (placed is not None, searched.refused["wires"] == 0) == (found, found)
    assert is_empty(diagnose_route(routed_graph(start))) == found
    if placed is not None:
        assert placed.transform == "identity"
        assert is_empty(diagnose_route(placed))


@pytest.mark.parametrize(
    ("couplings", "grid", "density", "tracks", "seed"),
    [("directed", [6, 5], 0.5, 12, 4), ("reciprocal", [3, 5], 0.9, 10, 0)],
)
def test_wires_that_find_other_ways_outside_the_model(
    couplings: str, grid: list[int], density: float, tracks: int, seed: int, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    small = make_core(grid=grid, stencil="box-2", couplings=couplings, readout=OPEN, tracks_per_boundary=tracks)
    core = small.changed(grid=[grid[0] + 2, grid[1] + 2])
    graph = make_graph(small, chunks=1, density=density, seed=seed)
    assert graph.position is not None
    alone = found_of(graph, small)
    found = found_of(dataclasses.replace(graph, position=graph.position + np.int32(1)), core)
    assert alone is not None
    assert found is not None
    assert min(alone.route.rounds, found.route.rounds) > 0
    assert found.transform == "identity"
    assert found.route.wires.direction.tolist() != alone.route.wires.direction.tolist()
