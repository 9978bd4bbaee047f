"""The fixed feature extractors of FD-LeNet: a small classifier for each data set, read from safetensors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from oscc.compiler.errors import OsccError
from oscc.compiler.tensor_file import read_tensors

LAYERS = {"conv1": (32, 1, 5, 5), "conv2": (64, 32, 5, 5), "fc1": (128, 3136), "fc2": (10, 128)}
"""Shape of each layer's weight."""

IMAGE_SHAPE = (28, 28)

BATCH = 500


@dataclass(frozen=True, eq=False)
class LeNet:
    """Two convolutions and two linear layers; the 128 outputs of the first linear layer are the features.

    Parameters
    ----------
    weights : dict of str to Tensor
        ``<layer>.weight`` and ``<layer>.bias`` of each layer of `LAYERS`.
    sha256 : str
        Of the file they came from.
    """

    weights: dict[str, Tensor]
    sha256: str

    @torch.no_grad()
    def __call__(self, images: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Features and classes of images.

        Parameters
        ----------
        images : float32[n, rows, columns]
            Within -1 and 1; 28 x 28, or smaller by a whole factor: those are enlarged, bilinearly.

        Returns
        -------
        float64[n, 128], int64[n]

        Raises
        ------
        OsccError
            ``metrics.image`` when the images are of another size.
        """
        rows, cols = images.shape[1:]
        if rows != cols or IMAGE_SHAPE[0] % rows:
            raise OsccError(
                "metrics.image",
                f"FD-LeNet takes images of 28 x 28 pixels, or smaller by a whole factor; these have {rows} x {cols}",
            )
        features, classes = [], []
        for start in range(0, len(images), BATCH):
            # A copy: PyTorch warns of arrays that cannot be written, as those of data sets are.
            hidden = torch.from_numpy(np.array(images[start : start + BATCH], order="C"))[:, None]
            if (rows, cols) != IMAGE_SHAPE:
                hidden = functional.interpolate(hidden, size=IMAGE_SHAPE, mode="bilinear")
            for layer in ("conv1", "conv2"):
                hidden = functional.conv2d(hidden, *self._layer(layer), padding=2).relu()
                hidden = functional.max_pool2d(hidden, 2)
            hidden = functional.linear(hidden.flatten(1), *self._layer("fc1")).relu()
            features.append(hidden.double().numpy())
            classes.append(functional.linear(hidden, *self._layer("fc2")).argmax(dim=1).numpy())
        return np.concatenate(features), np.concatenate(classes)

    def _layer(self, name: str) -> tuple[Tensor, Tensor]:
        return self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]


def load_lenet(path: Path) -> LeNet:
    """The extractor in a file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        What `read_tensors` raises, or ``metrics.extractor`` when the tensors are not those of `LAYERS`.
    """
    file = read_tensors(path)
    for layer, shape in LAYERS.items():
        for name, expected in ((f"{layer}.weight", shape), (f"{layer}.bias", shape[:1])):
            if file.dtypes.get(name) != "float32" or file.tensors[name].shape != expected:
                raise OsccError(
                    "metrics.extractor", f"tensor '{name}' is missing or not float32 {list(expected)}", where=str(path)
                )
    return LeNet({name: torch.from_numpy(values.copy()) for name, values in file.tensors.items()}, file.sha256)
