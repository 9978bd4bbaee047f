from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from oscc.core.groups import GROUPS, Groups


@pytest.fixture
def letters() -> Groups[str]:
    return Groups("K", "S", "h", "w")


def test_groups_have_their_names_in_the_order_of_a_word() -> None:
    assert GROUPS == ("coupling", "shil", "field", "detuning")


def test_each_group_has_its_own(letters: Groups[str]) -> None:
    assert (letters.coupling, letters.shil, letters.field, letters.detuning) == ("K", "S", "h", "w")
    assert Groups(detuning="w", field="h", shil="S", coupling="K") == letters
    assert Groups("K", "S", "w", "h") != letters


def test_groups_are_found_by_name(letters: Groups[str]) -> None:
    assert {group: letters[group] for group in ("detuning", "field", "shil", "coupling")} == {
        "coupling": "K",
        "shil": "S",
        "field": "h",
        "detuning": "w",
    }


@pytest.mark.parametrize("name", ["weight", "values", "map", "Coupling", ""])
def test_what_is_no_group_is_refused(letters: Groups[str], name: str) -> None:
    # Neither are the methods of the record groups.
    with pytest.raises(KeyError) as caught:
        letters[name]
    assert caught.value.args == (name,)


def test_items_and_values_come_in_the_order_of_a_word() -> None:
    groups = Groups(detuning=4, field=3, shil=2, coupling=1)
    assert list(groups.items()) == [("coupling", 1), ("shil", 2), ("field", 3), ("detuning", 4)]
    assert groups.values() == (1, 2, 3, 4)


def test_nodes_are_all_but_the_couplings(letters: Groups[str]) -> None:
    assert letters.nodes() == ("S", "h", "w")


def test_of_asks_for_each_group_once_and_in_order() -> None:
    asked: list[str] = []

    def make(group: str) -> int:
        asked.append(group)
        return len(group)

    assert Groups.of(make) == Groups(coupling=8, shil=4, field=5, detuning=8)
    assert asked == ["coupling", "shil", "field", "detuning"]


def test_map_changes_each_and_leaves_the_record() -> None:
    groups = Groups(1, 2, 3, 4)
    assert groups.map(lambda number: "x" * number) == Groups("x", "xx", "xxx", "xxxx")
    assert groups == Groups(1, 2, 3, 4)


def test_a_record_cannot_be_changed(letters: Groups[str]) -> None:
    with pytest.raises(FrozenInstanceError):
        letters.shil = "T"  # type: ignore[misc]
