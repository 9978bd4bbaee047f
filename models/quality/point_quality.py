"""The quality of points in the plane: sliced Wasserstein distance to fresh points of the distribution."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.models.data.datasets import draw_points
from oscc.models.training.generator import random_stream
from oscc.models.training.losses import random_directions, sliced_wasserstein

DIRECTIONS = 512

DIRECTIONS_STREAM = 2**32 - 1
"""Number of the stream of random numbers of the directions: one that no block of samples has."""


@dataclass(frozen=True)
class PointQuality:
    """The figures of a set of points.

    Parameters
    ----------
    samples : int
    distance : float
        Sliced Wasserstein-2 distance to as many fresh points, in units of the plane, which spans -1 to 1.
    floor : float
        The same of two sets of fresh points: what a perfect model comes to.
    """

    samples: int
    distance: float
    floor: float

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return dataclasses.asdict(self)


def measure_points(images: NDArray[np.float32], name: str, seed: int = 0) -> PointQuality:
    """Measure points against a distribution.

    Parameters
    ----------
    images : float32[n, 1, 2]
        What a model of two pixels shows.
    name : str
        A key of `datasets.POINT_SETS`.
    seed : int
        Of the fresh points and of the directions.

    Raises
    ------
    OsccError
        ``metrics.image`` when the model has not two pixels; ``data.name``.
    """
    if images.shape[1:] != (1, 2):
        shown = " x ".join(str(size) for size in images.shape[1:])
        raise OsccError("metrics.image", f"the model shows {shown} pixels; points have 1 x 2")
    points = torch.from_numpy(images.reshape(len(images), 2).copy())
    random = np.random.default_rng(seed)
    fresh, other = (torch.from_numpy(draw_points(name, random, len(points))) for _ in range(2))
    directions = random_directions(2, DIRECTIONS, random_stream(seed, DIRECTIONS_STREAM))
    return PointQuality(
        samples=len(points),
        distance=float(sliced_wasserstein(points, fresh, directions).sqrt()),
        floor=float(sliced_wasserstein(other, fresh, directions).sqrt()),
    )
