from __future__ import annotations

import json

import pytest

from oscc.sim.verify.checks import CheckLine, Status, Verdict, judge, skipped, verdict_table

LINES = (
    judge("codes", "pysim", True, "27 codes", "equal", "never shown"),
    judge("period", "pysim", False, "565 cycles", "564 cycles", "samples are [565] cycles apart"),
    skipped("run", "icarus", "install: Debian package iverilog"),
    judge("period", "icarus", False, "566 cycles", "564 cycles"),
    judge("codes", "icarus", False, "", "equal", "first at (1, 2)"),
)


def test_a_good_line_has_no_detail() -> None:
    assert LINES[0] == CheckLine("codes", "pysim", Status.PASS, "27 codes", "equal", "")


def test_a_bad_line_keeps_its_detail() -> None:
    assert LINES[1].status is Status.FAIL
    assert LINES[1].detail == "samples are [565] cycles apart"


def test_a_skipped_line_says_why() -> None:
    assert LINES[2] == CheckLine("run", "icarus", Status.SKIPPED, "", "", "install: Debian package iverilog")


def test_red_names_each_failed_check_once_and_in_order() -> None:
    assert Verdict(LINES).red() == ("period", "codes")
    assert Verdict((LINES[4], *LINES)).red() == ("codes", "period")
    assert Verdict((LINES[0], LINES[2])).red() == ()


def test_counts() -> None:
    verdict = Verdict(LINES)
    assert [verdict.count(status) for status in (Status.PASS, Status.FAIL, Status.SKIPPED)] == [1, 3, 1]


@pytest.mark.parametrize(
    ("lines", "passed", "complete"),
    [
        ((), True, True),
        (LINES[:1], True, True),
        (LINES[1:2], False, True),
        (LINES[2:3], True, False),
        (LINES, False, False),
    ],
)
def test_skipping_is_no_failure_but_not_complete(lines: tuple[CheckLine, ...], passed: bool, complete: bool) -> None:
    assert (Verdict(lines).passed, Verdict(lines).complete) == (passed, complete)


def test_verdict_as_json() -> None:
    content = json.loads(json.dumps(Verdict(LINES[1:3]).as_dict(), allow_nan=False))
    assert content == {
        "passed": False,
        "complete": False,
        "counts": {"PASS": 0, "FAIL": 1, "SKIPPED": 1},
        "checks": [
            {
                "check": "period",
                "subject": "pysim",
                "status": "FAIL",
                "measured": "565 cycles",
                "limit": "564 cycles",
                "detail": "samples are [565] cycles apart",
            },
            {
                "check": "run",
                "subject": "icarus",
                "status": "SKIPPED",
                "measured": "",
                "limit": "",
                "detail": "install: Debian package iverilog",
            },
        ],
    }


def test_table() -> None:
    assert verdict_table(LINES[:3]) == (
        "status   subject  check   measured    limit\n"
        "-------  -------  ------  ----------  ----------\n"
        "PASS     pysim    codes   27 codes    equal\n"
        "FAIL     pysim    period  565 cycles  564 cycles\n"
        "         samples are [565] cycles apart\n"
        "SKIPPED  icarus   run\n"
        "         install: Debian package iverilog\n"
    )


def test_table_of_nothing_is_its_head() -> None:
    assert verdict_table([]).splitlines() == [
        "status  subject  check  measured  limit",
        "------  -------  -----  --------  -----",
    ]
