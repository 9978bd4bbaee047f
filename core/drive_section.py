"""The part of a program file about inputs, feedback and settling; docs/formats.md describes it byte by byte."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.core.drive import Drive

_SIZES = {
    "allowed": (0, 2**16 - 1),
    "beat_bytes": (4, 16),
    "capacity": (1, 4096),
    "chunks": (1, 255),
    "field_bits": (2, 8),
    "frame_cols": (1, 512),
    "frame_rows": (1, 512),
    "inputs": (0, 4096),
    "phase_steps": (2, 256),
    "tolerance": (0, 255),
}
"""Keys of ``drive`` in section ``meta``, with the least and the most that each may be."""


def drive_meta(drive: Drive) -> dict[str, int]:
    """Return the sizes of a drive, for section ``meta``.

    Parameters
    ----------
    drive : Drive
        Of a driven core.
    """
    return {
        "allowed": drive.allowed,
        "beat_bytes": drive.beat_bytes,
        "capacity": drive.capacity,
        "chunks": drive.table.shape[0],
        "field_bits": drive.field_bits,
        "frame_cols": drive.watched.shape[1],
        "frame_rows": drive.watched.shape[0],
        "inputs": drive.inputs,
        "phase_steps": drive.table.shape[1],
        "tolerance": drive.tolerance,
    }


def pack_drive(drive: Drive) -> bytes:
    """Return the bytes of the section: cells, pixels, base, gain, tables, watch; little-endian, one after the other.

    Parameters
    ----------
    drive : Drive
        Of a driven core.
    """
    return b"".join(
        (
            drive.cell.astype("<i4").tobytes(),
            drive.pixel.astype("<i4").tobytes(),
            drive.base.astype("<f8").tobytes(),
            drive.gain.astype("<f8").tobytes(),
            drive.table.tobytes(),
            drive.watched.astype(np.uint8).tobytes(),
        )
    )


def unpack_drive(part: bytes, meta: Any, chunks: int, where: str) -> Drive:
    """Return what `pack_drive` wrote.

    Parameters
    ----------
    part : bytes
    meta : JSON value
        What section ``meta`` says of it.
    chunks : int
        Chunks of the program.
    where : str
        The file, for errors.

    Raises
    ------
    OsccError
        ``program.content`` when it is not what it should be.
    """

    def fault(message: str) -> OsccError:
        return OsccError("program.content", f"section 'drive': {message}", where=where)

    if not isinstance(meta, dict) or meta.keys() != _SIZES.keys():
        raise fault(f"'meta' has no object 'drive' with {', '.join(_SIZES)}")
    for key, (least, most) in _SIZES.items():
        if type(meta[key]) is not int or not least <= meta[key] <= most:
            raise fault(f"{key} is {meta[key]!r}, expected an integer from {least} to {most}")
    if meta["inputs"] > meta["capacity"]:
        raise fault(f"{meta['inputs']} inputs, but a capacity of {meta['capacity']}")
    inputs = meta["inputs"]
    shapes: tuple[tuple[str, tuple[int, int]], ...] = (
        ("<i4", (inputs, 2)),
        ("<i4", (inputs, 2)),
        ("<f8", (chunks, inputs)),
        ("<f8", (chunks, inputs)),
        ("<u1", (meta["chunks"], meta["phase_steps"])),
        ("<u1", (meta["frame_rows"], meta["frame_cols"])),
    )
    sizes = [np.dtype(kind).itemsize * shape[0] * shape[1] for kind, shape in shapes]
    if len(part) != sum(sizes):
        raise fault(f"{len(part)} bytes, expected {sum(sizes)}")
    arrays: list[NDArray[Any]] = []
    begin = 0
    for (kind, shape), size in zip(shapes, sizes, strict=True):
        arrays.append(np.frombuffer(part[begin : begin + size], dtype=kind).reshape(shape))
        begin += size
    cell, pixel, base, gain, table, watched = arrays
    if not (np.all(np.isfinite(base)) and np.all(np.isfinite(gain))):
        raise fault("a base or a gain is NaN or infinite")
    if watched.max(initial=0) > 1:
        raise fault("the watch holds bytes that are neither 0 nor 1")
    return Drive(
        meta["capacity"],
        meta["beat_bytes"],
        meta["field_bits"],
        cell.astype(np.int32),
        pixel.astype(np.int32),
        base.astype(np.float64),
        gain.astype(np.float64),
        table.astype(np.uint8),
        watched.astype(np.bool_),
        meta["tolerance"],
        meta["allowed"],
    )
