"""Commands that end something, or stand together in one write of CONTROL."""

from __future__ import annotations

from typing import Any

import pytest

from oscc.core.instructions import Instruction, Operation
from oscc.rtl.bench.simulation import wait
from tests.rtl.control_plane_bench import MARKER, QUARTER, SAMPLES, Bench
from tests.rtl.documented_pages import page, plain, table

# A quarter of the program of the other tests, and a scrub that takes as long.
NARROW = QUARTER.changed(name="narrow", grid=[16, 1], chunks=1)
LONG = [Instruction(Operation.RUN, 1000), Instruction(Operation.STOP)]

DONE = {"scrub": "scrubbed", "self_test": "self_tested"}
BUSY = {"scrub": "scrubbing", "self_test": "self_testing"}


@pytest.mark.parametrize("command", ["scrub", "self_test"])
def test_a_load_that_ends_a_scrub_or_a_self_test_says_so(command: str) -> None:
    bench = Bench(NARROW)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, LONG)
        await registers.write_irq_status(programmed=1)
        await registers.write_irq_enable(**{DONE[command]: 1})
        await registers.write_control(**{command: 1})
        assert BUSY[command] in await bench.status()
        await registers.write_control(load=1)
        # Whoever waits for the end, with irq or by polling, learns of it.
        await wait(context, 2)
        assert context.get(bench.plane.irq)
        assert await bench.interrupts() == {DONE[command], "cut_short"}
        assert await bench.status() == {"loading"}
        # It is no error of the load.
        assert await bench.errors() == set()
        await registers.write_irq_status(**{DONE[command]: 1, "cut_short": 1})
        await bench.load(context, LONG)
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"programmed"}

    bench.run(host)


def test_a_load_cuts_nothing_short_when_nothing_else_is_under_way() -> None:
    bench = Bench(NARROW)

    async def host(context: Any) -> None:
        for command in (None, "scrub", "self_test"):
            await bench.load(context, LONG)
            if command:
                await bench.registers.write_control(**{command: 1})
                while BUSY[command] in await bench.status():
                    pass
                await wait(context, 2)
                assert await bench.interrupts() == {"programmed", DONE[command]}
                await bench.registers.write_irq_status(**{DONE[command]: 1})
        # A load begun anew ends the load before, which nobody can take for a result.
        await bench.registers.write_control(load=1)
        await bench.load(context, LONG)
        assert "cut_short" not in await bench.interrupts()

    bench.run(host)


@pytest.mark.parametrize("command", ["scrub", "self_test"])
def test_with_a_load_in_one_write_neither_begins(command: str) -> None:
    bench = Bench(NARROW)

    async def host(context: Any) -> None:
        await bench.load(context, LONG)
        await bench.registers.write_control(load=1, **{command: 1})
        assert await bench.errors() == {"busy"}
        assert await bench.status() == {"loading"}
        assert await bench.interrupts() == {"programmed", "error"}

    bench.run(host)


def test_start_with_abort_takes_one_sample() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        for _ in range(2):
            await registers.write_control(start=1, abort=1)
            assert await bench.errors() == set()
            while "running" in await bench.status():
                pass
            assert await registers.read_samples() == 1
        while await bench.status() != {"programmed"}:
            pass

    record = bench.run(host)
    assert len(record.cycles("sample")) == 2
    assert bench.images_seen.beats == [*bench.codes_of(0), *bench.codes_of(1)]


def test_start_with_abort_of_a_schedule_that_runs_before_its_first_init_ends_behind_that_run() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context)
        kinds = (Operation.LOAD, Operation.COMMIT, Operation.RUN, Operation.RUN, Operation.STOP)
        await bench.write_schedule([Instruction(kind, 30 if kind is Operation.RUN else 0) for kind in kinds])
        await bench.registers.write_control(start=1, abort=1)
        while "running" in await bench.status():
            pass

    record = bench.run(host)
    assert len(record.cycles("run")) == 30


def test_a_second_abort_behind_start_with_abort_ends_at_once() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1, abort=1)
        while not context.get(bench.plane.array.init):
            await context.tick()
        await registers.write_control(abort=1)
        await wait(context, 4)
        assert "running" not in await bench.status()

    record = bench.run(host)
    assert record.cycles("sample") == []
    assert bench.images_seen.beats == [MARKER]


def test_start_with_abort_while_a_schedule_runs_is_refused_and_ends_that_schedule() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        await wait(context, 200)
        await registers.write_control(start=1, abort=1)
        assert await bench.errors() == {"busy"}
        while "running" in await bench.status():
            pass
        taken = await registers.read_samples()
        await wait(context, 200)
        assert await registers.read_samples() == taken >= 1

    bench.run(host)


def test_an_abort_without_a_schedule_is_forgotten() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(abort=1)
        await registers.write_control(start=1)
        while await registers.read_samples() < 2:
            pass
        assert "running" in await bench.status()

    bench.run(host)


def test_status_is_stalled_while_the_first_init_waits_for_the_array() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        bench.array.ready = False
        await wait(context, 8)
        await registers.write_control(start=1)
        await wait(context, 60)
        assert await bench.status() == {"programmed", "running", "stalled"}
        bench.array.ready = True
        while not context.get(bench.plane.array.init):
            await context.tick()
        assert await bench.status() == {"programmed", "running"}
        assert await registers.read_stalled() == 0

    bench.run(host)


# What the manual says of commands that meet

STATES = {
    "a schedule runs": {"start": 1},
    "a program loads": {"load": 1},
    "a scrub": {"scrub": 1},
    "a self-test": {"self_test": 1},
}


def meetings() -> list[tuple[str, str, str]]:
    """(command, state in which it comes or command beside it, what happens) of docs/interface.md, one state each."""
    found = []
    for row in table(page("interface.md"), "command", "while", "what happens"):
        commands = plain(row["command"]).replace(" or ", ", ").split(", ")
        during = plain(row["while"]).replace(" is under way", "").replace(" or ", ", ").split(", ")
        found += [(command, state, row["what happens"]) for command in commands for state in during]
    return found


MEETINGS = meetings()


def test_the_manual_names_every_state_for_every_command() -> None:
    states = {command: {state for name, state, _ in MEETINGS if name == command} for command in DONE | {"start": ""}}
    assert states["self_test"] == {*STATES, "together with load"}
    # A start and a scrub do not disturb each other.
    assert states["start"] == {*STATES, "together with load", "together with self_test", "no program"} - {"a scrub"}
    assert states["scrub"] == {*STATES, "together with load", "together with self_test", "no program"} - {
        "a schedule runs"
    }
    assert {state for name, state, _ in MEETINGS if name == "load"} == set(STATES)


@pytest.mark.parametrize(("command", "state", "happens"), MEETINGS, ids=lambda text: str(text)[:20])
def test_commands_that_meet_do_what_the_manual_says(command: str, state: str, happens: str) -> None:
    bench = Bench(NARROW)
    beside = {state.removeprefix("together with "): 1} if state.startswith("together") else {}

    async def host(context: Any) -> None:
        registers = bench.registers
        if state != "no program":
            await bench.load(context, LONG)
            await registers.write_irq_status(programmed=1)
        await registers.write_control(**STATES.get(state, {"abort": 1}))
        before = await bench.status() - {"programmed", "stalled"}
        assert len(before) == (state in STATES)
        await registers.write_control(**beside, **{command: 1})
        await wait(context, 1)
        errors, told = await bench.errors(), await bench.interrupts() - {"error"}
        if happens.startswith("refused: ERROR."):
            assert errors == {happens.removeprefix("refused: ERROR.").partition(";")[0]}
            assert told == set()
            after = {"load": {"loading"}, "self_test": {"self_testing"}}.get(next(iter(beside), ""), before)
            assert await bench.status() - {"programmed", "stalled"} == after
        elif happens.startswith("the load begins, the other is refused: ERROR.busy"):
            assert (errors, told) == ({"busy"}, set())
            assert await bench.status() == {"loading"}
        elif happens.startswith("that one ends"):
            assert (errors, told) == (set(), {DONE[next(iter(STATES[state]))], "cut_short"})
            assert await bench.status() == {"loading"}
        else:
            assert happens == "that load is forgotten, and a new one begins"
            assert (errors, told) == (set(), set())
            assert await bench.status() == {"loading"}

    bench.run(host)
