"""Mixtures of round Gaussians in the plane: sets of points whose best denoiser is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError, did_you_mean

MOON_CENTRES = 128
"""Centres on each moon: 0.012 apart, far less than the spread of the points around it."""


@dataclass(frozen=True)
class Mixture:
    """Equally likely round Gaussians of one spread.

    Parameters
    ----------
    centres : float64[m, 2]
    spread : float
        Standard deviation of each Gaussian along either axis.
    """

    centres: NDArray[np.float64]
    spread: float

    def denoise(self, points: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        """Compute the mean of the points, float64[n, 2], that noise may have turned into the given ones.

        Parameters
        ----------
        points : float64[n, 2]
        noise : float
            Standard deviation, at least 0, of the noise along either axis.
        """
        variance = self.spread**2 + noise**2
        squares = np.square(points[:, None] - self.centres).sum(axis=2)
        weights = np.exp((squares.min(axis=1, keepdims=True) - squares) / (2 * variance))
        nearest = (weights @ self.centres) / weights.sum(axis=1, keepdims=True)
        mean: NDArray[np.float64] = (self.spread**2 * points + noise**2 * nearest) / variance
        return mean


def _eight_gaussians() -> Mixture:
    angle = np.arange(8) * np.pi / 4
    return Mixture(0.7 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.06)


def _two_moons() -> Mixture:
    angle = np.pi * (np.arange(MOON_CENTRES) + 0.5) / MOON_CENTRES
    x, y = np.cos(angle), np.sin(angle)
    moons = np.concatenate([np.stack([x, y], axis=1), np.stack([1 - x, 0.5 - y], axis=1)])
    return Mixture(0.5 * (moons - [0.5, 0.25]), 0.03)


MIXTURES = {"8-gaussians": _eight_gaussians, "two-moons": _two_moons}
"""The sets of `oscc.models.data.datasets.POINT_SETS` that are mixtures, before they are clipped to -1 and 1."""


def mixture_of(name: str) -> Mixture:
    """Return the mixture that a set of points is drawn from.

    Parameters
    ----------
    name : str
        A key of `MIXTURES`.

    Raises
    ------
    OsccError
        ``diffusion.mixture``.
    """
    if name not in MIXTURES:
        raise OsccError(
            "diffusion.mixture",
            f"'{name}' is no mixture of Gaussians{did_you_mean(name, MIXTURES)}",
            hint=f"known: {', '.join(MIXTURES)}",
        )
    return MIXTURES[name]()
