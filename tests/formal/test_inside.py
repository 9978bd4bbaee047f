from __future__ import annotations

import sys

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from formal.inside import elaborated_inside
from oscc.base.errors import OsccError


class Inner(wiring.Component):  # type: ignore[misc]
    """Holds a bit."""

    def __init__(self) -> None:
        super().__init__({"bit": In(1), "held": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        first, second = Signal(5), Signal(7)
        m.d.sync += [first.eq(self.bit), second.eq(first), self.held.eq(second)]
        self._part(m)
        return m

    def _part(self, m: Module) -> None:
        first, third = Signal(2), Signal(9)
        m.d.sync += [first.eq(self.bit), third.eq(first)]


class Outer(wiring.Component):  # type: ignore[misc]
    """Has one of them."""

    def __init__(self, fails: bool = False) -> None:
        self._fails = fails
        super().__init__({"bit": In(1)})

    def elaborate(self, platform: object) -> Module:
        if self._fails:
            raise RuntimeError("not built")
        m = Module()
        m.submodules.inner = inner = Inner()
        m.d.comb += inner.bit.eq(self.bit)
        return m


def test_local_variables_of_every_component_are_found_by_name() -> None:
    outer = Outer()
    _, insides = elaborated_inside(outer)
    assert set(insides) == {"Outer", "Inner"}
    # Amaranth has no name for the first of two signals of one statement; the source has.
    assert (len(insides["Inner"]["first"]), len(insides["Inner"]["second"])) == (5, 7)
    assert insides["Outer"]["inner"] is insides["Inner"].component
    assert insides["Outer"].member("bit") is outer.bit


def test_variables_of_a_method_that_makes_a_part_are_found_behind_those_of_elaborate() -> None:
    _, insides = elaborated_inside(Outer())
    assert (len(insides["Inner"]["third"]), len(insides["Inner"]["first"])) == (9, 5)


def test_a_name_that_is_not_there_is_an_error_in_words() -> None:
    _, insides = elaborated_inside(Outer())
    with pytest.raises(OsccError, match="Inner has no 'frist' inside") as raised:
        insides["Inner"]["frist"]
    assert raised.value.code == "formal.register"


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_watched_afterwards(fails: bool) -> None:
    before = sys.getprofile()
    outer = Outer(fails)
    try:
        elaborated_inside(outer)
    except RuntimeError:
        assert fails
    assert sys.getprofile() is before
