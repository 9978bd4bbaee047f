"""Die files: what the test of one piece of silicon found, and the core that is left of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from oscc.base.config import Gain, Integer, Section
from oscc.base.errors import OsccError
from oscc.base.path_kind import refuse_wrong_kind
from oscc.base.strict_yaml import load_yaml, read_yaml
from oscc.base.text_file import UserFile, read_user_file
from oscc.core.spec import CoreSpec

READ = "die.not-found"
"""Code of the error when a file cannot be read."""

MOST_FAULTS = 8
"""Faults of a file that are said; the rest is counted."""

PLACES = ("cells", "slots", "stuck_slots", "stuck_dacs", "gain")
"""Keys of a file that name places of the core."""

NodeDac = Literal["shil", "field", "detuning"]


class DieSpec(Section):
    """What the test of a die found.

    Attributes
    ----------
    core : str
        Name of the core that was tested.
    name : str
        Of the die, such as lot, wafer and place; free text.
    cells : tuple of (row, col)
        Dead cells.
    slots : tuple of (row, col, slot)
        Dead coupling units: they deliver nothing.
    stuck_slots : tuple of (row, col, slot, code)
        Coupling units whose code does not change.
    stuck_dacs : tuple of (row, col, group, code)
        DACs of nodes whose code does not change; group shil, field or detuning.
    gain : tuple of (row, col, gain)
        Strength of the coupling units of a cell relative to the nominal one, 0.5 to 2.
    """

    schema_: Literal["oscc.die/1"] = Field(alias="schema")
    core: str
    name: str = ""
    cells: tuple[tuple[Integer, Integer], ...] = ()
    slots: tuple[tuple[Integer, Integer, Integer], ...] = ()
    stuck_slots: tuple[tuple[Integer, Integer, Integer, Integer], ...] = ()
    stuck_dacs: tuple[tuple[Integer, Integer, NodeDac, Integer], ...] = ()
    gain: tuple[tuple[Integer, Integer, Gain], ...] = ()


def read_die(path: Path) -> DieSpec:
    """Read the die in a YAML file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        What `read_die_file` raises, ``die.yaml``, ``die.unknown-key`` or ``die.invalid``.
    """
    return parse_die(read_die_file(path))


def read_die_file(path: Path) -> UserFile:
    """Return the bytes of a die's file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``die.not-found``, or ``path.kind`` for a file or folder of another kind.
    """
    refuse_wrong_kind(path, "die")
    return read_user_file(path, READ)


def parse_die(file: UserFile, core: CoreSpec | None = None) -> DieSpec:
    """Return the die that a file describes.

    Parameters
    ----------
    file : UserFile
    core : CoreSpec, optional
        That it is used with: where something in the file is wrong, what is wrong with the rest for this core is said
        as well.

    Raises
    ------
    OsccError
        As `read_die` raises it.
    """
    text = file.text(READ)
    try:
        return read_yaml(text, DieSpec, where=file.where, what="a die", code="die")
    except OsccError as error:
        content = None if core is None or error.code == "die.yaml" else load_yaml(text, where=file.where, code="die")
        if core is None or not isinstance(content, dict):
            raise
        rest = _readable_part(content)
        # Of another core no place says anything.
        other = isinstance(content.get("core"), str) and content["core"] != core.name
        faults = [_of_another(core, content["core"])] if other else list(_faults(core, rest))
        raise OsccError(error.code, "; ".join([error.message, *_first(faults)]), where=error.where) from None


def _readable_part(content: dict[Any, Any]) -> DieSpec:
    """Return a die of all entries of a file that are right by themselves."""
    kept: dict[str, list[Any]] = {}
    for key in PLACES:
        entries = content.get(key)
        kept[key] = [entry for entry in entries if _is_right(key, entry)] if isinstance(entries, list) else []
    return _die_of(**kept)


def _is_right(key: str, entry: Any) -> bool:
    try:
        _die_of(**{key: [entry]})
    except ValidationError:
        return False
    return True


def _die_of(**places: list[Any]) -> DieSpec:
    return DieSpec.model_validate({"schema": "oscc.die/1", "core": "any", **places})


def with_die(core: CoreSpec, die: DieSpec, where: str) -> CoreSpec:
    """Return the core that is left of a die: its defects, besides those that the core has.

    A unit that is stuck at 0 is a dead one. One that is stuck at another code always makes a coupling into its cell,
    which no model can do without, so that the cell is not used; on a core with reciprocal couplings it makes one into
    the unit's other cell as well. A node DAC that is stuck makes its cell useless.

    Parameters
    ----------
    core : CoreSpec
    die : DieSpec
    where : str
        Name of the die file, for messages.

    Raises
    ------
    OsccError
        ``die.core`` when another core was tested, ``die.invalid`` with every place and code that does not exist there.
    """
    if die.core != core.name:
        raise OsccError("die.core", _of_another(core, die.core), where=where, hint=f"use --core {die.core}")
    faults = list(_faults(core, die))
    if faults:
        raise OsccError("die.invalid", "; ".join(_first(faults)), where=where)
    cells, slots = {*core.defects.cells, *die.cells}, {*core.defects.slots, *die.slots}
    for row, col, slot, code in die.stuck_slots:
        slots.add((row, col, slot))
        if code != 0:
            cells.add((row, col))
            drow, dcol = core.unit_stencil.offsets[slot]
            far = (row + drow, col + dcol)
            if core.couplings == "reciprocal" and _is_inside(core, far):
                cells.add(far)
    cells |= {(row, col) for row, col, _, _ in die.stuck_dacs}
    gain = {(row, col): value for row, col, value in (*core.defects.gain, *die.gain)}
    defects = {
        "cells": [list(cell) for cell in sorted(cells)],
        "slots": [list(slot) for slot in sorted(slots)],
        "gain": [[row, col, value] for (row, col), value in sorted(gain.items())],
    }
    return core.changed(defects=defects)


def _of_another(core: CoreSpec, tested: str) -> str:
    return f"core '{tested}' was tested, not '{core.name}'"


def _first(faults: list[str]) -> list[str]:
    """Return the first faults, and how many more there are."""
    more = [f"and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
    return faults[:MOST_FAULTS] + more


def _faults(core: CoreSpec, die: DieSpec) -> Iterator[str]:
    """Yield every place and code of a die file that the core does not have."""
    places: list[tuple[str, tuple[int, int]]] = [
        *(("cells", cell) for cell in die.cells),
        *(("slots", (row, col)) for row, col, _ in die.slots),
        *(("stuck_slots", (row, col)) for row, col, _, _ in die.stuck_slots),
        *(("stuck_dacs", (row, col)) for row, col, _, _ in die.stuck_dacs),
        *(("gain", (row, col)) for row, col, _ in die.gain),
    ]
    for key, cell in places:
        if not _is_inside(core, cell):
            yield f"{key}: {list(cell)} lies outside the {core.rows} x {core.cols} grid"
    units = [
        *(("slots", slot) for _, _, slot in die.slots),
        *(("stuck_slots", slot) for _, _, slot, _ in die.stuck_slots),
    ]
    for key, slot in units:
        if not 0 <= slot < core.slots:
            yield f"{key}: slot {slot}; a cell has slots 0 to {core.slots - 1}"
    codes: list[tuple[str, str, int]] = [
        *(("stuck_slots", "coupling", code) for _, _, _, code in die.stuck_slots),
        *(("stuck_dacs", group, code) for _, _, group, code in die.stuck_dacs),
    ]
    for key, group, code in codes:
        top = core.dac(group).top_code
        if abs(code) > top:
            yield f"{key}: {group} code {code}; codes are -{top} to {top}"


def _is_inside(core: CoreSpec, cell: tuple[int, int]) -> bool:
    return 0 <= cell[0] < core.rows and 0 <= cell[1] < core.cols
