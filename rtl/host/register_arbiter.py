"""Two masters on one register bus: the SPI slave goes first, AXI4-Lite has every other cycle."""

from __future__ import annotations

from amaranth.hdl import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.rtl.host.register_bus import register_bus_signature


class RegisterArbiter(wiring.Component):
    """Lets an SPI slave and an AXI4-Lite front end share the registers.

    A cycle in which SPI makes an access is SPI's; ``hold`` says so to the AXI4-Lite front end, which makes none in it
    and waits. SPI cannot wait, because its clock is the host's; it makes an access per 48 bits at most, which last 384
    cycles or nearly so, and AXI4-Lite is never kept waiting for long. A read is answered one cycle after its strobe,
    whoever has the bus by then.

    Latency: none; an access of SPI delays one of AXI4-Lite by one cycle. Throughput: one access per cycle.

    Members
    -------
    spi, axi : In(register_bus_signature())
        The masters.
    claim : In(1)
        SPI makes an access in this cycle: high with either of its strobes. From a register, since it selects whose
        address and data the registers see.
    hold : Out(1)
        No access by ``axi`` in this cycle; one that it makes all the same is lost.
    registers : Out(register_bus_signature())
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "spi": In(register_bus_signature()),
                "axi": In(register_bus_signature()),
                "claim": In(1),
                "hold": Out(1),
                "registers": Out(register_bus_signature()),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        spi, axi, registers = self.spi, self.axi, self.registers
        m.d.comb += [
            self.hold.eq(self.claim),
            registers.write_strobe.eq(spi.write_strobe | (axi.write_strobe & ~self.hold)),
            registers.read_strobe.eq(spi.read_strobe | (axi.read_strobe & ~self.hold)),
        ]
        for name in ("write_address", "write_data", "write_mask", "read_address"):
            m.d.comb += getattr(registers, name).eq(Mux(self.hold, getattr(spi, name), getattr(axi, name)))
        for master in (spi, axi):
            for name in ("write_response", "read_data", "read_response"):
                m.d.comb += getattr(master, name).eq(getattr(registers, name))
        return m
