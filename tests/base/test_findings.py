from __future__ import annotations

from collections.abc import Iterator

import pytest

from oscc.base.findings import (
    Finding,
    FindingError,
    FindingKind,
    FindingsError,
    Node,
    finding_codes,
    is_empty,
    listed_nodes,
    raise_first,
)

UNPROVEN_X002 = FindingKind("X002", "made up", "nowhere", (dict,), proof=False, unchecked="made up")
X001 = FindingKind("X001", "made up", "nowhere", (dict,), unchecked="made up")

FIRST = X001.finding("it does not fit", "make it fit", {"cell": [1, 2]})
SECOND = UNPROVEN_X002.finding("nor does this", "make it smaller", {})


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


def test_a_kind_has_a_check_or_says_why_there_is_none() -> None:
    said = "X003: either an independent check, or why there is none"
    with pytest.raises(ValueError, match=said):
        FindingKind("X003", "made up", "nowhere", (dict,))
    with pytest.raises(ValueError, match=said):
        FindingKind("X003", "made up", "nowhere", (dict,), check="somewhere:function", unchecked="made up")


@pytest.mark.parametrize(
    ("words", "plain", "named", "nodes"),
    [
        (("node ", Node(3), " lies outside"), "node 3 lies outside", "node 4 lies outside", {"3": "4"}),
        (("nodes ", *listed_nodes([1, 0])), "nodes 1, 0", "nodes b, a", {"0": "a", "1": "b"}),
        (("within 2 of node ", Node(4)), "within 2 of node 4", 'within 2 of node "x\\ny"', {"4": "x\ny"}),
        (("node ", Node(77), " is none"), "node 77 is none", "node 77 is none", {}),
        ("the model has 3 nodes, node 1 among them", "the model has 3 nodes, node 1 among them", None, {}),
    ],
)
def test_messages_name_nodes_as_a_file_does(
    words: str | tuple[str | Node, ...], plain: str, named: str | None, nodes: dict[str, str]
) -> None:
    finding = X001.finding(words, "fix", {"node": 3})
    found = finding.named(("a", "b", "c d", "4", "x\ny"))
    assert finding.message == plain
    assert finding.named(()) is finding
    assert (found.message, found.nodes) == (named or plain, nodes)
    assert found.witness == {"node": 3}, "numbers stay what they are"
    assert found.as_dict().get("nodes", {}) == nodes


def test_a_coupling_names_both_ends() -> None:
    found = X001.finding("coupling into (0, 0)", "fix", {"src": 1, "dst": 0}).named(("a", "b"))
    assert found.message == "coupling into (0, 0) (from node b into node a)"
    assert found.as_dict()["nodes"] == {"0": "a", "1": "b"}


def test_fixes_are_told_together_and_one_can_be_left_out() -> None:
    finding = X001.finding("too long", ("shorten it", "widen it"), {})
    assert finding.as_dict()["fix"] == "shorten it, or widen it"
    assert finding.without_fix("widen it").fix == "shorten it"
    assert finding.without_fix("turn it") == finding
