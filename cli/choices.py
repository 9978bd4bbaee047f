"""`oscc list`: the names that the options of other verbs accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from oscc.cli.common import JsonOption, print_json, print_table


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("list")(list_verb)


def list_verb(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            help="cores, placers, frontends, groups, engines, targets, noise, datasets or families; all if left out.",
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


def _cores() -> list[str]:
    from oscc.core.spec_file import preset_names

    return preset_names()


def _placers() -> list[str]:
    from oscc.compiler.place.placers import AUTO, PLACERS

    return [AUTO, *PLACERS]


def _front_ends() -> list[str]:
    from oscc.compiler.frontends.front_ends import CHECKPOINT, FRONT_ENDS

    return [CHECKPOINT, *FRONT_ENDS]


def _groups() -> list[str]:
    from oscc.core.groups import GROUPS

    return list(GROUPS)


def _engines() -> list[str]:
    from oscc.sim.engines.registry import ENGINES

    return list(ENGINES)


def _targets() -> list[str]:
    from oscc.rtl.synthesis.targets import TARGETS

    return list(TARGETS)


def _noise() -> list[str]:
    from oscc.models.quality.sampling import NOISE

    return list(NOISE)


def _data_sets() -> list[str]:
    from oscc.models.data.datasets import IMAGE_SETS, POINT_SETS

    return [*IMAGE_SETS, *POINT_SETS]


def _families() -> list[str]:
    from oscc.core.families import FAMILIES

    return list(FAMILIES)


KINDS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "cores": ("--core", _cores),
    "placers": ("--placer", _placers),
    "frontends": ("--frontend", _front_ends),
    "groups": ("--clip", _groups),
    "engines": ("--engine", _engines),
    "targets": ("--target", _targets),
    "noise": ("--noise", _noise),
    "datasets": ("--dataset", _data_sets),
    "families": ("", _families),
}
"""Each kind of choice: the option that takes it, empty where a file does, and what lists the names."""
