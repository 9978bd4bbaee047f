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

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.findings import FindingsError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.models.data.datasets import IMAGE_SETS, POINT_SETS, ImageData
from oscc.models.dynamics.reference import AISModel
from oscc.models.quality.features import LeNet
from oscc.models.quality.frechet import class_shares, frechet_distance, nearest_distances
from oscc.models.training.generator import IDEAL, Delivery, Generator, Imperfections, Solver, random_stream

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

COMPARED = 500
"""Samples whose distance to the training images is taken."""


@dataclass(frozen=True)
class Conditions:
    """How samples are drawn.

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


def running_graph(model: Path, core: CoreSpec | None) -> CouplingGraph:
    """A checkpoint's model as it runs: with the codes of a core, or with its own parameters.

    Parameters
    ----------
    model : Path
    core : CoreSpec or None

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    FindingsError
        When the model does not fit the core.
    """
    if core is None:
        return read_checkpoint(model)
    result = compile_model(model, core)
    if result.coded is None:
        raise FindingsError(result.causes)
    return AISModel.from_coded(result.coded).to_graph()


def trained_on(model: Path) -> str:
    """Return the data set that a checkpoint's receipt names; ``mnist`` where it names none.

    Parameters
    ----------
    model : Path

    Raises
    ------
    OsccError
        When the checkpoint cannot be read.
    """
    data = read_checkpoint(model).training.get("data")
    name = data.get("name") if isinstance(data, dict) else None
    return name if name in (*IMAGE_SETS, *POINT_SETS) else "mnist"


def draw_images(
    graph: CouplingGraph, conditions: Conditions, samples: int, progress: Callable[[str, float], None] | None = None
) -> NDArray[np.float32]:
    """Images of a model, float32[samples, rows, columns].

    Parameters
    ----------
    graph : CouplingGraph
        From `running_graph`, of the core of the conditions.
    conditions : Conditions
    samples : int
    progress : callable, optional

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


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What samples are measured against: computed once for a data set.

    Parameters
    ----------
    data : ImageData
    extractor : LeNet
        Trained on that data set.
    features : float64[n, d]
        Of the test images.
    nearest : float
        Median distance of a test image to the nearest training image.
    """

    data: ImageData
    extractor: LeNet
    features: NDArray[np.float64]
    nearest: float

    @classmethod
    def of(cls, data: ImageData, extractor: LeNet) -> Yardstick:
        """The yardstick of a data set.

        Parameters
        ----------
        data : ImageData
        extractor : LeNet

        Raises
        ------
        OsccError
            ``metrics.data`` when there are fewer than two test images, or most of them are training images;
            ``metrics.image`` as `LeNet` raises it.
        """
        if len(data.test) < 2:
            raise OsccError("metrics.data", f"'{data.name}' has {len(data.test)} test images; at least 2 are needed")
        nearest = _nearest_training_image(data.test, data)
        if not nearest > 0:
            raise OsccError(
                "metrics.data",
                f"most test images of '{data.name}' are training images: nothing can be told from their distance",
            )
        features, _ = extractor(data.test)
        return cls(data, extractor, features, nearest)


def measure(images: NDArray[np.float32], yardstick: Yardstick) -> Quality:
    """The quality of images against a data set.

    Parameters
    ----------
    images : float32[n, rows, columns]
        As large as those of the data set.
    yardstick : Yardstick

    Raises
    ------
    OsccError
        ``metrics.image`` when the images are of another size.
    """
    data = yardstick.data
    if images.shape[1:] != data.test.shape[1:]:
        shown, wanted = (" x ".join(str(size) for size in part.shape[1:]) for part in (images, data.test))
        raise OsccError("metrics.image", f"the model shows {shown} pixels, '{data.name}' has {wanted}")
    features, classes = yardstick.extractor(images)
    return Quality(
        samples=len(images),
        fd_lenet=frechet_distance(features, yardstick.features),
        nearest_pixel=_nearest_training_image(images, data) / yardstick.nearest,
        class_shares=tuple(class_shares(classes, CLASSES).tolist()),
    )


def _nearest_training_image(images: NDArray[np.float32], data: ImageData) -> float:
    """Median, over the first `COMPARED`, of the distance to the nearest training image."""
    some, trained = (part.reshape(len(part), -1).astype(np.float64) for part in (images[:COMPARED], data.train))
    return float(np.median(nearest_distances(some, trained)))


def _largest(graph: CouplingGraph) -> float:
    """Largest magnitude of any parameter: what noise is a part of where there is no DAC."""
    parameters = (graph.weight, graph.shil, graph.field, graph.detuning)
    return float(max(np.abs(values).max(initial=0) for values in parameters))
