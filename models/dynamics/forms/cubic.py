"""dx_i/dt = a_i x_i - x_i^3 + sum_j J_ij x_j + h_i: real states, linear couplings, a cubic term."""

from __future__ import annotations

import torch
from torch import Tensor

from oscc.base.kernels import kernel
from oscc.models.dynamics.coupling_sums import REORDERED
from oscc.models.dynamics.form import Form
from oscc.models.dynamics.node_kernels import NodeKernels, reals_vjp, show_reals
from oscc.models.dynamics.torch_sums import TorchCouplings, coupled_sums


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


def torch_slope(state: Tensor, weight: Tensor, parameters: Tensor, couplings: TorchCouplings) -> Tensor:
    """Return the right-hand side in PyTorch's own operations; see `TorchSlope`."""
    gain, field, _ = (row[:, None] for row in parameters)
    pull = coupled_sums(state[None], weight, couplings)[0]
    return torch.add(state * (gain - state * state) + pull, field)


FORM = Form(
    terms=(("linear", "cubic"),),
    kernels=NodeKernels(1, show_reals, _slope_of_cubic, _slope_of_cubic_vjp, reals_vjp),
    torch_slope=torch_slope,
)
