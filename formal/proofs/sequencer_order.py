"""Sequencer: does what the schedule says, in its order, and nothing else."""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Const, Cover, Module, Mux, Signal, Value

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
from formal.sequencer_bench import CHUNKS, MEMORY, SequencerBench, sequencer_bench, stable_schedule
from oscc.compiler.spec import FETCH_CYCLES, FETCH_LATENCY

SIZE = 6


def build_order() -> Module:
    """Any schedule, any surroundings."""
    m = Module()
    bench = sequencer_bench(m)
    words = stable_schedule(m, bench, SIZE)
    sequencer = bench.sequencer
    machine = ScheduleMachine(m, bench, words)
    machine.asserts(m)
    legal = _refusal(m, bench, words)
    _ends(m, bench, machine)
    _promptness(m, bench, machine)

    undisturbed = ~_ever(m, bench, sequencer.abort | sequencer.fault | sequencer.array_lost, "disturbed")
    m.d.comb += [
        Cover(sequencer.stopped & undisturbed & legal & (sequencer.samples == 1) & (machine.groups == 2)),
        Cover(sequencer.sample & sequencer.commit & machine.loads),
        Cover(machine.takes & (words[1][28:] == REPEAT) & (machine.groups == 2) & (words[0][28:] == RUN)),
        Cover(machine.done & ~machine.timed & ~machine.stop & legal),
        Cover(machine.takes & past(m, sequencer.stalled, "stalled_before") & (machine.groups == 1)),
        Cover(sequencer.overrun),
        Cover(sequencer.illegal & (sequencer.bad_address == 3) & (words[3][28:] == LOAD)),
        Cover(sequencer.illegal & (words[0][28:] == SAMPLE) & is_instruction(words[SIZE - 1], SIZE, CHUNKS)),
    ]
    return m


def _ever(m: Module, bench: SequencerBench, event: Value, name: str) -> Value:
    """Whether something has happened in a cycle since the start, this one included."""
    seen = Signal(name=name)
    m.d.sync += seen.eq(Mux(bench.begin, event, seen | event))
    return seen | event


def _refusal(m: Module, bench: SequencerBench, words: list[Signal]) -> Signal:
    """Nothing happens with a schedule that is not legal; it is refused, with the place of the first illegal word."""
    sequencer = bench.sequencer
    length, age = Signal(7, name="its_length"), Signal(8, name="age")
    with m.If(bench.begin):
        m.d.sync += [length.eq(sequencer.length), age.eq(0)]
    with m.Elif(~age.all()):
        m.d.sync += age.eq(age + 1)
    fits = (length >= 1) & (length <= MEMORY)
    first, row = Signal(8, name="first_illegal"), Const(0, 4)
    good: Value = Const(1, 1)
    m.d.comb += first.eq(0)
    for number, word in enumerate(words):
        row = Mux(takes_time(word), 0, row + 1)
        closed = (number != length - 1) | ends_schedule(word)
        legal_here = (number >= length) | (is_instruction(word, length, CHUNKS) & (row <= LONGEST_ROW) & closed)
        with m.If(good & ~legal_here & fits):
            m.d.comb += first.eq(number)
        good = good & legal_here
    legal = Signal(name="legal")
    m.d.comb += legal.eq(good & fits)
    with m.If(~legal):
        happens = (sequencer.init, sequencer.run, sequencer.sample, sequencer.commit, sequencer.load_start)
        m.d.comb += [Assert(~(event & sequencer.running)) for event in happens]
        m.d.comb += Assert(~(sequencer.readout_start | sequencer.load_taken))
        m.d.comb += Assert(~sequencer.running | (age <= length + 4) | ((age <= 4) & ~fits))
    with m.If(sequencer.illegal):
        m.d.comb += [Assert(~legal), Assert(sequencer.bad_address == first)]
    return legal


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
