from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cover, Module, Signal

import formal.sby
from formal.bench import free
from formal.sby import Verdict, design_text, missing_tools, read_verdict, run_proof_task, run_sby
from oscc.base.errors import OsccError

needs_tools = pytest.mark.skipif(bool(missing_tools()), reason=f"needs {', '.join(missing_tools())}")


def counter(limit: int) -> Module:
    """A counter that stops at 5; the property is that it does not pass the limit."""
    m = Module()
    count = Signal(4)
    with m.If(free(m, "enable", 1) & (count < 5)):
        m.d.sync += count.eq(count + 1)
    m.d.comb += [Assert(count <= limit), Cover(count == 5)]
    return m


def leave(folder: Path, word: str | None, *traces: str) -> Path:
    (folder / "engine_0").mkdir(parents=True)
    if word is not None:
        (folder / "status").write_text(word)
    for trace in traces:
        (folder / "engine_0" / trace).write_text("")
    return folder


def test_a_pass_has_no_trace(tmp_path: Path) -> None:
    verdict = read_verdict(leave(tmp_path / "w", "PASS 0 1\n", "trace0.vcd"), "cover", 1.5, "")
    assert (verdict.status, verdict.seconds, verdict.trace, verdict.detail) == ("PASS", 1.5, None, "")


def test_a_counterexample_names_its_property_and_keeps_its_trace(tmp_path: Path) -> None:
    output = (
        "engine_0: ## BMC failed!\n"
        f"engine_0: ## Assert failed in top.bench: {formal.sby.ROOT}/formal/proofs/x.py:12 (a)\n"
        "engine_0: ## Assert failed in top.bench: /elsewhere/y.py:3 (b)\n"
        f"engine_0: ## Assert failed in top.bench: {formal.sby.ROOT}/formal/proofs/x.py:12 (c)\n"
    )
    verdict = read_verdict(leave(tmp_path / "w", "FAIL 2 0\n", "trace.vcd"), "bmc", 1.0, output)
    assert verdict.status == "FAIL"
    assert verdict.trace == tmp_path / "w" / "engine_0" / "trace.vcd"
    assert verdict.detail == "formal/proofs/x.py:12; /elsewhere/y.py:3"


def test_an_induction_that_does_not_close_shows_the_run_into_it(tmp_path: Path) -> None:
    folder = leave(tmp_path / "w", "UNKNOWN 4 0\n", "trace.vcd", "trace_induct.vcd")
    verdict = read_verdict(folder, "prove", 1.0, "")
    assert verdict.status == "UNKNOWN"
    assert verdict.trace is not None
    assert verdict.trace.name == "trace_induct.vcd"


@pytest.mark.parametrize("word", [None, "", "WHAT 1\n"])
def test_no_verdict_is_an_error_with_the_tools_words(tmp_path: Path, word: str | None) -> None:
    output = "SBY base: starting\nSBY base: ERROR: no such cell\nSBY DONE\n"
    verdict = read_verdict(leave(tmp_path / "w", word), "bmc", 1.0, output)
    assert (verdict.status, verdict.detail) == ("ERROR", "SBY base: ERROR: no such cell")


def test_a_timeout_is_no_verdict_either(tmp_path: Path) -> None:
    assert read_verdict(leave(tmp_path / "w", "TIMEOUT 8 600\n"), "bmc", 600.0, "").status == "TIMEOUT"


def test_missing_tools_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert missing_tools() == formal.sby.TOOLS
    with pytest.raises(OsccError, match=r"yowasp-sby, .*yices-smt2: not beside python3") as raised:
        run_sby("", tmp_path, "bmc", 1, timeout_s=1)
    assert raised.value.code == "formal.tools"


@needs_tools
@pytest.mark.parametrize(
    ("limit", "task", "status"), [(5, "prove", "PASS"), (4, "bmc", "FAIL"), (4, "prove", "FAIL"), (5, "cover", "PASS")]
)
def test_what_the_solver_says(tmp_path: Path, limit: int, task: formal.sby.Task, status: str) -> None:
    verdict = run_sby(design_text(counter(limit)), tmp_path, task, 7, timeout_s=60)
    assert verdict.status == status
    assert verdict.seconds > 0
    if status == "FAIL":
        assert verdict.trace is not None
        assert verdict.trace.read_text().startswith("$")
        assert verdict.detail.startswith("tests/formal/test_sby.py:")


@needs_tools
def test_a_failure_beyond_the_depth_is_not_seen(tmp_path: Path) -> None:
    assert run_sby(design_text(counter(4)), tmp_path, "bmc", 4, timeout_s=60).status == "PASS"


@needs_tools
def test_a_cover_statement_that_is_not_reached_fails(tmp_path: Path) -> None:
    assert run_sby(design_text(counter(5)), tmp_path, "cover", 3, timeout_s=60).status == "FAIL"


@needs_tools
@pytest.mark.parametrize(("bits", "status"), [(64, "PASS"), (63, "FAIL")])
def test_parities_as_decision_diagrams(tmp_path: Path, bits: int, status: str) -> None:
    # The parity of 64 bits taken in two orders: beyond a SAT solver, a constant as a diagram.
    m = Module()
    word = free(m, "word", 64)
    shuffled = [word[(37 * index + 11) % 64] for index in range(bits)]
    parity = shuffled[0]
    for bit in shuffled[1:]:
        parity = parity ^ bit
    m.d.comb += Assert(word.xor() == parity)
    assert run_sby(design_text(m), tmp_path, "bmc", 1, timeout_s=60, bdds=True).status == status


@needs_tools
def test_a_design_that_assumes_the_impossible_is_no_pass_of_cover(tmp_path: Path) -> None:
    m = counter(5)
    m.d.comb += Assume(free(m, "impossible", 1) & 0)
    assert run_sby(design_text(m), tmp_path, "cover", 7, timeout_s=60).status != "PASS"


def deep_counter(limit: int) -> Module:
    """Counts to 12 and on; the induction does not know that it began at 0."""
    m = Module()
    count = Signal(6)
    with m.If(free(m, "enable", 1) & (count < 12)):
        m.d.sync += count.eq(count + 1)
    m.d.comb += Assert(count != limit)
    return m


@needs_tools
def test_where_the_induction_does_not_close_a_bug_that_is_real_has_a_trace_from_reset(tmp_path: Path) -> None:
    # Beyond the base case of the induction, and within what is searched.
    verdict = run_proof_task(design_text(deep_counter(9)), tmp_path, 2, 14, timeout_s=60)
    assert (verdict.task, verdict.status) == ("prove", "FAIL")
    assert verdict.trace is not None
    assert verdict.trace.is_relative_to(tmp_path / "bmc")
    assert verdict.detail.startswith("tests/formal/test_sby.py:")


@needs_tools
def test_a_bug_beyond_what_is_searched_says_how_far_that_is(tmp_path: Path) -> None:
    verdict = run_proof_task(design_text(deep_counter(9)), tmp_path, 2, 6, timeout_s=60)
    assert verdict.status == "UNKNOWN"
    assert verdict.detail.endswith(": the induction (k = 2) does not close; no counterexample within 6 cycles of reset")
    assert verdict.trace is not None
    assert verdict.trace.name == "trace_induct.vcd"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("TIMEOUT", "the search for a counterexample within 20 cycles of reset took longer than 7 s"),
        ("ERROR", "the search for a counterexample ended with ERROR: no memory"),
    ],
)
def test_a_search_that_comes_to_no_end_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Any, said: str
) -> None:
    answers = {
        "prove": Verdict("prove", "UNKNOWN", 2.0, tmp_path / "i.vcd", "x.py:1"),
        "bmc": Verdict("bmc", status, 7.0, None, "no memory"),
    }
    monkeypatch.setattr(formal.sby, "run_sby", lambda text, folder, task, depth, **_: answers[task])
    verdict = run_proof_task("", tmp_path, 3, 20, timeout_s=7)
    assert verdict.detail == f"x.py:1: the induction (k = 3) does not close; {said}"
    assert (verdict.status, verdict.seconds, verdict.trace) == ("UNKNOWN", 9.0, tmp_path / "i.vcd")
