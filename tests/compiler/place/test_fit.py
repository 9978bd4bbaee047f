from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.findings import Finding, FindingError, is_empty, raise_first
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.fit import diagnose_fit, diagnose_model, diagnose_sizes
from oscc.compiler.place.placer import identity_placement
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]

WHOLE_TURN = math.pi / math.sqrt(3.0)


def _placed(graph: CouplingGraph, core: CoreSpec) -> PlacedGraph:
    placed = identity_placement(graph, core)
    assert placed is not None
    return placed


def _only(placed: PlacedGraph) -> Finding:
    findings = list(diagnose_fit(placed))
    assert len(findings) == 1, findings
    assert not is_empty(diagnose_fit(placed))
    with pytest.raises(FindingError, match=findings[0].code):
        raise_first(diagnose_fit(placed))
    assert findings[0].proof
    return findings[0]


@pytest.mark.parametrize("family", ["kurashil", "kuramoto"])
def test_model_that_fits(make_graph: MakeGraph, tiny_core: CoreSpec, family: str) -> None:
    placed = _placed(make_graph(tiny_core, family=family), tiny_core)
    assert list(diagnose_fit(placed)) == []
    assert is_empty(diagnose_fit(placed))
    raise_first(diagnose_fit(placed))


def _readable(core: CoreSpec, row: int, col: int) -> bool:
    rows = range(core.readout.origin[0], core.rows, core.readout.step[0])
    cols = range(core.readout.origin[1], core.cols, core.readout.step[1])
    return row in rows and col in cols


@pytest.mark.parametrize(("origin", "step"), [((0, 0), (1, 1)), ((1, 0), (3, 2)), ((7, 7), (2, 2))])
def test_readout_nodes_sit_on_readable_cells(
    make_graph: MakeGraph, make_core: MakeCore, origin: tuple[int, int], step: tuple[int, int]
) -> None:
    core = make_core(readout={"origin": origin, "step": step})
    graph = make_graph(core, density=0.1)
    for node in range(graph.nodes):
        one = dataclasses.replace(graph, readout=np.array([node], dtype=np.int32), image_shape=(1, 1))
        row, col = divmod(node, core.cols)
        assert is_empty(diagnose_fit(_placed(one, core))) is _readable(core, row, col)


def test_unreadable_pixel_is_named(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core)
    readout = graph.readout.copy()
    readout[3] = 9
    finding = _only(_placed(dataclasses.replace(graph, readout=readout), tiny_core))
    assert finding.code == "F001"
    assert finding.message == (
        "pixel 3 is node 9 at (1, 1), which cannot be read; readable are rows 0, 2, ... and columns 0, 2, ..."
    )
    assert finding.witness == {"pixel": 3, "node": 9, "cell": [1, 1], "origin": [0, 0], "step": [2, 2]}


def test_every_unreadable_pixel_is_named(make_graph: MakeGraph, make_core: MakeCore) -> None:
    every = make_core(readout={"step": [1, 1]})
    placed = _placed(make_graph(every), make_core())
    findings = list(diagnose_fit(placed))
    assert [finding.code for finding in findings] == ["F001"] * (64 - 16) + ["L007"]
    assert len({finding.witness["pixel"] for finding in findings[:-1]}) == 64 - 16


@pytest.mark.parametrize(
    ("changes", "cause", "words"),
    [
        ({"readout": {"step": [1, 2]}}, "readout", "64 nodes that are read out; the core has 32 cells that can be"),
        ({"defects": {"cells": [[0, 0], [0, 0], [3, 1]]}}, "defects", "64 nodes; the core has 62 cells that are not"),
        ({"grid": [8, 9], "defects": {"cells": [[0, col] for col in range(9)]}}, "defects", "has 63 cells that are"),
    ],
)
def test_too_few_cells(
    make_graph: MakeGraph, make_core: MakeCore, changes: dict[str, Any], cause: str, words: str
) -> None:
    graph = make_graph(make_core(readout={"step": [1, 1]}), positions=False)
    found = {finding.witness["cause"]: finding for finding in diagnose_sizes(graph, make_core(**changes))}
    assert found[cause].code == "L007"
    assert words in found[cause].message
    # More nodes than cells are more pixels than cells, too: it is said once.
    small = make_core(grid=[7, 7], readout={"step": [1, 1]})
    assert [finding.code for finding in diagnose_sizes(graph, small)] == ["F005"]


@pytest.mark.parametrize(
    ("core_init", "model", "fits"),
    [
        ({"kind": "normal", "std_rad": 1.0}, InitialPhases("normal", 0.0, 1.0), True),
        ({"kind": "normal", "std_rad": 1.0}, InitialPhases("normal", 0.0, 1.0 + 9e-7), True),
        ({"kind": "normal", "std_rad": 1.0}, InitialPhases("normal", 0.0, 1.0 + 2e-6), False),
        ({"kind": "normal", "std_rad": 0.5}, InitialPhases("normal", 0.0, 1.0), False),
        ({"kind": "normal", "std_rad": 1.0}, InitialPhases("normal", 2e-6, 1.0), False),
        ({"kind": "normal", "mean_rad": 1.5}, InitialPhases("normal", 1.5, 1.0), True),
        ({"kind": "normal", "mean_rad": 1.5}, InitialPhases("normal", 0.0, 1.0), False),
        ({"kind": "normal", "mean_rad": 1.5}, InitialPhases("normal", 1.5, 0.5), False),
        ({"kind": "normal", "std_rad": WHOLE_TURN}, InitialPhases("uniform", 0.0, WHOLE_TURN), False),
        ({"kind": "uniform"}, InitialPhases("uniform", 0.0, WHOLE_TURN), True),
        ({"kind": "uniform"}, InitialPhases("uniform", 1.25, WHOLE_TURN), True),
        ({"kind": "uniform"}, InitialPhases("uniform", 0.0, 1.0), False),
        ({"kind": "uniform", "std_rad": 1.0}, InitialPhases("normal", 0.0, 1.0), False),
    ],
)
def test_initial_distribution(
    make_graph: MakeGraph, make_core: MakeCore, core_init: dict[str, Any], model: InitialPhases, fits: bool
) -> None:
    core = make_core(init=core_init)
    placed = _placed(dataclasses.replace(make_graph(core), init=model), core)
    if fits:
        assert is_empty(diagnose_fit(placed))
    else:
        assert _only(placed).code == "F002"


def test_initial_distribution_names_both(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = dataclasses.replace(make_graph(tiny_core), init=InitialPhases("uniform", 0.0, 0.25))
    finding = _only(_placed(graph, tiny_core))
    assert finding.message == (
        "the model starts from phases uniform with mean 0 and standard deviation 0.25 rad; "
        "the core offers normal with mean 0 and standard deviation 1 rad"
    )


def test_too_many_chunks(make_graph: MakeGraph, make_core: MakeCore) -> None:
    finding = _only(_placed(make_graph(make_core(), chunks=4), make_core(chunks=3)))
    assert (finding.code, finding.message) == ("F003", "the model has 4 chunks; the core holds 3")
    assert is_empty(diagnose_fit(_placed(make_graph(make_core(), chunks=3), make_core(chunks=3))))


@pytest.mark.parametrize("family", ["poly_ising", "tanh_ising"])
def test_family_without_hardware(make_graph: MakeGraph, tiny_core: CoreSpec, family: str) -> None:
    finding = _only(_placed(make_graph(tiny_core, family=family), tiny_core))
    assert finding.code == "F004"
    assert finding.message == f"the model is of family {family}; DAC codes and RTL exist only for kurashil and kuramoto"
    assert finding.fix == "train a model of family kurashil or kuramoto"


def test_too_many_nodes(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(), positions=False)
    findings = list(diagnose_model(graph, make_core(grid=[7, 9])))
    assert [finding.code for finding in findings] == ["F005"]
    assert findings[0].message == "the model has 64 nodes; the core has 63 cells (7 x 9)"
    assert list(diagnose_model(graph, make_core(grid=[16, 4]))) == []


def test_every_reason_is_given(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(), family="tanh_ising", chunks=4)
    core = make_core(grid=[7, 8], chunks=2, init={"kind": "uniform"})
    assert [finding.code for finding in diagnose_model(graph, core)] == ["F004", "F005", "F003", "F002"]
