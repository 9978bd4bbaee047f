"""The plot of a yield study: dies by their dead cells, and how many of them take the model."""

from __future__ import annotations

from pathlib import Path

from oscc.compiler.feasibility.yield_study import YieldStudy
from oscc.report.pictures import new_figure, save_figure
from oscc.report.scales import LIGHT


def yield_plot(study: YieldStudy, path: Path) -> None:
    """Write the plot in the format of its suffix, the same bytes for the same study.

    Parameters
    ----------
    study : YieldStudy
    path : Path
    """
    rows = study.by_defects()
    dead = [row[0] for row in rows]
    figure = new_figure(6.4, 3.6)
    axes = figure.subplots()
    axes.bar(dead, [row[1] for row in rows], color=LIGHT[1], label="dies")
    axes.bar(dead, [row[2] for row in rows], color=LIGHT[4], label="take the model")
    low, high = study.interval()
    share = 100 * study.good / len(study.dies)
    axes.set_title(
        f"{study.model} on {study.core}: {share:.1f} % of {len(study.dies)} dies "
        f"({100 * low:.1f} to {100 * high:.1f} %), simulated",
        fontsize=9,
    )
    axes.set_xlabel(f"dead cells (rate {study.cell_rate:g}; slots {study.slot_rate:g})", fontsize=8)
    axes.set_ylabel("dies", fontsize=8)
    axes.tick_params(labelsize=7)
    axes.legend(fontsize=8)
    save_figure(figure, path)
