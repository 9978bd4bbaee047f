from __future__ import annotations

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.output_folder import read_output_folder
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.sim.array import array
from oscc.sim.array.dynamics import integrate_phases

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

SQUARE = "4 4\n1 2 1\n2 3 1\n3 4 1\n4 1 1\n"


@pytest.fixture
def core(tmp_path: Path, make_core: Callable[..., CoreSpec]) -> Path:
    path = tmp_path / "core.yaml"
    path.write_text(dump_core(make_core(readout={"origin": [0, 0], "step": [1, 1]}, cycles_per_sample=4000)))
    return path


@pytest.fixture
def solvable(oscc: Run, core: Path, tmp_path: Path) -> Path:
    (tmp_path / "square.txt").write_text(SQUARE)
    status, _, err = oscc(
        "compile", tmp_path / "square.txt", "--frontend", "gset", "--core", core, "-o", tmp_path / "out"
    )
    assert (status, err) == (0, "")
    return tmp_path / "out"


def test_the_folder_holds_the_problem(solvable: Path) -> None:
    assert (solvable / "problem").read_text() == SQUARE
    assert read_output_folder(solvable).labels == ("1", "2", "3", "4")
    manifest = json.loads((solvable / "manifest.json").read_text())
    assert manifest["inputs"]["problem"]["file"] == "square.txt"
    assert manifest["inputs"]["problem"]["frontend"] == "gset"
    assert "problem" in manifest["outputs"]


@pytest.mark.parametrize("name", ["model.safetensors", "problem", "manifest.json"])
def test_what_was_compiled_is_not_written_over(oscc: Run, solvable: Path, name: str) -> None:
    (solvable / "link").symlink_to(name)
    for given in (name, "link"):
        before = (solvable / name).read_bytes()
        status, _, err = oscc("solve", solvable, "-n", 1, "-o", solvable / given)
        assert status == 1
        assert f"is {name} of the output folder {solvable}; what was compiled is not written over" in err
        assert (solvable / name).read_bytes() == before
    assert oscc("solve", solvable, "-n", 1, "-o", solvable / "spins.txt")[0] == 0, "another name there is free"


def test_the_best_cut_and_its_spins(oscc: Run, oscc_json: RunJson, solvable: Path, tmp_path: Path) -> None:
    status, content = oscc_json("solve", solvable, "-n", 10, "-o", tmp_path / "spins.txt")
    assert status == 0
    assert (content["quantity"], content["values"]["best"]) == ("cut", 4)
    assert (content["kind"], content["labels"]) == ("max-cut", [1, 2, 3, 4])
    spins = content["best_spins"]
    assert spins in ([1, -1, 1, -1], [-1, 1, -1, 1])
    assert (tmp_path / "spins.txt").read_text() == "".join(f"{n + 1} {spin}\n" for n, spin in enumerate(spins))
    assert sum(content["values"]["histogram"]["counts"]) == len(content["values"]["all"]) == 10
    assert json.loads((solvable / "reports" / "solve.json").read_text()) == content
    status, out, err = oscc("solve", solvable, "-n", 10)
    assert (status, err) == (0, "")
    assert out.startswith("square.txt on tiny-8x8\n")
    assert f"best cut           4, sample {content['best_sample']}\n" in out


def test_a_folder_without_a_problem(oscc: Run, compiled: Path) -> None:
    status, _, err = oscc("solve", compiled)
    assert status == 1
    assert err == (
        f"oscc: {compiled}: holds no Ising problem\ncompile one: oscc compile PROBLEM.gset --core SPEC -o DIR\n"
    )


def test_a_malformed_problem_is_one_line_and_its_format(oscc: Run, core: Path, tmp_path: Path) -> None:
    (tmp_path / "p.gset").write_text("3 1\n1 4 1\n")
    status, _, err = oscc("compile", tmp_path / "p.gset", "--core", core, "-o", tmp_path / "out")
    assert (status, err) == (1, f"oscc: {tmp_path / 'p.gset'}:2: edge 1 4: vertices are 1 to 3\n")
    assert not (tmp_path / "out").exists()


def test_a_problem_can_be_checked(oscc: Run, core: Path, tmp_path: Path) -> None:
    (tmp_path / "p.gset").write_text(SQUARE)
    status, out, _ = oscc("check", tmp_path / "p.gset", "--core", core)
    assert status == 0
    assert "p on tiny-8x8: fits" in out


def test_a_problem_is_solved_through_copies(oscc: Run, oscc_json: RunJson, tmp_path: Path) -> None:
    """A star has more neighbours than a cell: its middle is split, and the cut of a tree takes every edge."""
    rays = 30
    lines = [f"{rays + 1} {rays}", *(f"1 {leaf} 1" for leaf in range(2, rays + 2))]
    (tmp_path / "star.gset").write_text("\n".join(lines) + "\n")
    arguments = ("compile", tmp_path / "star.gset", "--core", "ising-56x56", "-o", tmp_path / "out")
    assert oscc(*arguments)[0] == 3
    status, content = oscc_json(*arguments, "--copies")
    assert status == 0
    assert [record["name"] for record in content["passes"]][-1] == "copy-spread"
    assert "copies" in [record["name"] for record in content["passes"]]
    assert content["changes"]["copies"]["split"] == 1
    assert content["copies"]["samples"] == 16
    report = json.loads((tmp_path / "out" / "reports" / "copies.json").read_text())
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert "reports/copies.json" in manifest["outputs"]
    assert report["extra"] == content["changes"]["copies"]["extra"] == content["nodes"] - rays - 1
    status, solved = oscc_json("solve", tmp_path / "out", "-n", "5")
    assert status == 0
    assert solved["values"]["best"] == rays
    spins = solved["best_spins"]
    assert len(spins) == rays + 1
    assert sum(spins[0] != spin for spin in spins[1:]) == rays
    # The split model is in the folder, and places itself as it did.
    assert oscc("report", tmp_path / "out")[0] == 0
    assert "changed: copies" in (tmp_path / "out" / "report" / "report.html").read_text()


def test_a_strength_needs_chains(oscc: Run, tmp_path: Path) -> None:
    (tmp_path / "p.gset").write_text("2 1\n1 2 1\n")
    status, _, err = oscc(
        "compile", tmp_path / "p.gset", "--core", "ising-56x56", "-o", tmp_path / "out", "--chain-strength", "2"
    )
    assert status == 1
    assert "no chains without --copies" in err


@pytest.mark.parametrize("problem", [None, "absent"])
def test_a_manifest_without_a_problem(problem: object, oscc: Run, tiny_checkpoint: Path, tmp_path: Path) -> None:
    assert oscc("compile", tiny_checkpoint, "--core", "tiny-8x8", "-o", tmp_path / "out")[0] == 0
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    manifest["inputs"] |= {"problem": None} if problem is None else {}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    status, _, err = oscc("solve", tmp_path / "out")
    assert status == 1
    assert "holds no Ising problem" in err
    manifest["inputs"]["problem"] = {"frontend": "gset"}
    (tmp_path / "out" / "manifest.json").write_text(json.dumps(manifest))
    status, _, err = oscc("solve", tmp_path / "out")
    assert (status, err.count("\n")) == (1, 1)
    assert "inputs.problem.file: field required" in err


def dimod_json(vartype: str, labels: list[object], linear: list[float], bias: float = 0.5) -> str:
    content = {
        "type": "BinaryQuadraticModel",
        "variable_labels": labels,
        "variable_type": vartype,
        "offset": 0.0,
        "linear_biases": linear,
        "quadratic_biases": [bias],
        "quadratic_head": [0],
        "quadratic_tail": [1],
    }
    return json.dumps(content)


@pytest.mark.parametrize(
    ("vartype", "labels", "lines", "printed"),
    [
        ("SPIN", ["a b", "c\nd"], ['"a b" -1', '"c\\nd" 1'], ("spins of the best", "-+")),
        ("SPIN", [1, "1"], ["1 -1", '"1" 1'], ("spins of the best", "-+")),
        ("BINARY", ["\u00fc", ["x", [2]]], ['"\u00fc" 0', '["x", [2]] 1'], ("variables of the best", "01")),
    ],
)
def test_labels_that_can_be_told_apart(
    vartype: str,
    labels: list[object],
    lines: list[str],
    printed: tuple[str, str],
    oscc: Run,
    oscc_json: RunJson,
    core: Path,
    tmp_path: Path,
) -> None:
    """The first variable is best small, the second large: -1 and 1, or 0 and 1."""
    (tmp_path / "p.bqm").write_text(dimod_json(vartype, labels, [2.0, -2.0]))
    assert oscc("compile", tmp_path / "p.bqm", "--core", core, "-o", tmp_path / "out")[0] == 0
    status, content = oscc_json("solve", tmp_path / "out", "-n", 10, "-o", tmp_path / "spins.txt")
    assert status == 0
    assert content["kind"] == {"SPIN": "ising", "BINARY": "qubo"}[vartype]
    assert content["labels"] == labels
    assert content["best_spins"] == [int(line.split()[-1]) for line in lines]
    assert content["values"]["best"] == {"SPIN": -4.5, "BINARY": -2.0}[vartype]
    assert (tmp_path / "spins.txt").read_text(encoding="utf-8").split("\n") == [*lines, ""]
    assert json.loads((tmp_path / "out" / "reports" / "solve.json").read_text()) == content
    status, out, err = oscc("solve", tmp_path / "out", "-n", 10)
    assert (status, err) == (0, "")
    assert any(line.split("  ")[1:2] == [printed[0]] and line.endswith(f" {printed[1]}") for line in out.splitlines())


def test_a_cut_of_nothing_is_zero(oscc: Run, core: Path, tmp_path: Path) -> None:
    (tmp_path / "p.gset").write_text("3 3\n1 2 -0.1\n2 3 -0.2\n1 3 -0.3\n")
    assert oscc("compile", tmp_path / "p.gset", "--core", core, "-o", tmp_path / "out")[0] == 0
    status, out, err = oscc("solve", tmp_path / "out", "-n", 10)
    assert (status, err) == (0, "")
    assert "  best cut           0, sample " in out


def test_a_value_is_printed_with_its_digits(oscc: Run, core: Path, tmp_path: Path) -> None:
    (tmp_path / "p.gset").write_text("3 2\n1 2 1234567.25\n2 3 7654321.5\n")
    assert oscc("compile", tmp_path / "p.gset", "--core", core, "-o", tmp_path / "out")[0] == 0
    status, out, _ = oscc("solve", tmp_path / "out", "-n", 20)
    assert status == 0
    assert "  best cut           8888888.75, sample " in out


def test_an_edited_problem_is_refused(oscc: Run, solvable: Path) -> None:
    (solvable / "problem").write_text(SQUARE.replace("1 2 1", "1 2 9"))
    status, out, err = oscc("solve", solvable)
    assert (status, out) == (1, "")
    assert err == (
        f"oscc: {solvable / 'problem'}: not the file that was compiled any more: its SHA-256 is not the one in "
        f"manifest.json\ncompile it again: oscc compile {solvable / 'problem'} --frontend gset ...\n"
    )


def test_crlf_is_kept_and_solved(oscc: Run, oscc_json: RunJson, core: Path, tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + SQUARE.replace("\n", "\r\n").encode()
    (tmp_path / "SQUARE.GSET").write_bytes(content)
    assert oscc("compile", tmp_path / "SQUARE.GSET", "--core", core, "-o", tmp_path / "out")[0] == 0
    assert (tmp_path / "out" / "problem").read_bytes() == content
    assert oscc_json("solve", tmp_path / "out", "-n", 10)[1]["values"]["best"] == 4


def test_one_interrupt_ends_the_samples_within_a_block_of_steps(
    oscc: Run, solvable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    integrate, calls = integrate_phases, 0

    def interrupted(*given: Any) -> None:
        nonlocal calls
        calls += 1
        integrate(*given)
        if calls == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(array, "integrate_phases", interrupted)
    commands = [("solve", solvable, "-n", 500, "-o", tmp_path / "spins"), ("sample", solvable, "-n", 500)]
    for arguments in (*commands, ("cosim", solvable, "--engine", "array", "-n", 500)):
        calls = 0
        assert oscc(*arguments) == (130, "", "oscc: interrupted\n")
        assert calls == 3
    assert not (tmp_path / "spins").exists()
    assert not (solvable / "reports" / "solve.json").exists()
    assert not [path for path in solvable.rglob("*") if path.name.startswith((".oscc", "samples", "cosim"))]


def test_the_spread_has_three_digits(oscc: Run, core: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of few samples no more is known."""
    from oscc.sim import solve

    (tmp_path / "square.gset").write_text(SQUARE)
    assert oscc("compile", tmp_path / "square.gset", "--core", core, "-o", tmp_path / "out")[0] == 0
    values = {"best": 4.0, "times_best": 1, "mean": 2.0 / 3.0, "spread": 2.8284271, "quartiles": [0.0, 2.0, 4.0]}
    monkeypatch.setattr(solve, "distribution", lambda *_: values)
    status, out, _ = oscc("solve", tmp_path / "out", "-n", 2)
    assert status == 0
    assert "  mean               0.666667 +- 2.83\n" in out
