from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import read_output_folder
from oscc.compiler.compile import CompileResult, compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

FILES = [
    "core.yaml",
    "manifest.json",
    "model.safetensors",
    "program.bin",
    "reports/quantization.json",
    "reports/quantization.txt",
    "reports/routing.json",
    "reports/routing.txt",
    "reports/schedule.txt",
    "wires.safetensors",
]


def write(path: Path, result: CompileResult, model: Path, **more: Any) -> None:
    receipt = Receipt(ModelFile.read(model), {"tau": "common"})
    write_output(path, result, receipt, dumps=more.get("dumps", {}))


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_the_folder_holds_what_the_documentation_lists(
    tiny_result: CompileResult, tiny_model: Path, tmp_path: Path
) -> None:
    write(tmp_path / "out", tiny_result, tiny_model)
    files = contents(tmp_path / "out")
    assert sorted(files) == FILES
    assert files["model.safetensors"] == tiny_model.read_bytes()
    assert load_core(tmp_path / "out" / "core.yaml") == tiny_result.core
    program = read_program(tmp_path / "out" / "program.bin")
    assert tiny_result.program is not None
    assert program.stream() == tiny_result.program.stream()


def test_the_manifest_has_the_hashes_of_everything(
    tiny_result: CompileResult, tiny_model: Path, tmp_path: Path
) -> None:
    write(tmp_path / "out", tiny_result, tiny_model)
    files = contents(tmp_path / "out")
    manifest = json.loads(files.pop("manifest.json"))
    assert (
        manifest["outputs"]
        == {
            name: {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            for name, content in files.items()
        }
        | {}
    )
    assert manifest["tool"]["name"] == "oscc"
    assert manifest["tool"]["version"].count(".") == 2
    assert manifest["inputs"]["model"] == {
        "file": "tiny.safetensors",
        "sha256": hashlib.sha256(tiny_model.read_bytes()).hexdigest(),
    }
    assert manifest["inputs"]["core"]["sha256"] == manifest["outputs"]["core.yaml"]["sha256"]
    assert manifest["inputs"]["options"] == {"tau": "common"}
    assert manifest["summary"] == json.loads(json.dumps(tiny_result.summary()))


def test_two_runs_write_the_same_bytes_wherever_they_are(
    tiny_result: CompileResult, tiny_model: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere" / tiny_model.name
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(tiny_model.read_bytes())
    write(tmp_path / "one", tiny_result, tiny_model)
    write(tmp_path / "two", compile_model(read_checkpoint(elsewhere), tiny_result.core), elsewhere)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    assert str(tmp_path).encode() not in b"".join(contents(tmp_path / "one").values())


def test_dumps_go_into_their_own_folder(tiny_result: CompileResult, tiny_model: Path, tmp_path: Path) -> None:
    write(tmp_path / "out", tiny_result, tiny_model, dumps={"quantize": "text\n"})
    assert (tmp_path / "out" / "ir" / "quantize.txt").read_text() == "text\n"
    assert "ir/quantize.txt" in read_output_folder(tmp_path / "out").manifest["outputs"]


def test_a_model_that_does_not_fit_leaves_reports_and_no_program(
    tiny_model: Path, make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    result = compile_model(read_checkpoint(tiny_model), make_core(stencil="king"))
    write(tmp_path / "out", result, tiny_model)
    assert sorted(contents(tmp_path / "out")) == ["manifest.json", "reports/routing.json", "reports/routing.txt"]
    routing = json.loads((tmp_path / "out" / "reports" / "routing.json").read_text())
    assert routing["verdict"] == "does not fit"
    assert [(found["code"], found["count"]) for found in routing["findings"]] == [("R001", 394)]
    with pytest.raises(OsccError, match="holds no program"):
        read_output_folder(tmp_path / "out")


def test_a_model_that_cannot_even_be_shown_on_the_core_leaves_its_findings(
    make_core: Callable[..., CoreSpec], make_graph: Callable[..., Any], tmp_path: Path
) -> None:
    from oscc.compiler.frontends.checkpoint import write_checkpoint

    core = make_core(stencil="king", defects={"cells": [[3, 3]]})
    trained = make_core(defects={"cells": [[3, 3]]})
    write_checkpoint(tmp_path / "m.safetensors", make_graph(trained, positions=False))
    write(
        tmp_path / "out", compile_model(read_checkpoint(tmp_path / "m.safetensors"), core), tmp_path / "m.safetensors"
    )
    findings = json.loads((tmp_path / "out" / "reports" / "findings.json").read_text())
    assert findings[0]["code"] == "L010"


def test_the_documentation_names_every_file_and_key(
    tiny_result: CompileResult, tiny_model: Path, tmp_path: Path
) -> None:
    write(tmp_path / "out", tiny_result, tiny_model)
    text = (Path(__file__).resolve().parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    for name in [*manifest, *manifest["inputs"], *manifest["inputs"]["core"], *manifest["summary"]]:
        assert f"`{name}`" in text, name
    for file in FILES:
        assert Path(file).name in text, file
