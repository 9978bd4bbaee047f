"""The program on disk: a header, a table of sections, CRC-32 everywhere; docs/formats.md describes it byte by byte."""

from __future__ import annotations

import json
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.base.file_output import write_bytes
from oscc.core.drive import PLAIN
from oscc.core.drive_section import drive_meta, pack_drive, unpack_drive
from oscc.core.families import family_named
from oscc.core.groups import GROUPS, Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import decode_schedule
from oscc.core.program import Program

MAGIC = b"OSCCPROG"
VERSION = 1
SECTIONS = ("meta", "schedule", "time", "pixels", "weights")
"""Sections in the order in which they stand in a file."""

DRIVE = "drive"
"""Section that follows them in a program for a driven core."""

ALIGNMENT = 8
"""Every section begins at a multiple of this; zeros fill the gap."""

_HEADER = struct.Struct("<8sHHIQ32s32s")
"""Magic, version, number of sections, bytes of header and table, bytes of the file, spec hash, model hash."""

_ENTRY = struct.Struct("<8sQQII")
"""Name, offset, length, CRC-32, zero."""

_CRC = struct.Struct("<I")
_META_KEYS = {"bank_depth", "cols", "core_name", "family", "image_shape", "init", "name", "word_bytes"}


@dataclass(frozen=True)
class _Entry:
    """One line of the section table."""

    name: str
    offset: int
    length: int
    crc: int


def encode_program(program: Program) -> bytes:
    """Return the bytes of a program file; equal programs give equal bytes.

    Parameters
    ----------
    program : Program
    """
    cols, bank_depth, word_bytes = program.words.shape
    meta = {
        "name": program.name,
        "family": program.family,
        "core_name": program.core_name,
        "image_shape": list(program.image_shape),
        "init": {"kind": program.init.kind, "mean": program.init.mean, "std": program.init.std},
        "cols": cols,
        "bank_depth": bank_depth,
        "word_bytes": word_bytes,
    }
    time = np.concatenate(
        [program.chunk_duration[:, None], program.tau_s[:, None], np.stack(program.lsb.values(), axis=1)], axis=1
    )
    names: tuple[str, ...] = SECTIONS
    if program.drive.driven:
        meta["drive"] = drive_meta(program.drive)
        names = (*SECTIONS, DRIVE)
    contents: tuple[bytes, ...] = (
        json.dumps(meta, sort_keys=True, separators=(",", ":"), allow_nan=False).encode(),
        program.schedule.astype("<u4").tobytes(),
        time.astype("<f8").tobytes(),
        program.pixel.astype("<i4").tobytes(),
        program.words.tobytes(),
        *([pack_drive(program.drive)] if program.drive.driven else []),
    )
    head = _HEADER.size + len(names) * _ENTRY.size + _CRC.size
    table, body, offset = b"", b"", _aligned(head)
    for name, content in zip(names, contents, strict=True):
        table += _ENTRY.pack(name.encode(), offset, len(content), zlib.crc32(content), 0)
        padded = content + bytes(_aligned(len(content)) - len(content)) if name != names[-1] else content
        body += padded
        offset += len(padded)
    # A model that did not come from a file has no hash; 32 zeros stand for it, which `struct` fills in.
    spec_hash, model_hash = bytes.fromhex(program.spec_hash), bytes.fromhex(program.model_hash)
    header = _HEADER.pack(MAGIC, VERSION, len(names), head, offset, spec_hash, model_hash) + table
    header += _CRC.pack(zlib.crc32(header))
    return header + bytes(_aligned(head) - head) + body


def write_program(path: str | Path, program: Program) -> None:
    """Write a program file.

    Parameters
    ----------
    path : str or Path
        As `oscc.base.file_output.write_bytes` takes it.
    program : Program

    Raises
    ------
    OsccError
        ``program.write`` when it cannot be written.
    """
    write_bytes(path, encode_program(program), "program.write")


def read_program(path: str | Path) -> Program:
    """Read the program in a file.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``program.not-found`` when it cannot be read, or what `decode_program` raises.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise OsccError("program.not-found", f"cannot be read: {error.strerror}", where=str(path)) from None
    return decode_program(content, str(path))


def decode_program(content: bytes, where: str) -> Program:
    """Return the program that `encode_program` wrote.

    Parameters
    ----------
    content : bytes
    where : str
        Name of the file, for messages.

    Raises
    ------
    OsccError
        ``program.magic``, ``program.version``, ``program.truncated``, ``program.trailing``, ``program.crc``,
        ``program.sections`` for a missing, unknown, doubled or misplaced section, or ``program.content`` for one whose
        content is not what it should be. Every byte of the file is covered by one of these checks.
    """
    spec_hash, model_hash, entries = _read_header(content, where)
    parts = _read_sections(content, entries, where)
    meta = _read_meta(parts["meta"], where)
    time = _read_rows(parts["time"], "time", "<f8", 2 + len(GROUPS), where)
    pixel = _read_rows(parts["pixels"], "pixels", "<i4", 2, where)
    schedule = _read_rows(parts["schedule"], "schedule", "<u4", 1, where)[:, 0]
    drive = PLAIN if DRIVE not in parts else unpack_drive(parts[DRIVE], meta.get("drive"), len(time), where)
    if (DRIVE in parts) != ("drive" in meta):
        raise OsccError("program.content", "section 'drive' and what 'meta' says of it do not agree", where=where)
    try:
        decode_schedule(schedule, drive.driven)
    except ValueError as error:
        raise OsccError("program.content", f"section 'schedule': {error}", where=where) from None
    shape = (meta["cols"], meta["bank_depth"], meta["word_bytes"])
    weights = parts["weights"]
    if len(weights) != shape[0] * shape[1] * shape[2]:
        raise OsccError(
            "program.content",
            f"section 'weights': {len(weights)} bytes, expected {shape[0]} banks x {shape[1]} words x {shape[2]} bytes",
            where=where,
        )
    image_rows, image_cols = meta["image_shape"]
    if image_rows * image_cols != len(pixel):
        raise OsccError(
            "program.content",
            f"section 'pixels': {len(pixel)} pixels for an image of {image_rows} x {image_cols}",
            where=where,
        )
    return Program(
        name=meta["name"],
        family=meta["family"],
        core_name=meta["core_name"],
        spec_hash=spec_hash.hex(),
        model_hash=model_hash.hex() if any(model_hash) else "",
        init=InitialPhases(**meta["init"]),
        image_shape=(image_rows, image_cols),
        pixel=pixel.astype(np.int32),
        chunk_duration=time[:, 0].astype(np.float64),
        tau_s=time[:, 1].astype(np.float64),
        lsb=Groups(*time[:, 2:].T.astype(np.float64)),
        schedule=schedule.astype(np.uint32),
        words=np.frombuffer(weights, dtype=np.uint8).reshape(shape),
        drive=drive,
    )


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _read_header(content: bytes, where: str) -> tuple[bytes, bytes, list[_Entry]]:
    if content[: len(MAGIC)] != MAGIC[: len(content)] or not content:
        raise OsccError("program.magic", "not a program: it does not begin with OSCCPROG", where=where)
    if len(content) < _HEADER.size:
        raise OsccError("program.truncated", f"truncated: {len(content)} bytes hold no whole header", where=where)
    _, version, count, head, size, spec_hash, model_hash = _HEADER.unpack_from(content)
    if version != VERSION:
        raise OsccError(
            "program.version",
            f"program format version {version}; this oscc reads version {VERSION}",
            where=where,
            hint="compile the model again",
        )
    if len(content) < head or head != _HEADER.size + count * _ENTRY.size + _CRC.size:
        raise OsccError(
            "program.truncated", f"truncated or damaged: no whole section table ({head} bytes)", where=where
        )
    if zlib.crc32(content[: head - _CRC.size]) != _CRC.unpack_from(content, head - _CRC.size)[0]:
        raise OsccError(
            "program.crc", "the CRC-32 of the header does not match", where=where, hint="copy the file again"
        )
    if len(content) < size:
        raise OsccError("program.truncated", f"truncated: {len(content)} of {size} bytes", where=where)
    if len(content) > size:
        raise OsccError("program.trailing", f"{len(content) - size} bytes follow the end of the program", where=where)
    entries = []
    for index in range(count):
        name, offset, length, crc, _ = _ENTRY.unpack_from(content, _HEADER.size + index * _ENTRY.size)
        entries.append(_Entry(name.rstrip(b"\0").decode("ascii", "replace"), offset, length, crc))
    return spec_hash, model_hash, entries


def _read_sections(content: bytes, entries: list[_Entry], where: str) -> dict[str, bytes]:
    """Return the sections: exactly `SECTIONS`, one after the other, with nothing but zeros between them.

    That of a driven core may follow.
    """
    names = [entry.name for entry in entries]
    for name in SECTIONS:
        if name not in names:
            raise OsccError("program.sections", f"section '{name}' is missing", where=where)
    if names not in (list(SECTIONS), [*SECTIONS, DRIVE]):
        raise OsccError(
            "program.sections",
            f"sections {', '.join(names)}; expected {', '.join(SECTIONS)}, in this order",
            where=where,
        )
    parts, end = {}, _HEADER.size + len(entries) * _ENTRY.size + _CRC.size
    for entry in entries:
        if entry.offset != _aligned(end):
            relation = "overlaps what is before it" if entry.offset < end else "does not follow what is before it"
            raise OsccError(
                "program.sections",
                f"section '{entry.name}' at byte {entry.offset} {relation}; expected {_aligned(end)}",
                where=where,
            )
        if any(content[end : entry.offset]):
            raise OsccError("program.sections", f"the bytes before section '{entry.name}' are not zero", where=where)
        end = entry.offset + entry.length
        if end > len(content):
            raise OsccError(
                "program.sections", f"section '{entry.name}' reaches beyond the end of the file", where=where
            )
        part = content[entry.offset : end]
        if zlib.crc32(part) != entry.crc:
            raise OsccError(
                "program.crc",
                f"the CRC-32 of section '{entry.name}' does not match",
                where=where,
                hint="copy the file again, or compile the model again",
            )
        parts[entry.name] = part
    if end != len(content):
        raise OsccError("program.sections", f"{len(content) - end} bytes belong to no section", where=where)
    return parts


def _read_meta(part: bytes, where: str) -> dict[str, Any]:
    def fault(message: str) -> OsccError:
        return OsccError("program.content", f"section 'meta': {message}", where=where)

    try:
        meta = json.loads(part)
    except (ValueError, RecursionError):
        raise fault("not JSON") from None
    if not isinstance(meta, dict) or meta.keys() - {"drive"} != _META_KEYS:
        raise fault(f"expected an object with {', '.join(sorted(_META_KEYS))}")
    for key in ("name", "family", "core_name"):
        if not isinstance(meta[key], str) or not meta[key] or not meta[key].isprintable():
            raise fault(f"{key} is not one line of text")
    try:
        family_named(meta["family"])
    except ValueError as error:
        raise fault(str(error)) from None
    for key in ("cols", "bank_depth", "word_bytes"):
        if type(meta[key]) is not int or meta[key] < 1:
            raise fault(f"{key} is not a positive integer")
    shape, init = meta["image_shape"], meta["init"]
    if not isinstance(shape, list) or len(shape) != 2 or any(type(size) is not int or size < 0 for size in shape):
        raise fault("image_shape is not a pair of integers")
    if (
        not isinstance(init, dict)
        or init.keys() != {"kind", "mean", "std"}
        or init["kind"] not in ("normal", "uniform")
        or not all(_is_finite(init[key]) for key in ("mean", "std"))
    ):
        raise fault("init is not an object with kind, mean and std")
    return meta


def _is_finite(value: Any) -> bool:
    """Return whether a value of JSON is a number that float64 holds."""
    if type(value) not in (int, float):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _read_rows(part: bytes, name: str, dtype: str, columns: int, where: str) -> NDArray[Any]:
    row_bytes = np.dtype(dtype).itemsize * columns
    if not part or len(part) % row_bytes:
        raise OsccError(
            "program.content", f"section '{name}': {len(part)} bytes are not rows of {row_bytes}", where=where
        )
    return np.frombuffer(part, dtype=dtype).reshape(-1, columns)
