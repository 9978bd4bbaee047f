"""APB4 in front of a core."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.wrappers.host_bridge import HostBridge, connect_core_side, core_side_members
from oscc.rtl.wrappers.window_map import WRAPPED_ADDRESS_BITS

APB_MEMBERS = {
    "paddr": In(WRAPPED_ADDRESS_BITS),
    "psel": In(1),
    "penable": In(1),
    "pwrite": In(1),
    "pwdata": In(32),
    "pstrb": In(4),
    "prdata": Out(32),
    "pready": Out(1),
    "pslverr": Out(1),
}
"""APB4 from the completer's side. PPROT is not looked at."""


class ApbAdapter(wiring.Component):
    """An APB4 completer that reaches the registers and the streams of a core.

    Latency: the access phase of a transfer to the window lasts 2 cycles, of a write of a register 5, of a read 6.
    Throughput: one transfer at a time, as APB has it.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    paddr, psel, penable, pwrite, pwdata, pstrb, prdata, pready, pslverr
        APB4; ``paddr`` counts bytes.
    axil, program, images
        To the core, see `oscc.rtl.wrappers.host_bridge.core_side_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({**APB_MEMBERS, **core_side_members(core)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.bridge = bridge = HostBridge(self._core)
        connect_core_side(m, self, bridge)
        access = bridge.access
        m.d.comb += [
            access.request.eq(self.psel & self.penable),
            access.write.eq(self.pwrite),
            access.address.eq(self.paddr),
            access.data.eq(self.pwdata),
            access.strobes.eq(self.pstrb),
            self.prdata.eq(access.word),
            self.pready.eq(access.done),
            self.pslverr.eq(access.done & access.error),
        ]
        return m
