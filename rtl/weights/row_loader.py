"""Row loader: walks the rows of a chunk and writes them into the shadow latches of the array."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape


class RowLoader(wiring.Component):
    """Loads one chunk, a row per cycle.

    With ``start`` in cycle t, row r is read in cycle t + 1 + r, it is on the row bus in cycle t + 1 +
    ``loader_latency`` + r, and ``complete`` is high from cycle t + ``load_cycles`` on: a commit that is decided in that
    cycle is registered, and reaches the array one cycle after the last row. Throughput: a row per cycle, a chunk per
    ``load_cycles``.

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
    read : Out(1)
        Read the word at ``address`` in every bank.
    address : Out(range(bank_depth))
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
                "read": Out(1),
                "address": Out(index_shape(core.bank_depth)),
                "row_valid": Out(1),
                "row": Out(index_shape(core.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        row = Signal(index_shape(core.rows))
        with m.If(self.start & ~self.busy):
            m.d.sync += [self.read.eq(1), row.eq(0), self.busy.eq(1), self.complete.eq(0)]
            # A table of the first addresses: a product would take a multiplier.
            with m.Switch(self.chunk):
                for chunk in range(core.chunks):
                    with m.Case(chunk):
                        m.d.sync += self.address.eq(chunk * core.rows)
        with m.Elif(self.taken):
            m.d.sync += self.complete.eq(0)
        with m.If(self.read):
            m.d.sync += [row.eq(row + 1), self.address.eq(self.address + 1)]
            with m.If(row == core.rows - 1):
                m.d.sync += self.read.eq(0)

        # The row number and its validity travel beside the bus and the banks' pipeline.
        width = len(row)
        stages = Signal(core.loader_latency * (width + 1))
        m.d.sync += stages.eq(Cat(self.read, row, stages)[: len(stages)])
        m.d.comb += Cat(self.row_valid, self.row).eq(stages[-(width + 1) :])
        # One stage earlier than the last row on the bus, so that `complete` rises together with it.
        before = stages[-2 * (width + 1) : len(stages) - (width + 1)]
        with m.If(before[0] & (before[1:] == core.rows - 1)):
            m.d.sync += [self.busy.eq(0), self.complete.eq(1)]
        return m
