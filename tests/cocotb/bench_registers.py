"""AXI4-Lite: every register, reset values, error responses, byte writes, under random idle and back-pressure."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from bench_core import BenchCore, repeated_endlessly, steps
from cocotb.triggers import ClockCycles

from oscc.core.registers import REGISTERS, register
from oscc.rtl.control_plane import register_constants
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR

CHANNELS = (("read_if", "ar_channel"), ("read_if", "r_channel"))
WRITE_CHANNELS = (("write_if", "aw_channel"), ("write_if", "w_channel"), ("write_if", "b_channel"))


def pause_all(bench: BenchCore, share: float, seed: int) -> None:
    """Pause every channel at random in a share of all cycles."""
    for number, (side, channel) in enumerate(CHANNELS + WRITE_CHANNELS):
        model = getattr(getattr(bench.axi, side), channel)
        model.set_pause_generator(repeated_endlessly(10 * seed + number, share))


def reset_values(bench: BenchCore) -> dict[str, int]:
    """What every plain register holds after reset."""
    values = {entry.name: entry.reset for entry in REGISTERS if entry.count == 1}
    for (name, field), value in register_constants(bench.core).items():
        values[name] |= value << register(name).field(field).low
    values["STATUS"] |= register("STATUS").field("array_ready").mask
    return values


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.3, 0.8])
async def reset_values_are_those_of_the_map(dut: Any, share: float) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await ClockCycles(dut.clk, 8)
    pause_all(bench, share, 1)
    for name, value in reset_values(bench).items():
        assert await bench.read(register(name).address) == value, name


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.5])
async def what_can_be_written_can_be_read_back(dut: Any, share: float) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    pause_all(bench, share, 2)
    draw = random.Random(7)
    written: dict[int, int] = {}
    entries = [entry for entry in REGISTERS if entry.access == "read-write"]
    words = [(entry, entry.address + 4 * index) for entry in entries for index in range(entry.count)]
    for _ in range(3):
        draw.shuffle(words)
        for entry, address in words:
            word = draw.getrandbits(32)
            assert await bench.write_any(address, word.to_bytes(4, "little")) == OKAY
            written[address] = word & sum(field.mask for field in entry.fields)
        for _, address in words:
            assert await bench.read(address) == written[address], f"0x{address:03X}"
    # Nothing else has changed.
    untouched = {entry.name for entry in REGISTERS if entry.access in ("constant", "read")}
    for name, value in reset_values(bench).items():
        if name in untouched:
            assert await bench.read(register(name).address) == value, name


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.5])
async def bytes_are_written_alone(dut: Any, share: float) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    pause_all(bench, share, 3)
    draw = random.Random(9)
    # A plain register, one with a narrow field and reset value, and a word of the schedule memory.
    for name, index in (("SEED", 0), ("PROGRAM_CRC", 0), ("WATCHDOG", 0), ("SCHEDULE", 37)):
        entry = register(name)
        address, mask = entry.address + 4 * index, sum(field.mask for field in entry.fields)
        await bench.write(address, 0xA5A5_A5A5)
        expected = 0xA5A5_A5A5 & mask
        for strobes in (0b0001, 0b1000, 0b0110, 0b1011, 0b0100, 0b0010):
            word = draw.getrandbits(32)
            assert await bench.write_bytes(address, word, strobes) == OKAY
            within = sum(0xFF << (8 * byte) for byte in range(4) if strobes >> byte & 1)
            expected = ((expected & ~within) | (word & within)) & mask
            assert await bench.read(address) == expected, (name, strobes)


@cocotb.test()
async def a_write_without_strobes_changes_nothing(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.registers.write_seed(0x1234_5678)
    assert await bench.write_bytes(register("SEED").address, 0xFFFF_FFFF, 0) == OKAY
    assert await bench.registers.read_seed() == 0x1234_5678


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.5])
async def addresses_without_a_register_are_decode_errors(dut: Any, share: float) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    pause_all(bench, share, 4)
    known = {entry.address + 4 * index for entry in REGISTERS for index in range(entry.count)}
    draw = random.Random(5)
    unknown = sorted(set(range(0, 0x1000, 4)) - known)
    edges = [0x01C, 0x3FC, 0x500, 0x7FC, 0x800, 0xC00, 0xFFC]
    assert set(edges) <= set(unknown)
    for address in [*edges, *draw.sample(unknown, 40)]:
        assert await bench.read_any(address) == (0, DECERR), f"0x{address:03X}"
        assert await bench.write_any(address, bytes(4)) == DECERR, f"0x{address:03X}"
    # The bus is still alive, and nothing was written.
    assert await bench.registers.read_id() == reset_values(bench)["ID"]
    assert await bench.registers.read_schedule_length() == 0


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.5])
async def unaligned_addresses_are_slave_errors(dut: Any, share: float) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.registers.write_seed(0xCAFE_F00D)
    pause_all(bench, share, 5)
    for low in (1, 2, 3):
        for address in (register("ID").address, register("SEED").address, 0x404, 0xFFC):
            assert await bench.write_bytes(address + low, 0xFFFF_FFFF, 0xF) == SLVERR, f"0x{address + low:03X}"
            # So that the master gives a single transfer.
            answer = await bench.axi.read(address + low, 1)
            assert (answer.data, int(answer.resp)) == (b"\0", SLVERR), f"0x{address + low:03X}"
    assert await bench.registers.read_seed() == 0xCAFE_F00D


@cocotb.test()
async def read_only_registers_refuse_writes_and_keep_their_content(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await ClockCycles(dut.clk, 8)
    for entry in REGISTERS:
        if entry.access in ("constant", "read"):
            assert await bench.write_any(entry.address, b"\xff\xff\xff\xff") == SLVERR, entry.name
            assert await bench.read(entry.address) == reset_values(bench)[entry.name], entry.name


@cocotb.test()
async def commands_read_as_zero_and_sticky_bits_clear_alone(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    # Refused for want of a program: a start and a scrub, and a busy one.
    await bench.registers.write_control(start=1)
    await bench.registers.write_control(load=1)
    await bench.registers.write_control(start=1)
    assert await bench.read(register("CONTROL").address) == 0
    assert await bench.errors() == {"unprogrammed", "busy"}
    assert await bench.interrupts() == {"error"}
    await bench.registers.write_error(busy=1)
    assert await bench.errors() == {"unprogrammed"}
    # A byte write clears bits of that byte only.
    assert await bench.write_bytes(register("ERROR").address, 0xFFFF_FFFF, 0b1110) == OKAY
    assert await bench.errors() == {"unprogrammed"}
    await bench.registers.write_error(unprogrammed=1)
    assert await bench.errors() == set()
    assert await bench.interrupts() == {"error"}
    await bench.registers.write_irq_status(error=1)
    assert await bench.interrupts() == set()


@cocotb.test()
async def reads_and_writes_do_not_wait_for_each_other(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    pause_all(bench, 0.3, 6)
    draw = random.Random(3)
    addresses = [register("SCHEDULE").address + 4 * index for index in range(64)]
    content = {address: draw.getrandbits(32) for address in addresses}
    for address, word in content.items():
        await bench.write(address, word)

    async def read_ids() -> None:
        for _ in range(60):
            assert await bench.registers.read_id() == reset_values(bench)["ID"]

    reading = cocotb.start_soon(read_ids())
    for address in draw.sample(addresses, 40):
        content[address] = draw.getrandbits(32)
        await bench.write(address, content[address])
    await reading
    for address, word in content.items():
        assert await bench.read(address) == word


@cocotb.test()
async def the_schedule_is_locked_while_it_runs_and_only_then(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.load()
    schedule = steps("load 0", "commit", "init 50", "run 2000", "sample", "stop")
    await bench.start(schedule)
    first = register("SCHEDULE").address
    for index in (0, 3, 63):
        assert await bench.write_any(first + 4 * index, bytes(4)) == SLVERR
        assert await bench.write_bytes(first + 4 * index, 0xFFFF_FFFF, 0b0100) == SLVERR
    assert [await bench.read(first + 4 * index) for index in range(6)] == [step.encode() for step in schedule]
    # Length, seed and first number may be written; they mean something at the next start.
    await bench.registers.write_schedule_length(1)
    assert "running" in await bench.status()
    await bench.stop()
    assert await bench.write_any(first, bytes(4)) == OKAY
    assert await bench.read(first) == 0
