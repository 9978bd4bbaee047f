from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from oscc.base.findings import Finding, FindingError, is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph, diagnose_placed, verify_placed
from oscc.compiler.place.placer import identity_placement
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


@pytest.fixture
def placed(make_graph: MakeGraph, tiny_core: CoreSpec) -> PlacedGraph:
    placed = identity_placement(make_graph(tiny_core, chunks=1), tiny_core)
    assert placed is not None
    return placed


def _only(placed: PlacedGraph) -> Finding:
    findings = list(diagnose_placed(placed))
    assert len(findings) == 1, findings
    assert not is_empty(diagnose_placed(placed))
    with pytest.raises(FindingError, match=findings[0].code):
        verify_placed(placed)
    return findings[0]


def test_node_map_is_the_inverse_of_the_cells(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[5, 7], defects={"cells": [[2, 3]]})
    placed = identity_placement(make_graph(core), core)
    assert placed is not None
    table = placed.node_map()
    assert table.shape == (5, 7)
    assert table[2, 3] == -1
    for node, (row, col) in enumerate(placed.cell.tolist()):
        assert table[row, col] == node


def test_displacement_is_source_minus_destination(placed: PlacedGraph) -> None:
    cells = placed.cell.tolist()
    for edge in (0, 7, placed.graph.couplings - 1):
        source, destination = cells[placed.graph.src[edge]], cells[placed.graph.dst[edge]]
        expected = [source[0] - destination[0], source[1] - destination[1]]
        assert placed.displacement()[edge].tolist() == expected


def test_cells_of_the_wrong_shape_or_type(placed: PlacedGraph) -> None:
    assert is_empty(diagnose_placed(placed))
    verify_placed(placed)
    finding = _only(dataclasses.replace(placed, cell=placed.cell[:-1]))
    assert (finding.code, finding.message) == ("L003", "cell: int32 [63, 2], expected int32 [64, 2]")
    finding = _only(dataclasses.replace(placed, cell=placed.cell.astype(np.int64)))
    assert (finding.code, finding.message) == ("L003", "cell: int64 [64, 2], expected int32 [64, 2]")
