from __future__ import annotations

from collections.abc import Iterator

import pytest

from oscc.base.findings import Finding, FindingError, FindingsError, finding_codes, is_empty, raise_first

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
    assert Finding("X", "node 1", "", nodes={"1": "a"}).as_dict()["nodes"] == {"1": "a"}


def test_raise_first_raises_only_the_first() -> None:
    def endless() -> Iterator[Finding]:
        yield FIRST
        raise AssertionError("the check went on after its first finding")

    with pytest.raises(FindingError, match=r"^X001: it does not fit$") as caught:
        raise_first(endless())
    assert caught.value.finding is FIRST


def test_raise_first_of_nothing_is_silent_once_the_check_has_ended() -> None:
    ended: list[bool] = []

    def clean() -> Iterator[Finding]:
        yield from ()
        ended.append(True)

    raise_first(clean())
    assert ended == [True]


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


def test_codes_are_counted_in_their_order() -> None:
    assert finding_codes([SECOND, FIRST, SECOND, SECOND]) == "X002 (3), X001"
    assert finding_codes(iter([])) == "none"
