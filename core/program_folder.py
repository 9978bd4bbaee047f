"""Core and program of an output folder."""

from __future__ import annotations

from pathlib import Path

from oscc.base.errors import OsccError
from oscc.base.output_folder import read_output_folder
from oscc.core.program import Program
from oscc.core.program_check import diagnose_program
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core


def read_program_of(folder: Path) -> tuple[CoreSpec, Program]:
    """Return core and program of an output folder, which must belong together.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    OsccError
        When a file is missing or damaged; ``program.invalid`` when the program is for another core.
    """
    output = read_output_folder(folder)
    core, program = load_core(output.core), read_program(output.program)
    for finding in diagnose_program(program, core):
        raise OsccError(
            "program.invalid", f"{finding.code}: {finding.message}", where=str(output.program), hint=finding.fix
        )
    return core, program
