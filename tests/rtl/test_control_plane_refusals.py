from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.rtl.bench.simulation import frame_beats, put_beats, wait
from oscc.rtl.host.axi_lite import OKAY, SLVERR
from tests.rtl.control_plane_bench import SAMPLES, Bench

# What is refused, and why


def test_start_without_a_program_is_refused() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.write_schedule(SAMPLES)
        await bench.registers.write_irq_enable(error=1)
        await bench.registers.write_control(start=1)
        await wait(context, 5)
        assert await bench.errors() == {"unprogrammed"}
        assert await bench.status() == set()
        assert await bench.interrupts() == {"error"}
        assert context.get(bench.plane.irq)
        # It goes away when it is cleared, and not before.
        await bench.registers.write_error(unprogrammed=1)
        assert context.get(bench.plane.irq)
        await bench.registers.write_irq_status(error=1)
        assert not context.get(bench.plane.irq)
        assert await bench.errors() == set()

    record = bench.run(host)
    assert not any(record.cycles(name) for name in ("init", "run", "load_strobe", "commit", "sample"))


def test_a_program_with_another_crc_is_refused_and_so_is_the_start() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        crc = bench.crc(bench.image())
        await bench.load(context, SAMPLES, crc=crc ^ 1)
        assert await bench.errors() == {"program_crc"}
        assert await bench.status() == set()
        assert await bench.registers.read_program_crc_seen() == crc
        await bench.registers.write_error(program_crc=1)
        await bench.registers.write_control(start=1)
        assert await bench.errors() == {"unprogrammed"}
        assert await bench.interrupts() == {"error"}
        await bench.load(context, SAMPLES)
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"error", "programmed"}

    record = bench.run(host)
    assert record.cycles("init") == []


@pytest.mark.parametrize("beats", [-1, 1])
def test_a_program_of_another_length_is_refused(beats: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        image = [*bench.image(), 0][: bench.core.program_beats + beats]
        await bench.registers.write_program_crc(bench.crc(image))
        await bench.registers.write_control(load=1)
        await put_beats(context, bench.program, frame_beats(image))
        await wait(context, 4)
        assert await bench.errors() == {"program_length"}
        assert await bench.status() == set()
        await bench.registers.write_control(start=1)
        assert await bench.errors() == {"program_length", "unprogrammed"}

    bench.run(host)


@pytest.mark.parametrize("address", [0, 3, 16])
def test_an_illegal_instruction_is_refused_with_its_address(address: int) -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_schedule(address, 0)
        await registers.write_control(start=1)
        await wait(context, 30)
        assert await bench.errors() == {"illegal_instruction"}
        assert (await registers.read_error_info()).instruction == address
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"programmed", "stopped", "error"}
        # Mended, it runs.
        await bench.write_schedule(SAMPLES)
        await registers.write_control(start=1)
        assert await bench.status() == {"programmed", "running"}

    bench.run(host)


def test_a_schedule_that_nobody_wrote_is_refused() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context)
        for length in (0, 5, 65):
            await bench.registers.write_schedule_length(length)
            await bench.registers.write_control(start=1)
            await wait(context, 10)
            assert await bench.errors() == {"illegal_instruction"}
            await bench.registers.write_error(illegal_instruction=1)

    record = bench.run(host)
    assert record.cycles("init") == []


def test_an_overrun_of_the_schedule_is_told() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, [Instruction(Operation.RUN, 9), Instruction(Operation.REPEAT, 1)])
        await bench.registers.write_control(start=1)
        await wait(context, 60)
        assert await bench.errors() == {"schedule_overrun"}
        assert await bench.status() == {"programmed"}
        assert await bench.interrupts() == {"programmed", "stopped", "error"}

    bench.run(host)


def test_busy_is_told_while_a_schedule_runs_and_nothing_is_disturbed() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(start=1)
        await wait(context, 100)
        for command in ("start", "load"):
            await registers.write_control(**{command: 1})
            assert await bench.errors() == {"busy"}
            await registers.write_error(busy=1)
            assert await bench.status() == {"programmed", "running"}
        # The schedule memory is locked while it is read.
        assert await bench.axi.write_with(0x400, 0) == SLVERR
        assert await bench.axi.read(0x400) == encode_schedule(SAMPLES)[0]
        await wait(context, 400)
        await registers.write_control(abort=1)
        while "running" in await bench.status():
            pass
        assert await bench.axi.write_with(0x400, 0) == OKAY
        assert await bench.axi.read(0x400) == 0

    record = bench.run(host)
    assert {later - earlier for earlier, later in pairwise(record.cycles("sample"))} == {150}


def test_start_is_refused_while_a_program_loads() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_control(load=1)
        assert await bench.status() == {"loading"}
        await registers.write_control(start=1)
        assert await bench.errors() == {"busy"}
        await put_beats(context, bench.program, frame_beats(bench.image()))
        await wait(context, 5)
        assert await bench.status() == {"programmed"}

    record = bench.run(host)
    assert record.cycles("init") == []


def test_a_load_that_comes_together_with_a_start_wins() -> None:
    bench = Bench()

    async def host(context: Any) -> None:
        await bench.load(context, SAMPLES)
        await bench.registers.write_control(start=1, load=1)
        await wait(context, 5)
        assert await bench.status() == {"loading"}
        assert await bench.errors() == {"busy"}
        await wait(context, 60)

    record = bench.run(host)
    assert record.cycles("load_strobe") == record.cycles("init") == []
