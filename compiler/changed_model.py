"""A model that the compiler made or changed on the way, as a checkpoint for as long as it is needed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oscc.compiler.checkpoint import write_checkpoint
from oscc.compiler.graph import CouplingGraph


@contextmanager
def changed_model(graph: CouplingGraph, original: Path) -> Iterator[Path]:
    """A checkpoint of a model, named as the file it was made from.

    Parameters
    ----------
    graph : CouplingGraph
    original : Path

    Raises
    ------
    OsccError
        ``file.write``.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{original.stem}.safetensors"
        write_checkpoint(path, graph)
        yield path
