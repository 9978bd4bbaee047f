"""What the tests of the command share."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.cli.main import main
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.spec import CoreSpec

Outcome = tuple[int, str, str]


@pytest.fixture(autouse=True)
def no_lines_of_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine short work takes long, too: what is on standard error must not depend on it."""
    monkeypatch.setattr("oscc.cli.progress.LINE_EVERY_S", threading.TIMEOUT_MAX)


@pytest.fixture
def oscc(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """``oscc(*arguments)``: exit status, standard output and standard error of the command."""

    def run(*arguments: object) -> Outcome:
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return run


@pytest.fixture
def oscc_json(oscc: Callable[..., Outcome]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """``oscc_json(*arguments)``: exit status and the one object that ``--json`` prints."""

    def run(*arguments: object) -> tuple[int, dict[str, Any]]:
        status, out, err = oscc(*arguments, "--json")
        assert err == ""
        content = json.loads(out)
        assert isinstance(content, dict)
        return status, content

    return run


@pytest.fixture(scope="session")
def tiny_checkpoint(
    tmp_path_factory: pytest.TempPathFactory, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> Path:
    """Checkpoint of a model that fits tiny-8x8, and no king's graph."""
    path = tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors"
    write_checkpoint(path, make_graph(tiny_core, density=0.5))
    return path


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path, tiny_core: CoreSpec) -> Path:
    """What `oscc compile` leaves of that model for tiny-8x8; not to be changed."""
    path = tmp_path_factory.mktemp("compiled") / "out"
    options: dict[str, object] = {"tau": "common", "tau_s": None, "clip": []}
    model = ModelFile.read(tiny_checkpoint)
    write_output(path, compile_model(model.graph, tiny_core), Receipt(model, options))
    return path


@pytest.fixture
def folder(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(compiled, tmp_path / "out")
    return tmp_path / "out"
