from __future__ import annotations

from collections.abc import Iterator

import pytest

from oscc.compiler.findings import (
    MAX_LISTED,
    Finding,
    FindingError,
    FindingsError,
    is_empty,
    raise_first,
    shorten_findings,
)

FIRST = Finding("X001", "it does not fit", "make it fit", {"cell": [1, 2]})
SECOND = Finding("X002", "nor does this", "make it smaller", proof=False)


def test_as_dict_is_json() -> None:
    assert FIRST.as_dict() == {
        "code": "X001",
        "message": "it does not fit",
        "fix": "make it fit",
        "witness": {"cell": [1, 2]},
        "proof": True,
    }
    assert SECOND.as_dict()["witness"] == {}
    assert SECOND.as_dict()["proof"] is False


def test_raise_first_raises_only_the_first() -> None:
    def endless() -> Iterator[Finding]:
        yield FIRST
        raise AssertionError("the check went on after its first finding")

    with pytest.raises(FindingError, match=r"^X001: it does not fit$") as caught:
        raise_first(endless())
    assert caught.value.finding is FIRST


def test_raise_first_of_nothing_is_silent() -> None:
    raise_first([])


def test_is_empty() -> None:
    assert is_empty([])
    assert not is_empty([SECOND])


def test_findings_error_carries_all_and_says_how_many() -> None:
    error = FindingsError(iter([FIRST, SECOND]))
    assert error.findings == (FIRST, SECOND)
    assert str(error) == "X001: it does not fit (and 1 more findings)"
    assert str(FindingsError([FIRST])) == "X001: it does not fit"


def test_findings_error_without_findings_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="needs a finding"):
        FindingsError([])


def _many(code: str, count: int) -> list[Finding]:
    return [Finding(code, f"item {item}", "remove it", {"item": item}, proof=False) for item in range(count)]


@pytest.mark.parametrize("count", [0, 1, MAX_LISTED])
def test_up_to_the_limit_nothing_is_left_out(count: int) -> None:
    found = _many("X003", count)
    assert shorten_findings(found) == tuple(found)


def test_what_is_not_shown_is_counted_code_by_code() -> None:
    found = [*_many("X003", MAX_LISTED + 5), *_many("X004", MAX_LISTED), *_many("X005", MAX_LISTED + 1)]
    shown = shorten_findings(found)
    assert [finding.code for finding in shown] == ["X003"] * 21 + ["X004"] * 20 + ["X005"] * 21
    summary = shown[20]
    assert summary.message == "25 findings of this kind in all; the first 20 are listed"
    assert (summary.fix, summary.witness, summary.proof) == ("remove it", {"count": 25, "listed": 20}, False)
    assert shown[-1].message == "21 findings of this kind in all; the first 20 are listed"
