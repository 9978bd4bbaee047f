from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from amaranth.hdl import Module

import formal.run
from formal.proof import Mutant, Proof
from formal.run import main, selected
from formal.runner import ProofResult
from formal.sby import ROOT, Verdict
from oscc.base.errors import OsccError

BUG = Mutant("b", "rtl/x.py", "a", "b")
SLOW = Proof("slow", "X", "claim", "", Module, "bmc", 3, 4, (BUG,))
QUICK = Proof("quick", "Y", "claim", "", Module, "bmc", 3, 4, (BUG,), quick=True)
PASS, FAIL = Verdict("bmc", "PASS", 1.0), Verdict("bmc", "FAIL", 1.0)


@pytest.fixture
def two_proofs(monkeypatch: pytest.MonkeyPatch) -> list[ProofResult]:
    """The catalogue is two proofs, and running them gives what the list holds."""
    results = [ProofResult(SLOW, PASS, PASS, ((BUG, FAIL),)), ProofResult(QUICK, PASS, PASS, ((BUG, FAIL),))]
    monkeypatch.setattr(formal.run, "PROOFS", (SLOW, QUICK))
    monkeypatch.setattr(
        formal.run, "run_proofs", lambda proofs, scratch, **_: tuple(r for r in results if r.proof in proofs)
    )
    return results


def test_which_proofs_are_run() -> None:
    both = (SLOW, QUICK)
    assert selected(both, quick=False, only=[]) == both
    assert selected(both, quick=True, only=[]) == (QUICK,)
    assert selected(both, quick=False, only=["slow"]) == (SLOW,)
    with pytest.raises(OsccError, match="'quik' is no proof; did you mean 'quick'") as raised:
        selected(both, quick=False, only=["quik"])
    assert raised.value.where == "--only"


def test_0_when_all_pass_and_the_files_are_written(two_proofs: list[ProofResult], tmp_path: Path) -> None:
    assert main(["--json", str(tmp_path / "f.json"), "--markdown", str(tmp_path / "f.md"), "--quick"]) == 0
    assert [entry["name"] for entry in json.loads((tmp_path / "f.json").read_text())["proofs"]] == ["quick"]
    title, _, made_by, *_ = (tmp_path / "f.md").read_text().splitlines()
    assert (title, made_by.startswith("Made by `python formal/run.py --quick`; ")) == ("# Proofs", True)


def test_3_when_a_bug_is_not_found(two_proofs: list[ProofResult], capsys: pytest.CaptureFixture[str]) -> None:
    two_proofs[1] = ProofResult(QUICK, PASS, PASS, ((BUG, PASS),))
    assert main([]) == 3
    captured = capsys.readouterr()
    assert captured.err == (
        "quick: seeded bug 'b' breaks no property: the properties are too weak\n"
        "1 of 2 proofs did not pass: quick (too weak)\n"
    )
    assert "too weak" in captured.out


def test_3_when_a_bug_is_stale(two_proofs: list[ProofResult], capsys: pytest.CaptureFixture[str]) -> None:
    stale = Verdict("bmc", "STALE", 0.0, None, "rtl/x.py: seeded bug 'b': its old text occurs 0 times, not once")
    two_proofs[0] = ProofResult(SLOW, PASS, PASS, ((BUG, stale),))
    assert main([]) == 3
    *told, last = capsys.readouterr().err.splitlines()
    assert told == ["slow: stale: rtl/x.py: seeded bug 'b': its old text occurs 0 times, not once"]
    assert last == "1 of 2 proofs did not pass: slow (stale bug)"


def test_1_for_a_name_that_is_none(two_proofs: list[ProofResult], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "slwo"]) == 1
    assert capsys.readouterr().err == "error: --only: 'slwo' is no proof; did you mean 'slow'?\n"


def test_1_for_a_file_that_cannot_be_written(
    two_proofs: list[ProofResult], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--json", str(tmp_path / "no" / "f.json")]) == 1
    assert capsys.readouterr().err.startswith("error: ")


def test_2_for_a_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(["--jobs", "0"])
    assert raised.value.code == 2
    assert "--jobs must be at least 1" in capsys.readouterr().err


def test_the_script_runs_from_anywhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "formal" / "run.py"), "--list", "--quick"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "johnson-bubbles" in done.stdout
