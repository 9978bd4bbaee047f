from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from oscc.base.tensor_file import pack_tensors
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import family_named
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import load_core
from oscc.models.data.datasets import load_images
from oscc.models.quality.features import layer_shapes, load_lenet, shipped_extractor
from oscc.models.quality.frechet import frechet_distance
from oscc.models.quality.image_quality import Yardstick, measure_images
from oscc.models.quality.point_quality import measure_points
from oscc.models.quality.sampling import NOISE, Conditions, draw_images, running_graph
from oscc.models.training.topology import GridLayout, grid_graph

torch.set_num_threads(1)

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, make_graph: Callable[..., CouplingGraph]) -> Path:
    """A model of 28 x 28 pixels, one for another core, a data set, and an extractor with random weights."""
    path = tmp_path_factory.mktemp("evaluate")
    core = load_core("ais-28x28")
    write_checkpoint(path / "model.safetensors", make_graph(core, chunks=1, density=0.1, duration=1.0))
    write_checkpoint(path / "small.safetensors", make_graph(load_core("tiny-8x8"), chunks=1))
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {}
    for part, count in (("train", 30), ("test", 20)):
        arrays[f"x_{part}"] = random.integers(0, 256, (count, 28, 28)).astype(np.uint8)
        arrays[f"y_{part}"] = random.integers(0, 10, count)
    weights = {}
    for layer, shape in layer_shapes(28).items():
        scale = (2 / np.prod(shape[1:])) ** 0.5
        weights[f"{layer}.weight"] = (scale * random.normal(size=shape)).astype(np.float32)
        weights[f"{layer}.bias"] = np.zeros(shape[0], np.float32)
    (path / "lenet.safetensors").write_bytes(pack_tensors(weights, {}))
    # Labels as the extractor sees them, but for every fourth: it knows these data.
    classes = load_lenet(path / "lenet.safetensors")(arrays["x_test"].astype(np.float32) / 127.5 - 1)[1]
    arrays["y_test"] = np.where(np.arange(20) % 4, classes, (classes + 1) % 10)
    np.savez(path / "mnist.npz", **arrays)
    return path


@pytest.fixture
def arguments(folder: Path) -> tuple[object, ...]:
    return (folder / "model.safetensors", "--data", folder, "--extractor", folder / "lenet.safetensors")


def expected(folder: Path, conditions: Conditions, samples: int) -> dict[str, Any]:
    images = draw_images(running_graph(folder / "model.safetensors", conditions.core), conditions, samples)
    yardstick = Yardstick.of(load_images("mnist", folder), load_lenet(folder / "lenet.safetensors"))
    quality = measure_images(images, yardstick)
    described = quality.to_dict()
    described["class_shares"] = list(described["class_shares"])
    return described


def test_at_full_precision(oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]) -> None:
    status, content = oscc_json("evaluate", *arguments, "-n", "6", "--seeds", "3", "--step", "0.25")
    assert status == 0
    seeds = [expected(folder, Conditions(step=0.25, seed=seed), 6) for seed in range(3)]
    found = [seed["fd_lenet"] for seed in seeds]
    assert content == {
        "model": str(folder / "model.safetensors"),
        "dataset": "mnist",
        "pool": 1,
        "core": None,
        "coupling_bits": None,
        "noise": "none",
        "step": 0.25,
        "extractor_sha256": load_lenet(folder / "lenet.safetensors").sha256,
        "extractor_accuracy": 0.75,
        "seeds": seeds,
        "fd_lenet": {"mean": pytest.approx(np.mean(found)), "spread": pytest.approx(np.std(found, ddof=1))},
    }
    assert len(set(found)) == 3


def test_with_the_codes_of_a_core(oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]) -> None:
    run = ("evaluate", *arguments, "-n", "4", "--core", "ais-28x28", "--noise", "strong", "--threads", "2")
    core = load_core("ais-28x28")
    for options, bits, chosen in ((), 4, core), (("--bits", "3"), 3, core.with_coupling_bits(3)):
        status, content = oscc_json(*run, *options)
        assert (status, content["core"], content["coupling_bits"]) == (0, "ais-28x28", bits)
        assert content["seeds"] == [expected(folder, Conditions(core=chosen, noise=NOISE["strong"]), 4)]
        assert content["fd_lenet"] == {"mean": content["seeds"][0]["fd_lenet"], "spread": 0.0}


def test_as_a_table(oscc: Run, folder: Path, arguments: tuple[object, ...]) -> None:
    status, text, err = oscc("evaluate", *arguments, "-n", "4", "--core", "ais-28x28", "--bits", "3", "--seeds", "2")
    assert (status, err) == (0, "")
    core = load_core("ais-28x28").with_coupling_bits(3)
    found = [expected(folder, Conditions(core=core, seed=seed), 4) for seed in range(2)]
    values = [seed["fd_lenet"] for seed in found]
    shares = " ".join(f"{share:.3f}" for share in found[0]["class_shares"])
    assert text.splitlines() == [
        "model.safetensors on mnist",
        "  run                     ais-28x28, 3-bit couplings, noise none, RK4 0.1",
        f"  FD-LeNet                {np.mean(values):.1f} +- {np.std(values, ddof=1):.1f}, 4 samples, 2 seeds "
        "(simulated; not FID)",
        f"  nearest training image  {found[0]['nearest_pixel']:.2f} of a test image's",
        f"  classes                 {shares}; coverage {found[0]['coverage']:.3f}",
        "  extractor               classifies 75.0 % of 20 test images rightly",
    ]
    status, text, _ = oscc("evaluate", *arguments, "-n", "4", "--step", "0.5")
    assert text.splitlines()[1] == "  run                     full precision, noise none, RK4 0.5"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-n", "1"), "Invalid value for '-n' / '--samples': "),
        (("--seeds", "0"), "Invalid value for '--seeds': "),
        (("--bits", "9", "--core", "ais-28x28"), "Invalid value for '--bits': "),
        (("--bits", "4"), "Invalid value for --bits: the bits of a core's codes; give --core too"),
        (("--step", "0"), "Invalid value for '--step': "),
        (("--inception-weights", "no"), "Invalid value for '--inception-weights': "),
        (
            ("--dataset", "two-moons"),
            "Invalid value for --data: would be ignored: 'two-moons' is a set of points, which is computed",
        ),
        (("--dataset", "digits"), "Invalid value for --data: would be ignored: 'digits' comes with scikit-learn"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], message: str, oscc: Run, arguments: tuple[object, ...]) -> None:
    status, text, err = oscc("evaluate", *arguments, *options)
    assert (status, text) == (2, "")
    assert err.startswith(f"oscc evaluate: {message}")
    assert err.endswith("\ntry: oscc evaluate --help\n")


@pytest.mark.parametrize(
    "options",
    [
        ("--dataset", "mnist"),
        ("--data", "data"),
        ("--extractor", "lenet.safetensors"),
        ("--inception-weights", __file__),
        ("--noise", "none"),
        ("-n", "10000"),
        ("--samples", "5"),
        ("--seeds", "1"),
        ("--step", "0.1"),
    ],
)
def test_options_that_sensitivity_ignores(options: tuple[str, str], oscc: Run, folder: Path) -> None:
    # At their defaults, too: whoever writes them expects something of them.
    status, text, err = oscc("evaluate", folder / "small.safetensors", "--sensitivity", *options)
    assert (status, text) == (2, "")
    name = options[0].replace("--samples", "-n")
    reason = "would be ignored: --sensitivity has runs of its own, and needs no data"
    assert err.splitlines()[0] == f"oscc evaluate: Invalid value for {name}: {reason}"


def test_sensitivity_of_runs_that_diverge(oscc: Run, oscc_json: RunJson, tmp_path: Path) -> None:
    core = load_core("tiny-8x8").changed(grid=[3, 4], readout={"step": [1, 1]})
    graph = grid_graph(
        "free",
        family_named("poly_ising"),
        GridLayout(core.grid, core.model_stencil),
        chunk_duration=(2.0,),
        init=InitialPhases("normal", 0.0, 1.6),
    )
    for std, status in ((1.6, 0), (1000.0, 1)):
        write_checkpoint(tmp_path / "m", dataclasses.replace(graph, init=InitialPhases("normal", 0.0, std)))
        found, content = oscc_json("evaluate", tmp_path / "m", "--sensitivity")
        _, text, err = oscc("evaluate", tmp_path / "m", "--sensitivity")
        assert found == status
        if status:
            message = "16 of 16 runs of 'free' end in something that is not a number at RK4 0.01"
            assert (content["error"]["code"], content["error"]["message"]) == ("evaluation.diverged", message)
            assert (text, err.splitlines()[0]) == ("", f"oscc: {message}")
        else:
            # Only the longest of the steps that are compared is too long.
            (long,) = (line for line in content["differences"] if line["what"] == "RK4 0.2")
            assert long["diverged"] > 0
            assert long["median"] is None
            assert f"  RK4 0.2                           {long['diverged']} of 16 runs diverge: the step is" in text
            assert "nan" not in text


@pytest.mark.parametrize("trained", [True, False])
def test_digits_need_no_file(
    oscc_json: RunJson, tmp_path: Path, make_graph: Callable[..., CouplingGraph], trained: bool
) -> None:
    core = load_core("tiny-8x8").changed(readout={"step": [1, 1]})
    graph = make_graph(core, chunks=1, density=0.2, duration=1.0)
    model = tmp_path / "model.safetensors"
    receipt = {"data": {"name": "digits"}} if trained else {}
    write_checkpoint(model, dataclasses.replace(graph, training=receipt))
    # The receipt names the data that a model was trained on.
    options = () if trained else ("--dataset", "digits")
    status, content = oscc_json("evaluate", model, "-n", "6", *options)
    assert (status, content["dataset"], content["pool"]) == (0, "digits", 1)
    assert content["extractor_sha256"] == shipped_extractor("digits").sha256
    assert content["extractor_accuracy"] > 0.97


def test_an_extractor_of_other_data(oscc: Run, oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]) -> None:
    # The extractor of MNIST in the package does not know the labels of these random images.
    status, content = oscc_json("evaluate", *arguments[:3], "-n", "2")
    assert (status, content["error"]["code"]) == (1, "metrics.other-data")
    _, text, err = oscc("evaluate", *arguments[:3], "-n", "2")
    assert text == ""
    pattern = r"oscc: --extractor: the extractor classifies [0-9.]+ % of 20 test images of 'mnist' rightly: it was "
    assert re.match(pattern, err)
    assert len(err.splitlines()) == 2
    digits = Path(str(resources.files("oscc.models.quality") / "extractors" / "lenet-digits.safetensors"))
    status, content = oscc_json("evaluate", *arguments[:3], "--extractor", digits, "-n", "2")
    assert (status, content["error"]["code"]) == (1, "metrics.image")
    assert content["error"]["message"] == (
        "the extractor takes images of 8 x 8 pixels, or smaller by a whole factor; these have 28 x 28"
    )


def test_labels_that_are_no_classes(oscc_json: RunJson, folder: Path, tmp_path: Path) -> None:
    arrays = dict(np.load(folder / "mnist.npz"))
    np.savez(tmp_path / "mnist.npz", **(arrays | {"y_test": arrays["y_test"] % 10 + 1}))
    model = folder / "model.safetensors"
    status, content = oscc_json("evaluate", model, "--data", tmp_path, "-n", "2")
    assert (status, content["error"]["code"]) == (1, "data.labels")
    assert content["error"]["message"].endswith(" to 10, the extractor takes 10 classes, 0 to 9")


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (("--noise", "storng"), "evaluation.noise", "'storng' is no level of noise; did you mean 'strong'?"),
        (("--dataset", "mnits"), "data.name", "'mnits' is no data set; did you mean 'mnist'?"),
        (("--dataset", "two-mons"), "data.name", "'two-mons' is no data set; did you mean 'two-moons'?"),
        (("--dataset", "fashion-mnist"), "data.missing", "fashion-mnist.npz is not there"),
        (("--core", "ais-28x29"), "spec.not-found", "'ais-28x29' is neither a preset nor a file"),
        (("--extractor", "no"), "file.not-found", "cannot be read: No such file or directory"),
    ],
)
def test_what_is_not_there(
    options: tuple[str, ...], code: str, message: str, oscc: Run, oscc_json: RunJson, arguments: tuple[object, ...]
) -> None:
    status, content = oscc_json("evaluate", *arguments, *options)
    assert (status, content["error"]["code"]) == (1, code)
    assert content["error"]["message"].startswith(message)
    status, text, err = oscc("evaluate", *arguments, *options)
    assert (status, text) == (1, "")
    assert message in err.splitlines()[0]
    assert len(err.splitlines()) <= 2


def test_an_extractor_of_another_kind(oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]) -> None:
    status, content = oscc_json("evaluate", *arguments, "--extractor", folder / "model.safetensors")
    assert (status, content["error"]["code"]) == (1, "metrics.extractor")
    assert content["error"]["message"] == "tensor 'conv1.weight' is missing or not float32 [32, 1, 5, 5]"


def test_smaller_images_are_compared_with_smaller_ones(
    oscc: Run, oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]
) -> None:
    model = folder / "small.safetensors"
    status, content = oscc_json("evaluate", model, *arguments[1:], "-n", "8")
    assert (status, content["pool"]) == (0, 7)
    data, net = load_images("mnist", folder), load_lenet(folder / "lenet.safetensors")
    small = data.test.reshape(20, 4, 7, 4, 7).mean(axis=(2, 4))
    reference, _ = net(small)
    images = draw_images(running_graph(model, None), Conditions(), 8)
    assert content["fd_lenet"]["mean"] == pytest.approx(frechet_distance(net(images)[0], reference), rel=1e-6)
    _, text, _ = oscc("evaluate", model, *arguments[1:], "-n", "8")
    assert text.splitlines()[0] == "small.safetensors on mnist, pooled 7 x 7"


def test_images_of_another_size(oscc_json: RunJson, folder: Path, arguments: tuple[object, ...]) -> None:
    random = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        f"x_{part}": random.integers(0, 256, (9, 5, 8)).astype(np.uint8) for part in ("train", "test")
    }
    (folder / "odd").mkdir()
    np.savez(folder / "odd" / "mnist.npz", **arrays, y_train=np.zeros(9, int), y_test=np.zeros(9, int))
    status, content = oscc_json(
        "evaluate", folder / "small.safetensors", "--data", folder / "odd", *arguments[3:], "-n", "2"
    )
    assert (status, content["error"]["code"]) == (1, "data.pool")
    expected = "the model shows 4 x 4 pixels; 'mnist' has 5 x 8, which must be as many or a whole multiple"
    assert content["error"]["message"] == expected


def test_a_model_that_does_not_fit_is_a_no(oscc_json: RunJson, arguments: tuple[object, ...]) -> None:
    status, content = oscc_json("evaluate", *arguments, "-n", "2", "--core", "tiny-8x8")
    assert status == 3
    assert content["feasible"] is False
    assert "F005" in {finding["code"] for finding in content["findings"]}


def test_points(oscc: Run, oscc_json: RunJson, tmp_path: Path) -> None:
    config = tmp_path / "moons.yaml"
    config.write_text(
        "schema: oscc.train/1\nname: moons\ndata: {name: two-moons}\n"
        "model: {grid: [3, 4], stencil: box-1, step: [3, 2], chunks: 1}\nsolver: {step: 0.25}\n"
        "loss: {kind: sliced-wasserstein}\nschedule: {iterations: 2, batch: 8}\n"
    )
    assert oscc("train", config, "-o", tmp_path)[0] == 0
    model = tmp_path / "model.safetensors"
    status, content = oscc_json("evaluate", model, "--dataset", "two-moons", "-n", "300", "--seeds", "2")
    assert status == 0
    graph = running_graph(model, None)
    seeds = [measure_points(draw_images(graph, Conditions(seed=seed), 300), "two-moons", seed) for seed in range(2)]
    assert content["seeds"] == [quality.to_dict() for quality in seeds]
    mean = (seeds[0].distance + seeds[1].distance) / 2
    assert {key: content[key] for key in ("core", "coupling_bits", "noise", "step")} == {
        "core": None,
        "coupling_bits": None,
        "noise": "none",
        "step": 0.1,
    }
    assert content["sliced_wasserstein"]["mean"] == pytest.approx(mean)
    status, text, _ = oscc("evaluate", model, "--dataset", "two-moons", "-n", "300", "--seeds", "2")
    assert status == 0
    assert text.splitlines()[1] == "  run                   full precision, noise none, RK4 0.1"
    assert text.splitlines()[2].startswith(f"  sliced Wasserstein-2  {mean:.4f} +- ")


def test_inception_fid(
    oscc: Run, oscc_json: RunJson, folder: Path, arguments: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = folder / "inception.pth"
    weights.write_bytes(b"weights")

    class Distance:
        """Of mean grey values: what the network would tell is not the command's matter."""

        sha256 = "5a"

        def __init__(self, path: Path, reference: np.ndarray) -> None:
            assert (path, len(reference)) == (weights, 20)
            self.mean = float(reference.mean())

        def __call__(self, images: np.ndarray) -> float:
            return abs(float(images.mean()) - self.mean)

    monkeypatch.setattr("oscc.models.quality.inception.InceptionDistance", Distance)
    run = ("evaluate", *arguments, "-n", "6", "--seeds", "2", "--step", "0.25", "--inception-weights", weights)
    status, content = oscc_json(*run)
    assert status == 0
    graph, mean = running_graph(folder / "model.safetensors", None), load_images("mnist", folder).test.mean()
    fids = [abs(draw_images(graph, Conditions(step=0.25, seed=seed), 6).mean() - mean) for seed in range(2)]
    assert content["inception_fid"] == {
        "mean": pytest.approx(np.mean(fids), abs=1e-6),
        "spread": pytest.approx(np.std(fids, ddof=1), abs=1e-6),
        "seeds": pytest.approx(fids, abs=1e-6),
        "weights_sha256": "5a",
    }
    _, text, _ = oscc(*run)
    assert text.splitlines()[-2].startswith(f"  FID (Inception)         {np.mean(fids):.1f} +- ")
