"""What surrounds the sequencer in its proofs: a schedule that stays, a loader, and everything else free."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Assume, Cat, Const, Module, Mux, Signal, Value

from formal.bench import chosen, free, past, started
from formal.cores import small_core
from formal.inside import Inside, elaborated_inside
from formal.proofs.schedule_check import REPEAT, is_legal

CHUNKS = 3
USERS_OF_DEPTH = ("sequencer", "instruction_fetch", "schedule_check")
"""Files of the RTL whose components have the size of the schedule memory."""

FREE_INPUTS = ("start", "abort", "fault", "array_ready", "length", "first_sample")


@dataclass(frozen=True)
class SequencerBench:
    """The sequencer in its surroundings.

    Parameters
    ----------
    sequencer : Sequencer
    inside : mapping of str to Inside
        Signals within, by the class of their component.
    begin : Signal
        A start is taken.
    load_done : Signal
        The loader ends a load in this cycle, if there is one.
    """

    sequencer: Any
    inside: Mapping[str, Inside]
    begin: Signal
    load_done: Signal


@contextmanager
def small_memory(words: int) -> Iterator[None]:
    """While it lasts, sequencers are built for a schedule memory of so many words.

    Each repeat has a counter, so that the size of the memory decides how far a solver comes.
    """
    changed = [importlib.import_module(f"oscc.rtl.schedule.{name}") for name in USERS_OF_DEPTH]
    before = [module.SCHEDULE_DEPTH for module in changed]
    try:
        for module in changed:
            module.__dict__["SCHEDULE_DEPTH"] = words
        yield
    finally:
        for module, depth in zip(changed, before, strict=True):
            module.__dict__["SCHEDULE_DEPTH"] = depth


def sequencer_bench(m: Module) -> SequencerBench:
    """A sequencer whose inputs are free but for the loader, which keeps its contract; ``fetch.word`` is left open.

    A load takes any number of cycles. In the first cycle one may be under way, or complete, from a time before.
    """
    from oscc.rtl.schedule.sequencer import Sequencer

    sequencer = Sequencer(small_core(chunks=CHUNKS))
    m.submodules.sequencer, inside = elaborated_inside(sequencer)
    for name in FREE_INPUTS:
        m.d.comb += getattr(sequencer, name).eq(free(m, name, sequencer.signature.members[name].shape))
    m.d.comb += sequencer.frames.busy.eq(free(m, "readout_busy", 1))
    m.d.comb += sequencer.frames.room.eq(free(m, "readout_room", 1))
    begin, done = Signal(), free(m, "load_done", 1)
    m.d.comb += begin.eq(sequencer.start & ~sequencer.running)

    later = started(m)
    busy_now, complete_now = Signal(), Signal()
    busy, complete = sequencer.load.busy, sequencer.load.complete
    m.d.comb += [
        busy.eq(Mux(later, busy_now, chosen(m, "busy_at_first", 1))),
        complete.eq(Mux(later, complete_now, ~busy & chosen(m, "complete_at_first", 1))),
    ]
    m.d.sync += [busy_now.eq(busy), complete_now.eq(complete)]
    with m.If(sequencer.load.start & ~busy):
        m.d.sync += [busy_now.eq(1), complete_now.eq(0)]
    with m.Elif(busy & done):
        m.d.sync += [busy_now.eq(0), complete_now.eq(1)]
    with m.Elif(sequencer.load.taken):
        m.d.sync += complete_now.eq(0)
    return SequencerBench(sequencer, inside, begin, done)


def stable_schedule(m: Module, bench: SequencerBench, size: int, operand_bits: int, count_bits: int) -> list[Signal]:
    """A legal schedule of at most ``size`` instructions, operands and counts of so many bits; started with its length.

    What lies behind it is anything, and another thing in every cycle.
    """
    sequencer = bench.sequencer
    words = []
    for number in range(size):
        operation, operand = chosen(m, f"operation_{number}", 3), chosen(m, f"operand_{number}", operand_bits)
        count, word = chosen(m, f"count_{number}", count_bits), Signal(32, name=f"word_{number}")
        m.d.comb += word.eq(Cat(operand, Const(0, 8 - operand_bits), count, Const(0, 20 - count_bits), operation))
        m.d.comb += Assume((count == 0) | (operation == REPEAT))
        words.append(word)
    length = chosen(m, "its_length", range(size + 1))
    m.d.comb += [Assume(is_legal(words, length, CHUNKS)), Assume(~bench.begin | (sequencer.length == length))]
    m.d.comb += sequencer.fetch.word.eq(free(m, "beyond", 32))
    with m.Switch(past(m, sequencer.fetch.address, "fetched")):
        for number, word in enumerate(words):
            with m.Case(number):
                m.d.comb += sequencer.fetch.word.eq(word)
    return words


def word_at(m: Module, words: list[Signal], place: Value, name: str) -> Signal:
    """The word at a place; the last one beyond the end."""
    found = Signal(32, name=name)
    m.d.comb += found.eq(words[-1])
    with m.Switch(place):
        for number, word in enumerate(words):
            with m.Case(number):
                m.d.comb += found.eq(word)
    return found
