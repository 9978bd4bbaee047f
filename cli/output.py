"""What the verbs that work on an output folder share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from oscc.compiler.program import Program
    from oscc.compiler.spec import CoreSpec

FolderArgument = Annotated[
    Path, typer.Argument(metavar="DIR", help="Output folder of oscc compile.", show_default=False)
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, max=2**32 - 1, help="Key of the initial noise.")]
FirstOption = Annotated[int, typer.Option("--first", min=0, max=2**31, help="Number of the first sample.")]


def read_program_of(folder: Path) -> tuple[CoreSpec, Program]:
    """Core and program of an output folder, which must belong together.

    Raises
    ------
    OsccError
        When a file is missing or damaged, or the program is for another core.
    """
    from oscc.compiler.errors import OsccError
    from oscc.compiler.output_folder import read_output_folder
    from oscc.compiler.program_check import diagnose_program
    from oscc.compiler.program_file import read_program
    from oscc.compiler.spec_file import load_core

    output = read_output_folder(folder)
    core, program = load_core(output.core), read_program(output.program)
    for finding in diagnose_program(program, core):
        raise OsccError(
            "program.invalid", f"{finding.code}: {finding.message}", where=str(output.program), hint=finding.fix
        )
    return core, program


def check_file_target(path: Path) -> None:
    """Refuse a path at which no file can be written, before any work is done.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``output.is-folder`` or ``output.unwritable``.
    """
    from oscc.compiler.errors import OsccError

    if path.is_dir():
        raise OsccError("output.is-folder", "a folder; the output is a file", where=str(path))
    if not path.parent.is_dir():
        raise OsccError("output.unwritable", f"there is no folder {path.parent}", where=str(path))
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OsccError("output.unwritable", f"no permission to write into {path.parent}", where=str(path))


def write_text(path: Path, text: str) -> None:
    """Write a text as UTF-8; for `write_file`, and into folders that are moved into place whole."""
    path.write_text(text, encoding="utf-8")


def write_file(path: Path, write: Callable[[Path], None]) -> None:
    """Write a file beside its place and move it there when it is whole.

    Parameters
    ----------
    path : Path
    write : callable
        Writes to the path that it is given.

    Raises
    ------
    OsccError
        What `check_file_target` raises, or ``output.unwritable`` when the file system refuses.
    """
    from oscc.compiler.errors import OsccError

    check_file_target(path)
    beside = path.with_name(f".{path.stem}.new-{os.getpid()}{path.suffix}")
    try:
        write(beside)
        beside.replace(path)
    except OSError as error:
        raise OsccError("output.unwritable", f"cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        beside.unlink(missing_ok=True)
