"""The maps and distributions of a report as PNG, for slides; the same data gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oscc.report.pictures import new_figure, routing_picture, save_figure, show_map
from oscc.report.report_data import Counts, ReportData, Routing, Solve
from oscc.report.scales import LIGHT
from oscc.report.svg_charts import distances

BAR = LIGHT[3]


def write_slides(data: ReportData, folder: Path) -> list[str]:
    """Write the pictures of a report: degree.png, boundaries.png, distributions.png, defects.png, solutions.png.

    Parameters
    ----------
    data : ReportData
        What it lacks has no picture.
    folder : Path

    Returns
    -------
    list of str
        Names of the files.
    """
    names = []
    if data.routing is not None:
        routing = data.routing
        _degree(routing, f"{data.model} on {data.core}: {data.verdict}", folder / "degree.png")
        rows, cols = routing.cells.grid
        columns = np.array(routing.boundaries.across_columns.demand, dtype=np.int64).reshape(rows, cols - 1)
        across = np.array(routing.boundaries.across_rows.demand, dtype=np.int64).reshape(rows - 1, cols)
        routing_picture(columns, across, routing.boundaries.capacity, folder / "boundaries.png")
        _distributions(routing, folder / "distributions.png")
        names += ["degree.png", "boundaries.png", "distributions.png"]
        if routing.defects.cells or routing.defects.slots:
            _defects(routing, folder / "defects.png")
            names.append("defects.png")
    if data.solve is not None:
        _solutions(data.solve, folder / "solutions.png")
        names.append("solutions.png")
    return names


def _degree(routing: Routing, title: str, path: Path) -> None:
    figure = new_figure(6.0, 5.4)
    degree = np.ma.masked_less(np.array(routing.cells.degree), 0)
    axes = figure.subplots()
    show_map(
        figure, axes, degree, f"{title}\ncouplings into each node", cmap="Blues", vmin=0, vmax=routing.degree.limit
    )
    axes.set_xlabel("column", fontsize=8)
    axes.set_ylabel("row", fontsize=8)
    save_figure(figure, path)


def _defects(routing: Routing, path: Path) -> None:
    figure = new_figure(6.0, 5.4)
    axes = figure.subplots()
    taken = np.array(routing.cells.node) >= 0
    axes.imshow(taken, cmap="Blues", vmin=0, vmax=3, interpolation="nearest")
    for cells, marker, label in (
        (routing.defects.cells, "x", "dead cell"),
        ([slot[:2] for slot in routing.defects.slots], ".", "dead slots"),
    ):
        if cells:
            at: NDArray[np.int64] = np.array(cells)
            axes.scatter(at[:, 1], at[:, 0], marker=marker, color="black", s=22, label=f"{label}: {len(cells)}")
    axes.legend(fontsize=8, loc="upper right")
    axes.set_title("defects; cells with a node are tinted", fontsize=9)
    axes.set_xlabel("column", fontsize=8)
    axes.set_ylabel("row", fontsize=8)
    save_figure(figure, path)


def _distributions(routing: Routing, path: Path) -> None:
    figure = new_figure(9.6, 3.2)
    shown: Sequence[tuple[str, str, str, Counts]] = (
        ("couplings into a node", "couplings", "nodes", routing.degree.histogram),
        ("distance between coupled nodes", "cells", "couplings", tuple(distances(routing.displacements))),
        ("lengths of the wires", "boundaries crossed", "wires", routing.wires.lengths),
    )
    for axes, (title, across, up, counts) in zip(figure.subplots(1, 3), shown, strict=True):
        axes.bar([value for value, _ in counts], [count for _, count in counts], color=BAR)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel(across, fontsize=8)
        axes.set_ylabel(up, fontsize=8)
        axes.tick_params(labelsize=7)
    save_figure(figure, path)


def _solutions(solve: Solve, path: Path) -> None:
    figure = new_figure(6.0, 3.4)
    axes = figure.subplots()
    histogram = solve.values.histogram
    edges = np.array(histogram.edges)
    axes.bar(edges[:-1], histogram.counts, width=np.diff(edges), align="edge", color=BAR, edgecolor="white")
    axes.axvline(solve.values.best, color=LIGHT[-1], label=f"best {solve.values.best:g}")
    axes.legend(fontsize=8)
    axes.set_title(f"{solve.problem}: {solve.samples} samples, simulated", fontsize=9)
    axes.set_xlabel(solve.quantity, fontsize=8)
    axes.set_ylabel("samples", fontsize=8)
    axes.tick_params(labelsize=7)
    save_figure(figure, path)
