from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from oscc.cli.main import main
from oscc.models.data import data_fetch
from oscc.models.training import encoder


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads replaced by a file of two images."""

    def fetch(name: str, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.npz"
        images, labels = np.zeros((2, 3, 3), np.uint8), np.array([1, 2])
        np.savez(path, x_train=images, y_train=labels, x_test=images[:1], y_test=labels[:1])
        return path

    monkeypatch.setattr(data_fetch, "fetch", fetch)


@pytest.mark.usefixtures("published")
def test_it_says_what_it_fetched(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "mnist", "-o", str(tmp_path / "d")]) == 0
    assert "2 to train, 1 to test" in capsys.readouterr().out
    assert main(["data", "fetch", "mnist", "-o", str(tmp_path / "d"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["file"], told["train"], told["test"]) == (str(tmp_path / "d" / "mnist.npz"), 2, 1)


def test_without_a_verb_it_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  digits         images; comes with scikit-learn"
    assert lines[2] == "  mnist          images; oscc data fetch mnist -o DIR"
    assert main(["data", "--json"]) == 0
    told = {each["name"]: each for each in json.loads(capsys.readouterr().out)["data_sets"]}
    assert told["fashion-mnist"] == {"name": "fashion-mnist", "kind": "images", "fetched": True}
    assert told["two-moons"] == {"name": "two-moons", "kind": "points", "fetched": False}
    assert len(told) == len(lines) - 1


@pytest.mark.usefixtures("published")
def test_json_stands_behind_the_verb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--json", "fetch", "mnist", "-o", str(tmp_path / "d")]) == 2
    assert "write it behind fetch" in capsys.readouterr().out
    assert not (tmp_path / "d").exists()


def test_an_unknown_name_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "fashion", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "oscc: 'fashion' cannot be fetched; did you mean 'fashion-mnist'?\n"


def test_an_extractor_is_trained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoder, "TRAINING_STEPS", 40)
    path = tmp_path / "net.safetensors"
    run = ["data", "extractor", "digits", "-o", str(path), "--seed", "3"]
    assert main([*run, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told.pop("accuracy") > 0.6
    content = path.read_bytes()
    assert told == {
        "file": str(path),
        "dataset": "digits",
        "seed": 3,
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    assert main(run) == 0
    assert capsys.readouterr().out.startswith("extractor of digits, seed 3\n  file        ")
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["digits", "--data", "."], 2, "Invalid value for --data: would be ignored: 'digits' comes with scikit-learn"),
        (["digit"], 1, "'digit' is no data set; did you mean 'digits'?"),
        (["spiral"], 1, "'spiral' is a set of points; images are wanted: digits, mnist, fashion-mnist"),
        (["mnist"], 1, "data.folder: mnist.npz is not there"),
    ],
)
def test_what_has_no_extractor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str
) -> None:
    assert main(["data", "extractor", *arguments, "-o", str(tmp_path / "x")]) == status
    assert message in capsys.readouterr().err.splitlines()[0]
    assert not (tmp_path / "x").exists()
