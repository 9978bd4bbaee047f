from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.cli.code_lines import code_rows, print_warnings, recorded_warnings, verdict_words, warning_words
from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

MERGED = CodeWarning("W003", "merged", "more bits", {"group": "field"})
LOST = CodeWarning("W005", "lost", "more bits", {"group": "coupling"})
BEYOND = CodeWarning("W004", "beyond", "no clip", {"saturated": 3304, "parameters": 3720, "error": 0.6123})
OTHERS = CodeWarning("W004", "beyond", "no clip", {"saturated": 6, "parameters": 280, "error": 0.05})


@pytest.mark.parametrize(
    ("warnings", "words"),
    [
        ((), "fits"),
        ((MERGED,), "fits, with 1 warning"),
        ((MERGED, LOST), "fits, with 2 warnings"),
        ((BEYOND,), "fits, but 3,304 of 3,720 parameters saturate, with an error of up to 61 %"),
        (
            (MERGED, BEYOND, OTHERS, LOST),
            "fits, but 3,310 of 4,000 parameters saturate, with an error of up to 61 %, and with 2 more warnings",
        ),
    ],
)
def test_the_verdict(warnings: tuple[CodeWarning, ...], words: str) -> None:
    assert verdict_words({"warnings": [warning.as_dict() for warning in warnings]}) == words


def test_the_verdict_of_an_older_summary() -> None:
    assert verdict_words({}) == "fits"


@pytest.mark.parametrize(
    ("errors", "words"),
    [
        ((0.0, 1e-7), "the one that was given, but for a factor"),
        ((0.031, 0.224), "h off by 3.1 %, J by 22 % of their norms, energies by at most 153"),
        ((1.0, 0.004), "h off by 100 %, J by 0.4 % of their norms, energies by at most 153"),
        ((0.0, 1e-4), "h off by 0 %, J by 0.01 % of their norms, energies by at most 153"),
        ((0.0, 0.1), "h off by 0 %, J by 10 % of their norms, energies by at most 153"),
    ],
)
def test_what_became_of_a_problem(errors: tuple[float, float], words: str) -> None:
    problem = {"field_error": errors[0], "coupling_error": errors[1], "largest_error": 152.9}
    assert code_rows({"code_use": {"groups": {}, "problem": problem}}) == [("coded problem", words)]
    assert code_rows({}) == []


@pytest.mark.parametrize("loss", [{"zeroed": 3}, {"sign_changed": 1}, {"merged": 0.5}])
def test_a_problem_that_lost_terms_is_not_the_one_that_was_given(loss: dict[str, Any]) -> None:
    """However small they are beside the largest: a warning next to it says that they are lost."""
    group: dict[str, Any] = {"not_zero": 4, "codes_not_zero": 1, "parameters": 4, "codes_used": 2}
    group |= {"codes_available": 15, "smallest_lsb": 7.0, "largest_lsb": 7.0, **loss}
    problem = {"field_error": 0.0, "coupling_error": 1e-9, "largest_error": 2.0, "kind": "max-cut"}
    rows = code_rows({"code_use": {"groups": {"coupling": group}, "problem": problem}})
    assert rows == [
        ("coupling in use", "1 of 4 not 0 (25.0 %), 2 of 15 codes; 7 LSB"),
        ("coded problem", "weights off by less than 0.001 % of their norm, cuts by at most 4"),
    ]


def test_warnings_with_their_advice(capsys: pytest.CaptureFixture[str]) -> None:
    print_warnings((MERGED, LOST, BEYOND))
    assert capsys.readouterr().out.splitlines() == [
        "W003 (warning): merged",
        "W005 (warning): lost",
        "    more bits",
        "W004 (warning): beyond",
        "    no clip",
    ]
    print_warnings(())
    assert capsys.readouterr().out == ""


def test_warnings_in_a_line_and_from_a_manifest() -> None:
    assert warning_words((BEYOND, OTHERS, MERGED)) == "2 of W004, 1 of W003"
    assert warning_words(()) == ""
    manifest = {"summary": {"warnings": [MERGED.as_dict(), {**LOST.as_dict(), "of a later version": 1}]}}
    assert recorded_warnings(json.loads(json.dumps(manifest))) == (MERGED, LOST)
    assert recorded_warnings({"summary": {}}) == recorded_warnings({}) == ()


# The verbs


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory, make_core: Callable[..., CoreSpec]) -> Path:
    """The core of Ising problems, with 8 x 8 cells."""
    path = tmp_path_factory.mktemp("core") / "ising-8x8.yaml"
    path.write_text(dump_core(make_core("ising-56x56", grid=[8, 8], name="ising-8x8")))
    return path


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One of eight items, as docs/problems.md has it of four."""
    lines = ["# vartype=BINARY"]
    for item, worth in enumerate([4, 7, 1, 5, 9, 3, 6, 2]):
        lines += [f"{item} {item} {-worth - 40}", *(f"{other} {item} 80" for other in range(item))]
    path = tmp_path_factory.mktemp("items") / "items.coo"
    path.write_text("\n".join(lines) + "\n")
    return path


FIELDS = "W003 (warning): all 8 fields have the same code, -7, although they differ by up to 4 (115.5 to 119.5); "


def test_check_and_compile_warn_and_are_strict_when_asked(oscc: Run, core: Path, items: Path, tmp_path: Path) -> None:
    for verb in (("check", items), ("compile", items, "-o", tmp_path / "out")):
        status, out, err = oscc(*verb, "--core", core)
        assert (status, err) == (0, "")
        lines = out.splitlines()
        assert lines[0] == "items on ising-8x8: fits, with 2 warnings"
        assert "  field in use           32 of 32 not 0 (100.0 %), 1 of 15 codes; 6.76 to 7 LSB" in lines
        (place,) = (number for number, line in enumerate(lines) if line.startswith(FIELDS))
        assert lines[place + 1].startswith(
            "    use a core with coupling_dac: {bits: 5}, field_dac: {bits: 8} (energies off by at most 61.6), or "
        )
        assert oscc(*verb, "--core", core, "--strict")[0] == 3
    # The program is there all the same.
    assert (tmp_path / "out" / "program.bin").exists()


def test_json_has_the_same(oscc_json: RunJson, core: Path, items: Path) -> None:
    status, content = oscc_json("check", items, "--core", core, "--strict")
    assert (status, content["feasible"]) == (3, True)
    assert [warning["code"] for warning in content["warnings"]] == ["W002", "W003"]
    assert content["code_use"]["groups"]["field"]["codes_used"] == 1
    assert content["code_use"]["problem"]["unit"] == pytest.approx(119.5 * 1.8 / 2.4)


def test_strict_says_nothing_where_nothing_is_to_be_said(oscc: Run, tiny_checkpoint: Path, core: Path) -> None:
    status, out, _ = oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--strict")
    assert (status, "warning" in out) == (0, False)


def test_the_verbs_that_follow_point_at_the_warnings(oscc: Run, core: Path, items: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert oscc("compile", items, "--core", core, "-o", folder)[0] == 0
    status, out, _ = oscc("solve", folder, "-n", "2")
    assert status == 0
    assert re.search(r"\n  warned of +1 of W002, 1 of W003, when it was compiled\n", out)
    status, out, _ = oscc("report", folder)
    assert status == 0
    assert out.splitlines()[0] == "items on ising-8x8: fits, with 2 warnings"
    assert f"\n{FIELDS}" in out
    content = json.loads((folder / "report" / "report.json").read_text())
    assert [warning["code"] for warning in content["warnings"]] == ["W002", "W003"]
    assert content["code_use"]["field"]["crowd"] == 8


def test_verify_points_at_the_warnings(oscc: Run, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["summary"]["warnings"] = [MERGED.as_dict()]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    status, out, _ = oscc("verify", folder, "--engine", "array", "--pixel-samples", "2")
    assert status == 0
    assert out.splitlines()[-1] == f"compiled with warnings: 1 of W003; oscc report {folder} says of what"


@pytest.mark.parametrize(
    "damage", [{"warnings": [{"code": "W003"}]}, {"warnings": "none"}, {"code_use": {"groups": 3}}]
)
def test_a_manifest_with_other_warnings_is_damaged(damage: dict[str, Any], oscc: Run, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["summary"] |= damage
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for verb in ("report", "solve", "verify"):
        status, _, err = oscc(verb, folder)
        assert (status, len(err.splitlines()) <= 2) == (1, True)
        assert f"summary.{next(iter(damage))}" in err


def test_what_clips_is_no_bare_fit(
    oscc: Run, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    """Couplings of which nearly all saturate: 'fits' alone is not the whole truth."""
    graph = make_graph(tiny_core)
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, graph)
    status, out, _ = oscc(
        "check",
        model,
        "--core",
        "tiny-8x8",
        "--tau-s",
        "2e-7",
        *("--clip", "coupling"),
        *("--clip", "shil"),
        *("--clip", "field"),
        *("--clip", "detuning"),
    )
    assert status == 0
    full_scale = {"weight": 1.8e6 * 2e-7, "shil": 2.4e6 * 2e-7, "field": 2.4e6 * 2e-7, "detuning": 1.2e6 * 2e-7}
    counts = [
        (int(np.count_nonzero(np.abs(getattr(graph, name)) > full * 7.5 / 7)), getattr(graph, name).size)
        for name, full in full_scale.items()
    ]
    saturated, parameters = (sum(count) for count in zip(*counts, strict=True))
    first = out.splitlines()[0]
    assert first.startswith(
        f"synthetic-tiny-8x8 on tiny-8x8: fits, but {saturated:,} of {parameters:,} parameters saturate, "
    )
    assert f"W004 (warning): {counts[0][0]:,} of {counts[0][1]:,} couplings saturate at the top code: " in out
