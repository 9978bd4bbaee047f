from __future__ import annotations

import io
import json
import sys

import pytest

from oscc.base.findings import FindingKind
from oscc.cli.common import counted, print_findings, print_json, print_table

UNPROVEN_X002 = FindingKind("X002", "made up", "nowhere", (dict,), proof=False, unchecked="made up")
X001 = FindingKind("X001", "made up", "nowhere", (dict,), unchecked="made up")
X002 = FindingKind("X002", "made up", "nowhere", (dict,), unchecked="made up")


class Terminal(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_json_is_one_object_and_a_line_end(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"b": [1, None], "a": "\u03b8"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"b": [1, None], "a": "\u03b8"}
    assert out.endswith("}\n")
    assert out.isascii()
    with pytest.raises(ValueError, match="not JSON compliant"):
        print_json({"a": float("inf")})


def test_tables_are_plain_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("m on c", [("model", "3 nodes"), ("placement", "[bold]identity")])
    assert capsys.readouterr().out == "m on c\n  model      3 nodes\n  placement  [bold]identity\n"
    print_table("empty", [])
    assert capsys.readouterr().out == "empty\n"


def test_tables_have_lines_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    print_table("m on c", [("placement", "[bold]identity")])
    shown = terminal.getvalue()
    assert "\u256d" in shown
    # What a user named is never read as markup.
    assert "[bold]identity" in shown


def test_findings_say_whether_they_are_proofs(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([X001.finding("too long", "shorten it", {}), UNPROVEN_X002.finding("not found", "look", {})])
    assert capsys.readouterr().out == ("X001: too long\n    shorten it\nX002 (not a proof): not found\n    look\n")


def test_a_fix_that_findings_share_stands_below_the_last(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([X001.finding("a", "mend", {}), X001.finding("b", "mend", {}), X001.finding("c", "other", {})])
    assert capsys.readouterr().out == "X001: a\nX001: b\n    mend\nX001: c\n    other\n"
    print_findings([X001.finding("a", "mend", {}), X002.finding("b", "mend", {})])
    assert capsys.readouterr().out == "X001: a\n    mend\nX002: b\n    mend\n"


def test_numbers_with_their_noun() -> None:
    assert [counted(number, "node") for number in (0, 1, 2)] == ["0 nodes", "1 node", "2 nodes"]
