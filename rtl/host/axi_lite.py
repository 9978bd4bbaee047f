"""AXI4-Lite slave front end: one access at a time, turned into a plain register bus."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS
from oscc.rtl.host.register_bus import REGISTER_BUS_MEMBERS

OKAY, SLVERR, DECERR = 0, 2, 3
"""AXI responses."""


AXI_LITE_MEMBERS = {
    "awaddr": In(ADDRESS_BITS),
    "awvalid": In(1),
    "awready": Out(1),
    "wdata": In(32),
    "wstrb": In(4),
    "wvalid": In(1),
    "wready": Out(1),
    "bresp": Out(2),
    "bvalid": Out(1),
    "bready": In(1),
    "araddr": In(ADDRESS_BITS),
    "arvalid": In(1),
    "arready": Out(1),
    "rdata": Out(32),
    "rresp": Out(2),
    "rvalid": Out(1),
    "rready": In(1),
}
"""AXI4-Lite from the slave's side."""


class AxiLiteFrontEnd(wiring.Component):
    """Accepts AXI4-Lite reads and writes and drives a register bus.

    Address and data of a write may come in either order. Unaligned accesses get SLVERR without reaching the register
    bus. Latency: two cycles from the later of AW and W to B, three from AR to R. Throughput: one write per three and
    one read per four cycles; reads and writes are independent.

    Members
    -------
    awaddr, awvalid, awready, wdata, wstrb, wvalid, wready, bresp, bvalid, bready
        AXI4-Lite writes; ``bresp`` and ``bvalid`` leave registers.
    araddr, arvalid, arready, rdata, rresp, rvalid, rready
        AXI4-Lite reads; ``rdata``, ``rresp`` and ``rvalid`` leave registers.
    write_strobe, write_address, write_data, write_mask, write_response
        Writes, as in `oscc.rtl.host.register_bus`; the mask comes from WSTRB.
    read_strobe, read_address, read_data, read_response
        Reads, as in `oscc.rtl.host.register_bus`.
    hold : In(1)
        The register bus is another master's in this cycle, or not ready: no strobe, and an access that is due waits.
        What a read of the cycle before is answered with is still taken. Leave it at 0 where there is neither.
    """

    def __init__(self) -> None:
        super().__init__({**AXI_LITE_MEMBERS, **REGISTER_BUS_MEMBERS, "hold": In(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        self._write(m)
        self._read(m)
        return m

    def _write(self, m: Module) -> None:
        """Hold address and data of a write until both are there, act, answer."""
        have_address = Signal()
        have_data = Signal()
        address = Signal(ADDRESS_BITS)
        data = Signal(32)
        strobes = Signal(4)
        act = Signal()
        m.d.comb += [
            self.awready.eq(~have_address & ~self.bvalid),
            self.wready.eq(~have_data & ~self.bvalid),
            act.eq(have_address & have_data & ~self.bvalid & ~self.hold),
            self.write_strobe.eq(act & (address[:2] == 0)),
            self.write_address.eq(address[2:]),
            self.write_data.eq(data),
            self.write_mask.eq(Cat(strobe.replicate(8) for strobe in strobes)),
        ]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [address.eq(self.awaddr), have_address.eq(1)]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [data.eq(self.wdata), strobes.eq(self.wstrb), have_data.eq(1)]
        with m.If(act):
            m.d.sync += [have_address.eq(0), have_data.eq(0), self.bvalid.eq(1)]
            m.d.sync += self.bresp.eq(self.write_response)
            with m.If(address[:2] != 0):
                m.d.sync += self.bresp.eq(SLVERR)
        with m.If(self.bvalid & self.bready):
            m.d.sync += self.bvalid.eq(0)

    def _read(self, m: Module) -> None:
        """Make a read and answer it; the registers answer one cycle after the strobe."""
        reading = Signal()
        waiting = Signal()
        wanted = Signal(ADDRESS_BITS)
        m.d.comb += [
            self.arready.eq(~reading & ~waiting & ~self.rvalid),
            self.read_strobe.eq(reading & (wanted[:2] == 0) & ~self.hold),
            self.read_address.eq(wanted[2:]),
        ]
        with m.If(self.arvalid & self.arready):
            m.d.sync += [wanted.eq(self.araddr), reading.eq(1)]
        with m.If(reading & ~self.hold):
            m.d.sync += [reading.eq(0), waiting.eq(1)]
        with m.If(waiting):
            m.d.sync += [waiting.eq(0), self.rvalid.eq(1), self.rdata.eq(self.read_data)]
            m.d.sync += self.rresp.eq(self.read_response)
            with m.If(wanted[:2] != 0):
                m.d.sync += [self.rdata.eq(0), self.rresp.eq(SLVERR)]
        with m.If(self.rvalid & self.rready):
            m.d.sync += self.rvalid.eq(0)
