from __future__ import annotations

from typing import Any

import pytest

from oscc.rtl.bench.prepared import CLOCK_S
from oscc.rtl.bench.simulation import wait
from oscc.rtl.bench.spi_simulation import SpiHost, SpiStatusError, SpiTiming
from oscc.rtl.host.spi_slave import SCLK_DIVIDER
from tests.rtl.host.spi_slave_bench import Bench, content

# Pins and times


def test_miso_is_driven_only_for_the_frame() -> None:
    bench = Bench()

    async def frames(host: SpiHost) -> None:
        for _ in range(4):
            await host.read_words(0x24, 2)
        await host.idle()

    slave = bench.slave
    record = bench.host(frames, SpiTiming.jittering(3), cs_n=slave.cs_n, miso=slave.miso, miso_enable=slave.miso_enable)
    cs_n, enable, miso = (record.values(name) for name in ("cs_n", "miso_enable", "miso"))
    for cycle in range(4, len(record)):
        # Two flops and the register of the pin.
        assert enable[cycle] == (not cs_n[cycle - 3]), cycle
        assert enable[cycle] or not miso[cycle]
    assert sum(enable) > 4 * 15 * 8 * 6


def timing_of(low: float, high: float, phase: float) -> SpiTiming:
    """The same times for all bits; the frame begins at a phase of the core's clock."""
    selects = iter([phase])
    return SpiTiming(lambda: low, lambda: high, lambda: 8.0 + next(selects, 0.0))


def survives(low: float, high: float, phase: float) -> bool:
    """Whether a write and a read pass."""
    bench = Bench()
    passed: list[bool] = []

    async def frames(host: SpiHost) -> None:
        try:
            passed.append(await host.write_words(0x30, [0xC35A_A53C]) == [0])
            passed.append(await host.read(0x24) == content(0x24))
        except SpiStatusError:
            passed.append(False)

    bench.host(frames, timing_of(low, high, phase))
    return all(passed) and bench.accesses == [(0x30, 0xC35A_A53C), (0x24, None)]


PHASES = [number / 16 for number in range(16)]


@pytest.mark.parametrize(("low", "high"), [(4.0, 4.0), (4.0, 2.0), (4.01, 4.03), (5.3, 2.2), (40.0, 2.0), (4.0, 90.0)])
def test_the_times_that_are_allowed(low: float, high: float) -> None:
    assert all(survives(low, high, phase) for phase in PHASES[:: 4 if low + high > 40 else 1])


def test_the_limits_are_where_the_words_say() -> None:
    """Half a cycle less leaves no set-up time; a high part of less than a cycle may fall between two edges."""
    assert SCLK_DIVIDER == 8
    assert not all(survives(3.5, 4.0, phase) for phase in PHASES)
    assert not all(survives(4.0, 0.8, phase) for phase in PHASES)


@pytest.mark.parametrize("phase", PHASES[::3])
def test_mosi_is_taken_with_the_edge(phase: float) -> None:
    """It is right from 1 cycle before the edge to 2 behind it, and wrong all the rest of the time."""
    bench = Bench()
    slave = bench.slave
    sent = [0x02, 0x00, 0x30, 0xC3, 0x5A, 0xA5, 0x3C, 0x00]

    async def pins(context: Any) -> None:
        await SpiHost(context, slave).idle()
        await context.delay(phase * CLOCK_S)
        context.set(slave.cs_n, 0)
        await context.delay(4 * CLOCK_S)
        for bit in (byte >> (7 - place) & 1 for byte in sent for place in range(8)):
            for level, mosi, cycles in ((0, 1 - bit, 3), (0, bit, 1), (1, bit, 2), (1, 1 - bit, 2)):
                context.set(slave.sclk, level)
                context.set(slave.mosi, mosi)
                await context.delay(cycles * CLOCK_S)
        await wait(context, 8)

    bench.run(pins)
    assert bench.accesses == [(0x30, 0xC35A_A53C)]


def test_an_access_takes_effect_at_most_five_cycles_after_its_edge() -> None:
    bench = Bench()
    slave = bench.slave

    async def pins(context: Any) -> None:
        host = SpiHost(context, slave)
        await host.idle()
        for phase in PHASES:
            await context.delay(phase * CLOCK_S)
            await host.transfer([2, 0, 0x30, 1, 2, 3, 4, 0, 0], 57)

    record = bench.run(pins, sclk=slave.sclk, write_strobe=slave.write_strobe)
    sclk = record.values("sclk")
    rising = [cycle for cycle in range(1, len(record)) if sclk[cycle] and not sclk[cycle - 1]]
    # An edge is recorded when the first flop samples it: it is up to one cycle older. The strobe is recorded in the
    # cycle at whose end the registers take it.
    assert record.cycles("write_strobe") == [cycle + 4 for cycle in rising[56::57]]


# Reset


@pytest.mark.parametrize("bits", [0, 1, 5, 8, 16, 24, 40, 55, 56, 63, 64, 70])
def test_a_reset_within_a_frame_makes_the_rest_of_it_ignored(bits: int) -> None:
    bench = Bench()
    slave = bench.slave
    # Whatever was cut off, what is left holds whole frames.
    sent = [0x02, 0x00, 0x30, 1, 2, 3, 4, 0, 0] * 4

    async def pins(context: Any) -> None:
        host = SpiHost(context, slave)
        await host.idle()
        context.set(slave.cs_n, 0)
        await wait(context, 4)
        for number in range(8 * len(sent)):
            if number == bits:
                context.set(bench.reset, 1)
                await wait(context, 1)
                context.set(bench.reset, 0)
            context.set(slave.mosi, sent[number // 8] >> (7 - number % 8) & 1)
            await wait(context, 4)
            assert number < bits or not context.get(slave.miso_enable)
            context.set(slave.sclk, 1)
            await wait(context, 4)
            context.set(slave.sclk, 0)
        await host.idle()
        assert await host.read(0x24) == content(0x24)

    bench.run(pins)
    assert bench.accesses == [(0x30, 0x0102_0304)] * (bits >= 57) + [(0x24, None)]


def test_miso_is_released_from_the_first_cycle_on() -> None:
    """Also when cs_n is low while the core wakes up, or when it is high and the flops have not seen it yet."""
    for level in (0, 1):
        bench = Bench()

        async def pins(context: Any, bench: Bench = bench, level: int = level) -> None:
            context.set(bench.slave.cs_n, level)
            assert not context.get(bench.slave.miso_enable)
            await wait(context, 20)

        assert bench.run(pins, enable=bench.slave.miso_enable).cycles("enable") == []
