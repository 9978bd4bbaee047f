"""Wrapper ``axi``: a core with the port names and attributes by which Vivado's block design knows interfaces."""

from __future__ import annotations

from dataclasses import replace

from oscc.core.registers import ADDRESS_BITS
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.top_module import WrapperTop, core_part
from oscc.rtl.delivery.border.top_ports import (
    CLOCK_AND_RESET,
    IMAGES,
    INTERRUPT,
    MEMORIES,
    PROGRAM,
    REGISTERS,
    SPI,
    TopPort,
    core_ports,
)
from oscc.rtl.top import core_module_name, module_prefix

BUSES = {"s_axil_": "s_axi_", "s_axis_": "s_axis_program_", "m_axis_": "m_axis_images_"}
"""How the names of a core's ports begin, and those of the wrapper's."""

_KINDS = {
    REGISTERS: "xilinx.com:interface:aximm:1.0",
    PROGRAM: "xilinx.com:interface:axis:1.0",
    IMAGES: "xilinx.com:interface:axis:1.0",
}


def axi_top(core: CoreSpec) -> WrapperTop:
    """Return the wrapper ``<core>_axi``. It adds no logic but an inverter for the reset.

    Parameters
    ----------
    core : CoreSpec
    """
    ports = [
        TopPort("aclk", "input", 1, CLOCK_AND_RESET, "clock", "xilinx.com:signal:clock:1.0 aclk CLK"),
        TopPort("aresetn", "input", 1, CLOCK_AND_RESET, "reset", "xilinx.com:signal:reset:1.0 aresetn RST"),
    ]
    connections = [("clk", "aclk"), ("rst", "rst")]
    for port in core_ports(core)[2:]:
        name = wrapped_name(port.name)
        connections.append((port.name, name))
        ports.append(replace(port, name=name, interface=_interface(port, name)))
    stem = module_prefix(core)
    buses = ":".join(bus.rstrip("_") for bus in BUSES.values())
    return WrapperTop(
        name=f"{stem}_axi",
        core=core,
        summary=(
            f"Core {core.name} for block designs: AXI4-Lite, two AXI4-Streams, an interrupt.",
            "aresetn is that of AXI: low for at least two edges of aclk, and released with one of them. There is no",
            "synchroniser, since a master may begin with the first edge at which aresetn is high.",
        ),
        ports=tuple(ports),
        attributes={
            "aclk": f"ASSOCIATED_BUSIF {buses}, ASSOCIATED_RESET aresetn",
            "aresetn": "POLARITY ACTIVE_LOW",
            "s_axi_awaddr": f"PROTOCOL AXI4LITE, ADDR_WIDTH {ADDRESS_BITS}, DATA_WIDTH 32",
            "irq": "SENSITIVITY LEVEL_HIGH",
        },
        wires=(("", "rst"),),
        assigns=("assign rst = ~aresetn;",),
        parts=(core_part(core_module_name(core), connections),),
    )


def wrapped_name(name: str) -> str:
    """Return what the wrapper calls a port of the core.

    Parameters
    ----------
    name : str
    """
    for prefix, wrapped in BUSES.items():
        if name.startswith(prefix):
            return wrapped + name.removeprefix(prefix)
    return name


def _interface(port: TopPort, name: str) -> str:
    """Return what Vivado is to take a port of the core for."""
    if port.group == INTERRUPT:
        return f"xilinx.com:signal:interrupt:1.0 {name} INTERRUPT"
    if port.group in (SPI, MEMORIES):
        return ""
    bus, signal = name.rsplit("_", 1)
    return f"{_KINDS[port.group]} {bus} {signal.upper()}"
