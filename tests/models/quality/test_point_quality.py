from __future__ import annotations

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.data.datasets import POINT_SETS, draw_points
from oscc.models.quality.point_quality import measure_points


def as_images(points):
    return points.reshape(len(points), 1, 2).astype(np.float32)


def sliced(first, second, directions=2000):
    """Root of the mean over evenly spaced directions of the squared distance of sorted projections."""
    angle = np.pi * np.arange(directions) / directions
    ways = np.stack([np.cos(angle), np.sin(angle)])
    return np.sqrt(np.square(np.sort(first @ ways, axis=0) - np.sort(second @ ways, axis=0)).mean())


@pytest.mark.parametrize("name", POINT_SETS)
def test_fresh_points_are_as_near_as_fresh_points(name):
    found = measure_points(as_images(draw_points(name, np.random.default_rng(99), 4000)), name)
    assert found.samples == 4000
    assert 0.4 < found.distance / found.floor < 2.5


def test_a_shift_is_measured():
    # A shift by d moves every projection by d cos(angle): d / sqrt(2) on average over directions.
    points = draw_points("spiral", np.random.default_rng(5), 4000) + np.array([0.5, 0], np.float32)
    found = measure_points(as_images(points), "spiral", seed=7)
    assert found.distance == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    # The fresh points of a seed are the first that its generator gives.
    fresh = draw_points("spiral", np.random.default_rng(7), 4000)
    assert found.distance == pytest.approx(sliced(points.astype(float), fresh.astype(float)), rel=0.05)


def test_another_distribution_is_far():
    points = as_images(draw_points("checkerboard", np.random.default_rng(0), 2000))
    assert measure_points(points, "8-gaussians").distance > 5 * measure_points(points, "checkerboard").distance


def test_a_seed_gives_the_same_again():
    points = as_images(draw_points("two-moons", np.random.default_rng(0), 100))
    assert measure_points(points, "two-moons", 3) == measure_points(points, "two-moons", 3)
    assert measure_points(points, "two-moons", 3) != measure_points(points, "two-moons", 4)
    assert set(measure_points(points, "two-moons").to_dict()) == {"samples", "distance", "floor"}


@pytest.mark.parametrize("shape", [(5, 2, 1), (5, 1, 3), (5, 2, 2)])
def test_images_are_refused(shape):
    with pytest.raises(OsccError) as caught:
        measure_points(np.zeros(shape, np.float32), "spiral")
    assert str(caught.value) == f"the model shows {shape[1]} x {shape[2]} pixels; points have 1 x 2"
