from __future__ import annotations

import json
import math

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from oscc.base.errors import OsccError
from oscc.models.data.datasets import ImageData
from oscc.models.quality.frechet import frechet_distance
from oscc.models.quality.image_quality import ImageQuality, Yardstick, measure_images


class Extractor:
    """Features that are the first three pixels, and the class that the fourth one names."""

    sha256 = "00"

    def __call__(self, images):
        flat = images.reshape(len(images), -1)
        return flat[:, :3].astype(np.float64), np.rint(flat[:, 3] * 9).astype(np.int64)


def drawn(count, seed, classes=10):
    random = np.random.default_rng(seed)
    images = random.uniform(-1, 1, (count, 2, 3)).astype(np.float32)
    images[:, 1, 0] = random.integers(classes, size=count) / 9
    return images


def yardstick(train, test):
    data = ImageData("mnist", train, test, np.zeros(len(train), int), np.zeros(len(test), int), "00")
    return Yardstick.of(data, Extractor())  # type: ignore[arg-type]


def test_quality_is_that_of_its_parts(monkeypatch):
    train, test, images = drawn(60, 0), drawn(30, 1), drawn(40, 2, classes=4)
    quality = measure_images(images, yardstick(train, test))
    assert quality.samples == 40
    features = [part.reshape(len(part), -1)[:, :3].astype(float) for part in (images, test)]
    assert quality.fd_lenet == pytest.approx(frechet_distance(*features), rel=1e-12)
    nearest = [
        np.median(cdist(part.reshape(len(part), -1), train.reshape(60, -1)).min(axis=1)) for part in (images, test)
    ]
    assert quality.nearest_pixel == pytest.approx(nearest[0] / nearest[1], rel=1e-6)
    counts = [int((np.rint(images[:, 1, 0] * 9) == number).sum()) for number in range(10)]
    assert quality.class_shares == pytest.approx([count / 40 for count in counts])
    assert counts[4:] == [0] * 6


def test_images_of_another_size_are_refused():
    with pytest.raises(OsccError) as caught:
        measure_images(drawn(5, 0)[:, :1], yardstick(drawn(60, 0), drawn(30, 1)))
    assert (caught.value.code, str(caught.value)) == (
        "metrics.image",
        "the model shows 1 x 3 pixels, 'mnist' has 2 x 3",
    )


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (drawn(1, 1), "'mnist' has 1 test images; at least 2 are needed"),
        (drawn(60, 0)[:20], "most test images of 'mnist' are training images: "),
    ],
)
def test_data_that_is_no_yardstick(test, message):
    with pytest.raises(OsccError) as caught:
        yardstick(drawn(60, 0), test)
    assert caught.value.code == "metrics.data"
    assert str(caught.value).startswith(message)


def test_copies_of_training_images_are_told(monkeypatch):
    train, test = drawn(60, 0), drawn(30, 1)
    copies = measure_images(train[:40], yardstick(train, test))
    assert copies.nearest_pixel < 1e-3
    same = measure_images(test, yardstick(train, test))
    assert same.nearest_pixel == pytest.approx(1, rel=1e-12)
    assert same.fd_lenet == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("shares", "coverage"),
    [
        ((0.1,) * 10, 1.0),
        ((0.0,) * 9 + (1.0,), 0.0),
        ((0.5, 0.5) + (0.0,) * 8, math.log(2) / math.log(10)),
        ((0.25, 0.75) + (0.0,) * 8, -(0.25 * math.log(0.25) + 0.75 * math.log(0.75)) / math.log(10)),
    ],
)
def test_coverage_is_the_entropy_of_the_classes(shares, coverage):
    quality = ImageQuality(10, 1.0, 1.0, shares)
    assert quality.coverage == pytest.approx(coverage, rel=1e-12)
    assert math.copysign(1, quality.coverage) == 1, "minus zero would be shown as such"
    content = quality.to_dict()
    assert content == {
        "samples": 10,
        "fd_lenet": 1.0,
        "nearest_pixel": 1.0,
        "class_shares": shares,
        "coverage": quality.coverage,
    }
    assert json.loads(json.dumps(content))["class_shares"] == list(shares)
