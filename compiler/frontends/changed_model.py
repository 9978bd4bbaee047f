"""A model that the compiler made or changed on the way, as a checkpoint for as long as it is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph

LONGEST_STEM = 200
"""Bytes of a file's name before its suffix; at most 255 are allowed with it."""


@contextmanager
def changed_model(graph: CouplingGraph, original: Path) -> Iterator[Path]:
    """A checkpoint of a model, named as the file it was made from; errors about it name that file.

    Parameters
    ----------
    graph : CouplingGraph
    original : Path

    Raises
    ------
    OsccError
        ``file.write``, and those of the block.
    """
    with scratch_folder() as folder:
        path = folder / f"{_short(original.stem)}.safetensors"
        try:
            write_checkpoint(path, graph)
            yield path
        except OsccError as error:
            if str(path) not in error.where:
                raise
            where = error.where.replace(str(path), str(original))
            raise OsccError(error.code, error.message, where=where, hint=error.hint) from None


def _short(stem: str) -> str:
    """Return as much of a name as leaves room for another suffix: a file system counts its bytes."""
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[:-1]
    return stem
