"""Options of the verbs that can write waves."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

WavesOption = Annotated[
    bool,
    typer.Option("--waves", help="Write waves as VCD, a save file of GTKWave (.gtkw), commands of Surfer (.sucl)."),
]
WavesCyclesOption = Annotated[
    str | None,
    typer.Option(
        "--waves-cycles", metavar="FIRST:LAST", help="Clock cycles that the waves show; all if left out. With --waves."
    ),
]


def window_of(text: str | None) -> tuple[int, int | None]:
    """Return the first and the last clock cycle that an option names; None for the end of the simulation.

    Parameters
    ----------
    text : str or None
        ``FIRST:LAST``, each of which may be left out; None for all.

    Raises
    ------
    typer.BadParameter
    """
    if text is None:
        return 0, None
    found = re.fullmatch(r"(\d{0,12}):(\d{0,12})", text, re.ASCII)
    if found is None:
        raise typer.BadParameter(f"'{text}' is no window; give FIRST:LAST, 1200:1900", param_hint="--waves-cycles")
    first, last = int(found[1] or 0), int(found[2]) if found[2] else None
    if last is not None and last < first:
        raise typer.BadParameter(f"'{text}' ends before it begins", param_hint="--waves-cycles")
    return first, last


def waves_row(folder: Path, stem: str) -> str:
    """Return the path of a wave file that was written, or that none was.

    Parameters
    ----------
    folder : Path
    stem : str
        Name of the file without its suffix.
    """
    path = folder / f"{stem}.vcd"
    return str(path) if path.exists() else "the engine wrote none"
