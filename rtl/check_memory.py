"""The check bits of neighbouring columns, in one memory."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import CoreSpec
from oscc.rtl.shapes import index_shape
from oscc.rtl.weight_bus import CHECK_COLUMNS, TWIN, UNSHARED

LANE_BITS = 9
"""Width that a lane of a check memory is padded to a multiple of.

Block RAMs of FPGAs write bytes of 9 bits under an enable of their own. With lanes of 9 bits, four columns fill the 36
bits of one block of an ECP5 exactly; lanes of other widths would be spread over more.
"""


class CheckMemory(wiring.Component):
    """A memory of ``bank_depth`` words that hold the SECDED check bits of up to `CHECK_COLUMNS` columns side by side.

    Latency: a written part can be read from the next cycle on; a read takes 2 cycles: local address register, memory.
    Throughput: one write and one read per cycle, the write to any of the columns.

    Parameters
    ----------
    core : CoreSpec
        With protection.
    columns : int
        How many share this memory: at most `CHECK_COLUMNS`.

    Members
    -------
    write_enable : In(columns)
    write_address : In(range(bank_depth))
    write_checks : In(columns x check_bits)
        The first column in the lowest bits.
    read_address : In(range(bank_depth))
    read_stages : In(2)
        Enables of the address register and of the memory.
    read_checks : Out(columns x check_bits)
    """

    def __init__(self, core: CoreSpec, columns: int) -> None:
        if columns > CHECK_COLUMNS:
            raise ValueError(f"{columns} columns; at most {CHECK_COLUMNS} share a check memory")
        self._core = core
        self._columns = columns
        super().__init__(
            {
                "write_enable": In(columns),
                "write_address": In(index_shape(core.bank_depth)),
                "write_checks": In(columns * core.check_bits),
                "read_address": In(index_shape(core.bank_depth)),
                "read_stages": In(2),
                "read_checks": Out(columns * core.check_bits),
            }
        )
        self._lane = lane_bits(core)
        self.memory = Memory(shape=columns * self._lane, depth=max(2, core.bank_depth), init=[], attrs=UNSHARED)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        bits, lane = self._core.check_bits, self._lane
        m.submodules.memory = self.memory
        write, read = self.memory.write_port(granularity=lane), self.memory.read_port()
        read.addr.attrs.update(TWIN)
        m.d.comb += [
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_address),
            write.data.eq(
                Cat(
                    Cat(self.write_checks[column * bits : (column + 1) * bits], Const(0, lane - bits))
                    for column in range(self._columns)
                )
            ),
            read.en.eq(self.read_stages[1]),
            self.read_checks.eq(Cat(read.data[column * lane :][:bits] for column in range(self._columns))),
        ]
        with m.If(self.read_stages[0]):
            m.d.sync += read.addr.eq(self.read_address)
        return m


def lane_bits(core: CoreSpec) -> int:
    """Bits that a column takes in a check memory, padding included."""
    return -(-core.check_bits // LANE_BITS) * LANE_BITS
