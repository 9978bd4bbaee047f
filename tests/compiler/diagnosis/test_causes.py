from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.findings import FindingKind
from oscc.compiler.diagnosis.causes import ORDER, Cause, as_cause, find_causes, total_findings
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

UNPROVEN_X001 = FindingKind("X001", "made up", "nowhere", (dict,), proof=False, unchecked="made up")

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def causes_of(graph: CouplingGraph, core: CoreSpec, cells: dict[int, tuple[int, int]] | None = None) -> list[Cause]:
    """The causes of a model at its own positions, some of them changed; all findings are counted once."""
    assert graph.position is not None
    position = graph.position.copy()
    for node, cell in (cells or {}).items():
        position[node] = cell
    placed = PlacedGraph(graph, core, position, "identity")
    findings = [*diagnose_route(routed_graph(placed)), *diagnose_fit(placed)]
    causes = find_causes(findings, graph, placed)
    totals: Counter[str] = sum((cause.totals() for cause in causes), Counter())
    assert totals == Counter(finding.code for finding in findings)
    assert total_findings(causes) == len(findings)
    return list(causes)


@pytest.fixture
def core(make_core: MakeCore) -> CoreSpec:
    return make_core(readout={"step": [1, 1]})


def test_one_finding_is_its_own_cause(core: CoreSpec, make_graph: MakeGraph) -> None:
    (cause,) = causes_of(make_graph(core, chunks=2), core.changed(chunks=1))
    assert (cause.code, cause.count, cause.consequences, cause.examples) == ("F003", 1, {}, ())
    assert cause.message == "the model has 2 chunks; the core holds 1"


def test_a_wider_stencil_is_one_cause(core: CoreSpec, make_graph: MakeGraph) -> None:
    king = core.changed(stencil="king", tracks_per_boundary=30)
    (cause,) = causes_of(make_graph(core), king)
    assert cause.message == (
        "stencil: the model has offsets of box-2, the core has king: 672 of 1092 couplings have 16 offsets that it "
        "lacks"
    )
    # 8 x 8 cells: those at the corners have 8 couplings into them at most.
    assert (cause.code, cause.count, cause.consequences) == ("R001", 672, {"R003": 60})
    assert sum(count for *_, count in cause.witness["listed"]) == 672
    assert (len(cause.examples), cause.examples[0].code) == (20, "R001")


def test_few_longer_couplings_are_not_called_a_stencil(core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(core, chunks=1, density=0.5)
    more = np.array([0, 9, 18, 27], np.int32), np.array([24, 33, 42, 51], np.int32)
    src, dst = (np.concatenate([own, new]) for own, new in zip((graph.src, graph.dst), more, strict=True))
    weight = np.concatenate([graph.weight, np.ones((1, 4), np.float32)], axis=1)
    (cause,) = causes_of(dataclasses.replace(graph, src=src, dst=dst, weight=weight), core)
    assert cause.message.startswith("stencil: 4 of ")
    assert cause.message.endswith(" couplings have 1 offset that the core lacks (box-2), the longest [-3, 0]")
    assert cause.fix.startswith("use a core with stencil: diamond-4")


def test_a_node_away_from_its_neighbours_is_named(core: CoreSpec, make_graph: MakeGraph) -> None:
    (cause,) = causes_of(make_graph(core), core, {0: (7, 7), 63: (0, 0)})
    assert cause.message.startswith("node 0 at (7, 7) and node 63 at (0, 0) lie away from the nodes that they are")
    assert cause.witness["nodes"] == [0, 63]
    assert cause.fix.startswith("give them positions near these")


def test_what_a_node_off_the_grid_leads_to(core: CoreSpec, make_graph: MakeGraph) -> None:
    half = core.changed(readout={"origin": [0, 0], "step": [2, 2], "taps": 8, "subphases": 4})
    graph = make_graph(half)
    (cause,) = causes_of(graph, half, {18: (99, 1)})
    assert (cause.code, cause.count) == ("R009", 1)
    # Node 18 is a pixel in the middle: 24 couplings into it, as many out of it, and (99, 1) cannot be read.
    assert cause.consequences == {"R001": 48, "F001": 1}


def test_pixels_that_a_shift_would_read_follow_from_a_node_off_the_grid(core: CoreSpec, make_graph: MakeGraph) -> None:
    half = core.changed(grid=[9, 9], readout={"origin": [0, 0], "step": [2, 2], "taps": 8, "subphases": 4})
    graph = make_graph(core)
    assert graph.position is not None
    # Pixels are the cells of even rows and columns; the whole model is moved by one column, and node 18 away.
    even = np.flatnonzero(np.all(graph.position % 2 == 0, axis=1)).astype(np.int32)
    position = graph.position + np.array([0, 1], np.int32)
    graph = dataclasses.replace(graph, readout=even, image_shape=(1, even.size), position=position)
    (cause,) = causes_of(graph, half, {18: (99, 1)})
    assert (cause.code, cause.count) == ("R009", 1)
    assert cause.consequences["F001"] == even.size
    # With a pixel among odd columns no shift reads all: that is another cause.
    odd = dataclasses.replace(graph, readout=np.append(even, np.int32(1)), image_shape=(1, even.size + 1))
    causes = causes_of(odd, half, {18: (99, 1)})
    assert [cause.code for cause in causes] == ["R009", "F001"]
    assert causes[0].consequences["F001"] == 1


def test_too_many_nodes_come_first(core: CoreSpec, make_graph: MakeGraph) -> None:
    causes = causes_of(make_graph(core, chunks=4), core.changed(grid=[6, 6], chunks=2, stencil="king"))
    assert [cause.code for cause in causes] == ["F005", "F003", "R001"]
    assert causes[0].consequences == {"R009": 64 - 36}
    codes = [code for codes in ORDER for code in codes]
    assert len(codes) == len(set(codes))


def test_several_nodes_on_a_cell(core: CoreSpec, make_graph: MakeGraph) -> None:
    causes = causes_of(make_graph(core), core, {1: (0, 0), 9: (0, 0)})
    assert (causes[0].code, causes[0].count) == ("R007", 1)
    assert causes[0].consequences["R002"] > 0
    # Nodes 0, 1 and 9 are all coupled with each other: six couplings have no length.
    assert causes[0].consequences["R001"] == 6


def test_defects(core: CoreSpec, make_graph: MakeGraph) -> None:
    dead = core.changed(defects={"cells": [[1, 1], [2, 5]], "slots": [[4, 4, slot] for slot in range(24)]})
    graph = make_graph(core)
    causes = causes_of(graph, dead)
    assert [(cause.code, cause.count) for cause in causes] == [("L007", 1), ("R005", 24)]
    assert causes[0].witness["cause"] == "defects"
    assert causes[0].consequences == {"R004": 2}
    assert causes[1].message == "24 of 1092 couplings need defective slots, of which the core has 24"


def test_pixels_on_cells_that_cannot_be_read(core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(core)
    few = dataclasses.replace(graph, readout=graph.readout[:8].copy(), image_shape=(1, 8))
    half = core.changed(readout={"origin": [1, 0], "step": [1, 1], "taps": 8, "subphases": 4})
    (cause,) = causes_of(few, half)
    assert (
        cause.message
        == "8 of 8 pixels are on cells that cannot be read; readable are rows 1, 2, ... and columns 0, 1, ..."
    )


def test_pairs_without_an_opposite_and_unequal_ones_are_two_causes(make_core: MakeCore, make_graph: MakeGraph) -> None:
    both = make_core(couplings="reciprocal", readout={"step": [1, 1]})
    graph = make_graph(both)
    weight = graph.weight.copy()
    weight[:, :40] += 0.5
    kept = np.ones(graph.couplings, bool)
    kept[-7:] = False
    uneven = dataclasses.replace(graph, src=graph.src[kept], dst=graph.dst[kept], weight=weight[:, kept])
    causes = causes_of(uneven, both)
    assert [cause.code for cause in causes] == ["R006", "R006"]
    assert {cause.witness["kind"] for cause in causes} == {"one direction", "unequal"}


def test_boundaries_and_the_cut_that_proves_it(core: CoreSpec, make_graph: MakeGraph) -> None:
    (cause,) = causes_of(make_graph(core), core.changed(tracks_per_boundary=8))
    assert (cause.code, cause.proof) == ("R010", True)
    assert cause.consequences["R008"] > 10
    assert cause.examples == ()


def test_a_tau_that_is_too_short_for_several_things(core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(core)
    found = list(diagnose_time_scale(graph, core, ScaleOptions(tau_s=3e-7)))
    assert len(found) > 1
    (cause,) = find_causes(found, graph, None)
    assert cause.code == "S004"
    assert cause.fix.endswith("or let them saturate:" + "".join(f" --clip {each.witness['group']}" for each in found))
    short = list(diagnose_time_scale(graph, core, ScaleOptions(tau_s=1e-8)))
    (cause,) = find_causes(short, graph, None)
    assert {*cause.consequences, cause.code} == {"S002", "S004", "S003"} - ({"S003"} - set(cause.consequences))
    assert "saturate" not in cause.fix, "a run that is too short stays too short"


def test_several_of_a_code_without_a_placement(core: CoreSpec, make_graph: MakeGraph) -> None:
    found = [UNPROVEN_X001.finding(f"item {item}", "remove it", {}) for item in range(3)]
    causes = find_causes(found, make_graph(core), None)
    assert [cause.message for cause in causes] == ["item 0", "item 1", "item 2"]


def test_json_and_back(core: CoreSpec, make_graph: MakeGraph) -> None:
    (cause,) = causes_of(make_graph(core), core.changed(stencil="king", tracks_per_boundary=30))
    content: dict[str, Any] = json.loads(json.dumps(cause.as_dict()))
    assert Cause.of_dict(content) == cause
    assert len(json.dumps(content)) < 10_000
    old = {key: content[key] for key in ("code", "message", "fix", "witness", "proof")}
    assert Cause.of_dict(old).count == 1
    assert as_cause(cause) is cause


def test_a_finding_of_another_version_is_read() -> None:
    content = {"code": "Z999", "message": "old", "fix": "mend it", "witness": {}, "proof": False}
    cause = Cause.of_dict(content)
    assert (cause.code, cause.proof, cause.message) == ("Z999", False, "old")
    assert Cause.of_dict(content) == cause
    other = Cause.of_dict({**content, "code": "R001"})
    assert (other.code, other.proof) == ("R001", False), "what the file says stands"


def test_a_cause_and_its_examples_are_named(core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(core)
    (cause,) = causes_of(graph, core, {0: (7, 7), 63: (0, 0)})
    found = cause.named([f"n{node}" for node in range(graph.nodes)])
    assert found.message.startswith("node n0 at (7, 7) and node n63 at (0, 0) lie away from the nodes that they are")
    assert found.nodes == {"0": "n0", "63": "n63"}
    first = cause.examples[0].witness
    ends = f" (from node n{first['src']} into node n{first['dst']})"
    assert found.examples[0].message == cause.examples[0].message + ends
    assert cause.named(()) == cause
