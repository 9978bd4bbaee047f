"""Frame memory: the codes of the walk before, for feedback, and how many of them a new walk finds moved."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.memories.sram import Sram1R1W
from oscc.rtl.signals.shapes import index_shape

COMPARE_LATENCY = 3
"""Cycles from a beat to its part in ``moved``: memory, distance, sum."""

CODE_READ_LATENCY = 2
"""Cycles from the place of a code to the code: memory, register."""


class FrameMemory(wiring.Component):
    """Keeps the codes of the last walk, and compares those of a new one with them as it stores them.

    A watched code has moved when it is more than ``tolerance`` steps away from the one before, the short way round.
    Words of codes and of the mask hold a parity bit: the number of ones is odd. A walk of some rows replaces the codes
    of these rows alone.

    Latency: `COMPARE_LATENCY` for a beat, `CODE_READ_LATENCY` for a code. Throughput: a beat or a code per cycle; a
    code is not asked for while beats come.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    clear : In(1)
        A walk begins: ``moved`` to 0. Not with a beat of the walk before on its way.
    beat : In(1)
        Codes of a beat of the walk.
    number : In(range(frame_beats))
        Which beat of the frame.
    codes : In(codes_per_beat x code_bits)
        Lane 0 in the lowest bits; lanes behind the end of a row are 0.
    compare : In(1)
        With a beat: there was a walk before, of the same rows. Without it nothing has moved, and no parity is
        looked at.
    tolerance : In(code_bits)
    moved : Out(range(frame cells + 1))
        Watched codes that have moved, of the beats so far.
    ask : In(1)
        For a code that a walk has stored.
    place : In(range(frame_beats x codes_per_beat))
        Which byte of the frame, as the image stream carries it.
    code : Out(code_bits)
        At ``place``, from `CODE_READ_LATENCY` cycles later on until the next one.
    watch_write : In(1)
    watch_number : In(range(frame_beats))
    watch_mask : In(codes_per_beat)
        Lanes of a beat that are watched, as the program says.
    bad : Out(1)
        High for one cycle: a word that was read for ``moved`` or ``code`` has the wrong parity.
    <pin>
        As in `memory_pin_members`: codes, then the mask.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        lanes, bits, cells = core.codes_per_beat, core.code_bits, core.frame_shape[0] * core.frame_shape[1]
        super().__init__(
            {
                "clear": In(1),
                "beat": In(1),
                "number": In(index_shape(core.frame_beats)),
                "codes": In(lanes * bits),
                "compare": In(1),
                "tolerance": In(bits),
                "moved": Out(range(cells + 1)),
                "ask": In(1),
                "place": In(range(core.frame_beats * lanes)),
                "code": Out(bits),
                "watch_write": In(1),
                "watch_number": In(index_shape(core.frame_beats)),
                "watch_mask": In(lanes),
                "bad": Out(1),
                **memory_pin_members(core),
            }
        )
        words = max(2, core.frame_beats)
        self.codes_memory = Sram1R1W(words, lanes * bits + 1)
        self.watch_memory = Sram1R1W(words, lanes + 1)

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        m.submodules.codes_memory = codes_memory = self.codes_memory
        m.submodules.watch_memory = watch_memory = self.watch_memory
        chain_pins(m, self, (codes_memory, watch_memory))
        core = self._core
        lanes, bits = core.codes_per_beat, core.code_bits
        lane_bits = (lanes - 1).bit_length()
        number = Signal.like(self.number)
        codes = Signal.like(self.codes)
        came = Signal(2)
        asked = Signal()
        compared = Signal()
        lane = Signal(lane_bits)
        m.d.sync += [came.eq(Cat(self.beat, came)), compared.eq(self.beat & self.compare), asked.eq(self.ask)]
        with m.If(self.beat):
            m.d.sync += [number.eq(self.number), codes.eq(self.codes)]
        with m.If(self.ask):
            m.d.sync += lane.eq(self.place[:lane_bits])
        m.d.comb += [
            codes_memory.read_enable.eq(self.beat | self.ask),
            codes_memory.read_address.eq(Mux(self.beat, self.number, self.place[lane_bits:])),
            # Behind the read of the word of the walk before.
            codes_memory.write_enable.eq(came[0]),
            codes_memory.write_address.eq(number),
            codes_memory.write_data.eq(Cat(codes, ~codes.xor())),
            watch_memory.read_enable.eq(self.beat),
            watch_memory.read_address.eq(self.number),
            watch_memory.write_enable.eq(self.watch_write),
            watch_memory.write_address.eq(self.watch_number),
            watch_memory.write_data.eq(Cat(self.watch_mask, ~self.watch_mask.xor())),
        ]
        before = Signal.like(self.codes)
        m.d.comb += before.eq(codes_memory.read_data)
        moved = Signal(lanes)
        for place in range(lanes):
            forth = Signal(bits, name=f"forth_{place}")
            back = Signal(bits, name=f"back_{place}")
            m.d.comb += [
                forth.eq(codes.word_select(place, bits) - before.word_select(place, bits)),
                back.eq(before.word_select(place, bits) - codes.word_select(place, bits)),
            ]
            far = (forth > self.tolerance) & (back > self.tolerance)
            m.d.sync += moved[place].eq(compared & watch_memory.read_data[place] & far)
        codes_bad, watch_bad = Signal(), Signal()
        m.d.comb += [codes_bad.eq(~codes_memory.read_data.xor()), watch_bad.eq(~watch_memory.read_data.xor())]
        m.d.sync += self.bad.eq(((compared | asked) & codes_bad) | (compared & watch_bad))
        with m.If(asked):
            m.d.sync += self.code.eq(before.word_select(lane, bits))
        with m.If(self.clear):
            m.d.sync += self.moved.eq(0)
        with m.Elif(came[1]):
            m.d.sync += self.moved.eq(self.moved + sum(moved[1:], moved[0]))
        return m
