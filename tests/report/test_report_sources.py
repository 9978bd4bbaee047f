from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import MAX_LISTED, FindingKind
from oscc.compiler.compile import CompileResult, check_model, compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.compiler.output.routing_report import finding_cells
from oscc.core.spec import CoreSpec
from oscc.report.report_sources import report_of_folder, report_of_result

X001 = FindingKind("X001", "made up", "nowhere", (dict,), unchecked="made up")

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]

OPTIONS: dict[str, Any] = {"tau": "common", "tau_s": None, "clip": []}


def write(result: CompileResult, model: Path, path: Path) -> Path:
    write_output(path, result, Receipt(ModelFile.read(model), OPTIONS))
    return path


@pytest.fixture
def folder(tiny_result: CompileResult, tiny_model: Path, tmp_path: Path) -> Path:
    return write(tiny_result, tiny_model, tmp_path / "out")


def test_a_model_that_fits(folder: Path, tiny_result: CompileResult, tiny_core: CoreSpec) -> None:
    data = report_of_folder(folder)
    graph, program = tiny_result.graph, tiny_result.program
    assert program is not None
    assert (data.verdict, data.fits) == ("fits", True)
    assert (data.nodes, data.couplings, data.chunks) == (graph.nodes, graph.couplings, 2)
    summary = tiny_result.summary()
    assert data.cycles_per_sample == summary["cycles_per_sample"]
    assert data.samples_per_second == pytest.approx(tiny_core.clock_hz / summary["cycles_per_sample"])
    assert data.program is not None
    assert data.program.bytes == (folder / "program.bin").stat().st_size
    assert data.quantization is not None
    assert data.quantization.groups["coupling"].values == 2 * graph.couplings
    used = {resource.name: (resource.used, resource.available) for resource in data.resources}
    assert used["cells"] == (64, 64)
    assert used["coupling units"][0] == graph.couplings
    assert used["readable cells"] == (16, 16)
    assert used["chunks"] == (2, 4)
    assert data.findings.total == 0
    assert (data.what_if, data.solve) == (None, None)


def test_a_model_that_does_not_fit(make_core: MakeCore, tiny_model: Path, tmp_path: Path) -> None:
    core = make_core(grid=[8, 7])
    checked = compile_model(read_checkpoint(tiny_model), core)
    data = report_of_folder(write(checked, tiny_model, tmp_path / "out"))
    assert not data.fits
    assert (data.program, data.quantization, data.cycles_per_sample) == (None, None, None)
    used = {resource.name: (resource.used, resource.available) for resource in data.resources}
    # Rows and columns 0, 2, 4, 6 can be read, with seven columns as with eight.
    assert (used["cells"], used["readable cells"], used["chunks"]) == ((64, 56), (16, 16), (2, 4))
    assert data.findings.total == len(checked.findings)
    counts = {each.code: (each.count, each.proof) for each in data.findings.by_code}
    for code, (count, proof) in counts.items():
        same = [finding for finding in checked.findings if finding.code == code]
        assert (count, proof) == (len(same), all(finding.proof for finding in same))
    # The same data from the result itself, but for what only a folder has.
    direct = report_of_result(checked, Receipt(ModelFile.read(tiny_model), OPTIONS))
    assert direct.findings == data.findings
    assert direct.routing == data.routing


def test_many_findings_are_counted_and_some_listed(make_core: MakeCore, make_graph: MakeGraph) -> None:
    wide = make_core(grid=[12, 12], stencil="box-2")
    model = ModelFile.of(make_graph(wide, chunks=1), Path("m.safetensors"))
    king = make_core(grid=[12, 12], stencil="king")
    data = report_of_result(check_model(model.graph, king), Receipt(model, OPTIONS))
    far = {each.code: each.count for each in data.findings.by_code}["R001"]
    # Box-2 without king: 16 offsets, each at (12 - |dr|)(12 - |dc|) cells.
    offsets = [(a, b) for a in range(-2, 3) for b in range(-2, 3) if max(abs(a), abs(b)) == 2]
    assert far == sum((12 - abs(a)) * (12 - abs(b)) for a, b in offsets)
    (cause,) = data.findings.causes
    assert (cause.code, cause.count) == ("R001", far)
    assert [finding.code for finding in cause.examples[:MAX_LISTED]] == ["R001"] * MAX_LISTED
    assert data.findings.listed == (cause, *cause.examples)
    assert data.findings.total == far + cause.consequences["R003"] + cause.consequences["L002"]
    assert data.routing is not None
    at = data.routing.cells.findings
    assert at is not None
    # The corner receives five couplings from beyond the king's moves.
    assert at[0][0] == 5
    assert all(count > 0 for row in at for count in row)


@pytest.mark.parametrize(
    ("witness", "cells"),
    [
        ({"cell": [1, 2], "cells": [[5, 5]]}, [(1, 2)]),
        ({"cells": [[1, 2], [1, 3]]}, [(1, 2), (1, 3)]),
        ({"destination": [3, 4], "source": [0, 0]}, [(3, 4)]),
        ({"nodes": 3, "cells": 64}, []),
        ({}, []),
    ],
)
def test_cells_of_a_finding(witness: dict[str, Any], cells: list[tuple[int, int]]) -> None:
    assert finding_cells(X001.finding("", "", witness)) == cells


def test_a_changed_folder_is_refused(folder: Path) -> None:
    path = folder / "reports" / "routing.json"
    path.write_text(path.read_text() + " ")
    with pytest.raises(OsccError, match=r"changed since it was compiled.*reports/routing\.json"):
        report_of_folder(folder)


def test_what_later_verbs_wrote_is_read(folder: Path) -> None:
    values = {
        "best": 3.0,
        "mean": 2.0,
        "spread": 1.0,
        "quartiles": [1.0, 2.0, 3.0],
        "times_best": 1,
        "histogram": {"counts": [1, 2], "edges": [0.0, 1.0, 3.0]},
    }
    solve = {
        "problem": "p.gset",
        "quantity": "cut",
        "spins": 4,
        "samples": 3,
        "seed": 0,
        "best_sample": 2,
        "values": values,
    }
    (folder / "reports" / "solve.json").write_text(json.dumps(solve))
    data = report_of_folder(folder)
    assert data.solve is not None
    assert data.solve.values.histogram.counts == (1, 2)
    (folder / "reports" / "solve.json").write_text(json.dumps({**solve, "samples": "many"}))
    with pytest.raises(OsccError, match="samples: input should be a valid integer") as error:
        report_of_folder(folder)
    assert "solve.json" in error.value.where
    (folder / "reports" / "solve.json").write_text("{")
    with pytest.raises(OsccError, match="is no JSON"):
        report_of_folder(folder)


def test_a_folder_without_a_compilation(folder: Path, tmp_path: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["summary"]
    shutil.copytree(folder, tmp_path / "other")
    (tmp_path / "other" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(OsccError, match="nothing was compiled into it"):
        report_of_folder(tmp_path / "other")
    with pytest.raises(OsccError, match="no such folder"):
        report_of_folder(tmp_path / "none")
