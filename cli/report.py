"""`oscc report`: what the compiler found, as a page, as JSON and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.code_lines import print_warnings
from oscc.cli.common import JsonOption, counted, print_json, print_table, refuse_ignored
from oscc.cli.output import FolderArgument
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.base.progress import Report
    from oscc.report.report_data import ReportData


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("report")(report_verb)


def report_verb(
    context: typer.Context,
    folder: FolderArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="HTML", help="Write the page alone, to this file.")
    ] = None,
    without_samples: Annotated[
        bool, typer.Option("--no-samples", help="Leave out the images, which are simulated for the page.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the report of a compilation into DIR/report: a page that opens from disk, report.json, and pictures.

    Of a model that does not fit, too: its findings come first then. With --json, report.json is printed and nothing is
    written. Where `oscc synth` was run into DIR, its figures are listed.
    """
    from oscc.base.output_folder import check_file_beside
    from oscc.cli.synth import SYNTHESIS_FOLDER
    from oscc.report.report_data import report_json
    from oscc.report.report_sources import report_of_folder
    from oscc.rtl.synthesis.result_files import read_results, result_rows

    if as_json:
        ignored = {"output": "-o", "without_samples": "--no-samples"}
        refuse_ignored(context, ignored, "--json prints report.json and writes nothing")
    if output is not None:
        check_file_beside(output)
    with progress_bar("reading the compilation") as progress:
        data = report_of_folder(folder)
        results = read_results(folder / SYNTHESIS_FOLDER)
        written = [] if as_json else _write(folder, output, data, without_samples, progress)
    if as_json:
        import json

        print_json({**json.loads(report_json(data)), **({"synthesis": results} if results else {})})
        return
    warned = f", with {counted(len(data.warnings), 'warning')}" if data.warnings else ""
    print_table(f"{data.model} on {data.core}: {data.verdict}{warned}", [*_rows(data), *written])
    print_warnings(data.warnings)
    for name, result in results.items():
        print_table(f"synthesis for {name}", result_rows(result))


def _write(
    folder: Path, output: Path | None, data: ReportData, without_samples: bool, progress: Report
) -> list[tuple[str, str]]:
    """Write the page alone, or all of the report; returns what was written, as rows of a table."""
    from oscc.core.program_folder import read_program_of
    from oscc.report.report_folder import samples_of, write_page, write_report

    samples = None
    if not without_samples:
        samples = samples_of(data, None if data.program is None else read_program_of(folder), progress)
    if output is not None:
        return [("page", str(write_page(output, data, samples, progress).page))]
    written = write_report(folder, data, samples, progress)
    return [("page", str(written.page)), ("pictures", ", ".join(written.pictures) or "none")]


def _rows(data: ReportData) -> list[tuple[str, str]]:
    """Return the few figures that are worth a line on the terminal."""
    rows = []
    if data.routing is not None:
        boundaries = data.routing.boundaries
        rows.append(("peak demand", f"{boundaries.peak} of {boundaries.capacity} tracks per boundary"))
        longest, total = data.routing.wires.longest, data.routing.wires.total
        rows.append(("wires", f"{data.routing.wires.count}, the longest {longest}, all {total} boundaries"))
    if data.findings.total:
        counts = ", ".join(f"{each.count} of {each.code}" for each in data.findings.by_code)
        rows.append(("findings", counts))
    if data.solve is not None:
        rows.append((f"best {data.solve.quantity}", f"{data.solve.values.best:g}"))
    return rows
