"""The DAC grid of a core as training sees it: limits, steps, and rounding that lets gradients through."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.base.errors import OsccError
from oscc.compiler.passes.quantize import code_worth, quantize_values
from oscc.core.groups import Groups
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class DacGrid:
    """The values that the DACs of a core can deliver to a model whose time scale is fixed.

    The cycles of a sample, less ``init``, are shared out among the chunks by their duration; with all that it may take
    the full scales are worth as much as the core allows. Compiling, which honours the model's ``time_scale_s``, meets
    the very same grid.

    Parameters
    ----------
    core : CoreSpec
    run_cycles : int64[C]
        Clock cycles of each chunk.
    tau_s : float64[C]
        Seconds per unit of model time.
    lsb : Groups of float64[C]
        Worth of a code step [rad per unit of model time].
    """

    core: CoreSpec
    run_cycles: NDArray[np.int64]
    tau_s: NDArray[np.float64]
    lsb: Groups[NDArray[np.float64]]

    @classmethod
    def of(cls, core: CoreSpec, chunk_duration: tuple[float, ...], sample_cycles: int | None = None) -> DacGrid:
        """Compute the grid of a core for chunks of given durations.

        Parameters
        ----------
        core : CoreSpec
        chunk_duration : tuple of float
            [model time]
        sample_cycles : int, optional
            Clock cycles that a sample takes; by default, and at most, those that it may take.

        Raises
        ------
        OsccError
            ``training.chunks`` when the core has not as many chunks, ``training.cycles`` when a chunk would be shorter
            than a load, or a sample than its read-out or longer than it may be.
        """
        chunks = len(chunk_duration)
        if chunks > core.chunks:
            raise OsccError(
                "training.chunks",
                f"the model has {chunks} chunks, core {core.name} holds {core.chunks}",
                where="model.chunks",
            )
        duration = np.array(chunk_duration, dtype=np.float32).astype(np.float64)
        budget = core.cycles_per_sample if sample_cycles is None else sample_cycles
        if budget > core.cycles_per_sample:
            raise OsccError(
                "training.cycles",
                f"{budget} cycles, a sample of core {core.name} may take {core.cycles_per_sample}",
                where="hardware.cycles",
            )
        cycles = np.floor((budget - core.init.cycles) * duration / duration.sum()).astype(np.int64)
        for name, has, needs in (
            ("the shortest chunk", int(cycles.min()), core.least_run_cycles),
            ("a sample", core.init.cycles + int(cycles.sum()), core.readout_cycles),
        ):
            if has < needs:
                shares = duration.sum() / duration.min()
                enough = max(
                    core.init.cycles + math.ceil(core.least_run_cycles * shares), core.readout_cycles + chunks - 1
                )
                more = sample_cycles is not None and enough <= core.cycles_per_sample
                raise OsccError(
                    "training.cycles",
                    f"{name} would take {max(0, has)} cycles of {budget}, core {core.name} needs {needs}",
                    where="hardware.cycles" if more else "model.chunks",
                    hint=f"{enough} cycles are enough"
                    if more
                    else "use fewer chunks, chunks of more even duration, or a core with more cycles_per_sample",
                )
        tau = cycles / (core.clock_hz * duration)
        return cls(core, cycles, tau, code_worth(core, tau))

    @property
    def time_scale_s(self) -> tuple[float, ...]:
        """Return the checkpoint's time scale [s per unit of model time]: one, or one per chunk where they differ."""
        scale = tuple(self.tau_s.tolist())
        return scale[:1] if len(set(scale)) == 1 else scale

    def full_scale(self, group: str) -> NDArray[np.float64]:
        """Return the value of the top code in each chunk, float64[C, 1] [rad per unit of model time].

        Parameters
        ----------
        group : str
            One of `GROUPS`.
        """
        return self.step(group) * self.core.dac(group).top_code

    def step(self, group: str) -> NDArray[np.float64]:
        """Return the worth of a code step in each chunk, float64[C, 1] [rad per unit of model time].

        Parameters
        ----------
        group : str
            One of `GROUPS`.
        """
        return self.lsb[group][:, None]

    def quantize(self, group: str, values: Tensor) -> Tensor:
        """Return the nearest values that the DACs deliver, Tensor[C, n]: those of the compiler's own quantizer.

        Gradients pass as if nothing had been rounded (Y. Bengio, N. Leonard and A. Courville, Estimating or propagating
        gradients through stochastic neurons, arXiv 1308.3432), and stop where a value is clipped.

        Parameters
        ----------
        group : str
            One of `GROUPS`.
        values : Tensor[C, n]
            [rad per unit of model time]
        """
        rounded: Tensor = _StraightThrough.apply(values, group, self)  # type: ignore[no-untyped-call]
        return rounded


class _StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, group: str, grid: DacGrid) -> Tensor:
        wide = values.detach().cpu().numpy().astype(np.float64)
        codes = quantize_values(wide, grid.step(group), grid.core.dac(group))
        limit = torch.from_numpy(grid.full_scale(group)).to(values)
        ctx.save_for_backward(values.abs() <= limit + 0.5 * torch.from_numpy(grid.step(group)).to(values))
        return torch.from_numpy(codes * grid.step(group)).to(values)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (inside,) = ctx.saved_tensors
        return slopes[0] * inside, None, None
