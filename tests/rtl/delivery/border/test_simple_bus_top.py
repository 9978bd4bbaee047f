from __future__ import annotations

from collections.abc import Callable

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.border.simple_bus_top import apb_top, wishbone_top
from oscc.rtl.delivery.border.top_ports import core_ports


def test_apb_has_the_names_of_its_specification() -> None:
    ports = {port.name: (port.direction, port.span) for port in apb_top(load_core("tiny-8x8")).ports}
    assert ports == {
        "pclk": ("input", ""),
        "presetn": ("input", ""),
        "paddr": ("input", "[12:0]"),
        "psel": ("input", ""),
        "penable": ("input", ""),
        "pwrite": ("input", ""),
        "pwdata": ("input", "[31:0]"),
        "pstrb": ("input", "[3:0]"),
        "prdata": ("output", "[31:0]"),
        "pready": ("output", ""),
        "pslverr": ("output", ""),
        "irq": ("output", ""),
    }


def test_wishbone_has_the_names_of_its_specification() -> None:
    ports = {port.name: (port.direction, port.span) for port in wishbone_top(load_core("tiny-8x8")).ports}
    assert ports == {
        "wb_clk_i": ("input", ""),
        "wb_rst_i": ("input", ""),
        "wb_adr_i": ("input", "[12:2]"),
        "wb_dat_i": ("input", "[31:0]"),
        "wb_dat_o": ("output", "[31:0]"),
        "wb_sel_i": ("input", "[3:0]"),
        "wb_cyc_i": ("input", ""),
        "wb_stb_i": ("input", ""),
        "wb_we_i": ("input", ""),
        "wb_ack_o": ("output", ""),
        "wb_err_o": ("output", ""),
        "irq": ("output", ""),
    }


@pytest.mark.parametrize("top_of", [apb_top, wishbone_top])
def test_the_core_and_its_adapter_are_joined_signal_by_signal(
    make_core: Callable[..., CoreSpec], top_of: Callable[..., object]
) -> None:
    core = make_core(spi=True, stream_width=32)
    top = apb_top(core) if top_of is apb_top else wishbone_top(core)
    adapter, inner = top.parts
    assert list(inner.connections) == [port.name for port in core_ports(core)]
    spans = {name: span for span, name in top.wires}
    widths = {port.name: port.span for port in core_ports(core)}
    for port, signal in inner.connections.items():
        if signal in spans:
            assert spans[signal] == widths[port]
        else:
            assert signal in {each.name for each in top.ports}
    # Every signal inside has two ends, and the reset one more.
    used = [*adapter.connections.values(), *inner.connections.values()]
    assert {name: used.count(name) for name in spans} == dict.fromkeys(spans, 2)
    assert inner.connections["s_axis_tdata"] == adapter.connections["program_data"] == "program_data"


def test_a_reset_that_is_active_low_is_inverted_and_no_other() -> None:
    core = load_core("tiny-8x8")
    assert apb_top(core).assigns == ("assign rst = ~presetn;",)
    assert wishbone_top(core).assigns == ()
    assert wishbone_top(core).parts[1].connections["rst"] == "wb_rst_i"
