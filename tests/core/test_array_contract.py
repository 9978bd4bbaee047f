from __future__ import annotations

from pathlib import Path

import pytest

from oscc.core.array_contract import CONTRACT, READY_LATENCY, contract_table, rule

MACRO = Path(__file__).resolve().parents[2] / "docs" / "macro.md"


def test_codes_are_numbered_without_a_gap() -> None:
    assert [each.code for each in CONTRACT] == [f"A{number:03}" for number in range(1, len(CONTRACT) + 1)]


def test_statements_are_one_line_without_a_full_stop() -> None:
    # They stand in Verilog strings and in a Markdown table.
    for each in CONTRACT:
        for text in (each.statement, each.why):
            assert text
            assert not text.endswith(".")
            assert not set(text) & set('\n"%|\\'), each.code


def test_rules_are_found_by_their_code() -> None:
    assert rule("A005") is CONTRACT[4]
    with pytest.raises(KeyError, match="A099"):
        rule("A099")


def test_the_latency_stands_in_the_rules_about_ready() -> None:
    about = [each for each in CONTRACT if str(READY_LATENCY) in each.statement]
    assert [each.code for each in about] == ["A010", "A011"]


def test_the_table_has_a_line_per_rule() -> None:
    lines = contract_table().splitlines()
    assert lines[:2] == ["| rule | on every rising edge | otherwise |", "|---|---|---|"]
    assert [line.split(" | ")[0] for line in lines[2:]] == [f"| {each.code}" for each in CONTRACT]
    assert (
        lines[2]
        == "| A001 | init and run are never high together | noise injection and evolution would drive the same nodes |"
    )


def test_the_manual_has_the_table() -> None:
    assert contract_table() in MACRO.read_text()
