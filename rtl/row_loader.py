"""Row loader: walks the rows of a chunk and writes them into the shadow latches of the array."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import LOADER_LATENCY, CoreSpec
from oscc.rtl.shapes import index_shape
from oscc.rtl.weight_bank import READ_LATENCY

if LOADER_LATENCY != READ_LATENCY:
    raise AssertionError("compiler.spec and the weight banks disagree about the latency of a load")


class RowLoader(wiring.Component):
    """Loads one chunk, a row per cycle.

    With ``start`` in cycle t, row r is on the row bus in cycle t + 1 + `LOADER_LATENCY` + r, and ``complete`` is high
    from cycle t + ``load_cycles`` on: a commit that is decided in that cycle is registered, and reaches the array one
    cycle after the last row. Throughput: a row per cycle, a chunk per ``load_cycles``.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
        Ignored while ``busy``.
    chunk : In(range(chunks))
    busy : Out(1)
        From the cycle after ``start`` until ``complete``.
    complete : Out(1)
        Every row has been written since the last ``start``; low again once ``taken``.
    taken : In(1)
        The shadow was committed: it no longer holds a chunk of its own.
    bank_address : Out(range(bank_depth))
        To all banks.
    bank_stages : Out(4)
        Enables of the stages of the banks' reads.
    row_valid : Out(1)
        The banks' data are the row ``row``.
    row : Out(range(rows))
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "chunk": In(index_shape(core.chunks)),
                "busy": Out(1),
                "complete": Out(1),
                "taken": In(1),
                "bank_address": Out(index_shape(core.bank_depth)),
                "bank_stages": Out(READ_LATENCY),
                "row_valid": Out(1),
                "row": Out(index_shape(core.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        walking = Signal()
        row = Signal(index_shape(core.rows))
        with m.If(self.start & ~self.busy):
            m.d.sync += [walking.eq(1), row.eq(0), self.bank_address.eq(self.chunk * core.rows)]
            m.d.sync += [self.busy.eq(1), self.complete.eq(0)]
        with m.Elif(self.taken):
            m.d.sync += self.complete.eq(0)
        with m.If(walking):
            m.d.sync += [row.eq(row + 1), self.bank_address.eq(self.bank_address + 1)]
            with m.If(row == core.rows - 1):
                m.d.sync += walking.eq(0)

        # The row number and its validity travel beside the banks' pipeline.
        width = len(row)
        stages = Signal(READ_LATENCY * (width + 1))
        m.d.sync += stages.eq(Cat(walking, row, stages)[: len(stages)])
        m.d.comb += [
            Cat(self.row_valid, self.row).eq(stages[-(width + 1) :]),
            self.bank_stages.eq(Cat(walking, (stages[stage * (width + 1)] for stage in range(READ_LATENCY - 1)))),
        ]
        # One stage earlier than the last row on the bus, so that `complete` rises together with it.
        before = stages[-2 * (width + 1) : len(stages) - (width + 1)]
        with m.If(before[0] & (before[1:] == core.rows - 1)):
            m.d.sync += [self.busy.eq(0), self.complete.eq(1)]
        return m
