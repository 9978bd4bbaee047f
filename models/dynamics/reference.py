"""The reference: a model as a PyTorch module that integrates the plain equation of its family; slow, obviously right.

Couplings are gathered and added one by one, so nothing here knows of grids, stencils or codes, and every family of
`oscc.core.families` is supported, also those for which no hardware exists.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.base.errors import OsccError, did_you_mean
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import Family, family_named
from oscc.models.dynamics.integrators import even_steps

PARAMETERS = ("weight", "shil", "field", "detuning")
"""The parameters of a model, as they are called in `CouplingGraph`; in the order of `oscc.core.groups.GROUPS`."""

StepPlan = Sequence[Sequence[float] | NDArray[np.float64]]
"""For each chunk, the sizes of its integration steps [model time]."""


class AISModel(torch.nn.Module):
    """A trained model: N nodes, E couplings, C chunks.

    Parameters
    ----------
    graph : CouplingGraph
    dtype : torch.dtype
        That of the parameters and of everything computed.

    Attributes
    ----------
    family : Family
    weight : Parameter[C, E]
        K [rad per unit of model time].
    shil, field, detuning : Parameter[C, N]
        S, h, w [rad per unit of model time]. What the family does not read has no effect.
    src, dst : int64[E]
        Coupling into ``dst`` from ``src``.
    chunk_duration : Tensor[C]
        [model time]
    readout : int64[P]
        Node of each pixel, raster order.
    """

    weight: torch.nn.Parameter
    shil: torch.nn.Parameter
    field: torch.nn.Parameter
    detuning: torch.nn.Parameter
    src: Tensor
    dst: Tensor
    chunk_duration: Tensor
    readout: Tensor

    def __init__(self, graph: CouplingGraph, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.family: Family = family_named(graph.family)
        self._graph = graph
        for name in PARAMETERS:
            self.register_parameter(name, torch.nn.Parameter(_tensor(getattr(graph, name), dtype)))
        for name in ("src", "dst", "readout"):
            self.register_buffer(name, _tensor(getattr(graph, name), torch.int64))
        self.register_buffer("chunk_duration", _tensor(graph.chunk_duration, dtype))

    @classmethod
    def from_graph(cls, graph: CouplingGraph, dtype: torch.dtype = torch.float32) -> AISModel:
        """Return the module of a graph; `to_graph` is its inverse."""
        return cls(graph, dtype)

    @classmethod
    def from_checkpoint(cls, path: str | Path, dtype: torch.dtype = torch.float32) -> AISModel:
        """Read the module of a checkpoint file.

        Parameters
        ----------
        path : str or Path
        dtype : torch.dtype

        Raises
        ------
        OsccError
            As `oscc.compiler.frontends.checkpoint.read_checkpoint` does.
        """
        return cls(read_checkpoint(path), dtype)

    @classmethod
    def from_coded(cls, coded: CodedGraph, dtype: torch.dtype = torch.float64) -> AISModel:
        """Return the module of a model as its codes have it: code x LSB in place of each parameter.

        Parameters
        ----------
        coded : CodedGraph
            Its model and placement are used, and of the core the codes and the gain of its cells.
        dtype : torch.dtype
        """
        placed = coded.placed
        (unit_row, unit_col), slot = placed.route.unit_cell.T, placed.route.slot
        row, col = placed.cell.T
        codes = {
            "weight": coded.codes.coupling[:, unit_row, unit_col, slot],
            "shil": coded.codes.shil[:, row, col],
            "field": coded.codes.field[:, row, col],
            "detuning": coded.codes.detuning[:, row, col],
        }
        values = {name: codes[name] * lsb[:, None] for name, lsb in zip(PARAMETERS, coded.lsb.values(), strict=True)}
        values["weight"] = values["weight"] * placed.core.unit_gain[unit_row, unit_col]
        return cls(placed.graph, dtype).with_parameters(**values)

    def to_graph(self) -> CouplingGraph:
        """Return the model with its present parameters, rounded to float32, as the compiler takes it.

        ``model_hash`` is empty: the parameters may have changed since the model was read.
        """
        values: dict[str, Any] = {
            name: self.get_parameter(name).detach().to(torch.float32).cpu().numpy() for name in PARAMETERS
        }
        return dataclasses.replace(self._graph, model_hash="", **values)

    def save(self, path: str | Path) -> None:
        """Write a checkpoint that `from_checkpoint` and the compiler read.

        Parameters
        ----------
        path : str or Path

        Raises
        ------
        OsccError
            As `oscc.compiler.frontends.checkpoint.write_checkpoint` does.
        """
        write_checkpoint(path, self.to_graph())

    def with_parameters(self, **values: NDArray[np.floating[Any]]) -> AISModel:
        """Return the same model with other parameters, for example those that a core's codes are worth.

        Parameters
        ----------
        **values : float[C, E] for ``weight``, float[C, N] for ``shil``, ``field``, ``detuning``
            [rad per unit of model time]; kept in the dtype of the model, not rounded to float32 first.

        Raises
        ------
        ValueError
            On another name or shape.
        """
        model = AISModel(self._graph, self.weight.dtype)
        for name, value in values.items():
            if name not in PARAMETERS:
                raise ValueError(f"'{name}' is not a parameter{did_you_mean(name, PARAMETERS)}")
            parameter = model.get_parameter(name)
            if value.shape != tuple(parameter.shape):
                raise ValueError(f"{name} has shape {list(value.shape)}, expected {list(parameter.shape)}")
            with torch.no_grad():
                parameter.copy_(_tensor(value, parameter.dtype))
        return model

    def rhs(self, theta: Tensor, chunk: int) -> Tensor:
        """Return the right-hand side of the family's equation, Tensor[N, B], per unit of model time.

        Parameters
        ----------
        theta : Tensor[N, B]
            State: phases [rad], or real numbers.
        chunk : int
            Whose parameters act.
        """
        weight = self.weight[chunk, :, None]
        field = self._read("field", chunk)
        source, destination = theta[self.src], theta[self.dst]
        if self.family.interaction == "sin-difference":
            slope = self._sum_into_nodes(weight * torch.sin(source - destination)) - field * torch.sin(theta)
        elif self.family.interaction == "linear":
            slope = self._sum_into_nodes(weight * source) + field
        elif self.family.interaction == "tanh-linear":
            slope = torch.tanh(self._sum_into_nodes(weight * source) + field)
        else:
            raise self._unknown("interaction", self.family.interaction)
        return slope + self._self_term(theta, chunk) + self._read("detuning", chunk)

    def _self_term(self, theta: Tensor, chunk: int) -> Tensor:
        match self.family.self_term:
            case "shil":
                return -self._read("shil", chunk) * torch.sin(2 * theta)
            case "cubic":
                return self._read("shil", chunk) * theta - theta**3
            case "leak":
                return -theta
            case "none":
                return torch.zeros_like(theta)
            case other:
                raise self._unknown("self term", other)

    def _unknown(self, what: str, name: str) -> OsccError:
        return OsccError("reference.family", f"the reference knows no {what} '{name}' of family '{self.family.name}'")

    def _read(self, name: str, chunk: int) -> Tensor:
        """Return a node parameter as Tensor[N, 1]; zero when the family does not read it."""
        values = self.get_parameter(name)[chunk, :, None]
        return values if name in self.family.node_parameters else torch.zeros_like(values)

    def _sum_into_nodes(self, per_coupling: Tensor) -> Tensor:
        nodes = per_coupling.new_zeros((self.shil.shape[1], per_coupling.shape[1]))
        return nodes.index_add(0, self.dst, per_coupling)

    def even_steps(self, max_step: float) -> list[NDArray[np.float64]]:
        """Return a plan of equal steps that fill each chunk, none longer than ``max_step`` [model time]."""
        return [even_steps(duration, max_step) for duration in self._graph.chunk_duration.tolist()]

    def integrate(self, theta0: Tensor, steps: StepPlan, integrator: str = "rk4") -> Tensor:
        """Return the state before the run and after each chunk, Tensor[C + 1, N, B]: phases [rad], or real states.

        With many couplings, some eight samples at a time are the fastest: what is gathered then fits into a cache.

        Parameters
        ----------
        theta0 : Tensor[N, B]
            State before the first chunk, in the dtype of the parameters.
        steps : list of float[n]
            The plan: what `even_steps` or `oscc.sim.array.array_steps.step_plan` makes.
        integrator : {"rk4", "heun", "euler"}

        Raises
        ------
        ValueError
            When the plan has not one entry per chunk.
        OsccError
            ``reference.integrator`` on another integrator.
        """
        if len(steps) != len(self._graph.chunk_duration):
            raise ValueError(f"the plan has {len(steps)} chunks, the model {len(self._graph.chunk_duration)}")
        states = [theta0]
        for chunk, sizes in enumerate(steps):
            states.append(self._run(states[-1], chunk, sizes, integrator)[-1])
        return torch.stack(states)

    def trace(self, theta0: Tensor, chunk: int, steps: Iterable[float], integrator: str = "rk4") -> Tensor:
        """Return the state before a chunk and after each of its steps, Tensor[n + 1, N, B].

        Parameters
        ----------
        theta0 : Tensor[N, B]
            State before the chunk.
        chunk : int
        steps : float[n]
            Step sizes [model time].
        integrator : {"rk4", "heun", "euler"}

        Raises
        ------
        OsccError
            ``reference.integrator`` on another integrator.
        """
        return torch.stack(self._run(theta0, chunk, steps, integrator, keep=True))

    def _run(
        self, theta: Tensor, chunk: int, steps: Iterable[float], integrator: str, *, keep: bool = False
    ) -> list[Tensor]:
        """Return states along a chunk: all with ``keep``, else the last one only."""
        methods = {"rk4": self._rk4_step, "heun": self._heun_step, "euler": self._euler_step}
        if integrator not in methods:
            raise OsccError(
                "reference.integrator", f"'{integrator}' is not an integrator{did_you_mean(integrator, methods)}"
            )
        states = [theta]
        for step in steps:
            theta = methods[integrator](theta, chunk, float(step))
            states = [*states, theta] if keep else [theta]
        return states

    def _rk4_step(self, theta: Tensor, chunk: int, step: float) -> Tensor:
        k1 = self.rhs(theta, chunk)
        k2 = self.rhs(theta + step / 2 * k1, chunk)
        k3 = self.rhs(theta + step / 2 * k2, chunk)
        k4 = self.rhs(theta + step * k3, chunk)
        return theta + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    def _heun_step(self, theta: Tensor, chunk: int, step: float) -> Tensor:
        k1 = self.rhs(theta, chunk)
        k2 = self.rhs(theta + step * k1, chunk)
        return theta + step / 2 * (k1 + k2)

    def _euler_step(self, theta: Tensor, chunk: int, step: float) -> Tensor:
        return theta + step * self.rhs(theta, chunk)

    def images(self, theta: Tensor) -> Tensor:
        """Return the pixels of a state, Tensor[B, rows, columns]: cos(theta) of phases, real states as they are.

        Parameters
        ----------
        theta : Tensor[N, B]
        """
        visible = theta[self.readout]
        pixels = torch.cos(visible) if self.family.readout == "cos" else visible
        return pixels.T.reshape(-1, *self._graph.image_shape)


def _tensor(values: NDArray[Any], dtype: torch.dtype) -> Tensor:
    # torch shares the memory of arrays and warns of read-only ones, hence the copy.
    return torch.from_numpy(np.array(values)).to(dtype)
