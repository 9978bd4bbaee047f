"""`oscc report`: pictures of what the compiler found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table
from oscc.cli.output import FolderArgument, write_file


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("report")(report_verb)


def report_verb(
    folder: FolderArgument,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PNG", help="Picture to write; DIR/routing.png by default.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the wire demand of every cell boundary as a heat map; the figures behind it are in DIR/reports/.

    Where `oscc synth` was run into DIR, its figures are listed too.
    """
    from oscc.cli.synth import SYNTHESIS_FOLDER
    from oscc.compiler.output_folder import read_output_folder
    from oscc.compiler.recompile import recompile
    from oscc.rtl.synthesis.result_files import read_results, result_rows
    from oscc.sim.pictures import routing_picture

    placed = recompile(read_output_folder(folder)).placed
    assert placed is not None
    assert placed.route is not None
    across_columns, across_rows = placed.route.demand_across_columns, placed.route.demand_across_rows
    capacity = placed.core.tracks_per_boundary
    target = output if output is not None else folder / "routing.png"
    write_file(target, lambda path: routing_picture(across_columns, across_rows, capacity, path))
    peak = max(int(across_columns.max(initial=0)), int(across_rows.max(initial=0)))
    results = read_results(folder / SYNTHESIS_FOLDER)
    if as_json:
        synthesis = {"synthesis": results} if results else {}
        print_json({"picture": str(target), "peak_demand": peak, "capacity": capacity, **synthesis})
    else:
        rows = [("peak demand", f"{peak} of {capacity} tracks per boundary"), ("picture", str(target))]
        print_table(f"{placed.graph.name} on {placed.core.name}", rows)
        for name, result in results.items():
            print_table(f"synthesis for {name}", result_rows(result))
