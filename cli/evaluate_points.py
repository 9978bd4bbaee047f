"""`oscc evaluate` of a model of points in the plane."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from oscc.cli.common import mean_and_spread, print_json, print_table
from oscc.cli.evaluate_images import run_keys, run_words
from oscc.cli.progress import progress_bar

if TYPE_CHECKING:
    from oscc.models.quality.evaluation import Conditions


def evaluate_points(
    model: Path, dataset: str, noise: str, conditions: list[Conditions], samples: int, as_json: bool
) -> None:
    """Measure the points of a model and say how far they are from the distribution.

    Parameters
    ----------
    model : Path
    dataset : str
        A key of `datasets.POINT_SETS`.
    noise : str
        Name of the level of noise.
    conditions : list of Conditions
        Alike but for the seed; one per set of samples.
    samples : int
        In a set.
    as_json : bool

    Raises
    ------
    OsccError
        When the checkpoint cannot be read, shows no points, or runs diverge.
    FindingsError
        When the model does not fit the core.
    """
    from oscc.models.quality.evaluation import draw_images, running_graph
    from oscc.models.quality.point_quality import measure_points

    graph = running_graph(model, conditions[0].core)
    with progress_bar("drawing samples") as progress:
        found = [measure_points(draw_images(graph, each, samples, progress), dataset, each.seed) for each in conditions]
    distance = mean_and_spread([quality.distance for quality in found])
    floor = mean_and_spread([quality.floor for quality in found])
    if as_json:
        print_json(
            {
                "model": str(model),
                "dataset": dataset,
                **run_keys(conditions[0], noise),
                "seeds": [quality.as_dict() for quality in found],
                "sliced_wasserstein": distance,
                "floor": floor,
            }
        )
        return
    rows = [
        ("run", run_words(conditions[0], noise)),
        ("sliced Wasserstein-2", f"{distance['mean']:.4f} +- {distance['spread']:.4f} (simulated)"),
        ("fresh points", f"{floor['mean']:.4f} +- {floor['spread']:.4f} from each other"),
        ("samples", f"{samples}, {len(found)} seeds"),
    ]
    print_table(f"{model.name} on {dataset}", rows)
