"""Read-out: walks the rows of latched taps, decodes them and delivers frames as a stream."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from oscc.compiler.spec import CoreSpec
from oscc.rtl.johnson_decoder import DECODE_LATENCY, JohnsonDecoder
from oscc.rtl.shapes import index_shape

DRAIN_BEATS = DECODE_LATENCY + 2
"""Beats that are still on their way when a walk ends, though each is taken at once: in the decoders and in the FIFO."""


class Readout(wiring.Component):
    """Turns the latched phases into one frame of codes, a byte per code.

    The rows are selected one after another; each takes `READOUT_ROW_CYCLES` (select, wait, latch the tap bus) and one
    cycle per beat. A row starts with a new beat; unused bytes are zero and their ``tkeep`` is low. The walk starts
    when the output FIFO has room for the whole frame, and is never held up after that. The FIFO holds one frame and
    `DRAIN_BEATS` more, so that a walk need not wait for the end of the one before it.

    Latency: ``readout_cycles`` from ``start`` until ``busy`` falls, when the FIFO had room. Throughput: a frame per
    ``readout_cycles``, when every beat is taken at once.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    start : In(1)
        The array latches with the edge after the next one (the registered ``sample``). Ignored while ``busy``.
    busy : Out(1)
        The latches are still needed.
    room : Out(1)
        The latched frame, or the next one when none is latched, has room in the FIFO.
    tap_row : Out(range(frame rows))
    tap_data : In(row_tap_bits)
        Taps of the row selected two cycles before.
    stream_valid, stream_data, stream_keep, stream_last : Out
    stream_ready : In(1)
    pending : Out(1)
        Beats or a latched frame wait.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "room": Out(1),
                "tap_row": Out(index_shape(core.frame_shape[0])),
                "tap_data": In(core.row_tap_bits),
                "stream_valid": Out(1),
                "stream_data": Out(core.stream_width),
                "stream_keep": Out(core.codes_per_beat),
                "stream_last": Out(1),
                "stream_ready": In(1),
                "pending": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        core = self._core
        rows, cols = core.frame_shape
        lanes = core.codes_per_beat
        beat_taps = lanes * core.readout.tap_bits

        fifo = SyncFIFOBuffered(width=core.stream_width + lanes + 1, depth=core.frame_beats + DRAIN_BEATS)
        m.submodules.fifo = fifo
        m.d.comb += [
            Cat(self.stream_data, self.stream_keep, self.stream_last).eq(fifo.r_data),
            self.stream_valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.stream_ready),
        ]

        # Beats on their way through the decoders count as being in the FIFO.
        in_flight = Signal(DECODE_LATENCY)
        beats_left = Signal(range(fifo.depth + DECODE_LATENCY + 1))
        fits = Signal()
        m.d.comb += [beats_left.eq(fifo.level + sum(in_flight)), fits.eq(beats_left <= DRAIN_BEATS)]

        held = Signal(core.row_beats * beat_taps)
        beat = Signal(index_shape(core.row_beats))
        valid, last = Signal(), Signal()
        with m.FSM() as fsm:
            with m.State("idle"), m.If(self.start):
                m.d.sync += self.tap_row.eq(0)
                m.next = "select"
                with m.If(~fits):
                    m.next = "wait for room"
            with m.State("wait for room"), m.If(fits):
                m.next = "select"
            with m.State("select"):
                m.next = "settle"
            with m.State("settle"):
                m.next = "latch"
            with m.State("latch"):
                m.d.sync += [held.eq(self.tap_data), beat.eq(0)]
                m.next = "decode"
            with m.State("decode"):
                m.d.comb += [valid.eq(1), last.eq((beat == core.row_beats - 1) & (self.tap_row == rows - 1))]
                m.d.sync += [held.eq(held >> beat_taps), beat.eq(beat + 1)]
                with m.If(beat == core.row_beats - 1):
                    m.d.sync += self.tap_row.eq(self.tap_row + 1)
                    m.next = "select"
                    with m.If(last):
                        m.d.sync += self.tap_row.eq(0)
                        m.next = "idle"
        waiting = fsm.ongoing("wait for room")
        m.d.comb += [
            self.busy.eq(~fsm.ongoing("idle")),
            self.room.eq(fits | (self.busy & ~waiting)),
            self.pending.eq(self.busy | (beats_left != 0)),
        ]

        codes = []
        for lane in range(lanes):
            m.submodules[f"decoder_{lane}"] = decoder = JohnsonDecoder(core)
            m.d.comb += decoder.taps.eq(held[lane * core.readout.tap_bits : (lane + 1) * core.readout.tap_bits])
            codes.append(Cat(decoder.code, Const(0, 8 - core.code_bits)))

        # How many lanes of the last beat of a row carry a code.
        tail = cols - (core.row_beats - 1) * lanes
        keep = Signal(lanes)
        m.d.comb += keep.eq((1 << lanes) - 1)
        with m.If(beat == core.row_beats - 1):
            m.d.comb += keep.eq((1 << tail) - 1)
        travelling = Signal(DECODE_LATENCY * (lanes + 2))
        m.d.sync += travelling.eq(Cat(valid, last, keep, travelling)[: len(travelling)])
        m.d.comb += in_flight.eq(Cat(travelling[stage * (lanes + 2)] for stage in range(DECODE_LATENCY)))
        arrived = travelling[-(lanes + 2) :]
        data = Cat(code & kept.replicate(8) for code, kept in zip(codes, arrived[2:], strict=True))
        m.d.comb += [
            fifo.w_en.eq(arrived[0]),
            fifo.w_data.eq(Cat(data, arrived[2:], arrived[1])),
        ]
        return m
