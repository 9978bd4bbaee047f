"""A model that the compiler made or changed on the way, as a checkpoint for as long as it is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oscc.compiler.checkpoint import write_checkpoint
from oscc.compiler.errors import OsccError
from oscc.compiler.graph import CouplingGraph


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
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{original.stem}.safetensors"
        write_checkpoint(path, graph)
        try:
            yield path
        except OsccError as error:
            if str(path) not in error.where:
                raise
            where = error.where.replace(str(path), str(original))
            raise OsccError(error.code, error.message, where=where, hint=error.hint) from None
