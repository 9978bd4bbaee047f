"""Sequencer: who may happen when, and why a schedule ends, for all time."""

from __future__ import annotations

from amaranth.hdl import Assert, Cover, Module, Signal

from formal.bench import past
from formal.proof import Mutant, Proof
from formal.sequencer_inside import PARAMETERS, bench_within, inductive


def build_events() -> Module:
    """Who may happen when: loads and commits, samples, inits, the end."""
    m = Module()
    bench, within = bench_within(m)
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
        Assert(~within.timed | sequencer.array_ready),
        Assert(~(within.timed & within.is_init) | sequencer.frames.room),
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
    group = within.fetch.member("group")
    run_due = within.own["executing"] & within.fetch.member("valid") & group.timed & ~group.is_init
    gone = past(m, run_due & ~sequencer.array_ready, "gone")
    m.d.comb += [Assert(~lost | sequencer.array_lost), Assert(~sequencer.array_lost | lost | gone)]
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

    inductive(m, bench, within)
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
        Cover(sequencer.array_lost & ~lost),
        Cover(ended & before["nothing_loaded"] & sequencer.frames.discard),
        Cover(sequencer.illegal),
        Cover(begun_before & past(m, sequencer.stopped, "stopped_before")),
    ]
    return m


FILE = "rtl/schedule/sequencer.py"

PROOFS = (
    Proof(
        name="sequencer-events",
        component="Sequencer",
        claim="a commit takes a complete load of this schedule, each load once; a load waits for the loader, a sample "
        "for the latches, an init for room and array; neither an init nor a run begins without the array; nothing "
        "without a start and a good check; an illegal schedule, an overrun, a fault, a lost array or a second abort "
        "ends at once, a first abort with the present sample or before the next instruction; each end has a reason and "
        "pulses stopped once; a sample that began and is not latched is reported as discarded",
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
                "self.array_ready & (~group.is_init | self.frames.room)",
                "self.array_ready",
                16,
            ),
            Mutant(
                "run begins without the array",
                FILE,
                "may_time.eq(self.array_ready & (~group",
                "may_time.eq((self.array_ready | ~group.is_init) & (~group",
                16,
            ),
            Mutant("abort samples on", FILE, "(sample | idle_edge)", "idle_edge", 24),
            Mutant("vain commit waits for ever", FILE, "                | self.nothing_loaded\n", "", 24),
            Mutant("illegal schedule goes on", FILE, "fetch.overrun | check.bad", "fetch.overrun", 12),
            Mutant("latched sample reported", FILE, "in_sample & ~sample)", "in_sample)", 24),
        ),
    ),
)
