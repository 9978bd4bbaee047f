"""Feature matching: images whose features have the mean and the covariance of those of data."""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from oscc.base.errors import OsccError
from oscc.models.training.encoder import FEATURES, Encoder, shaken, train_encoder

DECAY = 0.98
"""Of the moving averages, per batch."""

RIDGE = 1e-4
"""Fraction of the mean variance that is added to every variance, so that the covariance can be inverted."""

FIT_BATCH = 50
"""Images that are shaken together where the features of data are measured."""


class FeatureMatching(nn.Module):
    """The squared Wasserstein-2 distance between Gaussians fitted to features of a model's images and of data.

    Matching means and covariances of features is from Y. Mroueh, T. Sercu and V. Goel, McGan: mean and covariance
    feature matching GAN, ICML 2017; moving averages, which make up for small batches, from C. N. dos Santos, Y. Mroueh,
    I. Padhi and P. Dognin, Learning implicit generative models by matching perceptual features, ICCV 2019. The optimal
    map between Gaussians is A^-1 (A C A)^1/2 A^-1 with A the root of the model's covariance and C that of data
    (I. Olkin and F. Pukelsheim, The distance between two random vectors with given dispersion matrices, Linear Algebra
    Appl. 48, 1982): every feature vector is drawn to where the map takes it, which is the gradient of the distance.

    Parameters
    ----------
    image_shape : tuple of (int, int)
    random : torch.Generator
        Of the encoder's initial weights.

    Attributes
    ----------
    encoder : Encoder
    real_mean, real_covariance : Parameter[d], Parameter[d, d]
        Of the features of data; zero before `fit`.
    mean, square, batches : Parameter[d], Parameter[d, d], Parameter[]
        Moving averages over the model's images of the features and of their outer products, and from how many batches.
    """

    mean: nn.Parameter
    square: nn.Parameter
    batches: nn.Parameter
    real_mean: nn.Parameter
    real_covariance: nn.Parameter

    def __init__(self, image_shape: tuple[int, int], random: torch.Generator) -> None:
        super().__init__()
        self.encoder = Encoder(image_shape, random)
        shapes = {"mean": (FEATURES,), "square": (FEATURES, FEATURES), "batches": ()}
        shapes |= {"real_mean": (FEATURES,), "real_covariance": (FEATURES, FEATURES)}
        for name, shape in shapes.items():
            # Parameters, so that they are saved with a training, which buffers are not.
            self.register_parameter(name, nn.Parameter(torch.zeros(shape), requires_grad=False))

    def fit(self, images: NDArray[np.float32], labels: NDArray[np.int64], random: torch.Generator) -> None:
        """Train the encoder on data, and measure the features of data.

        Parameters
        ----------
        images : float32[n, rows, columns]
            Within -1 and 1.
        labels : int64[n]
            0 to 9.
        random : torch.Generator

        Raises
        ------
        OsccError
            ``data.features`` when the images do not differ.
        """
        train_encoder(self.encoder, images, labels, random)
        with torch.no_grad():
            pixels = torch.from_numpy(np.array(images)).to(self.mean.device)
            parts = [self.encoder.features(shaken(part, random)) for part in torch.split(pixels, FIT_BATCH)]
            features = torch.cat(parts).double()
            self.real_mean.copy_(features.mean(dim=0))
            self.real_covariance.copy_(torch.cov(features.T, correction=min(1, len(features) - 1)))
            if not self.real_covariance.trace() > 0:
                raise OsccError(
                    "data.features",
                    f"the {len(features)} training images are all alike to the encoder: there is nothing to match",
                    where="loss.features",
                )

    def forward(self, images: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return what to go down, and the distance.

        Parameters
        ----------
        images : Tensor[B, rows, columns]
            Of the model, within -1 and 1; the moving averages take them in.
        random : torch.Generator

        Returns
        -------
        loss : Tensor[]
            Mean squared distance of the features to where the optimal map takes them, over the trace of the covariance
            of data; differentiable.
        distance : Tensor[]
            Squared Wasserstein-2 distance of the moving averages from data, over the same trace.
        """
        features = self.encoder.features(shaken(images, random))
        given = features.detach()
        self._take_in(given)
        if not torch.isfinite(self.square).all():
            # Images beyond all bounds have no map; the training finds that the loss is no number.
            return features.sum() * math.nan, features.new_tensor(math.nan)
        transport, distance = self._transport()
        aims = self.real_mean + (given - self.mean) @ transport
        scale = self.real_covariance.trace()
        return (features - aims).square().sum(dim=1).mean() / scale, distance / scale

    def _take_in(self, features: Tensor) -> None:
        self.batches.add_(1)
        # In the beginning all batches count alike.
        keep = torch.clamp(1 - 1 / self.batches, max=DECAY)
        self.mean.lerp_(features.mean(dim=0), 1 - keep)
        self.square.lerp_(features.T @ features / len(features), 1 - keep)

    def _transport(self) -> tuple[Tensor, Tensor]:
        """Compute the map from the model's Gaussian to that of data, Tensor[d, d], and their distance squared."""
        mean, real = self.mean.double(), self.real_covariance.double()
        covariance = self.square.double() - torch.outer(mean, mean)
        ridge = RIDGE * real.trace() / FEATURES
        root, inverse = _roots(covariance, ridge)
        middle, _ = _roots(root @ real @ root, ridge**2)
        trace = covariance.trace() + real.trace() - 2 * middle.trace()
        distance = (self.real_mean.double() - mean).square().sum() + trace
        return (inverse @ middle @ inverse).float(), distance.float()


def _roots(matrix: Tensor, least: Tensor) -> tuple[Tensor, Tensor]:
    """Return the square root of a symmetric matrix, and its inverse; no eigenvalue counts as less than ``least``."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(least).sqrt()
    return (vectors * roots) @ vectors.T, (vectors / roots) @ vectors.T
