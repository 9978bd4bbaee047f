"""dx_i/dt = -x_i + tanh(sum_j J_ij x_j + h_i): real states that leak, couplings that saturate."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from oscc.base.kernels import kernel
from oscc.models.dynamics.form import Form
from oscc.models.dynamics.node_kernels import NodeKernels, reals_vjp, show_reals
from oscc.models.dynamics.torch_sums import TorchCouplings, coupled_sums


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


def torch_slope(state: Tensor, weight: Tensor, parameters: Tensor, couplings: TorchCouplings) -> Tensor:
    """Return the right-hand side in PyTorch's own operations; see `TorchSlope`."""
    _, field, _ = (row[:, None] for row in parameters)
    pull = coupled_sums(state[None], weight, couplings)[0]
    return torch.tanh(pull + field) - state


FORM = Form(
    terms=(("tanh-linear", "leak"),),
    kernels=NodeKernels(1, show_reals, _slope_of_leak, _slope_of_leak_vjp, reals_vjp),
    torch_slope=torch_slope,
)
