from __future__ import annotations

from collections.abc import Callable

import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.place.symmetry import search_symmetric
from oscc.compiler.route.routing import is_valid_route
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


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
    assert is_valid_route(start) == found
    if placed is not None:
        assert placed.transform == "identity"
        assert is_valid_route(placed)
