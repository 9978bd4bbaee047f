from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.cell_rules import CellRules, excess_of
from oscc.compiler.place.problem import PlacementProblem
from oscc.core.spec import CoreSpec
from oscc.core.stencil import listed_stencil, named_stencil

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def rules_of(graph: CouplingGraph, core: CoreSpec) -> CellRules:
    return CellRules.of(graph, core, PlacementProblem.of(graph, core))


@pytest.mark.parametrize(
    "stencil", [named_stencil("box-2"), named_stencil("diamond-3"), listed_stencil([[0, 1], [2, -1]])]
)
def test_excess_is_the_way_to_the_nearest_offset(stencil):
    excess = excess_of(stencil, (5, 7))
    assert excess.shape == (9, 13)
    for drow, dcol in product(range(-4, 5), range(-6, 7)):
        nearest = min(max(abs(drow - row), abs(dcol - col)) for row, col in stencil.offsets)
        assert excess[drow + 4, dcol + 6] == nearest
    assert excess[4, 6] > 0


def test_usable_cells_leave_out_the_dead_and_for_pixels_the_unreadable(make_graph: MakeGraph, make_core: MakeCore):
    core = make_core(defects={"cells": [[0, 0], [3, 5]]}, readout={"origin": [0, 1], "step": [2, 2]})
    rules = rules_of(make_graph(make_core()), core)
    for row, col in product(range(core.rows), range(core.cols)):
        alive = (row, col) not in {(0, 0), (3, 5)}
        assert rules.usable[0, row, col] == alive
        assert rules.usable[1, row, col] == (alive and row % 2 == 0 and col % 2 == 1)


def test_which_nodes_are_read_out_and_which_way_couplings_go(make_graph: MakeGraph, make_core: MakeCore):
    core = make_core(grid=[3, 4])
    graph = make_graph(core, density=0.4, seed=5)
    rules, (first, neighbour) = rules_of(graph, core), PlacementProblem.of(graph, core).adjacency
    pairs = set(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    for node in range(graph.nodes):
        assert rules.read[node] == (node in graph.readout.tolist())
        for place in range(first[node], first[node + 1]):
            other = int(neighbour[place])
            assert rules.receives[place] == ((other, node) in pairs)
            assert rules.sends[place] == ((node, other) in pairs)


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_a_coupling_is_lost_where_its_unit_is_dead(make_graph: MakeGraph, make_core: MakeCore, couplings: str):
    slots = [[2, 2, 0], [2, 3, 3], [4, 4, 2]]
    core = make_core(grid=[5, 5], stencil="king", couplings=couplings, defects={"slots": slots})
    rules = rules_of(make_graph(make_core(grid=[5, 5])), core)
    # Slots of the King's stencil in order; a reciprocal unit has the latter half of them, and serves both directions.
    offsets = [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
    wanted = set()
    for row, col, slot in core.defects.slots:
        drow, dcol = offsets[slot] if couplings == "directed" else offsets[4 + slot]
        if 0 <= row + drow < 5 and 0 <= col + dcol < 5:
            wanted.add((row, col, drow, dcol))
            if couplings == "reciprocal":
                wanted.add((row + drow, col + dcol, -drow, -dcol))
    found = {(row, col, drow - 1, dcol - 1) for row, col, drow, dcol in np.argwhere(rules.lost).tolist()}
    assert found == wanted
    assert len(found) == (2 if couplings == "directed" else 4)


def test_arrays_cannot_be_changed(make_graph: MakeGraph, make_core: MakeCore):
    rules = rules_of(make_graph(make_core()), make_core())
    with pytest.raises(ValueError, match="read-only"):
        rules.excess[0] = 0
    assert isinstance(rules.lost, np.ndarray)
