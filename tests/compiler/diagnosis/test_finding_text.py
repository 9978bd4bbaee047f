from __future__ import annotations

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.diagnosis.causes import Cause
from oscc.compiler.diagnosis.finding_text import finding_lines
from oscc.compiler.findings.of_placers import NO_SYMMETRIC_PLACEMENT
from oscc.compiler.findings.of_routes import FAR_COUPLING
from oscc.compiler.findings.of_times import BEYOND_FULL_SCALE

UNPROVEN_X001 = FindingKind("X001", "made up", "nowhere", (dict,), proof=False, unchecked="made up")
X002 = FindingKind("X002", "made up", "nowhere", (dict,), unchecked="made up")


def test_a_cause_is_told_with_examples_and_what_follows() -> None:
    own = tuple(Finding(FAR_COUPLING, (f"coupling {number}",), ("wider",)) for number in range(20))
    searched = Finding(NO_SYMMETRIC_PLACEMENT, ("nothing among 8",), ("see",))
    head = Finding(FAR_COUPLING, ("1,200 far",), ("wider",))
    cause = Cause(
        head.kind, head.words, head.fixes, count=1200, consequences={"L002": 1, "R003": 4000}, examples=(*own, searched)
    )
    assert list(finding_lines([cause])) == [
        "R001: 1,200 far",
        "    wider",
        "    such as: coupling 0",
        "    such as: coupling 1",
        "    such as: coupling 2",
        "    from it follow 4,000 of R003",
        "    L002 (not a proof): nothing among 8",
    ]


def test_a_fix_that_two_share_is_told_once() -> None:
    twice = [UNPROVEN_X001.finding(f"item {item}", "remove it", {}) for item in range(2)]
    assert list(finding_lines([*twice, X002.finding("more", "remove it", {})])) == [
        "X001 (not a proof): item 0",
        "X001 (not a proof): item 1",
        "    remove it",
        "X002: more",
        "    remove it",
    ]


def test_consequences_of_the_same_code_are_told_and_not_counted() -> None:
    other = Finding(BEYOND_FULL_SCALE, ("field exceeds",), ("longer",))
    cause = Cause(BEYOND_FULL_SCALE, ("shil exceeds",), ("longer",), consequences={"S004": 1}, examples=(other,))
    assert list(finding_lines([cause])) == ["S004: shil exceeds", "    longer", "    S004: field exceeds"]
