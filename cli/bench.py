"""`oscc bench`: the stand-alone test bench after its schedule was edited."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_findings, print_json, print_table, samples_option
from oscc.cli.output import FolderArgument
from oscc.cli.progress import progress_bar


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("bench")(bench_verb)


def bench_verb(
    folder: FolderArgument,
    schedule: Annotated[
        Path | None,
        typer.Option(
            "--schedule",
            metavar="FILE",
            help="Put this schedule into the bench; in place of the edited one there.",
            show_default=False,
        ),
    ] = None,
    samples: Annotated[int | None, samples_option("Samples of the bench; as before if left out.", most=1000)] = None,
    as_json: JsonOption = False,
) -> None:
    """Make what the stand-alone bench expects anew, after its schedule was edited.

    Runs DIR/rtl/tb/schedule.hex on the behavioural array, and rewrites codes.hex and settings.hex beside it (phases.hex
    with -n). A schedule that cannot run is refused with its line. oscc emit puts the compiled one back.
    """
    from oscc.core.program_folder import read_program_of
    from oscc.sim.bench_renewal import BenchChanges, renew_bench

    core, program = read_program_of(folder)
    with progress_bar("reading the schedule") as progress:
        found = renew_bench(folder, core, program, BenchChanges(schedule, samples), progress)
    if as_json:
        print_json(
            {
                "core": core.name,
                "schedule": [str(instruction) for instruction in found.instructions],
                "samples": found.samples,
                "seed": found.seed,
                "written": list(found.written),
                "findings": [finding.as_dict() for finding in found.findings],
            }
        )
        return
    rows = [
        ("core", core.name),
        ("schedule", "; ".join(map(str, found.instructions))),
        ("samples", f"{found.samples}, seed {found.seed}"),
        ("written", ", ".join(found.written) or "nothing: all is as it was"),
    ]
    print_table("stand-alone bench", rows)
    print_findings(found.findings)
