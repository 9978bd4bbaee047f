"""Input memory: two vectors of field codes, a cell's code where the cell is, each with a parity bit."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.memories.sram import Sram1R1W
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.weights.weight_bank import LANE_BITS
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS

BUFFERS = 2
"""Vectors that the memory holds: the present one, and the one that arrives."""

INPUT_READ_LATENCY = 3
"""Cycles from a row's number to its codes: address register, memory, register."""


class InputMemory(wiring.Component):
    """Field codes of all cells, in two buffers; a memory for every `CHECK_COLUMNS` columns, a word for every row.

    A column's part of a word is `LANE_BITS` wide, so that it can be written alone, and holds the code and a parity bit:
    the number of ones in both is odd, and that of a memory of zeros is wrong. A memory is not cleared.

    Latency: codes come `INPUT_READ_LATENCY` cycles after their row's number and stay until the next ones. A code that
    is written in cycle t is read with a number given in cycle t + 1 or later; what a number of the same row and buffer
    gives that is given in cycle t is undefined. Throughput: a row is read and a code written per cycle.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write : In(1)
    write_buffer : In(1)
    write_row : In(range(rows))
    write_column : In(range(cols))
    write_code : In(field bits)
    read : In(1)
    read_buffer : In(1)
    read_row : In(range(rows))
    codes : Out(cols x field bits)
        Column 0 in the lowest bits.
    bad : Out(cols)
        Columns whose code has the wrong parity; with ``codes``.
    <pin>
        As in `memory_pin_members`, in the order of the columns.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        self._bits = core.field_dac.bits
        super().__init__(
            {
                "write": In(1),
                "write_buffer": In(1),
                "write_row": In(index_shape(core.rows)),
                "write_column": In(index_shape(core.cols)),
                "write_code": In(self._bits),
                "read": In(1),
                "read_buffer": In(1),
                "read_row": In(index_shape(core.rows)),
                "codes": Out(core.cols * self._bits),
                "bad": Out(core.cols),
                **memory_pin_members(core),
            }
        )
        self.memories = tuple(
            Sram1R1W(BUFFERS * core.rows, LANE_BITS * min(CHECK_COLUMNS, core.cols - first), LANE_BITS)
            for first in range(0, core.cols, CHECK_COLUMNS)
        )
        """By column: `CHECK_COLUMNS` columns each, the last one those that are left."""

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core, bits = self._core, self._bits
        write = Signal(core.cols)
        write_address = Signal(range(BUFFERS * core.rows))
        write_lane = Signal(LANE_BITS)
        read = Signal(2)
        read_address = Signal(range(BUFFERS * core.rows))
        with m.If(self.write):
            m.d.sync += [
                write_address.eq(self.write_row + core.rows * self.write_buffer),
                write_lane.eq(Cat(self.write_code, ~self.write_code.xor())),
            ]
        with m.If(self.read):
            m.d.sync += read_address.eq(self.read_row + core.rows * self.read_buffer)
        m.d.sync += read.eq(Cat(self.read, read))
        for column in range(core.cols):
            m.d.sync += write[column].eq(self.write & (self.write_column == column))
        for group, memory in enumerate(self.memories):
            m.submodules[f"memory_{group * CHECK_COLUMNS}"] = memory
            columns = range(group * CHECK_COLUMNS, min((group + 1) * CHECK_COLUMNS, core.cols))
            enables = write[columns.start : columns.stop]
            m.d.comb += [
                memory.write_enable.eq(enables.any()),
                memory.write_mask.eq(enables),
                memory.write_address.eq(write_address),
                memory.write_data.eq(write_lane.replicate(len(columns))),
                memory.read_enable.eq(read[0]),
                memory.read_address.eq(read_address),
            ]
            for lane, column in enumerate(columns):
                stored = Signal(bits + 1, name=f"stored_{column}")
                m.d.comb += stored.eq(memory.read_data[lane * LANE_BITS :][: bits + 1])
                with m.If(read[1]):
                    m.d.sync += [
                        self.codes[column * bits : (column + 1) * bits].eq(stored[:bits]),
                        self.bad[column].eq(~stored.xor()),
                    ]
        chain_pins(m, self, self.memories)
        return m
