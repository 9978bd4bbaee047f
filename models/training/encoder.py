"""A small classifier, trained on the spot, whose features tell what images show."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (24, 48)
FEATURES = 96
CLASSES = 10

TRAINING_STEPS = 1400
TRAINING_BATCH = 128
TRAINING_RATE = 1.5e-3

LARGEST_NOISE = 0.25
"""Largest standard deviation of the noise that `shaken` adds, in grey values of a range of 2."""

CELLS_PER_SHIFT = 14
"""Rows of an image for each pixel that `shaken` may shift it by."""


class Encoder(nn.Module):
    """Two convolutions with pooling and two linear layers; the outputs of the first of these are the features.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Rows and columns.
    random : torch.Generator
        Of the initial weights.
    """

    def __init__(self, image_shape: tuple[int, int], random: torch.Generator) -> None:
        super().__init__()
        rows, cols = image_shape
        first, second = CHANNELS
        self.convolution1 = nn.Conv2d(1, first, 5, padding=2)
        self.convolution2 = nn.Conv2d(first, second, 5, padding=2)
        self.linear1 = nn.Linear(second * -(-rows // 4) * -(-cols // 4), FEATURES)
        self.linear2 = nn.Linear(FEATURES, CLASSES)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                # He initialisation from our own generator: torch's is global.
                deviation = (2 / parameter[0].numel()) ** 0.5
                parameter.data = deviation * torch.randn(parameter.shape, generator=random)
            else:
                parameter.data.zero_()

    def features(self, images: Tensor) -> Tensor:
        """Return features, Tensor[B, `FEATURES`], of images, Tensor[B, rows, columns] within -1 and 1."""
        hidden = functional.max_pool2d(self.convolution1(images[:, None]).relu(), 2, ceil_mode=True)
        hidden = functional.max_pool2d(self.convolution2(hidden).relu(), 2, ceil_mode=True)
        found: Tensor = self.linear1(hidden.flatten(1)).relu()
        return found

    def forward(self, images: Tensor) -> Tensor:
        """Return scores of the classes, Tensor[B, `CLASSES`], of images, Tensor[B, rows, columns] within -1 and 1."""
        scores: Tensor = self.linear2(self.features(images))
        return scores


def shaken(images: Tensor, random: torch.Generator) -> Tensor:
    """Return images shifted together by a few pixels, with noise: what they show stays, patterns of pixels do not.

    A model can please an encoder by patterns that no image has, unless the encoder is trained on shaken images and sees
    the model's images shaken as well.

    Parameters
    ----------
    images : Tensor[B, rows, columns]
        Within -1 and 1; -1 moves in at the edges.
    random : torch.Generator
        On the images' device.
    """
    rows, cols = images.shape[1:]
    most = rows // CELLS_PER_SHIFT
    down, right = torch.randint(0, 2 * most + 1, (2,), generator=random, device=images.device).tolist()
    shifted = functional.pad(images, (most,) * 4, value=-1.0)[:, down : down + rows, right : right + cols]
    spread = LARGEST_NOISE * torch.rand((), generator=random, device=images.device)
    return shifted + spread * torch.randn(images.shape, generator=random, device=images.device)


def train_encoder(
    encoder: nn.Module,
    images: NDArray[np.float32],
    labels: NDArray[np.int64],
    random: torch.Generator,
    passes: int | None = None,
) -> None:
    """Train an encoder to tell the classes of shaken images, by cross entropy; it does not change afterwards.

    Parameters
    ----------
    encoder : Module
        Tensor[B, rows, columns] to scores, Tensor[B, `CLASSES`].
    images : float32[n, rows, columns]
        Within -1 and 1.
    labels : int64[n]
        0 to 9.
    random : torch.Generator
        On the encoder's device.
    passes : int, optional
        Bound of how often each image is seen on average, where images are few; `TRAINING_STEPS` bounds it, too.
    """
    steps = TRAINING_STEPS if passes is None else min(TRAINING_STEPS, -(-passes * len(images) // TRAINING_BATCH))
    device = next(encoder.parameters()).device
    pixels, classes = torch.from_numpy(np.array(images)).to(device), torch.from_numpy(np.array(labels)).to(device)
    optimizer = torch.optim.Adam(encoder.parameters(), TRAINING_RATE)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = TRAINING_RATE * (1 - step / steps)
        chosen = torch.randint(len(pixels), (TRAINING_BATCH,), generator=random, device=device)
        # Four shifts in a batch: one alone would make the steps of a batch pull in one direction.
        batch = torch.cat([shaken(part, random) for part in pixels[chosen].chunk(4)])
        loss = functional.cross_entropy(encoder(batch), classes[chosen])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    encoder.requires_grad_(False)
