from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import FindingsError
from oscc.models.training import encoder
from oscc.models.training.code_share import code_share
from oscc.models.training.trainer import Trainer

TINY: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


def drawn(trainer, state):
    """All reports of a run."""
    return list(trainer.run(state))


def test_labels_must_be_classes_where_features_are_matched(images_config, tiny_images):
    shifted = dataclasses.replace(tiny_images, train_labels=tiny_images.train_labels + 1)
    with pytest.raises(OsccError) as caught:
        Trainer(images_config(loss={"features": 1.0}), shifted)
    assert (caught.value.code, str(caught.value)) == (
        "data.labels",
        "mnist: y_train: labels are 1 to 10, loss.features takes 10 classes, 0 to 9",
    )
    # Labels are not looked at without it.
    Trainer(images_config(), shifted)


@pytest.mark.parametrize("count", [1, 3])
def test_images_that_are_alike_have_no_features_to_match(images_config, tiny_images, tmp_path, monkeypatch, count):
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 2)
    monkeypatch.setattr(encoder, "LARGEST_NOISE", 0.0)
    alike = np.repeat(tiny_images.train[:1], count, axis=0)
    data = dataclasses.replace(tiny_images, train=alike, train_labels=tiny_images.train_labels[:count])
    with pytest.raises(OsccError) as caught:
        drawn(Trainer(images_config(loss={"features": 1.0}), data), tmp_path / "state")
    assert (caught.value.code, caught.value.message) == (
        "data.features",
        f"the {count} training images are all alike to the encoder: there is nothing to match",
    )


def test_images_must_be_of_the_size_that_the_model_shows(images_config, points_config, tiny_images, images_of):
    for config, data, message in (
        (images_config(), images_of((3, 2)), "data 'mnist' has 3 x 2 pixels, the model shows 2 x 3"),
        (images_config(model={"step": [1, 1]}), tiny_images, "data 'mnist' has 2 x 3 pixels, the model shows 4 x 6"),
        (points_config(model={"origin": [2, 0]}), None, None),
        (points_config(model={"step": [1, 2]}), None, "data 'two-moons' has 1 x 2 pixels, the model shows 3 x 2"),
        (points_config(model={"origin": [3, 0]}), None, "data 'two-moons' has 1 x 2 pixels, the model shows 0 x 2"),
    ):
        if message is None:
            Trainer(config, data)
            continue
        with pytest.raises(OsccError) as caught:
            Trainer(config, data)
        assert (caught.value.code, caught.value.where, caught.value.message) == ("training.image", "model", message)
        assert caught.value.hint.startswith("choose grid, origin and step")


def test_more_chunks_than_the_core_holds(images_config, images_of):
    config = images_config(model={**TINY["model"], "chunks": 5, "duration": 1.0}, hardware=TINY["hardware"])
    with pytest.raises(OsccError, match="the model has 5 chunks, core tiny-8x8 holds 4"):
        Trainer(config, images_of((4, 4)))


@pytest.mark.parametrize(
    ("model", "message"),
    [({"init": {"std": 0.5}}, "standard deviation 1 rad"), ({"family": "tanh_ising", "shil": 0.0}, "tanh_ising")],
)
def test_what_would_not_fit_the_core_is_not_trained(images_config, model, message, images_of):
    config = images_config(model={**TINY["model"], **model}, hardware=TINY["hardware"])
    with pytest.raises(FindingsError) as caught:
        Trainer(config, images_of((4, 4)))
    assert any(message in finding.message for finding in caught.value.findings)


def test_an_unknown_device_is_refused(points_config):
    with pytest.raises(OsccError) as caught:
        Trainer(points_config(), None, 1, "gpu9")
    assert (caught.value.code, str(caught.value)) == (
        "training.device",
        "--device: 'gpu9' is no device that this PyTorch can use",
    )


def test_a_fresh_model_of_few_bits_is_not_rounded_away(images_config, images_of):
    config = images_config(model={**TINY["model"], "duration": 2.0}, hardware={"core": "tiny-8x8", "bits": 3})
    # 62 % of a normal distribution are beyond half of its standard deviation.
    share = code_share(Trainer(config, images_of((4, 4))).generator)
    assert share == pytest.approx(0.617, abs=0.03)
