from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from oscc.compiler.checkpoint import read_checkpoint
from oscc.compiler.spec import CoreSpec
from oscc.compiler.spec_file import dump_core, load_core
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


def test_the_picture_and_its_peak(oscc_json: RunJson, folder: Path) -> None:
    before = names(folder)
    status, content = oscc_json("report", folder)
    assert status == 0
    assert content == {
        "picture": str(folder / "routing.png"),
        "peak_demand": peak_demand(folder / "model.safetensors"),
        "capacity": 30,
    }
    assert names(folder) - before == {"routing.png"}
    with Image.open(folder / "routing.png") as picture:
        assert picture.format == "PNG"


def test_another_place_and_the_same_bytes(oscc: Run, compiled: Path, tmp_path: Path) -> None:
    before = names(compiled)
    for name in ("a.png", "b.png"):
        status, out, err = oscc("report", compiled, "-o", tmp_path / name)
        assert (status, err) == (0, "")
    peak = peak_demand(compiled / "model.safetensors")
    assert out.splitlines() == [
        "synthetic-tiny-8x8 on tiny-8x8",
        f"  peak demand  {peak} of 30 tracks per boundary",
        f"  picture      {tmp_path / 'b.png'}",
    ]
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert names(compiled) == before


@pytest.mark.parametrize(("place", "code"), [(".", "output.is-folder"), ("no/a.png", "output.unwritable")])
def test_a_picture_that_cannot_be_written_is_refused(
    place: str, code: str, oscc_json: RunJson, compiled: Path, tmp_path: Path
) -> None:
    status, content = oscc_json("report", compiled, "-o", tmp_path / place)
    assert (status, content["error"]["code"], content["error"]["where"]) == (1, code, str(tmp_path / place))
    assert names(tmp_path) == set()


def test_a_folder_that_is_no_output_is_refused(oscc: Run, tmp_path: Path) -> None:
    status, out, err = oscc("report", tmp_path / "absent")
    assert (status, out) == (1, "")
    assert err.startswith(f"oscc: {tmp_path / 'absent'}: no such folder\n")


def test_a_folder_whose_model_does_not_fit_is_refused(
    oscc_json: RunJson, folder: Path, make_core: Callable[..., CoreSpec]
) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(stencil="king")))
    status, content = oscc_json("report", folder)
    assert (status, content["error"]["code"]) == (1, "output.infeasible")
    assert not (folder / "routing.png").exists()


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
    assert oscc("report", folder)[1].splitlines()[3:] == [
        "synthesis for asic",
        "  device     generic cells",
        "  core       tiny-8x8, 8 x 8 cells, 4 chunks",
        "  cell area  20.5 NAND2 equivalents, 12 of it flip-flops, memories not included",
        "  memories   0, 0 bits",
    ]
    (folder / "synthesis" / "asic.json").write_text("{")
    status, content = oscc_json("report", folder)
    assert (status, content["error"]["code"]) == (1, "synthesis.result")
