"""What the verbs that work on an output folder share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.common import seed_option

if TYPE_CHECKING:
    from oscc.core.program import Program
    from oscc.core.spec import CoreSpec

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Output folder of oscc compile.", show_default=False)
]
SeedOption = Annotated[int, seed_option("the initial noise")]
FirstOption = Annotated[int, typer.Option("--first", min=0, max=2**31, help="Number of the first sample.")]


def read_program_of(folder: Path) -> tuple[CoreSpec, Program]:
    """Core and program of an output folder, which must belong together.

    Raises
    ------
    OsccError
        When a file is missing or damaged, or the program is for another core.
    """
    from oscc.base.errors import OsccError
    from oscc.base.output_folder import read_output_folder
    from oscc.core.program_check import diagnose_program
    from oscc.core.program_file import read_program
    from oscc.core.spec_file import load_core

    output = read_output_folder(folder)
    core, program = load_core(output.core), read_program(output.program)
    for finding in diagnose_program(program, core):
        raise OsccError(
            "program.invalid", f"{finding.code}: {finding.message}", where=str(output.program), hint=finding.fix
        )
    return core, program
