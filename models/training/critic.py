"""The critic of the Wasserstein GAN: three convolutions, as small as the images allow."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Critic(nn.Module):
    """A score for each pack of images; differences of scores bound a Wasserstein distance while its slope is near 1.

    Three 5 x 5 convolutions of stride 2, each with a leaky ReLU, and a linear layer. No normalisation over the batch:
    the gradient penalty is per pack. A pack of several images shows the critic how often they are alike, so that a
    model pays for what it makes too often or never (Z. Lin, A. Khetan, G. Fanti and S. Oh, PacGAN: the power of two
    samples in generative adversarial networks, NeurIPS 2018).

    Parameters
    ----------
    image_shape : tuple of (int, int)
        Rows and columns.
    channels : int
        Of the first convolution; the other two have twice as many.
    generator : torch.Generator
        Of the initial weights.
    pack : int
        Images that are judged together.
    """

    def __init__(self, image_shape: tuple[int, int], channels: int, generator: torch.Generator, pack: int = 1) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width_before = pack
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

    def forward(self, packs: Tensor) -> Tensor:
        """Return scores, Tensor[P], of packs of images, Tensor[P, pack, rows, columns] within -1 and 1."""
        scores: Tensor = self.layers(packs)
        return scores[:, 0]
