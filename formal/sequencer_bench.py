"""What surrounds the sequencer in its proofs: a schedule that stays, a loader, and everything else free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from amaranth.hdl import Assume, Fragment, Module, Mux, Signal, Value

from formal.bench import chosen, elaborated, free, past, started
from formal.cores import small_core

CHUNKS = 3
MEMORY = 64
"""Words of the schedule memory, from docs/formats.md."""

FREE_INPUTS = ("start", "abort", "fault", "array_ready", "length", "first_sample", "readout_busy", "readout_room")


@dataclass(frozen=True)
class SequencerBench:
    """The sequencer in its surroundings.

    Parameters
    ----------
    sequencer : Sequencer
    fragment : Fragment
        For `formal.bench.register_of`.
    begin : Signal
        A start is taken.
    load_done : Signal
        The loader ends a load in this cycle, if there is one.
    """

    sequencer: Any
    fragment: Fragment
    begin: Signal
    load_done: Signal


def sequencer_bench(m: Module) -> SequencerBench:
    """A sequencer whose inputs are free but for the loader, which keeps its contract; ``fetch_word`` is left open.

    A load takes any number of cycles. In the first cycle one may be under way, or complete, from a time before.
    """
    from oscc.rtl.sequencer import Sequencer

    sequencer = Sequencer(small_core(chunks=CHUNKS))
    m.submodules.sequencer = fragment = elaborated(sequencer)
    for name in FREE_INPUTS:
        m.d.comb += getattr(sequencer, name).eq(free(m, name, sequencer.signature.members[name].shape))
    begin, done = Signal(), free(m, "load_done", 1)
    m.d.comb += begin.eq(sequencer.start & ~sequencer.running)

    later = started(m)
    busy_now, complete_now = Signal(), Signal()
    busy, complete = sequencer.load_busy, sequencer.load_complete
    m.d.comb += [
        busy.eq(Mux(later, busy_now, chosen(m, "busy_at_first", 1))),
        complete.eq(Mux(later, complete_now, ~busy & chosen(m, "complete_at_first", 1))),
    ]
    m.d.sync += [busy_now.eq(busy), complete_now.eq(complete)]
    with m.If(sequencer.load_start & ~busy):
        m.d.sync += [busy_now.eq(1), complete_now.eq(0)]
    with m.Elif(busy & done):
        m.d.sync += [busy_now.eq(0), complete_now.eq(1)]
    with m.Elif(sequencer.load_taken):
        m.d.sync += complete_now.eq(0)
    return SequencerBench(sequencer, fragment, begin, done)


def stable_schedule(m: Module, bench: SequencerBench, size: int) -> list[Signal]:
    """A schedule of at most ``size`` instructions, any words; a start with a greater length is one beyond the memory.

    What lies behind these words is anything, and another thing in every cycle.
    """
    words = [chosen(m, f"word_{number}", 32) for number in range(size)]
    sequencer = bench.sequencer
    fetched = past(m, sequencer.fetch_address, "fetched")
    m.d.comb += sequencer.fetch_word.eq(free(m, "beyond", 32))
    with m.Switch(fetched):
        for number, word in enumerate(words):
            with m.Case(number):
                m.d.comb += sequencer.fetch_word.eq(word)
    m.d.comb += Assume(~bench.begin | (sequencer.length <= size) | (sequencer.length > MEMORY))
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
