"""Mean and spread of figures that were measured several times, from different noise."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Some figures as two.

    Parameters
    ----------
    mean : float
    spread : float
        Sample standard deviation; 0 for a single figure.
    """

    mean: float
    spread: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Compute mean and spread.

        Parameters
        ----------
        values : sequence of float
            At least one.
        """
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0)

    def to_dict(self) -> dict[str, float]:
        """Return both as JSON."""
        return {"mean": self.mean, "spread": self.spread}
