"""The quality of a model, whatever it makes: images, or points in the plane."""

from __future__ import annotations

from oscc.base.progress import Report
from oscc.models.data.datasets import POINT_SETS
from oscc.models.quality.evaluation_options import DEFAULTS, EvaluationOptions
from oscc.models.quality.image_evaluation import ImageEvaluation, evaluate_images
from oscc.models.quality.point_evaluation import PointEvaluation, evaluate_points
from oscc.models.quality.sampling import Model, trained_on

Evaluation = ImageEvaluation | PointEvaluation


def evaluate(model: Model, options: EvaluationOptions = DEFAULTS, progress: Report | None = None) -> Evaluation:
    """Measure the samples of a model against a data set.

    Parameters
    ----------
    model : Path or CouplingGraph
        A checkpoint, or a model in memory.
    options : EvaluationOptions
    progress : callable, optional
        Told what is being done, and how far it is, 0 to 1.

    Raises
    ------
    OsccError
        As `evaluate_images` and `evaluate_points` do; ``data.name`` when there is no such data set.
    FindingsError
        When the model does not fit the core.
    """
    dataset = trained_on(model) if options.dataset is None else options.dataset
    if dataset in POINT_SETS:
        return evaluate_points(model, dataset, options, progress)
    return evaluate_images(model, dataset, options, progress)
