"""The fixed feature extractors of FD-LeNet: a small classifier for each data set, from safetensors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.tensor_file import read_tensors
from oscc.models.data.datasets import ImageData, check_labels

CHANNELS = (32, 64)
KERNEL = 5
FEATURES = 128
CLASSES = 10

POOLED = 4
"""Rows of an image for each row of the last pooled maps: two poolings halve it twice."""

BATCH = 500

JUDGED = 1000
"""Test images, the first ones, on which an extractor is judged."""

LEAST_ACCURACY = 0.5
"""Fraction of test images that an extractor must classify rightly to measure a data set: far more than by chance."""

SHIPPED = {
    "digits": "lenet-digits.safetensors",
    "mnist": "lenet-mnist.safetensors",
    "fashion-mnist": "lenet-fashion.safetensors",
}
"""File of each image data set's extractor in folder ``extractors``; its ``README.md`` says what they are."""


def layer_shapes(side: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each layer's weight, for images of ``side`` x ``side`` pixels, a multiple of `POOLED`."""
    first, second = CHANNELS
    maps = second * (side // POOLED) ** 2
    return {
        "conv1": (first, 1, KERNEL, KERNEL),
        "conv2": (second, first, KERNEL, KERNEL),
        "fc1": (FEATURES, maps),
        "fc2": (CLASSES, FEATURES),
    }


@dataclass(frozen=True, eq=False)
class LeNet:
    """Two convolutions and two linear layers; the 128 outputs of the first linear layer are the features.

    Parameters
    ----------
    weights : dict of str to Tensor
        ``<layer>.weight`` and ``<layer>.bias`` of each layer of `layer_shapes`.
    side : int
        Rows, and columns, of the images that it takes.
    sha256 : str
        Of the file they came from.
    """

    weights: dict[str, Tensor]
    side: int
    sha256: str

    @torch.no_grad()
    def __call__(self, images: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Compute features and classes of images.

        Parameters
        ----------
        images : float32[n, rows, columns]
            Within -1 and 1; ``side`` x ``side``, or smaller by a whole factor: those are enlarged, bilinearly.

        Returns
        -------
        float64[n, 128], int64[n]

        Raises
        ------
        OsccError
            ``metrics.image`` when the images are of another size.
        """
        rows, cols = images.shape[1:]
        if rows != cols or self.side % rows:
            raise OsccError(
                "metrics.image",
                f"the extractor takes images of {self.side} x {self.side} pixels, or smaller by a whole factor; these "
                f"have {rows} x {cols}",
            )
        features, classes = [], []
        for start in range(0, len(images), BATCH):
            # A copy: PyTorch warns of arrays that cannot be written, as those of data sets are.
            hidden = torch.from_numpy(np.array(images[start : start + BATCH], order="C"))[:, None]
            if rows != self.side:
                hidden = functional.interpolate(hidden, size=(self.side, self.side), mode="bilinear")
            for layer in ("conv1", "conv2"):
                hidden = functional.conv2d(hidden, *self._layer(layer), padding=2).relu()
                hidden = functional.max_pool2d(hidden, 2)
            hidden = functional.linear(hidden.flatten(1), *self._layer("fc1")).relu()
            features.append(hidden.double().numpy())
            classes.append(functional.linear(hidden, *self._layer("fc2")).argmax(dim=1).numpy())
        return np.concatenate(features), np.concatenate(classes)

    def _layer(self, name: str) -> tuple[Tensor, Tensor]:
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]


def check_extractor(extractor: LeNet, data: ImageData) -> float:
    """Check that an extractor is one of a data set, by how it classifies the data set's own images.

    Parameters
    ----------
    extractor : LeNet
    data : ImageData
        Of full size: classification of images that were made smaller says less.

    Returns
    -------
    float
        Fraction of the first `JUDGED` test images that it classifies rightly.

    Raises
    ------
    OsccError
        ``data.labels`` when the labels are not the extractor's classes, ``metrics.image`` as `LeNet` raises it,
        ``metrics.other-data`` when less than `LEAST_ACCURACY` is right.
    """
    check_labels(data, CLASSES, "the extractor")
    images, labels = data.test[:JUDGED], data.test_labels[:JUDGED]
    accuracy = float(np.mean(extractor(images)[1] == labels))
    if accuracy < LEAST_ACCURACY:
        raise OsccError(
            "metrics.other-data",
            f"the extractor classifies {100 * accuracy:.1f} % of {len(images)} test images of '{data.name}' rightly: "
            "it was trained on other data",
            where="--extractor",
            hint=f"give one that was trained on '{data.name}', or leave --extractor out",
        )
    return accuracy


def shipped_extractor(dataset: str) -> LeNet:
    """Return the extractor of a data set that comes with the package.

    Parameters
    ----------
    dataset : str
        A key of `SHIPPED`.

    Raises
    ------
    OsccError
        ``data.name``.
    """
    if dataset not in SHIPPED:
        raise OsccError("data.name", f"'{dataset}' has no extractor{did_you_mean(dataset, SHIPPED)}")
    with resources.as_file(resources.files("oscc.models.quality") / "extractors" / SHIPPED[dataset]) as path:
        return load_lenet(path)


def load_lenet(path: Path) -> LeNet:
    """Read the extractor in a file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        What `read_tensors` raises, or ``metrics.extractor`` when the tensors are not those of `layer_shapes`, for the
        size of images that follows from ``fc1.weight``, or not finite.
    """
    file = read_tensors(path)
    shape = file.tensors["fc1.weight"].shape if "fc1.weight" in file.tensors else ()
    # Without a size of its own, that of MNIST is expected.
    side = POOLED * math.isqrt(shape[1] // CHANNELS[1]) if len(shape) == 2 else 28
    for layer, wanted in layer_shapes(max(POOLED, side)).items():
        for name, expected in ((f"{layer}.weight", wanted), (f"{layer}.bias", wanted[:1])):
            if file.dtypes.get(name) != "float32" or file.tensors[name].shape != expected:
                raise OsccError(
                    "metrics.extractor", f"tensor '{name}' is missing or not float32 {list(expected)}", where=str(path)
                )
            if not np.isfinite(file.tensors[name]).all():
                raise OsccError("metrics.extractor", f"tensor '{name}' is not finite", where=str(path))
    weights = {name: torch.from_numpy(values.copy()) for name, values in file.tensors.items()}
    return LeNet(weights, side, file.sha256)
