from __future__ import annotations

import base64
import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image

from oscc.base.output_folder import own_files
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, load_core
from oscc.rtl.synthesis.report import Area, SynthesisResult

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


def peak_demand(model: Path) -> int:
    """Wires over the busiest boundary: each runs along its source's row, then along its destination's column."""
    graph = read_checkpoint(model)
    assert graph.position is not None
    columns, rows = np.zeros((8, 7), dtype=int), np.zeros((7, 8), dtype=int)
    for source, destination in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        (row0, col0), (row1, col1) = graph.position[source].tolist(), graph.position[destination].tolist()
        columns[row0, min(col0, col1) : max(col0, col1)] += 1
        rows[min(row0, row1) : max(row0, row1), col1] += 1
    return int(max(columns.max(), rows.max()))


def names(path: Path) -> set[str]:
    return {file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file()}


def test_the_report_is_a_folder_of_its_own(oscc: Run, folder: Path) -> None:
    before = names(folder)
    status, out, err = oscc("report", folder)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "synthetic-tiny-8x8 on tiny-8x8: fits"
    assert lines[1] == f"  peak demand  {peak_demand(folder / 'model.safetensors')} of 30 tracks per boundary"
    pictures = {f"report/{name}.png" for name in ("degree", "boundaries", "distributions")}
    pictures.add("report/samples.png")
    assert names(folder) - before == {"report/report.html", "report/report.json", *pictures}
    for picture in pictures:
        with Image.open(folder / picture) as image:
            assert image.format == "PNG"
    schema = json.loads((files("oscc.report") / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads((folder / "report" / "report.json").read_text()), schema)
    # Written anew, byte by byte the same.
    first = {name: (folder / name).read_bytes() for name in names(folder)}
    assert oscc("report", folder)[0] == 0
    assert {name: (folder / name).read_bytes() for name in names(folder)} == first


def test_the_samples_are_those_that_the_array_draws(oscc: Run, folder: Path, tmp_path: Path) -> None:
    assert oscc("sample", folder, "-n", 64, "-o", tmp_path / "sheet.png")[0] == 0
    assert oscc("report", folder)[0] == 0
    sheet = (tmp_path / "sheet.png").read_bytes()
    assert (folder / "report" / "samples.png").read_bytes() == sheet
    page = (folder / "report" / "report.html").read_text()
    assert base64.b64encode(sheet).decode() in page
    # Nothing is simulated where it is not wanted.
    assert oscc("report", folder, "--no-samples")[0] == 0
    assert not (folder / "report" / "samples.png").exists()
    assert "<img" not in (folder / "report" / "report.html").read_text()


def test_json_is_the_report_and_writes_nothing(oscc_json: RunJson, compiled: Path) -> None:
    before = names(compiled)
    status, content = oscc_json("report", compiled)
    assert status == 0
    assert (content["schema"], content["verdict"]) == ("oscc.report/1", "fits")
    assert content["routing"]["boundaries"]["peak"] == peak_demand(compiled / "model.safetensors")
    assert names(compiled) == before


def test_the_page_at_another_place(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    before = names(compiled)
    assert oscc("report", compiled, "-o", tmp_path / "a.html")[0] == 0
    assert (tmp_path / "a.html").read_text().startswith("<!DOCTYPE html>")
    assert names(compiled) == before
    assert names(tmp_path) == {"a.html"}


@pytest.mark.parametrize(("place", "code"), [(".", "output.is-folder"), ("no/a.html", "output.unwritable")])
def test_a_page_that_cannot_be_written_is_refused(
    place: str, code: str, oscc: Run, compiled: Path, tmp_path: Path
) -> None:
    status, out, err = oscc("report", compiled, "-o", tmp_path / place)
    assert (status, out) == (1, "")
    assert {"output.is-folder": "a folder", "output.unwritable": "there is no folder"}[code] in err
    assert names(tmp_path) == set()


def test_a_folder_that_is_no_output_is_refused(oscc: Run, tmp_path: Path) -> None:
    status, out, err = oscc("report", tmp_path / "absent")
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {tmp_path / 'absent'}: no such folder\n")


def test_a_model_that_does_not_fit_has_a_report(
    oscc: Run, tiny_checkpoint: Path, make_core: Callable[..., CoreSpec], tmp_path: Path
) -> None:
    (tmp_path / "king.yaml").write_text(dump_core(make_core(stencil="king")))
    assert oscc("compile", tiny_checkpoint, "--core", tmp_path / "king.yaml", "-o", tmp_path / "out")[0] == 3
    status, out, err = oscc("report", tmp_path / "out")
    assert (status, err) == (0, "")
    assert "does not fit" in out.splitlines()[0]
    assert " of R001" in out
    assert "Does not fit" in (tmp_path / "out" / "report" / "report.html").read_text()


def test_a_changed_folder_is_refused(oscc_json: RunJson, folder: Path) -> None:
    (folder / "program.bin").write_bytes(b"")
    status, content = oscc_json("report", folder)
    assert (status, content["error"]["code"]) == (1, "report.changed")


def test_synthesis_is_listed_where_it_was_run(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    result = SynthesisResult(
        target="asic",
        device="generic cells",
        core=load_core("tiny-8x8"),
        tools=("Yosys 1",),
        cells={},
        memories=(),
        area=Area(20.5, 12.0, 22.5, (), ()),
    )
    (folder / "synthesis").mkdir()
    (folder / "synthesis" / "asic.json").write_text(json.dumps(result.as_dict()))
    assert oscc_json("report", folder)[1]["synthesis"] == {"asic": json.loads(json.dumps(result.as_dict()))}
    assert oscc("report", folder)[1].splitlines()[5:] == [
        "synthesis for asic",
        "  device     generic cells",
        "  core       tiny-8x8, 8 x 8 cells, 4 chunks",
        "  cell area  20.5 NAND2 equivalents, 12 of it flip-flops, memories not included",
        "  memories   0, 0 bits",
    ]
    (folder / "synthesis" / "asic.json").write_text("{")
    status, content = oscc_json("report", folder)
    assert (status, content["error"]["code"]) == (1, "synthesis.result")


@pytest.mark.parametrize("verb", ["report", "diff"])
def test_a_damaged_manifest_is_one_line(verb: str, oscc: Run, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["inputs"]["model"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    status, out, err = oscc(verb, *[folder] * (2 if verb == "diff" else 1))
    assert (status, out) == (1, "")
    assert err == f"oscc: {folder}: manifest.json is damaged or of another version: inputs.model: field required\n"


def test_json_writes_no_page(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    status, out, err = oscc("report", compiled, "--json", "-o", tmp_path / "page.html")
    assert status == 2
    assert "would be ignored: --json prints report.json and writes nothing" in out + err
    assert not (tmp_path / "page.html").exists()


def test_all_that_verbs_write_is_known_as_oscc_s_own(oscc: Run, folder: Path, tiny_checkpoint: Path) -> None:
    compiled = names(folder)
    for arguments in (("report", folder), ("sample", folder, "-n", 1), ("cosim", folder, "--engine", "array")):
        assert oscc(*arguments)[0] == 0
    assert {name.partition("/")[0] for name in names(folder) - compiled} == {"report", "samples.png", "cosim-array"}
    assert own_files(folder) == names(folder)
    # So that none of it is left when the folder is written anew.
    (folder / "notes.txt").write_text("mine")
    assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", folder)[0] == 0
    assert names(folder) == compiled | {"notes.txt"}
    assert not (folder / "report").exists()
