"""Load: reads a checkpoint."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph


@dataclass(frozen=True)
class LoadPass:
    """Reads a model from a checkpoint.

    Parameters
    ----------
    path : str or Path
    """

    path: str | Path
    name: ClassVar[str] = "load"
    description: ClassVar[str] = "read the checkpoint and check that it is well formed"

    def run(self, level: None) -> CouplingGraph:
        """The model.

        Raises
        ------
        OsccError
            As `read_checkpoint` raises it.
        """
        return read_checkpoint(self.path)
