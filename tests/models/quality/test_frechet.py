from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

from oscc.models.quality.frechet import class_shares, frechet_distance, nearest_distances


def drawn(seed, count=40, dimensions=4, scale=1.0):
    random = np.random.default_rng(seed)
    mixing = scale * random.normal(size=(dimensions, dimensions))
    return random.normal(size=(count, dimensions)) @ mixing + random.normal(size=dimensions)


def by_definition(first, second):
    """The distance with scipy's root of the product of the covariances."""
    one, other = (np.atleast_2d(np.cov(part.T)) for part in (first, second))
    root = np.asarray(sqrtm(one @ other))
    assert np.abs(root.imag).max() < 1e-6
    return ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum() + np.trace(one + other - 2 * root.real)


@given(seed=st.integers(0, 200), dimensions=st.integers(1, 6), scale=st.floats(0.1, 10))
def test_distance_is_that_of_the_definition(seed, dimensions, scale):
    first, second = drawn(seed, 30, dimensions), drawn(seed + 1000, 25, dimensions, scale)
    expected = by_definition(first, second)
    assert frechet_distance(first, second) == pytest.approx(expected, rel=1e-7, abs=1e-7)
    assert frechet_distance(second, first) == pytest.approx(expected, rel=1e-7, abs=1e-7)


def with_moments(mean, deviation):
    """Points whose mean and covariance (with n - 1) are exactly those of a Gaussian with independent components."""
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * len(mean))).reshape(len(mean), -1).T
    return corners * np.asarray(deviation) * np.sqrt((len(corners) - 1) / len(corners)) + mean


def test_distance_of_diagonal_gaussians():
    first, second = with_moments([0, 1, -2], [1, 2, 0.5]), with_moments([3, 1, 0], [2, 0.5, 0.5])
    # |difference of the means|^2 + |difference of the standard deviations|^2
    assert frechet_distance(first, second) == pytest.approx((9 + 4) + (1 + 2.25), rel=1e-12)


@given(seed=st.integers(0, 100), shift=st.lists(st.floats(-5, 5), min_size=4, max_size=4))
def test_distance_of_a_shifted_set(seed, shift):
    first = drawn(seed)
    expected = float(np.square(shift).sum())
    assert frechet_distance(first, first + np.array(shift)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_fewer_points_than_dimensions():
    # Covariances without inverse: their roots have rounding below zero.
    first, second = drawn(0, 5, 30), drawn(1, 4, 30)
    distance = frechet_distance(first, second)
    one, other = np.cov(first.T), np.cov(second.T)
    # The trace of the root of a product of two matrices is the nuclear norm of the product of their factors.
    factors = [(part - part.mean(axis=0)) / np.sqrt(len(part) - 1) for part in (first, second)]
    trace = np.linalg.norm(factors[0] @ factors[1].T, "nuc")
    means = first.mean(axis=0) - second.mean(axis=0)
    assert distance == pytest.approx(means @ means + np.trace(one) + np.trace(other) - 2 * trace, rel=1e-6)


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        (((1, 4), (9, 4)), r"^features of shapes \[1, 4\] and \[9, 4\]$"),
        (((9, 4), (0, 4)), r"^features of shapes \[9, 4\] and \[0, 4\]$"),
        (((9, 4), (9, 3)), r"^features of shapes \[9, 4\] and \[9, 3\]$"),
    ],
)
def test_sets_that_have_no_distance(shapes, message):
    with pytest.raises(ValueError, match=message):
        frechet_distance(np.ones(shapes[0]), np.ones(shapes[1]))


@given(seed=st.integers(0, 100), count=st.integers(1, 30), block=st.integers(1, 12))
def test_nearest_distances_are_those_of_all_pairs(seed, count, block):
    points, among = drawn(seed, count), drawn(seed + 1, 20)
    expected = cdist(points, among).min(axis=1)
    np.testing.assert_allclose(nearest_distances(points, among, block), expected, rtol=0, atol=1e-6)


def test_a_point_of_the_set_is_at_no_distance():
    among = 100 * drawn(0, 20)
    np.testing.assert_allclose(nearest_distances(among[5:9], among), 0, atol=1e-4)


@given(classes=st.lists(st.integers(0, 4), max_size=30))
def test_class_shares_are_counts_by_number(classes):
    shares = class_shares(np.array(classes, dtype=np.int64), 5)
    assert shares.tolist() == [classes.count(number) / max(1, len(classes)) for number in range(5)]
