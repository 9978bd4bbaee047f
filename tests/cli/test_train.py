from __future__ import annotations

import errno
import importlib.util
import json
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from oscc.base.tensor_file import read_tensors
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, load_core
from oscc.models.dynamics.reference import AISModel
from oscc.models.training import training_config
from oscc.models.training.training_config import parse_training
from oscc.report.pictures import grey_levels

torch.set_num_threads(1)

Run = Callable[..., tuple[int, str, str]]

POINTS: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "points",
    "data": {"name": "spiral"},
    "model": {"grid": [3, 4], "stencil": "box-1", "step": [3, 2], "chunks": 2, "duration": [0.5, 0.8]},
    "solver": {"step": 0.25},
    "loss": {"kind": "sliced-wasserstein", "projections": 8},
    "schedule": {"iterations": 6, "batch": 8, "save_every": 2},
}

IMAGES: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "images",
    "data": {"name": "mnist"},
    "model": {"grid": [4, 6], "stencil": "box-1", "step": [2, 2], "chunks": 1},
    "solver": {"step": 0.25},
    "loss": {"critic_channels": 2},
    "schedule": {"iterations": 5, "batch": 4, "save_every": 2, "sheet_every": 2},
}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """``configured(base, section={...})``: a configuration file, sections merged; None takes a key away."""

    def write(base: dict[str, Any], **changes: Any) -> Path:
        described = dict(base)
        for key, value in changes.items():
            merged = {**described[key], **value} if isinstance(value, dict) and key in described else value
            described[key] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
        path = tmp_path / "train.yaml"
        path.write_text(yaml.safe_dump(described))
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with mnist.npz, whose images have 2 x 3 pixels."""
    folder = tmp_path / "data"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (30, 2, 3)).astype(np.uint8)
    labels = np.arange(30) % 10
    np.savez(folder / "mnist.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    return folder


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def same_model(one: Path, other: Path) -> bool:
    first, second = (read_tensors(folder / "model.safetensors").tensors for folder in (one, other))
    return first.keys() == second.keys() and all(first[name].tobytes() == second[name].tobytes() for name in first)


# What comes out


def test_images_from_end_to_end(oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    status, text, err = oscc("train", configured(IMAGES), "--data", data, "-o", out)
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
    status, text, err = oscc("train", configured(POINTS), "-o", out, "--json")
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
        path = configured(POINTS, schedule={"iterations": iterations})
        assert oscc("train", path, "-o", tmp_path / "out")[0] == 0
    first = [("points", 0, 2), (1, ["loss"]), (2, ["loss"])]
    assert told == [*first, ("points", 2, 5), (3, ["loss"]), (4, ["loss"]), (5, ["loss"])]


def test_the_folder_is_named_after_the_model(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured(POINTS, name="my-model")
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
        IMAGES,
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
    result = compile_model(
        read_checkpoint(tmp_path / "out" / "model.safetensors"), load_core("tiny-8x8").with_coupling_bits(3)
    )
    assert result.findings == ()
    assert all(numbers["clipped"] == 0 for numbers in result.summary()["quantization"]["groups"].values())


def test_a_model_that_is_nearly_dead_on_its_core_is_said_to_be_so(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    images = np.random.default_rng(0).random((20, 4, 4))
    np.savez(tmp_path / "data" / "mnist.npz", x_train=images, y_train=[0] * 20, x_test=images, y_test=[0] * 20)
    path = configured(
        IMAGES,
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
        IMAGES,
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
    assert oscc("train", configured(POINTS, schedule={"iterations": 3}), "-o", out)[0] == 0
    assert logged == [str(out / "tensorboard"), ("loss", 1), ("loss", 2), ("loss", 3), "closed"]


# Going on


def test_a_training_goes_on_from_its_state(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    oscc("train", configured(POINTS), "-o", tmp_path / "whole")
    oscc("train", configured(POINTS, schedule={"iterations": 4}), "-o", tmp_path / "parts")
    assert not same_model(tmp_path / "whole", tmp_path / "parts")
    status, text, _ = oscc("train", configured(POINTS), "-o", tmp_path / "parts")
    assert status == 0
    assert "  resumed     after iteration 4\n" in text
    # With constant rates and limits nothing depends on how long the training was to be.
    assert same_model(tmp_path / "whole", tmp_path / "parts")
    status, text, err = oscc("train", configured(POINTS), "-o", tmp_path / "parts", "--json")
    assert (status, json.loads(text)["resumed_at"], err) == (0, 6, "")
    assert same_model(tmp_path / "whole", tmp_path / "parts")


def test_fresh_begins_anew(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    oscc("train", configured(POINTS), "-o", out)
    other = configured(POINTS, seed=1)
    status, text, err = oscc("train", other, "-o", out)
    assert (status, text) == (1, "")
    assert err == (
        f"oscc: {out / 'state.safetensors'}: the state of a training with another configuration: seed is 1, was 0\n"
        "use another output folder, or --fresh to begin anew\n"
    )
    status, text, _ = oscc("train", other, "-o", out, "--fresh", "--json")
    assert (status, json.loads(text)["resumed_at"]) == (0, 0)
    oscc("train", other, "-o", tmp_path / "again")
    assert same_model(out, tmp_path / "again")


def test_another_core_under_the_same_name_is_refused(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, make_core: Callable[..., CoreSpec]
) -> None:
    core, out = tmp_path / "core.yaml", tmp_path / "out"
    described = make_core().model_dump(mode="json", by_alias=True)
    core.write_text(yaml.safe_dump(described))
    config = configured(
        IMAGES,
        data={"name": "digits", "pool": 2},
        model={"grid": None, "stencil": None, "step": None},
        hardware={"core": str(core), "readout": True, "mismatch": 0.03},
        schedule={"iterations": 2},
    )
    assert oscc("train", config, "-o", out)[0] == 0
    core.write_text(yaml.safe_dump(described | {"clock_hz": 50e6}))
    state = (out / "state.safetensors").read_bytes()
    status, text, err = oscc("train", config, "-o", out)
    assert (status, text) == (1, "")
    assert err == (
        f"oscc: {out / 'state.safetensors'}: the state of a training with another configuration: "
        "hardware.core.clock_hz is 50000000.0, was 100000000.0\n"
        "use another output folder, or --fresh to begin anew\n"
    )
    assert (out / "state.safetensors").read_bytes() == state
    # The same core, written in another way and under another name.
    other = tmp_path / "renamed.yaml"
    other.write_text("# moved\n" + yaml.safe_dump(described, sort_keys=False))
    moved = configured(yaml.safe_load(config.read_text()), hardware={"core": str(other)})
    assert oscc("train", moved, "-o", out)[0] == 0


def test_how_the_learning_rate_goes_on_is_said(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    schedule = {"iterations": 4, "final_rate": 0.1}
    assert oscc("train", configured(POINTS, schedule=schedule), "-o", out)[0] == 0
    more = configured(POINTS, schedule=schedule | {"iterations": 20})
    status, text, err = oscc("train", more, "-o", out, "--json")
    remark = "20 iterations instead of 4: at iteration 5 the learning rate goes from 0.1 to 1 of full"
    assert (status, json.loads(text)["remarks"]) == (0, [remark])
    assert err.splitlines()[0] == f"points: {remark}"


def test_a_gradient_that_overflows_is_one_line(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configured(
        POINTS,
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


@pytest.mark.parametrize("base", [POINTS, {**IMAGES, "data": {"name": "digits"}}])
def test_a_folder_for_data_that_have_no_file(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, base: dict[str, Any]
) -> None:
    status, text, err = oscc("train", configured(base), "--data", tmp_path, "-o", tmp_path / "out")
    assert (status, text) == (2, "")
    name = base["data"]["name"]
    message = f"Invalid value for --data: would be ignored: '{name}' has no file of its own"
    assert err.splitlines()[0] == f"oscc train: {message}"
    assert not (tmp_path / "out").exists()


def test_labels_of_a_matched_encoder(oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(data / "mnist.npz"))
    np.savez(data / "mnist.npz", **(arrays | {"y_train": np.arange(30) % 10 + 1}))
    config = configured(IMAGES, loss={"features": 3.0})
    status, text, err = oscc("train", config, "--data", data, "-o", tmp_path / "out")
    assert (status, text) == (1, "")
    assert err == "oscc: mnist: y_train: labels are 1 to 10, loss.features takes 10 classes, 0 to 9\n"


def test_a_process_that_is_killed_loses_nothing(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    path = configured(POINTS, schedule={"iterations": 300, "save_every": 5}, hardware={"transient_noise": 0.1})
    killed, state = tmp_path / "killed", tmp_path / "killed" / "state.safetensors"
    code = "from oscc.cli.main import run; run()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "train", str(path), "-o", str(killed)], stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not state.exists():
            assert process.poll() is None
            assert time.monotonic() < until
            time.sleep(0.001)
        time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        status = process.wait()
    assert status == -signal.SIGKILL
    assert not (killed / "model.safetensors").exists()
    # Half a file may lie beside the state, which is whole.
    assert {name for name in names(killed) if not name.startswith(".state")} == {"state.safetensors"}
    status, text, _ = oscc("train", path, "-o", killed, "--json")
    assert status == 0
    assert 5 <= json.loads(text)["resumed_at"] < 300
    oscc("train", path, "-o", tmp_path / "whole")
    assert same_model(killed, tmp_path / "whole")


# What goes wrong


def test_a_full_disk_is_one_line_and_leaves_the_state_before(
    oscc: Run, configured: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, write, count = tmp_path / "out", Path.write_bytes, [0]

    def fill(self: Path, content: Any) -> int:
        count[0] += 1
        if count[0] == 3:
            write(self, content[:100])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, content)

    path = configured(POINTS)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", fill)
        status, text, err = oscc("train", path, "-o", out)
    assert (status, text) == (1, "")
    assert err == f"oscc: {out / 'state.safetensors'}: cannot be written: No space left on device\n"
    assert names(out) == {"state.safetensors"}
    status, text, _ = oscc("train", path, "-o", out, "--json")
    assert (status, json.loads(text)["resumed_at"]) == (0, 4)


def test_a_sheet_that_cannot_be_written_is_one_line(
    oscc: Run, configured: Callable[..., Path], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(path: Path, content: bytes) -> int:
        if content.startswith(b"\x89PNG"):
            write(path, content[:9])
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", fill)
    out = tmp_path / "out"
    status, _, err = oscc("train", configured(IMAGES), "--data", data, "-o", out)
    assert (status, err) == (1, f"oscc: {out / 'samples' / '000002.png'}: cannot be written: No space left on device\n")
    assert names(out) == {"state.safetensors"}


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
        (POINTS, {"schedule": {"batchs": 3}}, "unknown-key", "schedule.batchs: unknown key; did you mean 'batch'?"),
        (POINTS, {"loss": {"kind": "wgan-gp"}}, "invalid", "loss.kind: 'wgan-gp' does not go with data 'spiral'; use"),
        (IMAGES, {"loss": {"kind": "flow-matching"}}, "invalid", "loss.kind: 'flow-matching' does not go with data 'm"),
        (POINTS, {"model": {"grid": None}}, "invalid", "model: grid and stencil are needed where hardware.core does"),
        (IMAGES, {"model": {"step": [1, 1]}}, "image", "data 'mnist' has 2 x 3 pixels, the model shows 4 x 6"),
        (
            IMAGES,
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
    base: dict[str, Any],
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
    if base is POINTS:
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
        IMAGES,
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
    path, file = configured(IMAGES), data / "mnist.npz"
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
    status, _, err = oscc("train", configured(POINTS), "-o", tmp_path / "out", "--device", "gpu9")
    assert (status, err) == (1, "oscc: --device: 'gpu9' is no device that this PyTorch can use\n")


def test_a_folder_that_cannot_be_made(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = oscc("train", configured(POINTS), "-o", tmp_path / "file")
    assert (status, err) == (1, f"oscc: {tmp_path / 'file' / 'samples'}: cannot be made: Not a directory\n")


def test_a_state_that_is_damaged(oscc: Run, configured: Callable[..., Path], tmp_path: Path) -> None:
    state = tmp_path / "out" / "state.safetensors"
    oscc("train", configured(POINTS), "-o", tmp_path / "out")
    state.write_bytes(state.read_bytes()[:-8])
    status, _, err = oscc("train", configured(POINTS), "-o", tmp_path / "out")
    assert status == 1
    assert err.startswith(f"oscc: {state}: cut short: header and tensors need ")


def test_the_built_in_configuration_is_good() -> None:
    quick = (resources.files("oscc.models.training") / "configs" / "quick.yaml").read_text()
    assert parse_training(quick, where="x").schedule.iterations == 400
