"""Stream window: the program and image streams of a core as registers."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
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
        room = Signal()
        # A core that takes no beats now would keep one for the next load, which it does not belong to.
        m.d.comb += room.eq(self.program.ready & ~self.program.valid)
        restart = self._written(STREAM_RESTART)
        put = self._write_program(m, room, restart & self.data[0])
        take = self._read_images(m, restart & self.data[1])
        self._answer(m, room, Cat(restart, put, take).any())
        return m

    def _written(self, register: Register) -> object:
        """Return whether a register is written as a whole in this cycle."""
        return self.strobe & self.write & self.whole & (self.address == _word_address(register))

    def _write_program(self, m: Module, room: Signal, restart: object) -> Signal:
        """Gather words into a beat and offer it; return whether a word is taken in this cycle."""
        words = self._core.stream_width // WORD_BITS
        position = Signal(index_shape(words), name="program_position")
        put, completes, last = Signal(name="put"), Signal(name="completes"), Signal(name="put_last")
        m.d.comb += [
            completes.eq(position == words - 1),
            last.eq(self._written(PROGRAM_LAST)),
            put.eq(room & (self._written(PROGRAM_DATA) | (last & completes))),
        ]
        with m.If(self.program.ready):
            m.d.sync += self.program.valid.eq(0)
        with m.If(put):
            # Words shift in from the top: when the last one arrives, the first has reached the bottom.
            m.d.sync += self.program.data.eq(Cat(self.program.data, self.data)[WORD_BITS:])
            m.d.sync += [position.eq(Mux(completes, 0, position + 1)), self.program.valid.eq(completes)]
            m.d.sync += self.program.last.eq(last)
        with m.If(restart | ~self.program.ready):
            m.d.sync += position.eq(0)
        return put

    def _read_images(self, m: Module, restart: object) -> Signal:
        """Give a beat out word by word and take it with its last one; return whether one is read in this cycle."""
        words = self._core.stream_width // WORD_BITS
        position = Signal(index_shape(words), name="image_position")
        take = Signal(name="take")
        wanted = self.strobe & ~self.write & (self.address == _word_address(IMAGE_DATA))
        m.d.comb += [take.eq(wanted & self.images.valid), self.images.ready.eq(take & (position == words - 1))]
        with m.If(take):
            m.d.sync += position.eq(Mux(position == words - 1, 0, position + 1))
        with m.If(restart):
            m.d.sync += position.eq(0)
        with m.If(self.address == _word_address(IMAGE_DATA)), m.Switch(position):
            for index in range(words):
                with m.Case(index):
                    m.d.comb += self.word.eq(self.images.data[WORD_BITS * index : WORD_BITS * (index + 1)])
        return take

    def _answer(self, m: Module, room: Signal, accepted: object) -> None:
        """Refuse what was not accepted, and give the status out."""
        images, asked = self.images, Signal(name="status_read")
        m.d.comb += [
            asked.eq(self.strobe & ~self.write & (self.address == _word_address(STREAM_STATUS))),
            self.refused.eq(~(accepted | asked)),
        ]
        with m.If(self.address == _word_address(STREAM_STATUS)):
            # In the order of the fields, with what lies between them.
            fields = (room, images.valid, images.valid & images.last, images.valid & images.user)
            keep = images.keep & images.valid.replicate(len(images.keep))
            m.d.comb += self.word.eq(Cat(fields, Const(0, STREAM_STATUS.field("image_keep").low - len(fields)), keep))


def _word_address(register: Register) -> int:
    """Return the word address of a register within the window."""
    return (register.address - WINDOW_BASE) // 4
