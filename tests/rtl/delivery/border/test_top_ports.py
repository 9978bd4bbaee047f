from __future__ import annotations

from collections.abc import Callable

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.control_plane import host_members
from oscc.rtl.delivery.border.top_ports import MEMORIES, SPI, core_ports, grouped, plain_ports


def test_the_ports_of_a_core_are_its_clock_its_reset_and_the_hosts_side() -> None:
    core = load_core("tiny-8x8")
    ports = core_ports(core)
    assert [(port.name, port.timing) for port in ports[:2]] == [("clk", "clock"), ("rst", "reset")]
    assert [port.name for port in ports[2:]] == list(host_members(core))
    assert {port.timing for port in ports[2:]} == {"synchronous"}
    widths = {port.name: (port.direction, port.span) for port in ports}
    assert widths["s_axis_tdata"] == ("input", "[63:0]")
    assert widths["m_axis_tkeep"] == ("output", "[7:0]")
    assert widths["irq"] == ("output", "")


def test_only_what_goes_into_a_synchroniser_is_asynchronous(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(spi=True)
    found = {port.name for port in core_ports(core) if port.timing == "asynchronous"}
    assert found == {"spi_sclk", "spi_cs_n", "spi_mosi"}
    assert tuple(grouped(core_ports(core))[SPI]) == plain_ports(core)
    assert plain_ports(load_core("tiny-8x8")) == ()


def test_groups_keep_the_order_of_the_ports() -> None:
    groups = grouped(core_ports(load_core("tiny-8x8")))
    assert [title.split(",")[0] for title in groups] == [
        "Clock and reset",
        "Registers",
        "Program stream",
        "Image stream",
        "Interrupt",
    ]
    assert [port for ports in groups.values() for port in ports] == list(core_ports(load_core("tiny-8x8")))


def test_the_pins_of_the_memories_are_led_out_as_they_are(make_core: Callable[..., CoreSpec]) -> None:
    ports = plain_ports(make_core(memory_pins=True))
    assert [(port.name, port.direction, port.width) for port in ports] == [
        ("sram_test", "input", 8),
        ("sram_repair_shift", "input", 1),
        ("sram_repair_in", "input", 1),
        ("sram_repair_out", "output", 1),
    ]
    assert tuple(grouped(core_ports(make_core(memory_pins=True)))[MEMORIES]) == ports
