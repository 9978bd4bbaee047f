from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

torch.set_num_threads(1)


Run = Callable[..., tuple[int, str, str]]


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_a_gradient_that_overflows_is_one_line(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(
        "points",
        data={"name": "two-moons"},
        model={"grid": [6, 6], "step": [6, 3], "stencil": "box-2", "chunks": 1, "duration": 25, "weight_std": 6.0},
        hardware={"bound": 20},
        solver={"step": 0.05},
        schedule={"iterations": 3, "batch": 4, "save_every": 1},
    )
    for _ in range(2):
        status, text, err = oscc("train", config, "-o", tmp_path / "out")
        assert (status, text) == (1, "")
        assert err.startswith("oscc: iteration 1: the ")
        assert len(err.splitlines()) == 2
        assert names(tmp_path / "out") == set()


@pytest.mark.parametrize(("base", "name"), [("points", "spiral"), ("images", "digits")])
def test_a_folder_for_data_that_have_no_file(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, base: str, name: str
) -> None:
    config = configured(base, data={"name": name})
    status, text, err = oscc("train", config, "--data", tmp_path, "-o", tmp_path / "out")
    assert (status, text) == (2, "")
    message = f"Invalid value for --data: would be ignored: '{name}' has no file of its own"
    assert err.splitlines()[0] == f"oscc train: {message}"
    assert not (tmp_path / "out").exists()


def test_labels_of_a_matched_encoder(oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(data / "mnist.npz"))
    np.savez(data / "mnist.npz", **(arrays | {"y_train": np.arange(30) % 10 + 1}))
    config = configured("images", loss={"features": 3.0})
    status, text, err = oscc("train", config, "--data", data, "-o", tmp_path / "out")
    assert (status, text) == (1, "")
    assert err == "oscc: mnist: y_train: labels are 1 to 10, loss.features takes 10 classes, 0 to 9\n"


@pytest.mark.parametrize("options", [(), ("train.yaml", "--quick")])
def test_a_configuration_or_quick(oscc: Run, options: tuple[str, ...], tmp_path: Path) -> None:
    status, text, err = oscc("train", *options, "-o", tmp_path / "out")
    assert (status, text) == (2, "")
    assert err == (
        "oscc train: Invalid value for CONFIG: give a configuration, or --quick without one\ntry: oscc train --help\n"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("threads", ["0", "257", "many"])
def test_wrong_threads(oscc: Run, threads: str) -> None:
    status, _, err = oscc("train", "--quick", "--threads", threads)
    assert status == 2
    assert err.startswith("oscc train: Invalid value for '--threads': ")


@pytest.mark.parametrize(
    ("base", "changes", "code", "message"),
    [
        ("points", {"schedule": {"batchs": 3}}, "unknown-key", "schedule.batchs: unknown key; did you mean 'batch'?"),
        (
            "points",
            {"loss": {"kind": "wgan-gp"}},
            "invalid",
            "loss.kind: 'wgan-gp' does not go with data 'spiral'; use",
        ),
        (
            "images",
            {"loss": {"kind": "flow-matching"}},
            "invalid",
            "loss.kind: 'flow-matching' does not go with data 'm",
        ),
        ("points", {"model": {"grid": None}}, "invalid", "model: grid and stencil are needed where hardware.core does"),
        ("images", {"model": {"step": [1, 1]}}, "image", "data 'mnist' has 2 x 3 pixels, the model shows 4 x 6"),
        (
            "images",
            {
                "model": {"grid": None, "stencil": None, "step": None, "chunks": 5},
                "hardware": {"core": "tiny-8x8"},
                "data": {"name": "digits"},
            },
            "image",
            "data 'digits' has 8 x 8 pixels, the model shows 4 x 4",
        ),
    ],
)
def test_bad_configurations(
    base: str,
    changes: dict[str, Any],
    code: str,
    message: str,
    oscc: Run,
    configured: Callable[..., Path],
    data: Path,
    tmp_path: Path,
) -> None:
    path = configured(base, **changes)
    options = ("-o", tmp_path / "out", *(("--data", data) if changes.get("data") is None else ()))
    if base == "points":
        options = options[:2]
    status, text, err = oscc("train", path, *options, "--json")
    assert (status, err) == (1, "")
    error = json.loads(text)["error"]
    assert error["code"] == f"training.{code}"
    assert error["message"].startswith(message)
    status, text, err = oscc("train", path, *options)
    assert (status, text) == (1, "")
    assert err.startswith(f"oscc: {error['where']}: {message}")
    assert len(err.splitlines()) == 1 + bool(error["hint"])


def test_more_chunks_than_the_core_holds(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    images = np.zeros((2, 4, 4))
    np.savez(tmp_path / "data" / "mnist.npz", x_train=images, y_train=[0] * 2, x_test=images, y_test=[0] * 2)
    path = configured(
        "images",
        model={"grid": None, "stencil": None, "step": None, "chunks": 5},
        hardware={"core": "tiny-8x8"},
    )
    status, _, err = oscc("train", path, "--data", tmp_path / "data", "-o", tmp_path / "out")
    assert (status, err) == (1, "oscc: model.chunks: the model has 5 chunks, core tiny-8x8 holds 4\n")


def test_what_is_no_configuration(oscc: Run, tmp_path: Path) -> None:
    path = tmp_path / "train.yaml"
    path.write_text("schema: [\n")
    status, _, err = oscc("train", path)
    assert (status, err) == (1, f"oscc: {path}: line 2, column 1: not YAML\n")
    status, _, err = oscc("train", tmp_path / "no.yaml")
    assert (status, err) == (1, f"oscc: {tmp_path / 'no.yaml'}: cannot be read: No such file or directory\n")


def test_bad_data(oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path) -> None:
    path, file = configured("images"), data / "mnist.npz"
    status, _, err = oscc("train", path, "-o", tmp_path / "out")
    assert (status, err.splitlines()[0]) == (1, "oscc: data.folder: mnist.npz is not there")
    good = dict(np.load(file))
    for changes, message in (
        ({"x_train": np.full((30, 2, 3), np.nan)}, "x_train: 180 values are not within 0 and 1, the first nan"),
        ({"x_train": np.full((30, 2, 3), 2.0)}, "x_train: 180 values are not within 0 and 1, the first 2.0"),
        ({"x_test": np.zeros((0, 2, 3), np.uint8), "y_test": np.zeros(0, int)}, "x_test is empty"),
        ({"x_train": np.array([{}], dtype=object)}, "not a readable .npz file (ValueError)"),
    ):
        np.savez(file, **{**good, **changes})
        status, text, err = oscc("train", path, "--data", data, "-o", tmp_path / "out")
        assert (status, text) == (1, "")
        assert err.startswith(f"oscc: {file}: {message}")
        assert len(err.splitlines()) == 1
    assert "model.safetensors" not in names(tmp_path / "out")


def test_an_unknown_device(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    status, _, err = oscc("train", configured("points"), "-o", tmp_path / "out", "--device", "gpu9")
    assert (status, err) == (1, "oscc: --device: 'gpu9' is no device that this PyTorch can use\n")


def test_a_folder_that_cannot_be_made(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = oscc("train", configured("points"), "-o", tmp_path / "file")
    assert (status, err) == (1, f"oscc: {tmp_path / 'file' / 'samples'}: cannot be made: Not a directory\n")
