"""Read-out: every sample that begins comes out once, whole and in order, or marked."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import Any

from amaranth.hdl import Array, Assert, Assume, Cat, Const, Cover, Module, Mux, Signal, Value

from formal.bench import free, past
from formal.cores import small_core
from formal.inside import Inside, elaborated_inside
from formal.proof import Mutant, Proof

ROWS, COLS, TAPS, LANES = 2, 6, 2, 4
"""The last beat of a row has two codes, so that it is like neither a whole beat nor the one byte of a marked one."""

ROW_BEATS = -(-COLS // LANES)
FRAME_BEATS = ROWS * ROW_BEATS
FRAME_CYCLES = ROWS * (3 + ROW_BEATS) + 1
"""Select, wait and latch a row, a cycle per beat; and one from the start to the first row (docs/architecture.md)."""

FREE_INPUTS = ("frames.start", "cut", "frames.discard", "tap.valid", "stream.ready")


def decoded(taps: Value) -> Value:
    """The code of an oscillator with two taps and one sub-phase: the step in which the taps are what they are."""
    codes = {}
    for step in range(2 * TAPS):
        phase = math.pi * (step + 0.5) / TAPS
        codes[sum((math.cos(phase + math.pi * tap / TAPS) > 0) << tap for tap in range(TAPS))] = step
    return Array(Const(codes[word], TAPS) for word in range(2**TAPS))[taps]


def beat_of(frame: Value, number: int) -> tuple[Value, int]:
    """Data and lanes of a beat of a frame, of which ``frame`` holds the taps row by row."""
    row, beat = divmod(number, ROW_BEATS)
    columns = range(beat * LANES, min((beat + 1) * LANES, COLS))
    first = row * COLS
    codes = [decoded(frame.word_select(first + column, TAPS)) for column in columns]
    return Cat(Cat(code, Const(0, 8 - TAPS)) for code in codes), (1 << len(columns)) - 1


def _bench(m: Module) -> tuple[Any, dict[str, Inside], Signal]:
    """The read-out with everything free but the tap bus, and the taps that are latched now.

    The array keeps what it latched. That is on the bus whenever it must be by the contract of the port; anything is at
    any other time.
    """
    from oscc.rtl.readout.readout import Readout

    m_core = small_core(
        grid=[ROWS, COLS], chunks=1, readout={"taps": TAPS, "subphases": 1, "step": [1, 1]}, stream_width=8 * LANES
    )
    readout = Readout(m_core)
    m.submodules.readout, insides = elaborated_inside(readout)
    for name in FREE_INPUTS:
        m.d.comb += attrgetter(name)(readout).eq(free(m, name.replace(".", "_"), 1))
    latched, now = Signal(ROWS * COLS * TAPS), free(m, "phases", ROWS * COLS * TAPS)
    starts = Signal()
    m.d.comb += starts.eq(readout.frames.start & ~readout.frames.busy)
    sample = past(m, starts, "sample")
    with m.If(sample):
        m.d.sync += latched.eq(now)
    row_1 = past(m, readout.tap.row, "row_1")
    row_2 = past(m, row_1, "row_2")
    settled = (readout.tap.row == row_1) & (row_1 == row_2) & ~sample & ~past(m, sample, "sample_1")
    wanted = latched.word_select(readout.tap.row, COLS * TAPS)
    m.d.comb += readout.tap.data.eq(Mux(settled & readout.tap.valid, wanted, free(m, "unsettled", COLS * TAPS)))
    # The sequencer reports the end of a schedule and starts the read-out in different cycles.
    # No second sample is discarded while the first one waits.
    waits = Signal()
    m.d.sync += waits.eq(readout.frames.discard | (waits & readout.frames.busy))
    m.d.comb += Assume(~(readout.frames.discard & (readout.frames.start | (waits & readout.frames.busy))))
    return readout, insides, latched


def build_walk() -> Module:
    """What enters the output FIFO: every beat of every frame, and whether there is room for it."""
    m = Module()
    readout, insides, latched = _bench(m)
    inside = insides["Readout"]
    fifo, fsm = inside["fifo"], inside["fsm"]
    starts, enters = readout.frames.start & ~readout.frames.busy, inside["valid"] | inside["mark"]

    # What is due: the frame that is latched, and behind it a sample that was discarded.
    frame_due, discard_due, cut, in_time = (Signal(name=f"spec_{n}") for n in ("frame", "discarded", "cut", "in_time"))
    place = Signal(range(FRAME_BEATS + 1), name="spec_place")
    last = Signal(name="spec_last")
    m.d.comb += last.eq(inside["mark"] | (place == FRAME_BEATS - 1))
    waited = past(m, readout.awaiting_taps, "waited")
    with m.If(enters):
        m.d.sync += place.eq(place + 1)
        with m.If(last):
            m.d.sync += [place.eq(0), frame_due.eq(0), discard_due.eq(discard_due & frame_due)]
    with m.If(frame_due & readout.cut):
        m.d.sync += [cut.eq(1), in_time.eq(in_time | readout.awaiting_taps | waited)]
    with m.If(starts):
        m.d.sync += [frame_due.eq(1), cut.eq(0), in_time.eq(0)]
    with m.If(readout.frames.discard):
        m.d.sync += discard_due.eq(1)
    m.d.comb += [
        Assert(readout.frames.busy == (frame_due | discard_due)),
        Assert(~enters | frame_due | discard_due),
        Assert(~(inside["mark"] & frame_due) | cut),
        Assert(~(inside["valid"] & ~frame_due)),
        Assert(~(inside["valid"] & inside["mark"])),
    ]

    # Two cycles later it is at the FIFO, decoded.
    data, keep = Signal(8 * LANES), Signal(LANES)
    m.d.comb += keep.eq(1)
    with m.If(~inside["mark"]), m.Switch(place):
        for number in range(FRAME_BEATS):
            codes, lanes = beat_of(latched, number)
            with m.Case(number):
                m.d.comb += [data.eq(codes), keep.eq(lanes)]
    least = inside["mark"] | (in_time & last)
    most = inside["mark"] | (cut & last)
    beat = past(m, past(m, Cat(data, keep, last), "beat_1"), "beat_2")
    bounds = past(m, past(m, Cat(enters, least, most), "bounds_1"), "bounds_2")
    m.d.comb += Assert(fifo.write_enable == bounds[0])
    with m.If(fifo.write_enable):
        m.d.comb += [
            Assert(fifo.write_ready),
            Assert(fifo.write_data[:-1] == beat),
            Assert((fifo.write_data[-1] | ~bounds[1]) & (~fifo.write_data[-1] | bounds[2])),
        ]
    # Room is never promised in vain: with it, a frame that starts now does not wait, nor does one that is latched.
    started_roomy = past(m, starts & readout.frames.room, "started_roomy")
    m.d.comb += Assert(~(started_roomy & fsm.ongoing("wait for room")))

    # What induction has to know besides: where the walk is, and that what is reserved is not used otherwise.
    ongoing, row, number = fsm.ongoing, readout.tap.row, inside["beat"]
    walks = ongoing("select") | ongoing("settle") | ongoing("latch") | ongoing("decode") | ongoing("end early")
    inner_level = insides["FrameFifo"]["stored"]
    in_flight = Signal(range(4))
    m.d.comb += in_flight.eq(past(m, enters, "enters_1") + bounds[0])
    reserved = Mux(walks, FRAME_BEATS - place, 0)
    m.d.comb += [
        Assert(frame_due == (walks | ongoing("wait for room"))),
        Assert(inside["walking"] == frame_due),
        Assert(discard_due == inside["discarded"]),
        Assert(~ongoing("mark") | discard_due),
        Assert(~ongoing("end early") | cut),
        Assert(~frame_due | (place == row * ROW_BEATS + Mux(ongoing("decode"), number, 0))),
        Assert(frame_due | (place == 0)),
        Assert(frame_due | (row == 0)),
        Assert((row < ROWS) & (~ongoing("decode") | (number < ROW_BEATS))),
        Assert(~frame_due | (inside["bad"] == cut)),
        Assert(~in_time | cut),
        Assert(~in_time | ~frame_due | ongoing("end early")),
        Assert(fifo.level + in_flight + reserved <= FRAME_BEATS + 8),
        Assert(inner_level <= FRAME_BEATS + 6),
        Assert((fifo.read_valid & insides["FrameFifo"]["fetched"]) | (inner_level <= 1)),
        Assert(inside["fits"] == past(m, fifo.level <= 5, "fitted", init=1)),
        Assert(inside["space"] == past(m, fifo.level < FRAME_BEATS + 5, "spaced", init=1)),
    ]
    with m.If(ongoing("decode")):
        taps = latched.word_select(row, COLS * TAPS) >> (number * LANES * TAPS)
        m.d.comb += Assert(inside["held"][: LANES * TAPS] == taps[: LANES * TAPS])
        with m.If(number == 0):
            m.d.comb += Assert(inside["held"][: COLS * TAPS] == taps[: COLS * TAPS])
    _in_time(m, readout, inside, starts)
    m.d.comb += [
        Assert(readout.pending == (readout.frames.busy | (in_flight != 0) | (fifo.level != 0))),
        Assert(readout.stream.valid == fifo.read_valid),
    ]
    m.d.comb += [
        Cover(enters & (place == FRAME_BEATS - 1) & ~cut & (fifo.level == 7)),
        Cover(inside["mark"] & frame_due & (place == ROW_BEATS)),
        Cover(inside["mark"] & ~frame_due),
        Cover(ongoing("mark") & ~inside["space"]),
        Cover(frame_due & discard_due),
        Cover(past(m, ongoing("wait for room"), "waited_for_room") & walks),
    ]
    return m


def _in_time(m: Module, readout: Any, inside: Inside, starts: Value) -> None:
    """A frame that has room is read out in its time, also when nobody takes a beat."""
    age, undisturbed = Signal(8), Signal()
    m.d.sync += age.eq(age + ~age.all())
    with m.If(starts):
        m.d.sync += [age.eq(1), undisturbed.eq(readout.frames.room)]
    with m.Elif(readout.awaiting_taps | readout.cut | readout.frames.discard):
        m.d.sync += undisturbed.eq(0)
    m.d.comb += Assert(~(undisturbed & (age >= FRAME_CYCLES)) | ~readout.frames.busy)
    m.d.comb += Assert(~undisturbed | ~inside["discarded"])
    ongoing = inside["fsm"].ongoing
    row_age = 1 + readout.tap.row * (3 + ROW_BEATS)
    with m.If(undisturbed & readout.frames.busy):
        m.d.comb += [
            Assert(~ongoing("wait for room") & ~ongoing("mark") & ~ongoing("end early")),
            Assert(~ongoing("select") | (age == row_age)),
            Assert(~ongoing("settle") | (age == row_age + 1)),
            Assert(~ongoing("latch") | (age == row_age + 2)),
            Assert(~ongoing("decode") | (age == row_age + 3 + inside["beat"])),
        ]


def build_stream() -> Module:
    """Any one beat is followed from the FIFO's input to the stream."""
    m = Module()
    readout, insides, _ = _bench(m)
    inside, queue = insides["Readout"], insides["FrameFifo"]
    fifo = inside["fifo"]
    # That it never overflows is proved of the walk.
    m.d.comb += Assume(~fifo.write_enable | fifo.write_ready)
    beat = Cat(readout.stream.data, readout.stream.keep, readout.stream.last, readout.stream.user)
    takes, enters = readout.stream.valid & readout.stream.ready, fifo.write_enable

    count = Signal(range(fifo.depth + 1), name="spec_count")
    m.d.sync += count.eq(count + enters - takes)
    taken_last = past(m, takes, "taken_last")
    taken_before = past(m, taken_last, "taken_before")
    held_before = past(m, past(m, count, "held_last"), "held_before")
    follow, followed, there = free(m, "follow", 1), Signal(), Signal()
    ahead, content = Signal(range(fifo.depth + 1)), Signal(len(beat))
    with m.If(there & takes):
        m.d.sync += [ahead.eq(ahead - 1), there.eq(ahead != 0)]
    with m.If(enters & follow & ~followed):
        m.d.sync += [followed.eq(1), there.eq(1), ahead.eq(count - takes), content.eq(fifo.write_data)]
    m.d.comb += [
        Assert(~readout.stream.valid | (count != 0)),
        Assert(~there | (count > ahead)),
        Assert(~(there & readout.stream.valid & (ahead == 0)) | (beat == content)),
        # What is in the FIFO and not taken is offered two cycles later.
        Assert((held_before <= taken_last + taken_before) | readout.stream.valid),
    ]
    stalled, before = past(m, readout.stream.valid & ~readout.stream.ready, "stalled"), past(m, beat, "beat_before")
    m.d.comb += Assert(~stalled | (readout.stream.valid & (beat == before)))

    # A memory gives what was written last. The cell of the followed beat is followed too; RTLIL does not name it.
    produce, consume, level = queue["produce"], queue["consume"], queue["stored"]
    memory, depth, fetched = queue["memory"], fifo.depth - 2, queue["fetched"]
    cell, address, from_cell, was_read = Signal(len(beat)), Signal.like(produce), Signal(len(beat)), Signal()
    with m.If(enters & follow & ~followed):
        m.d.sync += address.eq(produce)
    with m.If(memory.write_enable & ((memory.write_address == address) | (follow & ~followed))):
        m.d.sync += cell.eq(memory.write_data)
    with m.If(memory.read_enable):
        m.d.sync += [was_read.eq(followed & (memory.read_address == address)), from_cell.eq(cell)]
    m.d.comb += [
        Assume(~was_read | (memory.read_data == from_cell)),
        # What a memory gives of a word that is written in the same cycle is undefined.
        Assert(~(memory.read_enable & memory.write_enable) | (memory.read_address != memory.write_address)),
    ]
    # What induction has to know besides.
    behind, valid, outside = Signal(range(2 * depth)), fifo.read_valid, Signal(2)
    m.d.comb += [
        outside.eq(valid + fetched),
        behind.eq(consume + ahead - outside),
        Assert((produce < depth) & (consume < depth) & (level <= depth)),
        Assert((produce == consume + level) | (produce + depth == consume + level)),
        Assert(count == level + outside),
        Assert((valid & fetched) | (level <= 1)),
        Assert(~there | followed),
        Assert(address < depth),
    ]
    with m.If(there & (ahead >= outside)):
        m.d.comb += [Assert(ahead - outside < level), Assert(cell == content)]
        m.d.comb += Assert((address == behind) | (address + depth == behind))
    with m.If(there & (ahead == valid) & fetched):
        m.d.comb += Assert(was_read & (from_cell == content))
    m.d.comb += [
        Cover(takes & there & (ahead == 0) & readout.stream.last & (consume == 4) & (content[-1] == 0)),
        Cover(there & (ahead == 3)),
        Cover(takes & there & (ahead == 0) & readout.stream.user),
    ]
    return m


FILE = "rtl/readout/readout.py"
PARAMETERS = f"frames of {ROWS} x {COLS} codes, {ROW_BEATS} beats a row, {TAPS} taps, one sub-phase; all inputs free"

PROOFS = (
    Proof(
        name="readout-walk",
        component="Readout",
        claim="each sample that is latched enters the output FIFO as its beats in order, each decoded from the taps "
        "that the array latched, with TKEEP and TLAST as they must be; a frame that is cut ends with a marked beat, "
        "and a discarded sample is one; exactly one TLAST per sample, none without; the FIFO never overflows; room is "
        "never promised in vain, and with it a frame takes its cycles whether beats are taken or not",
        parameters=PARAMETERS,
        build=build_walk,
        mode="prove",
        depth=5,
        cover_depth=40,
        quick=True,
        mutants=(
            Mutant(
                "taps latched early",
                FILE,
                'with m.State("select"):\n                m.next = "settle"',
                'with m.State("select"):\n                m.next = "latch"',
                14,
            ),
            Mutant("tap_valid not waited for", FILE, "with m.If(self.tap.valid):", "with m.If(1):", 14),
            Mutant(
                "last beat of a row twice",
                FILE,
                "with m.If(beat == core.row_beats - 1):\n                    m.d.sync",
                "with m.If(beat == core.row_beats):\n                    m.d.sync",
                20,
            ),
            Mutant("cut frame not marked", FILE, "(last & bad) | mark, mark", "(last & bad), mark", 20),
            Mutant("marked beat with the lanes of a tail", FILE, "keep.eq(1)", "keep.eq((1 << tail) - 1)", 20),
            Mutant(
                "whole beat with the lanes of a tail", FILE, "keep.eq((1 << lanes) - 1)", "keep.eq((1 << tail) - 1)", 14
            ),
            Mutant(
                "room for the frame before only",
                FILE,
                "self.frames.room.eq((fits | (walking & ~waiting)) &",
                "self.frames.room.eq((1 | (walking & ~waiting)) &",
                30,
            ),
        ),
    ),
    Proof(
        name="readout-stream",
        component="Readout",
        claim="each beat that enters the output FIFO comes out on the stream once, unchanged and in order; a beat is "
        "stable while it is valid and not taken; nothing is held back",
        parameters=PARAMETERS,
        build=build_stream,
        mode="prove",
        depth=4,
        cover_depth=30,
        mutants=(
            Mutant(
                "beats dropped when not taken",
                FILE,
                "fifo.read_ready.eq(self.stream.ready)",
                "fifo.read_ready.eq(1)",
                16,
            ),
            Mutant(
                "valid before the data",
                FILE,
                "self.stream.valid.eq(fifo.read_valid)",
                "self.stream.valid.eq(fifo.level != 0)",
                16,
            ),
        ),
    ),
)
