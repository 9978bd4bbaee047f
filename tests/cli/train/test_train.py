from __future__ import annotations

import importlib.util
import json
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec_file import dump_core, load_core
from oscc.models.dynamics.reference import AISModel
from oscc.models.training import training_config
from oscc.models.training.training_config import parse_training
from oscc.report.pictures import grey_levels

torch.set_num_threads(1)


Run = Callable[..., tuple[int, str, str]]


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def test_images_from_end_to_end(oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, text, err = oscc("train", configured("images"), "--data", data, "-o", out)
    assert status == 0
    assert names(out) == {
        "state.safetensors",
        "model.safetensors",
        "samples/000002.png",
        "samples/000004.png",
        "samples/000005.png",
    }
    lines = text.splitlines()
    assert lines[0] == "images: kurashil on mnist"
    assert lines[1].startswith("  iterations  5, ")
    assert lines[2:] == [f"  model       {out / 'model.safetensors'}", f"  samples     {out / 'samples'}"]
    # There is no terminal, and no line so soon.
    assert err == ""
    graph = read_checkpoint(out / "model.safetensors")
    assert (graph.name, graph.nodes, graph.image_shape) == ("images", 24, (2, 3))
    assert graph.training["iterations"] == 5
    assert graph.training["data"]["images"] == 30
    # The last sheet shows what the checkpoint gives.
    start = torch.randn(24, 64, generator=torch.Generator().manual_seed(0))
    model = AISModel.from_graph(graph, torch.float64)
    with torch.no_grad():
        images = model.images(model.integrate(start.double(), model.even_steps(0.25))[-1]).numpy()
    with Image.open(out / "samples" / "000005.png") as sheet:
        shown = np.array(sheet.convert("L")).astype(int)
    pitch = np.array([2, 3]) * 4 + 4
    for number in (0, 9, 63):
        top, left = 4 + pitch * [number // 8, number % 8]
        cells = shown[top + 2 : top + 8 : 4, left + 2 : left + 12 : 4]
        assert np.abs(cells - grey_levels(images[number]).astype(int)).max() <= 1


def test_points_as_json(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, text, err = oscc("train", configured("points"), "-o", out, "--json")
    assert (status, err) == (0, "")
    content = json.loads(text)
    assert content.pop("wall_s") >= 0
    losses = content.pop("losses")
    assert set(losses) == {"iteration", "loss"}
    assert losses["iteration"] == 6
    assert content == {"model": str(out / "model.safetensors"), "iterations": 6, "resumed_at": 0, "remarks": []}
    assert names(out) == {"state.safetensors", "model.safetensors"}, "points have no sheets"
    graph = read_checkpoint(out / "model.safetensors")
    receipt = graph.training
    assert (receipt["schema"], receipt["seed"], receipt["losses"]) == ("oscc.receipt/1", 0, [losses])


def test_the_progress_is_that_of_the_iterations(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    @contextmanager
    def watch(name: str, done: int, total: int) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
        told.append((name, done, total))
        yield lambda iteration, losses: told.append((iteration, list(losses)))

    monkeypatch.setattr("oscc.cli.train.training_progress", watch)
    for iterations in (2, 5):
        path = configured("points", schedule={"iterations": iterations})
        assert oscc("train", path, "-o", tmp_path / "out")[0] == 0
    first = [("points", 0, 2), (1, ["loss"]), (2, ["loss"])]
    assert told == [*first, ("points", 2, 5), (3, ["loss"]), (4, ["loss"]), (5, ["loss"])]


def test_the_folder_is_named_after_the_model(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured("points", name="my-model")
    monkeypatch.chdir(tmp_path)
    assert oscc("train", path)[0] == 0
    assert (tmp_path / "out" / "train" / "my-model" / "model.safetensors").is_file()


def test_quick_uses_the_configuration_in_the_package(
    oscc: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parse, seen = training_config.parse_training, []

    def shorter(content: str, *, where: str) -> Any:
        seen.append((content, where))
        return parse(content.replace("iterations: 400", "iterations: 2").replace("batch: 64", "batch: 4"), where=where)

    monkeypatch.setattr(training_config, "parse_training", shorter)
    status, text, _ = oscc("train", "--quick", "-o", tmp_path / "out", "--json")
    assert (status, json.loads(text)["iterations"]) == (0, 2)
    quick = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text()
    assert seen == [(quick, "--quick")]
    graph = read_checkpoint(tmp_path / "out" / "model.safetensors")
    assert (graph.name, graph.image_shape) == ("kurashil-digits-16x16", (8, 8))
    assert graph.training["config"] == parse(
        quick.replace("iterations: 400", "iterations: 2").replace("batch: 64", "batch: 4"), where="x"
    ).model_dump(mode="json", by_alias=True, exclude={"data": {"folder"}})


def test_what_was_trained_for_a_core_compiles_for_it(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    images = np.random.default_rng(0).random((20, 4, 4))
    np.savez(tmp_path / "data" / "mnist.npz", x_train=images, y_train=[0] * 20, x_test=images, y_test=[0] * 20)
    path = configured(
        "images",
        data={"folder": str(tmp_path / "data")},
        model={"grid": None, "stencil": None, "step": None, "chunks": 2, "duration": [1.0, 0.7]},
        hardware={"core": "tiny-8x8", "bits": 3, "readout": True, "mismatch": 0.03},
    )
    shown: list[tuple[int, dict[str, float]]] = []

    @contextmanager
    def progress(*given: object) -> Iterator[Callable[[int, dict[str, float]], None]]:
        yield lambda iteration, figures: shown.append((iteration, figures))

    monkeypatch.setattr("oscc.cli.train.training_progress", progress)
    status, out, _ = oscc("train", path, "-o", tmp_path / "out")
    assert status == 0
    # How many couplings are in use is said on the way and at the end.
    assert [iteration for iteration, _ in shown] == [1, 2, 3, 4, 5]
    assert 0.5 < shown[0][1]["codes in use"] < 0.7
    use = re.search(r"\n  coupling in use +([\d,]+) of ([\d,]+) not 0 ", out)
    assert use is not None
    weight = read_checkpoint(tmp_path / "out" / "model.safetensors").weight
    assert [int(number.replace(",", "")) for number in use.groups()] == [np.count_nonzero(weight), weight.size]
    assert shown[-1][1]["codes in use"] == pytest.approx(np.count_nonzero(weight) / weight.size)
    assert "warning" not in out
    trained = read_checkpoint(tmp_path / "out" / "model.safetensors")
    result = compile_model(trained, load_core("tiny-8x8").with_coupling_bits(3))
    assert result.findings == ()
    assert all(numbers["clipped"] == 0 for numbers in result.summary()["quantization"]["groups"].values())


def test_a_model_that_is_nearly_dead_on_its_core_is_said_to_be_so(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    images = np.random.default_rng(0).random((20, 4, 4))
    np.savez(tmp_path / "data" / "mnist.npz", x_train=images, y_train=[0] * 20, x_test=images, y_test=[0] * 20)
    path = configured(
        "images",
        data={"folder": str(tmp_path / "data")},
        # Code steps are worth 0.7: of such spreads hardly any coupling is more than half of one.
        model={"grid": None, "stencil": None, "step": None, "chunks": 4, "duration": 2.0, "weight_std": 0.15},
        hardware={"core": "tiny-8x8", "bits": 3},
        schedule={"iterations": 2},
    )
    status, out, err = oscc("train", path, "-o", tmp_path / "out")
    assert status == 0
    assert "% of the couplings have a code other than 0; training from larger model.weight_std would use more" in err
    assert "\nW001 (warning): " in out
    assert "couplings of about a code step, 0.702 rad per unit of model time here" in out
    status, text, _ = oscc("train", path, "-o", tmp_path / "out", "--json")
    content = json.loads(text)
    assert [warning["code"] for warning in content["warnings"]] == ["W001"]
    assert content["code_use"]["groups"]["coupling"]["parameters"] == 4368
    # The verbs that follow say so, too.
    (tmp_path / "core.yaml").write_text(dump_core(load_core("tiny-8x8").with_coupling_bits(3)))
    status, out, _ = oscc("check", tmp_path / "out" / "model.safetensors", "--core", tmp_path / "core.yaml")
    assert (status, out.splitlines()[0]) == (0, "images on tiny-8x8: fits, with 1 warning")
    # What is left out follows the code step.
    path = configured(
        "images",
        data={"folder": str(tmp_path / "data")},
        model={"grid": None, "stencil": None, "step": None, "chunks": 4, "duration": 2.0},
        hardware={"core": "tiny-8x8", "bits": 3},
        schedule={"iterations": 2},
    )
    status, out, _ = oscc("train", path, "-o", tmp_path / "fresh")
    assert (status, "warning" in out) == (0, False)


def test_losses_go_to_tensorboard_where_it_is_installed(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logged: list[Any] = []

    class SummaryWriter:
        def __init__(self, folder: str) -> None:
            logged.append(folder)

        def add_scalar(self, name: str, value: float, step: int) -> None:
            assert value > 0
            logged.append((name, step))

        def close(self) -> None:
            logged.append("closed")

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = SummaryWriter  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: fake if name == "tensorboard" else find(name))
    out = tmp_path / "out"
    assert oscc("train", configured("points", schedule={"iterations": 3}), "-o", out)[0] == 0
    assert logged == [str(out / "tensorboard"), ("loss", 1), ("loss", 2), ("loss", 3), "closed"]


def test_the_built_in_configuration_is_good() -> None:
    quick = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text()
    assert parse_training(quick, where="x").schedule.iterations == 400
