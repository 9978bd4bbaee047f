"""A chunk of a run in PyTorch's own operations, for devices that the compiled kernels do not run on.

The couplings are gathered in both directions, so that neither pass scatters: with ``torch.compile`` a right-hand side
becomes one kernel that sums over a node's couplings, in registers, and its way back another.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from oscc.core.families import Family
from oscc.models.dynamics.coupling_sums import CouplingTable
from oscc.models.dynamics.integrators import Steps


@dataclass(frozen=True, eq=False)
class TorchCouplings:
    """Couplings as index tensors on a device; see `CouplingTable`.

    Parameters
    ----------
    into, into_edge : int64 Tensor[N, D]
        Sources of the couplings into each node, and the couplings' numbers.
    out_of, out_of_edge : int64 Tensor[N, D]
        Destinations of those out of it, and their numbers.
    src, dst : int64 Tensor[E]
    """

    into: Tensor
    into_edge: Tensor
    out_of: Tensor
    out_of_edge: Tensor
    src: Tensor
    dst: Tensor

    @classmethod
    def of(
        cls,
        into: CouplingTable,
        out_of: CouplingTable,
        src: NDArray[np.int32],
        dst: NDArray[np.int32],
        device: torch.device,
    ) -> TorchCouplings:
        """Return the tensors of two tables and of the couplings that they list.

        Parameters
        ----------
        into, out_of : CouplingTable
            By destination and by source.
        src, dst : int32[E]
            Coupling into ``dst`` from ``src``.
        device : torch.device
        """

        def to_device(values: NDArray[Any]) -> Tensor:
            return torch.from_numpy(values.astype(np.int64)).to(device)

        tables = (into.other, into.edge, out_of.other, out_of.edge)
        return cls(*(to_device(values) for values in (*tables, src, dst)))


@dataclass(frozen=True, eq=False)
class TorchChunk:
    """A coupling graph and a family, ready to be integrated in PyTorch's own operations.

    Parameters
    ----------
    family : Family
    couplings : TorchCouplings
    compiled : bool
        Whether a step is compiled (``torch.compile``); plain operations are slower and need no compiler.
    """

    family: Family
    couplings: TorchCouplings
    compiled: bool = True


class _Sums(torch.autograd.Function):
    """sums[s, i, b] = sum_j weight_ij signals[s, j, b]."""

    @staticmethod
    def forward(ctx: Any, signals: Tensor, weight: Tensor, couplings: TorchCouplings) -> Tensor:
        ctx.save_for_backward(signals, weight)
        ctx.couplings = couplings
        return _gather(signals, weight, couplings.into, couplings.into_edge)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        signals, weight = ctx.saved_tensors
        couplings, (slope,) = ctx.couplings, slopes
        of_signals = _gather(slope, weight, couplings.out_of, couplings.out_of_edge)
        of_weight = (signals[:, couplings.src] * slope[:, couplings.dst]).sum(dim=(0, 2))
        return of_signals, of_weight, None


def _gather(signals: Tensor, weight: Tensor, other: Tensor, edge: Tensor) -> Tensor:
    arranged = torch.cat([weight, weight.new_zeros(1)])[edge]
    return (arranged[:, :, None] * signals[:, other]).sum(dim=2)


def slope_of(family: Family, state: Tensor, weight: Tensor, parameters: Tensor, couplings: TorchCouplings) -> Tensor:
    """Return the right-hand side of a family's equation, Tensor[N, B], per unit of model time.

    Parameters
    ----------
    family : Family
    state : Tensor[N, B]
        Phases [rad], or real states.
    weight : Tensor[E]
        Couplings [rad per unit of model time].
    parameters : Tensor[3, N]
        shil, field, detuning [rad per unit of model time].
    couplings : TorchCouplings
    """
    shil, field, detuning = (row[:, None] for row in parameters)
    if family.interaction == "sin-difference":
        sine, cosine = torch.sin(state), torch.cos(state)
        pulls: Tensor = _Sums.apply(torch.stack([sine, cosine]), weight, couplings)  # type: ignore[no-untyped-call]
        slope: Tensor = detuning + cosine * (pulls[0] - 2 * shil * sine) - sine * (pulls[1] + field)
        return slope
    pull: Tensor = _Sums.apply(state[None], weight, couplings)[0]  # type: ignore[no-untyped-call]
    if family.interaction == "linear":
        return torch.add(state * (shil - state * state) + pull, field)
    return torch.tanh(pull + field) - state


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
    family, couplings = setup.family, setup.couplings
    table = steps.integrator.coefficients(np.ones(1))[0]
    for number, size in enumerate(steps.sizes.tolist()):
        # As a tensor: a number would be compiled in, and every new one compiled anew.
        coefficients = torch.as_tensor(table * size, dtype=state.dtype, device=state.device)
        state = checkpoint(step, family, couplings, state, weight, parameters, coefficients, use_reentrant=False)
        if noise is not None:
            state = state + noise[number]
    return state


def _step(
    family: Family, couplings: TorchCouplings, state: Tensor, weight: Tensor, parameters: Tensor, coefficients: Tensor
) -> Tensor:
    total, slope = state, torch.zeros_like(state)
    for stage in range(coefficients.shape[0]):
        reached = state + coefficients[stage, 0] * slope
        slope = slope_of(family, reached, weight, parameters, couplings)
        total = total + coefficients[stage, 1] * slope
    return total


@cache
def _compiled_step() -> Any:
    # Made when it is first needed: it brings a compiler with it.
    return torch.compile(_step, dynamic=False)
