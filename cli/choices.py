"""`oscc list`: the names that the options of other verbs accept."""

from __future__ import annotations

from typing import Annotated

import typer

from oscc.cli.choice_names import KINDS
from oscc.cli.common import JsonOption, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("list")(list_verb)


def list_verb(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="cores, placers, frontends, groups, engines, targets, wrappers, noise, datasets or families; "
            "all if left out.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List what can be chosen: cores, placers, front ends, engines and more, with the option that takes each."""
    from oscc.base.errors import OsccError, did_you_mean

    if kind is not None and kind not in KINDS:
        raise OsccError("list.unknown", f"'{kind}' is no kind of choice{did_you_mean(kind, KINDS)}", where="oscc list")
    found = {name: list_names() for name, (_, list_names) in KINDS.items() if kind in (None, name)}
    if as_json:
        print_json(found)
        return
    print_table("choices", [(_title(name), ", ".join(_shown(name, each) for each in found[name])) for name in found])


def _title(kind: str) -> str:
    option = KINDS[kind][0]
    return f"{kind} ({option})" if option else kind


def _shown(kind: str, name: str) -> str:
    """Return a name, with what is missing before it can be used."""
    if kind != "engines":
        return name
    from oscc.sim.engines.registry import missing_for

    missing = missing_for(name)
    return f"{name} (install {missing})" if missing else name
