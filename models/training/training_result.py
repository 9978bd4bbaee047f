"""The result of a training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.graph import CouplingGraph
from oscc.models.training.training_config import TrainingConfig

OF_CODES = ("code_use", "warnings")
"""Keys of `CompileResult.summary` that a result repeats of the model on its core."""


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """A model that was trained, and how.

    Parameters
    ----------
    config : TrainingConfig
    graph : CouplingGraph
        The model, with its receipt.
    model : Path or None
        Its checkpoint; None where nothing was written.
    iterations : int
        That are done, in all processes together.
    resumed_at : int
        Iterations that were done before.
    remarks : tuple of str
        What a user should know of the state that the training went on from.
    seconds : float
        Wall time, in all processes together.
    losses : mapping of str to float
        The last ones that were kept, with their ``iteration``.
    checked : CompileResult or None
        The model on the core that it was trained for; None without one.
    """

    config: TrainingConfig
    graph: CouplingGraph
    model: Path | None
    iterations: int
    resumed_at: int
    remarks: tuple[str, ...]
    seconds: float
    losses: Mapping[str, float]
    checked: CompileResult | None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON."""
        summary = {} if self.checked is None else self.checked.summary()
        return {
            "model": None if self.model is None else str(self.model),
            "iterations": self.iterations,
            "resumed_at": self.resumed_at,
            "remarks": list(self.remarks),
            "wall_s": round(self.seconds, 1),
            "losses": dict(self.losses),
            **{name: summary[name] for name in OF_CODES if name in summary},
        }
