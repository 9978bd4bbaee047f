from __future__ import annotations

import dataclasses

import pytest

from oscc.base.findings import Finding
from oscc.compiler.diagnosis.causes import Cause
from oscc.compiler.diagnosis.finding_names import name_nodes

LABELS = ("a", "b", "c d", "4", "x\ny")


@pytest.mark.parametrize(
    ("message", "named", "nodes"),
    [
        ("node 3 at (1, 2) lies outside", "node 4 at (1, 2) lies outside", {"3": "4"}),
        ("nodes 0, 1, 2 are all coupled", "nodes a, b, c d are all coupled", {"0": "a", "1": "b", "2": "c d"}),
        ("cell (0, 0) holds 2 nodes: 1, 0", "cell (0, 0) holds 2 nodes: b, a", {"0": "a", "1": "b"}),
        ("node 1 and node 2 lie away", "node b and node c d lie away", {"1": "b", "2": "c d"}),
        ("node 1 and 2 nodes that it is coupled with", "node b and 2 nodes that it is coupled with", {"1": "b"}),
        (
            "nodes 1 and 2 are far, node 0, too",
            "nodes b and c d are far, node a, too",
            {"0": "a", "1": "b", "2": "c d"},
        ),
        ("5 nodes are within 2 couplings of node 4; only 3", "", {"4": "x\ny"}),
        ("the model has 3 nodes, 2 of them read out", "the model has 3 nodes, 2 of them read out", {}),
        ("2 of 3 nodes lie outside the 4 x 4 grid", "2 of 3 nodes lie outside the 4 x 4 grid", {}),
        ("node 77 is none of the file's", "node 77 is none of the file's", {}),
    ],
)
def test_messages_name_nodes_as_the_file_does(message: str, named: str, nodes: dict[str, str]) -> None:
    found = name_nodes(Finding("X001", message, "fix", {"node": 3}), LABELS)
    assert found.nodes == nodes
    assert found.message == (named or '5 nodes are within 2 couplings of node "x\\ny"; only 3')
    assert found.witness == {"node": 3}, "numbers stay what they are"


def test_couplings_and_examples_are_named() -> None:
    far = Finding("R001", "coupling into (0, 0) from (5, 5)", "fix", {"src": 1, "dst": 0})
    cause = Cause("R001", "2 couplings", "fix", {}, count=2, examples=(far, far))
    found = name_nodes(cause, LABELS)
    assert found.examples[0].message == "coupling into (0, 0) from (5, 5) (from node b into node a)"
    assert found.examples[0].as_dict()["nodes"] == {"0": "a", "1": "b"}
    assert dataclasses.replace(found, examples=()) == dataclasses.replace(cause, examples=())


def test_without_labels_nothing_changes() -> None:
    finding = Finding("R003", "node 3 receives 9", "fix")
    assert name_nodes(finding, ()) is finding
