"""Sequencer: whole schedules, from the start to the end, against a machine of the instruction set.

The other proofs of the sequencer hold for all time, each for a part. This one puts the parts together, for short
schedules and surroundings that never make the sequencer wait.
"""

from __future__ import annotations

from amaranth.hdl import Assert, Assume, Cover, Module, Mux, Signal

from formal.bench import past
from formal.proof import Mutant, Proof
from formal.proofs.schedule_check import REPEAT, RUN
from formal.schedule_machine import ScheduleMachine
from formal.sequencer_bench import SequencerBench, sequencer_bench, small_memory, stable_schedule
from oscc.core.latencies import FETCH_CYCLES, FETCH_LATENCY

SIZE, MEMORY = 4, 4
OPERAND_BITS, COUNT_BITS = 2, 1
BOUND = 38
"""Cycles from the start within which every such schedule has ended."""


def build() -> Module:
    """Any legal schedule, started once."""
    m = Module()
    with small_memory(MEMORY):
        bench = sequencer_bench(m)
    words = stable_schedule(m, bench, SIZE, OPERAND_BITS, COUNT_BITS)
    sequencer = bench.sequencer
    m.d.comb += Assume(sequencer.start == ~past(m, 1, "after_start"))
    m.d.comb += Assume(sequencer.array_ready & sequencer.frames.room & ~sequencer.frames.busy & bench.load_done)
    m.d.comb += Assume(~(sequencer.abort | sequencer.fault | sequencer.load.busy & ~past(m, 1, "after_start_2")))
    machine = ScheduleMachine(m, bench, words)
    machine.asserts(m)
    _promptness(m, bench, machine)

    # An end is that of the schedule, or an overrun that is one.
    error_before = past(m, sequencer.overrun | sequencer.nothing_loaded, "error_before")
    m.d.comb += [
        Assert(~sequencer.illegal),
        Assert(~sequencer.overrun | machine.crowded),
        Assert(~sequencer.nothing_loaded | machine.vain),
        Assert(~sequencer.stopped | error_before | (machine.done & machine.stop & (machine.left <= 1))),
    ]
    # A schedule without an endless repeat ends.
    age = Signal(8, name="age")
    m.d.sync += age.eq(Mux(bench.begin, 1, age + (age != 0)))
    m.d.comb += Assert((age < BOUND) | machine.endless | ~sequencer.running)
    m.d.comb += [
        Cover(sequencer.stopped & (sequencer.samples == 1) & (machine.groups == 1)),
        Cover(sequencer.sample & sequencer.commit),
        Cover(machine.takes & (words[1][28:] == REPEAT) & (machine.groups == 2) & (words[0][28:] == RUN)),
        Cover(machine.done & ~machine.timed & ~machine.stop),
        Cover(sequencer.overrun),
        Cover(sequencer.nothing_loaded & (machine.groups == 1)),
        Cover(machine.endless & (age == 24) & sequencer.running),
    ]
    return m


def _promptness(m: Module, bench: SequencerBench, machine: ScheduleMachine) -> None:
    """What may happen happens with the first edge with which it may, by the cycles that a fetch takes."""
    sequencer = bench.sequencer
    since = Signal(8, name="since_group")
    with m.If(machine.takes):
        m.d.sync += since.eq(3)
    with m.Elif(machine.done & ~machine.timed):
        m.d.sync += since.eq(2)
    with m.Elif(~since.all()):
        m.d.sync += since.eq(since + 1)
    running, complete = past(m, sequencer.running, "running_then"), past(m, sequencer.load.complete, "complete_then")
    loader_idle = past(m, ~sequencer.load.busy, "loader_idle")
    edge = Signal(name="prompt_edge")
    fetched = since >= 1 + FETCH_LATENCY + FETCH_CYCLES * machine.fetched
    m.d.comb += edge.eq(running & machine.known & (machine.groups != 0) & fetched & (machine.left <= 1))
    with m.If(edge & ~machine.takes):
        m.d.comb += [
            Assert(~machine.sample | sequencer.sample),
            Assert(~machine.commit | ~complete | machine.vain | sequencer.commit),
            Assert(~machine.load | ~loader_idle | machine.loads | (machine.commit & ~sequencer.commit)),
        ]
    due = edge & machine.done & machine.timed & sequencer.running & ~machine.takes
    m.d.comb += Assert(~past(m, due, "due_before") | machine.takes)


FETCH = "rtl/schedule/instruction_fetch.py"

PROOFS = (
    Proof(
        name="sequencer-schedules",
        component="Sequencer",
        claim="from the start to the end, what reaches the array is what a machine of the instruction set says: kind, "
        "order, grouping, chunk and duration, repeats nested; everything at the first edge at which it may happen; a "
        "schedule without an endless repeat ends, by its stop or by an error that is one",
        parameters=f"all legal schedules of at most {SIZE} instructions with operands below {2**OPERAND_BITS} and "
        f"counts below {2**COUNT_BITS}; loads of one cycle, nothing else makes it wait; memory of {MEMORY} words",
        build=build,
        mode="bmc",
        depth=BOUND + 1,
        cover_depth=34,
        mutants=(
            Mutant("chunk lost", FETCH, "group.chunk.eq(word[:8])", "group.chunk.eq(0)", 20),
            Mutant(
                "commit joins its load",
                FETCH,
                "conflict.eq(group.commit | group.load)",
                "conflict.eq(group.commit)",
                20,
            ),
            Mutant("a jump too many", FETCH, "remaining != 1)", "remaining != 0)", 30),
        ),
        timeout_s=900,
    ),
)
