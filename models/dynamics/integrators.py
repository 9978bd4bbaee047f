"""The explicit Runge-Kutta methods that the array, and training, integrate with."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError, did_you_mean


@dataclass(frozen=True)
class Integrator:
    """An explicit Runge-Kutta method in which every stage needs only the slope of the stage before.

    Parameters
    ----------
    name : str
    reach : tuple of float
        For each stage, the fraction of a step by which the state moves along the slope of the stage before.
    weight : tuple of float
        For each stage, the fraction of a step that its slope contributes to the result; they add up to 1.
    """

    name: str
    reach: tuple[float, ...]
    weight: tuple[float, ...]

    def coefficients(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return `reach` and `weight` times each step.

        Parameters
        ----------
        steps : float64[n]
            Step sizes, in the unit of time of the rates.

        Returns
        -------
        float64[n, stages, 2]
            In the unit of time of the rates.
        """
        table: NDArray[np.float64] = np.stack([self.reach, self.weight], axis=-1)
        return steps[:, None, None] * table


@dataclass(frozen=True, eq=False)
class Steps:
    """The steps along a chunk, and how each of them is taken.

    Parameters
    ----------
    sizes : float64[n]
        [model time]
    integrator : Integrator
    """

    sizes: NDArray[np.float64]
    integrator: Integrator

    def coefficients(self) -> NDArray[np.float64]:
        """Return the reach and the weight of every stage of every step, float64[n, stages, 2] [model time]."""
        return self.integrator.coefficients(self.sizes)


INTEGRATORS = {
    method.name: method
    for method in (
        Integrator("euler", (0.0,), (1.0,)),
        Integrator("heun", (0.0, 1.0), (1 / 2, 1 / 2)),
        Integrator("rk4", (0.0, 1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    )
}
"""Every integrator by its name.

Coefficients: E. Hairer, S. P. Norsett and G. Wanner, Solving ordinary differential equations I, Springer 1993, II.1.
"""


def integrator_named(name: str) -> Integrator:
    """Return the integrator of a name.

    Parameters
    ----------
    name : str
        A key of `INTEGRATORS`.

    Raises
    ------
    OsccError
        ``array.integrator`` when there is none.
    """
    if name not in INTEGRATORS:
        raise OsccError("array.integrator", f"'{name}' is not an integrator{did_you_mean(name, INTEGRATORS)}")
    return INTEGRATORS[name]


def even_steps(duration: float, longest: float) -> NDArray[np.float64]:
    """Return equal steps that fill a duration, none longer than ``longest``.

    Parameters
    ----------
    duration, longest : float
        [model time]

    Returns
    -------
    float64[n]
        [model time]
    """
    count = max(1, math.ceil(duration / longest * (1 - 1e-12)))
    return np.full(count, duration / count)
