"""The options of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.core.spec import CoreSpec
from oscc.models.quality.sampling import Conditions, noise_named


@dataclass(frozen=True)
class EvaluationOptions:
    """The conditions of an evaluation: how samples are drawn, and what they are compared with.

    Parameters
    ----------
    dataset : str or None
        What the model was trained on where it is None, as its receipt says.
    data : Path or None
        Folder with the data set's file.
    extractor : Path or None
        Weights of the extractor of FD-LeNet, in place of those that come with the package for the data set.
    inception : Path or None
        Weights of the Inception network, for FID as well.
    core : CoreSpec or None
        The core whose codes the model runs with; at full precision without one.
    noise : str
        Name of a level of `oscc.models.quality.sampling.NOISE`.
    samples : int
        In a set.
    seeds : int
        Sets of samples, from different noise.
    step : float
        Longest RK4 step [model time].
    threads : int

    Raises
    ------
    OsccError
        ``evaluation.noise`` when there is no such level.
    """

    dataset: str | None = None
    data: Path | None = None
    extractor: Path | None = None
    inception: Path | None = None
    core: CoreSpec | None = None
    noise: str = "none"
    samples: int = 10_000
    seeds: int = 1
    step: float = 0.1
    threads: int = 1

    def __post_init__(self) -> None:
        noise_named(self.noise)

    @property
    def conditions(self) -> tuple[Conditions, ...]:
        """Return how each set of samples is drawn: alike but for the seed."""
        noise = noise_named(self.noise)
        return tuple(Conditions(self.core, noise, self.step, seed, self.threads) for seed in range(self.seeds))

    def to_dict(self) -> dict[str, Any]:
        """Return how the samples are drawn, as JSON."""
        return {
            "core": None if self.core is None else self.core.name,
            "coupling_bits": None if self.core is None else self.core.coupling_dac.bits,
            "noise": self.noise,
            "step": self.step,
        }


DEFAULTS = EvaluationOptions()
"""Full precision, no noise, one set of samples, against the data that a model was trained on."""
