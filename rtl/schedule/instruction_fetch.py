"""Instruction fetch: gathers the instructions that take effect together, up to the next one that takes time.

On a driven core a group also ends with ``settle``, and before a ``feed`` that stands behind a load or a feed.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.instructions import MAX_UNTIMED, SCHEDULE_DEPTH, Operation
from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.memories.sram import Sram1R1W
from oscc.rtl.schedule.schedule_check import operation_of
from oscc.rtl.signals.fetch_port import fetch_port_signature
from oscc.rtl.signals.shapes import index_shape


def group_signature(core: CoreSpec) -> wiring.Signature:
    """Return what a group of instructions asks for; all of it takes effect on one edge.

    ``commit`` before ``load`` in a group; ``sample`` concerns the state before that edge. ``timed`` starts behind them:
    a run, or an init where ``is_init``, of ``cycles``; ``short`` when that is 1. ``stop`` ends the schedule.

    On a driven core, ``feed`` from ``source``, through the table of ``table``, comes before ``load``; ``quiet`` says of
    the sample that it is for the frame memory alone, ``is_settle`` of what is timed that it is a settle.
    """
    driven = {
        "quiet": Out(1),
        "feed": Out(1),
        "source": Out(2),
        "table": Out(index_shape(core.chunks)),
        "is_settle": Out(1),
    }
    return wiring.Signature(
        {
            "sample": Out(1),
            "commit": Out(1),
            "load": Out(1),
            "chunk": Out(index_shape(core.chunks)),
            "timed": Out(1),
            "is_init": Out(1),
            "cycles": Out(24),
            "short": Out(1),
            "stop": Out(1),
            **(driven if core.driven else {}),
        }
    )


class InstructionFetch(wiring.Component):
    """Fetches and decodes an instruction every 2 cycles, ahead of their effect.

    A group ends with ``init``, ``run`` or ``stop``, or before an instruction that must wait for one already in the
    group: a commit behind a load or a commit, a second load, a second sample. ``repeat`` is executed here: each has a
    counter of its own, so that loops nest. Latency: with ``begin`` or ``next_group`` in cycle t, a group of n
    instructions is ``valid`` from cycle t + 1 + 2 n on. Throughput: an instruction per 2 cycles, and a cycle per group.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    begin : In(1)
        Start at instruction 0, all loop counters fresh.
    halt : In(1)
        Stop fetching. The loop counters may still count once; they are fresh again at ``begin``.
    next_group : In(1)
        The group was consumed; fetch the next. Ignored unless ``valid``.
    fetch : Out(fetch_port_signature(64))
        To the schedule memory.
    valid : Out(1)
    group : Out(group_signature)
    overrun : Out(1)
        More than four instructions in a row without duration; high for one cycle, and nothing more is fetched.
    <pin>
        Of the memory of the loop counters, as in `memory_pin_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        self._timed = (Operation.INIT, Operation.RUN, *((Operation.SETTLE,) if core.driven else ()))
        super().__init__(
            {
                "begin": In(1),
                "halt": In(1),
                "next_group": In(1),
                "fetch": Out(fetch_port_signature(SCHEDULE_DEPTH)),
                "valid": Out(1),
                "group": Out(group_signature(core)),
                "overrun": Out(1),
                **memory_pin_members(core),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        word = self.fetch.word
        counter = Signal(index_shape(SCHEDULE_DEPTH))
        # How often a repeat jumps again, and whether at all; only where it is counting.
        m.submodules.counters = counters = Sram1R1W(SCHEDULE_DEPTH, 17)
        chain_pins(m, self, (counters,))
        counting = Signal(SCHEDULE_DEPTH)
        is_counting = Signal()
        # An instruction is decoded in the second cycle of its address, so this one is of the same address.
        m.d.sync += is_counting.eq(counting.bit_select(counter, 1))

        active = Signal()
        decode = Signal()
        untimed = Signal(range(MAX_UNTIMED + 1))
        # Not in the cycle in which the counter of the same repeat is written.
        m.d.comb += [
            self.fetch.address.eq(counter),
            counters.read_address.eq(counter),
            counters.read_enable.eq(active & ~decode),
        ]

        remaining = Signal(16)
        jumps = Signal()
        m.d.comb += [remaining.eq(word[8:24]), jumps.eq(1)]
        with m.If(is_counting):
            m.d.comb += [remaining.eq(counters.read_data[:16]), jumps.eq(counters.read_data[16])]

        conflict = Signal()
        takes_no_time = Signal()
        self._classify(m, conflict, takes_no_time)

        # Also written where the repeat does not jump, or is not reached: a counter is looked at only while it is
        # counting. So the memory does not wait for what the sequencer decides in this cycle.
        m.d.comb += [
            counters.write_enable.eq(active & decode & ~self.valid & (operation_of(word) == Operation.REPEAT)),
            counters.write_address.eq(counter),
            counters.write_data.eq(Cat((remaining - 1)[:16], remaining != 1)),
        ]
        m.d.sync += self.overrun.eq(0)
        with m.If(self.halt):
            m.d.sync += [active.eq(0), self.valid.eq(0)]
        with m.Elif(self.begin):
            m.d.sync += [active.eq(1), decode.eq(0), counter.eq(0), untimed.eq(0), counting.eq(0), self.valid.eq(0)]
            m.d.sync += self._clear_group()
        with m.Elif(self.valid), m.If(self.next_group):
            m.d.sync += [self.valid.eq(0), decode.eq(0)]
            m.d.sync += self._clear_group()
        with m.Elif(active & ~decode):
            m.d.sync += decode.eq(1)
        with m.Elif(active & conflict):
            m.d.sync += self.valid.eq(1)
        with m.Elif(active & takes_no_time & (untimed == MAX_UNTIMED)):
            m.d.sync += [self.overrun.eq(1), active.eq(0)]
        with m.Elif(active):
            m.d.sync += [decode.eq(0), counter.eq(counter + 1), untimed.eq(untimed + 1)]
            self._take(m, counter, counting, jumps, untimed)
        return m

    def _classify(self, m: Module, conflict: Signal, takes_no_time: Signal) -> None:
        """Say of the instruction at hand whether it belongs to the next group, and whether it has no duration."""
        word, group = self.fetch.word, self.group
        m.d.comb += takes_no_time.eq(1)
        with m.Switch(operation_of(word)):
            with m.Case(Operation.COMMIT):
                m.d.comb += conflict.eq(group.commit | group.load)
            with m.Case(Operation.LOAD):
                m.d.comb += conflict.eq(group.load)
            with m.Case(Operation.SAMPLE):
                m.d.comb += conflict.eq(group.sample)
            if self._core.driven:
                with m.Case(Operation.FEED):
                    m.d.comb += conflict.eq(group.load | group.feed)
            with m.Case(*self._timed, Operation.STOP):
                m.d.comb += takes_no_time.eq(0)

    def _take(self, m: Module, counter: Signal, counting: Signal, jumps: Signal, untimed: Signal) -> None:
        """Take the instruction at hand into the group, or follow a repeat."""
        word, group = self.fetch.word, self.group
        with m.Switch(operation_of(word)):
            with m.Case(Operation.LOAD):
                m.d.sync += [group.load.eq(1), group.chunk.eq(word[:8])]
            with m.Case(Operation.COMMIT):
                m.d.sync += group.commit.eq(1)
            with m.Case(Operation.SAMPLE):
                m.d.sync += group.sample.eq(1)
                if self._core.driven:
                    m.d.sync += group.quiet.eq(word[0])
            if self._core.driven:
                with m.Case(Operation.FEED):
                    m.d.sync += [group.feed.eq(1), group.source.eq(word[:2]), group.table.eq(word[8:16])]
            with m.Case(Operation.REPEAT):
                with m.If(word[8:24] == 0):
                    m.d.sync += counter.eq(word[:8])
                with m.Elif(jumps):
                    m.d.sync += [counter.eq(word[:8]), counting.bit_select(counter, 1).eq(1)]
                with m.Else():
                    m.d.sync += counting.bit_select(counter, 1).eq(0)
            with m.Case(*self._timed):
                m.d.sync += [group.timed.eq(1), group.cycles.eq(word[:24]), untimed.eq(0), self.valid.eq(1)]
                m.d.sync += group.short.eq(word[1:24] == 0)
                m.d.sync += group.is_init.eq(operation_of(word) == Operation.INIT)
                if self._core.driven:
                    m.d.sync += group.is_settle.eq(operation_of(word) == Operation.SETTLE)
            with m.Case(Operation.STOP):
                m.d.sync += [group.stop.eq(1), self.valid.eq(1)]

    def _clear_group(self) -> list[object]:
        """Return the assignments that make the group empty."""
        group = self.group
        members = [group.sample, group.commit, group.load, group.timed, group.is_init, group.stop]
        if self._core.driven:
            members += [group.feed, group.quiet, group.is_settle]
        return [member.eq(0) for member in members]
