"""Row loader: walks the rows of a chunk and writes them into the shadow latches of the array.

On a driven core the banks' data pass the merge of inputs, which has a register of its own, before they are on the row
bus: ``row_valid`` and ``row`` belong to the banks' data, ``complete`` to the bus.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.load_port import load_port_signature
from oscc.rtl.signals.shapes import index_shape


class RowLoader(wiring.Component):
    """Loads one chunk, a row per cycle.

    With ``load.start`` in cycle t, row r is read in cycle t + 1 + r, it is on the row bus in cycle t + 1 +
    ``loader_latency`` + r, and ``load.complete`` is high from cycle t + ``load_cycles`` on: a commit that is decided in
    that cycle is registered, and reaches the array one cycle after the last row. Throughput: a row per cycle, a chunk
    per ``load_cycles``.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    load : In(load_port_signature(core))
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
                "load": In(load_port_signature(core, prefix="")),
                "read": Out(1),
                "address": Out(index_shape(core.bank_depth)),
                "row_valid": Out(1),
                "row": Out(index_shape(core.rows)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core, load = self._core, self.load
        row = Signal(index_shape(core.rows))
        with m.If(load.start & ~load.busy):
            m.d.sync += [self.read.eq(1), row.eq(0), load.busy.eq(1), load.complete.eq(0)]
            # A table of the first addresses: a product would take a multiplier.
            with m.Switch(load.chunk):
                for chunk in range(core.chunks):
                    with m.Case(chunk):
                        m.d.sync += self.address.eq(chunk * core.rows)
        with m.Elif(load.taken):
            m.d.sync += load.complete.eq(0)
        with m.If(self.read):
            m.d.sync += [row.eq(row + 1), self.address.eq(self.address + 1)]
            with m.If(row == core.rows - 1):
                m.d.sync += self.read.eq(0)

        # The row number and its validity travel beside the bus and the banks' pipeline.
        width = len(row)
        stages = Signal(core.loader_latency * (width + 1))
        m.d.sync += stages.eq(Cat(self.read, row, stages)[: len(stages)])
        at_banks = len(stages) - (core.loader_latency - core.bank_latency) * (width + 1)
        m.d.comb += Cat(self.row_valid, self.row).eq(stages[at_banks - (width + 1) : at_banks])
        # One stage earlier than the last row on the bus, so that `complete` rises together with it.
        before = stages[-2 * (width + 1) : len(stages) - (width + 1)]
        with m.If(before[0] & (before[1:] == core.rows - 1)):
            m.d.sync += [load.busy.eq(0), load.complete.eq(1)]
        return m
