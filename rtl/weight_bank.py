"""One bank of the weight memory: the codes of one column of cells, for all chunks."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import CoreSpec
from oscc.rtl.secded import SecdedDecoder
from oscc.rtl.shapes import index_shape

READ_LATENCY = 4
"""Cycles from an address to its word: local address register, memory, syndrome, correction."""


class WeightBank(wiring.Component):
    """A memory of ``bank_depth`` protected words with one write and one read port.

    Latency: a written word can be read from the next cycle on; a read takes `READ_LATENCY` cycles. Throughput: one
    write and one read per cycle. The local address register keeps the fan-out of the row address off the memories'
    path.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write_enable : In(1)
    write_address : In(range(bank_depth))
    write_word : In(word_bits + check_bits)
        Check bits above the data, as `SecdedEncoder` makes them.
    read_address : In(range(bank_depth))
    read_stages : In(4)
        Enables of the stages of a read: address register, memory, syndrome, correction; bit i is high i cycles after
        the address was given. A stage that is not enabled keeps its content, so an idle bank does not toggle.
    read_data : Out(word_bits)
        Corrected.
    corrected, uncorrectable : Out(1)
        What was found in ``read_data``'s word, in the same cycle.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "write_enable": In(1),
                "write_address": In(index_shape(core.bank_depth)),
                "write_word": In(core.word_bits + core.check_bits),
                "read_address": In(index_shape(core.bank_depth)),
                "read_stages": In(READ_LATENCY),
                "read_data": Out(core.word_bits),
                "corrected": Out(1),
                "uncorrectable": Out(1),
            }
        )
        # A memory of one word would have an address without bits, which Verilog cannot express.
        self.memory = Memory(shape=core.word_bits + core.check_bits, depth=max(2, core.bank_depth), init=[])

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        m.submodules.memory = self.memory
        write, read = self.memory.write_port(), self.memory.read_port()
        m.d.comb += [
            write.en.eq(self.write_enable),
            write.addr.eq(self.write_address),
            write.data.eq(self.write_word),
            read.en.eq(self.read_stages[1]),
        ]
        with m.If(self.read_stages[0]):
            m.d.sync += read.addr.eq(self.read_address)
        if core.protection == "secded":
            m.submodules.decoder = decoder = SecdedDecoder(core.word_bits)
            m.d.comb += [
                decoder.word.eq(read.data),
                decoder.check.eq(self.read_stages[2]),
                decoder.correct.eq(self.read_stages[3]),
                self.read_data.eq(decoder.data),
                self.corrected.eq(decoder.corrected),
                self.uncorrectable.eq(decoder.uncorrectable),
            ]
        else:
            # The same latency as with protection, so that timing does not depend on it.
            waiting = Signal(core.word_bits)
            with m.If(self.read_stages[2]):
                m.d.sync += waiting.eq(read.data)
            with m.If(self.read_stages[3]):
                m.d.sync += self.read_data.eq(waiting)
        return m
