"""Sequencer: what every schedule and any surroundings must leave true of durations and groups, for all time."""

from __future__ import annotations

from amaranth.hdl import Assert, Cover, Module, Mux, Signal

from formal.bench import past
from formal.proof import Mutant, Proof
from formal.sequencer_inside import PARAMETERS, bench_within, inductive, specified_time


def build_durations() -> Module:
    """Each timed instruction lasts what it says."""
    m = Module()
    bench, within = bench_within(m)
    sequencer = bench.sequencer
    time = specified_time(m, bench, within)
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
    # The number of a sample: that of the first one at the start, and one more with every sample. The array sees it with
    # the edge behind the sample, or, while an init is high, behind that.
    due = Signal(32, name="spec_number")
    with m.If(bench.begin):
        m.d.sync += due.eq(sequencer.first_sample)
    with m.Elif(sequencer.frames.start):
        m.d.sync += due.eq(due + 1)
    number, due_before = past(m, sequencer.sample_number, "number_before"), past(m, due, "due_before")
    stays = past(m, sequencer.init, "init_before") & sequencer.init
    m.d.comb += [
        Assert(sequencer.sample_number == Mux(stays, number, due_before)),
        Assert(within.own["due_number"] == due),
    ]

    inductive(m, bench, within)
    m.d.comb += [
        Cover(sequencer.run & (left == 1) & past(m, sequencer.run & (left == 2), "two_left")),
        Cover(sequencer.init & began & ~is_init),
        Cover(sequencer.init & (left == 3) & ~sequencer.running),
        Cover(sequencer.run & sequencer.sample & sequencer.commit),
        Cover(stays & (number != due_before)),
    ]
    return m


def build_groups() -> Module:
    """Every member of a group happens once, in its order, and with the first edge with which it may."""
    m = Module()
    bench, within = bench_within(m)
    sequencer, group = bench.sequencer, within.fetch.member("group")
    time = specified_time(m, bench, within)
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
        with m.If(group.timed & ~(sequencer.array_ready & (~group.is_init | sequencer.frames.room))):
            m.d.comb += goes_on.eq(0)
    m.d.comb += Assert(next_group == goes_on)
    # A run that finds the array not ready does not wait for it: the array has lost its phases.
    run_due = edge & done & group.timed & ~group.is_init
    gone = past(m, run_due & ~sequencer.array_ready, "gone")
    m.d.comb += Assert(~(gone & sequencer.running) | sequencer.array_lost)
    # A commit for which there is nothing, and nothing under way, ends the schedule.
    vain = edge & wants_commit & (~wants_sample | sequencer.frames.start) & ~sequencer.load.busy
    in_vain = past(m, vain & ~(sequencer.load.complete & loaded_ever), "in_vain")
    m.d.comb += Assert(sequencer.nothing_loaded == (in_vain & sequencer.running))
    # STATUS.stalled: the array holds still and the schedule waits, also before anything was timed.
    moved = Signal(name="spec_moved")
    m.d.sync += moved.eq((moved | within.timed) & ~begin)
    waits, still = past(m, edge & ~next_group, "waits"), within.own["executing"] & (time.following == 0)
    m.d.comb += [
        Assert(sequencer.stalled == (still & (moved | waits))),
        Assert(~sequencer.running | (within.own["started"] == moved)),
        Cover(sequencer.stalled & ~moved & group.timed & group.is_init & ~sequencer.array_ready),
    ]
    # The check and the first fetch bring the schedule under way.
    good_before = past(m, within.check.member("good") & sequencer.running, "good_before")
    m.d.comb += Assert(~(good_before & sequencer.running) | within.own["executing"])

    inductive(m, bench, within)
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


FILE = "rtl/schedule/sequencer.py"

PROOFS = (
    Proof(
        name="sequencer-durations",
        component="Sequencer",
        claim="run and init are high for exactly the cycles of each instruction, one behind the other without "
        "overlap; only an end cuts one short, and both are low two cycles later; samples, commits and loads happen "
        "only with the last cycle of one or while the array holds still; the sample number counts samples and never "
        "changes during an init, nor between two without a gap",
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
            Mutant(
                "number changes during init",
                FILE,
                "with m.If(~(self.init & shared.next_init)):",
                "with m.If(~self.init | self.sample):",
                24,
            ),
            Mutant(
                "init begins with the number before",
                FILE,
                "with m.If(~(self.init & shared.next_init)):",
                "with m.If(~shared.next_init):",
                26,
            ),
        ),
    ),
    Proof(
        name="sequencer-groups",
        component="Sequencer",
        claim="each sample, commit and load of a group happens once, the load with the commit or after it, its timed "
        "instruction or stop when all have happened; and each with the first edge at which its own condition holds, so "
        "that nothing waits in vain; stalled says so while the array holds still for a wait",
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
            Mutant("waits in silence at first", FILE, "idle & (shared.started | waited)", "idle & shared.started", 24),
            Mutant(
                "run does not wait for the sample", FILE, "ready & may_sample & may_commit", "ready & may_commit", 18
            ),
        ),
    ),
)
