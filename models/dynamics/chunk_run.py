"""A chunk of a run as one differentiable step of PyTorch, computed by the compiled kernels.

What eager PyTorch does in dozens of passes over memory per right-hand side, and keeps for the way back, is done here in
a few; kept are only the states at the beginning of the steps. On the way back each step is computed once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from oscc.core.families import Family
from oscc.models.dynamics.coupling_sums import CouplingTable, add_couplings, add_couplings_vjp, tabulate
from oscc.models.dynamics.form import form_of
from oscc.models.dynamics.integrators import Steps
from oscc.models.dynamics.node_kernels import NodeKernels, combine
from oscc.models.dynamics.sincos import SincosConstants, sincos_constants

Array = NDArray[Any]

BLOCK = 64
"""Samples that are computed together: fewer use a loaded weight less often, more no longer fit into a cache."""


@dataclass(frozen=True, eq=False)
class ChunkKernels:
    """A coupling graph and a family, ready to be integrated.

    Parameters
    ----------
    kernels : NodeKernels
    into, out_of : CouplingTable
        Couplings by destination and by source.
    nodes : int
        N.
    threads : int
        Blocks of `BLOCK` samples that are computed side by side.
    """

    kernels: NodeKernels
    into: CouplingTable
    out_of: CouplingTable
    nodes: int
    threads: int = 1
    _workspaces: dict[tuple[Any, ...], list[_Workspace]] = field(default_factory=dict, repr=False)

    @contextmanager
    def workspace(self, batch: int, stages: int, dtype: np.dtype[Any]) -> Iterator[_Workspace]:
        """Lend arrays for a step of ``batch`` samples, used again and again: new memory costs as much as the computing.

        Parameters
        ----------
        batch : int
            B.
        stages : int
            Of the integrator.
        dtype : numpy.dtype
            float32 or float64.
        """
        free = self._workspaces.setdefault((batch, stages, dtype.str), [])
        try:
            workspace = free.pop()
        except IndexError:
            workspace = _Workspace.of((stages, self.kernels.signals, self.nodes, batch), dtype)
        yield workspace
        free.append(workspace)

    @classmethod
    def of(
        cls, family: Family, src: NDArray[np.int32], dst: NDArray[np.int32], nodes: int, threads: int = 1
    ) -> ChunkKernels:
        """Return the kernels of a family on a coupling graph.

        Parameters
        ----------
        family : Family
        src, dst : int32[E]
            Coupling into ``dst`` from ``src``.
        nodes : int
            N.
        threads : int
        """
        return cls(form_of(family).kernels, tabulate(dst, src, nodes), tabulate(src, dst, nodes), nodes, threads)


def run_chunk(
    setup: ChunkKernels,
    state: Tensor,
    weight: Tensor,
    parameters: Tensor,
    steps: Steps,
    noise: Tensor | None = None,
) -> Tensor:
    """Return the state after a chunk; differentiable in the state, the weights, the node parameters and the noise.

    Parameters
    ----------
    setup : ChunkKernels
    state : Tensor[N, B]
        Phases [rad], or real states; float32 or float64, and all other tensors have its dtype.
    weight : Tensor[E]
        Couplings [rad per unit of model time].
    parameters : Tensor[3, N]
        shil, field, detuning.
        [rad per unit of model time], or per unit of model time for real states.
    steps : Steps
        n of them.
    noise : Tensor[n, N, B], optional
        Added to the state after each step [rad], or in units of the state.

    Returns
    -------
    Tensor[N, B]
        Phases [rad], or real states.

    Notes
    -----
    Memory: n states for the way back, and ten arrays of a state per stage of the integrator while a step is computed.
    """
    state_after: Tensor = _ChunkRun.apply(state, weight, parameters, noise, setup, steps)  # type: ignore[no-untyped-call]
    return state_after


@dataclass(frozen=True, eq=False)
class _Workspace:
    """Arrays that a step needs while it is computed; what they held before does not matter, but must be finite."""

    signals: Array
    sums: Array
    signal_slopes: Array
    slope: Array
    own: Array

    @classmethod
    def of(cls, shape: tuple[int, int, int, int], dtype: np.dtype[Any]) -> _Workspace:
        """Return arrays for ``shape`` = stages, signals, nodes, samples."""
        stages = np.zeros(shape, dtype), np.zeros(shape, dtype)
        return cls(*stages, np.zeros(shape[1:], dtype), np.zeros(shape[2:], dtype), np.zeros(shape[2:], dtype))


class _Step:
    """One step of a batch: the signals and sums of its stages are kept until it has been gone back through."""

    def __init__(self, setup: ChunkKernels, weight: Array, parameters: Array, workspace: _Workspace):
        self._setup, self._parameters = setup, parameters
        self._into, self._out_of = setup.into.weighted(weight), setup.out_of.weighted(weight)
        self._signals, self._sums = workspace.signals, workspace.sums
        self._signal_slopes, self._slope, self._own = workspace.signal_slopes, workspace.slope, workspace.own
        # The first stage reaches out by zero along whatever stands here.
        self._slope[:] = 0
        self._own[:] = 0
        self._constants: SincosConstants = sincos_constants(parameters.dtype)
        self.weight_slopes: Array = np.zeros(self._out_of.weight.shape, parameters.dtype)
        self.parameter_slopes: Array = np.zeros(parameters.shape, parameters.dtype)

    def forward(self, state: Array, coefficients: Array, total: Array, *, keep: bool) -> None:
        """Compute the state after a step.

        Parameters
        ----------
        state : float[N, B]
        coefficients : float[stages, 2]
            Each stage's reach and weight times the step [model time].
        total : float[N, B]
            Overwritten: the state after the step.
        keep : bool
            Whether `backward` can follow; without, all stages share the arrays of the first, which stay in a cache.
        """
        kernels = self._setup.kernels
        total[:] = state
        for stage, (reach, weight) in enumerate(coefficients):
            signals, sums = self._signals[stage if keep else 0], self._sums[stage if keep else 0]
            kernels.show(state, self._slope, reach, self._constants, signals)
            add_couplings(signals, self._into, sums)
            kernels.slope(signals, sums, self._parameters, weight, self._slope, total)

    def backward(self, given: Array, coefficients: Array, total: Array) -> None:
        """Compute the derivative with respect to the state before the step that `forward` has just computed.

        Parameters
        ----------
        given : float[N, B]
            Derivative with respect to the state after the step.
        coefficients : float[stages, 2]
            As `forward` took them.
        total : float[N, B]
            Overwritten: the derivative with respect to the state before.
        """
        kernels = self._setup.kernels
        total[:] = given
        reach_after = coefficients.dtype.type(0)
        for stage in reversed(range(len(coefficients))):
            signals, sums = self._signals[stage], self._sums[stage]
            combine(coefficients[stage, 1], given, reach_after, self._own, self._slope)
            # The sums are not needed once their derivatives take their place.
            kernels.slope_vjp(signals, sums, self._parameters, self._slope, sums, self._own, self.parameter_slopes)
            add_couplings_vjp(signals, sums, self._out_of, self._signal_slopes, self.weight_slopes)
            kernels.state_vjp(signals, self._signal_slopes, self._own, total)
            reach_after = coefficients[stage, 0]


class _ChunkRun(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        state: Tensor,
        weight: Tensor,
        parameters: Tensor,
        noise: Tensor | None,
        setup: ChunkKernels,
        steps: Steps,
    ) -> Tensor:
        coefficients = steps.coefficients().astype(_array(state).dtype)

        def run(block: slice) -> Array:
            batch = block.stop - block.start
            states = np.empty((len(coefficients) + 1, setup.nodes, batch), coefficients.dtype)
            states[0] = _array(state)[:, block]
            with setup.workspace(batch, coefficients.shape[1], coefficients.dtype) as workspace:
                step = _Step(setup, _array(weight), _array(parameters), workspace)
                for number, of_step in enumerate(coefficients):
                    step.forward(states[number], of_step, states[number + 1], keep=False)
                    if noise is not None:
                        states[number + 1] += _array(noise[number])[:, block]
            return states

        blocks = _blocks(state.shape[1])
        runs = _side_by_side(run, blocks, setup.threads)
        ctx.save_for_backward(weight, parameters)
        ctx.given = setup, coefficients, blocks, runs, noise is not None and noise.requires_grad
        return torch.from_numpy(np.concatenate([states[-1] for states in runs], axis=1))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor | None, ...]:
        (slope,) = slopes
        weight, parameters = ctx.saved_tensors
        setup, coefficients, blocks, runs, keep = ctx.given

        def run(number: int) -> tuple[Array, Array, Array, Array]:
            states = runs[number]
            # A copy: what autograd hands over may be shared, and is overwritten below.
            given = np.array(_array(slope)[:, blocks[number]], order="C")
            other, after = np.empty_like(given), np.empty_like(given)
            # What is added after a step has the derivative of the state after it.
            of_noise = np.empty((len(coefficients) if keep else 0, *given.shape), given.dtype)
            with setup.workspace(states.shape[2], coefficients.shape[1], coefficients.dtype) as workspace:
                step = _Step(setup, _array(weight), _array(parameters), workspace)
                for place in reversed(range(len(coefficients))):
                    if keep:
                        of_noise[place] = given
                    step.forward(states[place], coefficients[place], after, keep=True)
                    step.backward(given, coefficients[place], other)
                    given, other = other, given
            return given, step.weight_slopes, step.parameter_slopes, of_noise

        results = _side_by_side(run, range(len(blocks)), setup.threads)
        of_state = np.concatenate([result[0] for result in results], axis=1)
        of_weight = setup.out_of.collect(np.sum([result[1] for result in results], axis=0))
        of_parameters = np.sum([result[2] for result in results], axis=0)
        of_noise = torch.from_numpy(np.concatenate([result[3] for result in results], axis=2)) if keep else None
        tensors = (torch.from_numpy(values) for values in (of_state, of_weight, of_parameters))
        return (*tensors, of_noise, None, None)


def _array(tensor: Tensor) -> Array:
    array: Array = tensor.detach().numpy()
    return array


def _blocks(batch: int) -> list[slice]:
    """Return the batch in blocks of about the same size, none larger than `BLOCK`."""
    bounds = np.linspace(0, batch, -(-batch // BLOCK) + 1).round().astype(int).tolist()
    return [slice(start, stop) for start, stop in pairwise(bounds)]


def _side_by_side(run: Callable[[Any], Any], parts: Iterable[Any], threads: int) -> list[Any]:
    """Return what ``run`` makes of each part, in their order, as many at a time as there are threads."""
    if threads == 1:
        return [run(part) for part in parts]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(run, parts))
