"""dx_i/dt = w_i + sum_j K_ij sin(x_j - x_i) - S_i sin 2 x_i - h_i sin x_i: phases, with and without SHIL."""

from __future__ import annotations

import torch
from torch import Tensor

from oscc.base.kernels import kernel
from oscc.models.dynamics.coupling_sums import REORDERED
from oscc.models.dynamics.form import Form
from oscc.models.dynamics.node_kernels import NodeKernels
from oscc.models.dynamics.sincos import sincos
from oscc.models.dynamics.torch_sums import TorchCouplings, coupled_sums


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


def torch_slope(state: Tensor, weight: Tensor, parameters: Tensor, couplings: TorchCouplings) -> Tensor:
    """Return the right-hand side in PyTorch's own operations; see `TorchSlope`."""
    shil, field, detuning = (row[:, None] for row in parameters)
    sine, cosine = torch.sin(state), torch.cos(state)
    pulls = coupled_sums(torch.stack([sine, cosine]), weight, couplings)
    slope: Tensor = detuning + cosine * (pulls[0] - 2 * shil * sine) - sine * (pulls[1] + field)
    return slope


FORM = Form(
    # Without SHIL its parameter is zero.
    terms=(("sin-difference", "shil"), ("sin-difference", "none")),
    kernels=NodeKernels(2, _show_phases, _slope_of_phases, _slope_of_phases_vjp, _phases_vjp),
    torch_slope=torch_slope,
)
