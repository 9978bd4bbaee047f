from __future__ import annotations

import pytest

from oscc.compiler.ir.graph import NODE_TENSORS
from oscc.core.families import FAMILIES, family_named


def test_there_are_exactly_the_four_families_of_the_project() -> None:
    assert set(FAMILIES) == {"kurashil", "kuramoto", "poly_ising", "tanh_ising"}
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
    with pytest.raises(ValueError, match="accepted: kuramoto, kurashil, poly_ising, tanh_ising"):
        family_named("xyz")
