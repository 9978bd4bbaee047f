from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from oscc.cli.main import main
from oscc.models import data_fetch


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


def test_an_unknown_name_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "fetch", "fashion", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "oscc: 'fashion' cannot be fetched; did you mean 'fashion-mnist'?\n"
