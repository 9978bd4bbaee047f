from __future__ import annotations

from typing import Any

from oscc.rtl.bench.simulation import wait
from tests.rtl.control_plane_bench import MARKER, ONE_SAMPLE, QUARTER, SAMPLES, Bench

# What the array answers


def test_an_array_that_does_not_get_ready_is_told_after_the_limit() -> None:
    bench = Bench(QUARTER)
    bench.array.ready = False

    async def host(context: Any) -> None:
        registers = bench.registers
        assert (await registers.read_watchdog()).limit == 0xFFFF
        await bench.load(context, ONE_SAMPLE)
        assert not (await registers.read_status()).array_ready
        await registers.write_watchdog(limit=150)
        await registers.write_control(start=1)
        await wait(context, 100)
        assert "running" in await bench.status()
        assert await bench.errors() == set()
        await wait(context, 100)
        assert await bench.errors() == {"watchdog"}
        assert await bench.status() == {"programmed"}
        # No sample had begun. With a ready array the next start goes well.
        bench.array.ready = True
        await registers.write_error(watchdog=1)
        await registers.write_control(start=1)
        while await bench.status() != {"programmed"}:
            pass

    bench.run(host)
    assert bench.images_seen.beats == bench.codes_of(0)


def test_taps_that_do_not_come_end_the_frame_and_the_schedule() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_watchdog(limit=40)
        bench.array.tap_valid = False
        await registers.write_control(start=1)
        while not await bench.errors():
            pass
        assert await bench.errors() == {"watchdog"}
        await wait(context, 20)
        assert await bench.status() == {"programmed"}

    bench.run(host)
    # The first sample is cut short, the second, which had begun, will never be latched.
    assert bench.images_seen.beats == [MARKER, MARKER]


def test_without_a_limit_the_core_waits_for_the_taps() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, ONE_SAMPLE)
        await registers.write_watchdog(limit=0)
        bench.array.tap_valid = False
        await registers.write_control(start=1)
        await wait(context, 400)
        assert await bench.status() == {"programmed", "frame"}
        bench.array.tap_valid = True
        while await bench.status() != {"programmed"}:
            pass
        assert await bench.errors() == set()

    bench.run(host)
    assert bench.images_seen.beats == bench.codes_of(0)


def test_an_array_that_drops_out_of_a_run_is_told() -> None:
    bench = Bench(QUARTER)

    async def host(context: Any) -> None:
        registers = bench.registers
        await bench.load(context, SAMPLES)
        await registers.write_irq_enable(error=1)
        await registers.write_control(start=1)
        while not context.get(bench.plane.array.run):
            await context.tick()
        bench.array.ready = False
        while not context.get(bench.plane.irq):
            await context.tick()
        assert await bench.errors() == {"array_lost"}
        await wait(context, 30)

    record = bench.run(host)
    assert record.cycles("sample") == []
    assert bench.images_seen.beats == [MARKER]
