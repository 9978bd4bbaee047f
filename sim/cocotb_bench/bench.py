"""A cocotb bench on an emitted core, ready to use: clock, reset, array, monitor and host."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from amaranth.lib import wiring
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from oscc.core.spec import CoreSpec
from oscc.rtl.control_plane import host_members
from oscc.sim.cocotb_bench.array_model import ArrayModel
from oscc.sim.cocotb_bench.host_driver import HostDriver
from oscc.sim.cocotb_bench.port_monitor import PortMonitor
from oscc.sim.engines.cocotb_bus import CLOCK_NS

RESET_CYCLES = 4
"""Rising edges for which `reset` holds rst."""


@dataclass(frozen=True, eq=False)
class Bench:
    """What stands around a core.

    Parameters
    ----------
    core : CoreSpec
    host : HostDriver
    array : ArrayModel
    monitor : PortMonitor
    """

    core: CoreSpec
    host: HostDriver
    array: ArrayModel
    monitor: PortMonitor


async def start_bench(
    dut: Any, core: CoreSpec, step_cycles: Fraction = Fraction(1), *, spi: bool = False, pauses: int | None = None
) -> Bench:
    """Start clock, monitor, host and array, and reset the core.

    Parameters
    ----------
    dut : cocotb handle
        The core, with the shim in the macro's place.
    core : CoreSpec
    step_cycles : Fraction
        As `ArrayModel` takes it.
    spi, pauses
        As `HostDriver` takes them.
    """
    start_clock(dut, core)
    monitor = PortMonitor(dut, core)
    monitor.start()
    host = HostDriver(dut, core, spi=spi, pauses=pauses)
    array = ArrayModel(dut.array_macro, core, step_cycles)
    await reset(dut)
    array.start()
    return Bench(core, host, array, monitor)


def start_clock(dut: Any, core: CoreSpec) -> None:
    """Start the clock, hold the reset, and let the pins of SPI and of the memories rest.

    Parameters
    ----------
    dut : cocotb handle
    core : CoreSpec
    """
    dut.rst.value = 1
    for name, level in resting_pins(core).items():
        getattr(dut, name).value = level
    Clock(dut.clk, CLOCK_NS, unit="ns").start()


def resting_pins(core: CoreSpec) -> dict[str, int]:
    """Return the levels of the inputs that no model of a bus drives: those of SPI and of the memories.

    Parameters
    ----------
    core : CoreSpec
    """
    inputs = [name for name, member in host_members(core).items() if member.flow == wiring.In]
    return {name: int(name.endswith("_n")) for name in inputs if not name.startswith(("s_axil_", "s_axis_", "m_axis_"))}


async def reset(dut: Any, cycles: int = RESET_CYCLES) -> None:
    """Hold the reset for some rising edges, and let two more pass.

    Parameters
    ----------
    dut : cocotb handle
    cycles : int
        At least 2.
    """
    dut.rst.value = 1
    await ClockCycles(dut.clk, cycles)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)
