"""What a placer of another distribution returns is looked at before anything is made of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.placer import IdentityPlacer, Placing, identity_placement
from oscc.compiler.place.placers import checked_placing
from oscc.compiler.route.routing import routed_graph
from oscc.core.spec import CoreSpec

Change = Callable[[PlacedGraph], Any]


class Foreign:
    """Answers with what a function makes of the placement at the model's own positions."""

    name = "foreign"

    def __init__(self, answer: Change) -> None:
        self.answer = answer

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Any:
        placed = identity_placement(graph, core)
        assert placed is not None
        return self.answer(placed)


def routed(placed: PlacedGraph, **changes: Any) -> Placing:
    return Placing(routed_graph(dataclasses.replace(placed, **changes)))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda placed: None, "returns a NoneType, not a Placing"),
        (lambda placed: Placing(None), "returns neither a placement nor findings that say why there is none"),
        (lambda placed: Placing(placed), "returns a PlacedGraph, not a RoutedGraph"),
        (lambda placed: routed(placed, graph=dataclasses.replace(placed.graph)), "a placement of another model"),
        (lambda placed: routed(placed, core=placed.core.changed(name="other")), "a placement of another core"),
        (lambda placed: routed(placed, transform=3), "whose transform is a int, not a str"),
        (lambda placed: routed(placed, cell=placed.cell.astype(np.int64)), "wrong arrays: cell: int64 [64, 2]"),
    ],
)
def test_what_is_no_answer_is_a_fault_of_the_placer(
    answer: Change, words: str, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    with pytest.raises(OsccError) as caught:
        checked_placing("foreign", Foreign(answer), make_graph(tiny_core), tiny_core)
    assert caught.value.code == "extension.failed"
    assert words in caught.value.message
    assert "ask its authors" in caught.value.hint


def test_a_placement_that_does_not_fit_is_one_with_findings(
    tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    graph = make_graph(tiny_core)
    placing = checked_placing(
        "foreign", Foreign(lambda placed: routed(placed, cell=placed.cell[::-1] * 0)), graph, tiny_core
    )
    assert placing.placed is None
    assert {finding.code for finding in placing.findings} >= {"R007"}
    assert placing.tried is not None


def test_what_fits_is_handed_on(tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]) -> None:
    graph = make_graph(tiny_core)
    foreign = checked_placing("foreign", Foreign(routed), graph, tiny_core)
    own = checked_placing("identity", IdentityPlacer(), graph, tiny_core)
    assert foreign.placed is not None
    assert own.placed is not None
    np.testing.assert_array_equal(foreign.placed.cell, own.placed.cell)
