"""Stream window: the program and image streams of a core as registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.registers import ADDRESS_BITS, Register
from oscc.core.spec import CoreSpec
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.program_stream import program_stream_signature
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.wrappers.window_map import (
    IMAGE_DATA,
    PROGRAM_DATA,
    PROGRAM_LAST,
    STREAM_RESTART,
    STREAM_STATUS,
    WINDOW_BASE,
)

WORD_BITS = 32
"""Width of the bus."""


class StreamWindow(wiring.Component):
    """Turns words that are written into beats of a program, and beats of images into words that are read.

    No access waits. One that makes no sense now is refused and changes nothing: a program word while the core accepts
    none, a read while there is no beat, an address without a register, a write of single bytes. Latency: an access is
    answered in its cycle; a beat is offered one cycle after its last word. Throughput: an access per cycle, but the
    first word of a beat two cycles behind the last one of the beat before.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    strobe : In(1)
        An access in this cycle.
    write : In(1)
    address : In(10)
        Word address within the window.
    data : In(32)
    whole : In(1)
        The access writes all bytes of the word.
    word : Out(32)
        What is read.
    refused : Out(1)
        With ``strobe``.
    program : Out(program_stream_signature(core))
    images : In(image_stream_signature(core))
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "strobe": In(1),
                "write": In(1),
                "address": In(ADDRESS_BITS - 2),
                "data": In(WORD_BITS),
                "whole": In(1),
                "word": Out(WORD_BITS),
                "refused": Out(1),
                "program": Out(program_stream_signature(core)),
                "images": In(image_stream_signature(core)),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        writes = Signal()
        reads = Signal()
        room = Signal()
        restart = Signal()
        m.d.comb += [
            writes.eq(self.strobe & self.write & self.whole),
            reads.eq(self.strobe & ~self.write),
            # A core that takes no beats now would keep one for the next load, which it does not belong to.
            room.eq(self.program.ready & ~self.program.valid),
            restart.eq(writes & self._addressed(STREAM_RESTART)),
        ]
        put = self._write_program(m, writes, room, restart & self.data[0])
        take = self._read_images(m, reads, restart & self.data[1])
        asked = reads & self._addressed(STREAM_STATUS)
        m.d.comb += self.refused.eq(~(restart | put | take | asked))
        self._give_out(m, room)
        return m

    def _addressed(self, register: Register) -> Value:
        """Return whether the address is that of a register."""
        return self.address == (register.address - WINDOW_BASE) // 4

    def _write_program(self, m: Module, writes: Signal, room: Signal, restart: Value) -> Signal:
        """Gather words into a beat and offer it; return whether a word is taken in this cycle."""
        words = self._core.stream_width // WORD_BITS
        program_position = Signal(index_shape(words))
        completes = Signal()
        ends = Signal()
        put = Signal()
        m.d.comb += [
            completes.eq(program_position == words - 1),
            ends.eq(self._addressed(PROGRAM_LAST)),
            put.eq(writes & room & (self._addressed(PROGRAM_DATA) | (ends & completes))),
        ]
        with m.If(self.program.ready):
            m.d.sync += self.program.valid.eq(0)
        with m.If(put):
            # Words shift in from the top: when the last one arrives, the first has reached the bottom.
            m.d.sync += self.program.data.eq(Cat(self.program.data, self.data)[WORD_BITS:])
            m.d.sync += program_position.eq(Mux(completes, 0, program_position + 1))
            m.d.sync += [self.program.valid.eq(completes), self.program.last.eq(ends)]
        with m.If(restart | ~self.program.ready):
            m.d.sync += program_position.eq(0)
        return put

    def _read_images(self, m: Module, reads: Signal, restart: Value) -> Signal:
        """Give a beat out word by word and take it with its last one; return whether one is read in this cycle."""
        words = self._core.stream_width // WORD_BITS
        image_position = Signal(index_shape(words))
        image_word = Signal(WORD_BITS)
        exhausts = Signal()
        take = Signal()
        with m.Switch(image_position):
            for index in range(words):
                with m.Case(index) if index < words - 1 else m.Default():
                    m.d.comb += image_word.eq(self.images.data[WORD_BITS * index : WORD_BITS * (index + 1)])
        with m.If(self._addressed(IMAGE_DATA)):
            m.d.comb += self.word.eq(image_word)
        m.d.comb += [
            take.eq(reads & self._addressed(IMAGE_DATA) & self.images.valid),
            exhausts.eq(image_position == words - 1),
            self.images.ready.eq(take & exhausts),
        ]
        with m.If(take):
            m.d.sync += image_position.eq(Mux(exhausts, 0, image_position + 1))
        with m.If(restart):
            m.d.sync += image_position.eq(0)
        return take

    def _give_out(self, m: Module, room: Signal) -> None:
        """Give the status out: the fields in their order, with what lies between them."""
        images = self.images
        flags = (room, images.valid, images.valid & images.last, images.valid & images.user)
        between = Const(0, STREAM_STATUS.field("image_keep").low - len(flags))
        with m.If(self._addressed(STREAM_STATUS)):
            m.d.comb += self.word.eq(Cat(*flags, between, images.keep & images.valid.replicate(len(images.keep))))
