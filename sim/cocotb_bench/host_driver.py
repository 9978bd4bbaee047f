"""The host of a core in cocotb benches: registers by AXI4-Lite or SPI, programs and images by AXI4-Stream."""

from __future__ import annotations

import logging
import warnings
from typing import Any

from cocotb.triggers import Timer

from oscc.core.spec import CoreSpec
from oscc.rtl.host.spi_slave import READ, SCLK_DIVIDER, STATUS, WRITE
from oscc.sim.engines.cocotb_bus import CLOCK_NS, CocotbBus
from oscc.sim.engines.pauses import LONGEST_SHORT
from oscc.sim.host.host import Host, HostError

_HALF_PS = SCLK_DIVIDER * CLOCK_NS * 1000 // 2
"""Half a period of sclk, the fastest that the core takes."""


class SpiBus(CocotbBus):
    """`oscc.sim.host.host.CoreBus` whose registers are reached by the SPI pins; the streams are as ever.

    Parameters
    ----------
    dut : cocotb handle
        The core; it has an SPI slave (``spi: true``).
    core : CoreSpec
    pauses, longest_pause : int
        As `CocotbBus` takes them.
    """

    async def read(self, address: int) -> int:
        """Return the word at a byte address."""
        answer = await self._transfer(bytes([READ]) + address.to_bytes(2, "big") + bytes(6))
        self._check(answer[4], f"read of 0x{address:03X}")
        return int.from_bytes(answer[5:9], "big")

    async def write(self, address: int, word: int) -> None:
        """Write the word at a byte address."""
        sent = bytes([WRITE]) + address.to_bytes(2, "big") + word.to_bytes(4, "big") + bytes(2)
        self._check((await self._transfer(sent))[8], f"write of 0x{address:03X}")

    def _check(self, status: int, what: str) -> None:
        """Raise what a status byte says."""
        if status & ~3 != STATUS:
            raise HostError(f"{what}: 0x{status:02X} in place of the status byte")
        if status & 3:
            raise HostError(f"{what}: response {status & 3}")

    async def _transfer(self, sent: bytes) -> bytes:
        """Make one frame, mode 0, the most significant bit first."""
        dut = self._dut
        half = Timer(_HALF_PS, "ps")
        dut.spi_cs_n.value = 0
        await half
        received = 0
        for number in range(8 * len(sent)):
            dut.spi_mosi.value = sent[number // 8] >> (7 - number % 8) & 1
            await half
            driven = int(dut.spi_miso_enable.value)
            received = received << 1 | (int(dut.spi_miso.value) if driven else 0)
            dut.spi_sclk.value = 1
            await half
            dut.spi_sclk.value = 0
        await half
        dut.spi_cs_n.value = 1
        await half
        return received.to_bytes(len(sent), "big")


class HostDriver(Host):
    """Loads programs, starts them and takes images: `oscc.sim.host.host.Host` on the ports of a simulated core.

    Make it before the reset ends.

    Parameters
    ----------
    dut : cocotb handle
        The core.
    core : CoreSpec
    spi : bool
        Whether the registers are reached by SPI; the core must have ``spi: true``.
    pauses : int, optional
        Seed of random pauses on every channel of AXI4-Lite and of the streams.
    longest_pause : int
        Of the image stream [clock cycles].
    verbose : bool
        Whether every access and frame is logged.

    Attributes
    ----------
    registers : CoreRegisters
        Every register by its name: ``await host.registers.read_status()``.
    bus : CocotbBus
        ``read`` and ``write`` by byte address, ``send``, ``receive`` and ``wait``.
    """

    def __init__(
        self,
        dut: Any,
        core: CoreSpec,
        *,
        spi: bool = False,
        pauses: int | None = None,
        longest_pause: int = LONGEST_SHORT,
        verbose: bool = False,
    ) -> None:
        if spi and not core.spi:
            raise HostError(f"{core.name} has no SPI slave: its core.yaml does not say spi: true")
        if not verbose:
            # cocotbext-axi 0.1.28 still uses names that cocotb 2 has replaced.
            warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext\.")
        self.bus = (SpiBus if spi else CocotbBus)(dut, core, pauses, longest_pause)
        super().__init__(self.bus, core)
        for channel in () if verbose else ("s_axil", "s_axis", "m_axis"):
            logging.getLogger(f"cocotb.{dut._name}.{channel}").setLevel(logging.WARNING)
