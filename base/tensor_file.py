"""Named arrays and text metadata in a safetensors file: the same bytes for the same content, and no pickle ever."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.base.file_output import write_bytes
from oscc.base.path_kind import kind_of, near_path, refuse_wrong_kind
from oscc.base.strict_json import JsonError, parse_json

_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
_FORMAT_NAMES = {numpy_name: format_name for format_name, numpy_name in _DTYPES.items()}

_MAX_HEADER = 100_000_000
"""Longest header that the format allows [bytes]."""


@dataclass(frozen=True, eq=False)
class TensorFile:
    """The content of a safetensors file.

    Parameters
    ----------
    tensors : dict of str to array
        Read-only arrays. A tensor of a type that numpy lacks, such as bfloat16, is not among them.
    dtypes : dict of str to str
        Type of every tensor of the file: numpy's name, or the format's own where numpy lacks it.
    metadata : dict of str to str
    sha256 : str
        Of the file's bytes, in hexadecimal.
    """

    tensors: dict[str, NDArray[Any]]
    dtypes: dict[str, str]
    metadata: dict[str, str]
    sha256: str


def pack_tensors(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytes:
    """Return a safetensors file as bytes, the same in every process.

    The library's writer puts metadata in the random order of a hash map; here the header's keys are sorted. The arrays
    stand in the order that the library would choose, the widest type first, so that each is aligned.

    Parameters
    ----------
    tensors : mapping of str to array
        Arrays of any stride and byte order.
    metadata : mapping of str to str

    Raises
    ------
    TypeError
        When the format has no name for the type of an array.
    """
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    body = bytearray()
    for name, array in sorted(tensors.items(), key=lambda item: (-item[1].itemsize, item[0])):
        if array.dtype.name not in _FORMAT_NAMES:
            raise TypeError(f"{name}: safetensors has no type for {array.dtype.name}")
        start = len(body)
        body += array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(order="C")
        header[name] = {
            "dtype": _FORMAT_NAMES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [start, len(body)],
        }
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + bytes(body)


def write_tensors(path: str | Path, tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        As `oscc.base.file_output.write_bytes` takes it.
    tensors, metadata
        As `pack_tensors` takes them.

    Raises
    ------
    OsccError
        ``file.write``, when it cannot be written.
    """
    write_bytes(path, pack_tensors(tensors, metadata), "file.write")


def read_tensors(path: str | Path) -> TensorFile:
    """Read a safetensors file.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``path.kind`` when it is a folder or a file of another kind, ``file.not-found`` when it cannot be read,
        ``file.pickle`` when it is a pickle, ``file.not-safetensors`` when it is something else or cut short.
    """
    return parse_tensors(read_tensor_bytes(path), str(path))


def parse_tensors(content: bytes, where: str) -> TensorFile:
    """Return what the bytes of a safetensors file hold.

    Parameters
    ----------
    content : bytes
    where : str
        The file, for errors.

    Raises
    ------
    OsccError
        ``file.not-safetensors`` when they are something else or cut short.
    """
    try:
        records = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        reason = _fault_of_length(content) or f"not a valid safetensors file: {' '.join(str(error).split())}"
        raise OsccError("file.not-safetensors", reason, where=where) from None
    try:
        header = parse_json(content[8 : 8 + int.from_bytes(content[:8], "little")].decode())
    except JsonError as error:
        # The library takes the last of two entries of one name.
        raise OsccError("file.not-safetensors", f"header: {error}", where=where) from None
    tensors, dtypes = {}, {}
    for name, record in records:
        dtypes[name] = _DTYPES.get(record["dtype"], record["dtype"])
        if record["dtype"] in _DTYPES:
            array = np.frombuffer(record["data"], dtype=np.dtype(dtypes[name]).newbyteorder("<"))
            array = array.astype(array.dtype.newbyteorder("="), copy=False).reshape(record["shape"])
            array.flags.writeable = False
            tensors[name] = array
    return TensorFile(tensors, dtypes, header.get("__metadata__", {}), hashlib.sha256(content).hexdigest())


def begins_as_tensors(path: Path) -> bool:
    """Return whether the first bytes of a file are those of a safetensors file, whole or cut short, or of a pickle.

    A file that cannot be read counts as one, so that who reads it says why.

    Parameters
    ----------
    path : Path
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
            size = os.fstat(file.fileno()).st_size
    except (OSError, ValueError):
        return True
    fault = _fault_of_start(start, size)
    return fault is None or fault[0] == "file.pickle" or start[8:9] == b"{"


def read_tensor_bytes(path: str | Path) -> bytes:
    """Return the bytes of a file, once the first ones look like those of a safetensors file.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``file.not-found`` when it cannot be read, ``file.pickle`` when it is a pickle, ``file.not-safetensors`` when it
        is something else.
    """
    where = str(path)
    try:
        with Path(path).open("rb") as file:
            start = file.read(16)
            size = os.fstat(file.fileno()).st_size
            if fault := _fault_of_start(start, size):
                refuse_wrong_kind(path, "checkpoint")
                raise OsccError(*fault, where=where)
            return start + file.read()
    except (OSError, ValueError) as error:
        # Python raises a ValueError for a NUL in a name.
        reason = error.strerror if isinstance(error, OSError) else "a NUL in its name"
        refuse_wrong_kind(path, "checkpoint")
        hint = near_path(path, lambda near: kind_of(near).name == "checkpoint")
        raise OsccError("file.not-found", f"cannot be read: {reason}", where=where, hint=hint) from None


def _fault_of_start(start: bytes, size: int) -> tuple[str, str] | None:
    """Return code and message of what is wrong with the first bytes of a file, or None.

    It is asked before the whole file is read: a file of another kind may be large.
    """
    if size == 0:
        return "file.not-safetensors", "empty; expected a safetensors file"
    # A pickle begins with its protocol number and ends with a stop; PyTorch wraps one into a zip archive.
    if start[:1] == b"\x80" and start[1:2] <= b"\x05" and start[8:9] != b"{":
        return "file.pickle", "a pickle, whatever its name says; expected a safetensors file (pickles are never opened)"
    if start[:4] == b"PK\x03\x04":
        return "file.pickle", "a zip archive, as torch.save writes it around a pickle; expected a safetensors file"
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or length > _MAX_HEADER or start[8:9] != b"{":
        return "file.not-safetensors", "not a safetensors file (it does not begin with the length of a JSON header)"
    if 8 + length > size:
        return "file.not-safetensors", f"cut short: its header needs {8 + length} bytes, the file has {size}"
    return None


def _fault_of_length(content: bytes) -> str | None:
    """Return how the length of a file differs from what its header promises, or None where it does not.

    It phrases a refusal of the library, which says only that the file is "not fully covered".
    """
    end = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:end])
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        needed = end + int(max(ends, default=0))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return None
    if len(content) == needed:
        return None
    fault = "cut short" if len(content) < needed else "too long"
    return f"{fault}: header and tensors need {needed} bytes, the file has {len(content)}"
