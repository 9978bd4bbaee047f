from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.compiler.checkpoint import write_checkpoint
from oscc.compiler.graph import CouplingGraph
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


def test_json_has_all_findings_and_the_text_the_first_of_each_kind(
    oscc: Run, oscc_json: RunJson, tiny_checkpoint: Path, king: Path
) -> None:
    _, content = oscc_json("check", tiny_checkpoint, "--core", king)
    far = [finding["witness"] for finding in content["findings"] if finding["code"] == "R001"]
    assert len(far) > 100
    assert len({(*witness["source"], *witness["destination"]) for witness in far}) == len(far)
    _, out, _ = oscc("check", tiny_checkpoint, "--core", king)
    assert f"does not fit: {len(content['findings'])} findings" in out
    assert out.count("\nR001: ") == 21
    assert f"\nR001: {len(far)} findings of this kind in all; the first 20 are listed\n" in out


@pytest.mark.parametrize(("more", "where"), [(("--tau-s", "1e-6"), "tau_s"), ((), "synthetic-tiny-8x8")])
def test_a_tau_per_chunk_contradicts_a_tau_that_is_given(
    more: tuple[str, ...],
    where: str,
    oscc: Run,
    tmp_path: Path,
    tiny_core: CoreSpec,
    make_graph: Callable[..., CouplingGraph],
) -> None:
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, make_graph(tiny_core, time_scale_s=(1e-6,)))
    status, out, err = oscc("check", model, "--core", "tiny-8x8", "--tau", "per-chunk", *more)
    assert (status, out) == (1, "")
    assert f"{where}: a tau per chunk is " in err
    assert len(err.splitlines()) <= 2


def test_a_time_scale_of_the_model_at_which_groups_saturate(
    oscc: Run, oscc_json: RunJson, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, make_graph(tiny_core, time_scale_s=(2e-7,)))
    status, out, _ = oscc("check", model, "--core", "tiny-8x8")
    assert status == 3
    assert "--clip coupling\n" in out
    groups = [part for group in ("coupling", "shil", "field", "detuning") for part in ("--clip", group)]
    status, content = oscc_json("check", model, "--core", "tiny-8x8", *groups)
    assert (status, content["run_cycles"], content["tau_active_bound"]) == (0, [40] * 4, "model")


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


def test_a_placer_can_be_chosen(oscc: Run, tiny_checkpoint: Path) -> None:
    assert oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--placer", "identity")[0] == 0
    status, _, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--placer", "idenity")
    assert (status, err) == (1, "oscc: --placer: 'idenity' is no placer; did you mean 'identity'?\n")


def test_what_if_is_listed_and_applied(
    oscc: Run, oscc_json: RunJson, tiny_checkpoint: Path, tmp_path: Path, make_core: Callable[..., CoreSpec]
) -> None:
    (tmp_path / "king.yaml").write_text(dump_core(make_core(stencil="king")))
    arguments = ("check", tiny_checkpoint, "--core", tmp_path / "king.yaml")
    status, out, _ = oscc(*arguments)
    assert status == 3
    assert "what would make it fit" in out
    lines = out.splitlines()
    table = lines.index("what would make it fit")
    assert re.match(r"  1  drop \d+ of \d+ couplings: \d+\.\d% of the couplings, ", lines[table + 1])
    assert re.match(
        r"  2  use a core with stencil wider by 16 offsets: .*: \+16 coupling units per cell, ", lines[table + 2]
    )
    # What helps comes before a long list of what is wrong, each fix once for all findings that share it.
    assert lines[table + 3].startswith("R001: ")
    assert out.count("    train the model with the stencil of the core") == 1
    status, content = oscc_json(*arguments)
    assert [entry["kind"] for entry in content["what_if"]] == ["drop", "core"]
    status, content = oscc_json(*arguments, "--prune", "1")
    assert status == 0
    assert content["changes"]["pruned"]["kind"] == "drop"
    status, _, err = oscc(*arguments, "--prune", "2")
    assert status == 1
    assert "--prune takes 1" in err
