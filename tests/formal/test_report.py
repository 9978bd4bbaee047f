from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

from amaranth.hdl import Module
from rich.console import Console

from formal.proof import Mutant, Proof
from formal.report import as_json, cells, how_far, markdown, summary, table, verdict_word
from formal.runner import ProofResult
from formal.sby import Verdict

BUGS = (Mutant("first", "rtl/x.py", "a", "b"), Mutant("second", "rtl/x.py", "c", "d"))
PROOF = Proof("fifo", "Fifo", "nothing is lost", "4 deep", Module, "prove", 3, 9, BUGS, quick=True)
PASS, FAIL = Verdict("bmc", "PASS", 1.0), Verdict("bmc", "FAIL", 2.25, Path("/somewhere/t.vcd"), "x.py:1")
GOOD = ProofResult(PROOF, PASS, PASS, tuple((bug, FAIL) for bug in BUGS))
WEAK = ProofResult(PROOF, PASS, PASS, ((BUGS[0], FAIL), (BUGS[1], PASS)))


def test_how_far_a_proof_goes() -> None:
    assert how_far(PROOF) == "all time (induction, k = 3)"
    assert how_far(replace(PROOF, mode="bmc", depth=24)) == "24 cycles from reset"
    assert how_far(replace(PROOF, mode="bmc", depth=1)) == "any inputs (combinational)"


def test_one_word_says_what_is_wrong() -> None:
    assert verdict_word(GOOD) == "PASS"
    assert verdict_word(WEAK) == "too weak"
    assert verdict_word(replace(GOOD, check=replace(PASS, status="UNKNOWN"))) == "UNKNOWN"
    assert verdict_word(replace(GOOD, cover=FAIL)) == "cover FAIL"


def test_one_line_ends_a_run() -> None:
    assert summary([GOOD, GOOD]) == "2 of 2 proofs passed"
    stale = replace(GOOD, mutants=((BUGS[0], FAIL), (BUGS[1], replace(PASS, status="STALE"))))
    assert (verdict_word(stale), stale.passed) == ("stale bug", False)
    assert summary([GOOD, WEAK, stale]) == "2 of 3 proofs did not pass: fifo (too weak), fifo (stale bug)"


def test_the_cells_of_a_line() -> None:
    assert cells(WEAK) == ("fifo", "Fifo", "all time (induction, k = 3)", "too weak", "5.2", "1/2")


def test_the_table_has_a_line_per_proof() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table([GOOD, WEAK]))
    text = console.export_text()
    assert text.count("fifo") == 2
    assert "2/2" in text


def test_markdown_names_command_claim_and_bugs() -> None:
    lines = markdown([GOOD], "python formal/run.py").splitlines()
    assert "`python formal/run.py`" in lines[2]
    assert len({line.count("|") for line in lines[4:]}) == 1
    assert lines[6] == (
        "| `Fifo` (fifo) | nothing is lost | 4 deep | all time (induction, k = 3) | PASS | 6.5 | 2/2: first, second |"
    )


def test_json_holds_no_path_of_this_machine() -> None:
    text = as_json([GOOD])
    (entry,) = json.loads(text)["proofs"]
    assert (entry["name"], entry["passed"], entry["check"], entry["cover"]) == ("fifo", True, "PASS", "PASS")
    assert [mutant["status"] for mutant in entry["mutants"]] == ["FAIL", "FAIL"]
    assert "/somewhere" not in text
