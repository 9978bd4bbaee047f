"""A model with its checkpoint in memory: what is compiled, and what an output folder keeps of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from oscc.base.errors import one_line
from oscc.base.tensor_file import read_tensor_bytes
from oscc.compiler.frontends.checkpoint import pack_checkpoint, parse_checkpoint
from oscc.compiler.ir.graph import CouplingGraph

LONGEST_STEM = 200
"""Bytes of a file's name before its suffix; at most 255 are allowed with it."""

SUFFIX = ".safetensors"


@dataclass(frozen=True, eq=False)
class ModelFile:
    """A model and its checkpoint.

    Parameters
    ----------
    name : str
        Of the checkpoint as a file, in one line.
    content : bytes
        The checkpoint.
    graph : CouplingGraph
        What the checkpoint holds; its ``model_hash`` is the SHA-256 of ``content``.
    """

    name: str
    content: bytes
    graph: CouplingGraph

    @classmethod
    def read(cls, path: Path) -> ModelFile:
        """Return the model of a checkpoint, read once.

        Parameters
        ----------
        path : Path

        Raises
        ------
        OsccError
            As `oscc.compiler.frontends.checkpoint.read_checkpoint` raises it.
        """
        content = read_tensor_bytes(path)
        return cls(one_line(path.name), content, parse_checkpoint(content, str(path)))

    @classmethod
    def of(cls, graph: CouplingGraph, original: Path) -> ModelFile:
        """Return a model that was made or changed on the way, named as the file it was made from.

        Parameters
        ----------
        graph : CouplingGraph
        original : Path
            Errors name it.

        Raises
        ------
        OsccError
            As `oscc.compiler.frontends.checkpoint.pack_checkpoint` raises it.
        """
        content = pack_checkpoint(graph, str(original))
        name = one_line(f"{_short(original.stem)}{SUFFIX}")
        return cls(name, content, parse_checkpoint(content, str(original)))


def _short(stem: str) -> str:
    """Return as much of a name as leaves room for another suffix: a file system counts its bytes."""
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1]
    return stem
