"""Synchronizer: brings an asynchronous pin to the clock."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

STAGES = 2
"""Flip-flops behind one another."""

ASYNC_REG = {"ASYNC_REG": "TRUE"}
"""Attributes of the flip-flops: tools place them side by side, and neither merge nor retime them."""


class Synchronizer(wiring.Component):
    """`STAGES` flip-flops behind one another: a module of its own, so that a library's cell can take its place.

    Latency: `STAGES` cycles, one more or less where the input changes together with the clock. Throughput: a value per
    cycle; one that lasts shorter may be missed.

    Members
    -------
    asynchronous : In(1)
        May change at any time.
    synchronous : Out(1)
        0 after reset.
    """

    def __init__(self) -> None:
        super().__init__({"asynchronous": In(1), "synchronous": Out(1)})

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        value = self.asynchronous
        for stage in range(STAGES):
            flop = Signal(name=f"stage_{stage}", attrs=ASYNC_REG)
            m.d.sync += flop.eq(value)
            value = flop
        m.d.comb += self.synchronous.eq(value)
        return m
