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

    core = small_core(grid=[1, 1], chunks=2, readout={"taps": 2, "subphases": 1})
    m = Module()
    sequencer, readout = Sequencer(core), Readout(core)
    m.submodules.sequencer, insides = elaborated_inside(sequencer)
    m.submodules.readout, others = elaborated_inside(readout)
    within, walk = insides["Sequencer"], others["Readout"]
    joined = ("readout_busy", "readout_room")
    for component, wired in ((sequencer, joined), (readout, ("start", "discard"))):
        for name, member in component.signature.members.items():
            if member.flow.name == "In" and name not in wired:
                m.d.comb += getattr(component, name).eq(free(m, name, member.shape))
    word = sequencer.fetch_word
    m.d.comb += [
        Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0)),
        readout.start.eq(sequencer.readout_start),
        readout.discard.eq(sequencer.discarded),
        sequencer.readout_busy.eq(readout.busy),
        sequencer.readout_room.eq(readout.room),
    ]
    waits = Signal()
    m.d.sync += waits.eq(readout.discard | (waits & readout.busy))
    m.d.comb += [
        # What is started is latched, and what is discarded has a place of its own.
        Assert(~readout.start | ~readout.busy),
        Assert(~(readout.discard & (readout.start | (waits & readout.busy)))),
    ]

    # What induction has to know besides: a sample begins only when no other waits to be marked.
    check, marking = insides["ScheduleCheck"].component, walk["discarded"]
    executing = within["executing"]
    m.d.comb += [
        Assert(~(waits & readout.busy) | marking),
        Assert(~marking | waits),
        Assert(~executing | sequencer.running),
        Assert(~executing | ~(check.busy | check.good | check.bad)),
        Assert(~(check.good & check.bad) & (~check.busy | ~(check.good | check.bad))),
        Assert(~readout.discard | ~executing),
        Assert(~sequencer.running | executing | ~within["in_sample"]),
        Assert(~(sequencer.running & within["in_sample"]) | ~(marking | readout.discard)),
    ]
    m.d.comb += [
        Cover(readout.discard & past(m, readout.busy, "busy_before")),
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
                "(self.readout_room & self.array_ready)),\n        ]",
                "self.array_ready),\n        ]",
                34,
            ),
        ),
        timeout_s=300,
    ),
)
