"""The charts of a report: histograms of displacements, slots, wires, codes and solutions."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from oscc.report.report_data import ReportData, Solve
from oscc.report.svg_charts import bar_chart, distances, matrix, merge_bars, value_text


@dataclass(frozen=True, eq=False)
class Chart:
    """A chart with everything that stands around it; ``name`` is its place in the page's addresses."""

    name: str
    title: str
    caption: str
    picture: Markup


def distribution_charts(data: ReportData) -> list[Chart]:
    """Return displacements, slots, degrees and lengths of wires.

    Parameters
    ----------
    data : ReportData
    """
    routing = data.routing
    if routing is None:
        return []
    charts = []
    if routing.displacements:
        far = [entry for entry in routing.displacements if entry[2] is None]
        shown = [(drow, dcol, count, slot is None) for drow, dcol, slot, count in routing.displacements]
        charts.append(
            Chart(
                "displacements",
                "Displacements of the couplings",
                "Couplings by (rows, columns) from the destination, in the middle, to the source."
                + (f" {sum(entry[3] for entry in far):,} are outside the stencil." if far else ""),
                matrix(shown, label="couplings by displacement"),
            )
        )
        charts.append(
            Chart(
                "distances",
                "Distance between coupled nodes",
                "The larger of rows and columns between them.",
                bar_chart(
                    merge_bars(distances(routing.displacements)),
                    across="distance [cells]",
                    up="couplings",
                    label="histogram of the distance between coupled nodes",
                ),
            )
        )
    if routing.slots.by_slot:
        slots = routing.slots
        charts.append(
            Chart(
                "slots",
                "Slot occupancy",
                f"Coupling units in use by the offset of their slot; {slots.used:,} of {slots.available:,} in all.",
                matrix(
                    [(drow, dcol, used, False) for drow, dcol, used in slots.by_slot],
                    label="coupling units in use by slot",
                    most=routing.cells.grid[0] * routing.cells.grid[1],
                    unit="units",
                ),
            )
        )
    charts.append(
        Chart(
            "degrees",
            "Couplings into the nodes",
            f"Nodes by the couplings into them, of {routing.degree.limit} that the stencil allows.",
            bar_chart(
                merge_bars(routing.degree.histogram) if routing.degree.histogram else [("0", 0)],
                across="couplings into a node",
                up="nodes",
                label="histogram of the couplings into nodes",
            ),
        )
    )
    if routing.wires.lengths:
        charts.append(
            Chart(
                "wires",
                "Lengths of the wires",
                f"{routing.wires.count:,} wires; the longest crosses {_boundaries(routing.wires.longest)}.",
                bar_chart(
                    merge_bars(routing.wires.lengths),
                    across="boundaries crossed",
                    up="wires",
                    label="histogram of the lengths of wires",
                ),
            )
        )
    return charts


def _boundaries(count: int) -> str:
    return "1 boundary" if count == 1 else f"{count} boundaries"


def code_charts(data: ReportData) -> list[Chart]:
    """Return the histogram of the codes of each group.

    Parameters
    ----------
    data : ReportData
    """
    groups = {} if data.quantization is None else data.quantization.groups
    return [
        Chart(
            f"codes-{name}",
            f"Codes of group {name}",
            "",
            bar_chart(
                merge_bars(group.histogram),
                across="code",
                up="values",
                label=f"histogram of the codes of group {name}",
            ),
        )
        for name, group in groups.items()
        if group.histogram
    ]


def solve_chart(data: ReportData) -> Markup:
    """Return the distribution of the values of all samples; empty where nothing was solved.

    Parameters
    ----------
    data : ReportData
    """
    solve: Solve | None = data.solve
    if solve is None:
        return Markup("")
    edges = solve.values.histogram.edges
    bars = [
        (f"{value_text(low)} to {value_text(high)}", count)
        for low, high, count in zip(edges, edges[1:], solve.values.histogram.counts, strict=False)
    ]
    return bar_chart(
        bars, across=solve.quantity, up="samples", label=f"histogram of the {solve.quantity} of all samples"
    )
