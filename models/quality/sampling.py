"""Samples of a model as it runs: at full precision or with the codes of a core, with or without noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.findings import FindingsError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.models.data.datasets import IMAGE_SETS, POINT_SETS
from oscc.models.dynamics.reference import AISModel
from oscc.models.training.generator import IDEAL, Delivery, Generator, Imperfections, Solver, random_stream

NOISE = {
    "none": IDEAL,
    "moderate": Imperfections(mismatch=0.03, transient_noise=0.05),
    "strong": Imperfections(mismatch=0.10, transient_noise=0.20),
}
"""Levels of noise: relative error of every parameter, drawn anew for every block of samples, and phase noise of a run.

Moderate is the middle of what is published for ring oscillators and coupling units, strong its upper end and beyond.
"""


Model = Path | CouplingGraph
"""The path of a checkpoint, or a model in memory; both have a ``name``."""


def model_text(model: Model) -> str:
    """Return what results call a model: the path of its checkpoint, or its name.

    Parameters
    ----------
    model : Path or CouplingGraph
    """
    return str(model) if isinstance(model, Path) else model.name


def model_graph(model: Model) -> CouplingGraph:
    """Return the graph of a model with its own parameters.

    Parameters
    ----------
    model : Path or CouplingGraph

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    """
    return read_checkpoint(model) if isinstance(model, Path) else model


def noise_named(name: str) -> Imperfections:
    """Return a level of `NOISE`.

    Parameters
    ----------
    name : str

    Raises
    ------
    OsccError
        ``evaluation.noise``.
    """
    if name not in NOISE:
        raise OsccError(
            "evaluation.noise", f"'{name}' is no level of noise{did_you_mean(name, NOISE)}", where="--noise"
        )
    return NOISE[name]


BLOCK = 100
"""Samples that run side by side, on one die."""


@dataclass(frozen=True)
class Conditions:
    """The conditions under which samples are drawn.

    Parameters
    ----------
    core : CoreSpec or None
        The core whose read-out rounds the end phases: that of the codes in the graph, as `running_graph` gives it.
        Without one, phases are not rounded.
    noise : Imperfections
    step : float
        Longest RK4 step [model time].
    seed : int
    threads : int
    """

    core: CoreSpec | None = None
    noise: Imperfections = IDEAL
    step: float = 0.1
    seed: int = 0
    threads: int = 1


def running_graph(model: Model, core: CoreSpec | None) -> CouplingGraph:
    """Return a model as it runs: with the codes of a core, or with its own parameters.

    Parameters
    ----------
    model : Path or CouplingGraph
    core : CoreSpec or None

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    FindingsError
        When the model does not fit the core.
    """
    graph = model_graph(model)
    if core is None:
        return graph
    result = compile_model(graph, core)
    if result.coded is None:
        raise FindingsError(result.causes)
    return AISModel.from_coded(result.coded).to_graph()


def trained_on(model: Model) -> str:
    """Return the data set that a model's receipt names; ``mnist`` where it names none.

    Parameters
    ----------
    model : Path or CouplingGraph

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    """
    data = model_graph(model).training.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if name in (*IMAGE_SETS, *POINT_SETS) else "mnist"


def draw_images(
    graph: CouplingGraph, conditions: Conditions, samples: int, progress: Callable[[str, float], None] | None = None
) -> NDArray[np.float32]:
    """Draw images of a model, float32[samples, rows, columns]: cos of phases, or real states.

    Parameters
    ----------
    graph : CouplingGraph
        From `running_graph`, of the core of the conditions.
    conditions : Conditions
    samples : int
    progress : callable, optional
        Told what is being done, and how far it is, 0 to 1.

    Raises
    ------
    OsccError
        ``evaluation.diverged`` when a run ends in something that is not a number, which no measure could tell.
    """
    core = conditions.core
    # One unit of a reciprocal core makes both directions of a coupling, with one error.
    shared = core is not None and core.couplings == "reciprocal"
    delivery = Delivery(bound=_largest(graph), shared_units=shared)
    generator = Generator(graph, delivery, Solver(step=conditions.step), threads=conditions.threads)
    phase_steps = None if core is None else core.readout.phase_steps
    images = []
    with torch.no_grad():
        for number, start in enumerate(range(0, samples, BLOCK)):
            random = random_stream(conditions.seed, number)
            values = generator.delivered(conditions.noise, random)
            noise = generator.noise(min(BLOCK, samples - start), random)
            state = generator(noise, values, conditions.noise, random)
            images.append(generator.pixels(state, phase_steps).numpy())
            if progress is not None:
                progress("drawing samples", min(1.0, (start + BLOCK) / samples))
    found = np.concatenate(images)
    wrong = len(found) - int(np.isfinite(found).all(axis=(1, 2)).sum())
    if wrong:
        raise OsccError(
            "evaluation.diverged",
            f"{wrong} of {samples} runs of '{graph.name}' end in pixels that are not numbers",
            hint=f"a --step smaller than {conditions.step:g} may help",
        )
    return found


def _largest(graph: CouplingGraph) -> float:
    """Return the largest magnitude of any parameter: the full scale of noise where there is no DAC."""
    parameters = (graph.weight, graph.shil, graph.field, graph.detuning)
    return float(max(np.abs(values).max(initial=0) for values in parameters))
