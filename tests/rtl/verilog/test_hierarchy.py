"""A tree of components becomes modules, each once, connected by the names of their ports."""

from __future__ import annotations

import re

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.verilog import parts
from oscc.rtl.verilog.hierarchy import verilog_modules
from oscc.rtl.verilog.scope import UnsupportedError


class Counter(wiring.Component):  # type: ignore[misc]
    """Counts. Latency: a cycle.

    Parameters
    ----------
    width : int

    Members
    -------
    step : In(1)
        Count in this cycle, as ``value`` shows in the next.
    value : Out(width)
    """

    __module__ = "oscc.tests"

    def __init__(self, width: int, suffix: str | None = None) -> None:
        super().__init__({"step": In(1), "value": Out(width)})
        if suffix:
            self.module_suffix = suffix

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.If(self.step):
            m.d.sync += self.value.eq(self.value + 1)
        return m


class Pair(wiring.Component):  # type: ignore[misc]
    """Two counters of four bits, one of five, and a third kind that says what it is called."""

    __module__ = "oscc.tests"

    def __init__(self) -> None:
        super().__init__({"go": In(1), "sum": Out(6), "begin": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.first = first = Counter(4)
        m.submodules.second = second = Counter(4)
        m.submodules.wide = wide = Counter(5)
        m.submodules.named = named = Counter(6, "special_6")
        unused = Signal()
        m.d.comb += [first.step.eq(self.go), second.step.eq(first.value[0]), self.sum.eq(first.value + second.value)]
        m.d.comb += [named.step.eq(1), unused.eq(wide.value[4])]
        return m


MODULES = verilog_modules(Pair(), "p", "p_top")


def test_each_module_comes_once_and_before_its_user() -> None:
    assert list(MODULES) == ["p_counter", "p_counter_2", "p_special_6", "p_top"]
    assert MODULES["p_top"].instances == (
        ("first", "p_counter"),
        ("second", "p_counter"),
        ("wide", "p_counter_2"),
        ("named", "p_special_6"),
    )
    assert MODULES["p_counter"].component == "oscc.tests.Counter"


def test_ports_come_in_the_order_of_the_signature() -> None:
    for name, width in (("p_counter", 4), ("p_counter_2", 5)):
        (ports,) = re.findall(r"^module \w+ \((.*?)^\);", MODULES[name].text, re.DOTALL | re.MULTILINE)
        assert [port.strip(" ,") for port in ports.strip().splitlines()] == [
            "input wire clk",
            "input wire rst",
            "input wire step",
            f"output reg [{width - 1}:0] value",
        ]


def test_the_docstring_stands_above_the_module() -> None:
    lines = MODULES["p_counter"].text.splitlines()
    assert lines[:6] == [
        "// Counts. Latency: a cycle.",
        "//",
        "// Ports:",
        "//   step",
        "//       Count in this cycle, as value shows in the next.",
        "//   value",
    ]
    assert lines[6] == "module p_counter ("


def test_instances_are_connected_to_what_drives_them() -> None:
    text = MODULES["p_top"].text
    (first,) = re.findall(r"p_counter first \((.*?)\);", text, re.DOTALL)
    assert re.findall(r"\.(\w+)\(([^)]*)\)", first) == [
        ("clk", "clk"),
        ("rst", "rst"),
        ("step", "go"),
        ("value", "first_value"),
    ]
    (second,) = re.findall(r"p_counter second \((.*?)\);", text, re.DOTALL)
    assert ".step(first_value[0])" in second
    # What nobody sets has its initial value, what nobody reads is left open.
    (wide, named) = re.findall(r"(?:p_counter_2 wide|p_special_6 named) \((.*?)\);", text, re.DOTALL)
    assert ".step(1'b0)" in wide
    assert ".value()" in named


def test_keywords_get_an_underscore_and_undriven_outputs_their_initial_value() -> None:
    assert "output wire begin_" in MODULES["p_top"].text
    assert "assign begin_ = 1'b0;" in MODULES["p_top"].text


class Foreign(Counter):
    """A component of another package."""

    __module__ = "library.counters"


class Owner(wiring.Component):  # type: ignore[misc]
    """Uses a component of another package."""

    __module__ = "oscc.tests"

    def __init__(self) -> None:
        super().__init__({"go": In(1), "value": Out(4)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.inner = inner = Foreign(4)
        m.d.comb += [inner.step.eq(self.go), self.value.eq(inner.value)]
        return m


def test_parts_of_libraries_become_part_of_what_uses_them() -> None:
    modules = verilog_modules(Owner(), "p", "p_top")
    assert list(modules) == ["p_top"]
    assert "inner_value <= inner_value + 4'd1;" in modules["p_top"].text
    assert parts.PACKAGE == "oscc."


class Hidden(wiring.Component):  # type: ignore[misc]
    """Has a signal that is no port."""

    __module__ = "oscc.tests"

    def __init__(self) -> None:
        super().__init__({"go": In(1)})
        self.inner = Signal()

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.sync += self.inner.eq(self.go)
        return m


class Prying(wiring.Component):  # type: ignore[misc]
    """Reads what is no port of what it uses: in Verilog that would be another signal."""

    __module__ = "oscc.tests"

    def __init__(self) -> None:
        super().__init__({"value": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.hidden = hidden = Hidden()
        m.d.comb += self.value.eq(hidden.inner)
        return m


def test_a_signal_of_another_component_must_be_its_port() -> None:
    with pytest.raises(UnsupportedError, match=r"signal inner is driven by oscc\.tests\.Hidden and is no port of it"):
        verilog_modules(Prying(), "p", "p_top")
