"""Control plane: what its parts promise each other is kept where they are joined."""

from __future__ import annotations

from amaranth.hdl import Assert, Cover, Module

from formal.bench import free, past
from formal.cores import small_core
from formal.inside import elaborated_inside
from formal.proof import Mutant, Proof


def build() -> Module:
    """The whole control plane; everything that comes from the host and from the array is free."""
    from oscc.rtl.control_plane import ControlPlane

    m = Module()
    plane = ControlPlane(small_core(grid=[1, 1], chunks=1, readout={"taps": 2, "subphases": 1}))
    m.submodules.plane, insides = elaborated_inside(plane)
    for name, member in plane.signature.members.items():
        if not member.is_signature and member.is_port and member.flow.name == "In":
            m.d.comb += getattr(plane, name).eq(free(m, name, member.shape))
    for name in ("ready", "tap_valid", "tap_data"):
        signal = getattr(plane.array, name)
        m.d.comb += signal.eq(free(m, f"array_{name}", signal.shape()))
    inside = insides["ControlPlane"]
    sequencer, ingress, store, readout, registers = (
        inside[name] for name in ("sequencer", "ingress", "store", "readout", "registers")
    )
    array = plane.array
    programmed, running = ingress.programmed, sequencer.running

    # Never unprogrammed: not started, not running, nothing at the array.
    moves = array.init | array.run | array.sample | array.commit
    m.d.comb += [
        Assert(~sequencer.start | programmed),
        Assert(~running | programmed),
        Assert(~moves | programmed),
        Assert(~moves | past(m, running, "ran")),
    ]
    # Nor while the weights change.
    m.d.comb += [
        Assert(~(running & (ingress.loading | store.self_testing | store.write_enable.any()))),
        Assert(~(sequencer.start & (registers.control_load | store.self_test))),
    ]
    # A start that is not taken is answered with an error.
    refused = registers.control_start & ~sequencer.start
    m.d.comb += Assert(~refused | registers.error_unprogrammed_set | registers.error_busy_set)
    # What ends a schedule reaches the sequencer, and the host: both watchdogs and uncorrectable words.
    late = inside["late"]
    m.d.comb += [
        Assert(~store.uncorrectable | (sequencer.fault & registers.error_uncorrectable_set)),
        Assert(~readout.cut | (sequencer.fault & registers.error_watchdog_set)),
        Assert(~late | (sequencer.fault & registers.error_watchdog_set)),
        Assert(~past(m, sequencer.fault, "faulted") | ~running | past(m, ~running, "was_idle")),
    ]

    # What induction has to know besides.
    loader = insides["ProgramIngress"]
    m.d.comb += [
        Assert(~programmed | ~(ingress.loading | loader["checking"])),
        Assert(~(loader["word_valid"] & programmed)),
        Assert(~(store.self_testing & (programmed | running | ingress.loading | loader["checking"]))),
    ]
    m.d.comb += [
        Cover(running & past(m, programmed, "programmed_before")),
        Cover(refused & ~programmed),
        Cover(refused & programmed),
        Cover(store.self_testing & past(m, programmed, "was_programmed")),
    ]
    return m


FILE = "rtl/control_plane.py"

PROOFS = (
    Proof(
        name="control-plane",
        component="ControlPlane",
        claim="",
        parameters="",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=20,
        mutants=(
            Mutant("starts unprogrammed", FILE, "start & ~start_busy & ingress.programmed", "start & ~start_busy", 10),
            Mutant("load while running", FILE, "begin.eq(load & ~sequencer.running)", "begin.eq(load)", 20),
        ),
    ),
)
