"""Levels on disk: each level as one safetensors file, arrays as tensors and the rest as JSON metadata."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors, write_tensors
from oscc.compiler.ir.coded import CodedGraph, GroupStatistics
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route, RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.ir.timed import TimedGraph, TimeScale
from oscc.compiler.ir.wire_routes import WireRoutes
from oscc.core.drive import Drive
from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.program import Program
from oscc.core.spec import CoreSpec

Level = CouplingGraph | PlacedGraph | CodedGraph | Program
"""What a pass takes and returns."""

KEY = "oscc.level"
"""The one metadata key of a saved level."""

_LEVELS = (CouplingGraph, PlacedGraph, RoutedGraph, TimedGraph, CodedGraph, ScheduledGraph, Program)
_RECORDS = {
    kind.__name__: kind
    for kind in (*_LEVELS, InitialPhases, Drive, Route, TimeScale, Groups, GroupStatistics, WireRoutes)
}


def save_level(path: str | Path, level: Level) -> None:
    """Write a level; equal levels give equal bytes.

    Parameters
    ----------
    path : str or Path
        Replaced when it is a file.
    level : Level

    Raises
    ------
    OsccError
        ``file.write`` when it cannot be written.
    """
    tensors: dict[str, NDArray[Any]] = {}
    content = _pack(level, "", tensors)
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    write_tensors(path, tensors, {KEY: text})


def load_level(path: str | Path) -> Level:
    """Read the level that `save_level` wrote, equal in every field.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        What `read_tensors` raises, or ``level.content`` when the file holds no level.
    """
    where = str(path)
    file = read_tensors(path)
    if KEY not in file.metadata:
        raise OsccError(
            "level.content", f"metadata has no '{KEY}': this safetensors file is not a saved level", where=where
        )
    try:
        level = _unpack(json.loads(file.metadata[KEY]), file.tensors)
    except (ValueError, KeyError, TypeError, RecursionError, ValidationError):
        raise OsccError(
            "level.content", f"'{KEY}' does not describe a level of this version of oscc", where=where
        ) from None
    if not isinstance(level, _LEVELS):
        raise OsccError("level.content", f"'{KEY}' is not a level", where=where)
    return level


def _pack(value: Any, name: str, tensors: dict[str, NDArray[Any]]) -> Any:
    """Express a value as JSON: scalars as they are, everything else as [tag, content]; arrays go to ``tensors``."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case np.ndarray():
            tensors[name] = value
            return ["array", name]
        case CoreSpec():
            return ["CoreSpec", json.loads(value.canonical_json())]
        case tuple():
            return ["tuple", [_pack(part, f"{name}.{index}", tensors) for index, part in enumerate(value)]]
        case list():
            return ["list", [_pack(part, f"{name}.{index}", tensors) for index, part in enumerate(value)]]
        case dict():
            return ["dict", {key: _pack(part, f"{name}.{key}", tensors) for key, part in value.items()}]
    prefix = f"{name}." if name else ""
    packed = {part.name: _pack(getattr(value, part.name), prefix + part.name, tensors) for part in fields(value)}
    return [type(value).__name__, packed]


def _unpack(packed: Any, tensors: dict[str, NDArray[Any]]) -> Any:
    if not isinstance(packed, list):
        return packed
    tag, content = packed
    match tag:
        case "array":
            return tensors[content]
        case "CoreSpec":
            return CoreSpec.model_validate(content)
        case "tuple":
            return tuple(_unpack(part, tensors) for part in content)
        case "list":
            return [_unpack(part, tensors) for part in content]
        case "dict":
            return {key: _unpack(part, tensors) for key, part in content.items()}
    return _RECORDS[tag](**{key: _unpack(part, tensors) for key, part in content.items()})
