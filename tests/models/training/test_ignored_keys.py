from __future__ import annotations

from typing import Any

import pytest
import yaml

from oscc.base.errors import OsccError
from oscc.models.training.training_config import parse_training

CORE: dict[str, Any] = {"model": {"grid": None, "stencil": None, "step": None}, "hardware": {"core": "tiny-8x8"}}


@pytest.mark.parametrize(
    ("changes", "key", "reason"),
    [
        ({"data": {"folder": "data"}}, "data.folder", "'two-moons' has no file"),
        ({"loss": {"critic_rate": 0.1}}, "loss.critic_rate", "it belongs to kind 'wgan-gp'"),
        (
            {"loss": {"kind": "flow-matching", "projections": None, "sensitivity": 0.1}},
            "loss.sensitivity",
            "nothing is run to its end with kind 'flow-matching'",
        ),
        (
            {"loss": {"kind": "flow-matching", "projections": None}, "hardware": {"transient_noise": 0.1}},
            "hardware.transient_noise",
            "nothing is run to its end with kind 'flow-matching'",
        ),
        ({"loss": {"kind": "flow-matching"}}, "loss.projections", "it belongs to kind 'sliced-wasserstein'"),
        (
            {"model": {"start": "m.safetensors", "weight_std": 0.5}},
            "model.weight_std",
            "training begins with the parameters of model.start",
        ),
    ],
)
def test_keys_without_effect_are_refused(points_config, changes, key, reason):
    with pytest.raises(OsccError) as caught:
        points_config(**changes)
    assert (caught.value.code, caught.value.message) == (
        "training.invalid",
        f"{key}: would be ignored, {reason}; leave it out",
    )


@pytest.mark.parametrize(
    ("section", "values", "reason"),
    [
        ("model", {"origin": [1, 1]}, "hardware.core has its own read-out"),
        ("model", {"step": [2, 2]}, "hardware.core has its own read-out"),
        ("hardware", {"bound": 3.0}, "hardware.core has full scales of its own"),
    ],
)
def test_keys_that_a_core_replaces_are_refused(images_config, section, values, reason):
    changed = {**CORE, section: {**CORE[section], **values}}
    with pytest.raises(OsccError) as caught:
        images_config(**changed)
    assert caught.value.message == f"{section}.{next(iter(values))}: would be ignored, {reason}; leave it out"
    # Written out at their defaults, as receipts have them, they ask for nothing.
    images_config(model={**CORE["model"], "origin": [0, 0], "step": [1, 1]}, hardware={**CORE["hardware"], "bound": 2})


@pytest.mark.parametrize("spreads", [{}, {"weight_std": 0.2, "field_std": 0.1}, {"weight_std": None}])
def test_defaults_of_the_first_release_ask_for_nothing(spreads):
    # As its receipts write them out beside a start; a Yaml null is the default of this one.
    described: dict[str, Any] = {
        "schema": "oscc.train/1",
        "name": "points",
        "data": {"name": "two-moons"},
        "model": {"grid": [3, 4], "stencil": "box-1", "start": "m.safetensors", **spreads},
        "loss": {"kind": "sliced-wasserstein"},
    }
    assert parse_training(yaml.safe_dump(described), where="test").model.start == "m.safetensors"
    for key, other in (("weight_std", 0.1), ("field_std", 0.2)):
        described["model"] |= {"weight_std": 0.2, "field_std": 0.1, key: other}
        with pytest.raises(OsccError) as caught:
            parse_training(yaml.safe_dump(described), where="test")
        assert caught.value.message.startswith(f"model.{key}: would be ignored, training begins with")
