"""Program loads that go wrong, starts that are refused, and how a schedule ends."""

from __future__ import annotations

import zlib
from typing import Any

import cocotb
from bench_core import BenchCore, is_mark_alone, repeated_endlessly, steps
from cocotb.triggers import ClockCycles, RisingEdge

ONE_SAMPLE = steps("load 0", "commit", "init 20", "run 60", "sample", "stop")
ENDLESS = steps("load 0", "commit", "init 20", "run 60", "sample", "repeat 0 2")


async def begun(dut: Any, *, load: bool = False) -> BenchCore:
    bench = BenchCore(dut)
    await bench.begin()
    if load:
        await bench.load()
        assert await bench.status() == {"programmed"}
    return bench


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.4])
async def a_whole_program_is_accepted(dut: Any, share: float) -> None:
    bench = await begun(dut)
    bench.source.set_pause_generator(repeated_endlessly(1, share))
    await bench.load()
    assert await bench.status() == {"programmed"}
    assert await bench.errors() == set()
    assert await bench.interrupts() == {"programmed"}
    assert await bench.registers.read_program_crc_seen() == bench.program.stream_crc()


@cocotb.test()
@cocotb.parametrize(beats=[1, 2, 37, -1])
async def a_short_program_is_refused(dut: Any, beats: int) -> None:
    bench = await begun(dut)
    size = bench.core.stream_width // 8
    stream = bench.program.stream()[: beats * size]
    await bench.load(stream, crc=zlib.crc32(stream))
    assert await bench.errors() == {"program_length"}
    assert await bench.status() == set()
    assert await bench.interrupts() == {"error"}
    await bench.registers.write_control(start=1)
    assert await bench.errors() == {"program_length", "unprogrammed"}
    # What was wrong is no longer felt by the next load.
    await bench.clear()
    await bench.load()
    assert await bench.errors() == set()
    assert await bench.status() == {"programmed"}


@cocotb.test()
@cocotb.parametrize(beats=[1, 2, 150])
async def a_long_program_is_refused_and_swallowed(dut: Any, beats: int) -> None:
    bench = await begun(dut)
    stream = bench.program.stream() + bytes(beats * bench.core.stream_width // 8)
    await bench.load(stream)
    assert await bench.errors() == {"program_length"}
    assert await bench.status() == set()
    # Nothing more is taken before the next load.
    assert not int(dut.s_axis_tready.value)
    await bench.clear()
    await bench.load()
    assert await bench.errors() == set()


@cocotb.test()
async def a_wrong_crc_is_refused(dut: Any) -> None:
    bench = await begun(dut, load=True)
    stream = bytearray(bench.program.stream())
    stream[77] ^= 4
    await bench.load(bytes(stream))
    assert await bench.errors() == {"program_crc"}
    assert await bench.registers.read_program_crc_seen() == zlib.crc32(bytes(stream))
    # The program of before is gone.
    assert await bench.status() == set()
    await bench.clear()
    await bench.load(crc=bench.program.stream_crc() ^ 0x8000_0000)
    assert await bench.errors() == {"program_crc"}


@cocotb.test()
@cocotb.parametrize(share=[0.0, 0.7])
async def a_load_may_begin_anew_in_the_middle(dut: Any, share: float) -> None:
    bench = await begun(dut)
    bench.use_array()
    size = bench.core.stream_width // 8
    stream = bench.program.stream()
    await bench.registers.write_program_crc(bench.program.stream_crc())
    await bench.registers.write_control(load=1)
    # Beats without TLAST: by hand, since the model always ends a frame.
    for number in range(51):
        dut.s_axis_tdata.value = int.from_bytes(stream[number * size : (number + 1) * size], "little")
        dut.s_axis_tvalid.value = 1
        await RisingEdge(dut.clk)
    dut.s_axis_tvalid.value = 0
    assert await bench.status() == {"loading"}
    bench.source.set_pause_generator(repeated_endlessly(2, share))
    await bench.take_expected()


@cocotb.test()
async def nothing_is_taken_without_a_load(dut: Any) -> None:
    bench = await begun(dut)
    dut.s_axis_tvalid.value = 1
    for _ in range(20):
        await RisingEdge(dut.clk)
        assert not int(dut.s_axis_tready.value)
    dut.s_axis_tvalid.value = 0
    assert await bench.errors() == set()


@cocotb.test()
async def starts_are_refused_with_a_reason(dut: Any) -> None:
    bench = await begun(dut)
    await bench.registers.write_irq_enable(error=1)
    await bench.start(ONE_SAMPLE)
    assert await bench.errors() == {"unprogrammed"}
    assert int(dut.irq.value)
    await bench.clear()
    await bench.registers.write_control(scrub=1)
    assert await bench.errors() == {"unprogrammed"}
    await bench.clear()
    await bench.registers.write_control(load=1)
    for command in ("start", "scrub", "self_test"):
        await bench.registers.write_control(**{command: 1})
        assert await bench.errors() == {"busy"}, command
        await bench.clear()
    await ClockCycles(dut.clk, 2)
    assert not int(dut.irq.value)
    await bench.send(bench.program.stream())
    await bench.registers.write_program_crc(bench.program.stream_crc())
    await bench.load()
    await bench.clear()
    for length in (0, 65, 127):
        await bench.registers.write_schedule_length(length)
        await bench.registers.write_control(start=1)
        await ClockCycles(dut.clk, 80)
        assert await bench.errors() == {"illegal_instruction"}, length
        assert await bench.status() == {"programmed"}
        await bench.clear()


@cocotb.test()
async def every_kind_of_illegal_instruction_is_named(dut: Any) -> None:
    bench = await begun(dut, load=True)
    good = [step.encode() for step in ENDLESS]
    chunks = bench.core.chunks
    bad = {
        0: [0x0000_0000, 0x8000_0000, 0xF000_0000, 0x1000_0001, 0x6000_0100],
        1: [0x3000_0001, 0x2000_0000 | chunks, 0x2000_0100, 0x2000_00FF],
        2: [0x4000_0000, 0x4100_0005, 0x4F00_0005],
        3: [0x5000_0000, 0x5800_0001],
        5: [0x7000_0006, 0x7000_00FF, 0x7100_0002, 0x7000_0102, 0x6000_0000, 0x5000_0009],
    }
    for address, words in bad.items():
        for word in words:
            for index, instruction in enumerate(good):
                await bench.registers.write_schedule(index, word if index == address else instruction)
            await bench.registers.write_schedule_length(len(good))
            await bench.registers.write_control(start=1)
            await bench.until_idle()
            assert await bench.errors() == {"illegal_instruction"}, f"{address}: 0x{word:08X}"
            assert (await bench.registers.read_error_info()).instruction == address, f"{address}: 0x{word:08X}"
            assert await bench.registers.read_samples() == 0
            await bench.clear()
    # Five instructions without duration in a row; four are legal.
    for count, expected in ((4, set()), (5, {"illegal_instruction"})):
        await bench.start(steps("run 9", *["sample"] * count, "stop") if count == 5 else steps(*ONE_IN_FOUR))
        await bench.until_idle()
        assert await bench.errors() == expected, count
        await bench.clear()


ONE_IN_FOUR = ("load 0", "commit", "init 20", "run 60", "sample", "load 1", "commit", "repeat 1 8", "run 60", "stop")


@cocotb.test()
async def an_abort_ends_after_the_present_sample(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.start(ENDLESS)
    while await bench.registers.read_samples() < 2:
        pass
    await bench.registers.write_control(abort=1)
    await bench.until_idle()
    samples = await bench.registers.read_samples()
    assert samples >= 3
    for _ in range(samples):
        bench.codes_of(await bench.frame())
    await ClockCycles(dut.clk, 200)
    assert bench.no_frame_waits()
    assert "stopped" in await bench.interrupts()
    assert await bench.errors() == set()


@cocotb.test()
async def a_double_abort_ends_at_once_and_marks_the_sample(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.start(steps("load 0", "commit", "init 20", "run 60000", "sample", "stop"))
    await ClockCycles(dut.clk, 200)
    assert int(dut.array_macro.run.value)
    await bench.registers.write_control(abort=1)
    await ClockCycles(dut.clk, 200)
    assert int(dut.array_macro.run.value)
    await bench.registers.write_control(abort=1)
    await ClockCycles(dut.clk, 4)
    assert not int(dut.array_macro.run.value)
    assert is_mark_alone(await bench.frame())
    assert await bench.registers.read_samples() == 0
    assert await bench.status() == {"programmed"}
    # It is as good as before.
    await bench.start(ONE_SAMPLE)
    bench.codes_of(await bench.frame())


@cocotb.test()
async def a_start_with_an_abort_takes_one_sample(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.write_schedule(ENDLESS)
    await bench.registers.write_control(start=1, abort=1)
    await bench.until_idle()
    assert await bench.registers.read_samples() == 1
    bench.codes_of(await bench.frame())


@cocotb.test()
async def repeats_count_and_nest(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.start(steps("load 0", "commit", "init 40", "run 40", "sample", "repeat 2 2", "repeat 1 2", "stop"))
    await bench.until_idle(20_000)
    # Three samples by the inner loop, twice.
    assert await bench.registers.read_samples() == 6
    assert await bench.errors() == set()
    for _ in range(6):
        bench.codes_of(await bench.frame())


@cocotb.test()
@cocotb.parametrize(first=[1, 2])
async def every_address_counts_its_own_repeats(dut: Any, first: int) -> None:
    bench = await begun(dut, load=True)
    # Runs, each of which is repeated once by the instruction behind it; at odd or at even addresses.
    schedule = steps(*["run 9"] * first)
    while len(schedule) < 62:
        schedule += steps(f"repeat 1 {len(schedule) - 1}", "run 9")
    schedule += steps("stop")
    runs = sum(str(step) == "run 9" for step in schedule)
    repeats = sum(step.operation == step.operation.REPEAT for step in schedule)
    high = 0

    async def count() -> None:
        nonlocal high
        while True:
            await RisingEdge(dut.clk)
            high += int(dut.array_macro.run.value)

    counting = cocotb.start_soon(count())
    await bench.start(schedule)
    await bench.until_idle(20_000)
    counting.cancel()
    assert await bench.errors() == set()
    assert high == 9 * (runs + repeats)


@cocotb.test()
async def the_first_address_counts_too(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.start(steps("repeat 2 0", "run 9", "stop"))
    await bench.until_idle()
    assert await bench.errors() == set()
    # Once more, with the last repeat of a full memory.
    await bench.start(steps("run 9", *["run 9"] * 60, "run 9", "repeat 1 61", "stop"))
    await bench.until_idle(20_000)
    assert await bench.errors() == set()


@cocotb.test()
@cocotb.parametrize(row=[0, 3])
async def what_a_load_finds_after_a_new_program_was_begun_does_not_count(dut: Any, row: int) -> None:
    bench = await begun(dut, load=True)
    begun_meanwhile = 0
    for delay in range(12):
        await bench.flip(2, row, 5, 6)
        await bench.write_schedule(steps("load 0", "stop"))
        await bench.registers.write_control(start=1)
        await ClockCycles(dut.clk, delay)
        # Refused for as long as the schedule runs; behind its end, the load of chunk 0 is still under way.
        await bench.registers.write_control(load=1)
        if "loading" in await bench.status():
            begun_meanwhile += 1
            await bench.clear()
            await ClockCycles(dut.clk, 30)
            assert await bench.registers.read_uncorrectable() == 0
            assert await bench.errors() == set()
        await bench.until_idle()
        await bench.load()
        # What was found before it, if anything was.
        await bench.clear()
        assert await bench.status() == {"programmed"}
        assert await bench.registers.read_uncorrectable() == await bench.registers.read_corrected() == 0
    assert begun_meanwhile


@cocotb.test()
async def a_load_during_a_schedule_is_refused(dut: Any) -> None:
    bench = await begun(dut, load=True)
    await bench.start(ENDLESS)
    for command in ("load", "start", "self_test"):
        await bench.registers.write_control(**{command: 1})
        assert await bench.errors() == {"busy"}, command
        await bench.clear()
    assert "running" in await bench.status()
    await bench.stop()
