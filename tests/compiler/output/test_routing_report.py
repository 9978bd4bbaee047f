from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.findings import Finding
from oscc.compiler.diagnosis.causes import Cause, as_cause, find_causes
from oscc.compiler.findings.of_placers import NO_SYMMETRIC_PLACEMENT
from oscc.compiler.findings.of_routes import DEAD_CELL
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.output.routing_report import finding_cells, routing_report, routing_table
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]

NOT_FOUND = Finding(NO_SYMMETRIC_PLACEMENT, ("no placement found among 8",), ("use another core",), {"placements": 8})


def _routed(graph: CouplingGraph, core: CoreSpec) -> RoutedGraph:
    return RoutePass().run(PlacePass(core).run(graph))


def test_report_of_the_example(example_path: Path) -> None:
    report = routing_report(_routed(read_checkpoint(example_path), load_core("ais-56x56")), [])
    assert report["schema"] == "oscc.routing/1"
    assert (report["verdict"], report["transform"]) == ("fits", "identity")
    assert (report["nodes"], report["couplings"]) == (3136, 71940)
    assert report["degree"]["maximum"] == 24
    # A cell d steps from two borders (counted up to 2) sees (3 + d)(3 + d') - 1 others.
    near = Counter(min(at, 55 - at, 2) for at in range(56))
    degrees: Counter[int] = Counter()
    for row, rows in near.items():
        for col, cols in near.items():
            degrees[(3 + row) * (3 + col) - 1] += rows * cols
    assert report["degree"]["histogram"] == [list(pair) for pair in sorted(degrees.items())]
    offsets = load_core("ais-56x56").model_stencil.offsets
    expected = [[dr, dc, slot, (56 - abs(dr)) * (56 - abs(dc))] for slot, (dr, dc) in enumerate(offsets)]
    assert report["displacements"] == expected
    assert report["slots"]["used"] == 71940
    assert report["slots"]["available"] == 24 * 3136
    assert report["slots"]["by_slot"] == [[dr, dc, count] for dr, dc, _, count in expected]
    assert report["boundaries"]["capacity"] == report["boundaries"]["peak"] == 30
    assert report["findings"] == []


def test_boundaries_hold_the_demand_and_its_first_peak(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[6, 5])
    placed = _routed(make_graph(core, density=0.6), core)
    report = routing_report(placed, [])
    for name, demand, step in (
        ("across_columns", placed.route.demand_across_columns, (0, 1)),
        ("across_rows", placed.route.demand_across_rows, (1, 0)),
    ):
        direction = report["boundaries"][name]
        table = demand.tolist()
        flat = [wires for line in table for wires in line]
        assert direction["demand"] == table
        assert direction["peak"] == max(flat)
        assert direction["mean"] == pytest.approx(sum(flat) / len(flat), abs=5e-4)
        (row, col), other = direction["at"]
        assert table[row][col] == max(flat)
        assert flat.index(max(flat)) == row * len(table[0]) + col
        assert other == [row + step[0], col + step[1]]
    peaks = [report["boundaries"][name]["peak"] for name in ("across_columns", "across_rows")]
    assert report["boundaries"]["peak"] == max(peaks)


def test_reciprocal_units_are_counted_once(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(couplings="reciprocal")
    report = routing_report(_routed(make_graph(core), core), [])
    assert report["slots"]["used"] == report["couplings"] // 2
    assert report["slots"]["available"] == 64 * 12
    assert len(report["slots"]["by_slot"]) == 12
    assert sum(used for _, _, used in report["slots"]["by_slot"]) == report["slots"]["used"]
    assert len(report["displacements"]) == 24


def test_report_of_what_does_not_fit(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(stencil="king")
    placed = identity_placement(make_graph(make_core()), core)
    assert placed is not None
    findings = [*diagnose_route(routed_graph(placed)), NOT_FOUND]
    causes = find_causes(findings, placed.graph, placed)
    report = routing_report(placed, causes, findings)
    assert report["verdict"] == "does not fit"
    assert report["findings"] == [cause.as_dict() for cause in causes]
    assert [Cause.of_dict(found) for found in report["findings"]] == list(causes)
    named = [cell for finding in findings for cell in finding_cells(finding)]
    assert sum(map(sum, report["cells"]["findings"])) == len(named)
    assert report["cells"]["findings"][3][4] == named.count((3, 4)) > 0
    counts = Counter(map(tuple, placed.displacement().tolist()))
    for drow, dcol, slot, couplings in report["displacements"]:
        assert couplings == counts[drow, dcol]
        assert (slot is None) is (max(abs(drow), abs(dcol)) > 1)
    inside = sum(count for (drow, dcol), count in counts.items() if max(abs(drow), abs(dcol)) == 1)
    assert report["slots"]["used"] == inside


def test_report_is_json_and_deterministic(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    texts = {
        json.dumps(routing_report(_routed(make_graph(tiny_core), tiny_core), [as_cause(NOT_FOUND)]), allow_nan=False)
        for _ in range(2)
    }
    assert len(texts) == 1


def test_displacements_beyond_16_bits_stay_apart(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core, density=0.0)
    position = graph.position.copy()  # type: ignore[union-attr]
    position[0], position[1], position[2] = (0, 0), (32767, 0), (0, 32767)
    far = dataclasses.replace(
        graph,
        position=position,
        src=np.array([1, 2, 0, 0], dtype=np.int32),
        dst=np.array([0, 0, 1, 2], dtype=np.int32),
        weight=np.ones((4, 4), dtype=np.float32),
    )
    placed = identity_placement(far, tiny_core)
    assert placed is not None
    assert routing_report(placed, [])["displacements"] == [
        [-32767, 0, None, 1],
        [0, -32767, None, 1],
        [0, 32767, None, 1],
        [32767, 0, None, 1],
    ]


@pytest.mark.parametrize("grid", [[1, 8], [80, 1]])
def test_grid_without_boundaries_in_one_direction(make_graph: MakeGraph, make_core: MakeCore, grid: list[int]) -> None:
    core = make_core(grid=grid)
    report = routing_report(_routed(make_graph(core), core), [])
    empty = "across_rows" if grid[0] == 1 else "across_columns"
    assert report["boundaries"][empty]["at"] is None
    assert report["boundaries"]["peak"] > 0
    assert "no such boundary" in routing_table(report)


def test_wires_and_their_lengths(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[6, 5], tracks_per_boundary=11)
    placed = _routed(make_graph(core, density=0.4), core)
    wires = routing_report(placed, [])["wires"]
    straight = Counter(abs(drow) + abs(dcol) for drow, dcol in placed.displacement().tolist())
    assert wires["rounds"] > 0
    assert wires["count"] == sum(straight.values()) == sum(count for _, count in wires["lengths"])
    assert wires["total"] == sum(length * count for length, count in wires["lengths"])
    # Ways around cost steps, two for each side that they go around.
    extra = wires["total"] - sum(length * count for length, count in straight.items())
    assert extra >= 0
    assert extra % 2 == 0
    assert wires["longest"] == max(length for length, _ in wires["lengths"])


def test_table_of_a_full_king_core(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[4, 3], stencil="king")
    assert routing_table(routing_report(_routed(make_graph(core), core), [])) == (
        "Routing of synthetic-tiny-8x8 on tiny-8x8: fits\n"
        "\n"
        "  placement                   identity\n"
        "  nodes                       12\n"
        "  couplings                   58\n"
        "  most couplings into a node  8\n"
        "  coupling units used         58 of 96\n"
        "  most wires between columns  6 of 6 tracks, first at (1, 0) | (1, 1)\n"
        "  most wires between rows     6 of 6 tracks, first at (0, 1) | (1, 1)\n"
        "  wires                       58, over 2 boundaries at most and 82 in all, all straight\n"
        "\n"
        "Nodes by the couplings into them\n"
        "  couplings  nodes\n"
        "          3      4\n"
        "          5      6\n"
        "          8      2\n"
        "\n"
        "Couplings by displacement, source - destination; * is outside the stencil\n"
        "  drow \\ dcol  -1   0   1\n"
        "           -1   6   9   6\n"
        "            0   8   .   8\n"
        "            1   6   9   6\n"
        "\n"
        "Findings: none\n"
    )


def test_table_names_every_finding_and_marks_what_is_no_proof(make_graph: MakeGraph, make_core: MakeCore) -> None:
    placed = identity_placement(make_graph(make_core()), make_core(stencil=[[0, 1]]))
    assert placed is not None
    findings = [Finding(DEAD_CELL, ("node 1 sits on a dead cell",), ("use another core",)), NOT_FOUND]
    text = routing_table(routing_report(placed, list(map(as_cause, findings))))
    assert text.startswith("Routing of synthetic-tiny-8x8 on tiny-8x8: does not fit\n")
    assert text.endswith(
        "Findings: 2\n"
        "  R004: node 1 sits on a dead cell\n"
        "      use another core\n"
        "  L002 (not a proof): no placement found among 8\n"
        "      use another core\n"
    )
    assert "            0  48*  56*   .   56   48*\n" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_table_of_a_model_without_couplings(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    text = routing_table(routing_report(_routed(make_graph(tiny_core, density=0.0), tiny_core), []))
    assert "* is outside the stencil\n  none\n" in text
    assert "most couplings into a node  0\n" in text


def test_cells_hold_node_degree_and_units(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[6, 5], defects={"cells": [[5, 0], [2, 3]], "slots": [[1, 1, 4], [0, 2, 20]]})
    graph = make_graph(core, density=0.5)
    report = routing_report(_routed(graph, core), [])
    assert graph.position is not None
    place = {tuple(cell): node for node, cell in enumerate(graph.position.tolist())}
    into = Counter(graph.dst.tolist())
    assert report["cells"]["grid"] == [6, 5]
    for row in range(6):
        for col in range(5):
            node = place.get((row, col), -1)
            assert report["cells"]["node"][row][col] == node
            assert report["cells"]["degree"][row][col] == (into[node] if node >= 0 else -1)
            assert report["cells"]["units"][row][col] == into.get(node, 0)
    assert report["defects"] == {"cells": [[2, 3], [5, 0]], "slots": [[0, 2, 20], [1, 1, 4]], "gain": []}


def test_a_shared_unit_counts_at_the_cell_that_holds_it(make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(couplings="reciprocal", grid=[3, 3], stencil="king")
    units = routing_report(_routed(make_graph(core), core), [])["cells"]["units"]
    # Slots are (0, 1), (1, -1), (1, 0), (1, 1): the last column lacks two, the first one, the last row all but one.
    assert units == [[3, 4, 2], [3, 4, 2], [1, 1, 0]]


def test_nodes_outside_the_grid_and_on_one_cell(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph, core = make_graph(make_core(grid=[2, 3])), make_core(grid=[2, 2])
    placed = identity_placement(graph, core)
    assert placed is not None
    assert routing_report(placed, [])["cells"]["node"] == [[0, 1], [3, 4]]
    shared = dataclasses.replace(placed, cell=np.zeros_like(placed.cell))
    assert routing_report(shared, [])["cells"]["node"] == [[0, -1], [-1, -1]]
