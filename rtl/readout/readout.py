"""Read-out: walks the rows of latched taps, decodes them and delivers frames as a stream."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.readout.frame_fifo import FrameFifo
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY, JohnsonDecoder
from oscc.rtl.signals.frame_port import frame_port_signature
from oscc.rtl.signals.image_stream import image_stream_signature
from oscc.rtl.signals.shapes import index_shape
from oscc.rtl.signals.tap_port import tap_port_signature

DRAIN_BEATS = 5
"""Beats that may be in the FIFO when a walk begins: as many are on their way through it when a walk ends, though each
is taken at once."""

IN_FLIGHT_BEATS = DECODE_LATENCY + 1
"""Beats that the FIFO's level does not show yet: in the decoders, and one that enters them."""


class _Walk:
    """Signals that the parts of the read-out share.

    Parameters
    ----------
    core : CoreSpec
    """

    def __init__(self, core: CoreSpec) -> None:
        self.fits = Signal(init=1)
        """A whole frame has room in the FIFO."""
        self.space = Signal(init=1)
        """A beat has."""
        self.held = Signal(core.row_beats * core.codes_per_beat * core.readout.tap_bits)
        """Taps of the row, those of the present beat in the lowest bits."""
        self.beat = Signal(index_shape(core.row_beats))
        """Number of the beat in its row."""
        self.valid = Signal()
        """A beat of codes enters the decoders."""
        self.last = Signal()
        """It is the last one of the frame."""
        self.mark = Signal()
        """The beat of a frame that is not an image enters in its place."""
        self.bad = Signal()
        """The frame was cut."""


class Readout(wiring.Component):
    """Turns the latched phases into one frame of codes, a byte per code.

    The rows are selected one after another; each takes `READOUT_ROW_CYCLES` (select, wait, latch the tap bus), the
    cycles until ``tap.valid`` beyond that, and one cycle per beat. A row starts with a new beat; unused bytes are zero
    and their ``keep`` is low. The walk starts when the output FIFO has room for the whole frame. The FIFO holds one
    frame, `DRAIN_BEATS` and `IN_FLIGHT_BEATS` more, so that a walk need not wait for the end of the one before it.

    Every sample that has begun comes to exactly one beat with ``last``. With ``user`` on that beat, the frame is not an
    image: it was cut short, or discarded. A frame that is cut short or discarded ends with (or consists
    of) a beat of one byte, zero.

    Latency: ``readout_cycles`` from ``frames.start`` until ``frames.busy`` falls, when the FIFO had room and
    ``tap.valid`` was high. Throughput: a frame per ``readout_cycles``, when every beat is taken at once.

    Parameters
    ----------
    core : CoreSpec

    Members
    -------
    frames : In(frame_port_signature())
        ``room`` is low while a discarded sample waits for its beat.
    cut : In(1)
        End the frame that is being read out. Ignored when there is none.
    tap : Out(tap_port_signature(core))
        From the array.
    awaiting_taps : Out(1)
        ``tap.valid`` is waited for.
    stream : Out(image_stream_signature(core))
    pending : Out(1)
        Beats, a latched frame or a discarded sample wait.
    <pin>
        Of the FIFO's memory, as in `memory_pin_members`.
    """

    def __init__(self, core: CoreSpec) -> None:
        self._core = core
        super().__init__(
            {
                "frames": In(frame_port_signature(prefix="", discard="discard")),
                "cut": In(1),
                "tap": Out(tap_port_signature(core)),
                "awaiting_taps": Out(1),
                "stream": Out(image_stream_signature(core)),
                "pending": Out(1),
                **memory_pin_members(core),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        walk = _Walk(self._core)
        fifo = FrameFifo(
            bits=self._core.stream_width + self._core.codes_per_beat + 2,
            depth=self._core.frame_beats + DRAIN_BEATS + IN_FLIGHT_BEATS,
        )
        m.submodules.fifo = fifo
        chain_pins(m, self, (fifo,))
        self._connect_output(m, walk, fifo)
        self._walk(m, walk)
        self._decode(m, walk, fifo)
        return m

    def _connect_output(self, m: Module, walk: _Walk, fifo: FrameFifo) -> None:
        """Lead the output FIFO to the stream, and tell whether it has room."""
        fits, space = walk.fits, walk.space
        m.d.comb += [
            Cat(self.stream.data, self.stream.keep, self.stream.last, self.stream.user).eq(fifo.read_data),
            self.stream.valid.eq(fifo.read_valid),
            fifo.read_ready.eq(self.stream.ready),
        ]

        # Registered, since they decide much; whatever may be in flight has been reserved for.
        m.d.sync += [fits.eq(fifo.level <= DRAIN_BEATS), space.eq(fifo.level < fifo.depth - IN_FLIGHT_BEATS)]

    def _walk(self, m: Module, walk: _Walk) -> None:
        """Walk the rows of a frame: select, wait, latch, then a beat per cycle."""
        core, rows = self._core, self._core.frame_shape[0]
        beat_taps = core.codes_per_beat * core.readout.tap_bits
        fits, space, held, beat = walk.fits, walk.space, walk.held, walk.beat
        valid, last, mark, bad = walk.valid, walk.last, walk.mark, walk.bad
        discarded = Signal()
        # Beside the state, since the sequencer hangs on it in the cycle itself.
        walking = Signal()
        with m.FSM() as fsm:
            with m.State("idle"):
                with m.If(discarded):
                    m.next = "mark"
                with m.Elif(self.frames.start):
                    m.d.sync += [self.tap.row.eq(0), bad.eq(0), walking.eq(1)]
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
                m.d.comb += self.awaiting_taps.eq(~self.tap.valid)
                m.d.sync += [held.eq(self.tap.data), beat.eq(0)]
                with m.If(self.tap.valid):
                    m.next = "decode"
                with m.If(self.cut):
                    m.next = "end early"
            with m.State("decode"):
                m.d.comb += [valid.eq(1), last.eq((beat == core.row_beats - 1) & (self.tap.row == rows - 1))]
                m.d.sync += [held.eq(held >> beat_taps), beat.eq(beat + 1)]
                with m.If(beat == core.row_beats - 1):
                    m.d.sync += self.tap.row.eq(self.tap.row + 1)
                    m.next = "select"
                    with m.If(last):
                        m.d.sync += [self.tap.row.eq(0), walking.eq(0)]
                        m.next = "idle"
            with m.State("end early"):
                # The walk has room for a whole frame, so there is some for this beat.
                m.d.comb += mark.eq(1)
                m.d.sync += [self.tap.row.eq(0), walking.eq(0)]
                m.next = "idle"
            with m.State("mark"), m.If(space):
                m.d.comb += mark.eq(1)
                m.d.sync += discarded.eq(0)
                m.next = "idle"
        waiting = fsm.ongoing("wait for room")
        m.d.comb += [
            self.frames.busy.eq(walking | discarded),
            self.frames.room.eq((fits | (walking & ~waiting)) & ~discarded),
        ]
        with m.If(self.cut & walking):
            m.d.sync += bad.eq(1)
        with m.If(self.frames.discard):
            m.d.sync += discarded.eq(1)

    def _decode(self, m: Module, walk: _Walk, fifo: FrameFifo) -> None:
        """Decode a beat, with its marks beside the decoders, into the FIFO."""
        core, held, beat = self._core, walk.held, walk.beat
        valid, last, mark, bad = walk.valid, walk.last, walk.mark, walk.bad
        lanes = core.codes_per_beat
        combine = Signal()
        m.d.sync += combine.eq(valid)
        codes = []
        for lane in range(lanes):
            m.submodules[f"decoder_{lane}"] = decoder = JohnsonDecoder(core)
            m.d.comb += [
                decoder.look_up.eq(valid),
                decoder.combine.eq(combine),
                decoder.taps.eq(held[lane * core.readout.tap_bits : (lane + 1) * core.readout.tap_bits]),
            ]
            codes.append(Cat(decoder.code, Const(0, 8 - core.code_bits)))

        # How many lanes of the last beat of a row carry a code.
        tail = core.frame_shape[1] - (core.row_beats - 1) * lanes
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
        m.d.comb += self.pending.eq(self.frames.busy | in_flight.any() | (fifo.level != 0))
        arrived = travelling[-len(entering) :]
        arrived_keep = arrived[4:]
        data = Cat(code & (kept & ~arrived[3]).replicate(8) for code, kept in zip(codes, arrived_keep, strict=True))
        m.d.comb += [
            fifo.write_enable.eq(arrived[0]),
            fifo.write_data.eq(Cat(data, arrived_keep, arrived[1], arrived[2])),
        ]
