"""How good a model is: Frechet distance on fixed features, memorisation, coverage of classes, and sensitivity."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from oscc.compiler.checkpoint import read_checkpoint
from oscc.compiler.compile import compile_model
from oscc.compiler.errors import OsccError, did_you_mean
from oscc.compiler.findings import FindingsError
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.spec import CoreSpec
from oscc.models.datasets import ImageData
from oscc.models.features import LeNet
from oscc.models.frechet import class_shares, frechet_distance, nearest_distances
from oscc.models.generator import IDEAL, Generator, Imperfections, random_stream
from oscc.models.reference import AISModel

NOISE = {
    "none": IDEAL,
    "moderate": Imperfections(mismatch=0.03, transient_noise=0.05),
    "strong": Imperfections(mismatch=0.10, transient_noise=0.20),
}
"""Levels of noise: relative error of every parameter, drawn anew for every block of samples, and phase noise of a run.

Moderate is the middle of what is published for ring oscillators and coupling units, strong its upper end and beyond.
"""


def noise_named(name: str) -> Imperfections:
    """A level of `NOISE`.

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

CLASSES = 10


@dataclass(frozen=True)
class Conditions:
    """How samples are drawn.

    Parameters
    ----------
    core : CoreSpec or None
        The model is compiled for it and runs with its codes; without one, with its own parameters.
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


@dataclass(frozen=True)
class Quality:
    """What was measured of a set of samples.

    Parameters
    ----------
    samples : int
    fd_lenet : float
        Frechet distance of the features of FD-LeNet to those of the test images. It is not FID.
    nearest_pixel : float
        Median distance of a sample to the nearest training image, over that of a test image: far below 1 means copies.
    class_shares : tuple of float
        Part of the samples in each class, as the extractor sees them.
    """

    samples: int
    fd_lenet: float
    nearest_pixel: float
    class_shares: tuple[float, ...]

    @property
    def coverage(self) -> float:
        """Entropy of the shares over that of equal shares: 1 when all classes come equally often, 0 with only one."""
        shares = np.array([share for share in self.class_shares if share > 0])
        return float((shares * np.log(1 / shares)).sum() / np.log(CLASSES))

    def as_dict(self) -> dict[str, Any]:
        """As JSON."""
        return dataclasses.asdict(self) | {"coverage": self.coverage}


def coded_graph(model: Path, core: CoreSpec) -> CouplingGraph:
    """A checkpoint's model as the codes of a core have it.

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    FindingsError
        When the model does not fit the core.
    """
    result = compile_model(model, core)
    if result.coded is None:
        raise FindingsError(list(result.findings))
    return AISModel.from_coded(result.coded).to_graph()


def draw_images(
    model: Path, conditions: Conditions, samples: int, progress: Callable[[str, float], None] | None = None
) -> NDArray[np.float32]:
    """Images of a model, float32[samples, rows, columns].

    Parameters
    ----------
    model : Path
        A checkpoint.
    conditions : Conditions
    samples : int
    progress : callable, optional

    Raises
    ------
    OsccError, FindingsError
        As `read_checkpoint` and `coded_graph` do.
    """
    core = conditions.core
    graph = read_checkpoint(model) if core is None else coded_graph(model, core)
    generator = Generator(graph, bound=_largest(graph), step=conditions.step, threads=conditions.threads)
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
    return np.concatenate(images)


def measure(images: NDArray[np.float32], data: ImageData, extractor: LeNet) -> Quality:
    """The quality of images against a data set.

    Parameters
    ----------
    images : float32[n, rows, columns]
    data : ImageData
    extractor : LeNet
        Trained on that data set.

    Raises
    ------
    OsccError
        ``metrics.image`` as `LeNet` does.
    """
    features, classes = extractor(images)
    reference, _ = extractor(data.test)
    flat = [part.reshape(len(part), -1).astype(np.float64) for part in (images[:500], data.test[:500], data.train)]
    sampled, tested, trained = flat
    return Quality(
        samples=len(images),
        fd_lenet=frechet_distance(features, reference),
        nearest_pixel=float(
            np.median(nearest_distances(sampled, trained)) / np.median(nearest_distances(tested, trained))
        ),
        class_shares=tuple(class_shares(classes, CLASSES).tolist()),
    )


def _largest(graph: CouplingGraph) -> float:
    """Largest magnitude of any parameter: what noise is a part of where there is no DAC."""
    parameters = (graph.weight, graph.shil, graph.field, graph.detuning)
    return float(max(np.abs(values).max(initial=0) for values in parameters))
