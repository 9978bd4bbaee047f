"""Options of the verbs that read and place a model."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.cli.choice_names import completing
from oscc.cli.common import seed_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from oscc.base.text_file import UserFile
    from oscc.compiler.feasibility.changes import ChangeOptions
    from oscc.compiler.passes.place import PlaceOptions
    from oscc.core.spec import CoreSpec

FrontEndOption = Annotated[
    str | None,
    typer.Option(
        "--frontend",
        autocompletion=completing("frontends"),
        metavar="NAME",
        help="How MODEL is read: {frontends}; by its suffix if left out.",
        show_default=False,
    ),
]
PlacerOption = Annotated[
    str,
    typer.Option(
        "--placer",
        autocompletion=completing("placers"),
        metavar="NAME",
        help="How nodes get their cells: {placers} (exact is for small models, and gives proofs).",
    ),
]
SeedOption = Annotated[int, seed_option("the search for a placement and for chains")]
TimeoutOption = Annotated[
    float | None,
    typer.Option(
        "--timeout",
        metavar="SECONDS",
        min=0.0,
        help="Longest search for a placement and for chains, together; advice where it does not fit comes on top.",
        show_default=False,
    ),
]
DieOption = Annotated[
    Path | None,
    typer.Option("--die", metavar="FILE", help="What the test of the die found: YAML.", show_default=False),
]
PruneOption = Annotated[
    int | None,
    typer.Option(
        "--prune",
        metavar="N",
        min=1,
        help="Of a model that does not fit, drop the couplings of entry N of its what-if table.",
        show_default=False,
    ),
]
CopiesOption = Annotated[
    bool, typer.Option("--copies", help="Split nodes into coupled copies where nothing else places them.")
]
StrengthOption = Annotated[
    float | None,
    typer.Option(
        "--chain-strength",
        metavar="FACTOR",
        min=0.01,
        max=100.0,
        help="Coupling between copies, in units of what pulls on one; 1.5 if left out.",
        show_default=False,
    ),
]


def open_die(path: Path | None) -> UserFile | None:
    """Return the bytes of a die file, read once: what is kept of it is what was compiled for.

    Parameters
    ----------
    path : Path or None

    Raises
    ------
    OsccError
        As `read_die_file` raises it.
    """
    from oscc.core.die import read_die_file

    return None if path is None else read_die_file(path)


def load_target(core: str, die: UserFile | None) -> CoreSpec:
    """Return the core to compile for: as specified, or what is left of a die.

    Parameters
    ----------
    core : str
    die : UserFile or None

    Raises
    ------
    OsccError
        What `load_core`, `parse_die` and `with_die` raise.
    """
    from oscc.core.die import parse_die, with_die
    from oscc.core.spec_file import load_core

    target = load_core(core)
    return target if die is None else with_die(target, parse_die(die, target), die.where)


def parse_change_options(prune: int | None, copies: bool, strength: float | None) -> ChangeOptions:
    """Return which changes of a model are allowed, from the command line.

    Parameters
    ----------
    prune : int or None
    copies : bool
    strength : float or None

    Raises
    ------
    OsccError
        ``copies.strength`` when a strength is given without ``--copies``.
    """
    from oscc.base.errors import OsccError
    from oscc.compiler.copies.copied_graph import STRENGTH
    from oscc.compiler.copies.splitting import CopyOptions
    from oscc.compiler.feasibility.changes import ChangeOptions

    if strength is not None and not copies:
        raise OsccError("copies.strength", "there are no chains without --copies", where="--chain-strength")
    if not copies:
        return ChangeOptions(prune)
    factor = STRENGTH if strength is None else strength
    return ChangeOptions(prune, CopyOptions(factor))


def parse_place_options(
    placer: str, seed: int, timeout_s: float | None, report: Callable[[str, float], None] | None
) -> PlaceOptions:
    """Return how a model is placed, from the command line.

    Parameters
    ----------
    placer : str
    seed : int
    timeout_s : float or None
    report : callable or None
        As `oscc.cli.progress.progress_bar` gives it.

    Raises
    ------
    OsccError
        ``placer.unknown``.
    """
    from oscc.compiler.passes.place import PlaceOptions

    # An infinite limit is none; a manifest could not hold it either.
    limit_s = None if timeout_s is not None and math.isinf(timeout_s) else timeout_s
    return PlaceOptions(placer, seed, limit_s, report)
