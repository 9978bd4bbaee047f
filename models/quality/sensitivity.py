"""The sensitivity of the end of a run to small things: the solver's step, the initial state, rounding of parameters."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from oscc.base.errors import OsccError
from oscc.base.progress import Report
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import family_named
from oscc.core.spec import CoreSpec
from oscc.models.quality.sampling import Model, model_graph, model_text, running_graph
from oscc.models.training.generator import Generator, Solver, draw_states

CONVERGED_STEP = 0.01
"""RK4 step of the runs that others are compared with [model time]."""

STEPS = (0.05, 0.1, 0.2)
PERTURBATIONS = (1e-6, 1e-2)
SAMPLES = 16


@dataclass(frozen=True)
class Difference:
    """The distance between the ends of two runs from the same noise.

    Parameters
    ----------
    what : str
        What was changed.
    median, percentile_99, largest : float
        Of the absolute difference of states; of phases, the shorter way around the circle [rad].
    pixel : float
        Mean absolute difference of pixels.
    diverged : int
        Runs whose end is no number, for which the step was too long; where there are some, the figures are infinite.
    """

    what: str
    median: float
    percentile_99: float
    largest: float
    pixel: float
    diverged: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON, which has no infinity: None stands for it."""
        return {name: None if value == math.inf else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Sensitivity:
    """The changes of the end states of a model, in double precision, against RK4 at `CONVERGED_STEP`.

    Parameters
    ----------
    model : Path or CouplingGraph
    core : CoreSpec or None
        Whose codes the model ran with.
    samples : int
    differences : tuple of Difference
        Steps of `STEPS`, initial perturbations of `PERTURBATIONS` [rad], and rounding where there is a core.
    """

    model: Model
    core: CoreSpec | None
    samples: int
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the differences as JSON."""
        return {
            "model": model_text(self.model),
            "core": None if self.core is None else self.core.name,
            "samples": self.samples,
            "reference": f"RK4 {CONVERGED_STEP:g}, float64",
            "differences": [difference.to_dict() for difference in self.differences],
        }


def measure_sensitivity(
    model: Model,
    core: CoreSpec | None,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    threads: int = 1,
    progress: Report | None = None,
) -> Sensitivity:
    """Measure what changes the end states of a model, in double precision, against RK4 at `CONVERGED_STEP`.

    Parameters
    ----------
    model : Path or CouplingGraph
    core : CoreSpec or None
        Whose codes the model runs with; the last line then compares them with the model's own parameters.
    samples, seed : int
    threads : int
    progress : callable, optional

    Raises
    ------
    OsccError
        ``evaluation.diverged`` when runs at `CONVERGED_STEP` end in something that is not a number.
    OsccError, FindingsError
        As `running_graph` does.
    """
    own = model_graph(model)
    graph = running_graph(own, core)
    random = torch.Generator().manual_seed(seed)
    start = draw_states(graph.init, graph.nodes, samples, random).double()
    runs: list[tuple[str, CouplingGraph, float, Tensor]] = [("", graph, CONVERGED_STEP, start)]
    runs += [(f"RK4 {step:g}", graph, step, start) for step in STEPS]
    for size in PERTURBATIONS:
        near = start + size * torch.randn(start.shape, generator=random, dtype=start.dtype)
        runs.append((f"initial state perturbed by {size:g}", graph, CONVERGED_STEP, near))
    if core is not None:
        runs.append(("parameters not rounded", own, CONVERGED_STEP, start))
    ends = []
    for number, (what, of_graph, step, state) in enumerate(runs):
        ends.append(_end(of_graph, step, state, threads))
        if step == CONVERGED_STEP and (wrong := _diverged(ends[-1])):
            raise OsccError(
                "evaluation.diverged",
                f"{wrong} of {samples} runs of '{graph.name}' end in something that is not a number at RK4 "
                f"{step:g}{f', {what}' if what else ''}",
                hint="such steps are too long for it: train it with a smaller model.init.std or weaker couplings",
            )
        if progress is not None:
            progress("comparing runs", (number + 1) / len(runs))
    (reference, pixels), *others = ends
    phases = family_named(graph.family).state == "phase"
    differences = tuple(
        _difference(what, reference, end, pixels, shown, phases)
        for (what, *_), (end, shown) in zip(runs[1:], others, strict=True)
    )
    return Sensitivity(model, core, samples, differences)


@torch.no_grad()
def _end(graph: CouplingGraph, step: float, start: Tensor, threads: int) -> tuple[Tensor, Tensor]:
    generator = Generator(graph, solver=Solver(step=step), threads=threads).double()
    end = generator(start, generator.delivered())
    return end, generator.pixels(end)


def _diverged(end: tuple[Tensor, Tensor]) -> int:
    """Return how many runs, of states [N, B] and pixels [B, rows, columns], end in something that is not a number."""
    state, pixels = end
    good = torch.isfinite(state).all(dim=0) & torch.isfinite(pixels).flatten(1).all(dim=1)
    return int((~good).sum())


def _difference(what: str, reference: Tensor, end: Tensor, pixels: Tensor, shown: Tensor, phases: bool) -> Difference:
    if wrong := _diverged((end, shown)):
        return Difference(what, math.inf, math.inf, math.inf, math.inf, wrong)
    apart = (end - reference).abs().flatten()
    if phases:
        apart = apart % (2 * math.pi)
        apart = torch.minimum(apart, 2 * math.pi - apart)
    ordered, _ = torch.sort(apart)
    last = len(ordered) - 1
    return Difference(
        what,
        median=float(ordered[last // 2]),
        percentile_99=float(ordered[math.ceil(0.99 * last)]),
        largest=float(ordered[last]),
        pixel=float((shown - pixels).abs().mean()),
    )
