from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.output_folder import WIRES, OutputFolder, read_output_folder
from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.compiler.route.wires_file import read_wires, write_wires
from oscc.core.spec import CoreSpec
from oscc.sim.verify.checks import Status
from oscc.sim.verify.wire_checks import check_wires


def options() -> dict[str, object]:
    return {"tau": "common", "tau_s": None, "clip": []}


@pytest.fixture
def result(tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]) -> CompileResult:
    return compile_model(make_graph(tiny_core, chunks=1, density=0.5), tiny_core)


@pytest.fixture
def folder(result: CompileResult, tmp_path: Path) -> OutputFolder:
    model = ModelFile.of(result.graph, Path("model.safetensors"))
    write_output(tmp_path / "out", result, Receipt(model, options()))
    return read_output_folder(tmp_path / "out")


def test_wires_that_were_written_pass(folder: OutputFolder, result: CompileResult) -> None:
    line = check_wires(folder, result)
    assert (line.name, line.subject, line.status) == ("wires", "program", Status.PASS)
    assert line.measured.startswith(f"{result.graph.couplings} wires over ")


def test_a_wire_that_goes_astray(folder: OutputFolder, result: CompileResult) -> None:
    routes, track = read_wires(folder.wires)
    direction = routes.direction.copy()
    direction[0] = (direction[0] + 2) % 4
    write_wires(folder.wires, type(routes)(routes.start, routes.end, routes.first, direction), track)
    line = check_wires(folder, result)
    assert line.status is Status.FAIL
    assert line.detail.startswith("K00")


def test_two_wires_on_a_track(folder: OutputFolder, result: CompileResult) -> None:
    routes, track = read_wires(folder.wires)
    write_wires(folder.wires, routes, np.zeros_like(track))
    assert "K008" in check_wires(folder, result).detail


def test_wires_that_cannot_be_read(folder: OutputFolder, result: CompileResult) -> None:
    folder.wires.write_bytes(b"no")
    line = check_wires(folder, result)
    assert (line.status, line.measured) == (Status.FAIL, "not readable")


def test_a_folder_of_an_older_version_is_skipped(folder: OutputFolder, result: CompileResult) -> None:
    outputs = {name: entry for name, entry in folder.manifest["outputs"].items() if name != WIRES}
    line = check_wires(OutputFolder(folder.path, {**folder.manifest, "outputs": outputs}), result)
    assert line.status is Status.SKIPPED
    assert "compile it again" in line.detail
