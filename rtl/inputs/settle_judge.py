"""Settle judge: looks at the array again and again, and tells when it has come to rest."""

from __future__ import annotations

from enum import Enum

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.latencies import LEAST_LOOKS

QUIET_LOOKS = LEAST_LOOKS - 1
"""Looks in a row that must find the array at rest."""


class _State(Enum):
    """What the judge waits for."""

    IDLE = 0
    LATCH = 1
    WALK = 2


class SettleJudge(wiring.Component):
    """Orders looks while a settle is under way: a latch and the walk of the watched rows, one after the other.

    The array has settled when `QUIET_LOOKS` looks in a row found at most ``allowed`` codes moved since the look before;
    the first look of a settle has none before it. So a settle takes at least `LEAST_LOOKS` looks.

    Latency: ``look`` rises in the cycle after ``begin``, and again in the cycle after ``looked``; ``settled`` comes in
    the cycle after the ``looked`` that decides. Throughput: a look at a time.

    Parameters
    ----------
    codes : int
        Most codes that can move.

    Members
    -------
    begin : In(1)
        A settle begins; not while one is ``active``.
    active : In(1)
        The settle is under way: high from the cycle after ``begin``. When it falls, a look under way is abandoned.
    allowed : In(range(codes + 1))
    look : Out(1)
        Latch and walk, as soon as the latches are free.
    taken : In(1)
        With ``look``: it is done so in this cycle.
    compare : Out(1)
        The look that was taken has one before it.
    looked : In(1)
        High for one cycle when the walk has ended and ``moved`` counts all of it.
    moved : In(range(codes + 1))
    settled : Out(1)
        High for one cycle.
    """

    def __init__(self, codes: int) -> None:
        super().__init__(
            {
                "begin": In(1),
                "active": In(1),
                "allowed": In(range(codes + 1)),
                "look": Out(1),
                "taken": In(1),
                "compare": Out(1),
                "looked": In(1),
                "moved": In(range(codes + 1)),
                "settled": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        state = Signal(_State)
        quiet = Signal(range(QUIET_LOOKS))
        rests = Signal()
        m.d.comb += [self.look.eq((state == _State.LATCH) & self.active), rests.eq(self.moved <= self.allowed)]
        m.d.sync += self.settled.eq(0)
        with m.If(self.begin):
            m.d.sync += [state.eq(_State.LATCH), self.compare.eq(0), quiet.eq(0)]
        with m.Elif(~self.active):
            m.d.sync += state.eq(_State.IDLE)
        with m.Elif(self.look & self.taken):
            m.d.sync += state.eq(_State.WALK)
        with m.Elif((state == _State.WALK) & self.looked):
            m.d.sync += [state.eq(_State.LATCH), self.compare.eq(1), quiet.eq(0)]
            with m.If(self.compare & rests):
                m.d.sync += quiet.eq(quiet + 1)
                with m.If(quiet == QUIET_LOOKS - 1):
                    m.d.sync += [self.settled.eq(1), state.eq(_State.IDLE)]
        return m
