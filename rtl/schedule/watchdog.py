"""Watchdog: tells when something has been waited for longer than a limit."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import register

LIMIT_BITS = register("WATCHDOG").field("limit").width


class Watchdog(wiring.Component):
    """Counts the cycles of one wait.

    Latency: ``expired`` is high in the cycle after the one in which ``waiting`` was high for the ``limit``-th time in a
    row. It counts anew when ``waiting`` falls. Throughput: waits may follow one another with a cycle between them.

    Members
    -------
    waiting : In(1)
    limit : In(24)
        Clock cycles; 0 never expires.
    expired : Out(1)
        High for one cycle per wait.
    """

    def __init__(self) -> None:
        super().__init__({"waiting": In(1), "limit": In(LIMIT_BITS), "expired": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        waited = Signal(LIMIT_BITS)
        told = Signal()
        m.d.sync += self.expired.eq(0)
        with m.If(~self.waiting):
            m.d.sync += [waited.eq(0), told.eq(0)]
        with m.Elif(~told):
            m.d.sync += waited.eq(waited + 1)
            # A limit that is lowered during a wait must not be stepped over.
            with m.If((self.limit != 0) & (waited + 1 >= self.limit)):
                m.d.sync += [self.expired.eq(1), told.eq(1)]
        return m
