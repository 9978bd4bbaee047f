from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch import nn

from oscc.models.training import feature_matching
from oscc.models.training.encoder import FEATURES
from oscc.models.training.feature_matching import FeatureMatching
from oscc.models.training.generator import random_stream


class Flat(nn.Module):
    """The pixels themselves as features."""

    def features(self, images):
        return images.flatten(1)


@pytest.fixture
def matching(monkeypatch):
    """Matching on 8 x 12 pixels, all of them features, not shaken; data are Gaussian."""
    monkeypatch.setattr(feature_matching, "train_encoder", lambda *_: None)
    monkeypatch.setattr(feature_matching, "shaken", lambda images, _: images)
    made = FeatureMatching((8, 12), random_stream(0, 0))
    monkeypatch.setattr(made, "encoder", Flat())
    random = np.random.default_rng(0)
    mixing = random.normal(size=(FEATURES, FEATURES)) / np.sqrt(FEATURES)
    data = (random.normal(size=(4000, FEATURES)) @ mixing + 0.5).astype(np.float32).reshape(-1, 8, 12)
    made.fit(data, np.zeros(4000, np.int64), random_stream(0, 1))
    return made, data


def reference_distance(first, second):
    """Squared Wasserstein-2 distance of the Gaussians fitted to two sets, by scipy's root of a matrix."""
    first, second = first.reshape(len(first), -1).astype(float), second.reshape(len(second), -1).astype(float)
    one, other = np.cov(first.T, bias=True), np.cov(second.T)
    mean = first.mean(axis=0) - second.mean(axis=0)
    return mean @ mean + np.trace(one + other - 2 * sqrtm(one @ other).real), np.trace(other)


def test_the_distance_is_that_of_gaussians_over_the_variance_of_data(matching):
    made, data = matching
    other = np.random.default_rng(1).normal(0.3, 0.7, (4000, 8, 12)).astype(np.float32)
    _, distance = made(torch.from_numpy(other), random_stream(0, 2))
    expected, trace = reference_distance(other, data)
    assert distance.item() == pytest.approx(expected / trace, rel=0.01)


def test_data_themselves_are_at_no_distance(matching):
    made, data = matching
    loss, distance = made(torch.from_numpy(data), random_stream(0, 2))
    assert distance.item() == pytest.approx(0, abs=1e-3)
    assert loss.item() == pytest.approx(0, abs=1e-3)


def test_the_gradient_is_that_of_the_distance(matching):
    made, _ = matching
    other = np.random.default_rng(1).normal(0.3, 0.7, (2000, 8, 12)).astype(np.float32)
    images = torch.from_numpy(other).requires_grad_(True)
    loss, _ = made(images, random_stream(0, 2))
    (gradient,) = torch.autograd.grad(loss, images)
    # Along a direction that moves and stretches all images: the distance changes as the gradient says.
    way = 0.01 * (other - 1.0)
    made.batches.zero_()
    further = made(torch.from_numpy(other + way), random_stream(0, 2))[1].item()
    made.batches.zero_()
    nearer = made(torch.from_numpy(other - way), random_stream(0, 2))[1].item()
    assert (gradient.numpy() * way).sum() == pytest.approx((further - nearer) / 2, rel=0.02)


def test_moving_averages_count_the_first_batches_alike_and_forget_later(matching):
    made, _ = matching
    batches = np.random.default_rng(1).normal(size=(300, 16, 8, 12)).astype(np.float32)
    for batch in batches[:10]:
        made(torch.from_numpy(batch), random_stream(0, 2))
    np.testing.assert_allclose(made.mean.numpy(), batches[:10].mean(axis=(0, 1)).ravel(), atol=1e-5)
    for batch in batches[10:]:
        made(torch.from_numpy(batch), random_stream(0, 2))
    # By hand: equal parts up to the fiftieth batch, then 0.98 of what was.
    expected = batches[:50].mean(axis=(0, 1))
    for batch in batches[50:]:
        expected = 0.98 * expected + 0.02 * batch.mean(axis=0)
    np.testing.assert_allclose(made.mean.numpy(), expected.ravel(), atol=1e-5)


def test_going_down_the_loss_brings_the_model_to_data(matching):
    made, _ = matching
    random = random_stream(0, 5)
    gain, shift = torch.eye(FEATURES).mul(0.3).requires_grad_(True), torch.zeros(FEATURES, requires_grad=True)
    optimizer = torch.optim.Adam([gain, shift], 0.02)
    found = []
    for _ in range(500):
        images = (torch.randn(64, FEATURES, generator=random) @ gain + shift).reshape(-1, 8, 12)
        loss, distance = made(images, random)
        found.append(distance.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert found[0] > 0.3
    assert found[-1] < 0.1


def test_with_few_images_the_covariance_cannot_be_inverted_and_the_loss_is_finite(matching):
    made, data = matching
    images = torch.from_numpy(data[:2]).requires_grad_(True)
    loss, distance = made(images, random_stream(0, 2))
    loss.backward()
    assert np.isfinite([loss.item(), distance.item()]).all()
    assert images.grad is not None
    assert torch.isfinite(images.grad).all()


def test_everything_that_changes_is_a_parameter_that_a_state_saves(matching):
    made, data = matching
    before = {name: value.clone() for name, value in made.named_parameters()}
    made(torch.from_numpy(data[:8]), random_stream(0, 2))
    changed = {name for name, value in made.named_parameters() if not torch.equal(value, before[name])}
    assert changed == {"mean", "square", "batches"}
    assert not list(made.buffers())
