"""Flipped bits, scrubs, self-tests and an array that does not answer."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from bench_core import BenchCore, is_mark_alone, is_marked, steps
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge

ONE_SAMPLE = steps("load 0", "commit", "init 20", "run 60", "sample", "stop")
ENDLESS = steps("load 0", "commit", "init 20", "run 60", "sample", "repeat 0 2")


async def begun(dut: Any) -> BenchCore:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.load()
    await bench.clear()
    return bench


async def scrub(bench: BenchCore) -> None:
    await bench.registers.write_control(scrub=1)
    while "scrubbing" in await bench.status():
        pass


async def self_test(bench: BenchCore) -> None:
    await bench.registers.write_control(self_test=1)
    await ClockCycles(bench.dut.clk, 4)
    assert "programmed" not in await bench.status()
    while "self_testing" in await bench.status():
        await ClockCycles(bench.dut.clk, 50)


@cocotb.test()
async def single_flips_are_corrected_on_the_way_and_counted(dut: Any) -> None:
    bench = await begun(dut)
    bench.use_array()
    core, draw = bench.core, random.Random(4)
    flipped = [(column, draw.randrange(core.bank_depth)) for column in range(core.cols)]
    for column, address in flipped:
        await bench.flip(column, address, draw.randrange(core.word_bits))
    await bench.registers.write_seed(11)
    await bench.write_schedule(bench.program.instructions())
    await bench.registers.write_control(start=1, abort=1)
    codes = bench.codes_of(await bench.frame())
    await bench.until_idle()
    assert (codes == bench.expected[0]).all()
    # All chunks were loaded once; chunks 0 and 1 a second time, for a sample that did not come.
    again = sum(address < 2 * core.rows for _, address in flipped)
    assert await bench.registers.read_corrected() == len(flipped) + again
    assert await bench.registers.read_uncorrectable() == 0
    assert await bench.registers.read_scrubbed() == 0
    assert await bench.errors() == set()


@cocotb.test()
async def a_scrub_repairs_what_can_be_corrected(dut: Any) -> None:
    bench = await begun(dut)
    core, draw = bench.core, random.Random(8)
    flipped = [(column, address) for column in range(core.cols) for address in range(0, core.bank_depth, 5)]
    right = {place: int(bench.word(*place).value) for place in flipped}
    for place in flipped:
        await bench.flip(*place, draw.randrange(core.word_bits))
        assert int(bench.word(*place).value) != right[place]
    await scrub(bench)
    assert {place: int(bench.word(*place).value) for place in flipped} == right
    assert await bench.registers.read_corrected() == len(flipped)
    assert await bench.registers.read_scrubbed() == len(flipped)
    assert await bench.errors() == set()
    assert await bench.interrupts() == {"scrubbed"}
    # Nothing is left to do for a second one; a load of the program begins to count anew.
    await scrub(bench)
    assert await bench.registers.read_scrubbed() == len(flipped)
    await bench.load()
    assert await bench.registers.read_scrubbed() == await bench.registers.read_corrected() == 0


@cocotb.test()
async def a_scrub_beside_running_samples_disturbs_nothing(dut: Any) -> None:
    bench = await begun(dut)
    bench.use_array()
    await bench.registers.write_seed(11)
    await bench.start(bench.program.instructions())
    right = int(bench.word(3, 9).value)
    await bench.flip(3, 9, 50)
    for number in range(len(bench.expected)):
        await bench.registers.write_control(scrub=1)
        if number == len(bench.expected) - 1:
            await bench.registers.write_control(abort=1)
        assert (bench.codes_of(await bench.frame()) == bench.expected[number]).all()
    await bench.until_idle()
    assert int(bench.word(3, 9).value) == right
    assert await bench.registers.read_scrubbed() == 1
    assert await bench.registers.read_stalled() == 0
    # A scrub that is asked for while one is under way is refused.
    assert await bench.errors() <= {"busy"}


@cocotb.test()
async def a_scrub_that_meets_a_load_misses_no_word(dut: Any) -> None:
    bench = await begun(dut)
    core = bench.core
    words = [(column, address) for column in (0, core.cols - 1) for address in range(core.bank_depth)]
    right = {place: int(bench.word(*place).value) for place in words}
    delays = range(0, 40)
    # The loads meet the scrub at ever other addresses: some read the very word that is to be written back.
    await bench.write_schedule(steps("run 20", "load 1", "run 20", "load 3", "run 30", "stop"))
    for delay in delays:
        for column, address in words:
            await FallingEdge(dut.clk)
            bench.word(column, address).value = right[column, address] ^ (1 << (delay + address) % core.word_bits)
        await bench.registers.write_control(start=1)
        await ClockCycles(dut.clk, delay)
        await bench.registers.write_control(scrub=1)
        await bench.until_idle()
        while "scrubbing" in await bench.status():
            pass
        wrong = [place for place in words if int(bench.word(*place).value) != right[place]]
        assert not wrong, (delay, wrong)
        assert await bench.errors() == set()
    assert await bench.registers.read_scrubbed() == len(delays) * len(words)


@cocotb.test()
async def counters_stay_at_their_ends(dut: Any) -> None:
    bench = await begun(dut)
    collector = dut.control.store.collector
    full = 2**32 - 1
    for name in ("corrected_words", "scrubbed_words", "uncorrectable_words"):
        await FallingEdge(dut.clk)
        getattr(collector, name).value = full - 1
    for column in (0, 1, 2):
        await bench.flip(column, 4, 9)
        await bench.flip(column + 3, 5, 9, 10)
    await scrub(bench)
    assert await bench.registers.read_corrected() == full
    assert await bench.registers.read_scrubbed() == full
    assert await bench.registers.read_uncorrectable() == full
    # And the count of a self-test: it is made full while the test runs, with a word that is wrong.
    await bench.clear()
    await bench.registers.write_control(self_test=1)
    await ClockCycles(dut.clk, 100)
    await FallingEdge(dut.clk)
    collector.self_test_failures.value = full - 1
    for _ in range(60):
        await FallingEdge(dut.clk)
        bench.word(0, 7).value = 0x5A
    while "self_testing" in await bench.status():
        await ClockCycles(dut.clk, 50)
    assert await bench.registers.read_self_test_failures() == full


@cocotb.test()
async def a_check_bit_that_flips_is_corrected_too(dut: Any) -> None:
    bench = await begun(dut)
    bank, _ = bench._bank(1)
    checks = bank.check_memory.words[6]
    right = int(checks.value)
    await FallingEdge(dut.clk)
    checks.value = right ^ (1 << 9) ^ 1
    await RisingEdge(dut.clk)
    await scrub(bench)
    assert int(checks.value) == right
    # Two columns, one bit each.
    assert await bench.registers.read_corrected() == await bench.registers.read_scrubbed() == 2
    assert await bench.registers.read_uncorrectable() == 0


@cocotb.test()
@cocotb.parametrize(column=[0, 3, 5], row=[0, 3])
async def a_double_flip_ends_the_sample_names_the_word_and_marks_the_frame(dut: Any, column: int, row: int) -> None:
    bench = await begun(dut)
    address = 2 * bench.core.rows + row
    await bench.flip(column, address, 40, 41)
    await bench.registers.write_irq_enable(error=1)
    await bench.start(steps("load 0", "commit", "init 20", "load 2", "run 60", "commit", "run 60", "sample", "stop"))
    while not int(dut.irq.value):
        await RisingEdge(dut.clk)
    assert await bench.errors() == {"uncorrectable"}
    assert await bench.status() <= {"programmed", "frame"}
    assert is_mark_alone(await bench.frame())
    word = await bench.registers.read_fault_word()
    assert (word.address, word.column) == (address, column)
    assert await bench.registers.read_uncorrectable() == 1
    assert await bench.registers.read_samples() == 0
    assert await bench.interrupts() == {"stopped", "error"}
    assert not int(dut.array_macro.run.value)
    # The first word stays named; the mended word is read again without complaint.
    await bench.clear()
    await bench.flip(column, address, 40, 41)
    await bench.flip(column, address, 7)
    await bench.start(steps("load 2", "commit", "init 20", "run 60", "sample", "stop"))
    bench.codes_of(await bench.frame())
    assert await bench.registers.read_corrected() == 1
    word = await bench.registers.read_fault_word()
    assert (word.address, word.column) == (address, column)


@cocotb.test()
async def a_double_flip_that_a_scrub_finds_ends_the_schedule(dut: Any) -> None:
    bench = await begun(dut)
    await bench.flip(2, 13, 0, 107)
    await bench.flip(4, 13, 1, 2)
    await bench.start(ENDLESS)
    for _ in range(2):
        bench.codes_of(await bench.frame())
    await bench.registers.write_control(scrub=1)
    await bench.until_idle()
    while "scrubbing" in await bench.status():
        pass
    assert await bench.errors() == {"uncorrectable"}
    assert await bench.registers.read_uncorrectable() == 2
    word = await bench.registers.read_fault_word()
    assert (word.address, word.column) == (13, 2)
    # Every sample that began came to one frame, and the last one is marked.
    while True:
        frame = await bench.frame()
        if is_marked(frame):
            break
    await ClockCycles(dut.clk, 100)
    assert bench.no_frame_waits()


@cocotb.test()
async def a_double_flip_in_the_last_row_of_a_short_run_marks_its_frame(dut: Any) -> None:
    bench = await begun(dut)
    # The load ends just before the sample is latched: what is found must still reach that frame.
    marked = 0
    for run in range(1, 16):
        await bench.flip(1, 2 * bench.core.rows - 1, 3, 4)
        await bench.start(
            steps("load 0", "commit", "init 40", "load 1", f"run {run}", "sample", "run 90", "commit", "stop")
        )
        await bench.until_idle()
        assert await bench.errors() == {"uncorrectable"}
        frame = await bench.frame()
        marked += is_marked(frame)
        await ClockCycles(dut.clk, 60)
        while not bench.no_frame_waits():
            await bench.frame()
        await bench.flip(1, 2 * bench.core.rows - 1, 3, 4)
        await bench.clear()
    # With short runs the sample is latched before the row has been read.
    assert marked > 0


@cocotb.test()
async def a_self_test_of_good_banks_finds_nothing_and_forgets_the_program(dut: Any) -> None:
    bench = await begun(dut)
    await self_test(bench)
    assert await bench.registers.read_self_test_failures() == 0
    assert await bench.interrupts() == {"self_tested"}
    assert await bench.errors() == set()
    assert all(int(bench.word(column, 3).value) == 0 for column in range(bench.core.cols))
    await bench.registers.write_control(start=1)
    assert await bench.errors() == {"unprogrammed"}
    await bench.clear()
    await bench.load()
    await bench.start(ONE_SAMPLE)
    bench.codes_of(await bench.frame())


@cocotb.test()
@cocotb.parametrize(level=[0, 1])
@cocotb.parametrize(place=[(0, 0, 0), (2, 7, 53), (5, 15, 107)])
async def a_self_test_finds_a_stuck_bit(dut: Any, level: int, place: tuple[int, int, int]) -> None:
    bench = await begun(dut)
    column, address, bit = place
    word = bench.word(column, address)

    async def stick() -> None:
        # Between the edges: a write to the word never outlives the half of a cycle.
        while True:
            await FallingEdge(dut.clk)
            value = int(word.value)
            wanted = (value & ~(1 << bit)) | (level << bit)
            if value != wanted:
                word.value = wanted

    await bench.registers.write_irq_enable(error=1)
    sticking = cocotb.start_soon(stick())
    await self_test(bench)
    sticking.cancel()
    # Five reads of March C-, some of each level, in each of the backgrounds.
    assert await bench.registers.read_self_test_failures() >= 2
    found = await bench.registers.read_self_test_word()
    assert (found.address, found.column) == (address, column)
    assert await bench.errors() == {"self_test"}
    assert await bench.interrupts() == {"self_tested", "error"}
    assert int(dut.irq.value)
    # The next one begins anew.
    await bench.clear()
    await self_test(bench)
    assert await bench.registers.read_self_test_failures() == 0
    assert await bench.errors() == set()


@cocotb.test()
async def a_load_ends_a_scrub_and_a_self_test(dut: Any) -> None:
    bench = await begun(dut)
    await bench.registers.write_control(self_test=1)
    await ClockCycles(dut.clk, 60)
    assert "self_testing" in await bench.status()
    for command in ("start", "scrub", "self_test"):
        await bench.registers.write_control(**{command: 1})
        assert await bench.errors() == {"busy"}, command
        await bench.clear()
    bench.use_array()
    await bench.take_expected()
    assert {"self_tested", "cut_short"} <= await bench.interrupts()
    await bench.clear()
    await bench.registers.write_control(scrub=1)
    await bench.registers.write_control(load=1)
    assert await bench.status() == {"loading"}
    assert await bench.interrupts() == {"scrubbed", "cut_short"}
    await bench.take_expected()
    await bench.registers.write_control(scrub=1, self_test=1)
    await ClockCycles(dut.clk, 4)
    assert "busy" in await bench.errors()


@cocotb.test()
async def an_array_that_is_not_ready_in_time_is_reported(dut: Any) -> None:
    bench = await begun(dut)
    bench.shim.ready_level.value = 0
    await bench.registers.write_watchdog(limit=300)
    await bench.registers.write_irq_enable(error=1)
    await bench.start(ONE_SAMPLE)
    await ClockCycles(dut.clk, 250)
    assert await bench.errors() == set()
    await ClockCycles(dut.clk, 120)
    assert await bench.errors() == {"watchdog"}
    assert int(dut.irq.value)
    assert await bench.status() == {"programmed"}
    # No sample had begun.
    assert bench.no_frame_waits()
    await bench.clear()
    # Without a limit it waits for ever.
    await bench.registers.write_watchdog(limit=0)
    await bench.start(ONE_SAMPLE)
    await ClockCycles(dut.clk, 2000)
    assert await bench.errors() == set()
    assert "running" in await bench.status()
    bench.shim.ready_level.value = 1
    bench.codes_of(await bench.frame())


@cocotb.test()
@cocotb.parametrize(rows=[0, 1, 3])
async def taps_that_do_not_come_cut_the_frame_short(dut: Any, rows: int) -> None:
    bench = await begun(dut)
    await bench.registers.write_watchdog(limit=200)

    async def hold_after_some_rows() -> None:
        while rows and int(dut.array_macro.tap_row.value) < rows:
            await RisingEdge(dut.clk)
        bench.shim.tap_valid_level.value = 0

    if rows == 0:
        bench.shim.tap_valid_level.value = 0
    holding = cocotb.start_soon(hold_after_some_rows())
    await bench.start(ENDLESS)
    frame = await bench.frame()
    await holding
    assert is_marked(frame)
    beats = len(frame.tdata) // bench.core.codes_per_beat
    assert beats == rows * bench.core.row_beats + 1
    assert "watchdog" in await bench.errors()
    await bench.until_idle()
    bench.shim.tap_valid_level.value = 1
    await ClockCycles(dut.clk, 300)
    # A sample that had begun meanwhile comes to a mark of its own.
    while not bench.no_frame_waits():
        assert is_marked(await bench.frame())
    await bench.clear()
    await bench.start(ONE_SAMPLE)
    bench.codes_of(await bench.frame())
    assert await bench.errors() == set()


@cocotb.test()
@cocotb.parametrize(during=["init", "run"])
async def an_array_that_drops_out_ends_the_schedule(dut: Any, during: str) -> None:
    bench = await begun(dut)
    await bench.start(steps("load 0", "commit", "init 400", "run 400", "sample", "stop"))
    while not int(getattr(dut.array_macro, during).value):
        await RisingEdge(dut.clk)
    await ClockCycles(dut.clk, 100)
    bench.shim.ready_level.value = 0
    await ClockCycles(dut.clk, 8)
    assert not int(dut.array_macro.init.value)
    assert not int(dut.array_macro.run.value)
    assert await bench.errors() == {"array_lost"}
    assert is_mark_alone(await bench.frame())
    bench.shim.ready_level.value = 1
    await bench.clear()
    await bench.start(ONE_SAMPLE)
    bench.codes_of(await bench.frame())
