"""Checkpoints: the safetensors file that training writes and the compiler reads; docs/formats.md describes it."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.file_output import write_bytes
from oscc.base.findings import Finding
from oscc.base.strict_json import JsonError, parse_json
from oscc.base.tensor_file import TensorFile, pack_tensors, parse_tensors, read_tensor_bytes
from oscc.compiler.ir.graph import NODE_TENSORS, CouplingGraph, diagnose_graph
from oscc.core.families import Family, family_named
from oscc.core.initial_phases import InitialPhases

SCHEMA = "1"
"""Content of metadata key ``oscc.schema``."""

SCHEMA_KEY = "oscc.schema"
MODEL_KEY = "oscc.model"

_TENSORS: dict[str, tuple[str, tuple[str, ...]]] = {
    "coupling.src": ("int32", ("couplings",)),
    "coupling.dst": ("int32", ("couplings",)),
    "coupling.weight": ("float32", ("chunks", "couplings")),
    "shil": ("float32", ("chunks", "nodes")),
    "field": ("float32", ("chunks", "nodes")),
    "detuning": ("float32", ("chunks", "nodes")),
    "chunk_duration": ("float32", ("chunks",)),
    "node.position": ("int32", ("nodes", "2")),
    "readout.node": ("int32", ("pixels",)),
}
_OPTIONAL_TENSORS = {"node.position"}
_REQUIRED_KEYS = ("name", "family", "image_shape", "init", "readout")
_OPTIONAL_KEYS = ("training", "time_scale_s")
_INIT_KINDS = ("normal", "uniform")


def read_checkpoint(path: str | Path) -> CouplingGraph:
    """Return the model in a checkpoint, whole and well formed.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    OsccError
        ``file.*`` as `read_tensor_bytes` raises it, and what `parse_checkpoint` raises.
    """
    return parse_checkpoint(read_tensor_bytes(path), str(path))


def parse_checkpoint(content: bytes, where: str) -> CouplingGraph:
    """Return the model that the bytes of a checkpoint hold, whole and well formed.

    Parameters
    ----------
    content : bytes
    where : str
        The file, for errors.

    Returns
    -------
    CouplingGraph
        With the SHA-256 of the bytes as ``model_hash``.

    Raises
    ------
    OsccError
        ``file.not-safetensors`` as `parse_tensors` raises it; ``checkpoint.schema``, ``checkpoint.metadata``,
        ``checkpoint.family``, ``checkpoint.tensor`` for a missing, unknown or wrongly typed tensor; ``checkpoint.G001``
        and so on for what `diagnose_graph` finds; ``checkpoint.unread`` for parameters that the family does not read
        but are not zero.
    """
    file = parse_tensors(content, where)
    _check_schema(file, where)
    _check_tensors(file, where)
    graph = _build_graph(file, where)
    for finding in diagnose_graph(graph):
        raise _as_error(finding, where)
    _check_unread_parameters(graph, where)
    return graph


def write_checkpoint(path: str | Path, graph: CouplingGraph) -> None:
    """Write a model as a checkpoint; equal models give equal bytes.

    Parameters
    ----------
    path : str or Path
        Replaced when it is a file.
    graph : CouplingGraph
        ``model_hash`` is not written: it is the hash of the bytes.

    Raises
    ------
    OsccError
        As `pack_checkpoint` raises it; ``file.write`` when the file cannot be written.
    """
    write_bytes(path, pack_checkpoint(graph, str(path)), "file.write")


def pack_checkpoint(graph: CouplingGraph, where: str) -> bytes:
    """Return a model as the bytes of a checkpoint; equal models give equal bytes.

    Parameters
    ----------
    graph : CouplingGraph
        ``model_hash`` is not written: it is the hash of the bytes.
    where : str
        The file, for errors.

    Raises
    ------
    OsccError
        When `parse_checkpoint` would refuse the model.
    """
    for finding in diagnose_graph(graph):
        raise _as_error(finding, where)
    tensors = {
        "coupling.src": graph.src,
        "coupling.dst": graph.dst,
        "coupling.weight": graph.weight,
        **{name: getattr(graph, name) for name in NODE_TENSORS},
        "chunk_duration": graph.chunk_duration,
        "readout.node": graph.readout,
    }
    if graph.position is not None:
        tensors["node.position"] = graph.position
    model: dict[str, Any] = {
        "name": graph.name,
        "family": graph.family,
        "image_shape": list(graph.image_shape),
        "init": {"kind": graph.init.kind, "mean": float(graph.init.mean), "std": float(graph.init.std)},
        "readout": {"kind": _family_of(graph.family, where).readout},
        "training": graph.training,
    }
    if graph.time_scale_s is not None:
        scale = graph.time_scale_s
        model["time_scale_s"] = float(scale[0]) if len(scale) == 1 else [float(value) for value in scale]
    _parse_model(model, graph.chunks, where)
    _check_unread_parameters(graph, where)
    try:
        text = json.dumps(model, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OsccError("checkpoint.metadata", f"training: not JSON ({error})", where=where) from None
    return pack_tensors(tensors, {SCHEMA_KEY: SCHEMA, MODEL_KEY: text})


def _check_schema(file: TensorFile, where: str) -> None:
    schema = file.metadata.get(SCHEMA_KEY)
    if schema is None:
        raise OsccError(
            "checkpoint.schema",
            f"metadata has no '{SCHEMA_KEY}': this safetensors file is not an oscc checkpoint",
            where=where,
        )
    if schema != SCHEMA:
        raise OsccError("checkpoint.schema", f"{SCHEMA_KEY} is '{schema}'; this version reads '{SCHEMA}'", where=where)


def _check_tensors(file: TensorFile, where: str) -> None:
    """Check presence, type and number of dimensions; the sizes are `diagnose_graph`'s."""
    for name in sorted(file.dtypes.keys() - _TENSORS.keys()):
        raise OsccError(
            "checkpoint.tensor", f"'{name}' is not a tensor of a checkpoint{did_you_mean(name, _TENSORS)}", where=where
        )
    for name, (dtype, dims) in _TENSORS.items():
        wanted = f"{dtype} [{', '.join(dims)}]"
        if name not in file.dtypes:
            if name in _OPTIONAL_TENSORS:
                continue
            raise OsccError("checkpoint.tensor", f"{name}: missing; expected {wanted}", where=where)
        if file.dtypes[name] != dtype:
            raise OsccError("checkpoint.tensor", f"{name}: type {file.dtypes[name]}, expected {wanted}", where=where)
        shape = file.tensors[name].shape
        if len(shape) != len(dims):
            raise OsccError("checkpoint.G001", f"{name}: shape {list(shape)}, expected {wanted}", where=where)


def _build_graph(file: TensorFile, where: str) -> CouplingGraph:
    tensors = file.tensors
    text = file.metadata.get(MODEL_KEY)
    if text is None:
        raise OsccError("checkpoint.metadata", f"metadata has no '{MODEL_KEY}'", where=where)
    try:
        model = parse_json(text)
    except JsonError as error:
        raise OsccError("checkpoint.metadata", f"{MODEL_KEY}: not JSON ({error})", where=where) from None
    parsed = _parse_model(model, tensors["chunk_duration"].size, where)
    pixels, (rows, cols) = tensors["readout.node"].size, parsed["image_shape"]
    if rows * cols != pixels:
        raise OsccError(
            "checkpoint.metadata",
            f"image_shape: {rows} x {cols} is {rows * cols} pixels, but readout.node has {pixels}",
            where=where,
        )
    return CouplingGraph(
        src=tensors["coupling.src"],
        dst=tensors["coupling.dst"],
        weight=tensors["coupling.weight"],
        shil=tensors["shil"],
        field=tensors["field"],
        detuning=tensors["detuning"],
        chunk_duration=tensors["chunk_duration"],
        position=tensors.get("node.position"),
        readout=tensors["readout.node"],
        model_hash=file.sha256,
        **parsed,
    )


def _parse_model(model: Any, chunks: int, where: str) -> dict[str, Any]:
    """Return the fields of a `CouplingGraph` that the JSON of ``oscc.model`` holds, checked one by one."""

    def fault(message: str) -> OsccError:
        return OsccError("checkpoint.metadata", message, where=where)

    _check_keys(MODEL_KEY, model, _REQUIRED_KEYS, _OPTIONAL_KEYS, where)
    name, family = model["name"], model["family"]
    if not isinstance(name, str) or not name.strip() or not name.isprintable():
        raise fault(f"name: {name!r}, expected a line of text")
    readouts = (_family_of(family, where).readout,)
    shape = model["image_shape"]
    if not (isinstance(shape, list) and len(shape) == 2 and all(type(size) is int and size > 0 for size in shape)):
        raise fault(f"image_shape: {shape!r}, expected [rows, columns], two positive integers")

    init, readout = model["init"], model["readout"]
    _check_keys("init", init, ("kind", "mean", "std"), (), where)
    _check_keys("readout", readout, ("kind",), (), where)
    for key, kind, kinds in (("init", init["kind"], _INIT_KINDS), ("readout", readout["kind"], readouts)):
        if kind not in kinds:
            guess = did_you_mean(kind, kinds) if isinstance(kind, str) else f"; accepted: {', '.join(kinds)}"
            raise fault(f"{key}.kind: {kind!r} is not known{guess}")
    if not _is_finite(init["mean"]):
        raise fault(f"init.mean: {init['mean']!r}, expected a finite number [rad]")
    if not _is_finite(init["std"]) or init["std"] < 0:
        raise fault(f"init.std: {init['std']!r}, expected a finite number [rad], not negative")

    return {
        "name": name,
        "family": family,
        "image_shape": (shape[0], shape[1]),
        "init": InitialPhases(init["kind"], float(init["mean"]), float(init["std"])),
        "time_scale_s": _parse_time_scale(model.get("time_scale_s"), chunks, where),
        "training": model.get("training", {}),
    }


def _family_of(name: Any, where: str) -> Family:
    try:
        return family_named(name if isinstance(name, str) else repr(name))
    except ValueError as error:
        raise OsccError("checkpoint.family", f"family: {error}", where=where) from None


def _parse_time_scale(given: Any, chunks: int, where: str) -> tuple[float, ...] | None:
    if given is None:
        return None
    values = given if isinstance(given, list) else [given]
    if isinstance(given, list) and len(given) != chunks:
        raise OsccError(
            "checkpoint.metadata",
            f"time_scale_s: {len(given)} values for {chunks} chunks, expected one number or one per chunk [s]",
            where=where,
        )
    for value in values:
        if not _is_finite(value) or value <= 0:
            raise OsccError(
                "checkpoint.metadata", f"time_scale_s: {value!r}, expected positive finite seconds", where=where
            )
    return tuple(float(value) for value in values)


def _check_keys(section: str, given: Any, required: tuple[str, ...], optional: tuple[str, ...], where: str) -> None:
    accepted = (*required, *optional)
    if not isinstance(given, dict):
        raise OsccError(
            "checkpoint.metadata", f"{section}: {given!r}, expected an object with {', '.join(accepted)}", where=where
        )
    for key in given:
        if key not in accepted:
            raise OsccError(
                "checkpoint.metadata", f"{section}: unknown key '{key}'{did_you_mean(key, accepted)}", where=where
            )
    for key in required:
        if key not in given:
            raise OsccError("checkpoint.metadata", f"{section}: key '{key}' is missing", where=where)


def _is_finite(value: Any) -> bool:
    # Integers of JSON can be too long for a float.
    return type(value) in (int, float) and abs(value) < sys.float_info.max and math.isfinite(value)


def _check_unread_parameters(graph: CouplingGraph, where: str) -> None:
    family = family_named(graph.family)
    for name in NODE_TENSORS:
        if name in family.node_parameters:
            continue
        stray = np.argwhere(getattr(graph, name))
        if len(stray):
            raise OsccError(
                "checkpoint.unread",
                f"{name}: family '{graph.family}' does not read it, so it must be zero; {len(stray)} values are not, "
                f"the first at {stray[0].tolist()}",
                where=where,
            )


def _as_error(finding: Finding, where: str) -> OsccError:
    return OsccError(f"checkpoint.{finding.code}", finding.message, where=where, hint=finding.fix)
