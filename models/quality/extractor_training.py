"""Training of the extractors of FD-LeNet: the recipe of that for `digits`, and for a data set of one's own."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from oscc.base.errors import OsccError
from oscc.base.file_output import write_bytes
from oscc.base.output_folder import check_file_beside
from oscc.base.tensor_file import pack_tensors
from oscc.models.data.datasets import ImageData, check_labels, load_images
from oscc.models.quality.features import CLASSES, KERNEL, POOLED, LeNet, check_extractor, layer_shapes
from oscc.models.training.encoder import train_encoder
from oscc.models.training.generator import random_stream

PASSES = 40
"""Bound of how often an image is seen: enough for the 1,498 of `digits`, which take seconds."""


class LeNetModule(nn.Module):
    """`oscc.models.quality.features.LeNet` with weights that can be trained.

    Parameters
    ----------
    side : int
        Rows, and columns, of the images; a multiple of 4.
    random : torch.Generator
        Of the initial weights.
    """

    def __init__(self, side: int, random: torch.Generator) -> None:
        super().__init__()
        shapes = layer_shapes(side)
        (first, *_), (second, *_) = shapes["conv1"], shapes["conv2"]
        self.conv1 = nn.Conv2d(1, first, KERNEL, padding=KERNEL // 2)
        self.conv2 = nn.Conv2d(first, second, KERNEL, padding=KERNEL // 2)
        self.fc1 = nn.Linear(shapes["fc1"][1], shapes["fc1"][0])
        self.fc2 = nn.Linear(shapes["fc2"][1], shapes["fc2"][0])
        for parameter in self.parameters():
            if parameter.dim() > 1:
                # He initialisation from our own generator: torch's is global.
                deviation = (2 / parameter[0].numel()) ** 0.5
                parameter.data = deviation * torch.randn(parameter.shape, generator=random)
            else:
                parameter.data.zero_()

    def forward(self, images: Tensor) -> Tensor:
        """Return scores of the classes, Tensor[B, 10], of images, Tensor[B, side, side] within -1 and 1."""
        hidden = functional.max_pool2d(self.conv1(images[:, None]).relu(), 2)
        hidden = functional.max_pool2d(self.conv2(hidden).relu(), 2)
        scores: Tensor = self.fc2(self.fc1(hidden.flatten(1)).relu())
        return scores


@dataclass(frozen=True)
class MadeExtractor:
    """An extractor that was trained and written.

    Parameters
    ----------
    file : Path
    dataset : str
    seed : int
    sha256 : str
        Of the file, in hexadecimal.
    accuracy : float
        Fraction of the test images that it classifies rightly.
    """

    file: Path
    dataset: str
    seed: int
    sha256: str
    accuracy: float

    def to_dict(self) -> dict[str, Any]:
        """Return what was made as JSON."""
        return asdict(self) | {"file": str(self.file)}


def make_extractor(name: str, target: Path, *, data: Path | None = None, seed: int = 0) -> MadeExtractor:
    """Train an extractor on a data set, and write it when it knows the data set.

    Parameters
    ----------
    name : str
        One of `oscc.models.data.datasets.IMAGE_SETS`.
    target : Path
        The file of weights.
    data : Path or None
        Folder with the data set's file.
    seed : int
        Of all that is random.

    Raises
    ------
    OsccError
        Before training when the file cannot be written, or the data set not read; as `train_extractor` and
        `check_extractor` do.
    """
    check_file_beside(target)
    images = load_images(name, data)
    net, content = train_extractor(images, seed)
    accuracy = check_extractor(net, images)
    write_bytes(target, content)
    return MadeExtractor(target, name, seed, net.sha256, accuracy)


def train_extractor(data: ImageData, seed: int) -> tuple[LeNet, bytes]:
    """Train an extractor on a data set's classes, shifted and with noise (`train_encoder`).

    Parameters
    ----------
    data : ImageData
        Square images, of a multiple of 4 rows.
    seed : int
        Everything random follows from it: the same seed gives the same bytes, on the same machine with one thread.

    Returns
    -------
    LeNet, bytes
        The extractor, and the file that `oscc.models.quality.features.load_lenet` reads.

    Raises
    ------
    OsccError
        ``metrics.image`` when images are of another shape, ``data.labels`` when labels are not 0 to 9.
    """
    rows, cols = data.train.shape[1:]
    if rows != cols or rows % POOLED:
        raise OsccError(
            "metrics.image",
            f"images of '{data.name}' have {rows} x {cols} pixels; an extractor takes square ones, of a multiple of "
            f"{POOLED} rows",
        )
    check_labels(data, CLASSES, "the extractor")
    torch.set_num_threads(1)
    random = random_stream(seed, 0)
    module = LeNetModule(rows, random)
    train_encoder(module, data.train, data.train_labels, random, PASSES)
    weights = dict(module.state_dict())
    described = f"{data.name}, seed {seed}, training images {data.sha256}"
    content = pack_tensors({name: values.numpy() for name, values in weights.items()}, {"oscc.extractor": described})
    return LeNet(weights, rows, hashlib.sha256(content).hexdigest()), content
