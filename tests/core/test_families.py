from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.compiler.ir.graph import NODE_TENSORS
from oscc.core import families
from oscc.core.families import FAMILIES, KURAMOTO, KURASHIL, FamilyTable, family_named


def test_the_families_of_the_first_release_come_first() -> None:
    assert list(FAMILIES)[:4] == ["kurashil", "kuramoto", "poly_ising", "tanh_ising"]
    assert all(family.name == name for name, family in FAMILIES.items())


@pytest.mark.parametrize(
    ("name", "state", "hardware", "readout"),
    [
        ("kurashil", "phase", True, "cos"),
        ("kuramoto", "phase", True, "cos"),
        ("poly_ising", "real", False, "state"),
        ("tanh_ising", "real", False, "state"),
    ],
)
def test_only_phases_have_hardware_and_show_their_cosine(name: str, state: str, hardware: bool, readout: str) -> None:
    family = family_named(name)
    assert family.state == state
    assert family.has_hardware is hardware
    assert family.readout == readout


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_declared_parameters_are_checkpoint_tensors_in_their_order(name: str) -> None:
    given = FAMILIES[name].node_parameters
    assert given == tuple(tensor for tensor in NODE_TENSORS if tensor in given)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_equation_agrees_with_the_declared_terms(name: str) -> None:
    family = FAMILIES[name]
    assert ("sin(x_j - x_i)" in family.equation) == (family.interaction == "sin-difference")
    assert ("tanh(sum_j" in family.equation) == (family.interaction == "tanh-linear")
    assert ("sin(2 x_i)" in family.equation) == (family.self_term == "shil")
    assert ("x_i^3" in family.equation) == (family.self_term == "cubic")
    assert ("-x_i +" in family.equation) == (family.self_term == "leak")
    assert ("w_i" in family.equation) == ("detuning" in family.node_parameters)


def test_unknown_family_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match=r"^'kurashill' is not a family; did you mean 'kurashil'\?$"):
        family_named("kurashill")


def test_unknown_family_far_from_all_lists_them() -> None:
    with pytest.raises(ValueError, match=f"accepted: {', '.join(sorted(FAMILIES))}$"):
        family_named("xyz")


class Entry:
    """An entry point, as far as it is looked at."""

    dist = None

    def __init__(self, name: str, found: object) -> None:
        self.name, self.value, self._found = name, f"package:{name.upper()}", found

    def load(self) -> object:
        if isinstance(self._found, Exception):
            raise self._found
        return self._found


ADDED = dataclasses.replace(KURASHIL, name="added")


def test_families_of_packages_come_after_those_of_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []

    def entries(group: str) -> list[Entry]:
        looked.append(group)
        return [Entry("added", ADDED)]

    monkeypatch.setattr("importlib.metadata.entry_points", entries)
    table = FamilyTable(KURASHIL, KURAMOTO)
    assert table["kuramoto"] is KURAMOTO
    assert looked == [], "packages are not looked at for what the project has"
    assert table["added"] is ADDED
    assert list(table) == ["kurashil", "kuramoto", "added"]
    assert len(table) == 3
    assert "addded" not in table
    assert looked == ["oscc.families"], "once"
    monkeypatch.setattr(families, "FAMILIES", table)
    with pytest.raises(ValueError, match=r"^'addded' is not a family; did you mean 'added'\?$"):
        family_named("addded")


@pytest.mark.parametrize(
    ("name", "found", "code", "said"),
    [
        (
            "added",
            ImportError("no x"),
            "broken",
            "'added' of another distribution cannot be imported: ImportError: no x",
        ),
        ("added", "text", "broken", "'added' of another distribution: package:ADDED is no family"),
        ("other", ADDED, "broken", "'other' of another distribution declares 'added'"),
        ("kuramoto", ADDED, "name", "'kuramoto' of another distribution has a name of oscc's own"),
    ],
)
def test_a_package_that_is_wrong_is_named(
    name: str, found: object, code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [Entry(name, found), Entry("third", dataclasses.replace(ADDED, name="third"))]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: entries)
    table = FamilyTable(KURASHIL, KURAMOTO)
    with pytest.raises(OsccError) as caught:
        table["third" if name in table.own else name]
    assert (caught.value.code, caught.value.where) == (f"extension.{code}", "entry points oscc.families")
    assert caught.value.message == f"family {said}"
    assert table["kurashil"] is KURASHIL


@pytest.mark.parametrize("change", [{"interaction": "linear"}, {"self_term": "cubic"}, {"state": "real"}])
def test_phases_of_another_equation_have_no_hardware(change: dict[str, Any]) -> None:
    assert not dataclasses.replace(KURASHIL, **change).has_hardware
