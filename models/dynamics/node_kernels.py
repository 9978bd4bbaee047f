"""The equation at a node, as compiled kernels, forward and backward: one set for each form of interaction.

A node shows its neighbours one or two signals: sine and cosine of a phase, or its real state. From the weighted sums of
its neighbours' signals (`oscc.models.dynamics.coupling_sums`), its own signals and its own parameters comes the slope
of its state. With sin(x_j - x_i) = sin(x_j) cos(x_i) - cos(x_j) sin(x_i), phases need no sine per coupling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from oscc.base.kernels import kernel
from oscc.core.families import Family
from oscc.models.dynamics.coupling_sums import REORDERED
from oscc.models.dynamics.sincos import sincos


@dataclass(frozen=True)
class NodeKernels:
    """The kernels of one form of interaction.

    N nodes, B samples, S signals; ``parameters`` is float[3, N]: shil, field, detuning, as in checkpoints.

    Parameters
    ----------
    signals : int
        S.
    show : callable
        ``show(state, slope, reach, constants, signals)``: the signals of state + reach x slope.
    slope : callable
        ``slope(signals, sums, parameters, weight, slope, total)``: overwrites ``slope`` and adds weight x slope to
        ``total``.
    slope_vjp : callable
        ``slope_vjp(signals, sums, parameters, given, sum_slopes, own, parameter_slopes)``: from the derivative
        ``given`` with respect to the slope, those with respect to the sums, to the node's own state (both overwritten),
        and to its parameters (added to). ``sum_slopes`` may be ``sums`` itself.
    state_vjp : callable
        ``state_vjp(signals, signal_slopes, own, added)``: adds to ``own`` what comes back through the signals that the
        neighbours saw, and the result to ``added``.
    """

    signals: int
    show: Callable[..., None]
    slope: Callable[..., None]
    slope_vjp: Callable[..., None]
    state_vjp: Callable[..., None]


@kernel(nogil=True)
def _show_phases(state, slope, reach, constants, signals):  # type: ignore[no-untyped-def]
    for i in range(state.shape[0]):
        sine, cosine = signals[0, i], signals[1, i]
        for b in range(state.shape[1]):
            sine[b], cosine[b] = sincos(state[i, b] + reach * slope[i, b], constants)


@kernel(nogil=True, fastmath=REORDERED)
def _slope_of_phases(signals, sums, parameters, weight, slope, total):  # type: ignore[no-untyped-def]
    for i in range(slope.shape[0]):
        twice_s, h, w = parameters[0, i] + parameters[0, i], parameters[1, i], parameters[2, i]
        for b in range(slope.shape[1]):
            s, c = signals[0, i, b], signals[1, i, b]
            # -S sin 2x = -2 S sin x cos x; the field acts as a coupling from an oscillator at phase 0.
            value = w + c * (sums[0, i, b] - twice_s * s) - s * (sums[1, i, b] + h)
            slope[i, b] = value
            total[i, b] += weight * value


@kernel(nogil=True, fastmath=REORDERED)
def _slope_of_phases_vjp(signals, sums, parameters, given, sum_slopes, own, parameter_slopes):  # type: ignore[no-untyped-def]
    for i in range(given.shape[0]):
        twice_s, h = parameters[0, i] + parameters[0, i], parameters[1, i]
        shil = field = detuning = parameters[0, i] - parameters[0, i]
        for b in range(given.shape[1]):
            s, c, g = signals[0, i, b], signals[1, i, b], given[i, b]
            own[i, b] = -g * ((sums[1, i, b] + h) * c + sums[0, i, b] * s + twice_s * (c * c - s * s))
            sum_slopes[0, i, b] = g * c
            sum_slopes[1, i, b] = -g * s
            shil -= g * s * c
            field -= g * s
            detuning += g
        parameter_slopes[0, i] += shil + shil
        parameter_slopes[1, i] += field
        parameter_slopes[2, i] += detuning


@kernel(nogil=True, fastmath=REORDERED)
def _phases_vjp(signals, signal_slopes, own, added):  # type: ignore[no-untyped-def]
    for i in range(own.shape[0]):
        for b in range(own.shape[1]):
            value = own[i, b] + signal_slopes[0, i, b] * signals[1, i, b] - signal_slopes[1, i, b] * signals[0, i, b]
            own[i, b] = value
            added[i, b] += value


@kernel(nogil=True, fastmath=REORDERED)
def combine(first, x, second, y, total):  # type: ignore[no-untyped-def]
    """Compute ``total`` = first x + second y, element by element.

    Parameters
    ----------
    first, second : float
    x, y : float[N, B]
    total : float[N, B]
        Overwritten.
    """
    for i in range(total.shape[0]):
        for b in range(total.shape[1]):
            total[i, b] = first * x[i, b] + second * y[i, b]


@kernel(nogil=True, fastmath=REORDERED)
def _show_reals(state, slope, reach, constants, signals):  # type: ignore[no-untyped-def]
    for i in range(state.shape[0]):
        for b in range(state.shape[1]):
            signals[0, i, b] = state[i, b] + reach * slope[i, b]


@kernel(nogil=True, fastmath=REORDERED)
def _reals_vjp(signals, signal_slopes, own, added):  # type: ignore[no-untyped-def]
    for i in range(own.shape[0]):
        for b in range(own.shape[1]):
            value = own[i, b] + signal_slopes[0, i, b]
            own[i, b] = value
            added[i, b] += value


@kernel(nogil=True, fastmath=REORDERED)
def _slope_of_cubic(signals, sums, parameters, weight, slope, total):  # type: ignore[no-untyped-def]
    for i in range(slope.shape[0]):
        gain, h = parameters[0, i], parameters[1, i]
        for b in range(slope.shape[1]):
            x = signals[0, i, b]
            value = x * (gain - x * x) + sums[0, i, b] + h
            slope[i, b] = value
            total[i, b] += weight * value


@kernel(nogil=True, fastmath=REORDERED)
def _slope_of_cubic_vjp(signals, sums, parameters, given, sum_slopes, own, parameter_slopes):  # type: ignore[no-untyped-def]
    for i in range(given.shape[0]):
        gain = parameters[0, i]
        of_gain = field = gain - gain
        for b in range(given.shape[1]):
            x, g = signals[0, i, b], given[i, b]
            sum_slopes[0, i, b] = g
            own[i, b] = g * (gain - x * x - x * x - x * x)
            of_gain += g * x
            field += g
        parameter_slopes[0, i] += of_gain
        parameter_slopes[1, i] += field


@kernel(nogil=True)
def _slope_of_leak(signals, sums, parameters, weight, slope, total):  # type: ignore[no-untyped-def]
    for i in range(slope.shape[0]):
        h = parameters[1, i]
        for b in range(slope.shape[1]):
            value = np.tanh(sums[0, i, b] + h) - signals[0, i, b]
            slope[i, b] = value
            total[i, b] += weight * value


@kernel(nogil=True)
def _slope_of_leak_vjp(signals, sums, parameters, given, sum_slopes, own, parameter_slopes):  # type: ignore[no-untyped-def]
    for i in range(given.shape[0]):
        h = parameters[1, i]
        field = h - h
        for b in range(given.shape[1]):
            g, pull = given[i, b], np.tanh(sums[0, i, b] + h)
            through = g - g * pull * pull
            sum_slopes[0, i, b] = through
            own[i, b] = -g
            field += through
        parameter_slopes[1, i] += field


PHASES = NodeKernels(2, _show_phases, _slope_of_phases, _slope_of_phases_vjp, _phases_vjp)
CUBIC = NodeKernels(1, _show_reals, _slope_of_cubic, _slope_of_cubic_vjp, _reals_vjp)
LEAK = NodeKernels(1, _show_reals, _slope_of_leak, _slope_of_leak_vjp, _reals_vjp)

_KERNELS: dict[tuple[str, str], NodeKernels] = {
    ("sin-difference", "shil"): PHASES,
    # Without SHIL its parameter is zero.
    ("sin-difference", "none"): PHASES,
    ("linear", "cubic"): CUBIC,
    ("tanh-linear", "leak"): LEAK,
}


def node_kernels(family: Family) -> NodeKernels:
    """Return the kernels of a family, chosen by what its declaration says of interaction and self term.

    Parameters
    ----------
    family : Family
        Parameters that it does not read must be zero.

    Raises
    ------
    ValueError
        When a family combines an interaction and a self term for which there are no kernels.
    """
    key = (family.interaction, family.self_term)
    if key not in _KERNELS:
        raise ValueError(f"no kernels for interaction '{key[0]}' with self term '{key[1]}'")
    return _KERNELS[key]
