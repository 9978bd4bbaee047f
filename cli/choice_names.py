"""The names that options accept, by kind; whatever has the names is imported when they are asked for."""

from __future__ import annotations

from collections.abc import Callable


def completing(kind: str) -> Callable[[str], list[str]]:
    """Return what a shell completes the value of an option from, which is loaded only then.

    Parameters
    ----------
    kind : str
        As `oscc list` names the kinds of choices.
    """

    def complete(incomplete: str) -> list[str]:
        return [name for name in KINDS[kind][1]() if name.startswith(incomplete)]

    return complete


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


def _wrappers() -> list[str]:
    from oscc.rtl.delivery.wrappers import WRAPPERS

    return list(WRAPPERS)


KINDS: dict[str, tuple[str, Callable[[], list[str]]]] = {
    "cores": ("--core", _cores),
    "placers": ("--placer", _placers),
    "frontends": ("--frontend", _front_ends),
    "groups": ("--clip", _groups),
    "engines": ("--engine", _engines),
    "targets": ("--target", _targets),
    "wrappers": ("--wrapper", _wrappers),
    "noise": ("--noise", _noise),
    "datasets": ("--dataset", _data_sets),
    "families": ("", _families),
}
"""Each kind of choice: the option that takes it, empty where a file does, and what lists the names."""
