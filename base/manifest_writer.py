"""Writing the manifest of an output folder: one writer for all verbs that make one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypedDict

from oscc.base.manifest import MANIFEST, SCHEMA
from oscc.base.output_folder import file_hash, write_json


class OutputEntry(TypedDict):
    """What a manifest says of a file."""

    sha256: str
    bytes: int


def described_tool() -> dict[str, str]:
    """Return what a manifest says of the tool: ``name`` and ``version``."""
    return {"name": "oscc", "version": version("oscc")}


def described_outputs(folder: Path, names: Iterable[str]) -> dict[str, OutputEntry]:
    """Return what a manifest says of files, in the order given.

    Parameters
    ----------
    folder : Path
    names : iterable of str
        Relative, with forward slashes.
    """
    return {name: {"sha256": file_hash(folder / name), "bytes": (folder / name).stat().st_size} for name in names}


def write_manifest(
    folder: Path, inputs: Mapping[str, Any], outputs: Mapping[str, OutputEntry], more: Mapping[str, Any]
) -> None:
    """Write the manifest of a folder, which makes it one that oscc may replace.

    Parameters
    ----------
    folder : Path
    inputs : mapping
        What its files were made of; values are JSON.
    outputs : mapping
        As `described_outputs` returns it.
    more : mapping
        Further keys, such as ``summary`` of a compilation.
    """
    content = {"schema": SCHEMA, "tool": described_tool(), "inputs": inputs, "outputs": outputs, **more}
    write_json(folder / MANIFEST, content)
