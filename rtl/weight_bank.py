"""One bank of the weight memory: the codes of one column of cells, for all chunks."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import READ_LATENCY, CoreSpec
from oscc.rtl.secded import SecdedDecoder
from oscc.rtl.shapes import index_shape
from oscc.rtl.weight_bus import TWIN, UNSHARED

COMPARED_BITS = 8
"""Bits of a word that the first stage of a comparison takes together."""


class WeightBank(wiring.Component):
    """A memory of ``bank_depth`` words with one write and one read port, and the decoder of what is read.

    The check bits of a word are kept outside, in a `CheckMemory` that takes the same addresses in the same cycles.

    Latency: a written word can be read from the next cycle on; a read takes `READ_LATENCY` cycles: local address
    register, memory, syndrome, correction. Throughput: one write and one read per cycle. The local address register
    keeps the fan-out of the row address off the memories' path.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    write_enable, write_all : In(1)
        Either writes ``write_word``.
    repair : In(1)
        Write the word that stands at ``read_data`` instead, when it was corrected. Never together with the other two.
    write_address : In(range(bank_depth))
    write_word : In(word_bits + check_bits)
        Check bits above the data, as `SecdedEncoder` makes them.
    read_address : In(range(bank_depth))
    read_stages : In(4)
        Enables of the stages of a read: address register, memory, syndrome, correction; bit i is high i cycles after
        the address was given. A stage that is not enabled keeps its content, so an idle bank does not toggle.
    compare : In(2)
        Enables of the two stages of a comparison of the memory's word, as it is, with ``write_word``: bit 0 in the
        cycle of the syndrome, bit 1 in that of the correction.
    read_data : Out(word_bits)
        Corrected.
    corrected, uncorrectable : Out(1)
        What was found in ``read_data``'s word, in the same cycle; always 0 without protection.
    mismatch : Out(1)
        The last comparison failed; in the cycle in which ``read_data`` of that word would appear.
    check_enable : Out(1)
        To the check memory, as are the two below; they are there with protection only.
    write_checks : Out(check_bits)
    read_checks : In(check_bits)
        Of the word that the memory gives in this cycle.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        members = {
            "write_enable": In(1),
            "write_all": In(1),
            "repair": In(1),
            "write_address": In(index_shape(core.bank_depth)),
            "write_word": In(core.word_bits + core.check_bits),
            "read_address": In(index_shape(core.bank_depth)),
            "read_stages": In(READ_LATENCY),
            "compare": In(2),
            "read_data": Out(core.word_bits),
            "corrected": Out(1),
            "uncorrectable": Out(1),
            "mismatch": Out(1),
        }
        if core.check_bits:
            members |= {
                "check_enable": Out(1),
                "write_checks": Out(core.check_bits),
                "read_checks": In(core.check_bits),
            }
        super().__init__(members)
        # A memory of one word would have an address without bits, which Verilog cannot express.
        self.memory = Memory(shape=core.word_bits, depth=max(2, core.bank_depth), init=[], attrs=UNSHARED)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        m.submodules.memory = self.memory
        write, read = self.memory.write_port(), self.memory.read_port()
        read.addr.attrs.update(TWIN)
        m.d.comb += [write.addr.eq(self.write_address), read.en.eq(self.read_stages[1])]
        with m.If(self.read_stages[0]):
            m.d.sync += read.addr.eq(self.read_address)

        given = [read.data]
        if core.protection == "secded":
            m.submodules.decoder = decoder = SecdedDecoder(core.word_bits)
            enable = self.write_enable | self.write_all | (self.repair & decoder.corrected)
            m.d.comb += [
                decoder.word.eq(Cat(read.data, self.read_checks)),
                decoder.check.eq(self.read_stages[2]),
                decoder.correct.eq(self.read_stages[3]),
                self.read_data.eq(decoder.data),
                self.corrected.eq(decoder.corrected),
                self.uncorrectable.eq(decoder.uncorrectable),
                write.en.eq(enable),
                write.data.eq(Mux(self.repair, decoder.data, self.write_word[: core.word_bits])),
                self.check_enable.eq(enable),
                self.write_checks.eq(Mux(self.repair, decoder.checks, self.write_word[core.word_bits :])),
            ]
            given.append(self.read_checks)
        else:
            # The same latency as with protection, so that timing does not depend on it.
            waiting = Signal(core.word_bits)
            with m.If(self.read_stages[2]):
                m.d.sync += waiting.eq(read.data)
            with m.If(self.read_stages[3]):
                m.d.sync += self.read_data.eq(waiting)
            m.d.comb += [write.en.eq(self.write_enable | self.write_all), write.data.eq(self.write_word)]

        # A few bits at a time: behind the memory there is no time for a comparison of whole words.
        differing, start = [], 0
        for value in given:
            differing += _differing(value, self.write_word[start : start + len(value)])
            start += len(value)
        parts = Signal(len(differing))
        with m.If(self.compare[0]):
            m.d.sync += parts.eq(Cat(differing))
        with m.If(self.compare[1]):
            m.d.sync += self.mismatch.eq(parts.any())
        return m


def _differing(one: Value, other: Value) -> list[Value]:
    """Whether two values differ, `COMPARED_BITS` at a time."""
    starts = range(0, len(one), COMPARED_BITS)
    return [one[start : start + COMPARED_BITS] != other[start : start + COMPARED_BITS] for start in starts]
