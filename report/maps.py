"""The maps of a report: what each shows, its classes and its legend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from oscc.report.report_data import ReportData, Routing, Rows
from oscc.report.scales import Classes, classify
from oscc.report.svg_maps import boundary_map, cell_map, crosses, dots, style_class

Legend = list[tuple[str, str, int]]


@dataclass(frozen=True, eq=False)
class GridMap:
    """A map of the grid with everything that stands around it.

    Parameters
    ----------
    name : str
        In the page's addresses and its script.
    title, caption : str
    picture : Markup
        SVG.
    legend : list of (str, str, int)
        Style, what it means, how many.
    unit : str
        What the legend counts.
    """

    name: str
    title: str
    caption: str
    picture: Markup
    legend: Legend
    unit: str


def grid_maps(data: ReportData) -> list[GridMap]:
    """Return the maps of a report: degree, boundaries, defects where there are any, findings where any names a cell.

    Parameters
    ----------
    data : ReportData
    """
    routing = data.routing
    if routing is None:
        return []
    maps = [_degree_map(routing), _boundary_map(routing)]
    if routing.defects.cells or routing.defects.slots or routing.defects.gain:
        maps.append(_defect_map(routing))
    at = routing.cells.findings
    if at is not None and any(map(any, at)):
        maps.append(_finding_map(at))
    return maps


def degree_classes(routing: Routing) -> Classes:
    """Return classes of the couplings into the nodes, int8[rows, cols]."""
    return classify(np.array(routing.cells.degree), routing.degree.limit, "couplings", "no node")


def boundary_classes(routing: Routing) -> tuple[Classes, Classes]:
    """Return classes of the wires over boundaries: of columns int8[rows, cols - 1], of rows int8[rows - 1, cols]."""
    rows, cols = routing.cells.grid
    boundaries = routing.boundaries
    columns = _grid_array(boundaries.across_columns.demand, (rows, cols - 1))
    across = _grid_array(boundaries.across_rows.demand, (rows - 1, cols))
    capacity = boundaries.capacity
    return classify(columns, capacity, "tracks"), classify(across, capacity, "tracks")


def _degree_map(routing: Routing) -> GridMap:
    classes = degree_classes(routing)
    return GridMap(
        "degree",
        "Couplings into each node",
        f"The stencil allows {routing.degree.limit}; the most is {routing.degree.maximum}.",
        cell_map(classes, name="degree", label="map of the couplings into each node"),
        [(style_class(step), text, count) for step, text, count in classes.counted()],
        "cells",
    )


def _boundary_map(routing: Routing) -> GridMap:
    columns, rows = boundary_classes(routing)
    counts = {(step, text): count for step, text, count in columns.counted()}
    for step, text, count in rows.counted():
        counts[step, text] = counts.get((step, text), 0) + count
    return GridMap(
        "boundaries",
        "Wires over each boundary between cells",
        f"{routing.boundaries.capacity} tracks each; the busiest has {routing.boundaries.peak} wires.",
        boundary_map(columns, rows, routing.cells.grid, name="boundaries", label="map of the wires over each boundary"),
        [(style_class(step), text, count) for (step, text), count in sorted(counts.items())],
        "boundaries",
    )


def _defect_map(routing: Routing) -> GridMap:
    rows, cols = routing.cells.grid
    dead = np.array(routing.defects.cells, dtype=np.int64).reshape(-1, 2)
    gains = np.array(sorted({(row, col) for row, col, _ in routing.defects.gain}), dtype=np.int64).reshape(-1, 2)
    slots = np.array(sorted({(row, col) for row, col, _ in routing.defects.slots}), dtype=np.int64).reshape(-1, 2)
    taken = np.where(np.array(routing.cells.node) >= 0, 2, 0).astype(np.int8)
    classes = Classes(taken, ((0, "no node"), (2, "node")))
    marks = crosses(dead, "dead") + dots(slots, "dead-slot") + dots(gains, "gain")
    legend = [(style_class(step), text, count) for step, text, count in classes.counted()]
    legend += [("dead", "dead cell", len(dead)), ("dead-slot", "dead slots", len(slots))]
    legend += [("gain", "another gain", len(gains))] if len(gains) else []
    return GridMap(
        "defects",
        "Defects",
        f"{len(dead):,} dead cells and {len(routing.defects.slots):,} dead slots of {rows * cols:,} cells."
        + (f" {len(routing.defects.gain):,} cells of another gain." if routing.defects.gain else ""),
        cell_map(classes, name="defects", label="map of defects", marks=marks),
        legend,
        "cells",
    )


def _finding_map(at: Rows) -> GridMap:
    counts = np.array(at)
    classes = classify(counts, int(counts.max()), "findings")
    return GridMap(
        "findings",
        "Where the findings are",
        "Findings that name a cell, counted at each; click one to list the examples that name it.",
        cell_map(classes, name="findings", label="map of the findings at each cell"),
        [(style_class(step), text, count) for step, text, count in classes.counted()],
        "cells",
    )


def _grid_array(rows: Rows, shape: tuple[int, int]) -> NDArray[np.int64]:
    # A grid of one row or column has no boundaries of one kind, and then not even rows to count.
    return np.array(rows, dtype=np.int64).reshape(shape)
