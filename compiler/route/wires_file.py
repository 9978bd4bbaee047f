"""The wires of an output folder: the way and the tracks of each, as tensors that layout scripts can read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors, write_tensors
from oscc.compiler.ir.wire_routes import WireRoutes

SCHEMA = "oscc.wires/1"
"""Content of key ``schema`` of the metadata."""

_TYPES = {"start": "int16", "end": "int16", "first": "int32", "direction": "uint8", "track": "int16"}


def write_wires(path: Path, routes: WireRoutes, track: NDArray[np.int32]) -> None:
    """Write wires and their tracks as safetensors.

    Tensors: ``start`` and ``end``, int16[W, 2] (row, col); ``first``, int32[W + 1]: steps of wire w are those from
    first[w] up to first[w + 1]; ``direction``, uint8[L]: 0 up, 1 right, 2 down, 3 left; ``track``, int16[L].

    Parameters
    ----------
    path : Path
    routes : WireRoutes
        On a grid of at most 512 x 512 cells.
    track : int32[L]
        Of every step, from 0.

    Raises
    ------
    OsccError
        ``file.write``.
    """
    arrays: dict[str, NDArray[Any]] = {
        "start": routes.start,
        "end": routes.end,
        "first": routes.first,
        "direction": routes.direction,
        "track": track,
    }
    write_tensors(path, {name: arrays[name].astype(kind) for name, kind in _TYPES.items()}, {"schema": SCHEMA})


def read_wires(path: Path) -> tuple[WireRoutes, NDArray[np.int32]]:
    """Read wires and their tracks, as `write_wires` wrote them.

    That they make sense on a core is another question: `oscc.compiler.route.route_checker` answers it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    routes : WireRoutes
    track : int32[L]

    Raises
    ------
    OsccError
        What `read_tensors` raises, or ``wires.invalid`` when tensors are missing or do not belong together.
    """
    file = read_tensors(path)
    wrong = [name for name, kind in _TYPES.items() if file.dtypes.get(name) != kind]
    if file.metadata.get("schema") != SCHEMA or wrong:
        what = f"no {wrong[0]} of {_TYPES[wrong[0]]}" if wrong else f"no schema {SCHEMA}"
        raise OsccError("wires.invalid", f"no wires of oscc: {what}", where=str(path))
    start, end, first, direction, track = (file.tensors[name] for name in _TYPES)
    wires, steps = (len(start) if start.ndim else 0), direction.size
    shapes = (start.shape, end.shape, first.shape, direction.shape, track.shape)
    good = shapes == ((wires, 2), (wires, 2), (wires + 1,), (steps,), (steps,))
    if not good or first[0] != 0 or first[-1] != steps or np.any(np.diff(first) < 0) or np.any(direction > 3):
        raise OsccError("wires.invalid", "tensors do not belong together", where=str(path))
    routes = WireRoutes(start.astype(np.int32), end.astype(np.int32), first.copy(), direction.copy())
    return routes, track.astype(np.int32)
