"""Steps of the probability flow in float: what a step on a core is compared with.

The flow of points under noise of standard deviation s is dx/ds = (x - D(x, s)) / s, D the denoiser (T. Karras,
M. Aittala, T. Aila and S. Laine, Elucidating the design space of diffusion-based generative models, NeurIPS 2022,
equation 4). A step leads from the level s to a lower one s'.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError

Points = NDArray[np.float64]
Denoiser = Callable[[Points, float], Points]
"""From float64[n, d] and a standard deviation of the noise to float64[n, d]."""

RELAXATION = 0.25
"""Length, in time constants of the leak, of a move towards the rest point."""


class RestPoint(NamedTuple):
    """Where relaxing ended.

    Parameters
    ----------
    points : float64[n, d]
    residual : float64[n]
        Distance of each from where the implicit equation would put it.
    """

    points: Points
    residual: NDArray[np.float64]


def noise_levels(start: float, end: float, steps: int) -> tuple[float, ...]:
    """Return the levels, each the same fraction of the one before, that a number of steps leads through.

    Parameters
    ----------
    start, end : float
        First and last standard deviation; start > end > 0.
    steps : int
        At least 1; there is one level more.

    Raises
    ------
    OsccError
        ``diffusion.levels``.
    """
    if not (np.isfinite(start) and start > end > 0 and steps >= 1):
        raise OsccError(
            "diffusion.levels",
            f"noise levels from {start:g} to {end:g} in {steps} steps",
            hint="give a start above an end above 0, and at least one step",
        )
    return tuple(float(level) for level in np.geomspace(start, end, steps + 1))


def euler_step(denoiser: Denoiser, points: Points, level: float, lower: float) -> Points:
    """Move points, float64[n, d], along the slope at their level; one call of the denoiser."""
    return points + (lower - level) * (points - denoiser(points, level)) / level


def heun_step(denoiser: Denoiser, points: Points, level: float, lower: float) -> Points:
    """Move points, float64[n, d], along the mean slope of both ends of an Euler step; two calls of the denoiser."""
    slope = (points - denoiser(points, level)) / level
    ahead = points + (lower - level) * slope
    return points + (lower - level) * (slope + (ahead - denoiser(ahead, lower)) / lower) / 2


def rest_point(denoiser: Denoiser, points: Points, level: float, lower: float, most: int = 400) -> RestPoint:
    """Relax points towards the end of an implicit step, x' = (x + r D(x', s')) / (1 + r) with r = (s - s') / s'.

    Where the denoiser is steep that equation has several solutions. The one meant is the one that
    dx'/dt = (x + r D(x', s')) / (1 + r) - x' leads to from x' = x, as an array does.

    Parameters
    ----------
    denoiser : callable
    points : float64[n, d]
        x.
    level, lower : float
        s and s'.
    most : int
        Moves of `RELAXATION` time constants at most; fewer where every residual is below 1e-6 before.
    """
    ratio = (level - lower) / lower
    found = points
    for _ in range(most):
        gap = (points + ratio * denoiser(found, lower)) / (1 + ratio) - found
        if np.abs(gap).max(initial=0.0) < 1e-6:
            break
        found = found + RELAXATION * gap
    gap = (points + ratio * denoiser(found, lower)) / (1 + ratio) - found
    return RestPoint(found, np.sqrt(np.square(gap).sum(axis=1)))


def implicit_step(denoiser: Denoiser, points: Points, level: float, lower: float) -> Points:
    """Move points, float64[n, d], to the rest point of an implicit step."""
    return rest_point(denoiser, points, level, lower).points


STEPS: dict[str, Callable[[Denoiser, Points, float, float], Points]] = {
    "euler": euler_step,
    "heun": heun_step,
    "implicit": implicit_step,
}
"""The kinds of step."""


def follow_flow(kind: str, denoiser: Denoiser, points: Points, levels: tuple[float, ...]) -> Points:
    """Lead points, float64[n, d], through noise levels.

    Parameters
    ----------
    kind : str
        A key of `STEPS`.
    denoiser : callable
    points : float64[n, d]
        At the first level.
    levels : tuple of float
        Falling, as `noise_levels` gives them.
    """
    step = STEPS[kind]
    for level, lower in itertools.pairwise(levels):
        points = step(denoiser, points, level, lower)
    return points
