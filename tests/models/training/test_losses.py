from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from oscc.models.training.losses import gradient_penalty, random_directions, sliced_wasserstein


def points(seed, count=7, dimensions=3):
    return torch.tensor(np.random.default_rng(seed).normal(size=(count, dimensions)))


def directions(count=5, dimensions=3, seed=0):
    return random_directions(dimensions, count, torch.Generator().manual_seed(seed)).double()


def test_distance_is_that_of_the_best_assignment_in_every_direction():
    first, second, along = points(0), points(1), directions()
    expected = []
    for direction in along.T.numpy():
        costs = np.subtract.outer(first.numpy() @ direction, second.numpy() @ direction) ** 2
        chosen = linear_sum_assignment(costs)
        expected.append(costs[chosen].mean())
    assert sliced_wasserstein(first, second, along).item() == pytest.approx(np.mean(expected), rel=1e-12)


@given(seed=st.integers(0, 50), count=st.integers(1, 20), dimensions=st.integers(1, 4))
def test_distance_agrees_with_sorting_in_plain_python(seed, count, dimensions):
    first, second = points(seed, count, dimensions), points(seed + 100, count, dimensions)
    along = directions(3, dimensions, seed)
    total = 0.0
    for direction in along.T.tolist():
        ends = [
            sorted(sum(a * b for a, b in zip(point, direction, strict=True)) for point in part.tolist())
            for part in (first, second)
        ]
        total += sum((a - b) ** 2 for a, b in zip(*ends, strict=True))
    assert sliced_wasserstein(first, second, along).item() == pytest.approx(total / 3 / count, rel=1e-9, abs=1e-15)


def test_distance_of_a_shifted_set_is_the_shift():
    first, along = points(0), directions()
    shift = torch.tensor([0.3, -1.2, 0.5], dtype=torch.float64)
    # Which of the points is which does not matter.
    second = (first + shift)[torch.randperm(7, generator=torch.Generator().manual_seed(1))]
    expected = (shift @ along).square().mean().item()
    assert sliced_wasserstein(first, second, along).item() == pytest.approx(expected, rel=1e-12)
    assert sliced_wasserstein(first, first.flip(0), along).item() == pytest.approx(0, abs=1e-30)


def test_gradient_of_the_distance_moves_points_to_their_partners():
    first = torch.tensor([[2.0], [0.0]], requires_grad=True)
    second = torch.tensor([[0.5], [3.0]])
    sliced_wasserstein(first, second, torch.ones(1, 1)).backward()
    # Mean of (2 - 3)^2 and (0 - 0.5)^2.
    assert first.grad is not None
    assert first.grad.tolist() == [[-1.0], [-0.5]]


def test_sets_of_different_sizes_are_refused():
    with pytest.raises(ValueError, match=r"^point sets of shapes \[7, 3\] and \[6, 3\]: they must be equal$"):
        sliced_wasserstein(points(0), points(0, 6), directions())


def test_directions_are_unit_vectors_of_all_orientations():
    found = random_directions(2, 4000, torch.Generator().manual_seed(0))
    assert found.shape == (2, 4000)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(np.hypot(*found.numpy()), 1, rtol=1e-6)
    counts, _ = np.histogram(np.arctan2(*found.numpy()), bins=8, range=(-math.pi, math.pi))
    assert counts.min() > 500 - 4 * math.sqrt(500)
    assert counts.max() < 500 + 4 * math.sqrt(500)
    assert torch.equal(found, random_directions(2, 4000, torch.Generator().manual_seed(0)))
    assert not torch.equal(found, random_directions(2, 4000, torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("length", [0.5, 1.0, 3.0])
def test_penalty_of_a_linear_critic(length):
    slope = torch.tensor(np.random.default_rng(0).normal(size=(2, 3)))
    slope = (slope * length / slope.norm()).requires_grad_(True)
    real, fake, mixture = torch.randn(3, 4, 2, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    penalty = gradient_penalty(lambda images: (images * slope).sum(dim=(1, 2)), real, fake, mixture[:, 0, 0])
    assert penalty.item() == pytest.approx((length - 1) ** 2, abs=1e-12)
    # The critic learns from it: d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|.
    (found,) = torch.autograd.grad(penalty, slope)
    np.testing.assert_allclose(found, 2 * (length - 1) / length * slope.detach(), rtol=0, atol=1e-10)


def test_penalty_is_taken_between_the_samples():
    real, fake = torch.tensor([[1.0, 0.0], [4.0, 0.0]]), torch.tensor([[0.0, 0.0], [0.0, 2.0]])
    mixture = torch.tensor([0.75, 0.25])
    # The slope of |x|^2 / 2 is x itself: |0.75 [1, 0]| and |0.25 [4, 0] + 0.75 [0, 2]|.
    penalty = gradient_penalty(lambda x: x.square().sum(dim=1) / 2, real, fake, mixture)
    expected = ((0.75 - 1) ** 2 + (math.hypot(1.0, 1.5) - 1) ** 2) / 2
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def test_penalty_counts_each_sample_by_itself():
    real, fake = torch.zeros(2, 1), torch.zeros(2, 1)
    slopes = torch.tensor([[3.0], [0.0]])
    penalty = gradient_penalty(lambda x: (x * slopes).sum(dim=1), real, fake, torch.tensor([0.5, 0.5]))
    assert penalty.item() == pytest.approx(((3 - 1) ** 2 + (0 - 1) ** 2) / 2, rel=1e-5)
    flat = gradient_penalty(lambda x: (x * 0).sum(dim=1), real.requires_grad_(True), fake, torch.tensor([0.5, 0.5]))
    assert flat.item() == pytest.approx(1, rel=1e-5)
