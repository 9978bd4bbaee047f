"""An evaluation of a model of points in the plane: the sliced Wasserstein distance to the distribution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from oscc.base.progress import Report
from oscc.models.quality.evaluation_options import EvaluationOptions
from oscc.models.quality.point_quality import PointQuality, measure_points
from oscc.models.quality.sampling import Model, draw_images, model_text, running_graph
from oscc.models.quality.spread import Spread


@dataclass(frozen=True)
class PointEvaluation:
    """The quality of a model of points: their distance to the distribution.

    Parameters
    ----------
    model : Path or CouplingGraph
    dataset : str
    options : EvaluationOptions
    seeds : tuple of PointQuality
        Of each set of samples.
    """

    model: Model
    dataset: str
    options: EvaluationOptions
    seeds: tuple[PointQuality, ...]

    @property
    def distance(self) -> Spread:
        """Return mean and spread, over the sets, of the distance to fresh points."""
        return Spread.of([quality.distance for quality in self.seeds])

    @property
    def floor(self) -> Spread:
        """Return mean and spread, over the sets, of the distance of fresh points to each other."""
        return Spread.of([quality.floor for quality in self.seeds])

    def to_dict(self) -> dict[str, Any]:
        """Return the evaluation as JSON."""
        return {
            "model": model_text(self.model),
            "dataset": self.dataset,
            **self.options.to_dict(),
            "seeds": [quality.to_dict() for quality in self.seeds],
            "sliced_wasserstein": self.distance.to_dict(),
            "floor": self.floor.to_dict(),
        }


def evaluate_points(
    model: Model, dataset: str, options: EvaluationOptions, progress: Report | None = None
) -> PointEvaluation:
    """Measure the points of a model.

    Parameters
    ----------
    model : Path or CouplingGraph
    dataset : str
        A key of `oscc.models.data.datasets.POINT_SETS`.
    options : EvaluationOptions
        Of them, how samples are drawn.
    progress : callable, optional

    Raises
    ------
    OsccError
        When the checkpoint cannot be read, shows no points, or runs diverge.
    FindingsError
        When the model does not fit the core.
    """
    graph = running_graph(model, options.core)
    seeds = tuple(
        measure_points(draw_images(graph, conditions, options.samples, progress), dataset, conditions.seed)
        for conditions in options.conditions
    )
    return PointEvaluation(model, dataset, options, seeds)
