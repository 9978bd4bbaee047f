from __future__ import annotations

import re
from collections.abc import Callable

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.border.axi_top import axi_top
from oscc.rtl.delivery.border.top_module import verilog
from oscc.rtl.delivery.border.top_ports import core_ports

AXI_LITE = {
    *("AWADDR", "AWVALID", "AWREADY", "WDATA", "WSTRB", "WVALID", "WREADY", "BRESP", "BVALID", "BREADY"),
    *("ARADDR", "ARVALID", "ARREADY", "RDATA", "RRESP", "RVALID", "RREADY"),
}
"""From the AXI4-Lite specification; AWPROT and ARPROT are optional for a slave."""


def interfaces(text: str) -> dict[tuple[str, str], set[str]]:
    """Logical names by interface and kind."""
    found: dict[tuple[str, str], set[str]] = {}
    for kind, bus, logical in re.findall(r'X_INTERFACE_INFO = "(\S+) (\S+) (\S+)"', text):
        found.setdefault((bus, kind), set()).add(logical)
    return found


def test_vivado_finds_each_interface_whole() -> None:
    assert interfaces(verilog(axi_top(load_core("tiny-8x8")))) == {
        ("aclk", "xilinx.com:signal:clock:1.0"): {"CLK"},
        ("aresetn", "xilinx.com:signal:reset:1.0"): {"RST"},
        ("s_axi", "xilinx.com:interface:aximm:1.0"): AXI_LITE,
        ("s_axis_program", "xilinx.com:interface:axis:1.0"): {"TDATA", "TVALID", "TREADY", "TLAST"},
        ("m_axis_images", "xilinx.com:interface:axis:1.0"): {
            *("TDATA", "TVALID", "TREADY", "TLAST", "TKEEP", "TUSER"),
        },
        ("irq", "xilinx.com:signal:interrupt:1.0"): {"INTERRUPT"},
    }


def test_the_clock_names_the_interfaces_that_it_drives() -> None:
    attributes = axi_top(load_core("tiny-8x8")).attributes
    assert attributes["aclk"] == ("ASSOCIATED_BUSIF s_axi:s_axis_program:m_axis_images, ASSOCIATED_RESET aresetn")
    assert "POLARITY ACTIVE_LOW" in attributes["aresetn"]
    assert "PROTOCOL AXI4LITE, ADDR_WIDTH 12, DATA_WIDTH 32" in attributes["s_axi_awaddr"]


def test_every_port_of_the_core_is_connected_to_one_of_its_own(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(spi=True)
    top = axi_top(core)
    (part,) = top.parts
    assert list(part.connections) == [port.name for port in core_ports(core)]
    inside = {name for _, name in top.wires}
    outside = {port.name: port for port in top.ports}
    assert len(set(part.connections.values())) == len(part.connections)
    assert set(part.connections.values()) - inside == set(outside) - {"aresetn"}
    for port in core_ports(core)[2:]:
        wrapped = outside[part.connections[port.name]]
        assert (wrapped.direction, wrapped.width, wrapped.timing) == (port.direction, port.width, port.timing)
        # What Vivado knows no interface for carries no attribute.
        assert bool(wrapped.interface) == (not port.name.startswith("spi_"))
