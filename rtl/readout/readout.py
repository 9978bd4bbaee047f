"""Read-out: walks the rows of latched taps, decodes them and delivers frames as a stream."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY, JohnsonDecoder
from oscc.rtl.signals.shapes import index_shape

DRAIN_BEATS = 4
"""Beats that may be in the FIFO when a walk begins: as many are on their way through it when a walk ends, though each
is taken at once."""

IN_FLIGHT_BEATS = DECODE_LATENCY + 1
"""Beats that the FIFO's level does not show yet: in the decoders, and one that enters them."""


class Readout(wiring.Component):
    """Turns the latched phases into one frame of codes, a byte per code.

    The rows are selected one after another; each takes `READOUT_ROW_CYCLES` (select, wait, latch the tap bus), the
    cycles until ``tap_valid`` beyond that, and one cycle per beat. A row starts with a new beat; unused bytes are zero
    and their ``tkeep`` is low. The walk starts when the output FIFO has room for the whole frame. The FIFO holds one
    frame, `DRAIN_BEATS` and `IN_FLIGHT_BEATS` more, so that a walk need not wait for the end of the one before it.

    Every sample that has begun comes to exactly one beat with ``last``. With ``user`` on that beat, the frame is not an
    image: it was cut short, or discarded. A frame that is cut short or discarded ends with (or consists
    of) a beat of one byte, zero.

    Latency: ``readout_cycles`` from ``start`` until ``busy`` falls, when the FIFO had room and ``tap_valid`` was high.
    Throughput: a frame per ``readout_cycles``, when every beat is taken at once.

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
        The latched frame, or the next one when none is latched, has room in the FIFO; low while a discarded sample
        waits for its beat.
    cut : In(1)
        End the frame that is being read out. Ignored when there is none.
    discard : In(1)
        A sample that had begun will not be latched: deliver one beat in its place, behind the frame before it.
    tap_row : Out(range(frame rows))
    tap_data : In(row_tap_bits)
        Taps of the row selected two cycles before.
    tap_valid : In(1)
        ``tap_data`` is stable; looked at from two cycles after a row was selected on.
    awaiting_taps : Out(1)
        ``tap_valid`` is waited for.
    stream_valid, stream_data, stream_keep, stream_last, stream_user : Out
    stream_ready : In(1)
    pending : Out(1)
        Beats, a latched frame or a discarded sample wait.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "start": In(1),
                "busy": Out(1),
                "room": Out(1),
                "cut": In(1),
                "discard": In(1),
                "tap_row": Out(index_shape(core.frame_shape[0])),
                "tap_data": In(core.row_tap_bits),
                "tap_valid": In(1),
                "awaiting_taps": Out(1),
                "stream_valid": Out(1),
                "stream_data": Out(core.stream_width),
                "stream_keep": Out(core.codes_per_beat),
                "stream_last": Out(1),
                "stream_user": Out(1),
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

        fifo = SyncFIFOBuffered(
            width=core.stream_width + lanes + 2, depth=core.frame_beats + DRAIN_BEATS + IN_FLIGHT_BEATS
        )
        m.submodules.fifo = fifo
        m.d.comb += [
            Cat(self.stream_data, self.stream_keep, self.stream_last, self.stream_user).eq(fifo.r_data),
            self.stream_valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.stream_ready),
        ]

        # Registered, since they decide much; whatever may be in flight has been reserved for.
        fits = Signal(init=1)
        space = Signal(init=1)
        m.d.sync += [fits.eq(fifo.level <= DRAIN_BEATS), space.eq(fifo.level < fifo.depth - IN_FLIGHT_BEATS)]

        held = Signal(core.row_beats * beat_taps)
        beat = Signal(index_shape(core.row_beats))
        valid = Signal()
        last = Signal()
        mark = Signal()
        discarded = Signal()
        bad = Signal()
        with m.FSM() as fsm:
            with m.State("idle"):
                with m.If(discarded):
                    m.next = "mark"
                with m.Elif(self.start):
                    m.d.sync += [self.tap_row.eq(0), bad.eq(0)]
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
                m.d.comb += self.awaiting_taps.eq(~self.tap_valid)
                m.d.sync += [held.eq(self.tap_data), beat.eq(0)]
                with m.If(self.tap_valid):
                    m.next = "decode"
                with m.If(self.cut):
                    m.next = "end early"
            with m.State("decode"):
                m.d.comb += [valid.eq(1), last.eq((beat == core.row_beats - 1) & (self.tap_row == rows - 1))]
                m.d.sync += [held.eq(held >> beat_taps), beat.eq(beat + 1)]
                with m.If(beat == core.row_beats - 1):
                    m.d.sync += self.tap_row.eq(self.tap_row + 1)
                    m.next = "select"
                    with m.If(last):
                        m.d.sync += self.tap_row.eq(0)
                        m.next = "idle"
            with m.State("end early"):
                # The walk has room for a whole frame, so there is some for this beat.
                m.d.comb += mark.eq(1)
                m.d.sync += self.tap_row.eq(0)
                m.next = "idle"
            with m.State("mark"), m.If(space):
                m.d.comb += mark.eq(1)
                m.d.sync += discarded.eq(0)
                m.next = "idle"
        waiting = fsm.ongoing("wait for room")
        walking = Signal()
        m.d.comb += [
            walking.eq(~fsm.ongoing("idle") & ~fsm.ongoing("mark")),
            self.busy.eq(walking | discarded),
            self.room.eq((fits | (walking & ~waiting)) & ~discarded),
        ]
        with m.If(self.cut & walking):
            m.d.sync += bad.eq(1)
        with m.If(self.discard):
            m.d.sync += discarded.eq(1)

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
        with m.If(mark):
            m.d.comb += keep.eq(1)
        # Valid, last, not an image, no codes in it, lanes: beside the decoders.
        entering = Cat(valid | mark, last | mark, (last & bad) | mark, mark, keep)
        travelling = Signal(DECODE_LATENCY * len(entering))
        m.d.sync += travelling.eq(Cat(entering, travelling)[: len(travelling)])
        in_flight = Cat(travelling[stage * len(entering)] for stage in range(DECODE_LATENCY))
        m.d.comb += self.pending.eq(self.busy | in_flight.any() | (fifo.level != 0))
        arrived = travelling[-len(entering) :]
        arrived_keep = arrived[4:]
        data = Cat(code & (kept & ~arrived[3]).replicate(8) for code, kept in zip(codes, arrived_keep, strict=True))
        m.d.comb += [
            fifo.w_en.eq(arrived[0]),
            fifo.w_data.eq(Cat(data, arrived_keep, arrived[1], arrived[2])),
        ]
        return m
