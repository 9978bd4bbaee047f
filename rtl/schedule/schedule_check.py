"""Schedule check: walks the schedule memory before a run and refuses anything that is not an instruction.

On a driven core, ``feed`` from the stream, from feedback with a chunk that the banks hold, and once more, ``settle``
with a duration, and a quiet ``sample`` are instructions, too.
"""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.instructions import MAX_UNTIMED, SCHEDULE_DEPTH, Operation, Source
from oscc.core.spec import CoreSpec
from oscc.rtl.signals.fetch_port import fetch_port_signature


def operation_of(word: Value) -> Value:
    """Return the operation of an instruction word."""
    return word[28:32]


def is_timed(word: Value, *, driven: bool = False) -> Value:
    """Return whether a word is ``init`` or ``run``, or ``settle`` on a driven core."""
    timed = (operation_of(word) == Operation.INIT) | (operation_of(word) == Operation.RUN)
    return timed | (operation_of(word) == Operation.SETTLE) if driven else timed


class ScheduleCheck(wiring.Component):
    """Checks the schedule, an instruction per cycle.

    Legal is: a known operation with its reserved bits zero, a chunk that the banks hold, a duration that is not 0, a
    target within the schedule, at most four instructions in a row without duration, and ``stop`` or an endless
    ``repeat`` at the end. Latency: ``length`` + 2 cycles from ``start`` to ``good``; 3 + its address to ``bad`` for an
    illegal instruction, 2 for a length that is 0 or beyond the memory. Throughput: an instruction per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
    length : In(7)
    fetch : Out(fetch_port_signature(64))
        To the schedule memory.
    busy : Out(1)
    good, bad : Out(1)
        High for one cycle at the end.
    bad_address : Out(8)
        Of the first illegal instruction; valid with ``bad`` and after.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "length": In(7),
                "fetch": Out(fetch_port_signature(SCHEDULE_DEPTH)),
                "busy": Out(1),
                "good": Out(1),
                "bad": Out(1),
                "bad_address": Out(8),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        word = self.fetch.word
        legal = Signal()
        endless = Signal()
        with m.Switch(operation_of(word)):
            with m.Case(Operation.STOP, Operation.COMMIT, *(() if self._core.driven else (Operation.SAMPLE,))):
                m.d.comb += legal.eq(word[:28] == 0)
            with m.Case(Operation.LOAD):
                m.d.comb += legal.eq((word[8:28] == 0) & (word[:8] < self._core.chunks))
            with m.Case(Operation.INIT, Operation.RUN):
                m.d.comb += legal.eq((word[24:28] == 0) & (word[:24] != 0))
            with m.Case(Operation.REPEAT):
                m.d.comb += [
                    legal.eq((word[24:28] == 0) & (word[:8] < self.length)),
                    endless.eq(word[8:24] == 0),
                ]
            if self._core.driven:
                self._judge_driven(m, legal)

        address = Signal(range(SCHEDULE_DEPTH + 1))
        checked = Signal.like(address)
        untimed = Signal(range(MAX_UNTIMED + 2))
        fresh = Signal()
        # Taken along without looking at the verdict, which comes late in a cycle.
        judged = Signal.like(self.bad_address)
        kept = Signal.like(self.bad_address)
        m.d.comb += [self.fetch.address.eq(address), self.bad_address.eq(Mux(self.bad, judged, kept))]
        m.d.sync += judged.eq(checked)
        with m.If(self.bad):
            m.d.sync += kept.eq(judged)
        m.d.sync += [self.good.eq(0), self.bad.eq(0)]
        with m.If(self.start):
            m.d.sync += [self.busy.eq(1), fresh.eq(0), address.eq(0), checked.eq(0), untimed.eq(0)]
        with m.Elif(self.busy):
            m.d.sync += [fresh.eq(1), address.eq(address + 1), checked.eq(address)]
            ends = (operation_of(word) == Operation.STOP) | ((operation_of(word) == Operation.REPEAT) & endless)
            is_last = checked == self.length - 1
            counts = ~is_timed(word, driven=self._core.driven) & (operation_of(word) != Operation.STOP)
            with m.If((self.length == 0) | (self.length > SCHEDULE_DEPTH)):
                m.d.sync += [self.busy.eq(0), self.bad.eq(1)]
            with m.Elif(fresh):
                m.d.sync += untimed.eq(0)
                with m.If(counts):
                    m.d.sync += untimed.eq(untimed + 1)
                with m.If(~legal | (counts & (untimed == MAX_UNTIMED)) | (is_last & ~ends)):
                    m.d.sync += [self.busy.eq(0), self.bad.eq(1)]
                with m.Elif(is_last):
                    m.d.sync += [self.busy.eq(0), self.good.eq(1)]
        return m

    def _judge_driven(self, m: Module, legal: Signal) -> None:
        """Judge the instructions that only driven cores have; within the switch over the operation."""
        word = self.fetch.word
        with m.Case(Operation.SAMPLE):
            m.d.comb += legal.eq(word[1:28] == 0)
        with m.Case(Operation.SETTLE):
            m.d.comb += legal.eq((word[24:28] == 0) & (word[:24] != 0))
        with m.Case(Operation.FEED), m.Switch(word[:8]):
            with m.Case(Source.STREAM, Source.AGAIN):
                m.d.comb += legal.eq(word[8:28] == 0)
            with m.Case(Source.FEEDBACK):
                m.d.comb += legal.eq((word[16:28] == 0) & (word[8:16] < self._core.chunks))
