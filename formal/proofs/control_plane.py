"""Control plane: what its parts promise each other is kept where they are joined."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.hdl import Assert, Assume, Cat, Cover, Module, Signal

from formal.bench import free, past
from formal.cores import small_core
from formal.inside import elaborated_inside
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import INIT, RUN


def any_schedule(self: Any, platform: object) -> Module:
    """In the place of the schedule memory: any word, and clearing at any time.

    What is left of it: nothing. An init and a run last at least one cycle, as the check sees to it.
    """
    m = Module()
    m.submodules.host_memory, m.submodules.fetch_memory = self.host_memory, self.fetch_memory
    word = free(m, "word", len(self.fetch.word))
    m.d.comb += [
        Assume(((word[28:] != INIT) & (word[28:] != RUN)) | (word[:24] != 0)),
        self.fetch.word.eq(word),
        self.host_read_data.eq(free(m, "host_word", len(self.host_read_data))),
        self.clearing.eq(free(m, "clears", 1)),
    ]
    return m


def elaborate(self: Any, platform: object) -> Module:
    """In the place of the program ingress: any number of beats, and any program may turn out good or bad.

    What is left of it: writes end in the cycle of the verdict; a beginning load and ``forget`` end a program, and only
    a load makes one.
    """
    m = Module()
    ends, good, writes = free(m, "ends", 1), free(m, "good", 1), free(m, "writes", len(self.write.enable))
    checking = Signal()
    m.d.sync += [checking.eq(0), self.write.enable.eq(0)]
    with m.If(self.loading | checking):
        m.d.sync += self.write.enable.eq(writes)
    with m.If(self.loading & ends):
        m.d.sync += [self.loading.eq(0), checking.eq(1)]
    with m.If(checking):
        m.d.sync += self.programmed.eq(good)
    with m.If(self.forget):
        m.d.sync += self.programmed.eq(0)
    with m.If(self.begin):
        m.d.sync += [self.loading.eq(1), self.programmed.eq(0), checking.eq(0)]
    return m


@contextmanager
def _any_parts() -> Iterator[None]:
    """While it lasts, control planes are built with an ingress that looks at no CRC, and with any schedule.

    A CRC takes a solver long, and the clearing of the schedule memory is longer than what it looks at.
    """
    from oscc.rtl import control_plane

    place = control_plane.__dict__
    real = {name: place[name] for name in ("ProgramIngress", "ScheduleMemory")}
    try:
        place["ProgramIngress"] = type("AnyIngress", (real["ProgramIngress"],), {"elaborate": elaborate})
        place["ScheduleMemory"] = type("AnySchedule", (real["ScheduleMemory"],), {"elaborate": any_schedule})
        yield
    finally:
        place.update(real)


def build() -> Module:
    """The whole control plane; everything that comes from the host and from the array is free."""
    from oscc.rtl.control_plane import ControlPlane

    m = Module()
    plane = ControlPlane(small_core(grid=[1, 1], chunks=1, readout={"taps": 2, "subphases": 1}))
    with _any_parts():
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
        Assert(~(running & (ingress.loading | store.self_testing | ingress.write.enable.any()))),
        Assert(~(sequencer.start & (registers.control_load | store.self_test))),
    ]
    # A start that is not taken is answered with an error.
    refused = registers.control_start & ~sequencer.start
    m.d.comb += Assert(~refused | registers.error_unprogrammed_set | registers.error_busy_set)
    # A scrub or a self-test that ends pulses its interrupt, and a load that ends it says so beside that.
    for busy, name in ((store.scrubbing, "scrubbed"), (store.self_testing, "self_tested")):
        told = getattr(registers, f"irq_status_{name}_set")
        ended = past(m, busy, f"{name}_before") & ~busy
        cut = past(m, told & registers.irq_status_cut_short_set, f"{name}_cut")
        m.d.comb += Assert(~ended | told | cut)
    # Rule A009 of the macro: the noise of a sample stays what it is while its init lasts.
    noise = Cat(array.noise_seed, array.noise_index)
    m.d.comb += Assert(~(array.init & past(m, array.init, "init_before")) | (noise == past(m, noise, "noise_before")))
    # What ends a schedule reaches the sequencer, and the host: both watchdogs and uncorrectable words.
    late = inside["late"]
    m.d.comb += [
        Assert(~store.uncorrectable | (sequencer.fault & registers.error_uncorrectable_set)),
        Assert(~readout.cut | (sequencer.fault & registers.error_watchdog_set)),
        Assert(~late | (sequencer.fault & registers.error_watchdog_set)),
        Assert(~past(m, sequencer.fault, "faulted") | ~running | past(m, ~running, "was_idle")),
    ]

    # What induction has to know besides.
    loader, within = insides["AnyIngress"], insides["Sequencer"]
    m.d.comb += [
        Assert(~(within["active"] | within["executing"]) | running),
        Assert(~programmed | ~(ingress.loading | loader["checking"])),
        Assert(~(store.self_testing & (programmed | running | ingress.loading | loader["checking"]))),
    ]
    m.d.comb += [
        Cover(running & past(m, running, "running_before")),
        Cover(refused & ~programmed),
        Cover(refused & programmed),
        Cover(store.self_testing & past(m, programmed, "was_programmed")),
        Cover(registers.irq_status_cut_short_set & store.scrubbing),
        Cover(registers.irq_status_cut_short_set & store.self_testing),
    ]
    return m


FILE = "rtl/control_plane.py"

PROOFS = (
    Proof(
        name="control-plane",
        component="ControlPlane",
        claim="the sequencer starts and runs only with a good program, and nothing moves at the array without one, nor "
        "while weights are written; a start that is not taken sets an error; a scrub or a self-test that ends sets its "
        "interrupt, and one that a load ends is told as cut short; seed and number of the noise stay while init is "
        "high; watchdogs and uncorrectable words end the schedule and set their errors",
        parameters="1 cell, 1 chunk; the program ingress replaced by one that accepts or refuses any program",
        build=build,
        mode="prove",
        depth=3,
        cover_depth=20,
        mutants=(
            Mutant("starts unprogrammed", FILE, "start & ~start_busy & ingress.programmed", "start & ~start_busy", 10),
            Mutant(
                "start refused in silence",
                FILE,
                "((start & ~start_busy) | (scrub & ~scrub_busy))",
                "(scrub & ~scrub_busy)",
                10,
            ),
            Mutant(
                "load ends a scrub in silence",
                FILE,
                "store.scrub_done | (store.cut_short & store.scrubbing)",
                "store.scrub_done",
                20,
            ),
            Mutant(
                "self-test has an end and no cause",
                FILE,
                '"cut_short": store.cut_short',
                '"cut_short": store.scrub_done',
                20,
            ),
            Mutant(
                "seed taken at any time",
                FILE,
                "with m.If(sequencer.start):\n            m.d.sync += seed",
                "with m.If(1):\n            m.d.sync += seed",
                36,
            ),
            Mutant("load while running", FILE, "begin.eq(load & ~sequencer.running)", "begin.eq(load)", 20),
        ),
    ),
)
