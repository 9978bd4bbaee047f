"""The image stream: marks and unused bytes, back-pressure of any length, and what the core counts meanwhile."""

from __future__ import annotations

from itertools import chain, repeat
from typing import Any

import cocotb
import numpy as np
from bench_core import SEED, BenchCore, is_mark_alone, repeated_endlessly, steps
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from oscc.rtl.readout.readout import DRAIN_BEATS
from oscc.sim.array.macro import EventKind


async def begun(dut: Any) -> BenchCore:
    bench = BenchCore(dut)
    await bench.begin()
    bench.use_array()
    return bench


class Stability:
    """Watches that a beat that waits is neither taken back nor changed."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.beats = 0
        self.waited = 0

    async def watch(self) -> None:
        dut, waiting = self.dut, None
        names = ("tdata", "tkeep", "tlast", "tuser")
        while True:
            await RisingEdge(dut.clk)
            await ReadOnly()
            # After the edge: what the next edge will see.
            beat = tuple(int(getattr(dut, f"m_axis_{name}").value) for name in names)
            valid, ready = int(dut.m_axis_tvalid.value), int(dut.m_axis_tready.value)
            if waiting is not None:
                assert valid, "a beat that waited was taken back"
                assert beat == waiting, "a beat that waited was changed"
            waiting = beat if valid and not ready else None
            self.waited += waiting is not None
            self.beats += valid and ready


@cocotb.test()
async def frames_have_their_marks_and_codes(dut: Any) -> None:
    bench = await begun(dut)
    await bench.take_expected(3)
    await ClockCycles(dut.clk, 100)
    assert bench.no_frame_waits()
    assert await bench.registers.read_stalled() == 0
    timed = [step.operand for step in bench.program.instructions() if step.is_timed]
    assert await bench.registers.read_period() == sum(timed)
    assert bench.macro is not None
    assert bench.macro.record().sample_times.tolist() == [sum(timed) * number for number in (1, 2, 3)]


@cocotb.test()
@cocotb.parametrize(share=[0.3, 0.7, 0.95])
async def random_back_pressure_loses_and_changes_nothing(dut: Any, share: float) -> None:
    bench = await begun(dut)
    bench.sink.set_pause_generator(repeated_endlessly(round(100 * share), share))
    watch = Stability(dut)
    cocotb.start_soon(watch.watch())
    await bench.take_expected(4)
    assert watch.waited > 0
    assert watch.beats >= 4 * bench.core.frame_beats


@cocotb.test()
async def a_host_that_takes_nothing_stalls_the_core_and_loses_nothing(dut: Any) -> None:
    bench = await begun(dut)
    await bench.load()
    await bench.registers.write_seed(SEED)
    bench.sink.pause = True
    await bench.start(bench.program.instructions())
    while not {"stalled", "frame"} <= await bench.status():
        pass
    held = await bench.registers.read_samples()
    # A frame and more in the FIFO, one in the latches; the next init waits for room.
    assert held >= 2
    stalled = await bench.registers.read_stalled()
    await ClockCycles(dut.clk, 2000)
    assert await bench.registers.read_samples() == held
    assert await bench.registers.read_stalled() >= stalled + 2000
    assert await bench.status() == {"programmed", "running", "frame", "stalled"}
    assert not int(dut.array_macro.init.value)
    assert not int(dut.array_macro.run.value)
    bench.sink.pause = False
    for number in range(len(bench.expected)):
        np.testing.assert_array_equal(bench.codes_of(await bench.frame()), bench.expected[number])
    await bench.registers.write_control(abort=1)
    await bench.until_idle()
    assert bench.macro is not None
    macro = bench.macro.record()
    timed = [step.operand for step in bench.program.instructions() if step.is_timed]
    taken = len(macro.sample_times)
    assert await bench.registers.read_samples() == taken
    # Every cycle beyond the programmed ones is counted, and only those of the wait are there.
    assert macro.sample_times[-1] == taken * sum(timed) + await bench.registers.read_stalled()
    runs = macro.events[macro.events[:, 1] == EventKind.RUN, 2].tolist()
    assert runs == timed[1:] * taken


@cocotb.test()
async def the_read_out_waits_for_a_slow_tap_bus(dut: Any) -> None:
    bench = await begun(dut)

    async def blink() -> None:
        for slow in repeated_endlessly(9, 0.8):
            bench.shim.tap_valid_level.value = not slow
            await RisingEdge(dut.clk)

    blinking = cocotb.start_soon(blink())
    await bench.take_expected(4)
    assert await bench.registers.read_stalled() == 0
    blinking.cancel()


@cocotb.test()
async def a_sample_in_the_middle_of_a_run_gives_its_own_phases(dut: Any) -> None:
    bench = await begun(dut)
    await bench.load()
    # Nothing else happens at the boundary when the first sample is latched.
    await bench.start(steps("load 0", "commit", "init 20", "run 90", "sample", "run 90", "sample", "stop"))
    frames = [bench.codes_of(await bench.frame()) for _ in range(2)]
    assert bench.macro is not None
    phases = bench.macro.record().sample_phases[..., 0]
    size = bench.core.readout.phase_steps
    expected = np.floor(size * phases / (2 * np.pi)).astype(int) % size
    for frame, codes in zip(frames, expected, strict=True):
        np.testing.assert_array_equal(frame, codes)


@cocotb.test()
async def a_wait_for_the_array_is_a_stall_and_not_an_error(dut: Any) -> None:
    bench = await begun(dut)
    await bench.load()
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "load 0", "commit", "run 80", "stop"))
    await bench.until_idle()
    bench.codes_of(await bench.frame())
    bench.shim.ready_level.value = 0
    await ClockCycles(dut.clk, 8)
    assert not (await bench.registers.read_status()).array_ready
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await ClockCycles(dut.clk, 400)
    assert await bench.errors() == set()
    assert not int(dut.array_macro.init.value)
    bench.shim.ready_level.value = 1
    await bench.until_idle()
    bench.codes_of(await bench.frame())


@cocotb.test()
async def status_tells_of_a_frame_until_its_last_beat_is_taken(dut: Any) -> None:
    bench = await begun(dut)
    await bench.load()
    bench.sink.pause = True
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await bench.until_idle()
    await ClockCycles(dut.clk, 200)
    assert await bench.status() == {"programmed", "frame"}
    bench.sink.pause = False
    bench.codes_of(await bench.frame())
    await ClockCycles(dut.clk, 4)
    assert await bench.status() == {"programmed"}


@cocotb.test()
async def marks_wait_for_room_and_come_in_order(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.load()
    bench.sink.pause = True
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await bench.until_idle()
    # A run without an init begins no sample: nothing takes its place when it is given up.
    await bench.start(steps("load 0", "commit", "run 60000", "stop"))
    await ClockCycles(dut.clk, 40)
    assert int(dut.array_macro.run.value)
    await bench.stop()
    # Each of these is given up, and becomes one beat behind the frame, until an init has to wait for room.
    given_up = 0
    while given_up < 40:
        await bench.start(steps("load 0", "commit", "init 60000", "stop"))
        await ClockCycles(dut.clk, 60)
        begun = bool(int(dut.array_macro.init.value))
        await bench.stop()
        if not begun:
            break
        given_up += 1
    assert given_up < 40, "the output never filled"
    await ClockCycles(dut.clk, 100)
    assert "frame" in await bench.status()
    bench.sink.pause = False
    bench.codes_of(await bench.frame())
    for _ in range(given_up):
        assert is_mark_alone(await bench.frame())
    await ClockCycles(dut.clk, 20)
    assert bench.no_frame_waits()
    assert await bench.status() == {"programmed"}


@cocotb.test()
async def a_mark_waits_behind_as_many_beats_as_there_can_be(dut: Any) -> None:
    bench = BenchCore(dut)
    await bench.begin()
    await bench.load()
    bench.sink.pause = True
    sample = ("init 20", "run 60", "sample")
    await bench.start(steps("load 0", "commit", *sample, *sample, "init 60000", "stop"))
    # One frame waits in the output, one in the latches, and the third sample for room.
    while not {"stalled", "frame"} <= await bench.status():
        pass
    # As few beats are taken as let the second frame follow, which lets the third sample begin.
    few = [False] * (bench.core.frame_beats - DRAIN_BEATS)
    bench.sink.set_pause_generator(chain(few, repeat(True)))
    await ClockCycles(dut.clk, 60)
    assert int(dut.array_macro.init.value)
    await bench.stop()
    await ClockCycles(dut.clk, 100)
    assert not int(dut.control.readout.space.value), "the output could hold more"
    assert bench.no_frame_waits()
    bench.sink.clear_pause_generator()
    bench.sink.pause = False
    for _ in range(2):
        bench.codes_of(await bench.frame())
    assert is_mark_alone(await bench.frame())
    await ClockCycles(dut.clk, 20)
    assert bench.no_frame_waits()
    assert await bench.status() == {"programmed"}


@cocotb.test()
async def irq_follows_status_and_enable(dut: Any) -> None:
    bench = await begun(dut)
    await bench.load()
    await bench.start(steps("load 0", "commit", "init 20", "run 60", "sample", "stop"))
    await bench.until_idle()
    causes = {"programmed", "sample", "stopped"}
    assert await bench.interrupts() == causes
    for cause in sorted(causes):
        await bench.registers.write_irq_enable(**{cause: 1})
        await ClockCycles(dut.clk, 2)
        assert int(dut.irq.value), cause
        await bench.registers.write_irq_status(**{cause: 1})
        await ClockCycles(dut.clk, 2)
        assert not int(dut.irq.value), cause
    assert await bench.interrupts() == set()
    bench.codes_of(await bench.frame())
