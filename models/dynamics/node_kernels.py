"""The kernels of an equation at a node, forward and backward, and those that several forms of dynamics share.

A node shows its neighbours one or two signals: sine and cosine of a phase, or its real state. From the weighted sums of
its neighbours' signals (`oscc.models.dynamics.coupling_sums`), its own signals and its own parameters comes the slope
of its state. With sin(x_j - x_i) = sin(x_j) cos(x_i) - cos(x_j) sin(x_i), phases need no sine per coupling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oscc.base.kernels import kernel
from oscc.models.dynamics.coupling_sums import REORDERED


@dataclass(frozen=True)
class NodeKernels:
    """The compiled kernels of one form of dynamics.

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
def show_reals(state, slope, reach, constants, signals):  # type: ignore[no-untyped-def]
    """Show the neighbours real states as they are: the only signal is state + reach x slope.

    Parameters
    ----------
    state, slope : float[N, B]
    reach : float
        [model time]
    constants : SincosConstants
        Not used: there are no phases.
    signals : float[1, N, B]
        Overwritten.
    """
    for i in range(state.shape[0]):
        for b in range(state.shape[1]):
            signals[0, i, b] = state[i, b] + reach * slope[i, b]


@kernel(nogil=True, fastmath=REORDERED)
def reals_vjp(signals, signal_slopes, own, added):  # type: ignore[no-untyped-def]
    """Add what comes back through the signals that the neighbours saw of real states.

    Parameters
    ----------
    signals : float[1, N, B]
        Not used: the signal is the state.
    signal_slopes : float[1, N, B]
        Derivative with respect to the signals.
    own : float[N, B]
        Derivative with respect to the node's own state; the whole derivative afterwards.
    added : float[N, B]
        Added to: the whole derivative.
    """
    for i in range(own.shape[0]):
        for b in range(own.shape[1]):
            value = own[i, b] + signal_slopes[0, i, b]
            own[i, b] = value
            added[i, b] += value
