from __future__ import annotations

import random
from typing import Any

from amaranth.hdl import ResetInserter, Signal

from oscc.core.instructions import SCHEDULE_DEPTH
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.schedule.schedule_memory import ScheduleMemory

SPOILT = 0xDEAD_BEEF
"""What the memories hold before anything is written: in Verilog that would be X."""


def spoil(context: Any, schedule: ScheduleMemory) -> None:
    for memory in (schedule.host_memory, schedule.fetch_memory):
        for row in memory.data:
            context.set(row, SPOILT)


async def cleared(context: Any, schedule: ScheduleMemory) -> int:
    """Spoil the memories and wait until they are cleared; return how many cycles that took."""
    spoil(context, schedule)
    cycles = 0
    while context.get(schedule.clearing):
        cycles += 1
        await context.tick()
    return cycles


async def write(context: Any, schedule: ScheduleMemory, address: int, word: int, mask: int = 0xF) -> None:
    context.set(schedule.write_mask, mask)
    context.set(schedule.write_address, address)
    context.set(schedule.write_data, word)
    await context.tick()
    context.set(schedule.write_mask, 0)


async def read(context: Any, schedule: ScheduleMemory, address: int) -> int:
    """The word at an address, which both read ports must give."""
    context.set(schedule.host_read_enable, 1)
    context.set(schedule.host_read_address, address)
    context.set(schedule.fetch.address, address)
    await context.tick()
    context.set(schedule.host_read_enable, 0)
    word: int = context.get(schedule.host_read_data)
    assert context.get(schedule.fetch.word) == word
    return word


def test_a_word_that_nobody_wrote_reads_zero() -> None:
    schedule = ScheduleMemory()

    async def bench(context: Any) -> None:
        assert await cleared(context, schedule) == SCHEDULE_DEPTH
        await write(context, schedule, 5, 0x1234_5678)
        for address in range(SCHEDULE_DEPTH):
            assert await read(context, schedule, address) == (0x1234_5678 if address == 5 else 0)

    simulate(schedule, bench)


def test_bytes_that_no_write_to_a_word_had_read_zero() -> None:
    schedule = ScheduleMemory()

    async def bench(context: Any) -> None:
        assert await cleared(context, schedule) == SCHEDULE_DEPTH
        await write(context, schedule, 9, 0x1122_3344, 0b0100)
        assert await read(context, schedule, 9) == 0x0022_0000
        await write(context, schedule, 9, 0x5566_7788, 0b0001)
        assert await read(context, schedule, 9) == 0x0022_0088
        await write(context, schedule, 9, 0xFFFF_FFFF, 0)
        assert await read(context, schedule, 9) == 0x0022_0088

    simulate(schedule, bench)


def test_a_write_without_bytes_leaves_a_word_unwritten() -> None:
    schedule = ScheduleMemory()

    async def bench(context: Any) -> None:
        assert await cleared(context, schedule) == SCHEDULE_DEPTH
        await write(context, schedule, 3, 0xFFFF_FFFF, 0)
        assert await read(context, schedule, 3) == 0

    simulate(schedule, bench)


def test_any_writes_and_reads() -> None:
    schedule, generator = ScheduleMemory(), random.Random(2)
    words = [0] * SCHEDULE_DEPTH

    async def bench(context: Any) -> None:
        await cleared(context, schedule)
        for _ in range(300):
            address, mask, word = generator.randrange(8), generator.randrange(16), generator.getrandbits(32)
            lanes = sum(0xFF << (8 * lane) for lane in range(4) if mask >> lane & 1)
            words[address] = (words[address] & ~lanes) | (word & lanes)
            await write(context, schedule, address, word, mask)
            address = generator.randrange(8)
            assert await read(context, schedule, address) == words[address]

    simulate(schedule, bench)


def test_the_host_keeps_its_word_while_it_does_not_read() -> None:
    schedule = ScheduleMemory()

    async def bench(context: Any) -> None:
        await cleared(context, schedule)
        await write(context, schedule, 1, 77)
        assert await read(context, schedule, 1) == 77
        context.set(schedule.host_read_address, 2)
        await context.tick()
        assert context.get(schedule.host_read_data) == 77

    simulate(schedule, bench)


def test_a_reset_clears_what_was_written() -> None:
    schedule = ScheduleMemory()

    async def bench(context: Any) -> None:
        await cleared(context, schedule)
        await write(context, schedule, SCHEDULE_DEPTH - 1, 77)
        context.set(reset, 1)
        await context.tick()
        context.set(reset, 0)
        assert context.get(schedule.clearing)
        await context.tick().repeat(SCHEDULE_DEPTH)
        assert not context.get(schedule.clearing)
        assert await read(context, schedule, SCHEDULE_DEPTH - 1) == 0

    reset = Signal()
    simulate(ResetInserter(reset)(schedule), bench)
