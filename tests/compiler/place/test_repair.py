from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.compile import check_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.repair import repair
from oscc.compiler.place.search import Search
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
ModelOf = Callable[..., CouplingGraph]


def torus_on(core: CoreSpec, model_of: ModelOf, rows: int, cols: int) -> PlacedGraph:
    """A torus, placed: four couplings for each node, where a cell has 24, leave room to move."""
    graph = model_of(nx.grid_2d_graph(rows, cols, periodic=True))
    cell = anneal(graph, core).cell
    assert cell is not None
    return PlacedGraph(graph, core, cell, "identity")


def test_nodes_leave_dead_cells_and_dead_units(open_core: MakeCore, model_of: ModelOf) -> None:
    core = open_core(8, 8)
    whole = torus_on(core, model_of, 6, 9)
    cells, used = whole.cell[[3, 17]], whole.cell[whole.graph.dst[5]].tolist()
    away = (whole.cell[whole.graph.src[5]] - whole.cell[whole.graph.dst[5]]).tolist()
    slot = core.unit_stencil.offsets.index((away[0], away[1]))
    die = core.changed(defects={"cells": cells.tolist(), "slots": [[*used, slot]]})
    found = repair(routed_graph(PlacedGraph(whole.graph, die, whole.cell, "identity")), Search(1))
    assert found.findings == ()
    assert found.placed is not None
    placed = found.placed
    assert [*diagnose_route(placed)] == []
    assert not {tuple(cell) for cell in cells.tolist()} & {tuple(cell) for cell in placed.cell.tolist()}
    moved = int(np.any(placed.cell != whole.cell, axis=1).sum())
    assert 2 <= moved < whole.graph.nodes
    assert placed.transform == f"identity, {moved} nodes moved"
    again = repair(routed_graph(PlacedGraph(whole.graph, die, whole.cell, "identity")), Search(1)).placed
    assert again is not None
    assert np.array_equal(again.cell, placed.cell)


def test_other_faults_and_full_cores_are_left_alone(
    open_core: MakeCore, model_of: ModelOf, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    whole = torus_on(open_core(8, 8), model_of, 6, 9)
    king = open_core(8, 8, stencil="king", defects={"cells": [[4, 4]]})
    found = repair(routed_graph(PlacedGraph(whole.graph, king, whole.cell, "identity")))
    assert (found.placed, found.findings) == (None, ())
    full = make_graph(make_core(), chunks=1)
    assert full.position is not None
    found = repair(routed_graph(PlacedGraph(full, make_core(defects={"cells": [[4, 4]]}), full.position, "identity")))
    assert (found.placed, found.findings) == (None, ())


def test_what_cannot_move_says_so(open_core: MakeCore, make_graph: MakeGraph) -> None:
    # All 24 couplings of every node: a row that is free is no help to a hole in the middle.
    graph = make_graph(open_core(8, 8), chunks=1)
    assert graph.position is not None
    die = open_core(9, 8, defects={"cells": [[4, 4]]})
    found = repair(routed_graph(PlacedGraph(graph, die, graph.position, "identity")), Search.within(20.0))
    assert found.placed is None
    (finding,) = found.findings
    assert (finding.code, finding.proof) == ("L014", False)
    assert finding.witness["cost"] > 0
    stopped = repair(routed_graph(PlacedGraph(graph, die, graph.position, "identity")), Search.within(0.0)).findings
    assert "ended by time" in stopped[0].message


@pytest.mark.parametrize(("placer", "fits"), [("auto", True), ("repair", True), ("symmetry", False)])
def test_a_die_is_gone_around(placer: str, fits: bool, open_core: MakeCore, model_of: ModelOf, tmp_path: Path) -> None:
    core = open_core(8, 8, cycles_per_sample=100_000)
    whole = torus_on(core, model_of, 6, 9)
    graph = dataclasses.replace(whole.graph, position=whole.cell)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    die = core.changed(defects={"cells": whole.cell[[3, 17, 30, 44]].tolist()})
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), die, placing=PlaceOptions(placer))
    assert result.feasible is fits
    if not fits:
        assert {finding.code for finding in result.findings} == {"R004", "L002"}
