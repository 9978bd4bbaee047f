"""Wishbone in front of a core."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.wrappers.host_bridge import HostBridge, connect_core_side, core_side_members
from oscc.rtl.wrappers.window_map import WRAPPED_ADDRESS_BITS

WISHBONE_MEMBERS = {
    "adr": In(WRAPPED_ADDRESS_BITS - 2),
    "dat_w": In(32),
    "dat_r": Out(32),
    "sel": In(4),
    "cyc": In(1),
    "stb": In(1),
    "we": In(1),
    "ack": Out(1),
    "err": Out(1),
}
"""Wishbone from the slave's side: 32 bits of data, granularity 8 bits."""


class WishboneAdapter(wiring.Component):
    """A Wishbone B4 classic slave that reaches the registers and the streams of a core.

    A cycle ends with ``ack``, or with ``err`` where the core or the window refuses it; never with RTY. Latency: a
    cycle to the window lasts 2 clock cycles, a write of a register 5, a read 6. Throughput: a cycle at a time; the
    next one may follow at once.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    adr, dat_w, dat_r, sel, cyc, stb, we, ack, err
        Wishbone; ``adr`` counts words, and ``sel`` matters in writes only.
    axil, program, images
        To the core, see `oscc.rtl.wrappers.host_bridge.core_side_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({**WISHBONE_MEMBERS, **core_side_members(core)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.bridge = bridge = HostBridge(self._core)
        connect_core_side(m, self, bridge)
        access = bridge.access
        m.d.comb += [
            access.request.eq(self.cyc & self.stb),
            access.write.eq(self.we),
            access.address.eq(Cat(Const(0, 2), self.adr)),
            access.data.eq(self.dat_w),
            access.strobes.eq(self.sel),
            self.dat_r.eq(access.word),
            self.ack.eq(access.done & ~access.error),
            self.err.eq(access.done & access.error),
        ]
        return m
