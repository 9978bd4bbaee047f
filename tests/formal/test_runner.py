from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from amaranth.hdl import Assert, Cover, Module

from formal.bench import free
from formal.proof import Mutant, Proof
from formal.runner import ProofResult, run_proof, run_proofs, runs_of
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
    runs = runs_of(proof, tmp_path)
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


def test_a_stale_bug_stops_the_run(tmp_path: Path) -> None:
    stale = replace(BUG, old="this text is not there")
    with pytest.raises(OsccError, match="occurs 0 times"):
        run_proof(replace(PROOF, mutants=(stale,)), tmp_path)


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
