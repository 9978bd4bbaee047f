"""The model in training: parameters as the hardware would deliver them, and the run from noise to an end state."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import Family, family_named
from oscc.core.groups import GROUPS
from oscc.core.initial_phases import InitialPhases
from oscc.models.dynamics.chunk_run import ChunkKernels, run_chunk
from oscc.models.dynamics.chunk_torch import TorchChunk, run_chunk_torch
from oscc.models.dynamics.form import form_of
from oscc.models.dynamics.integrators import Steps, even_steps, integrator_named
from oscc.models.dynamics.torch_sums import TorchCouplings
from oscc.models.training.dac_grid import DacGrid
from oscc.models.training.topology import reverse_couplings


@dataclass(frozen=True)
class Imperfections:
    """Errors of the hardware beside rounding to codes. All zero by default: an ideal run.

    Parameters
    ----------
    weight_noise : float
        Standard deviation of an error of every parameter, as a fraction of its full scale.
    mismatch : float
        Standard deviation of the relative error of every parameter.
    transient_noise : float
        Standard deviation of the phase that a free oscillator gathers in a whole run [rad].
    """

    weight_noise: float = 0.0
    mismatch: float = 0.0
    transient_noise: float = 0.0


IDEAL = Imperfections()
"""No errors."""


@dataclass(frozen=True)
class Delivery:
    """The way of a model's parameters to the oscillators: limits, rounding, pairs. By default they act as they are.

    Parameters
    ----------
    grid : DacGrid or None
        Limits and steps of the DACs.
    bound : float
        Limit of every parameter without a grid [rad per unit of model time].
    quantize : bool
        Whether parameters are rounded to codes; needs a grid.
    reciprocal : bool
        Whether couplings are equal in both directions: the mean of the two that are trained.
    shared_units : bool
        Whether one unit makes both directions of a coupling, as on a reciprocal core: then its error is one, too.
    """

    grid: DacGrid | None = None
    bound: float = math.inf
    quantize: bool = False
    reciprocal: bool = False
    shared_units: bool = False


FULL_PRECISION = Delivery()
"""Parameters act as they are."""


@dataclass(frozen=True)
class Solver:
    """The integration of the equation.

    Parameters
    ----------
    integrator : str
        A name of `oscc.models.dynamics.integrators.INTEGRATORS`.
    step : float
        Longest step [model time].
    """

    integrator: str = "rk4"
    step: float = 0.1


DEFAULT_SOLVER = Solver()


class Generator(nn.Module):
    """A model of N nodes, E couplings and C chunks that turns noise into end states, differentiably.

    Parameters
    ----------
    graph : CouplingGraph
        Topology, durations and first parameters.
    delivery : Delivery
        What becomes of the parameters in the hardware; by default nothing.
    solver : Solver
    threads : int
        For the kernels.
    device : str or torch.device
        ``cpu``: the compiled kernels; any other of PyTorch's: its own operations, compiled into fused kernels. Random
        numbers must come from a generator on that device.

    Attributes
    ----------
    coupling : Parameter[C, E]
    shil, field, detuning : Parameter[C, N]
        [rad per unit of model time], before rounding; those that the family does not read are not trained.
    """

    def __init__(
        self,
        graph: CouplingGraph,
        delivery: Delivery = FULL_PRECISION,
        solver: Solver = DEFAULT_SOLVER,
        *,
        threads: int = 1,
        device: str | torch.device = "cpu",
    ) -> None:
        super().__init__()
        self.graph = graph
        self.family: Family = family_named(graph.family)
        self.grid, self.quantizes, self._bound = delivery.grid, delivery.quantize, delivery.bound
        self._integrator = integrator_named(solver.integrator)
        self.device = torch.device(device)
        self._kernels = ChunkKernels.of(self.family, graph.src, graph.dst, graph.nodes, threads)
        self._torch_chunk = None
        if self.device.type != "cpu":
            into, out_of = self._kernels.into, self._kernels.out_of
            couplings = TorchCouplings.of(into, out_of, graph.src, graph.dst, self.device)
            self._torch_chunk = TorchChunk(form_of(self.family), couplings)
        self._steps = [even_steps(duration, solver.step) for duration in graph.chunk_duration.tolist()]
        paired = delivery.reciprocal or delivery.shared_units
        partner = torch.from_numpy(reverse_couplings(graph)).to(self.device) if paired else None
        self._partner = partner if delivery.reciprocal else None
        # Of the two numbers of a pair of couplings, that of the one whose error both have.
        unit = torch.arange(graph.couplings, device=self.device)
        self._unit = torch.minimum(unit, partner) if delivery.shared_units and partner is not None else None
        self._readout = torch.from_numpy(graph.readout.astype(np.int64)).to(self.device)
        for group in GROUPS:
            values = graph.weight if group == "coupling" else getattr(graph, group)
            trained = group == "coupling" or group in self.family.node_parameters
            tensor = torch.from_numpy(values.copy()).to(self.device)
            self.register_parameter(group, nn.Parameter(tensor, requires_grad=trained))

    def full_scale(self, group: str) -> Tensor:
        """Return the largest magnitude of a parameter in each chunk, Tensor[C, 1] [rad per unit of model time].

        Parameters
        ----------
        group : str
            One of `GROUPS`.
        """
        if self.grid is None:
            return torch.full((self.graph.chunks, 1), self._bound, device=self.device)
        return torch.from_numpy(self.grid.full_scale(group)).to(self.device, torch.float32)

    @torch.no_grad()
    def clip(self, part: float) -> None:
        """Bring every parameter back to within a fraction of full scale.

        Parameters
        ----------
        part : float
            0 to 1.
        """
        for group in GROUPS:
            limit = part * self.full_scale(group)
            parameter = self.get_parameter(group)
            parameter.copy_(torch.minimum(torch.maximum(parameter, -limit), limit))

    def delivered(
        self, imperfections: Imperfections = IDEAL, random: torch.Generator | None = None
    ) -> dict[str, Tensor]:
        """Return the parameters as they act: rounded, and with errors that ``random`` draws.

        Parameters
        ----------
        imperfections : Imperfections
            Of them, mismatch and weight noise.
        random : torch.Generator, optional
            Needed where there are any.

        Returns
        -------
        dict of str to Tensor[C, n]
            By group of `GROUPS` [rad per unit of model time].
        """
        values: dict[str, Tensor] = {}
        for group in GROUPS:
            value: Tensor = self.get_parameter(group)
            if group == "coupling" and self._partner is not None:
                value = (value + value[:, self._partner]) / 2
            if self.quantizes and self.grid is not None:
                value = self.grid.quantize(group, value)
            if imperfections.mismatch:
                value = value * (1 + imperfections.mismatch * self._errors(group, random))
            if imperfections.weight_noise and self.get_parameter(group).requires_grad:
                value = value + imperfections.weight_noise * self.full_scale(group) * self._errors(group, random)
            values[group] = value
        return values

    def _errors(self, group: str, random: torch.Generator | None) -> Tensor:
        """Draw standard normal errors of the units that make a group's parameters, Tensor[C, n]."""
        drawn = self._randn(self.get_parameter(group).shape, random)
        return drawn[:, self._unit] if group == "coupling" and self._unit is not None else drawn

    def noise(self, batch: int, random: torch.Generator) -> Tensor:
        """Draw states before the first chunk, Tensor[N, batch]: phases [rad], or real states."""
        return draw_states(self.graph.init, self.graph.nodes, batch, random)

    def forward(
        self,
        state: Tensor,
        values: Mapping[str, Tensor],
        imperfections: Imperfections = IDEAL,
        random: torch.Generator | None = None,
    ) -> Tensor:
        """Return the state at the end, Tensor[N, B]: phases [rad], or real states.

        Parameters
        ----------
        state : Tensor[N, B]
            From `noise`.
        values : mapping
            From `delivered`.
        imperfections : Imperfections
            Of them, the transient noise.
        random : torch.Generator, optional
            Of the transient noise.
        """
        total = float(self.graph.chunk_duration.sum())
        for chunk, steps in enumerate(self._steps):
            noise = None
            if imperfections.transient_noise:
                spread = imperfections.transient_noise * torch.from_numpy(np.sqrt(steps / total)).to(state)
                noise = spread[:, None, None] * self._randn((len(steps), *state.shape), random)
            state = self._run(state, values, chunk, Steps(steps, self._integrator), noise)
        return state

    def _run(
        self,
        state: Tensor,
        values: Mapping[str, Tensor],
        chunk: int,
        steps: Steps,
        noise: Tensor | None = None,
    ) -> Tensor:
        parameters = torch.stack([values[group][chunk] for group in GROUPS[1:]])
        coupling = values["coupling"][chunk].contiguous()
        if self._torch_chunk is None:
            return run_chunk(self._kernels, state, coupling, parameters, steps, noise)
        return run_chunk_torch(self._torch_chunk, state, coupling, parameters, steps, noise)

    def _randn(self, shape: Sequence[int], random: torch.Generator | None) -> Tensor:
        return torch.randn(tuple(shape), generator=random, device=self.device)

    def slope(self, state: Tensor, values: Mapping[str, Tensor], chunk: int) -> Tensor:
        """Return the right-hand side of the equation, Tensor[N, B], per unit of model time.

        Parameters
        ----------
        state : Tensor[N, B]
            Phases [rad], or real states.
        values : mapping
            From `delivered`.
        chunk : int
        """
        return self._run(state, values, chunk, Steps(np.ones(1), integrator_named("euler"))) - state

    def pixels(self, state: Tensor, phase_steps: int | None = None) -> Tensor:
        """Return what is read out, Tensor[B, rows, columns]: cos(x) of phases, real states as they are.

        Parameters
        ----------
        state : Tensor[N, B]
        phase_steps : int, optional
            Steps of the read-out in a turn; gradients pass as if it had none.
        """
        visible = state[self._readout]
        if self.family.readout == "cos":
            if phase_steps is not None:
                width = 2 * math.pi / phase_steps
                visible = visible + ((torch.floor(visible / width) + 0.5) * width - visible).detach()
            visible = torch.cos(visible)
        return visible.T.reshape(-1, *self.graph.image_shape)

    def to_graph(self, training: Mapping[str, Any]) -> CouplingGraph:
        """Return the model as the checkpoint holds it: rounded when it is trained so, with its time scale and receipt.

        Parameters
        ----------
        training : mapping
            Receipt.
        """
        values = {group: value.detach().cpu().numpy().astype(np.float32) for group, value in self.delivered().items()}
        scale = None if self.grid is None else self.grid.time_scale_s
        return dataclasses.replace(
            self.graph,
            weight=values["coupling"],
            shil=values["shil"],
            field=values["field"],
            detuning=values["detuning"],
            time_scale_s=scale,
            training=dict(training),
            model_hash="",
        )


def draw_states(init: InitialPhases, nodes: int, batch: int, random: torch.Generator) -> Tensor:
    """Draw states of an initial distribution, float32 Tensor[nodes, batch].

    Parameters
    ----------
    init : InitialPhases
    nodes, batch : int
    random : torch.Generator
    """
    if init.kind == "uniform":
        unit = (2 * torch.rand(nodes, batch, generator=random, device=random.device) - 1) * math.sqrt(3)
    else:
        unit = torch.randn(nodes, batch, generator=random, device=random.device)
    return init.mean + init.std * unit


def random_stream(seed: int, number: int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a stream of random numbers of its own for each seed and number.

    Parameters
    ----------
    seed, number : int
        Not negative.
    device : str or torch.device
    """
    mixed = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(mixed >> np.uint64(1)))
