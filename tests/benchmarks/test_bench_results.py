from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from oscc.base.errors import OsccError
from oscc.base.strict_yaml import read_yaml
from oscc.core.spec_file import load_core

ROOT = Path(__file__).resolve().parents[2]

MNIST = "071e6c4446bbd342ce09ef95bb0b7942e4efbd3c0b97400440774bb328c984cf"
"""SHA-256 of the file of images that the committed figures are of."""


@pytest.fixture(scope="module")
def bench() -> ModuleType:
    path = ROOT / "benchmarks" / "bench_results.py"
    spec = importlib.util.spec_from_file_location("bench_results", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def experiments(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "benchmarks" / "results" / "experiments.yaml").read_text()
    return read_yaml(text, bench.Experiments, where="experiments.yaml", what="experiments", code="experiments")


def table(experiments: Any, title: str) -> Any:
    (found,) = (each for each in experiments.tables if each.title == title)
    return found


def test_every_row_is_a_configuration_that_can_be_trained(bench: ModuleType, experiments: Any) -> None:
    trained = set()
    for each in experiments.tables:
        for row in each.rows:
            found = bench.measurements(experiments, each, row)
            assert list(found) == list(each.noise)
            for noise, measurements in found.items():
                assert [one.config.seed for one in measurements] == [0, 1, 2]
                assert {one.noise for one in measurements} == {noise}
                trained |= {one.trained_from for one in measurements}
                for one in measurements:
                    one.config.dac_grid()
    # 21 models of images besides the base, which is in eight tables, and 8 of points.
    assert len(trained) == 3 * (21 + 8 + 1)


def test_a_change_replaces_keys_and_none_takes_them_away(bench: ModuleType) -> None:
    base = {"a": {"b": 1, "c": 2}, "d": 3}
    assert bench.merged(base, {"a": {"c": None, "e": 5}, "d": {"f": 6}}) == {"a": {"b": 1, "e": 5}, "d": {"f": 6}}
    assert base == {"a": {"b": 1, "c": 2}, "d": 3}


def test_the_key_tells_all_that_matters_apart(
    bench: ModuleType, experiments: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("mnist.npz", "lenet-mnist.safetensors"):
        (tmp_path / name).write_text(name)
    monkeypatch.setattr(bench, "EXTRACTORS", tmp_path)
    inputs = bench.Inputs(tmp_path, tmp_path / "work")
    noise = table(experiments, "Noise")
    found = bench.measurements(experiments, noise, noise.rows[0])
    keys = {one.key(inputs) for every in found.values() for one in every}
    assert len(keys) == 9
    one = found["none"][0]
    key = one.key(inputs)
    assert one.key(bench.Inputs(tmp_path, Path("elsewhere"))) == key
    (tmp_path / "lenet-mnist.safetensors").write_text("another")
    assert one.key(inputs) != key


def test_what_was_measured_with_extractors_of_ones_own_is_still_good(
    bench: ModuleType, experiments: Any, tmp_path: Path
) -> None:
    # The extractor of the package is the one that the committed figures are of.
    digest = hashlib.sha256((bench.EXTRACTORS / "lenet-mnist.safetensors").read_bytes()).hexdigest()
    measured = [json.loads(path.read_text())["quality"] for path in bench.MEASURED.iterdir()]
    assert {quality["extractor_sha256"] for quality in measured if "fd_lenet" in quality} == {digest}
    # Keys are of a time when the file was named: the hash of the data would be, too.
    images = table(experiments, "Noise")
    one = bench.measurements(experiments, images, images.rows[0])["none"][0]
    (tmp_path / "mnist.npz").write_bytes(b"data")
    arguments = ["evaluate", ".", "--dataset", "mnist", "-n", "5000", "--noise", "none", "--step", "0.25"]
    arguments += ["--data", ".", "--extractor", "lenet-mnist.safetensors"]
    arguments += ["--core", "benchmarks/results/hidden-28x28.yaml"]
    parts = [one.trained_from, *arguments, digest, hashlib.sha256(b"data").hexdigest()]
    assert one.key(bench.Inputs(tmp_path, tmp_path)) == hashlib.sha256("\0".join(parts).encode()).hexdigest()


def test_everything_in_the_tables_has_been_measured(
    bench: ModuleType, experiments: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Else `make results` trains for hours, though nothing that a figure follows from has changed.
    of_file = bench.digest
    monkeypatch.setattr(bench, "digest", lambda path: MNIST if path.name == "mnist.npz" else of_file(path))
    inputs, found, missing = bench.Inputs(tmp_path, tmp_path), set(), []
    for each in experiments.tables:
        for row in each.rows:
            for noise, every in bench.measurements(experiments, each, row).items():
                for one in every:
                    key = one.key(inputs)
                    path = bench.MEASURED / f"{key[:16]}.json"
                    if not path.is_file():
                        missing.append((each.title, row.label, noise, one.config.seed))
                        continue
                    known = json.loads(path.read_text())
                    assert (known["key"], known["noise"], known["config"]) == (key, noise, yaml.safe_load(one.text))
                    found.add(path)
    assert missing == []
    assert found == set(bench.MEASURED.iterdir())


def test_codes_and_bits_are_those_of_the_training(bench: ModuleType, experiments: Any, tmp_path: Path) -> None:
    inputs = bench.Inputs(tmp_path, tmp_path)
    bits = table(experiments, "Bits of the coupling codes")
    options = []
    for row in bits.rows:
        arguments = bench.measurements(experiments, bits, row)["moderate"][0].evaluation(tmp_path / "m", inputs)
        options.append(arguments[arguments.index("--core") :] if "--core" in arguments else [])
    core = "benchmarks/results/hidden-28x28.yaml"
    wanted = [["--core", core, "--bits", "2"], ["--core", core, "--bits", "3"], ["--core", core]]
    assert options == [*wanted, ["--core", core, "--bits", "8"], []]
    assert load_core(core).coupling_dac.bits == 4


def test_what_was_measured_is_not_measured_again(
    bench: ModuleType, experiments: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(arguments: list[str]) -> dict[str, Any]:
        commands.append(arguments)
        if arguments[0] == "train":
            return {"wall_s": 7.0}
        seeds = [{"distance": 0.5}]
        return {"model": "m", "core": None, "seeds": seeds, "sliced_wasserstein": {"mean": 0.5}, "floor": {"mean": 0.1}}

    monkeypatch.setattr(bench, "_oscc", run)
    monkeypatch.setattr(bench, "MEASURED", tmp_path / "measured")
    inputs = bench.Inputs(tmp_path, tmp_path / "work")
    points = table(experiments, "End point or trajectory")
    first = bench.table_of(experiments, points, inputs)
    # 8 rows, 3 seeds; each is trained and evaluated.
    assert [command[0] for command in commands] == ["train", "evaluate"] * 24
    assert "| two-moons, flow matching | 0.5000 +- 0.0000 | 0.1000 | 7 |" in first
    assert bench.table_of(experiments, points, inputs) == first
    assert len(commands) == 48
    path = next((tmp_path / "measured").iterdir())
    path.write_text(json.dumps(json.loads(path.read_text()) | {"key": "of something else"}))
    bench.table_of(experiments, points, inputs)
    assert len(commands) == 50


def test_a_row_that_is_wrong_is_named(bench: ModuleType, experiments: Any) -> None:
    chunks = table(experiments, "Chunks")
    row = bench.Row(label="wrong", change={"model": {"chnks": 2}})
    with pytest.raises(OsccError, match=r"Chunks: wrong.*chnks"):
        bench.measurements(experiments, chunks, row)
