"""The ports of a top module, with what constraints and interface descriptions say of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from amaranth.hdl import Shape
from amaranth.lib import wiring

from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import host_members
from oscc.rtl.host.spi_slave import SPI_MEMBERS
from oscc.rtl.memories.memory_pins import memory_pin_members

Timing = Literal["clock", "reset", "synchronous", "asynchronous"]

REGISTERS, PROGRAM, IMAGES, INTERRUPT, SPI, MEMORIES = (
    "Registers, AXI4-Lite",
    "Program stream, AXI4-Stream",
    "Image stream, AXI4-Stream",
    "Interrupt",
    "Registers, SPI",
    "Test and repair of the memories",
)
"""Groups of the ports of a core."""

CLOCK_AND_RESET = "Clock and reset"

_GROUPS: Mapping[str, str] = {
    "s_axil_": REGISTERS,
    "s_axis_": PROGRAM,
    "m_axis_": IMAGES,
    "irq": INTERRUPT,
    "spi_": SPI,
    "sram_": MEMORIES,
}
"""Group of each port of a core, by how its name begins."""


@dataclass(frozen=True)
class TopPort:
    """A port of a top module.

    Parameters
    ----------
    name : str
    direction : {"input", "output"}
    width : int
        In bits.
    group : str
        Title of the ports that it belongs to.
    timing : Timing
        ``asynchronous`` inputs go into a synchroniser and nowhere else.
    interface : str
        What Vivado is to take it for, as its X_INTERFACE_INFO has it: ``xilinx.com:signal:clock:1.0 aclk CLK``. Empty:
        nothing.
    low : int
        Number of the lowest bit.
    """

    name: str
    direction: Literal["input", "output"]
    width: int
    group: str
    timing: Timing = "synchronous"
    interface: str = ""
    low: int = 0

    @property
    def span(self) -> str:
        """The range of bits in Verilog; empty for a single bit."""
        return f"[{self.low + self.width - 1}:{self.low}]" if self.width > 1 or self.low else ""


def members_as_ports(
    members: Mapping[str, wiring.Member], group: str, prefix: str = "", timing: Timing = "synchronous"
) -> tuple[TopPort, ...]:
    """Return the members of a component as ports, in their order.

    Parameters
    ----------
    members : mapping
        Seen from the component; no signatures in it.
    group : str
    prefix : str
        Of the names in Verilog.
    timing : Timing
        Of the inputs; outputs are synchronous.
    """
    return tuple(
        TopPort(
            prefix + name,
            "input" if member.flow == wiring.In else "output",
            Shape.cast(member.shape).width,
            group,
            timing if member.flow == wiring.In else "synchronous",
        )
        for name, member in members.items()
    )


def core_ports(core: CoreSpec) -> tuple[TopPort, ...]:
    """Return the ports of ``<core>_core``: clock and reset first, then the host's side in its order.

    Parameters
    ----------
    core : CoreSpec
    """
    ports = [
        TopPort("clk", "input", 1, CLOCK_AND_RESET, "clock"),
        TopPort("rst", "input", 1, CLOCK_AND_RESET, "reset"),
    ]
    for name, member in host_members(core).items():
        group = next(title for prefix, title in _GROUPS.items() if name.startswith(prefix))
        ports += members_as_ports({name: member}, group, timing="asynchronous" if group == SPI else "synchronous")
    return tuple(ports)


def plain_ports(core: CoreSpec) -> tuple[TopPort, ...]:
    """Return the pins of the SPI slave and of the memories, which wrappers lead out as they are; those that there are.

    Parameters
    ----------
    core : CoreSpec
    """
    spi = members_as_ports(SPI_MEMBERS, SPI, "spi_", "asynchronous") if core.spi else ()
    return (*spi, *members_as_ports(memory_pin_members(core), MEMORIES, "sram_"))


def grouped(ports: Iterable[TopPort]) -> dict[str, tuple[TopPort, ...]]:
    """Return ports by their group, both in their order.

    Parameters
    ----------
    ports : iterable of TopPort
    """
    groups: dict[str, list[TopPort]] = {}
    for port in ports:
        groups.setdefault(port.group, []).append(port)
    return {group: tuple(members) for group, members in groups.items()}
