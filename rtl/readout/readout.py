"""Read-out: walks the rows of latched taps, decodes them and delivers frames as a stream.

That of a driven core also walks for quiet samples and for the looks of a settle, which deliver nothing and need no
room. It has these members besides (the docstring of the component goes into the Verilog of plain cores, too):

beat : Out(beat_port_signature(core))
    Every beat of codes, those of quiet samples and looks included.
first_row, last_row : In(16)
    Rows that a look walks; stable from two cycles before a look on. ``last_row`` beyond the frame means its last row,
    ``first_row`` beyond it row 0.

A look of r rows that is ordered in cycle t is latched as a sample would be; its last beat is on ``beat`` in cycle
t + 1 + r x (``row_beats`` + READOUT_ROW_CYCLES) + DECODE_LATENCY: row 0 is selected on the edge of the latch, and the
first row of the look behind it, which takes a cycle more than a sample.
"""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from oscc.core.spec import CoreSpec
from oscc.rtl.memories.memory_pins import chain_pins, memory_pin_members
from oscc.rtl.readout.frame_fifo import FrameFifo
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY, JohnsonDecoder
from oscc.rtl.signals.beat_port import beat_port_signature
from oscc.rtl.signals.frame_port import frame_port_signature
from oscc.rtl.signals.image_stream import image_stream_signature, user_bits
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
        self.silent: Value = Const(0)
        """The walk is of a quiet sample or of a look: nothing of it is delivered."""
        self.look: Value = Const(0)
        """It is of a look."""
        self.abandoned: Value = Const(0)
        """It is of a look that nobody waits for any more."""
        self.unsettled: Value = Const(0)
        """What bit 1 of ``user`` says of the frame, on a driven core."""


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
                "frames": In(frame_port_signature(prefix="", discard="discard", driven=core.driven)),
                "cut": In(1),
                "tap": Out(tap_port_signature(core)),
                "awaiting_taps": Out(1),
                "stream": Out(image_stream_signature(core)),
                "pending": Out(1),
                **(
                    {"beat": Out(beat_port_signature(core)), "first_row": In(16), "last_row": In(16)}
                    if core.driven
                    else {}
                ),
                **memory_pin_members(core),
            }
        )

    def elaborate(self, platform: object) -> Module:  # noqa: D102
        m = Module()
        walk = _Walk(self._core)
        if self._core.driven:
            self._tell_kinds(m, walk)
        fifo = FrameFifo(
            bits=self._core.stream_width + self._core.codes_per_beat + 1 + user_bits(self._core),
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
        core = self._core
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
                    if core.driven:
                        with m.If(self.frames.quiet):
                            m.next = "select"
                if core.driven:
                    with m.Elif(self.frames.look):
                        m.d.sync += [self.tap.row.eq(0), bad.eq(0), walking.eq(1)]
                        m.next = "aim"
            with m.State("wait for room"), m.If(fits):
                m.next = "select"
            if core.driven:
                with m.State("aim"):
                    # Row 0 is selected on the edge of every sample, also on that of a look.
                    m.d.sync += self.tap.row.eq(self._first_row())
                    m.next = "select"
                    self._abandon(m, walk, walking)
            with m.State("select"):
                m.next = "settle"
                self._abandon(m, walk, walking)
            with m.State("settle"):
                m.next = "latch"
                self._abandon(m, walk, walking)
            with m.State("latch"):
                m.d.comb += self.awaiting_taps.eq(~self.tap.valid)
                m.d.sync += [held.eq(self.tap.data), beat.eq(0)]
                with m.If(self.tap.valid):
                    m.next = "decode"
                with m.If(self.cut):
                    m.next = "end early"
                self._abandon(m, walk, walking)
            with m.State("decode"):
                m.d.comb += [valid.eq(1), last.eq((beat == core.row_beats - 1) & self._is_last_row(walk))]
                m.d.sync += [held.eq(held >> beat_taps), beat.eq(beat + 1)]
                with m.If(beat == core.row_beats - 1):
                    m.d.sync += self.tap.row.eq(self.tap.row + 1)
                    m.next = "select"
                    with m.If(last):
                        m.d.sync += [self.tap.row.eq(0), walking.eq(0)]
                        m.next = "idle"
                self._abandon(m, walk, walking)
            with m.State("end early"):
                # The walk has room for a whole frame, so there is some for this beat.
                m.d.comb += mark.eq(~walk.silent if core.driven else 1)
                m.d.sync += [self.tap.row.eq(0), walking.eq(0)]
                m.next = "idle"
            with m.State("mark"), m.If(space):
                m.d.comb += mark.eq(1)
                m.d.sync += discarded.eq(0)
                m.next = "idle"
        waiting = fsm.ongoing("wait for room")
        if core.driven:
            # A look does not keep a sample waiting, nor does a walk without beats need room.
            m.d.comb += [
                self.frames.busy.eq((walking & ~walk.look) | discarded),
                self.frames.room.eq((fits | (walking & ~waiting & ~walk.silent)) & ~discarded),
            ]
        else:
            m.d.comb += [
                self.frames.busy.eq(walking | discarded),
                self.frames.room.eq((fits | (walking & ~waiting)) & ~discarded),
            ]
        with m.If(self.cut & walking):
            m.d.sync += bad.eq(1)
        with m.If(self.frames.discard):
            m.d.sync += discarded.eq(1)

    def _tell_kinds(self, m: Module, walk: _Walk) -> None:
        """Keep of the walk of a driven core what kind it is, and tell the frame memory of its beats."""
        core, frames = self._core, self.frames
        silent = Signal()
        look = Signal()
        unsettled = Signal()
        abandoned = Signal()
        place = Signal(index_shape(core.frame_beats))
        first_place = Signal.like(place)
        m.d.sync += first_place.eq(self._first_row() * core.row_beats)
        with m.If(frames.start):
            m.d.sync += [silent.eq(frames.quiet), look.eq(0), unsettled.eq(frames.unsettled), place.eq(0)]
        with m.Elif(frames.look):
            m.d.sync += [silent.eq(1), look.eq(1), place.eq(first_place)]
        with m.Elif(walk.valid):
            m.d.sync += place.eq(place + 1)
        m.d.comb += abandoned.eq(look & ~frames.looking)
        # Beside the decoders; a look that is abandoned loses its mark on the way, too.
        entering = Cat(walk.valid & ~abandoned, walk.valid & walk.last & ~abandoned, place)
        travelling = Signal(DECODE_LATENCY * len(entering), name="beats_travelling")
        of_look = Signal(DECODE_LATENCY)
        m.d.sync += [
            travelling.eq(Cat(entering, travelling)[: len(travelling)]),
            of_look.eq(Cat(walk.valid & look, of_look)[:DECODE_LATENCY] & frames.looking.replicate(DECODE_LATENCY)),
        ]
        m.d.comb += [
            Cat(self.beat.valid, self.beat.last, self.beat.address).eq(travelling[-len(entering) :]),
            self.beat.look.eq(of_look[-1]),
        ]
        walk.silent, walk.look, walk.abandoned, walk.unsettled = silent, look, abandoned, unsettled

    def _first_row(self) -> Value:
        """Return the first row of a look."""
        rows = self._core.frame_shape[0]
        return Mux(self.first_row < rows, self.first_row[: len(self.tap.row)], 0)

    def _is_last_row(self, walk: _Walk) -> Value:
        """Return whether the row that is selected is the last one of the walk."""
        is_last: Value = self.tap.row == self._core.frame_shape[0] - 1
        return is_last | (walk.look & (self.tap.row == self.last_row)) if self._core.driven else is_last

    def _abandon(self, m: Module, walk: _Walk, walking: Signal) -> None:
        """Leave a state of the walk where a look is abandoned; a sample may begin in that very cycle."""
        if not self._core.driven:
            return
        with m.If(walk.abandoned):
            m.d.sync += [self.tap.row.eq(0), walking.eq(0)]
            m.next = "idle"
            with m.If(self.frames.start):
                m.d.sync += [walk.bad.eq(0), walking.eq(1)]
                m.next = "select"
                with m.If(~walk.fits & ~self.frames.quiet):
                    m.next = "wait for room"

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
        delivered: Value = valid & ~walk.silent if core.driven else valid
        extra = (last & walk.unsettled,) if core.driven else ()
        entering = Cat(delivered | mark, last | mark, (last & bad) | mark, mark, keep, *extra)
        travelling = Signal(DECODE_LATENCY * len(entering))
        m.d.sync += travelling.eq(Cat(entering, travelling)[: len(travelling)])
        in_flight = Cat(travelling[stage * len(entering)] for stage in range(DECODE_LATENCY))
        m.d.comb += self.pending.eq(self.frames.busy | in_flight.any() | (fifo.level != 0))
        arrived = travelling[-len(entering) :]
        arrived_keep = arrived[4 : 4 + lanes]
        data = Cat(code & (kept & ~arrived[3]).replicate(8) for code, kept in zip(codes, arrived_keep, strict=True))
        m.d.comb += [
            fifo.write_enable.eq(arrived[0]),
            fifo.write_data.eq(Cat(data, arrived_keep, arrived[1], arrived[2], arrived[4 + lanes :])),
        ]
        if core.driven:
            # What a row has beyond its end is no phase.
            m.d.comb += self.beat.codes.eq(
                Cat(
                    code[: core.code_bits] & there.replicate(core.code_bits)
                    for code, there in zip(codes, arrived_keep, strict=True)
                )
            )
