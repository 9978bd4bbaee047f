"""Sequencer and read-out together: no sample that has begun is lost between them."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cover, Module, Signal

from formal.bench import free, past
from formal.cores import small_core
from formal.inside import elaborated_inside
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import INIT, RUN


def build() -> Module:
    """The two as the control plane joins them; everything else is free."""
    from oscc.rtl.readout.readout import Readout
    from oscc.rtl.schedule.sequencer import Sequencer
    from oscc.rtl.signals.port import connect

    core = small_core(grid=[1, 1], chunks=2, readout={"taps": 2, "subphases": 1})
    m = Module()
    sequencer, readout = Sequencer(core), Readout(core)
    m.submodules.sequencer, insides = elaborated_inside(sequencer)
    m.submodules.readout, others = elaborated_inside(readout)
    within, walk = insides["Sequencer"], others["Readout"]
    for component in (sequencer, readout):
        for path, member, signal in component.signature.flatten(component):
            if member.flow.name == "In" and path[0] != "frames":
                m.d.comb += signal.eq(free(m, "_".join(path), member.shape))
    word = sequencer.fetch.word
    m.d.comb += Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0))
    connect(m, sequencer.frames, readout.frames)
    waits = Signal()
    m.d.sync += waits.eq(readout.frames.discard | (waits & readout.frames.busy))
    m.d.comb += [
        # What is started is latched, and what is discarded has a place of its own.
        Assert(~readout.frames.start | ~readout.frames.busy),
        Assert(~(readout.frames.discard & (readout.frames.start | (waits & readout.frames.busy)))),
    ]

    # What induction has to know besides: a sample begins only when no other waits to be marked.
    check, marking = insides["ScheduleCheck"].component, walk["discarded"]
    executing, ongoing = within["executing"], walk["fsm"].ongoing
    m.d.comb += [
        Assert(walk["walking"] == (~ongoing("idle") & ~ongoing("mark"))),
        Assert(~(waits & readout.frames.busy) | marking),
        Assert(~marking | waits),
        Assert(~executing | sequencer.running),
        Assert(~executing | ~(check.busy | check.good | check.bad)),
        Assert(~(check.good & check.bad) & (~check.busy | ~(check.good | check.bad))),
        Assert(~readout.frames.discard | ~executing),
        Assert(~sequencer.running | executing | ~within["in_sample"]),
        Assert(~(sequencer.running & within["in_sample"]) | ~(marking | readout.frames.discard)),
    ]
    m.d.comb += [
        Cover(readout.frames.discard & past(m, readout.frames.busy, "busy_before")),
        Cover(waits & sequencer.running & within["executing"]),
    ]
    return m


PROOFS = (
    Proof(
        name="sample-delivery",
        component="Sequencer, Readout",
        claim="joined as in the control plane, no start is ignored and no discarded sample is reported while another "
        "waits for its marked beat: each sample that has begun comes to a TLAST of its own",
        parameters="one oscillator; all other inputs free",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=26,
        mutants=(
            Mutant(
                "init does not wait",
                "rtl/schedule/sequencer.py",
                "self.array_ready & (~group.is_init | self.frames.room)",
                "self.array_ready",
                34,
            ),
        ),
        timeout_s=300,
    ),
)
