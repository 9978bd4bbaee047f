"""Sums over the couplings of a sparse graph in PyTorch's own operations, on any device.

The couplings are gathered in both directions, so that neither pass scatters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.models.dynamics.coupling_sums import CouplingTable


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


def coupled_sums(signals: Tensor, weight: Tensor, couplings: TorchCouplings) -> Tensor:
    """Return the weighted sums of the signals of the nodes that couple into each node, differentiably.

    Parameters
    ----------
    signals : Tensor[S, N, B]
    weight : Tensor[E]
    couplings : TorchCouplings

    Returns
    -------
    Tensor[S, N, B]
        sums[s, i, b] = sum_j weight_ij signals[s, j, b].
    """
    sums: Tensor = _Sums.apply(signals, weight, couplings)  # type: ignore[no-untyped-call]
    return sums


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
