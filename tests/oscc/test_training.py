from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import oscc
from oscc.cli.main import main
from oscc.core.spec import CoreSpec

pytest.importorskip("torch")

CONFIG = """
schema: oscc.train/1
name: points
data: {name: spiral}
model: {grid: [3, 4], stencil: box-1, step: [3, 2], chunks: 2, duration: [0.5, 0.8]}
solver: {step: 0.25}
loss: {kind: sliced-wasserstein, projections: 8}
schedule: {iterations: 4, batch: 8, save_every: 2}
"""
"""Points in the plane, which need no data."""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("config") / "points.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def trained(config: Path) -> oscc.Trained:
    return oscc.train(config)


def test_a_model_is_trained_in_memory(trained: oscc.Trained, config: Path, tmp_path: Path) -> None:
    assert trained.to_dict()["model"] is None
    assert trained.to_dict()["iterations"] == 4
    kept = oscc.read_model(trained.save(tmp_path / "m.safetensors"))
    np.testing.assert_array_equal(kept.weight, trained.model.weight)
    assert repr(trained) == f"<Trained: {trained.model.name}, 4 iterations>"
    assert "12 nodes" in trained._repr_html_()
    # With a folder it is the same model, and the same training goes on from there.
    again = oscc.train(config, tmp_path / "x")
    np.testing.assert_array_equal(again.model.weight, trained.model.weight)
    assert oscc.train(config, tmp_path / "x").to_dict()["resumed_at"] == 4


def test_it_is_evaluated_as_the_command_does(
    trained: oscc.Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = trained.save(tmp_path / "model.safetensors")
    assert main(["evaluate", str(path), "-n", "50", "--seeds", "2", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = oscc.evaluate(trained, n=50, seeds=2)
    assert {**found.to_dict(), "model": str(path)} == printed
    assert oscc.evaluate(path, n=50, seeds=2).to_dict() == printed
    assert "spiral" in found._repr_html_()


def test_what_is_wrong_is_an_oscc_error(trained: oscc.Trained, tmp_path: Path) -> None:
    with pytest.raises(oscc.OsccError, match=r"nowhere\.yaml"):
        oscc.train(tmp_path / "nowhere.yaml")
    with pytest.raises(oscc.OsccError) as caught:
        oscc.evaluate(trained, noise="loud")
    assert caught.value.code == "evaluation.noise"
    with pytest.raises(TypeError, match=r"evaluate\(\) got an unexpected keyword argument 'samples'"):
        oscc.evaluate(trained, samples=3)  # type: ignore[call-arg]


def test_a_model_that_does_not_fit_is_an_oscc_error(trained: oscc.Trained, make_core: Callable[..., CoreSpec]) -> None:
    small = make_core(name="small", grid=[2, 2], stencil="king", chunks=1, stream_width=32)
    with pytest.raises(oscc.OsccError) as caught:
        oscc.evaluate(trained, small, n=10)
    assert caught.value.code == "compile.infeasible"
    assert caught.value.message.startswith("the model does not fit: ")
