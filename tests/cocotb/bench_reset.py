"""A reset in the middle of everything, and a clean run after it."""

from __future__ import annotations

from typing import Any

import cocotb
from bench_core import BenchCore, steps
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

ENDLESS = steps("load 0", "commit", "init 20", "load 1", "run 60", "commit", "run 60", "load 0", "run 20", "sample",
                "commit", "repeat 0 2")  # fmt: skip


async def watch_the_array(dut: Any) -> None:
    """From the first edge with reset on, nothing is asked of the array."""
    while True:
        await RisingEdge(dut.rst)
        await RisingEdge(dut.clk)
        while True:
            await ReadOnly()
            if not int(dut.rst.value):
                break
            for name in ("init", "run", "sample", "commit", "load_strobe"):
                assert not int(getattr(dut.array_macro, name).value), f"{name} is high in reset"
            await RisingEdge(dut.clk)


async def begun(dut: Any, *, load: bool = True) -> BenchCore:
    bench = BenchCore(dut)
    await bench.begin()
    cocotb.start_soon(watch_the_array(dut))
    if load:
        await bench.load()
    return bench


async def check_clean(bench: BenchCore) -> None:
    """The core is as after power-up, and does its work."""
    assert await bench.status() == set()
    assert await bench.errors() == await bench.interrupts() == set()
    for name in ("samples", "period", "stalled", "corrected", "uncorrectable", "scrubbed", "self_test_failures"):
        assert await getattr(bench.registers, f"read_{name}")() == 0, name
    assert (await bench.registers.read_watchdog()).limit == 0xFFFF
    assert not int(bench.dut.m_axis_tvalid.value)
    assert not int(bench.dut.irq.value)
    # What the memories hold does not count as a program.
    await bench.registers.write_control(start=1)
    assert await bench.errors() == {"unprogrammed"}
    await bench.clear()
    bench.use_array()
    await bench.take_expected()


@cocotb.test()
@cocotb.parametrize(cycles=[1, 30, 97])
async def during_a_program_load(dut: Any, cycles: int) -> None:
    bench = await begun(dut, load=False)
    await bench.registers.write_program_crc(1)
    await bench.registers.write_control(load=1)
    dut.s_axis_tvalid.value = 1
    dut.s_axis_tdata.value = 0x89AB_CDEF
    await ClockCycles(dut.clk, cycles)
    dut.s_axis_tvalid.value = 0
    await bench.reset()
    await check_clean(bench)


@cocotb.test()
@cocotb.parametrize(cycles=[1, 5, 9, 14, 22, 40, 57, 90, 140, 181, 190, 203])
async def during_a_sample(dut: Any, cycles: int) -> None:
    bench = await begun(dut)
    await bench.start(ENDLESS)
    await ClockCycles(dut.clk, cycles)
    await bench.reset()
    await check_clean(bench)


@cocotb.test()
async def while_the_output_is_full(dut: Any) -> None:
    bench = await begun(dut)
    bench.sink.pause = True
    await bench.start(ENDLESS)
    while not {"stalled", "frame"} <= await bench.status():
        pass
    await bench.reset()
    bench.sink.pause = False
    await check_clean(bench)


@cocotb.test()
@cocotb.parametrize(command=["scrub", "self_test"])
@cocotb.parametrize(cycles=[1, 10, 37])
async def during_a_scrub_and_a_self_test(dut: Any, command: str, cycles: int) -> None:
    bench = await begun(dut)
    await bench.flip(0, 0, 1)
    await bench.flip(2, 5, 1, 2)
    await bench.registers.write_control(**{command: 1})
    await ClockCycles(dut.clk, cycles)
    await bench.reset()
    await check_clean(bench)


@cocotb.test()
async def with_errors_and_interrupts_pending(dut: Any) -> None:
    bench = await begun(dut)
    await bench.registers.write_irq_enable(error=1)
    await bench.load(crc=0)
    await bench.registers.write_watchdog(limit=7)
    assert int(dut.irq.value)
    await bench.reset()
    await check_clean(bench)


@cocotb.test()
async def while_the_taps_are_awaited(dut: Any) -> None:
    bench = await begun(dut)
    bench.shim.tap_valid_level.value = 0
    await bench.start(ENDLESS)
    await ClockCycles(dut.clk, 400)
    await bench.reset()
    bench.shim.tap_valid_level.value = 1
    await check_clean(bench)
