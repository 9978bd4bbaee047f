"""Host bridge: from a plain word access to the ports of a core."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS
from oscc.core.spec import CoreSpec
from oscc.rtl.host.axi_lite import AXI_LITE_MEMBERS
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.port import connect
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.wrappers.access_port import access_port_signature
from oscc.rtl.wrappers.stream_window import StreamWindow


def core_side_members(core: CoreSpec) -> dict[str, wiring.Member]:
    """Return the members by which a bridge reaches a core.

    ``axil``
        To ``s_axil_*``.
    ``program``, ``images``
        To ``s_axis_*`` and from ``m_axis_*``.

    Parameters
    ----------
    core : CoreSpec
    """
    return {
        "axil": Out(wiring.Signature(AXI_LITE_MEMBERS).flip()),
        "program": Out(program_stream_signature(core)),
        "images": In(image_stream_signature(core)),
    }


class _AxiLiteAccess:
    """Signals of the access to a register that is under way."""

    def __init__(self) -> None:
        self.start = Signal(name="register_start")
        """Begin one; ``busy`` from the next cycle on, up to the one with ``answered``."""
        self.busy = Signal(name="register_busy")
        self.answered = Signal(name="register_answered")
        self.error = Signal(name="register_error")


class HostBridge(wiring.Component):
    """Makes accesses to the registers of a core over AXI4-Lite, and to its streams by way of a `StreamWindow`.

    Addresses below 0x1000 are the registers, those above the window. Errors of AXI4-Lite and what the window refuses
    come back as ``error``. Latency: an access to the window is done one cycle after its request, a write of a register
    four cycles after it, a read five; SPI may add one. Throughput: an access at a time, a request one cycle after
    ``done`` at the earliest.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    access : In(access_port_signature())
        An access that the bus gives up is completed all the same, but not answered.
    axil, program, images
        See `core_side_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__({"access": In(access_port_signature()), **core_side_members(core)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.window = window = StreamWindow(self._core)
        connect(m, window.program, wiring.flipped(self.program))
        connect(m, wiring.flipped(self.images), window.images)
        access, axil = self.access, _AxiLiteAccess()
        start = Signal()
        completed = Signal()
        in_window = access.address[ADDRESS_BITS]
        m.d.comb += [
            start.eq(access.request & ~axil.busy & ~completed),
            access.done.eq(access.request & completed),
            axil.start.eq(start & ~in_window),
            window.strobe.eq(start & in_window),
            window.write.eq(access.write),
            window.address.eq(access.address[2:ADDRESS_BITS]),
            window.data.eq(access.data),
            window.whole.eq((access.strobes == 0xF) & (access.address[:2] == 0)),
        ]
        self._drive_axi_lite(m, axil)
        self._answer(m, window, axil, completed)
        return m

    def _drive_axi_lite(self, m: Module, state: _AxiLiteAccess) -> None:
        """Make one AXI4-Lite access at a time; what belongs to it is kept, whatever the bus does meanwhile."""
        access, axil = self.access, self.axil
        with m.If(state.start):
            m.d.sync += state.busy.eq(1)
        with m.If(state.answered):
            m.d.sync += state.busy.eq(0)
        with m.If(axil.awready):
            m.d.sync += axil.awvalid.eq(0)
        with m.If(axil.wready):
            m.d.sync += axil.wvalid.eq(0)
        with m.If(axil.arready):
            m.d.sync += axil.arvalid.eq(0)
        with m.If(state.start):
            m.d.sync += [
                axil.awvalid.eq(access.write),
                axil.wvalid.eq(access.write),
                axil.arvalid.eq(~access.write),
                axil.awaddr.eq(access.address),
                axil.araddr.eq(access.address),
                axil.wdata.eq(access.data),
                axil.wstrb.eq(access.strobes),
            ]
        # There is nothing to wait for: the answer goes into registers.
        m.d.comb += [
            axil.bready.eq(1),
            axil.rready.eq(1),
            state.answered.eq(axil.bvalid | axil.rvalid),
            # SLVERR and DECERR have this bit in common.
            state.error.eq((axil.bvalid & axil.bresp[1]) | (axil.rvalid & axil.rresp[1])),
        ]

    def _answer(self, m: Module, window: StreamWindow, axil: _AxiLiteAccess, completed: Signal) -> None:
        """Answer the access that has been requested without a break since it began."""
        access = self.access
        given_up = Signal()
        m.d.sync += [completed.eq(0), given_up.eq(axil.busy & (given_up | ~access.request))]
        with m.If(window.strobe):
            m.d.sync += [completed.eq(1), access.error.eq(window.refused), access.word.eq(window.word)]
        with m.If(axil.answered):
            m.d.sync += completed.eq(access.request & ~given_up)
            m.d.sync += [access.error.eq(axil.error), access.word.eq(self.axil.rdata)]


def connect_core_side(m: Module, outer: wiring.Component, bridge: HostBridge) -> None:
    """Lead the core's side of a bridge through the component around it.

    Parameters
    ----------
    m : Module
        Gets the assignments.
    outer : wiring.Component
        With the members of `core_side_members`.
    bridge : HostBridge
    """
    connect(m, bridge.axil, wiring.flipped(outer.axil))
    connect(m, bridge.program, wiring.flipped(outer.program))
    connect(m, wiring.flipped(outer.images), bridge.images)
