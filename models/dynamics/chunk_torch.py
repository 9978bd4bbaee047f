"""A chunk of a run in PyTorch's own operations, for devices that the compiled kernels do not run on.

With ``torch.compile`` a right-hand side becomes one kernel that sums over a node's couplings, in registers, and its way
back another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from oscc.models.dynamics.form import Form, TorchSlope
from oscc.models.dynamics.integrators import Steps
from oscc.models.dynamics.torch_sums import TorchCouplings


@dataclass(frozen=True, eq=False)
class TorchChunk:
    """A coupling graph and the form of a family, ready to be integrated in PyTorch's own operations.

    Parameters
    ----------
    form : Form
        Of the family.
    couplings : TorchCouplings
    compiled : bool
        Whether a step is compiled (``torch.compile``); plain operations are slower and need no compiler.
    """

    form: Form
    couplings: TorchCouplings
    compiled: bool = True


def run_chunk_torch(
    setup: TorchChunk,
    state: Tensor,
    weight: Tensor,
    parameters: Tensor,
    steps: Steps,
    noise: Tensor | None = None,
) -> Tensor:
    """Return what `oscc.models.dynamics.chunk_run.run_chunk` returns, on any device.

    Parameters
    ----------
    setup : TorchChunk
        In place of the compiled kernels.
    state, weight, parameters, steps, noise
        As there.

    Returns
    -------
    Tensor[N, B]
        Phases [rad], or real states.

    Notes
    -----
    Memory: one state per step for the way back, and what a step keeps while it is gone back through.
    """
    step = _compiled_step() if setup.compiled else _step
    slope, couplings = setup.form.torch_slope, setup.couplings
    table = steps.integrator.coefficients(np.ones(1))[0]
    for number, size in enumerate(steps.sizes.tolist()):
        # As a tensor: a number would be compiled in, and every new one compiled anew.
        coefficients = torch.as_tensor(table * size, dtype=state.dtype, device=state.device)
        state = checkpoint(step, slope, couplings, state, weight, parameters, coefficients, use_reentrant=False)
        if noise is not None:
            state = state + noise[number]
    return state


def _step(
    slope_of: TorchSlope,
    couplings: TorchCouplings,
    state: Tensor,
    weight: Tensor,
    parameters: Tensor,
    coefficients: Tensor,
) -> Tensor:
    total, slope = state, torch.zeros_like(state)
    for stage in range(coefficients.shape[0]):
        reached = state + coefficients[stage, 0] * slope
        slope = slope_of(reached, weight, parameters, couplings)
        total = total + coefficients[stage, 1] * slope
    return total


@cache
def _compiled_step() -> Any:
    # Made when it is first needed: it brings a compiler with it.
    return torch.compile(_step, dynamic=False)
