"""An evaluation of a model of images: FD-LeNet, memorisation, coverage of classes, and FID on request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oscc.base.progress import Report, tell_stage
from oscc.models.data.datasets import load_images, pool_factor, pooled
from oscc.models.quality import inception
from oscc.models.quality.evaluation_options import EvaluationOptions
from oscc.models.quality.features import JUDGED, check_extractor, load_lenet, shipped_extractor
from oscc.models.quality.image_quality import ImageQuality, Yardstick, measure_images
from oscc.models.quality.sampling import Model, draw_images, model_text, running_graph
from oscc.models.quality.spread import Spread


@dataclass(frozen=True)
class JudgedExtractor:
    """The extractor of FD-LeNet that was used, and how well it knows the data set.

    Parameters
    ----------
    sha256 : str
        Of its file, in hexadecimal.
    accuracy : float
        Fraction of the test images that it classifies rightly.
    judged : int
        Test images on which it was judged.
    """

    sha256: str
    accuracy: float
    judged: int


@dataclass(frozen=True)
class InceptionFid:
    """Inception FID of each set of samples to the test images.

    Parameters
    ----------
    seeds : tuple of float
    weights_sha256 : str
        Of the file of weights, in hexadecimal.
    """

    seeds: tuple[float, ...]
    weights_sha256: str

    @property
    def spread(self) -> Spread:
        """Return mean and spread over the sets."""
        return Spread.of(self.seeds)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return {**self.spread.to_dict(), "seeds": list(self.seeds), "weights_sha256": self.weights_sha256}


@dataclass(frozen=True)
class ImageEvaluation:
    """The quality of a model of images.

    Parameters
    ----------
    model : Path or CouplingGraph
    dataset : str
    options : EvaluationOptions
    pool : int
        The model's images are so many times smaller, in both directions, than those of the data set, which were made
        smaller by the mean.
    extractor : JudgedExtractor
    seeds : tuple of ImageQuality
        Of each set of samples.
    fid : InceptionFid or None
        Where it was asked for.
    """

    model: Model
    dataset: str
    options: EvaluationOptions
    pool: int
    extractor: JudgedExtractor
    seeds: tuple[ImageQuality, ...]
    fid: InceptionFid | None

    @property
    def fd_lenet(self) -> Spread:
        """Return mean and spread, over the sets, of the Frechet distance of features. It is not FID."""
        return Spread.of([quality.fd_lenet for quality in self.seeds])

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as JSON."""
        return {
            "model": model_text(self.model),
            "dataset": self.dataset,
            "pool": self.pool,
            **self.options.to_dict(),
            "extractor_sha256": self.extractor.sha256,
            "extractor_accuracy": self.extractor.accuracy,
            "seeds": [quality.to_dict() for quality in self.seeds],
            "fd_lenet": self.fd_lenet.to_dict(),
            **({} if self.fid is None else {"inception_fid": self.fid.to_dict()}),
        }


def evaluate_images(
    model: Model, dataset: str, options: EvaluationOptions, progress: Report | None = None
) -> ImageEvaluation:
    """Measure the images of a model.

    Parameters
    ----------
    model : Path or CouplingGraph
    dataset : str
        One of `oscc.models.data.datasets.IMAGE_SETS`.
    options : EvaluationOptions
    progress : callable, optional

    Raises
    ------
    OsccError
        When a file cannot be read, images, extractor and model are of different sizes, the extractor does not know the
        data set, or runs diverge.
    FindingsError
        When the model does not fit the core.
    """
    tell_stage(progress, "reading the data set")
    images = load_images(dataset, options.data)
    net = shipped_extractor(dataset) if options.extractor is None else load_lenet(options.extractor)
    graph = running_graph(model, options.core)
    # A model trained on images that were made smaller is compared with images that were.
    pool = pool_factor(images, graph.image_shape)
    accuracy = check_extractor(net, images)
    images = pooled(images, pool)
    fid_to = None if options.inception is None else inception.InceptionDistance(options.inception, images.test)
    yardstick = Yardstick.of(images, net)
    found: list[ImageQuality] = []
    fids: list[float] = []

    def tell(what: str, done: float) -> None:
        if progress is not None:
            before = f", FD-LeNet {found[-1].fd_lenet:.1f} before" if found else ""
            progress(f"{what}, set {len(found) + 1} of {options.seeds}{before}", done)

    for conditions in options.conditions:
        drawn = draw_images(graph, conditions, options.samples, tell)
        tell_stage(progress, "measuring the images")
        found.append(measure_images(drawn, yardstick))
        if fid_to is not None:
            fids.append(fid_to(drawn))
    return ImageEvaluation(
        model=model,
        dataset=dataset,
        options=options,
        pool=pool,
        extractor=JudgedExtractor(net.sha256, accuracy, min(JUDGED, len(images.test))),
        seeds=tuple(found),
        fid=None if fid_to is None else InceptionFid(tuple(fids), fid_to.sha256),
    )
