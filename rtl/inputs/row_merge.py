"""Row merge: puts input codes into the rows of a load, where the program says that a cell has an input."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.core.weight_word import field_place


class RowMerge(wiring.Component):
    """Replaces the field code minus zero, which marks a cell with an input, by that cell's code.

    Minus zero is no code. In a load that does not merge it becomes 0, so that it never reaches the array.

    Latency: one cycle. Throughput: a row per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    row : In(cols x word_bits)
        Of the banks, corrected.
    strobe : In(1)
        It is a row of a load.
    merge : In(1)
        The load merges.
    codes, bad : In
        Of the same row, as in `InputMemory`.
    data : Out(cols x word_bits)
        The row for the array, one cycle later.
    data_strobe : Out(1)
        ``strobe``, one cycle later.
    fault : Out(1)
        With ``data_strobe``: a code that was put in has the wrong parity.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "row": In(core.row_bits),
                "strobe": In(1),
                "merge": In(1),
                "codes": In(core.cols * core.field_dac.bits),
                "bad": In(core.cols),
                "data": Out(core.row_bits),
                "data_strobe": Out(1),
                "fault": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core, bits = self._core, self._core.field_dac.bits
        first, behind = field_place(core)
        marked = Signal(core.cols)
        merged = []
        for column in range(core.cols):
            word = self.row[column * core.word_bits : (column + 1) * core.word_bits]
            field = Signal(bits, name=f"field_{column}")
            code = Signal(bits, name=f"code_{column}")
            m.d.comb += [
                field.eq(word[first:behind]),
                marked[column].eq(field == 1 << (bits - 1)),
                code.eq(Mux(self.merge, self.codes[column * bits : (column + 1) * bits], 0)),
            ]
            merged += [word[:first], Mux(marked[column], code, field), word[behind:]]
        m.d.sync += [
            self.data.eq(Cat(merged)),
            self.data_strobe.eq(self.strobe),
            self.fault.eq(self.strobe & self.merge & (marked & self.bad).any()),
        ]
        return m
