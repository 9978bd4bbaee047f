"""The array's dynamics as compiled kernels: one sincos per oscillator, then a weighted sum over its couplings.

    dtheta_i/dt = w_i + sum_j K_ij sin(theta_j - theta_i) - S_i sin(2 theta_i) - h_i sin(theta_i)

With sin(theta_j - theta_i) = sin(theta_j) cos(theta_i) - cos(theta_j) sin(theta_i), a right-hand side costs one sine
and one cosine per oscillator instead of one sine per coupling; the rest are multiplications and additions.

A sample comes out bit-identical whatever other samples run beside it, so the kernels use no fast-math option and add
the couplings of a cell one after the other in slot order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from oscc.compiler.errors import OsccError, did_you_mean
from oscc.compiler.stencil import Stencil


@dataclass(frozen=True)
class Integrator:
    """An explicit Runge-Kutta method in which every stage needs only the slope of the stage before.

    Parameters
    ----------
    name : str
    reach : tuple of float
        For each stage, the part of a step by which the state moves along the slope of the stage before.
    weight : tuple of float
        For each stage, the part of a step that its slope contributes to the result; they add up to 1.
    """

    name: str
    reach: tuple[float, ...]
    weight: tuple[float, ...]

    def coefficients(self, steps: NDArray[np.float64]) -> NDArray[np.float64]:
        """`reach` and `weight` times each step, float64[steps, stages, 2].

        Parameters
        ----------
        steps : float64[n]
            Step sizes, in the unit of time of the rates.
        """
        table: NDArray[np.float64] = np.stack([self.reach, self.weight], axis=-1)
        return steps[:, None, None] * table


INTEGRATORS = {
    method.name: method
    for method in (
        Integrator("euler", (0.0,), (1.0,)),
        Integrator("heun", (0.0, 1.0), (1 / 2, 1 / 2)),
        Integrator("rk4", (0.0, 1 / 2, 1 / 2, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
    )
}
"""Every integrator by its name."""


def integrator_named(name: str) -> Integrator:
    """The integrator of a name.

    Raises
    ------
    OsccError
        ``array.integrator`` when there is none.
    """
    if name not in INTEGRATORS:
        raise OsccError("array.integrator", f"'{name}' is not an integrator{did_you_mean(name, INTEGRATORS)}")
    return INTEGRATORS[name]


@dataclass(frozen=True, eq=False)
class CouplingLists:
    """The couplings that are not zero, cell by cell, cells in row-major order.

    Parameters
    ----------
    count : int32[cells]
        Couplings into each cell.
    source : int32[cells, slots]
        Cell from which each comes; the first ``count`` of a cell count, in slot order.
    strength : float[cells, slots]
        K of each [rad per unit of time].
    """

    count: NDArray[np.int32]
    source: NDArray[np.int32]
    strength: NDArray[Any]


def list_couplings(coupling: NDArray[Any], stencil: Stencil, dtype: np.dtype[Any]) -> CouplingLists:
    """Couplings on a stencil as lists, without the zeros and without those that point over the open border.

    Parameters
    ----------
    coupling : float[rows, cols, slots]
        K into each cell [rad per unit of time], slots in the order of ``stencil``.
    stencil : Stencil
    dtype : numpy.dtype
        That of the strengths.
    """
    rows, cols, slots = coupling.shape
    row, col = (axis[..., None] for axis in np.indices((rows, cols), dtype=np.int32))
    from_row, from_col = row + stencil.array[:, 0], col + stencil.array[:, 1]
    inside = (from_row >= 0) & (from_row < rows) & (from_col >= 0) & (from_col < cols)
    used = (inside & (coupling != 0)).reshape(-1, slots)
    # A stable sort by "unused" moves the used slots to the front and keeps their order.
    order = np.argsort(~used, axis=1, kind="stable")
    source = np.where(inside, from_row * cols + from_col, 0).reshape(-1, slots)
    return CouplingLists(
        count=used.sum(axis=1).astype(np.int32),
        source=np.take_along_axis(source, order, axis=1).astype(np.int32),
        strength=np.take_along_axis(coupling.reshape(-1, slots), order, axis=1).astype(dtype),
    )


@dataclass(frozen=True, eq=False)
class NodeRates:
    """What acts on each cell besides its couplings, cells in row-major order.

    Parameters
    ----------
    shil, field, detuning : float[cells]
        S, h, w [rad per unit of time].
    """

    shil: NDArray[Any]
    field: NDArray[Any]
    detuning: NDArray[Any]


class SincosConstants(NamedTuple):
    """Constants of `sincos` in one precision; a plain literal in a kernel would make everything double.

    Parameters
    ----------
    one, half, quarter, four : float
        Numbers of that name.
    turns : float
        2 / pi: quarter turns per radian.
    rounder : float
        1.5 x 2^(bits of the fraction): adding it and taking it away again rounds to the nearest integer.
    right_angle : tuple of float
        pi / 2 in three parts, the first two so short that their product with a count of turns is exact.
    sine, cosine : tuple of float
        Polynomials in r^2, highest power first.
    """

    one: Any
    half: Any
    quarter: Any
    four: Any
    turns: Any
    rounder: Any
    right_angle: tuple[Any, ...]
    sine: tuple[Any, ...]
    cosine: tuple[Any, ...]


def _constants(
    dtype: type[np.floating[Any]],
    fraction_bits: int,
    right_angle: tuple[float, ...],
    sine: tuple[float, ...],
    cosine: tuple[float, ...],
) -> SincosConstants:
    return SincosConstants(
        one=dtype(1.0),
        half=dtype(0.5),
        quarter=dtype(0.25),
        four=dtype(4.0),
        turns=dtype(2 / np.pi),
        rounder=dtype(1.5 * 2**fraction_bits),
        right_angle=tuple(dtype(value) for value in right_angle),
        sine=tuple(dtype(value) for value in sine),
        cosine=tuple(dtype(value) for value in cosine),
    )


# Right angle and polynomials: double from fdlibm (e_rem_pio2.c) and Cephes (sin.c), single from Cephes (sinf.c).
_CONSTANTS = {
    np.dtype(np.float64): _constants(
        np.float64,
        52,
        (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624871116645580e-21),
        (
            1.58962301576546568060e-10,
            -2.50507477628578072866e-8,
            2.75573136213857245213e-6,
            -1.98412698295895385996e-4,
            8.33333333332211858878e-3,
            -1.66666666666666307295e-1,
        ),
        (
            -1.13585365213876817300e-11,
            2.08757008419747316778e-9,
            -2.75573141792967388112e-7,
            2.48015872888517045348e-5,
            -1.38888888888730564116e-3,
            4.16666666666665929218e-2,
        ),
    ),
    np.dtype(np.float32): _constants(
        np.float32,
        23,
        (1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8),
        (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1),
        (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2),
    ),
}


def sincos_constants(dtype: np.dtype[Any]) -> SincosConstants:
    """The constants that the kernels need for phases of a dtype.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64.

    Raises
    ------
    OsccError
        ``array.dtype`` for any other.
    """
    if dtype not in _CONSTANTS:
        raise OsccError("array.dtype", f"phases cannot be {dtype}; accepted: float32, float64")
    return _CONSTANTS[dtype]


@njit(cache=True, nogil=True)
def _polynomial(z, coefficients):  # type: ignore[no-untyped-def]
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * z + coefficient
    return value


@njit(cache=True, nogil=True)
def sincos(x, constants):  # type: ignore[no-untyped-def]
    """Sine and cosine of a phase [rad], in a form that LLVM turns into vector instructions; library calls are not.

    The argument is reduced to within pi / 4 of the nearest multiple of pi / 2 (Cody and Waite), where two polynomials
    apply; the quadrant decides which is which and the signs. The absolute error is below one unit in the last place of
    1 for phases up to 10^4 rad (float32) or 10^6 rad (float64), which no run approaches.

    Parameters
    ----------
    x : float
    constants : SincosConstants
        Of the precision of ``x``.
    """
    k = constants
    turns = (x * k.turns + k.rounder) - k.rounder
    r = ((x - turns * k.right_angle[0]) - turns * k.right_angle[1]) - turns * k.right_angle[2]
    z = r * r
    sine = r + r * z * _polynomial(z, k.sine)
    cosine = k.one - k.half * z + z * z * _polynomial(z, k.cosine)
    # -2 to 2; -2 and 2 are the same quadrant.
    quadrant = turns - k.four * ((turns * k.quarter + k.rounder) - k.rounder)
    odd = abs(quadrant) == k.one
    first = cosine if odd else sine
    second = sine if odd else cosine
    return (
        -first if quadrant < -k.half or quadrant > k.one else first,
        -second if quadrant > k.half or quadrant < -k.one else second,
    )


@njit(cache=True, nogil=True)
def _integrate(theta, count, source, strength, shil, field, detuning, coefficients, constants):  # type: ignore[no-untyped-def]
    cells, batch = theta.shape
    sine, cosine = np.empty_like(theta), np.empty_like(theta)
    slope, total = np.zeros_like(theta), np.empty_like(theta)
    pull_sine, pull_cosine = np.empty_like(theta[0]), np.empty_like(theta[0])
    for step in range(coefficients.shape[0]):
        total[:] = 0
        for stage in range(coefficients.shape[1]):
            reach, weight = coefficients[step, stage, 0], coefficients[step, stage, 1]
            for i in range(cells):
                for b in range(batch):
                    sine[i, b], cosine[i, b] = sincos(theta[i, b] + reach * slope[i, b], constants)
            for i in range(cells):
                pull_sine[:] = 0
                pull_cosine[:] = 0
                for entry in range(count[i]):
                    j, k = source[i, entry], strength[i, entry]
                    for b in range(batch):
                        pull_sine[b] += k * sine[j, b]
                        pull_cosine[b] += k * cosine[j, b]
                # -S sin 2x = -2 S sin x cos x; the field acts as a coupling from an oscillator at phase 0.
                w, h, twice_s = detuning[i], field[i], shil[i] + shil[i]
                for b in range(batch):
                    s, c = sine[i, b], cosine[i, b]
                    slope[i, b] = w + c * (pull_sine[b] - twice_s * s) - s * (pull_cosine[b] + h)
                    total[i, b] += weight * slope[i, b]
        for i in range(cells):
            for b in range(batch):
                theta[i, b] += total[i, b]


def integrate_phases(
    theta: NDArray[Any],
    couplings: CouplingLists,
    nodes: NodeRates,
    steps: NDArray[np.float64],
    integrator: Integrator,
) -> None:
    """Move phases through many steps, in place.

    Parameters
    ----------
    theta : float32[cells, B] or float64[cells, B]
        Phases [rad], not wrapped; C-contiguous.
    couplings : CouplingLists
    nodes : NodeRates
        Both of the dtype of ``theta``.
    steps : float64[n]
        Step sizes, in the unit of time of the rates.
    integrator : Integrator

    Raises
    ------
    OsccError
        ``array.dtype``, as `sincos_constants` does.
    """
    kernel: Any = _integrate
    kernel(
        theta,
        couplings.count,
        couplings.source,
        couplings.strength,
        nodes.shil,
        nodes.field,
        nodes.detuning,
        integrator.coefficients(steps).astype(theta.dtype),
        sincos_constants(theta.dtype),
    )
