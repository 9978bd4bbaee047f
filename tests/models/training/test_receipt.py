from __future__ import annotations

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise

import numpy as np
import pytest
import torch

from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.core.spec_file import load_core
from oscc.models.training import receipt as module
from oscc.models.training.receipt import training_receipt
from oscc.models.training.trainer import Trainer
from oscc.models.training.training_config import TrainingConfig


@pytest.fixture
def trained(points_config, tmp_path):
    trainer = Trainer(points_config(), None)
    list(trainer.run(tmp_path / "state"))
    return trainer


def test_receipt_of_points(trained, points_config):
    receipt = training_receipt(trained)
    assert json.loads(json.dumps(receipt, allow_nan=False)) == receipt
    assert set(receipt) == {
        "schema",
        "config",
        "core_hash",
        "data",
        "seed",
        "iterations",
        "wall_s",
        "device",
        "versions",
        "parameters",
        "losses",
        "figures_are",
    }
    assert (receipt["schema"], receipt["seed"], receipt["iterations"]) == ("oscc.receipt/1", 3, 6)
    assert receipt["core_hash"] is None
    assert receipt["data"] == {"name": "two-moons", "kind": "points, drawn anew in every iteration"}
    assert receipt["wall_s"] == round(trained.progress.seconds, 1)
    assert receipt["device"] == {"kind": "cpu", "machine": platform.machine(), "threads": 1}
    assert receipt["versions"] == {
        "python": platform.python_version(),
        "oscc": version("oscc"),
        "torch": version("torch"),
        "numpy": np.__version__,
        "numba": version("numba"),
    }
    assert torch.__version__.startswith(receipt["versions"]["torch"].partition("+")[0])
    assert receipt["parameters"] == {"kept": "exponential moving average", "decay": 0.998}
    assert receipt["figures_are"] == "simulated"
    # The configuration can be used again, and is the same then.
    assert TrainingConfig.model_validate(receipt["config"]) == points_config()


def test_receipt_of_images_names_the_data(images_config, tiny_images):
    trainer = Trainer(images_config(data={"folder": "/home/somebody/data"}), tiny_images)
    receipt = training_receipt(trainer)
    assert receipt["data"] == {"name": "mnist", "images": 40, "train_sha256": "ab" * 32}
    # Where the file was is nobody's concern.
    assert receipt["config"]["data"] == {"name": "mnist", "pool": 1}
    assert (receipt["losses"], receipt["iterations"]) == ([], 0)


def test_receipt_names_the_core(points_config, tmp_path, make_core):
    from oscc.core.spec_file import dump_core

    core = make_core(readout={"step": [8, 4]})
    (tmp_path / "core.yaml").write_text(dump_core(core))
    config = points_config(
        model={"grid": None, "stencil": None, "step": None},
        hardware={"core": str(tmp_path / "core.yaml"), "bits": 5},
    )
    found = training_receipt(Trainer(config, None))["core_hash"]
    assert found == core.with_coupling_bits(5).hash
    assert found != load_core("tiny-8x8").hash


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (50, 50), (51, 26), (100, 50), (120, 40)])
def test_losses_are_kept_evenly_and_not_too_many(trained, count, kept):
    trained.progress.history = [{"iteration": 20 * number, "loss": 1 / number} for number in range(1, count + 1)]
    losses = training_receipt(trained)["losses"]
    assert len(losses) == kept
    assert losses[0] == {"iteration": 20, "loss": 1.0}
    gaps = {later["iteration"] - earlier["iteration"] for earlier, later in pairwise(losses)}
    assert len(gaps) <= 1


def test_a_package_that_is_not_installed(trained, monkeypatch):
    def find(name):
        if name == "oscc":
            raise PackageNotFoundError(name)
        return "1.2.3"

    monkeypatch.setattr(module, "version", find)
    versions = training_receipt(trained)["versions"]
    assert (versions["oscc"], versions["torch"]) == ("unknown", "1.2.3")


def test_a_checkpoint_holds_its_receipt(trained, tmp_path):
    receipt = training_receipt(trained)
    write_checkpoint(tmp_path / "model.safetensors", trained.average.to_graph(receipt))
    assert read_checkpoint(tmp_path / "model.safetensors").training == receipt
