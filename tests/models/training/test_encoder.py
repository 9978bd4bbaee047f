from __future__ import annotations

import numpy as np
import pytest
import torch

from oscc.models.training import encoder as module
from oscc.models.training.encoder import FEATURES, Encoder, shaken, train_encoder
from oscc.models.training.generator import random_stream


@pytest.mark.parametrize("shape", [(8, 8), (14, 14), (28, 28), (10, 3), (2, 2)])
def test_features_of_images_of_any_size(shape):
    encoder = Encoder(shape, random_stream(0, 0))
    images = torch.zeros(3, *shape)
    assert encoder.features(images).shape == (3, FEATURES)
    assert encoder(images).shape == (3, 10)
    assert (encoder.features(torch.randn(50, *shape)) >= 0).all()


def test_an_encoder_learns_classes_from_shaken_images_and_is_fixed_afterwards(monkeypatch):
    monkeypatch.setattr(module, "TRAINING_STEPS", 100)
    # Class k has one bright block: row k % 4, column k // 4 of a 4 x 4 pattern of blocks.
    random = np.random.default_rng(0)
    labels = random.integers(0, 10, 400)
    images = np.full((400, 16, 16), -1.0, np.float32)
    for image, label in zip(images, labels, strict=True):
        image[4 * (label % 4) : 4 * (label % 4) + 4, 4 * (label // 4) : 4 * (label // 4) + 4] = 1.0
    encoder = Encoder((16, 16), random_stream(0, 0))
    before = (encoder(torch.from_numpy(images)).argmax(dim=1).numpy() == labels).mean()
    train_encoder(encoder, images[:300], labels[:300], random_stream(0, 1))
    unseen = shaken(torch.from_numpy(images[300:]), random_stream(0, 2))
    assert before < 0.5
    assert (encoder(unseen).argmax(dim=1).numpy() == labels[300:]).mean() > 0.95
    assert not any(parameter.requires_grad for parameter in encoder.parameters())


def test_shaken_images_are_shifted_by_two_of_28_pixels_at_most_with_background_moving_in():
    images = torch.full((1, 28, 28), -1.0)
    images[:, 14, 14] = 1.0
    places = set()
    for number in range(200):
        seen = shaken(images, random_stream(0, number))
        brightest = int(seen.argmax())
        places.add((brightest // 28 - 14, brightest % 28 - 14))
        assert abs(float(seen[:, [0, -1]].mean()) + 1) < 0.25  # the edge is background still
    assert places == {(down, right) for down in range(-2, 3) for right in range(-2, 3)}


def test_small_images_are_not_shifted():
    images = torch.full((1, 8, 8), -1.0)
    images[:, 3, 3] = 9.0
    assert {int(shaken(images, random_stream(0, number)).argmax()) for number in range(50)} == {27}


def test_shaking_depends_on_the_random_stream_alone():
    images = torch.randn(4, 28, 28)
    torch.manual_seed(1)
    first = shaken(images, random_stream(0, 3))
    torch.manual_seed(2)
    assert torch.equal(first, shaken(images, random_stream(0, 3)))
    assert not torch.equal(first, shaken(images, random_stream(0, 4)))
