"""Losses: what makes a distribution of end states like that of data."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def sliced_wasserstein(first: Tensor, second: Tensor, directions: Tensor) -> Tensor:
    """Compute the squared sliced Wasserstein-2 distance, Tensor[], of two point sets of the same size.

    The mean over directions of the squared distance between sorted projections (N. Bonneel, J. Rabin, G. Peyre and
    H. Pfister, Sliced and Radon Wasserstein barycenters of measures, J. Math. Imaging Vis. 51, 2015).

    Parameters
    ----------
    first, second : Tensor[n, d]
    directions : Tensor[d, k]
        Unit vectors, as `random_directions` gives them.

    Raises
    ------
    ValueError
        When the sets differ in size.
    """
    if first.shape != second.shape:
        raise ValueError(f"point sets of shapes {list(first.shape)} and {list(second.shape)}: they must be equal")
    sorted_first, _ = torch.sort(first @ directions, dim=0)
    sorted_second, _ = torch.sort(second @ directions, dim=0)
    return (sorted_first - sorted_second).square().mean()


def random_directions(dimensions: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw unit vectors in random directions, float32 Tensor[dimensions, count], on the generator's device."""
    vectors = torch.randn(dimensions, count, generator=generator, device=generator.device)
    unit: Tensor = vectors / torch.linalg.vector_norm(vectors, dim=0, keepdim=True).clamp_min(1e-12)
    return unit


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mixture: Tensor) -> Tensor:
    """Compute the mean squared deviation, Tensor[], of the critic's slope from 1 between real and generated samples.

    I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin and A. Courville, Improved training of Wasserstein GANs, NeurIPS
    2017.

    Parameters
    ----------
    critic : callable
        Tensor[B, ...] to Tensor[B].
    real, fake : Tensor[B, ...]
    mixture : Tensor[B]
        Fraction of the real sample in each point between, 0 to 1.
    """
    share = mixture.reshape(-1, *[1] * (real.dim() - 1))
    between = (share * real + (1 - share) * fake).requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    norm = (slope.flatten(1).square().sum(dim=1) + 1e-12).sqrt()
    return (norm - 1).square().mean()
