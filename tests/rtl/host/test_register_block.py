from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.registers import REGISTERS, Register, register
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import bus_read, bus_write, simulate, wait
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.register_block import RegisterBlock, member_name

ALL_ONES = 0xFFFF_FFFF
PLAIN = [entry for entry in REGISTERS if entry.count == 1]
SCHEDULE = register("SCHEDULE")


def constants() -> dict[tuple[str, str], int]:
    """A different value for every field of the constant registers."""
    generator = random.Random(1)
    fields = [(entry, field) for entry in PLAIN if entry.access == "constant" for field in entry.fields]
    return {(entry.name, field.name): generator.getrandbits(field.width) for entry, field in fields}


def of_access(access: str) -> list[Register]:
    return [entry for entry in PLAIN if entry.access == access]


def mask_of(entry: Register) -> int:
    return sum(field.mask for field in entry.fields)


def run(bench: Callable[[Any, RegisterBlock], Any], **recorded: str) -> Recorder:
    """Simulate a bench; record members, by the names under which they are asked for."""
    block = RegisterBlock(constants())
    record = Recorder(**{name: getattr(block, member) for name, member in recorded.items()})

    async def whole(context: Any) -> None:
        await bench(context, block)

    simulate(block, whole, background=[record.watch] if recorded else [])
    return record


def test_member_names() -> None:
    assert member_name(register("STATUS"), "running") == "status_running"
    assert member_name(register("PROGRAM_CRC"), "value") == "program_crc"


@pytest.mark.parametrize("entry", of_access("constant"), ids=lambda entry: entry.name)
def test_constants_read_as_given_and_refuse_writes(entry: Register) -> None:
    expected = sum(constants()[entry.name, field.name] << field.low for field in entry.fields)

    async def bench(context: Any, block: RegisterBlock) -> None:
        assert await bus_read(context, block, entry.address) == (expected, OKAY)
        assert await bus_write(context, block, entry.address, ~expected & ALL_ONES) == SLVERR
        assert await bus_read(context, block, entry.address) == (expected, OKAY)

    run(bench)


@pytest.mark.parametrize("entry", of_access("read"), ids=lambda entry: entry.name)
def test_read_only_registers_show_their_inputs_and_refuse_writes(entry: Register) -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        generator = random.Random(entry.name)
        for _ in range(5):
            expected = 0
            for field in entry.fields:
                value = generator.getrandbits(field.width)
                context.set(getattr(block, member_name(entry, field.name)), value)
                expected |= value << field.low
            assert await bus_read(context, block, entry.address) == (expected, OKAY)
            assert await bus_write(context, block, entry.address, ALL_ONES) == SLVERR

    run(bench)


@pytest.mark.parametrize("entry", of_access("read-write"), ids=lambda entry: entry.name)
def test_read_write_registers_hold_what_was_written_under_the_mask(entry: Register) -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        assert await bus_read(context, block, entry.address) == (entry.reset, OKAY)
        generator = random.Random(entry.name)
        held = entry.reset
        for _ in range(20):
            word = generator.getrandbits(32)
            mask = sum(0xFF << (8 * byte) for byte in range(4) if generator.random() < 0.5)
            assert await bus_write(context, block, entry.address, word, mask) == OKAY
            held = ((held & ~mask) | (word & mask)) & mask_of(entry)
            # On the next edge already.
            for field in entry.fields:
                member = getattr(block, member_name(entry, field.name))
                assert context.get(member) == (held >> field.low) & (field.mask >> field.low)
            assert await bus_read(context, block, entry.address) == (held, OKAY)

    run(bench)


@pytest.mark.parametrize("entry", of_access("pulse"), ids=lambda entry: entry.name)
def test_pulses_last_one_cycle_and_read_as_zero(entry: Register) -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        await wait(context, 2)
        for field in entry.fields:
            assert await bus_write(context, block, entry.address, field.mask) == OKAY
            await wait(context, 3)
        await bus_write(context, block, entry.address, mask_of(entry))
        # Two writes back to back are two pulses, without a gap.
        await bus_write(context, block, entry.address, mask_of(entry))
        assert await bus_read(context, block, entry.address) == (0, OKAY)
        await wait(context, 2)

    record = run(bench, **{field.name: member_name(entry, field.name) for field in entry.fields})
    both = 2 + 4 * len(entry.fields)
    for number, field in enumerate(entry.fields):
        assert record.cycles(field.name) == [2 + 4 * number + 1, both + 1, both + 2]


def test_a_pulse_outside_the_mask_does_not_act() -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        await bus_write(context, block, register("CONTROL").address, ALL_ONES, mask=0xFFFF_FF00)
        await wait(context, 3)

    record = run(bench, start="control_start", load="control_load", abort="control_abort")
    assert record.cycles("start") == record.cycles("load") == record.cycles("abort") == []


@pytest.mark.parametrize("entry", of_access("write-1-to-clear"), ids=lambda entry: entry.name)
def test_sticky_bits_stay_until_a_one_is_written(entry: Register) -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        for field in entry.fields:
            context.set(getattr(block, member_name(entry, field.name) + "_set"), 1)
            await context.tick()
            context.set(getattr(block, member_name(entry, field.name) + "_set"), 0)
        assert await bus_read(context, block, entry.address) == (mask_of(entry), OKAY)
        left = mask_of(entry)
        for field in entry.fields:
            # Zeros clear nothing, and neither do ones outside the mask.
            assert await bus_write(context, block, entry.address, ALL_ONES & ~field.mask & ~left) == OKAY
            assert await bus_write(context, block, entry.address, ALL_ONES, mask=0xFFFF_0000) == OKAY
            assert await bus_read(context, block, entry.address) == (left, OKAY)
            assert await bus_write(context, block, entry.address, field.mask) == OKAY
            left &= ~field.mask
            assert await bus_read(context, block, entry.address) == (left, OKAY)
        assert left == 0

    run(bench)


@pytest.mark.parametrize("entry", of_access("write-1-to-clear"), ids=lambda entry: entry.name)
def test_setting_wins_over_clearing(entry: Register) -> None:
    field = entry.fields[-1]

    async def bench(context: Any, block: RegisterBlock) -> None:
        setter = getattr(block, member_name(entry, field.name) + "_set")
        for before in (0, 1):
            await bus_write(context, block, entry.address, ALL_ONES)
            context.set(setter, before)
            await context.tick()
            # The clearing write and the cause in the same cycle: the cause must not be lost.
            context.set(setter, 1)
            await bus_write(context, block, entry.address, field.mask)
            context.set(setter, 0)
            assert await bus_read(context, block, entry.address) == (field.mask, OKAY)

    run(bench)


def test_every_other_address_is_a_decode_error() -> None:
    known = {entry.address + 4 * index for entry in REGISTERS for index in range(entry.count)}

    async def bench(context: Any, block: RegisterBlock) -> None:
        for address in range(0, 4096, 4):
            if address in known:
                continue
            assert await bus_write(context, block, address, ALL_ONES) == DECERR, hex(address)
            assert await bus_read(context, block, address) == (0, DECERR), hex(address)
        for entry in (*of_access("read-write"), *of_access("write-1-to-clear")):
            assert await bus_read(context, block, entry.address) == (entry.reset, OKAY)

    record = run(bench, array="array_write", start="control_start")
    assert record.cycles("array") == record.cycles("start") == []


def test_a_write_changes_its_own_register_only() -> None:
    writable = of_access("read-write")

    async def bench(context: Any, block: RegisterBlock) -> None:
        held = {entry.name: entry.reset for entry in writable}
        generator = random.Random(9)
        for _ in range(40):
            entry = generator.choice(writable)
            word = generator.getrandbits(32)
            await bus_write(context, block, entry.address, word)
            held[entry.name] = word & mask_of(entry)
            for other in writable:
                assert await bus_read(context, block, other.address) == (held[other.name], OKAY)

    run(bench)


def test_an_access_per_cycle() -> None:
    entry, other = register("SEED"), register("PROGRAM_CRC")
    seen = []

    async def bench(context: Any, block: RegisterBlock) -> None:
        context.set(block.write_mask, ALL_ONES)
        context.set(block.write_strobe, 1)
        context.set(block.read_strobe, 1)
        for number in range(8):
            target = (entry, other)[number % 2]
            context.set(block.write_address, target.address // 4)
            context.set(block.write_data, 100 + number)
            context.set(block.read_address, target.address // 4)
            *_, word = await context.tick().sample(block.read_data)
            seen.append(word)

    run(bench)
    # A read in the cycle of a write gives what was there before; it comes one cycle later.
    assert seen[1:] == [0, 0, 100, 101, 102, 103, 104]


def test_the_schedule_memory_lies_outside() -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        for index in (0, 1, 31, 63):
            assert await bus_write(context, block, SCHEDULE.address + 4 * index, 1000 + index, 0xFF00) == OKAY
            context.set(block.array_read_data, 0)
            context.set(block.read_address, (SCHEDULE.address + 4 * index) // 4)
            context.set(block.read_strobe, 1)
            await context.tick()
            assert context.get(block.array_read_address) == index
            context.set(block.read_strobe, 0)
            # The memory answers in the cycle behind the address.
            context.set(block.array_read_data, 77 + index)
            *_, word, response = await context.tick().sample(block.read_data, block.read_response)
            assert (word, response) == (77 + index, OKAY)

    record = run(bench, write="array_write", address="array_address", data="write_data", mask="write_mask")
    written = [record.at(cycle) for cycle in record.cycles("write")]
    assert [(now["address"], now["data"], now["mask"]) for now in written] == [
        (index, 1000 + index, 0xFF00) for index in (0, 1, 31, 63)
    ]


def test_the_schedule_memory_refuses_writes_while_locked_but_can_be_read() -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        context.set(block.locked, 1)
        for index in (0, 63):
            assert await bus_write(context, block, SCHEDULE.address + 4 * index, 5) == SLVERR
        context.set(block.array_read_data, 5)
        assert await bus_read(context, block, SCHEDULE.address) == (5, OKAY)
        # Only the memory is locked.
        assert await bus_write(context, block, register("SEED").address, 5) == OKAY
        context.set(block.locked, 0)
        assert await bus_write(context, block, SCHEDULE.address, 5) == OKAY

    record = run(bench, write="array_write")
    assert len(record.cycles("write")) == 1


def test_what_was_read_from_the_memory_does_not_stay() -> None:
    async def bench(context: Any, block: RegisterBlock) -> None:
        context.set(block.array_read_data, 99)
        assert await bus_read(context, block, SCHEDULE.address + 8) == (99, OKAY)
        assert await bus_read(context, block, register("SEED").address) == (0, OKAY)
        assert await bus_read(context, block, 0xFFC) == (0, DECERR)

    run(bench)
