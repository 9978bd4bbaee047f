"""The core to use instead: of the presets on which something holds, the one most like a core."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core, preset_names

GEOMETRY = ("grid", "stencil", "couplings")
"""Keys in which cores differ most, but for having inputs or none."""

NAMES = ("schema", "name", "defects")
"""Keys that say nothing about what a core can do."""


def closest_preset(core: CoreSpec, holds: Callable[[CoreSpec], bool]) -> CoreSpec | None:
    """Return the preset on which something holds that differs from a core in the fewest keys; None where it never does.

    A preset that is the core itself, whatever its name and its defects are, is none to use instead.

    Parameters
    ----------
    core : CoreSpec
    holds : callable
    """
    difference = {preset.name: _difference(core, preset) for preset in _presets()}
    others = [preset for preset in _presets() if difference[preset.name][2]]
    in_order = sorted(others, key=lambda other: difference[other.name])
    return next((preset for preset in in_order if holds(preset)), None)


@cache
def _presets() -> tuple[CoreSpec, ...]:
    return tuple(load_core(name) for name in preset_names())


def _difference(core: CoreSpec, other: CoreSpec) -> tuple[bool, int, int, str]:
    ours, theirs = (each.model_dump(mode="json", by_alias=True) for each in (core, other))
    # Keys with their default may be left out of either.
    differing = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key) and key not in NAMES}
    return core.driven != other.driven, len(differing & set(GEOMETRY)), len(differing), other.name
