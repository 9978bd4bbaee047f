"""The macro's stand-in in RTL simulation: it watches the boundary and hands events to Python."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery.array_shim import COPIED


class ArrayShim(wiring.Component):
    """Takes the place of the array macro; the behavioural array itself stays in Python.

    On every edge with a strobe, and on the first edge on which ``init`` or ``run`` has a new level, it copies the
    boundary and flips ``event``. Python wakes on that, reads the copies and, after a sample, writes the latched taps
    of all rows to ``frame``. So Python runs a few hundred times per sample, not every cycle. Latency: one cycle from
    edge to event.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    array : In(array_signature(core))
    seen_event : Out(1)
        Flips with every event.
    seen_* : Out
        Copies of the boundary on the edge of the event.
    seen_cycle : Out(32)
        Number of that edge.
    frame : In(frame rows x row_tap_bits)
        Row 0 in the lowest bits.
    ready_level, tap_valid_level : In(1)
        What the macro answers; high unless a bench holds them low.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        array = array_signature(core)
        copies = {f"seen_{name}": Out(array.members[name].shape) for name in COPIED}
        super().__init__(
            {
                "array": In(array),
                "seen_event": Out(1),
                "seen_cycle": Out(32),
                "frame": In(core.frame_shape[0] * core.row_tap_bits),
                "ready_level": In(1, init=1),
                "tap_valid_level": In(1, init=1),
                **copies,
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        array = self.array
        cycle = Signal(32)
        m.d.sync += cycle.eq(cycle + 1)
        levels = Signal(2)
        strobes = array.load_strobe | array.commit | array.sample
        m.d.sync += levels.eq(Cat(array.init, array.run))
        with m.If(strobes | (Cat(array.init, array.run) != levels)):
            m.d.sync += [self.seen_event.eq(~self.seen_event), self.seen_cycle.eq(cycle)]
            m.d.sync += [getattr(self, f"seen_{name}").eq(getattr(array, name)) for name in COPIED]
        m.d.comb += [array.ready.eq(self.ready_level), array.tap_valid.eq(self.tap_valid_level)]
        m.d.comb += array.tap_data.eq(self.frame.word_select(array.tap_row, self._core.row_tap_bits))
        return m
