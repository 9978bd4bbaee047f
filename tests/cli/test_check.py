from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.compiler.spec import CoreSpec
from oscc.compiler.spec_file import dump_core

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def king(tmp_path: Path, make_core: Callable[..., CoreSpec]) -> Path:
    """A core whose stencil is too small."""
    path = tmp_path / "king.yaml"
    path.write_text(dump_core(make_core(name="tiny-king", stencil="king")))
    return path


def test_a_model_that_fits_exits_0(oscc: Run, tiny_checkpoint: Path) -> None:
    status, out, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, err) == (0, "")
    assert out.startswith("synthetic-tiny-8x8 on tiny-8x8: fits\n")
    assert "cycles per sample" in out
    assert "coupling error" not in out


def test_a_model_that_does_not_fit_exits_3_with_every_finding(oscc: Run, tiny_checkpoint: Path, king: Path) -> None:
    status, out, err = oscc("check", tiny_checkpoint, "--core", king)
    assert (status, err) == (3, "")
    assert "on tiny-king: does not fit: " in out
    assert "\nR001: coupling into (" in out
    assert "\nL002 (not a proof): " in out


def test_json_has_findings_with_coordinates_witness_and_fix(
    oscc_json: RunJson, tiny_checkpoint: Path, king: Path
) -> None:
    status, content = oscc_json("check", tiny_checkpoint, "--core", king)
    assert (status, content["feasible"]) == (3, False)
    finding = content["findings"][0]
    assert set(finding) == {"code", "message", "fix", "witness", "proof"}
    assert finding["code"] == "R001"
    assert len(finding["witness"]["source"]) == 2
    assert [record["name"] for record in content["passes"]] == ["load", "place"]


def test_json_of_a_model_that_fits(oscc_json: RunJson, tiny_checkpoint: Path) -> None:
    status, content = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, content["feasible"], content["findings"]) == (0, True, [])
    assert content["nodes"] == 64
    assert [record["name"] for record in content["passes"]] == ["load", "place", "route", "scale"]
    assert "program" not in content


def test_a_check_writes_nothing(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    oscc("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert list(tmp_path.iterdir()) == []


def test_time_scale_options(oscc_json: RunJson, tiny_checkpoint: Path) -> None:
    _, common = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8")
    _, per_chunk = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau", "per-chunk")
    assert max(per_chunk["run_cycles"]) == max(common["run_cycles"])
    assert sum(per_chunk["run_cycles"]) <= sum(common["run_cycles"])
    status, given = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau-s", "1e-7")
    assert status == 3
    assert {finding["code"] for finding in given["findings"]} == {"S004"}
    groups = [part for group in ("coupling", "shil", "field", "detuning") for part in ("--clip", group)]
    status, clipped = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau-s", "1e-7", *groups)
    assert (status, clipped["run_cycles"]) == (0, [20] * 4)
