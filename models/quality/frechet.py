"""Frechet distance between Gaussians fitted to features, and other measures on features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float64]


def frechet_distance(first: Features, second: Features) -> float:
    """Compute the squared Frechet (Wasserstein-2) distance between the Gaussians fitted to two sets of features.

    |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), covariances with n - 1 (D. C. Dowson and B. V. Landau, The Frechet
    distance between multivariate normal distributions, J. Multivariate Analysis 12, 1982). The trace of the root is the
    sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which is symmetric.

    Parameters
    ----------
    first, second : float64[n, d]
        At least two of each.

    Raises
    ------
    ValueError
        When a set has fewer than two, or they differ in d.
    """
    if min(len(first), len(second)) < 2 or first.shape[1] != second.shape[1]:
        raise ValueError(f"features of shapes {list(first.shape)} and {list(second.shape)}")
    mean = first.mean(axis=0) - second.mean(axis=0)
    covariance, other = (np.atleast_2d(np.cov(part, rowvar=False)) for part in (first, second))
    values, vectors = np.linalg.eigh(covariance)
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    middle = np.linalg.eigvalsh(root @ other @ root)
    trace = np.trace(covariance) + np.trace(other) - 2 * np.sqrt(np.clip(middle, 0, None)).sum()
    return float(mean @ mean + trace)


def nearest_distances(points: Features, among: Features, block: int = 500) -> NDArray[np.float64]:
    """Compute the Euclidean distance of each point to the nearest of a set, float64[n].

    Parameters
    ----------
    points : float64[n, d]
    among : float64[m, d]
    block : int
        Points that are compared at a time, which bounds the memory.
    """
    norms = np.square(among).sum(axis=1)
    found = []
    for start in range(0, len(points), block):
        part = points[start : start + block]
        squares = np.square(part).sum(axis=1)[:, None] + norms - 2 * part @ among.T
        found.append(np.sqrt(np.clip(squares.min(axis=1), 0, None)))
    return np.concatenate(found)


def class_shares(classes: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """Return the fraction of each class, float64[count].

    Parameters
    ----------
    classes : int64[n]
    count : int
    """
    shares: NDArray[np.float64] = np.bincount(classes, minlength=count) / max(1, len(classes))
    return shares
