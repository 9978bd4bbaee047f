from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import Array, Const, Module, Signal, Value
from amaranth.sim import Simulator

import formal.schedule_machine
from formal.bench import past
from formal.cores import small_core
from formal.schedule_machine import ScheduleMachine
from formal.sequencer_bench import SequencerBench
from oscc.core.instructions import Instruction, Operation
from oscc.rtl.schedule.sequencer import Sequencer

ONCE = (
    Instruction(Operation.LOAD, 1),
    Instruction(Operation.INIT, 3),
    Instruction(Operation.COMMIT),
    Instruction(Operation.RUN, 4),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.STOP),
)


class BrokenError(Exception):
    """The machine objects to something."""


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[Signal]:
    """What the machine asserts, as signals to be looked at between clock edges, where nothing is on its way."""
    signals: list[Signal] = []

    def noted(condition: Value) -> Any:
        signals.append(Signal(init=1))
        return signals[-1].eq(condition)

    monkeypatch.setattr(formal.schedule_machine, "Assert", noted)
    return signals


def run_against(
    held: list[Signal], executed: tuple[Instruction, ...], told: tuple[Instruction, ...]
) -> tuple[int, int, bool]:
    """A sequencer that executes one schedule, and the machine that was told another.

    Returns the samples, the groups that are over, and whether the machine says that only the stop is left.
    """
    m = Module()
    m.submodules.sequencer = sequencer = Sequencer(small_core(chunks=3))
    begin, done = Signal(), Signal()
    words = [Signal(32, init=instruction.encode(), name=f"word_{n}") for n, instruction in enumerate(told)]
    memory = Array(Const(instruction.encode(), 32) for instruction in executed)
    m.d.comb += [
        begin.eq(sequencer.start & ~sequencer.running),
        sequencer.length.eq(len(executed)),
        sequencer.fetch.word.eq(memory[past(m, sequencer.fetch.address, "fetched")]),
        sequencer.array_ready.eq(1),
        sequencer.frames.room.eq(1),
    ]
    # A load takes two cycles.
    with m.If(sequencer.load.start):
        m.d.sync += [sequencer.load.busy.eq(1), sequencer.load.complete.eq(0)]
    with m.Elif(sequencer.load.busy):
        m.d.sync += [sequencer.load.busy.eq(0), sequencer.load.complete.eq(1)]
    with m.Elif(sequencer.load.taken):
        m.d.sync += sequencer.load.complete.eq(0)
    machine = ScheduleMachine(m, SequencerBench(sequencer, {}, begin, done), words)
    machine.asserts(m)
    result: list[Any] = []

    async def bench(context: Any) -> None:
        context.set(sequencer.start, 1)
        await context.tick()
        context.set(sequencer.start, 0)
        for _ in range(120):
            await context.tick()
            if not all(context.get(signal) for signal in held):
                raise BrokenError
            if context.get(sequencer.stopped):
                result.extend(context.get(signal) for signal in (sequencer.samples, machine.groups))
                result.append(bool(context.get(machine.done & machine.stop)))
                return
        raise AssertionError("the schedule does not end")

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return result[0], result[1], result[2]


def test_the_machine_follows_a_schedule_to_its_end(held: list[Signal]) -> None:
    # load + init; commit + run; sample + stop.
    assert run_against(held, ONCE, ONCE) == (1, 2, True)


def test_the_machine_counts_the_jumps_of_a_repeat(held: list[Signal]) -> None:
    looped = (
        Instruction(Operation.RUN, 9),
        Instruction(Operation.SAMPLE),
        Instruction(Operation.REPEAT, 0, 2),
        Instruction(Operation.STOP),
    )
    # Three runs, each with a sample behind it; the last sample stands with the stop.
    assert run_against(held, looped, looped) == (3, 3, True)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (0, Instruction(Operation.LOAD, 2)),
        (1, Instruction(Operation.INIT, 4)),
        (1, Instruction(Operation.RUN, 3)),
        (3, Instruction(Operation.RUN, 3)),
        (4, Instruction(Operation.COMMIT)),
    ],
)
def test_the_machine_finds_what_the_schedule_does_not_say(held: list[Signal], place: int, told: Instruction) -> None:
    other = (*ONCE[:place], told, *ONCE[place + 1 :])
    with pytest.raises(BrokenError):
        run_against(held, ONCE, other)


def test_a_commit_without_a_load_is_in_vain(held: list[Signal]) -> None:
    vain = (Instruction(Operation.RUN, 9), Instruction(Operation.COMMIT), Instruction(Operation.STOP))
    assert run_against(held, vain, vain) == (0, 1, False)
