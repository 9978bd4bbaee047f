"""Random schedules that the core accepts, on an array and a host that answer as they like: what must always hold."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from oscc.core.array_contract import READY_LATENCY
from oscc.core.instructions import Instruction, Operation
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.sim.array.macro_contract import EdgeInputs, MacroContract
from oscc.sim.engines.transaction_core import illegal_instruction
from tests.rtl.control_plane_bench import QUARTER, Bench

SMALL = QUARTER.changed(name="narrow", grid=[4, 2], chunks=2)
SEEN = (
    "load_strobe",
    "load_row",
    "load_data",
    "commit",
    "init",
    "run",
    "sample",
    "tap_row",
    "noise_seed",
    "noise_index",
    "ready",
)
FIRST = [
    Instruction(Operation.LOAD, 0),
    Instruction(Operation.COMMIT),
    Instruction(Operation.INIT, 5),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.INIT, 5),
    Instruction(Operation.RUN, 20),
    Instruction(Operation.SAMPLE),
    Instruction(Operation.STOP),
]
"""A sample between two inits without a gap: the noise must not change there.

Behind it, whatever runs has codes and phases: rule A007, which the core leaves to the schedule, holds.
"""


def random_schedule(generator: random.Random, core: CoreSpec) -> list[Instruction]:
    """A schedule that the check before a start finds legal."""
    kinds = [Operation.LOAD, Operation.COMMIT, Operation.SAMPLE, Operation.INIT, Operation.RUN, Operation.REPEAT]
    while True:
        length = generator.randint(3, 14)
        schedule: list[Instruction] = []
        loaded = False
        for _ in range(length - 1):
            # A commit for which nothing is loaded ends a schedule, which is to happen now and then.
            kind = generator.choices(kinds, weights=(2, 3 if loaded else 0.1, 5, 5, 4, 0.5))[0]
            loaded = kind is Operation.LOAD or (loaded and kind is not Operation.COMMIT)
            operand = {
                Operation.LOAD: generator.randrange(core.chunks),
                # Short ones follow each other more closely than what they wait for.
                Operation.INIT: generator.choice((1, 1, 2, 3, 5, 9, 30)),
                Operation.RUN: generator.choice((1, 1, 2, 3, 5, 9, 30)),
                Operation.REPEAT: generator.randrange(length),
            }.get(kind, 0)
            schedule.append(Instruction(kind, operand, generator.randint(1, 3) if kind is Operation.REPEAT else 0))
        ends = (Instruction(Operation.STOP), Instruction(Operation.REPEAT, generator.randrange(length)))
        schedule.append(generator.choice(ends))
        if illegal_instruction([instruction.encode() for instruction in schedule], core) is None:
            return schedule


async def one_start(context: Any, bench: Bench, generator: random.Random) -> None:
    """Start a random schedule, let it run for a while, and end it if it has not ended."""
    registers = bench.registers
    await bench.write_schedule(random_schedule(generator, bench.core))
    await registers.write_seed(generator.getrandbits(32))
    await registers.write_first_sample(generator.getrandbits(32))
    await registers.write_control(start=1, abort=generator.random() < 0.1)
    for _ in range(generator.randint(1, 12)):
        await wait(context, generator.choice((1, 2, 3, 10, 30)))
        if generator.random() < 0.05:
            bench.array.ready = False
            await wait(context, generator.choice((1, 2, 3, 5, 30)))
            bench.array.ready = True
        bench.array.tap_valid = generator.random() < 0.8
        if generator.random() < 0.1:
            await registers.write_control(scrub=1)
        # The array must not see it.
        await registers.write_seed(generator.getrandbits(32))
    bench.array.tap_valid = True
    await registers.write_control(abort=1)
    await wait(context, generator.choice((0, 1, 20)))
    # At the latest, the second one ends it.
    await registers.write_control(abort=1)
    await wait(context, 3)
    assert "running" not in await bench.status()
    for _ in range(40):
        if await bench.status() == {"programmed"}:
            return
        await wait(context, 10)
    raise AssertionError(f"nothing runs, and the core is not idle: {await bench.status()}")


def check_contract(record: Recorder, core: CoreSpec) -> None:
    """Every edge against the rules that Python checks, and those about ``ready``."""
    contract = MacroContract(core)
    columns = {name: record.values(name) for name in SEEN}
    flags = ("load_strobe", "commit", "init", "run", "sample")
    for cycle in range(len(record)):
        values: dict[str, Any] = {name: column[cycle] for name, column in columns.items() if name != "ready"}
        values |= {name: bool(values[name]) for name in flags}
        contract.check(EdgeInputs(cycle=cycle, **values))
    ready = columns["ready"]
    for name in ("init", "run"):
        level = columns[name]
        for cycle in range(READY_LATENCY, len(record)):
            lately = ready[cycle - READY_LATENCY : cycle]
            if name == "init" and level[cycle] and not level[cycle - 1]:
                assert any(lately), f"A010 in cycle {cycle}"
            assert not level[cycle] or any(lately), f"A011: {name} in cycle {cycle}"


def frames(beats: Sequence[Any]) -> int:
    return sum(beat.last for beat in beats)


@pytest.mark.parametrize("seed", range(3))
def test_the_contract_of_the_macro_holds_and_every_sample_comes_out_once(seed: int) -> None:
    bench = Bench(SMALL, seed)
    port = bench.plane.array
    bench.record = Recorder.of(port, *SEEN)
    generator = random.Random(seed)

    async def host(context: Any) -> None:
        await bench.load(context, FIRST)
        await bench.registers.write_watchdog(limit=25)
        await bench.registers.write_control(start=1)
        await wait(context, 100)
        for _ in range(25):
            await one_start(context, bench, generator)

    record = bench.run(host, limit=60_000)
    check_contract(record, SMALL)
    assert frames(bench.images_seen.beats) >= len(record.cycles("sample")) > 20
    # What is whole is not marked, and nothing else is whole.
    whole = sum(beat.last and not beat.user for beat in bench.images_seen.beats)
    assert 5 < whole <= len(record.cycles("sample"))
    # Two inits without a gap, a sample between them: the case that the noise would change in.
    init = record.values("init")
    assert any(init[cycle] and init[cycle + 1] for cycle in record.cycles("sample")[:-1])
    assert len({record.values("noise_index")[cycle] for cycle in record.cycles("init")}) > 20
