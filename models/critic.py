"""The critic of the Wasserstein GAN: three convolutions, as small as the images allow."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Critic(nn.Module):
    """A score for each image; differences of scores bound a Wasserstein distance while its slope stays near 1.

    Three 5 x 5 convolutions of stride 2, each with a leaky ReLU, and a linear layer. No normalisation over the batch:
    the gradient penalty is per sample.

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Rows and columns.
    channels : int
        Of the first convolution; the other two have twice as many.
    generator : torch.Generator
        Of the initial weights.
    """

    def __init__(self, image_shape: tuple[int, int], channels: int, generator: torch.Generator) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width_before = 1
        rows, cols = image_shape
        for width in (channels, 2 * channels, 2 * channels):
            layers += [nn.Conv2d(width_before, width, 5, stride=2, padding=2), nn.LeakyReLU(0.2)]
            width_before, rows, cols = width, -(-rows // 2), -(-cols // 2)
        layers += [nn.Flatten(), nn.Linear(width_before * rows * cols, 1)]
        self.layers = nn.Sequential(*layers)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                # He initialisation for leaky rectifiers, from our own generator: torch's is global.
                deviation = (2 / (1.04 * parameter[0].numel())) ** 0.5
                parameter.data = deviation * torch.randn(parameter.shape, generator=generator)
            else:
                parameter.data.zero_()

    def forward(self, images: Tensor) -> Tensor:
        """Scores, Tensor[B], of images Tensor[B, rows, columns] within -1 and 1."""
        scores: Tensor = self.layers(images[:, None])
        return scores[:, 0]
