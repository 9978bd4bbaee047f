"""Sequencer: what every schedule and any surroundings must leave true, for all time."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Assert, Assume, Cover, Fragment, Module, Mux, Signal, Value

from formal.bench import free, past, register_of
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import INIT, RUN
from formal.sequencer_bench import SequencerBench, part_of, sequencer_bench


@dataclass(frozen=True)
class _Inside:
    """What the properties take from within, by name.

    ``next_group`` and the group tell when a timed instruction was decided on, and which.
    """

    fetch: Fragment
    check: Fragment
    timed: Value
    is_init: Signal
    cycles: Signal
    stop: Signal
    good: Signal
    bad: Signal


def _bench(m: Module) -> tuple[SequencerBench, _Inside]:
    """Every word that is fetched is free, but no timed one lasts 0 cycles: that is what the check is for."""
    bench = sequencer_bench(m)
    word = free(m, "word", 32)
    m.d.comb += bench.sequencer.fetch_word.eq(word)
    m.d.comb += Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0))
    fetch, check = part_of(bench.fragment, "fetch"), part_of(bench.fragment, "check")
    timed = register_of(bench.fragment, "next_group") & register_of(fetch, "group__timed")
    inside = _Inside(
        fetch=fetch,
        check=check,
        timed=timed,
        is_init=register_of(fetch, "group__is_init"),
        cycles=register_of(fetch, "group__cycles"),
        stop=register_of(fetch, "group__stop"),
        good=register_of(check, "good"),
        bad=register_of(check, "bad"),
    )
    return bench, inside


def build_durations() -> Module:
    """A counter of the specification beside the sequencer's: each timed instruction lasts what it says."""
    m = Module()
    bench, inside = _bench(m)
    sequencer = bench.sequencer
    left, left_is_init = Signal(24, name="spec_left"), Signal(name="spec_is_init")
    # One cycle after it was decided on; an end in the cycle of the decision wins.
    began = past(m, inside.timed, "decided") & sequencer.running
    cycles, is_init = past(m, inside.cycles, "decided_cycles"), past(m, inside.is_init, "decided_is_init")
    following = Signal(24, name="spec_following")
    m.d.comb += following.eq(Mux(left == 0, 0, left - 1))
    with m.If(~sequencer.running):
        m.d.comb += following.eq(0)
    with m.Elif(began):
        m.d.comb += following.eq(cycles)
        m.d.sync += left_is_init.eq(is_init)
    m.d.sync += left.eq(following)

    m.d.comb += [
        Assert(sequencer.init == ((left != 0) & left_is_init)),
        Assert(sequencer.run == ((left != 0) & ~left_is_init)),
        # Only with the end of one begins the next; and nothing else happens before that end.
        Assert(~began | ((left <= 1) & (cycles != 0))),
        Assert(~(sequencer.sample | sequencer.commit | past(m, sequencer.load_start, "loads")) | (left <= 1)),
        Assert(sequencer.sample == past(m, sequencer.readout_start, "sampling")),
        Assert(sequencer.commit == past(m, sequencer.load_taken, "committing")),
    ]
    # The number of a sample stays during its init.
    number, init_before = past(m, sequencer.sample_number, "number_before"), past(m, sequencer.init, "init_before")
    sampled = past(m, sequencer.sample, "sampled_before")
    with m.If(init_before & sequencer.init & ~sampled):
        m.d.comb += Assert(sequencer.sample_number == number)
    begun, first = past(m, bench.begin, "begun_before"), past(m, sequencer.first_sample, "first_before")
    m.d.comb += Assert(sequencer.sample_number == Mux(begun, first, (number + sampled)[:32]))

    _inductive(m, bench, inside)
    active, remaining = register_of(bench.fragment, "active"), register_of(bench.fragment, "remaining")
    m.d.comb += [
        Assert(active == (following != 0)),
        Assert(~active | (remaining == following)),
        Assert(active | (following == 0)),
    ]
    with m.If(active):
        m.d.comb += Assert(register_of(bench.fragment, "is_init") == Mux(began, is_init, left_is_init))
    m.d.comb += [
        Cover(sequencer.run & (left == 1) & past(m, sequencer.run & (left == 2), "two_left")),
        Cover(sequencer.init & began & ~is_init),
        Cover(sequencer.init & (left == 3) & past(m, ~sequencer.running, "stopped_then")),
        Cover(sequencer.run & sequencer.sample & sequencer.commit),
    ]
    return m


def build_events() -> Module:
    """Who may happen when: loads and commits, samples, inits, the end."""
    m = Module()
    bench, inside = _bench(m)
    sequencer = bench.sequencer
    before = {
        name: past(m, getattr(sequencer, name), f"{name}_before")
        for name in ("running", "abort", "fault", "array_lost", "illegal", "overrun", "readout_start")
    }
    begin = bench.begin
    begun_before = past(m, begin, "begun_before")

    # Nothing without a start and a check that has found the schedule good.
    passed = Signal()
    with m.If(begin):
        m.d.sync += passed.eq(0)
    with m.Elif(inside.good & sequencer.running):
        m.d.sync += passed.eq(1)
    strobes = sequencer.readout_start | sequencer.load_taken | sequencer.load_start | inside.timed
    m.d.comb += [
        Assert(~strobes | (sequencer.running & passed)),
        Assert(~sequencer.running | before["running"] | begun_before),
        Assert(~(sequencer.init | sequencer.run) | before["running"]),
        Assert(sequencer.illegal == (inside.bad & sequencer.running)),
    ]

    # A commit takes a whole chunk that this schedule has loaded, and each only once.
    loading = Signal()
    with m.If(begin):
        m.d.sync += loading.eq(0)
    with m.Elif(sequencer.load_start):
        m.d.sync += loading.eq(1)
    with m.Elif(sequencer.load_taken):
        m.d.sync += loading.eq(0)
    m.d.comb += [
        Assert(~sequencer.load_taken | (sequencer.load_complete & loading)),
        Assert(~sequencer.load_start | ~sequencer.load_busy),
        Assert(~sequencer.load_start | ~loading | sequencer.load_complete),
        Assert(~sequencer.readout_start | ~sequencer.readout_busy),
        Assert(~(inside.timed & inside.is_init) | (sequencer.readout_room & sequencer.array_ready)),
    ]

    # The end: once, for a reason, and at once for those that cannot wait.
    ended = before["running"] & ~sequencer.running
    m.d.comb += Assert(sequencer.stopped == ended)
    aborted = Signal()
    with m.If(begin):
        m.d.sync += aborted.eq(sequencer.abort)
    with m.Elif(sequencer.running & sequencer.abort):
        m.d.sync += aborted.eq(1)
    lost = sequencer.running & (sequencer.init | sequencer.run) & ~sequencer.array_ready
    m.d.comb += Assert(sequencer.array_lost == lost)
    aborted_before = past(m, aborted, "aborted_before")
    twice = aborted_before & before["abort"]
    at_once = before["fault"] | before["array_lost"] | before["illegal"] | before["overrun"] | twice
    m.d.comb += Assert(~(before["running"] & at_once) | ended)
    # A first abort: no sample beyond the present one, and no init or run behind it.
    m.d.comb += Assert(~(aborted_before & before["readout_start"]) | ended)
    timed_began = past(m, inside.timed, "decided") & sequencer.running
    in_sample, moved = Signal(), Signal()
    with m.If(begin):
        m.d.sync += [in_sample.eq(0), moved.eq(0)]
    with m.Else():
        with m.If(sequencer.readout_start):
            m.d.sync += in_sample.eq(0)
        with m.If(inside.timed):
            m.d.sync += moved.eq(1)
            with m.If(inside.is_init):
                m.d.sync += in_sample.eq(1)
    calm = past(m, moved & ~in_sample, "calm")
    m.d.comb += Assert(~(timed_began & aborted_before & calm))
    stop_before = past(m, inside.stop, "stop_before")
    m.d.comb += Assert(~ended | at_once | stop_before | (aborted_before & (before["readout_start"] | calm)))

    # A sample that had begun and will not be latched is reported, unless the schedule itself stops there.
    open_sample = Signal()
    with m.If(begin):
        m.d.sync += open_sample.eq(0)
    with m.Elif(inside.timed):
        m.d.sync += open_sample.eq(1)
    with m.Elif(sequencer.readout_start):
        m.d.sync += open_sample.eq(0)
    unlatched = past(m, open_sample & ~sequencer.readout_start, "unlatched")
    m.d.comb += Assert(~sequencer.discarded | (ended & unlatched))
    m.d.comb += Assert(~(ended & unlatched & ~stop_before) | sequencer.discarded)

    _inductive(m, bench, inside)
    fragment = bench.fragment
    executing = register_of(fragment, "executing")
    any_load = register_of(fragment, "any_load")
    m.d.comb += [
        Assert(~executing | passed),
        Assert(~any_load | ~(sequencer.load_busy | sequencer.load_complete) | loading),
        Assert(~loading | ~sequencer.running | any_load | sequencer.load_busy),
        Assert(~loading | ~sequencer.running | sequencer.load_busy | sequencer.load_complete),
        Assert(~sequencer.running | (register_of(fragment, "in_sample") == in_sample)),
        Assert(~sequencer.running | (register_of(fragment, "begun") == open_sample)),
    ]
    m.d.comb += [
        Cover(sequencer.load_taken & sequencer.load_start & sequencer.readout_start),
        Cover(sequencer.load_start & loading),
        Cover(ended & stop_before & ~aborted_before & (sequencer.samples == 1)),
        Cover(ended & before["readout_start"] & aborted_before & ~twice),
        Cover(ended & calm & aborted_before & ~at_once & ~before["readout_start"]),
        Cover(ended & twice & sequencer.discarded),
        Cover(ended & before["array_lost"]),
        Cover(sequencer.illegal),
        Cover(begun_before & past(m, sequencer.stopped, "stopped_before")),
    ]
    return m


def _inductive(m: Module, bench: SequencerBench, inside: _Inside) -> None:
    """What induction has to know of any sequencer: the parts agree on where they are."""
    sequencer = bench.sequencer
    executing = register_of(bench.fragment, "executing")
    valid, timed = register_of(inside.fetch, "valid"), register_of(inside.fetch, "group__timed")
    m.d.comb += [
        Assert(~executing | sequencer.running),
        Assert(~executing | ~(register_of(inside.check, "busy") | inside.good | inside.bad)),
        Assert(~(inside.good & inside.bad)),
        Assert(~register_of(inside.check, "busy") | ~(inside.good | inside.bad)),
        Assert(~timed | (inside.cycles != 0)),
        Assert(~timed | (register_of(inside.fetch, "group__short") == (inside.cycles[1:] == 0))),
        Assert(~timed | valid | ~executing),
        Assert(~inside.stop | (~timed & (valid | ~executing))),
        Assert(~(sequencer.load_busy & sequencer.load_complete)),
    ]


PROOFS = (
    Proof(
        name="sequencer-durations",
        component="Sequencer",
        claim="",
        parameters="",
        build=build_durations,
        mode="prove",
        depth=3,
        cover_depth=20,
        mutants=(),
    ),
    Proof(
        name="sequencer-events",
        component="Sequencer",
        claim="",
        parameters="",
        build=build_events,
        mode="prove",
        depth=3,
        cover_depth=24,
        mutants=(),
    ),
)
