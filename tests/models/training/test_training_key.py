from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.core.spec_file import load_core
from oscc.models.training.training_config import parse_training
from oscc.models.training.training_key import different_keys, earlier_key, listed, training_keys

ON_CORE = {"grid": None, "stencil": None, "step": None}


@pytest.fixture
def on_core(images_config, tmp_path):
    """Makes a configuration for a core file of a given name, which is tiny-8x8 with some keys changed."""

    def make(name="core.yaml", **changes):
        described = load_core("tiny-8x8").model_dump(mode="json", by_alias=True) | changes
        (tmp_path / name).write_text(yaml.safe_dump(described))
        return images_config(model=ON_CORE, hardware={"core": str(tmp_path / name)})

    return make


def test_a_core_counts_by_its_content(on_core):
    saved = training_keys(on_core(), "aa")
    assert different_keys(saved, on_core("elsewhere.yaml"), "aa") == []
    assert different_keys(saved, on_core(clock_hz=50e6, chunks=5), "aa") == [
        "hardware.core.chunks is 5, was 4",
        "hardware.core.clock_hz is 50000000.0, was 100000000.0",
    ]
    dac = load_core("tiny-8x8").coupling_dac.model_dump() | {"full_scale_rad_s": 9e5}
    assert different_keys(saved, on_core(coupling_dac=dac), "aa") == [
        "hardware.core.coupling_dac.full_scale_rad_s is 900000.0, was 1800000.0"
    ]
    defects = {"cells": [[0, 0]]}
    assert different_keys(saved, on_core(defects=defects), "aa") == ["hardware.core.defects.cells is [[0, 0]], was []"]


def test_a_core_and_none_are_one_difference(on_core, images_config):
    with_core, without = on_core(), images_config(model={"grid": [8, 8], "stencil": "box-2"})
    model = ["model.grid", "model.origin", "model.stencil", "model.step"]
    for saved, config, now, before in ((without, with_core, "a core", "none"), (with_core, without, "none", "a core")):
        found = different_keys(training_keys(saved, None), config, None)
        assert f"hardware.core is {now}, was {before}" in found
        assert {text.partition(" ")[0] for text in found} <= {"hardware.core", *model}


def test_a_start_counts_by_its_content(points_config, small_graph, tmp_path: Path):
    paths = [tmp_path / name for name in ("a.safetensors", "b.safetensors")]
    for path in paths:
        write_checkpoint(path, small_graph())
    configs = [points_config(model={"start": str(path)}) for path in paths]
    saved = training_keys(configs[0], None)
    assert different_keys(saved, configs[1], None) == []
    write_checkpoint(paths[1], small_graph(seed=1))
    (difference,) = different_keys(saved, configs[1], None)
    assert difference.startswith("model.start is ")
    assert different_keys(training_keys(points_config(), None), configs[0], None)[0].endswith(", was none")


def test_keys_that_a_later_version_has(points_config):
    config = points_config()
    saved = training_keys(config, None)
    # Saved before there was a key: good as long as it has its default, which may be given.
    older = {key: value for key, value in saved.items() if key not in ("hardware.clip", "schedule.final_rate")}
    assert different_keys(older, config, None) == []
    assert different_keys(older, points_config(hardware={"clip": 1.0}), None) == []
    assert different_keys(older, points_config(hardware={"clip": 0.5}), None) == ["hardware.clip is 0.5, was none"]
    # Saved with a default that is another one now.
    assert different_keys(saved | {"solver.integrator": "heun"}, config, None) == ["solver.integrator is rk4, was heun"]
    # Saved with a key that there is no more.
    assert different_keys(saved | {"loss.old": 1.5}, config, None) == ["loss.old is none, was 1.5"]


def test_images_and_long_values(images_config, points_config):
    config = images_config()
    saved = training_keys(config, "aa")
    assert different_keys(saved, config, "bb") == ["data.images: other images under the same name"]
    (difference,) = different_keys(saved, images_config(name="n" * 100), "aa")
    assert difference == f"name is {'n' * 37}..., was images"


@pytest.mark.parametrize(
    ("count", "text"), [(1, "a"), (3, "a, b, c"), (4, "a, b, c, and 1 more"), (5, "a, b, c, and 2 more")]
)
def test_only_some_are_listed(count, text):
    assert listed(list("abcde")[:count]) == text


FIRST_RELEASE = {
    "points": "cf3b5b26f20f06e4bca4f4f8af1be3cd712993eac122a917c9c3c8159011bd60",
    "points, 0.3": "de16ee6d61d5684a81d9d1ea70a32b5444144c75802c284e6aad57f6175adfa9",
    "core": "0f6c967ecc34a98c2dfa1e389b80fb126ed07734a7986f481d7f48322304fe84",
}
"""Keys as the first release computed them, from the texts below."""


@pytest.mark.parametrize(
    ("base", "spreads", "key"),
    [
        ("points", {}, "points"),
        ("points", {"weight_std": 0.2, "field_std": 0.1}, "points"),
        ("points", {"weight_std": 0.3, "field_std": 0.1}, "points, 0.3"),
        ("core", {}, "core"),
        ("core", {"weight_std": 0.2, "field_std": 0.1}, "core"),
    ],
)
def test_keys_are_those_of_the_first_release(base, spreads, key):
    described: dict[str, Any] = {"schema": "oscc.train/1", "name": "p" if base == "points" else "i"}
    if base == "points":
        described |= {"data": {"name": "two-moons"}, "loss": {"kind": "sliced-wasserstein"}}
        described |= {"model": {"grid": [4, 4], "stencil": "box-1", **spreads}}
    else:
        described |= {"data": {"name": "digits"}, "hardware": {"core": "tiny-8x8"}, "model": spreads}
    assert earlier_key(parse_training(yaml.safe_dump(described), where="test")) == FIRST_RELEASE[key]
