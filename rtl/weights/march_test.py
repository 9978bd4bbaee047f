"""March test: the self-test of the weight memory."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.data import ArrayLayout, StructLayout
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.weights.fault_collector import collector_latency
from oscc.rtl.weights.weight_bus import COMPARE_STAGES, READ_STAGES, bus_word_bits

ELEMENTS = 6
"""March elements of March C-."""

OPERATIONS = 10
"""Operations of March C- per address."""

WORD_DELAY = COMPARE_STAGES[0]
"""Cycles from an operation to its word on the write bus: a word that is read is compared then, so that both kinds of
operation wait as long."""

REST = WORD_DELAY - READ_STAGES[1]
"""Cycles of rest after an element: a read that began in them could reach a memory together with the write before it."""


class MarchTest(wiring.Component):
    """Writes and reads every bit of every bank by March C-, all banks at once, with several data backgrounds.

    March C- is up(w0); up(r0, w1); up(r1, w0); down(r0, w1); down(r1, w0); down(r0), where up and down are the orders
    of the addresses, w0 writes the background and w1 its complement, r0 and r1 expect them. It finds all stuck-at,
    transition and address decoder faults, and coupling between cells of different words (A. J. van de Goor, Using march
    tests to test SRAMs, IEEE Design & Test of Computers 10(1), 1993). Coupling inside a word needs, for any two bits of
    a word, a background in which they differ: besides the solid one, ceil(log2(bits)) with 0101.., 0011.., 00001111..
    (A. J. van de Goor and I. B. S. Tlili, March tests for word-oriented memories, DATE 1998). The solid one comes last:
    what it leaves behind is zeros, which are words of the code.

    The words are those of the memories, not of the decoders. Of an operation in cycle t, the address of a read is given
    in cycle t; the word that is expected or written is on the write bus in cycle t + `WORD_DELAY`, in which a word that
    was read is compared. No word is written and read in one cycle.

    Latency: with ``start`` in cycle t and no ``hold``, ``done`` comes in cycle t + `self_test_cycles`, when all
    findings are counted. Throughput: an operation per cycle, and `REST` cycles after each element.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
        Ignored while ``busy``.
    halt : In(1)
        End, without ``done``; nothing is read or written in the cycles after it.
    hold : In(1)
        The first operation waits until this is low; it must stay low from then on.
    read, read_address : Out
    write, write_address : Out
        Write the word to all banks.
    word : Out(bus_word_bits(core))
    busy : Out(1)
        From the cycle after ``start`` to the one before ``done``.
    done : Out(1)
        High for one cycle.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "halt": In(1),
                "hold": In(1),
                "read": Out(1),
                "read_address": Out(index_shape(core.bank_depth)),
                "write": Out(1),
                "write_address": Out(index_shape(core.bank_depth)),
                "word": Out(bus_word_bits(core)),
                "busy": Out(1),
                "done": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        last_background, last_address = backgrounds(core) - 1, core.bank_depth - 1

        # The operation of this cycle.
        waiting = Signal()
        working = Signal()
        resting = Signal(range(REST + 1))
        background = Signal(range(last_background + 1))
        element = Signal(range(ELEMENTS))
        second = Signal()
        address = self.read_address
        pair = Signal()
        down = Signal()
        at_end = Signal()
        operates = Signal()
        writes = Signal()
        inverted = Signal()
        m.d.comb += [
            pair.eq((element != 0) & (element != ELEMENTS - 1)),
            down.eq(element >= ELEMENTS // 2),
            at_end.eq(Mux(down, address == 0, address == last_address)),
            operates.eq(working & (resting == 0)),
            writes.eq((element == 0) | second),
            inverted.eq(second ^ ((element == 2) | (element == 4))),
            self.read.eq(operates & ~writes),
        ]
        # After the last operation: the way of its findings and the rest of an element, less the cycle by which the
        # first operation waits.
        last_settling = core.loader_latency + collector_latency(core) + REST - 2
        settling = Signal(range(last_settling + 1))
        m.d.sync += self.done.eq(0)
        with m.If(resting != 0):
            m.d.sync += resting.eq(resting - 1)
        with m.If(waiting & ~self.hold):
            m.d.sync += [waiting.eq(0), working.eq(1)]
        with m.If(operates):
            with m.If(pair & ~second):
                m.d.sync += second.eq(1)
            with m.Else():
                m.d.sync += [second.eq(0), address.eq(Mux(down, address - 1, address + 1))]
                with m.If(at_end):
                    m.d.sync += [resting.eq(REST), element.eq(element + 1)]
                    m.d.sync += address.eq(Mux(element >= ELEMENTS // 2 - 1, last_address, 0))
                    with m.If(element == ELEMENTS - 1):
                        m.d.sync += [element.eq(0), address.eq(0), background.eq(background - 1)]
                        with m.If(background == 0):
                            m.d.sync += [working.eq(0), settling.eq(last_settling)]
        with m.If(self.busy & ~waiting & ~working):
            m.d.sync += settling.eq(settling - 1)
            with m.If(settling == 1):
                m.d.sync += [self.busy.eq(0), self.done.eq(1)]

        operation = {"write": writes, "complemented": inverted, "background": background, "address": address}
        waiting_operations = self._write(m, operates, operation)

        with m.If(self.start & ~self.busy):
            m.d.sync += [self.busy.eq(1), waiting.eq(1), background.eq(last_background)]
            m.d.sync += [element.eq(0), second.eq(0), address.eq(0)]
        with m.If(self.halt):
            m.d.sync += [signal.eq(0) for signal in (self.busy, waiting, working, resting, self.write, self.done)]
            m.d.sync += [operation.valid.eq(0) for operation in waiting_operations]
        return m

    def _write(self, m: Module, operates: Value, operation: Mapping[str, Value]) -> Any:
        """Put the word of each operation on the write bus in its cycle; return the operations that wait for theirs.

        What a word is made of waits, not the word.
        """
        layout = StructLayout({"valid": 1, **{name: len(value) for name, value in operation.items()}})
        waiting_operations = Signal(ArrayLayout(layout, WORD_DELAY - 1))
        youngest, oldest = waiting_operations[0], waiting_operations[WORD_DELAY - 2]
        m.d.sync += [after.eq(before) for before, after in pairwise(waiting_operations)]
        m.d.sync += youngest.valid.eq(operates)
        with m.If(operates):
            m.d.sync += [youngest[name].eq(value) for name, value in operation.items()]
        m.d.sync += self.write.eq(oldest.valid & oldest.write)
        with m.If(oldest.valid):
            m.d.sync += [self.word.eq(_pattern(oldest.background, oldest.complemented, len(self.word)))]
            m.d.sync += self.write_address.eq(oldest.address)

        return waiting_operations


def backgrounds(core: CoreSpec) -> int:
    """Count the data backgrounds of the self-test: the solid one and ceil(log2(`bus_word_bits`)) striped ones."""
    return 1 + (bus_word_bits(core) - 1).bit_length()


def background_word(number: int, bits: int) -> int:
    """Return a data background.

    Parameters
    ----------
    number : int
        0 is solid; in ``number`` n, stripes of 2^(n - 1) zeros and as many ones alternate from bit 0 up.
    bits : int
    """
    return sum(1 << bit for bit in range(bits) if number and (bit >> (number - 1)) & 1)


def self_test_cycles(core: CoreSpec) -> int:
    """Count the cycles from ``start`` to ``done`` of a self-test that need not wait.

    backgrounds x (10 x bank_depth + 12) + loader_latency + collector_latency: an operation per cycle, two cycles of
    rest after each of the six elements, and the way of the last finding.
    """
    operations = backgrounds(core) * (OPERATIONS * core.bank_depth + ELEMENTS * REST)
    return operations + core.loader_latency + collector_latency(core)


def _pattern(background: Value, complemented: Value, bits: int) -> Value:
    """Return the background of a number, or its complement."""
    word = complemented.replicate(bits)
    for number in range(1, 1 + (bits - 1).bit_length()):
        word = word ^ ((background == number).replicate(bits) & Const(background_word(number, bits), bits))
    return word
