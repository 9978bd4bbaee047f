"""The routing report: verdict, degrees, displacements, slots and wires, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding
from oscc.compiler.diagnosis.causes import Cause
from oscc.compiler.diagnosis.finding_text import finding_lines
from oscc.compiler.findings.of_placers import NOT_ANNEALED
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route
from oscc.compiler.route.routing import routed_graph, unit_index

SCHEMA = "oscc.routing/1"
"""Content of key ``schema`` of the report."""


def routing_report(placed: PlacedGraph, causes: Sequence[Cause], findings: Iterable[Finding] = ()) -> dict[str, Any]:
    """Return what is to be said about a placement, as JSON; the same for the same placement and findings.

    Parameters
    ----------
    placed : PlacedGraph
        Routed or not; what cannot be routed has no slot and no wire.
    causes : sequence of Cause
        What the checks of the placement had to say.
    findings : iterable of Finding
        All that they stand for; they are counted cell by cell.

    Returns
    -------
    dict
        ``schema``; ``verdict``, "fits" or "does not fit"; ``model``, ``core``, ``transform``, ``nodes``, ``couplings``;
        ``degree``: ``maximum``, ``limit`` (offsets of the stencil) and ``histogram``, rows [couplings into a node,
        nodes]; ``displacements``, rows [drow, dcol, slot or null, couplings]; ``slots``: ``available``, ``used`` and
        ``by_slot``, rows [drow, dcol, units used]; ``boundaries``: ``capacity``, ``peak`` and, for ``across_columns``
        and ``across_rows``, ``peak``, ``mean``, ``at`` (the two cells of the first busiest boundary, or null) and
        ``demand`` (wires, row by row); ``wires``: ``count``, ``longest`` and ``total`` (boundaries crossed),
        ``lengths``, rows [boundaries, wires], and ``rounds`` of negotiation; ``cells``: ``grid`` (rows and columns)
        and, row by row, ``node`` (the lowest that sits there, -1 where there is none), ``degree`` (couplings into it,
        -1), ``units`` (coupling units used) and ``findings`` that name the cell; ``defects``: ``cells`` [row, col],
        ``slots`` [row, col, slot] and ``gain`` [row, col, gain]; ``findings``, which are the causes.
    """
    graph, core = placed.graph, placed.core
    route = routed_graph(placed).route
    found = [cause.as_dict() for cause in causes]
    across = {
        "across_columns": _boundaries(route.demand_across_columns, (0, 1)),
        "across_rows": _boundaries(route.demand_across_rows, (1, 0)),
    }
    degree, nodes = np.unique(graph.in_degree(), return_counts=True)
    made = route.slot >= 0
    units = np.unique(unit_index(route.unit_cell[made], route.slot[made], core))
    by_slot = np.bincount(units % core.slots, minlength=core.slots)
    return {
        "schema": SCHEMA,
        "verdict": "does not fit" if found else "fits",
        "model": graph.name,
        "core": core.name,
        "transform": placed.transform,
        "nodes": graph.nodes,
        "couplings": graph.couplings,
        "degree": {
            "maximum": int(degree.max(initial=0)),
            "limit": len(core.model_stencil),
            "histogram": np.column_stack([degree, nodes]).tolist(),
        },
        "displacements": _displacements(placed),
        "slots": {
            "available": core.cells * core.slots,
            "used": len(units),
            "by_slot": [
                [drow, dcol, int(count)]
                for (drow, dcol), count in zip(core.unit_stencil.offsets, by_slot.tolist(), strict=True)
            ],
        },
        "boundaries": {
            "capacity": core.tracks_per_boundary,
            "peak": max(direction["peak"] for direction in across.values()),
            **across,
        },
        "wires": _wires(route),
        "cells": {**_cells(placed, units), "findings": _findings_at(findings, core.grid)},
        "defects": {
            "cells": sorted(map(list, core.defects.cells)),
            "slots": sorted(map(list, core.defects.slots)),
            "gain": sorted(map(list, core.defects.gain)),
        },
        "findings": found,
    }


def _cells(placed: PlacedGraph, units: NDArray[np.int64]) -> dict[str, Any]:
    """Return what each cell holds; ``units`` are those used, as `unit_index` numbers them."""
    core, cell = placed.core, placed.cell
    inside = np.flatnonzero(np.all((cell >= 0) & (cell < core.grid), axis=1))[::-1]
    node = np.full(core.grid, -1, dtype=np.int32)
    # Backwards, so that the lowest of several nodes on a cell is the one that stays.
    node[cell[inside, 0], cell[inside, 1]] = inside
    degree = np.where(node >= 0, placed.graph.in_degree()[node], -1)
    used = np.bincount(units // core.slots, minlength=core.cells).reshape(core.grid)
    return {"grid": list(core.grid), "node": node.tolist(), "degree": degree.tolist(), "units": used.tolist()}


def _findings_at(findings: Iterable[Finding], grid: tuple[int, int]) -> list[list[int]]:
    """Return findings at each cell of the grid."""
    rows, cols = grid
    at = [[0] * cols for _ in range(rows)]
    for finding in findings:
        for row, col in finding_cells(finding):
            if 0 <= row < rows and 0 <= col < cols:
                at[row][col] += 1
    return at


def finding_cells(finding: Finding) -> list[tuple[int, int]]:
    """Return the cells that a witness names: ``cell``, both ``cells`` of a boundary, or a ``destination``.

    Parameters
    ----------
    finding : Finding
    """
    witness = finding.witness
    if finding.kind is NOT_ANNEALED:
        # Its cells are those of all nodes.
        return []
    for name in ("cell", "destination"):
        if name in witness:
            return [_pair(witness[name])]
    return [_pair(cell) for cell in witness["cells"]] if isinstance(witness.get("cells"), list | tuple) else []


def _pair(cell: Sequence[int]) -> tuple[int, int]:
    row, col = cell
    return int(row), int(col)


def _wires(route: Route) -> dict[str, Any]:
    lengths = route.wires.lengths()
    length, count = np.unique(lengths, return_counts=True)
    return {
        "count": int(lengths.size),
        "longest": int(lengths.max(initial=0)),
        "total": int(lengths.sum()),
        "lengths": np.column_stack([length, count]).tolist(),
        "rounds": route.rounds,
    }


def _boundaries(demand: NDArray[np.int32], step: tuple[int, int]) -> dict[str, Any]:
    if demand.size == 0:
        return {"peak": 0, "mean": 0.0, "at": None, "demand": demand.tolist()}
    row, col = divmod(int(np.argmax(demand)), demand.shape[1])
    return {
        "peak": int(demand[row, col]),
        "mean": round(float(demand.mean()), 3),
        "at": [[row, col], [row + step[0], col + step[1]]],
        "demand": demand.tolist(),
    }


def _displacements(placed: PlacedGraph) -> list[list[Any]]:
    offset = placed.displacement().astype(np.int64)
    # One number per displacement sorts much faster than rows of two, and in the same order.
    keys, counts = np.unique((offset[:, 0] << 32) + offset[:, 1] + 2**31, return_counts=True)
    offsets = np.column_stack([keys >> 32, (keys & (2**32 - 1)) - 2**31])
    slots = placed.core.model_stencil.slots_of(offsets[:, 0], offsets[:, 1])
    return [
        [drow, dcol, slot if slot >= 0 else None, count]
        for (drow, dcol), slot, count in zip(offsets.tolist(), slots.tolist(), counts.tolist(), strict=True)
    ]


def routing_table(report: dict[str, Any]) -> str:
    """Return a routing report as plain text, for reading.

    Parameters
    ----------
    report : dict
        As `routing_report` returns it.
    """
    boundaries, slots = report["boundaries"], report["slots"]
    lines = [
        f"Routing of {report['model']} on {report['core']}: {report['verdict']}",
        "",
        *_table(
            [
                ["placement", report["transform"]],
                ["nodes", str(report["nodes"])],
                ["couplings", str(report["couplings"])],
                ["most couplings into a node", str(report["degree"]["maximum"])],
                ["coupling units used", f"{slots['used']} of {slots['available']}"],
                ["most wires between columns", _busiest(boundaries["across_columns"], boundaries["capacity"])],
                ["most wires between rows", _busiest(boundaries["across_rows"], boundaries["capacity"])],
                ["wires", _wires_text(report["wires"])],
            ],
            "<<",
        ),
        "",
        "Nodes by the couplings into them",
        *_table(
            [["couplings", "nodes"], *([str(part) for part in row] for row in report["degree"]["histogram"])], ">>"
        ),
        "",
        "Couplings by displacement, source - destination; * is outside the stencil",
        *_displacement_table(report["displacements"]),
        "",
        f"Findings: {len(report['findings']) or 'none'}",
    ]
    lines += [f"  {line}" for line in finding_lines([Cause.of_dict(found) for found in report["findings"]])]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _wires_text(wires: dict[str, Any]) -> str:
    ways = f"after {wires['rounds']} rounds of negotiation" if wires["rounds"] else "all straight"
    return f"{wires['count']}, over {wires['longest']} boundaries at most and {wires['total']} in all, {ways}"


def _busiest(direction: dict[str, Any], capacity: int) -> str:
    if direction["at"] is None:
        return "no such boundary"
    (row, col), (other_row, other_col) = direction["at"]
    return f"{direction['peak']} of {capacity} tracks, first at ({row}, {col}) | ({other_row}, {other_col})"


def _table(rows: list[list[str]], align: str) -> list[str]:
    """Return rows of cells as indented lines; ``align`` holds "<" or ">" for each column."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(align))]
    return [
        "  " + "  ".join(f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths, strict=True))
        for row in rows
    ]


def _displacement_table(displacements: list[list[Any]]) -> list[str]:
    """Return a line per drow and a column per dcol that occurs."""
    count_at = {(drow, dcol): f"{count}{'*' if slot is None else ' '}" for drow, dcol, slot, count in displacements}
    if not count_at:
        return ["  none"]
    drows, dcols = sorted({drow for drow, _ in count_at}), sorted({dcol for _, dcol in count_at})
    header = ["drow \\ dcol", *(f"{dcol} " for dcol in dcols)]
    body = [[str(drow), *(count_at.get((drow, dcol), ". ") for dcol in dcols)] for drow in drows]
    return _table([header, *body], ">" * len(header))
