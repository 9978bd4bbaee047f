"""The sequencer with the signals that its proofs speak of, and what each of them needs for induction."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value

from formal.bench import free, past
from formal.inside import Inside
from formal.proofs.schedule_check import INIT, RUN
from formal.sequencer_bench import SequencerBench, sequencer_bench

PARAMETERS = "all schedules of 64 words, all operands; loads of any length; all other inputs free"


@dataclass(frozen=True)
class Within:
    """What the properties take from within the sequencer.

    Parameters
    ----------
    own, fetch, check : Inside
        The three components.
    timed : Value
        An ``init`` or ``run`` is decided on in this cycle.
    is_init, cycles : Signal
        Which, and for how long.
    stop : Signal
        The group that is due ends with ``stop``.
    """

    own: Inside
    fetch: Inside
    check: Inside
    timed: Value
    is_init: Signal
    cycles: Signal
    stop: Signal


def bench_within(m: Module) -> tuple[SequencerBench, Within]:
    """Every word that is fetched is free, but no timed one lasts 0 cycles: that is what the check is for."""
    bench = sequencer_bench(m)
    word = free(m, "word", 32)
    m.d.comb += bench.sequencer.fetch.word.eq(word)
    m.d.comb += Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0))
    own, fetch, check = (bench.inside[name] for name in ("Sequencer", "InstructionFetch", "ScheduleCheck"))
    group = fetch.member("group")
    timed = fetch.member("next_group") & fetch.member("valid") & group.timed
    return bench, Within(own, fetch, check, timed, group.is_init, group.cycles, group.stop)


@dataclass(frozen=True)
class Time:
    """What the specification says of the timed instruction under way.

    Parameters
    ----------
    left, left_is_init : Signal
        Cycles, this one included, that it is still high at the array, and what kind it is.
    following : Signal
        ``left`` of the next cycle.
    began : Value
        The next cycle is the first of a timed instruction; ``cycles`` and ``is_init`` are its.
    """

    left: Signal
    left_is_init: Signal
    following: Signal
    began: Value
    cycles: Signal
    is_init: Signal


def specified_time(m: Module, bench: SequencerBench, within: Within) -> Time:
    """A counter of the specification, and what induction has to know of the sequencer's own."""
    running = bench.sequencer.running
    left, left_is_init = Signal(24, name="spec_left"), Signal(name="spec_is_init")
    # One cycle after it was decided on; an end in the cycle of the decision wins.
    began = past(m, within.timed, "decided") & running
    cycles, is_init = past(m, within.cycles, "decided_cycles"), past(m, within.is_init, "decided_is_init")
    following = Signal(24, name="spec_following")
    m.d.comb += following.eq(Mux(left == 0, 0, left - 1))
    with m.If(~running):
        m.d.comb += following.eq(0)
    with m.Elif(began):
        m.d.comb += following.eq(cycles)
        m.d.sync += left_is_init.eq(is_init)
    m.d.sync += left.eq(following)
    active, remaining = within.own["active"], within.own["remaining"]
    m.d.comb += [
        Assert(active == (following != 0)),
        Assert(~active | (remaining == following)),
        Assert(within.own["low"] == (following <= 1)),
        Assert(~active | (within.own["is_init"] == Mux(began, is_init, left_is_init))),
    ]
    return Time(left, left_is_init, following, began, cycles, is_init)


def inductive(m: Module, bench: SequencerBench, within: Within) -> None:
    """What induction has to know of any sequencer: the parts agree on where they are."""
    sequencer = bench.sequencer
    executing, group = within.own["executing"], within.fetch.member("group")
    valid, timed = within.fetch.member("valid"), group.timed
    m.d.comb += [
        Assert(~executing | sequencer.running),
        Assert(~executing | ~(within.check.member("busy") | within.check.member("good") | within.check.member("bad"))),
        Assert(~(within.check.member("good") & within.check.member("bad"))),
        Assert(~within.check.member("busy") | ~(within.check.member("good") | within.check.member("bad"))),
        Assert(~timed | (within.cycles != 0)),
        Assert(~timed | (group.short == (within.cycles[1:] == 0))),
        Assert(~timed | valid | ~executing),
        Assert(~within.stop | ~executing | (~timed & valid)),
        Assert(~(sequencer.load.busy & sequencer.load.complete)),
    ]
