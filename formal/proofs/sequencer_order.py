"""Sequencer: does what the schedule says, in its order, and nothing else."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal, Value

from formal.bench import past
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import (
    LOAD,
    LONGEST_ROW,
    REPEAT,
    RUN,
    SAMPLE,
    ends_schedule,
    is_instruction,
    takes_time,
)
from formal.schedule_machine import ScheduleMachine
from formal.sequencer_bench import SequencerBench, sequencer_bench, small_memory, stable_schedule
from oscc.compiler.spec import FETCH_CYCLES, FETCH_LATENCY

SIZE, MEMORY = 6, 8
OPERAND_BITS, COUNT_BITS = 3, 2


def build_order() -> Module:
    """Any schedule, any surroundings."""
    m = Module()
    with small_memory(MEMORY):
        bench = sequencer_bench(m)
    words = stable_schedule(m, bench, SIZE, OPERAND_BITS, COUNT_BITS)
    sequencer = bench.sequencer
    machine = ScheduleMachine(m, bench, words)
    machine.asserts(m)
    _ends(m, bench, machine)
    _promptness(m, bench, machine)

    undisturbed = ~_ever(m, bench, sequencer.abort | sequencer.fault | sequencer.array_lost, "disturbed")
    m.d.comb += Assert(~sequencer.illegal)
    # A second start is as good as the first one but for what is left behind, which is another proof's.
    m.d.comb += Assume(sequencer.start == ~past(m, 1, "after_start"))
    m.d.comb += [
        Cover(sequencer.stopped & undisturbed & (sequencer.samples == 1) & (machine.groups == 2)),
        Cover(sequencer.sample & sequencer.commit & machine.loads),
        Cover(machine.takes & (words[1][28:] == REPEAT) & (machine.groups == 2) & (words[0][28:] == RUN)),
        Cover(machine.done & ~machine.timed & ~machine.stop),
        Cover(machine.takes & past(m, sequencer.stalled, "stalled_before") & (machine.groups == 1)),
        Cover(sequencer.overrun),
    ]
    return m


def _ever(m: Module, bench: SequencerBench, event: Value, name: str) -> Value:
    """Whether something has happened in a cycle since the start, this one included."""
    seen = Signal(name=name)
    m.d.sync += seen.eq(Mux(bench.begin, event, seen | event))
    return seen | event


def _ends(m: Module, bench: SequencerBench, machine: ScheduleMachine) -> None:
    """An end that nothing from outside has brought about is that of the schedule."""
    sequencer = bench.sequencer
    outside = _ever(m, bench, sequencer.abort | sequencer.fault | sequencer.array_lost | sequencer.illegal, "outside")
    overrun_before = past(m, sequencer.overrun, "overrun_before")
    with m.If(sequencer.stopped & ~outside):
        m.d.comb += Assert(overrun_before | (machine.done & machine.stop & (machine.left <= 1)))
    with m.If(sequencer.overrun):
        m.d.comb += Assert(machine.crowded)


def _promptness(m: Module, bench: SequencerBench, machine: ScheduleMachine) -> None:
    """What may happen happens with the first edge with which it may."""
    sequencer = bench.sequencer
    since = Signal(8, name="since_group")
    with m.If(machine.takes):
        m.d.sync += since.eq(3)
    with m.Elif(machine.done & ~machine.timed):
        m.d.sync += since.eq(2)
    with m.Elif(~since.all()):
        m.d.sync += since.eq(since + 1)
    # Everything was decided in the cycle before.
    running = past(m, sequencer.running, "running_then")
    idle = past(m, ~sequencer.readout_busy, "latches_free")
    any_load = past(m, _loaded(m, bench) & sequencer.load_complete, "complete_then")
    loader_idle = past(m, ~sequencer.load_busy, "loader_idle")
    fetched = since >= 1 + FETCH_LATENCY + FETCH_CYCLES * machine.fetched
    edge = Signal(name="prompt_edge")
    m.d.comb += edge.eq(running & machine.known & (machine.groups != 0) & fetched & (machine.left <= 1))
    with m.If(edge & ~machine.takes):
        m.d.comb += [
            Assert(~machine.sample | ~idle | sequencer.sample),
            Assert(~machine.commit | ~any_load | sequencer.commit),
            Assert(~machine.load | ~loader_idle | machine.loads | (machine.commit & ~sequencer.commit)),
        ]
    free_then = past(m, sequencer.readout_room & sequencer.array_ready, "room_then")
    due = edge & machine.done & machine.timed & (~machine.is_init | free_then) & sequencer.running & ~machine.takes
    m.d.comb += Assert(~past(m, due, "due_before") | machine.takes)


def _loaded(m: Module, bench: SequencerBench) -> Signal:
    """Whether a load has begun since the start."""
    loaded = Signal(name="loaded_since_start")
    with m.If(bench.begin):
        m.d.sync += loaded.eq(0)
    with m.Elif(bench.sequencer.load_start):
        m.d.sync += loaded.eq(1)
    return loaded


PROOFS = (
    Proof(
        name="sequencer-order",
        component="Sequencer",
        claim="",
        parameters="",
        build=build_order,
        mode="bmc",
        depth=28,
        cover_depth=28,
        mutants=(),
        timeout_s=600,
    ),
)
