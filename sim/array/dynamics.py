"""The array's dynamics as compiled kernels: one sincos per oscillator, then a weighted sum over its couplings.

    dtheta_i/dt = w_i + sum_j K_ij sin(theta_j - theta_i) - S_i sin(2 theta_i) - h_i sin(theta_i)

With sin(theta_j - theta_i) = sin(theta_j) cos(theta_i) - cos(theta_j) sin(theta_i), a right-hand side costs one sine
and one cosine per oscillator instead of one sine per coupling; the rest are multiplications and additions.

A sample comes out bit-identical whatever other samples run beside it, so the kernels use no fast-math option and add
the couplings of a cell one after the other in slot order.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel, run_kernel
from oscc.core.stencil import Stencil
from oscc.models.dynamics.integrators import Integrator
from oscc.models.dynamics.sincos import sincos, sincos_constants


class CouplingLists(NamedTuple):
    """The couplings that are not zero, cell by cell, cells in row-major order.

    Parameters
    ----------
    counts : int32[cells]
        Couplings into each cell.
    source : int32[cells, slots]
        Cell from which each comes; the first ``counts`` of a cell count, in slot order.
    strength : float[cells, slots]
        K of each [rad per unit of time].
    """

    counts: NDArray[np.int32]
    source: NDArray[np.int32]
    strength: NDArray[Any]


def list_couplings(coupling: NDArray[Any], stencil: Stencil, dtype: np.dtype[Any]) -> CouplingLists:
    """Return couplings on a stencil as lists, without the zeros and without those that point over the open border.

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
        counts=used.sum(axis=1).astype(np.int32),
        source=np.take_along_axis(source, order, axis=1).astype(np.int32),
        strength=np.take_along_axis(coupling.reshape(-1, slots), order, axis=1).astype(dtype),
    )


class NodeRates(NamedTuple):
    """What acts on each cell besides its couplings, cells in row-major order.

    Parameters
    ----------
    shil, field, detuning : float[cells]
        S, h, w [rad per unit of time].
    """

    shil: NDArray[Any]
    field: NDArray[Any]
    detuning: NDArray[Any]


@kernel(nogil=True)
def _integrate(theta, couplings, nodes, coefficients, constants):  # type: ignore[no-untyped-def]
    count, source, strength = couplings
    shil, field, detuning = nodes
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
    KeyboardInterrupt
        When one came, after the steps; the phases are then somewhere.
    """
    run_kernel(
        _integrate,
        theta,
        couplings,
        nodes,
        integrator.coefficients(steps).astype(theta.dtype),
        sincos_constants(theta.dtype),
    )
