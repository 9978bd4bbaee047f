"""Sequencer: what every schedule and any surroundings must leave true, for all time."""

from __future__ import annotations

from dataclasses import dataclass

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal, Value

from formal.bench import free, past
from formal.inside import Inside
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import INIT, RUN
from formal.sequencer_bench import SequencerBench, sequencer_bench


@dataclass(frozen=True)
class _Within:
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


def _bench(m: Module) -> tuple[SequencerBench, _Within]:
    """Every word that is fetched is free, but no timed one lasts 0 cycles: that is what the check is for."""
    bench = sequencer_bench(m)
    word = free(m, "word", 32)
    m.d.comb += bench.sequencer.fetch.word.eq(word)
    m.d.comb += Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0))
    own, fetch, check = (bench.inside[name] for name in ("Sequencer", "InstructionFetch", "ScheduleCheck"))
    group = fetch.member("group")
    timed = fetch.member("next_group") & fetch.member("valid") & group.timed
    return bench, _Within(own, fetch, check, timed, group.is_init, group.cycles, group.stop)


@dataclass(frozen=True)
class _Time:
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


def _time(m: Module, bench: SequencerBench, within: _Within) -> _Time:
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
    return _Time(left, left_is_init, following, began, cycles, is_init)


def build_durations() -> Module:
    """Each timed instruction lasts what it says."""
    m = Module()
    bench, within = _bench(m)
    sequencer = bench.sequencer
    time = _time(m, bench, within)
    left, left_is_init, began, cycles, is_init = (
        time.left,
        time.left_is_init,
        time.began,
        time.cycles,
        time.is_init,
    )

    m.d.comb += [
        Assert(sequencer.init == ((left != 0) & left_is_init)),
        Assert(sequencer.run == ((left != 0) & ~left_is_init)),
        # Only with the end of one begins the next; and nothing else happens before that end.
        Assert(~began | ((left <= 1) & (cycles != 0))),
        Assert(~(sequencer.sample | sequencer.commit | past(m, sequencer.load.start, "loads")) | (left <= 1)),
        Assert(sequencer.sample == past(m, sequencer.frames.start, "sampling")),
        Assert(sequencer.commit == past(m, sequencer.load.taken, "committing")),
    ]
    # The number of a sample stays during its init.
    number, init_before = past(m, sequencer.sample_number, "number_before"), past(m, sequencer.init, "init_before")
    sampled = past(m, sequencer.sample, "sampled_before")
    with m.If(init_before & sequencer.init & ~sampled):
        m.d.comb += Assert(sequencer.sample_number == number)
    begun, first = past(m, bench.begin, "begun_before"), past(m, sequencer.first_sample, "first_before")
    m.d.comb += Assert(sequencer.sample_number == Mux(begun, first, (number + sampled)[:32]))

    _inductive(m, bench, within)
    m.d.comb += [
        Cover(sequencer.run & (left == 1) & past(m, sequencer.run & (left == 2), "two_left")),
        Cover(sequencer.init & began & ~is_init),
        Cover(sequencer.init & (left == 3) & ~sequencer.running),
        Cover(sequencer.run & sequencer.sample & sequencer.commit),
    ]
    return m


def build_events() -> Module:
    """Who may happen when: loads and commits, samples, inits, the end."""
    m = Module()
    bench, within = _bench(m)
    sequencer = bench.sequencer
    before = {
        name: past(m, getattr(sequencer, name), f"{name}_before")
        for name in ("running", "abort", "fault", "array_lost", "illegal", "overrun", "nothing_loaded")
    }
    before["readout_start"] = past(m, sequencer.frames.start, "readout_start_before")
    begin = bench.begin
    begun_before = past(m, begin, "begun_before")

    # Nothing without a start and a check that has found the schedule good.
    passed = Signal()
    with m.If(begin):
        m.d.sync += passed.eq(0)
    with m.Elif(within.check.member("good") & sequencer.running):
        m.d.sync += passed.eq(1)
    strobes = sequencer.frames.start | sequencer.load.taken | sequencer.load.start | within.timed
    m.d.comb += [
        Assert(~strobes | (sequencer.running & passed)),
        Assert(~sequencer.running | before["running"] | begun_before),
        Assert(~(sequencer.init | sequencer.run) | before["running"]),
        Assert(~(within.fetch.member("next_group") & within.stop)),
        Assert(sequencer.illegal == (within.check.member("bad") & sequencer.running)),
    ]

    # A commit takes a whole chunk that this schedule has loaded, and each only once.
    loading = Signal()
    with m.If(begin):
        m.d.sync += loading.eq(0)
    with m.Elif(sequencer.load.start):
        m.d.sync += loading.eq(1)
    with m.Elif(sequencer.load.taken):
        m.d.sync += loading.eq(0)
    unloaded = past(m, ~loading, "unloaded")
    m.d.comb += [
        Assert(~sequencer.load.taken | (sequencer.load.complete & loading)),
        Assert(~sequencer.nothing_loaded | unloaded),
        Assert(~sequencer.load.start | ~sequencer.load.busy),
        Assert(~sequencer.load.start | ~loading | sequencer.load.complete),
        Assert(~sequencer.frames.start | ~sequencer.frames.busy),
        Assert(~(within.timed & within.is_init) | (sequencer.frames.room & sequencer.array_ready)),
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
    at_once = (
        before["fault"]
        | before["array_lost"]
        | before["illegal"]
        | before["overrun"]
        | before["nothing_loaded"]
        | twice
    )
    m.d.comb += Assert(~(before["running"] & at_once) | ended)
    # A first abort: no sample beyond the present one, and no init or run behind it.
    m.d.comb += Assert(~(aborted_before & before["readout_start"]) | ended)
    timed_began = past(m, within.timed, "decided") & sequencer.running
    in_sample, moved = Signal(), Signal()
    with m.If(begin):
        m.d.sync += [in_sample.eq(0), moved.eq(0)]
    with m.Else():
        with m.If(sequencer.frames.start):
            m.d.sync += in_sample.eq(0)
        with m.If(within.timed):
            m.d.sync += moved.eq(1)
            with m.If(within.is_init):
                m.d.sync += in_sample.eq(1)
    calm = past(m, moved & ~in_sample, "calm")
    m.d.comb += Assert(~(timed_began & aborted_before & calm))
    stop_before = past(m, within.stop, "stop_before")
    m.d.comb += Assert(~ended | at_once | stop_before | (aborted_before & (before["readout_start"] | calm)))

    # A sample that had begun and will not be latched is reported, unless the schedule itself stops there.
    open_sample = Signal()
    with m.If(begin):
        m.d.sync += open_sample.eq(0)
    with m.Elif(within.timed & within.is_init):
        m.d.sync += open_sample.eq(1)
    with m.Elif(sequencer.frames.start):
        m.d.sync += open_sample.eq(0)
    unlatched = past(m, open_sample & ~sequencer.frames.start, "unlatched")
    m.d.comb += Assert(~sequencer.frames.discard | (ended & unlatched))
    m.d.comb += Assert(~(ended & unlatched & ~stop_before) | sequencer.frames.discard)

    _inductive(m, bench, within)
    executing, any_load = within.own["executing"], within.own["any_load"]
    m.d.comb += [
        Assert(~executing | passed),
        Assert(~any_load | ~(sequencer.load.busy | sequencer.load.complete) | loading),
        Assert(~loading | ~sequencer.running | any_load),
        Assert(~loading | ~sequencer.running | sequencer.load.busy | sequencer.load.complete),
        Assert(~sequencer.running | (within.own["aborting"] == aborted)),
        Assert(~sequencer.running | (within.own["started"] == moved)),
        Assert(~sequencer.running | (within.own["in_sample"] == in_sample)),
        Assert(~sequencer.running | (within.own["in_sample"] == open_sample)),
    ]
    m.d.comb += [
        Cover(sequencer.load.taken & sequencer.load.start & sequencer.frames.start),
        Cover(sequencer.load.start & loading),
        Cover(ended & stop_before & ~aborted_before & (sequencer.samples == 1)),
        Cover(ended & before["readout_start"] & aborted_before & ~twice),
        Cover(ended & calm & aborted_before & ~at_once & ~before["readout_start"]),
        Cover(ended & twice & sequencer.frames.discard),
        Cover(ended & before["array_lost"]),
        Cover(ended & before["nothing_loaded"] & sequencer.frames.discard),
        Cover(sequencer.illegal),
        Cover(begun_before & past(m, sequencer.stopped, "stopped_before")),
    ]
    return m


def build_groups() -> Module:
    """Every member of a group happens once, in its order, and with the first edge with which it may."""
    m = Module()
    bench, within = _bench(m)
    sequencer, group = bench.sequencer, within.fetch.member("group")
    time = _time(m, bench, within)
    next_group = within.fetch.member("next_group")
    begin = bench.begin

    sampled, committed, loaded, loaded_ever = (
        Signal(name=f"spec_{name}") for name in ("sampled", "committed", "loaded", "loaded_ever")
    )
    events = ((sampled, sequencer.frames.start), (committed, sequencer.load.taken), (loaded, sequencer.load.start))
    for seen, event in events:
        m.d.sync += seen.eq((seen | event) & ~next_group & ~begin)
    m.d.sync += loaded_ever.eq((loaded_ever | sequencer.load.start) & ~begin)
    wants_sample, wants_commit, wants_load = group.sample & ~sampled, group.commit & ~committed, group.load & ~loaded
    m.d.comb += [
        Assert(~sequencer.frames.start | wants_sample),
        Assert(~sequencer.load.taken | wants_commit),
        Assert(~sequencer.load.start | (wants_load & (sequencer.load.chunk == group.chunk))),
        Assert(~sequencer.load.start | ~wants_commit | sequencer.load.taken),
    ]
    done = Signal(name="spec_done")
    m.d.comb += done.eq(
        (~wants_sample | sequencer.frames.start)
        & (~wants_commit | sequencer.load.taken)
        & (~wants_load | sequencer.load.start)
    )
    # The fetch may go on, and the schedule may stop, only when all has happened.
    m.d.comb += Assert(~next_group | (done & within.fetch.member("valid")))
    errors = sequencer.illegal | sequencer.overrun | sequencer.nothing_loaded
    forced = errors | sequencer.fault | sequencer.array_lost | within.own["aborting"]
    ending = past(m, sequencer.running & ~forced, "unforced")
    done_before, stop_before = past(m, done, "done_before"), past(m, within.stop, "stop_before")
    m.d.comb += Assert(~(ending & ~sequencer.running) | (done_before & stop_before))

    # Promptness: the group is fetched, and the next cycle is the last of what is under way, or the array holds still.
    edge, goes_on = Signal(name="spec_edge"), Signal(name="spec_goes_on")
    m.d.comb += edge.eq(within.own["executing"] & within.fetch.member("valid") & (time.following <= 1))
    with m.If(edge):
        m.d.comb += [
            Assert(~wants_sample | sequencer.frames.busy | sequencer.frames.start),
            Assert(~wants_commit | ~(sequencer.load.complete & loaded_ever) | sequencer.load.taken),
            Assert(~wants_load | sequencer.load.busy | (wants_commit & ~sequencer.load.taken) | sequencer.load.start),
            goes_on.eq(done & ~group.stop),
        ]
        with m.If(group.timed & group.is_init & ~(sequencer.frames.room & sequencer.array_ready)):
            m.d.comb += goes_on.eq(0)
    m.d.comb += Assert(next_group == goes_on)
    # A commit for which there is nothing, and nothing under way, ends the schedule.
    vain = edge & wants_commit & (~wants_sample | sequencer.frames.start) & ~sequencer.load.busy
    in_vain = past(m, vain & ~(sequencer.load.complete & loaded_ever), "in_vain")
    m.d.comb += Assert(sequencer.nothing_loaded == (in_vain & sequencer.running))
    # The check and the first fetch bring the schedule under way.
    good_before = past(m, within.check.member("good") & sequencer.running, "good_before")
    m.d.comb += Assert(~(good_before & sequencer.running) | within.own["executing"])

    _inductive(m, bench, within)
    m.d.comb += [
        Assert(~within.own["executing"] | (within.own["sampled"] == sampled)),
        Assert(~within.own["executing"] | (within.own["committed"] == committed)),
        Assert(~within.own["executing"] | (within.own["loaded"] == loaded)),
        Assert(~sequencer.running | (within.own["any_load"] == loaded_ever)),
        Assert(~sequencer.running | within.own["executing"] | ~(sampled | committed | loaded)),
        Assert(
            ~sequencer.running
            | within.own["executing"]
            | ~(within.own["sampled"] | within.own["committed"] | within.own["loaded"])
        ),
        Cover(next_group & group.sample & group.commit & group.load & group.timed & group.is_init),
        Cover(next_group & committed & sequencer.frames.start),
        Cover(next_group & sampled & sequencer.load.taken),
        Cover(edge & done & group.stop & (time.left == 1)),
    ]
    return m


def _inductive(m: Module, bench: SequencerBench, within: _Within) -> None:
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


FILE = "rtl/schedule/sequencer.py"
PARAMETERS = "all schedules of 64 words, all operands; loads of any length; all other inputs free"

PROOFS = (
    Proof(
        name="sequencer-durations",
        component="Sequencer",
        claim="run and init are high for exactly the cycles of each instruction, one behind the other without "
        "overlap; only an end cuts one short, and both are low two cycles later; samples, commits and loads happen "
        "only with the last cycle of one or while the array holds still; the sample number is stable during an init "
        "and counts samples",
        parameters=PARAMETERS,
        build=build_durations,
        mode="prove",
        depth=3,
        cover_depth=20,
        mutants=(
            Mutant("runs of 3 end early", FILE, "with m.If(remaining[:2] == 3):", "with m.If(remaining[:3] == 7):", 16),
            Mutant("run 1 lasts 2", FILE, "low.eq(group.short), active.eq(1)", "low.eq(0), active.eq(1)", 16),
            Mutant(
                "the end leaves the run", FILE, "m.d.sync += [active.eq(0), low.eq(1)]", "m.d.sync += low.eq(1)", 16
            ),
            Mutant("number changes during init", FILE, "with m.Elif(self.sample):", "with m.Elif(sample):", 24),
        ),
    ),
    Proof(
        name="sequencer-groups",
        component="Sequencer",
        claim="each sample, commit and load of a group happens once, the load with the commit or after it, its timed "
        "instruction or stop when all have happened; and each with the first edge at which its own condition holds, so "
        "that nothing waits in vain",
        parameters=PARAMETERS,
        build=build_groups,
        mode="prove",
        depth=3,
        cover_depth=30,
        mutants=(
            Mutant(
                "commit waits for the load",
                FILE,
                "may_commit.eq(~wants_commit | (self",
                "may_commit.eq(~wants_commit | (~wants_load & self",
                18,
            ),
            Mutant("load before its commit", FILE, "wants_load & may_load & may_commit)", "wants_load & may_load)", 18),
            Mutant(
                "sample happens twice", FILE, "sampled.eq((sampled | sample) & ~fetch.next_group)", "sampled.eq(0)", 18
            ),
            Mutant(
                "run does not wait for the sample", FILE, "ready & may_sample & may_commit", "ready & may_commit", 18
            ),
        ),
    ),
    Proof(
        name="sequencer-events",
        component="Sequencer",
        claim="a commit takes a complete load of this schedule, each load once; a load waits for the loader, a sample "
        "for the latches, an init for room and array; nothing without a start and a good check; an illegal schedule, "
        "an overrun, a fault, a lost array or a second abort ends at once, a first abort with the present sample or "
        "before the next instruction; each end has a reason and pulses stopped once; a sample that began and is not "
        "latched is reported as discarded",
        parameters=PARAMETERS,
        build=build_events,
        mode="prove",
        depth=3,
        cover_depth=26,
        quick=True,
        mutants=(
            Mutant(
                "partial shadow committed",
                FILE,
                "~wants_commit | (self.load.complete & any_load)",
                "~wants_commit | any_load",
                16,
            ),
            Mutant(
                "old load committed",
                FILE,
                "~wants_commit | (self.load.complete & any_load)",
                "~wants_commit | self.load.complete",
                16,
            ),
            Mutant(
                "init without room",
                FILE,
                "(self.frames.room & self.array_ready)),\n        ]",
                "self.array_ready),\n        ]",
                16,
            ),
            Mutant("abort samples on", FILE, "(sample | idle_edge)", "idle_edge", 24),
            Mutant("vain commit waits for ever", FILE, "                | self.nothing_loaded\n", "", 24),
            Mutant("illegal schedule goes on", FILE, "fetch.overrun | check.bad", "fetch.overrun", 12),
            Mutant("latched sample reported", FILE, "in_sample & ~sample)", "in_sample)", 24),
        ),
    ),
)
