"""Weight bank: the codes of neighbouring columns of cells, for all chunks, and the check bits that they share."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.memories.sram import Sram1R1W
from oscc.rtl.weights.secded import SecdedDecoder
from oscc.rtl.weights.weight_bus import CHECK_COLUMNS, TWIN, weight_bus_signature

LANE_BITS = 9
"""Width to a multiple of which a column's part of a check memory is padded.

Block RAMs of FPGAs write bytes of 9 bits, each under an enable of its own: with parts of 9 bits, four columns fill the
36 bits of an ECP5 block, and each of them is written alone.
"""

COMPARED_BITS = 4
"""Bits of a word that the first stage of a comparison takes together."""


class WeightBank(wiring.Component):
    """A memory of ``bank_depth`` words per column, and one for the check bits of all its columns.

    Every memory has one write and one read port; reads are decoded and corrected. Every memory has an address register
    of its own, which keeps the fan-out of the row address off the memories' path.

    Latency: a written word can be read from the next cycle on; a read takes ``READ_LATENCY`` cycles: local address
    register, memory, register, syndrome, correction. Throughput: one write and one read per cycle.

    Parameters
    ----------
    core : CoreSpec
    columns : int
        At most `CHECK_COLUMNS`.

    Members
    -------
    bus : In(weight_bus_signature(core, columns))
    row_data : Out(columns x word_bits)
        Corrected; the first column in the lowest bits.
    corrected, uncorrectable : Out(columns)
        What was found in the words of ``row_data``, in the same cycle; always 0 without protection.
    mismatch : Out(columns)
        The last comparison failed; in the cycle in which ``row_data`` of those words would appear.
    <pin>
        As in `memory_pin_members`: the memories of the data words in the order of the columns, then the check bits'.
    """

    def __init__(self, core: CoreSpec, columns: int = CHECK_COLUMNS) -> None:
        self._core = core
        self._columns = columns
        super().__init__(
            {
                "bus": In(weight_bus_signature(core, columns)),
                "row_data": Out(columns * core.word_bits),
                "corrected": Out(columns),
                "uncorrectable": Out(columns),
                "mismatch": Out(columns),
                **memory_pin_members(core),
            }
        )
        # A memory of one word would have an address without bits, which Verilog cannot express.
        depth = max(2, core.bank_depth)
        self.memories = tuple(Sram1R1W(depth, core.word_bits) for _ in range(columns))
        """The data words of each column."""
        self.checks: Sram1R1W | None = None
        """The check bits of all columns, each column's at a multiple of `lane_bits`; none without protection."""
        if core.check_bits:
            self.checks = Sram1R1W(depth, columns * lane_bits(core), lane_bits(core))

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core, bus = self._core, self.bus
        memories = list(self.memories)
        for number, memory in enumerate(memories):
            m.submodules[f"memory_{number}"] = memory
        if self.checks is not None:
            m.submodules.check_memory = self.checks
            memories.append(self.checks)
        chain_pins(m, self, memories)
        words = []
        for number, memory in enumerate(memories):
            address = Signal.like(bus.read_address, name=f"read_address_{number}", attrs=TWIN)
            # A block RAM takes most of a cycle to give its word. It keeps it while it is not read: no enable is needed.
            word = Signal(memory.bits, name=f"word_{number}", reset_less=True)
            with m.If(bus.read_stages[0]):
                m.d.sync += address.eq(bus.read_address)
            m.d.sync += word.eq(memory.read_data)
            m.d.comb += [
                memory.read_enable.eq(bus.read_stages[1]),
                memory.read_address.eq(address),
                memory.write_address.eq(bus.write_address),
            ]
            words.append(word)
        check_bits, lane = core.check_bits, lane_bits(core)
        stored_checks: list[Value] = [Const(0, 0)] * self._columns
        if self.checks is not None:
            stored_checks = [words[-1][column * lane :][:check_bits] for column in range(self._columns)]

        row, lanes = [], []
        enables = Signal(self._columns)
        for column in range(self._columns):
            first_check = core.word_bits + column * check_bits
            stored = Signal(core.word_bits + check_bits, name=f"stored_{column}")
            given = Signal(core.word_bits + check_bits, name=f"given_{column}")
            m.d.comb += [
                stored.eq(Cat(words[column], stored_checks[column])),
                given.eq(Cat(bus.write_word[: core.word_bits], bus.write_word[first_check : first_check + check_bits])),
                memories[column].write_enable.eq(enables[column]),
            ]
            self._compare(m, column, stored, given)
            enable = bus.write_enable[column] | bus.write_all
            if self.checks is None:
                row.append(self._delay(m, column, stored))
                m.d.comb += [enables[column].eq(enable), memories[column].write_data.eq(given)]
                continue
            m.submodules[f"decoder_{column}"] = decoder = SecdedDecoder(core.word_bits)
            row.append(decoder.data)
            written = Signal(core.word_bits + check_bits, name=f"written_{column}")
            lanes.append(Cat(written[core.word_bits :], Const(0, lane - check_bits)))
            m.d.comb += [
                decoder.word.eq(stored),
                decoder.check.eq(bus.read_stages[2]),
                decoder.correct.eq(bus.read_stages[3]),
                self.corrected[column].eq(decoder.corrected),
                self.uncorrectable[column].eq(decoder.uncorrectable),
                enables[column].eq(enable | (bus.repair & decoder.corrected)),
                written.eq(Mux(bus.repair, Cat(decoder.data, decoder.checks), given)),
                memories[column].write_data.eq(written[: core.word_bits]),
            ]
        m.d.comb += self.row_data.eq(Cat(row))
        if self.checks is not None:
            m.d.comb += [
                self.checks.write_enable.eq(enables.any()),
                self.checks.write_mask.eq(enables),
                self.checks.write_data.eq(Cat(lanes)),
            ]
        return m

    def _delay(self, m: Module, column: int, stored: Value) -> Value:
        """Return the word as late as a decoder gives it, so that timing does not depend on the protection."""
        waiting = Signal.like(stored, name=f"waiting_{column}")
        data = Signal.like(stored, name=f"data_{column}")
        with m.If(self.bus.read_stages[2]):
            m.d.sync += waiting.eq(stored)
        with m.If(self.bus.read_stages[3]):
            m.d.sync += data.eq(waiting)
        return data

    def _compare(self, m: Module, column: int, stored: Value, given: Value) -> None:
        """Compare a few bits at a time first: a whole word would take too many levels of logic for a cycle."""
        starts = range(0, len(stored), COMPARED_BITS)
        differing = Signal(len(starts), name=f"differing_{column}")
        with m.If(self.bus.compare[0]):
            m.d.sync += differing.eq(
                Cat(stored[start : start + COMPARED_BITS] != given[start : start + COMPARED_BITS] for start in starts)
            )
        with m.If(self.bus.compare[1]):
            m.d.sync += self.mismatch[column].eq(differing.any())


def lane_bits(core: CoreSpec) -> int:
    """Count the bits that a column takes in a check memory, padding included."""
    return -(-core.check_bits // LANE_BITS) * LANE_BITS
