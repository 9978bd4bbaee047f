"""Results as HTML for notebooks: tables, maps of the grid, sheets of images. Everything is in the text itself."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from oscc.compiler.output.compilation import Compilation
from oscc.core.spec import CoreSpec

if TYPE_CHECKING:
    from oscc.models.training.training_result import TrainingResult
    from oscc.sim.cosimulation import Cosimulation
    from oscc.sim.solve import SolveRun
    from oscc.sim.verify.checks import Verdict

MOST_IMAGES = 64
"""Of a sheet; of more, the first are shown."""

COLUMNS = 8

MAPS = ("degree", "boundaries", "findings")
"""Maps of a report that a notebook shows."""

WIDTH = "max-width:420px"

STATUS_COLOURS = {"PASS": "#1a7f37", "FAIL": "#b42318", "SKIPPED": "#8a6100"}


def compilation_html(compilation: Compilation) -> str:
    """Return the verdict on a model, its figures, findings and warnings, and maps of the grid.

    Parameters
    ----------
    compilation : Compilation
    """
    from oscc.report.maps import grid_maps
    from oscc.report.report_sources import report_of_result

    reports = compilation.reports()
    data = report_of_result(
        compilation.result,
        compilation.receipt(),
        what_if=reports.get("whatif"),
        witnesses=reports.get("witnesses"),
    )
    rows = [("verdict", data.verdict), ("nodes", f"{data.nodes:,}"), ("couplings", f"{data.couplings:,}")]
    rows += [(each.name, f"{each.used:,} of {each.available:,} {each.unit}") for each in data.resources]
    if data.samples_per_second is not None:
        rows.append(("samples per second", f"{data.samples_per_second:,.0f}"))
    parts = [_table(f"{data.model} on {data.core}", rows)]
    if causes := compilation.result.causes:
        parts.append(_table("findings", [(cause.code, f"{cause.message}. {cause.fix}") for cause in causes]))
    if warnings := compilation.result.warnings:
        parts.append(_table("warnings", [(each.code, f"{each.message}. {each.advice}") for each in warnings]))
    shown = (each for each in grid_maps(data) if each.name in MAPS)
    figures = Markup("").join(
        Markup('<figure style="flex:1 1 300px;margin:8px;{}"><figcaption>{}. {}</figcaption>{}</figure>').format(
            Markup(WIDTH), each.title, each.caption, each.picture
        )
        for each in shown
    )
    maps = Markup('<div style="display:flex;flex-wrap:wrap">{}</div>').format(figures)
    return _page(*parts, maps)


def samples_html(title: str, images: NDArray[np.float32]) -> str:
    """Return a sheet of images.

    Parameters
    ----------
    title : str
    images : float32[n, rows, cols]
        Pixels within -1 and 1.
    """
    count, rows, cols = images.shape
    shown = f"{count:,} images of {rows} x {cols} pixels"
    shown += f", the first {MOST_IMAGES} of them" if count > MOST_IMAGES else ""
    return _page(_heading(f"{title}: {shown}"), _picture(images[:MOST_IMAGES], title))


def cosimulation_html(found: Cosimulation) -> str:
    """Return what an engine delivered, beside the reference.

    Parameters
    ----------
    found : Cosimulation
    """
    difference = found.pixel_difference
    compared = "no PyTorch to compare with" if difference is None else f"{difference:.4f} on average"
    rows = [
        ("images", f"{found.job.samples}, seed {found.job.seed}, from sample {found.job.first_sample}"),
        ("clock cycles", f"{found.record.cycles:,}"),
        ("pixels differ from PyTorch", compared),
    ]
    title = f"{found.job.program.name} on {found.job.core.name}, engine {found.record.engine}"
    pictures = [_picture(found.images[:COLUMNS], found.record.engine)]
    if found.reference is not None:
        pictures.append(_picture(found.reference[:COLUMNS], "PyTorch"))
    return _page(_table(title, rows), *pictures)


def verdict_html(verdict: Verdict) -> str:
    """Return the checks of a verification as a table.

    Parameters
    ----------
    verdict : Verdict
    """
    cells = [
        Markup('<tr><td style="color:{};font-weight:bold">{}</td>{}</tr>').format(
            STATUS_COLOURS[line.status.value],
            line.status.value,
            _cells((line.subject, line.name, line.measured, line.limit, line.detail)),
        )
        for line in verdict.lines
    ]
    head = Markup("").join(
        Markup('<th style="text-align:left">{}</th>').format(name)
        for name in ("status", "subject", "check", "measured", "limit", "detail")
    )
    said = "passed" if verdict.passed else f"failed: {', '.join(verdict.red())}"
    return _page(
        _heading(said if verdict.complete else f"{said}; some checks were skipped"),
        Markup("<table><tr>{}</tr>{}</table>").format(head, Markup("").join(cells)),
    )


def solved_html(run: SolveRun) -> str:
    """Return what the solutions of a problem are worth.

    Parameters
    ----------
    run : SolveRun
    """
    content = run.to_dict()
    values = content["values"]
    rows = [
        (f"best {run.quantity}", f"{values['best']:.12g}, sample {content['best_sample']}"),
        ("mean", f"{values['mean']:g} +- {values['spread']:.3g}"),
        ("quartiles", ", ".join(f"{value:.12g}" for value in values["quartiles"])),
        ("reached best", f"{values['times_best']} of {content['samples']}"),
    ]
    return _page(_table(f"{run.file}: {run.problem.spins} variables", rows))


def emitted_html(core: CoreSpec, files: Mapping[str, str]) -> str:
    """Return a list of files.

    Parameters
    ----------
    core : CoreSpec
    files : mapping of str to str
    """
    rows = [(name, f"{len(text.encode()):,} bytes") for name, text in sorted(files.items())]
    return _page(_table(core.name, rows))


def trained_html(training: TrainingResult) -> str:
    """Return how far a training came.

    Parameters
    ----------
    training : TrainingResult
    """
    graph = training.graph
    rows = [
        ("model", f"{graph.nodes:,} nodes, {graph.couplings:,} couplings, {graph.chunks} chunks"),
        ("iterations", f"{training.iterations:,}, {training.seconds:.0f} s in all"),
        *((name, f"{value:g}") for name, value in training.losses.items()),
    ]
    return _page(_table(f"{training.config.name}: {graph.family} on {training.config.data.name}", rows))


def mapping_html(title: str, content: Mapping[str, Any]) -> str:
    """Return a record as a table, what is within it left to itself.

    Parameters
    ----------
    title : str
    content : mapping
    """
    rows = [(name, f"{value:.6g}" if isinstance(value, float) else str(value)) for name, value in content.items()]
    return _page(_table(title, rows))


def _page(*parts: str) -> str:
    return str(Markup('<div class="oscc">{}{}</div>').format(_style(), Markup("").join(parts)))


def _style() -> Markup:
    """Return the colours of maps; a notebook has no style sheet of a report."""
    from oscc.report.scales import LIGHT

    rules = [f".oscc .k{step}{{fill:{colour}}}" for step, colour in enumerate(LIGHT)]
    rules += [f".oscc .s{step}{{stroke:{colour}}}" for step, colour in enumerate(LIGHT)]
    rules += [
        ".oscc .none{fill:#d9d9d9}",
        ".oscc .ground{fill:#fff}",
        ".oscc .mesh{stroke:#fff;stroke-width:.7;fill:none}",
        ".oscc .stroke{stroke-width:2;fill:none}",
        ".oscc .outline{fill:none;stroke:#777}",
        ".oscc .cursor{display:none}",
        ".oscc svg.map text{font-size:var(--text);text-anchor:middle;fill:#777}",
        ".oscc svg.map text.e{text-anchor:end}",
    ]
    return Markup(f"<style>{''.join(rules)}</style>")


def _heading(text: str) -> Markup:
    return Markup("<p><b>{}</b></p>").format(text)


def _cells(row: Iterable[str]) -> Markup:
    return Markup("").join(Markup('<td style="text-align:left">{}</td>').format(cell) for cell in row)


def _table(title: str, rows: Sequence[tuple[str, str]]) -> Markup:
    lines = Markup("").join(Markup("<tr>{}</tr>").format(_cells(row)) for row in rows)
    return _heading(title) + Markup("<table>{}</table>").format(lines)


def _picture(images: NDArray[Any], alt: str) -> Markup:
    from oscc.report.pictures import sheet_bytes

    data = b64encode(sheet_bytes(images, COLUMNS)).decode("ascii")
    return Markup('<img alt="{}" src="data:image/png;base64,{}">').format(escape(alt), data)
