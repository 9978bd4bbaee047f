from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.rtl.synthesis.result_files import read_results, result_rows


def result(**changes: Any) -> dict[str, Any]:
    return {
        "schema": "oscc.synthesis/1",
        "device": "a device",
        "core": {"name": "tiny-8x8", "grid": [8, 6], "chunks": 4},
        "resources": [],
        "timing": None,
        "area": None,
        "memories": [
            {"kind": "ram", "count": 2, "bits": 48384},
            {"kind": "rom", "count": 1, "bits": 1024},
            {"kind": "ram", "count": 1, "bits": 16},
        ],
        **changes,
    }


def test_resources_are_shown_with_their_share() -> None:
    resources = [
        {"name": "LUT4", "used": 100, "harness": 10, "available": 400},
        {"name": "block RAMs", "used": 3, "harness": 0, "available": 0},
    ]
    assert result_rows(result(resources=resources)) == [
        ("device", "a device"),
        ("core", "tiny-8x8, 8 x 6 cells, 4 chunks"),
        ("LUT4", "100 of 400 (25.0 %), harness 10 more"),
        ("block RAMs", "3 of 0"),
        ("memories", "3, 48400 bits"),
    ]


def test_clock_and_critical_path() -> None:
    path = {"delay_ns": 8.66, "start": "schedule", "end": "fetch.stop"}
    timing = {"achieved_mhz": 64.24, "target_mhz": 100.0, "met": False, "critical_path": path}
    rows = dict(result_rows(result(timing=timing)))
    assert rows["clock"] == "64.24 MHz (target 100 MHz: missed)"
    reached = dict(result_rows(result(timing=timing | {"achieved_mhz": 100.0, "met": True})))
    assert reached["clock"] == "100 MHz (target 100 MHz: reached)"
    assert rows["critical path"] == "8.66 ns, schedule to fetch.stop"
    assert "cell area" not in rows


def test_area() -> None:
    rows = dict(result_rows(result(area={"total": 20.5, "sequential": 12.0})))
    assert rows["cell area"] == "20.5 NAND2 equivalents, 12 of it flip-flops, memories not included"
    assert "clock" not in rows


def test_results_are_read_by_target(tmp_path: Path) -> None:
    for name in ("ice40", "asic"):
        (tmp_path / f"{name}.json").write_text(json.dumps(result(device=name)))
    (tmp_path / "asic.md").write_text("# asic")
    found = read_results(tmp_path)
    assert list(found) == ["asic", "ice40"]
    assert found["asic"] == result(device="asic")


def test_no_folder_holds_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path / "none") == {}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"schema": "oscc.synthesis/2"}'])
def test_a_damaged_result_is_an_error(text: str, tmp_path: Path) -> None:
    (tmp_path / "ecp5.json").write_text(text)
    with pytest.raises(OsccError) as caught:
        read_results(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'ecp5.json'}: no result of oscc synth, or one of another version\n"
        "make it anew: oscc synth --target ecp5"
    )
