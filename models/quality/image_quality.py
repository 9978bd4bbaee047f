"""The quality of images: distance on fixed features, memorisation, and coverage of classes."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.models.data.datasets import ImageData
from oscc.models.quality.features import CLASSES, LeNet
from oscc.models.quality.frechet import class_shares, frechet_distance, nearest_distances

COMPARED = 500
"""Samples whose distance to the training images is taken."""


@dataclass(frozen=True)
class ImageQuality:
    """The figures of a set of images.

    Parameters
    ----------
    samples : int
    fd_lenet : float
        Frechet distance of the features of FD-LeNet to those of the test images. It is not FID.
    nearest_pixel : float
        Median distance of a sample to the nearest training image, over that of a test image: far below 1 means copies.
    class_shares : tuple of float
        Fraction of the samples in each class, as the extractor sees them.
    """

    samples: int
    fd_lenet: float
    nearest_pixel: float
    class_shares: tuple[float, ...]

    @property
    def coverage(self) -> float:
        """Return the entropy of the shares over that of equal shares.

        It is 1 when all classes come equally often, and 0 with only one.
        """
        shares = np.array([share for share in self.class_shares if share > 0])
        return float((shares * np.log(1 / shares)).sum() / np.log(CLASSES))

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return dataclasses.asdict(self) | {"coverage": self.coverage}


@dataclass(frozen=True, eq=False)
class Yardstick:
    """The reference that images are measured against: computed once for a data set.

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
        """Compute the yardstick of a data set.

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


def measure_images(images: NDArray[np.float32], yardstick: Yardstick) -> ImageQuality:
    """Measure images against a data set.

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
    return ImageQuality(
        samples=len(images),
        fd_lenet=frechet_distance(features, yardstick.features),
        nearest_pixel=_nearest_training_image(images, data) / yardstick.nearest,
        class_shares=tuple(class_shares(classes, CLASSES).tolist()),
    )


def _nearest_training_image(images: NDArray[np.float32], data: ImageData) -> float:
    """Return the median, over the first `COMPARED`, of the distance to the nearest training image."""
    some, trained = (part.reshape(len(part), -1).astype(np.float64) for part in (images[:COMPARED], data.train))
    return float(np.median(nearest_distances(some, trained)))
