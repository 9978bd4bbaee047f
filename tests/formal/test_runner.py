from __future__ import annotations

import gc
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Cover, Module, UnusedElaboratable

import formal.sby
from formal.bench import free
from formal.proof import Mutant, Proof
from formal.report import verdict_word
from formal.runner import ProofResult, built, run_proof, run_proofs, runs_of
from formal.sby import Verdict, missing_tools
from oscc.base.errors import OsccError

needs_tools = pytest.mark.skipif(bool(missing_tools()), reason=f"needs {', '.join(missing_tools())}")


def build() -> Module:
    """An index into eight things has three bits; the property speaks of its largest value."""
    from oscc.rtl.signals.shapes import index_shape

    m = Module()
    index = free(m, "index", index_shape(8))
    m.d.comb += [Assert(index <= 7), Cover(index == 7)]
    return m


BUG = Mutant("a bit more", "rtl/signals/shapes.py", "(count - 1).bit_length()", "count.bit_length()")
HARMLESS = Mutant("larger least width", "rtl/signals/shapes.py", "max(1,", "max(2,")
PROOF = Proof(
    name="index",
    component="index_shape",
    claim="an index is in range",
    parameters="8",
    build=build,
    mode="bmc",
    depth=1,
    cover_depth=1,
    mutants=(BUG,),
)

PASS, FAIL = Verdict("bmc", "PASS", 1.0), Verdict("bmc", "FAIL", 2.0, Path("t.vcd"), "x.py:1")


def test_a_result_passes_when_everything_does() -> None:
    result = ProofResult(PROOF, PASS, PASS, ((BUG, FAIL),))
    assert (result.passed, result.killed, result.seconds, list(result.faults())) == (True, 1, 4.0, [])


@pytest.mark.parametrize(
    ("check", "cover", "broken", "fault"),
    [
        (FAIL, PASS, FAIL, "index: FAIL: x.py:1; trace: t.vcd"),
        (replace(PASS, status="UNKNOWN"), PASS, FAIL, "index: UNKNOWN"),
        (PASS, FAIL, FAIL, "index: cover statements: FAIL: x.py:1; trace: t.vcd"),
        (PASS, PASS, PASS, "index: seeded bug 'a bit more' breaks no property: the properties are too weak"),
        (PASS, PASS, replace(PASS, status="TIMEOUT"), "index: seeded bug 'a bit more': TIMEOUT"),
    ],
)
def test_every_way_not_to_pass_says_why(check: Verdict, cover: Verdict, broken: Verdict, fault: str) -> None:
    result = ProofResult(PROOF, check, cover, ((BUG, broken),))
    assert not result.passed
    assert list(result.faults()) == [fault]


def test_a_run_for_the_properties_the_covers_and_each_bug(tmp_path: Path) -> None:
    proof = replace(PROOF, mode="prove", depth=3, cover_depth=9, mutants=(BUG, replace(HARMLESS, depth=5)))
    runs = built(runs_of(proof, tmp_path))
    assert [(run.task, run.depth) for run in runs] == [("prove", 3), ("cover", 9), ("bmc", 3), ("bmc", 5)]
    assert [run.folder.relative_to(tmp_path).as_posix() for run in runs] == [
        "index",
        "index",
        "index/bug-0",
        "index/bug-1",
    ]
    assert runs[0].text == runs[1].text
    assert "wire width 3 \\index" in runs[0].text
    assert "wire width 4 \\index" in runs[2].text


def test_what_a_former_run_left_is_gone(tmp_path: Path) -> None:
    (tmp_path / "index" / "bug-0").mkdir(parents=True)
    (tmp_path / "index" / "status").write_text("PASS")
    runs_of(PROOF, tmp_path)
    assert not (tmp_path / "index" / "status").exists()


STALE = replace(BUG, name="of yesterday", old="this text is not there")
STALE_FAULT = (
    "index: stale: rtl/signals/shapes.py: seeded bug 'of yesterday': its old text occurs 0 times, not once; adapt the "
    "seeded bug to the source as it is now"
)


@needs_tools
def test_a_stale_bug_is_told_and_everything_else_runs(tmp_path: Path) -> None:
    first, second = replace(PROOF, mutants=(STALE, BUG)), replace(PROOF, name="again")
    results = run_proofs((first, second), tmp_path)
    assert [result.passed for result in results] == [False, True]
    assert list(results[0].faults()) == [STALE_FAULT]
    assert (results[0].stale, results[0].killed, results[0].check.status) == (1, 1, "PASS")
    assert verdict_word(results[0]) == "stale bug"


def test_a_bug_in_a_file_that_was_renamed_is_stale_too(tmp_path: Path) -> None:
    moved = replace(BUG, file="rtl/signals/forms.py")
    *_, lost = runs_of(replace(PROOF, mutants=(moved,)), tmp_path)
    verdict = lost()
    assert (verdict.status, verdict.detail.partition(": ")[0]) == ("STALE", "rtl/signals/forms.py")
    with pytest.raises(OsccError, match="seeded bug 'a bit more': no such file") as raised:
        built([lost])
    assert raised.value.code == "formal.not-built"


def test_a_bug_with_which_there_is_no_design_is_an_error_of_its_own(tmp_path: Path) -> None:
    nonsense = replace(BUG, new="count.length()")
    with warnings.catch_warnings():
        # What was made of the design before it failed is used by nobody.
        warnings.simplefilter("ignore", UnusedElaboratable)
        *_, lost = runs_of(replace(PROOF, mutants=(nonsense,)), tmp_path)
        gc.collect()
    verdict = lost()
    assert verdict.status == "ERROR"
    assert verdict.detail == (
        "the design with it cannot be built: AttributeError: 'int' object has no attribute 'length'"
    )


def test_a_proof_that_the_source_has_outgrown_keeps_no_other_from_running(tmp_path: Path) -> None:
    def lost() -> Module:
        raise OsccError("formal.register", "Crc32 has no 'state' inside", hint="adapt the invariant")

    result = run_proof(replace(PROOF, build=lost), tmp_path)
    assert list(result.faults()) == ["index: ERROR: the design cannot be built: OsccError: Crc32 has no 'state' inside"]
    assert not result.passed


def test_missing_tools_end_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formal.sby, "missing_tools", lambda: ("yices-smt2",))
    with pytest.raises(OsccError, match="yices-smt2: not beside"):
        run_proof(PROOF, tmp_path)


@needs_tools
def test_proofs_run_in_order_and_each_bug_is_found(tmp_path: Path) -> None:
    seen: list[str] = []
    second = replace(PROOF, name="again", mutants=(HARMLESS,))
    results = run_proofs((PROOF, second), tmp_path, jobs=2, done=lambda result: seen.append(result.proof.name))
    assert seen == ["index", "again"]
    assert [result.passed for result in results] == [True, False]
    assert list(results[1].faults()) == [
        "again: seeded bug 'larger least width' breaks no property: the properties are too weak"
    ]
    trace = results[0].mutants[0][1].trace
    assert trace is not None
    assert trace.is_relative_to(tmp_path / "index" / "bug-0")
