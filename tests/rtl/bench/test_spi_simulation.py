from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.bench.spi_simulation import SpiHost, SpiRefusedError, SpiStatusError, SpiTiming

BYTES = st.integers(0, 255)


class Wires:
    """The pins of a slave; in its place the test says what MISO does.

    What happens on the pins is looked at once in a clock cycle, which is enough for every edge.
    """

    def __init__(self, answer: Sequence[int] = (), released: Sequence[int] = (), prefix: str = "") -> None:
        self.pins = {name: Signal(name=name) for name in ("sclk", "cs_n", "mosi", "miso", "miso_enable")}
        self.component = SimpleNamespace(**{prefix + name: pin for name, pin in self.pins.items()})
        self.module = Module()
        self.module.d.sync += Signal().eq(1)
        self.record = Recorder(**self.pins)
        self._answer = answer
        self._released = released

    def run(self, bench: Callable[[Any], Any]) -> None:
        simulate(self.module, bench, background=[self.record.watch, self._slave], limit=100_000)

    async def _slave(self, context: Any) -> None:
        """A new bit of the answer on every fall of sclk, and the first one with cs_n."""
        pins = self.pins
        bits = [byte >> (7 - bit) & 1 for byte in self._answer for bit in range(8)]
        while True:
            await context.negedge(pins["cs_n"])
            number = 0
            while not context.get(pins["cs_n"]):
                context.set(pins["miso"], bits[number] if number < len(bits) else 0)
                context.set(pins["miso_enable"], number // 8 not in self._released)
                await context.changed(pins["sclk"], pins["cs_n"])
                number += not context.get(pins["sclk"])
            context.set(pins["miso_enable"], 0)

    def edges(self, name: str, level: int) -> list[int]:
        """Cycles in which a pin is first seen at a level."""
        values = self.record.values(name)
        return [cycle for cycle in range(1, len(values)) if values[cycle] == level != values[cycle - 1]]

    def frames(self) -> list[list[int]]:
        """Bits that a slave takes on the rising edges of sclk, frame by frame."""
        cs_n, mosi = self.record.values("cs_n"), self.record.values("mosi")
        rising = self.edges("sclk", 1)
        assert not any(cs_n[cycle] for cycle in rising)
        ends = [cycle for cycle in range(1, len(cs_n)) if cs_n[cycle] and not cs_n[cycle - 1]]
        starts = [cycle for cycle in range(1, len(cs_n)) if cs_n[cycle - 1] and not cs_n[cycle]]
        return [
            [mosi[cycle] for cycle in rising if start < cycle < end] for start, end in zip(starts, ends, strict=True)
        ]


def bits_of(sent: Sequence[int]) -> list[int]:
    return [int(bit) for byte in sent for bit in f"{byte:08b}"]


@settings(max_examples=25)
@given(st.lists(st.tuples(BYTES, BYTES), min_size=1, max_size=6), st.integers(0, 1000))
def test_bytes_go_out_and_come_in_highest_bit_first(pairs: list[tuple[int, int]], seed: int) -> None:
    sent, answer = [out for out, _ in pairs], [back for _, back in pairs]
    wires = Wires(answer)
    seen: list[Any] = []

    async def bench(context: Any) -> None:
        host = SpiHost(context, wires.component, timing=SpiTiming.jittering(seed) if seed else None)
        await host.idle()
        seen.append(await host.transfer(sent))
        await host.idle()

    wires.run(bench)
    assert seen == [answer]
    assert wires.frames() == [bits_of(sent)]


def test_the_pins_may_have_a_prefix() -> None:
    wires = Wires([0x5A], prefix="spi_")

    async def bench(context: Any) -> None:
        host = SpiHost(context, wires.component, "spi_")
        await host.idle()
        assert await host.transfer([0xC3]) == [0x5A]
        await host.idle()

    wires.run(bench)
    assert wires.frames() == [bits_of([0xC3])]


@pytest.mark.parametrize("divider", [8, 11, 40])
def test_a_steady_clock_has_its_period(divider: int) -> None:
    wires = Wires()

    async def bench(context: Any) -> None:
        host = SpiHost(context, wires.component, timing=SpiTiming.steady(divider))
        await host.idle()
        await host.transfer([0, 0, 0, 0])

    wires.run(bench)
    rising, falling = wires.edges("sclk", 1), wires.edges("sclk", 0)
    assert len(rising) == len(falling) == 32
    assert rising[-1] - rising[0] == 31 * divider
    assert all(abs(fall - rise - divider / 2) < 1 for rise, fall in zip(rising, falling, strict=True))


def test_jitter_keeps_the_limits_and_meets_them() -> None:
    timing, again = SpiTiming.jittering(5), SpiTiming.jittering(5)
    for name, shortest in (("low", 4.0), ("high", 2.0), ("select", 2.0)):
        drawn = [getattr(timing, name)() for _ in range(400)]
        assert min(drawn) == shortest
        assert max(drawn) <= 4 * shortest
        assert 60 < drawn.count(shortest) < 140
        assert len(set(drawn)) > 200
        assert drawn == [getattr(again, name)() for _ in range(400)]


def test_jitter_differs_from_bit_to_bit() -> None:
    wires = Wires()

    async def bench(context: Any) -> None:
        host = SpiHost(context, wires.component, timing=SpiTiming.jittering(2))
        await host.idle()
        await host.transfer([0] * 8)

    wires.run(bench)
    periods = {later - earlier for earlier, later in pairwise(wires.edges("sclk", 1))}
    assert min(periods) >= 5
    assert len(periods) > 8


@pytest.mark.parametrize("bits", [0, 1, 7, 8, 9, 15])
def test_a_frame_can_be_cut_short(bits: int) -> None:
    wires = Wires([0x96, 0x69])
    seen: list[Any] = []

    async def bench(context: Any) -> None:
        host = SpiHost(context, wires.component)
        await host.idle()
        seen.append(await host.transfer([0xAB, 0xCD], bits))
        seen.append(await host.transfer([0xEF]))
        await host.idle()

    wires.run(bench)
    assert seen == [[0x96 if bits >= 8 else None, None], [0x96]]
    assert wires.frames() == [bits_of([0xAB, 0xCD])[:bits], bits_of([0xEF])]


def host_of(wires: Wires, bench: Callable[[SpiHost], Any]) -> None:
    """Run a bench that needs nothing but a host."""

    async def whole(context: Any) -> None:
        host = SpiHost(context, wires.component)
        await host.idle()
        await bench(host)
        await host.idle()

    wires.run(whole)


def test_accesses_are_the_documented_frames() -> None:
    # The ninth byte, which ends a write, is also the lowest of a word that is read.
    wires = Wires([0, 0, 0, 0, 0xA0, 0x12, 0x34, 0x56, 0xA0, 0, 0xA2, 1, 2, 3, 4])

    async def bench(host: SpiHost) -> None:
        assert await host.read(0x0ABC) == 0x1234_56A0
        await host.write(0x1234, 0xDEAD_BEEF)
        assert await host.read_words(0xFFFC, 2) == [(0x1234_56A0, 0), (0x0102_0304, 2)]

    host_of(wires, bench)
    assert wires.frames() == [
        bits_of([0x03, 0x0A, 0xBC, 0, 0, 0, 0, 0, 0]),
        bits_of([0x02, 0x12, 0x34, 0xDE, 0xAD, 0xBE, 0xEF, 0, 0]),
        bits_of([0x03, 0xFF, 0xFC, *[0] * 12]),
    ]


def test_several_writes_share_a_frame() -> None:
    answer = [0] * 20
    answer[8], answer[14], answer[20:] = 0xA0, 0xA3, [0xA2]
    wires = Wires(answer)

    async def bench(host: SpiHost) -> None:
        assert await host.write_words(0x0400, [1, 2 << 24, 0x0304_0506]) == [0, 3, 2]

    host_of(wires, bench)
    words = [0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 0, 0, 3, 4, 5, 6, 0, 0]
    assert wires.frames() == [bits_of([0x02, 0x04, 0x00, *words])]


@pytest.mark.parametrize(("status", "response"), [(0xA2, 2), (0xA3, 3)])
def test_a_refused_access_is_an_error_with_its_response(status: int, response: int) -> None:
    async def bench(host: SpiHost) -> None:
        with pytest.raises(SpiRefusedError, match=rf"^read of 0x0020: response {response}$") as caught:
            await host.read(0x20)
        assert caught.value.response == response

    host_of(Wires([0, 0, 0, 0, status, 0, 0, 0, 0]), bench)

    async def write_bench(host: SpiHost) -> None:
        with pytest.raises(SpiRefusedError, match=rf"^write of 0x0024: response {response}$") as caught:
            await host.write(0x24, 1)
        assert caught.value.response == response

    host_of(Wires([0, 0, 0, 0, 0, 0, 0, 0, status]), write_bench)


@pytest.mark.parametrize("status", [0x00, 0xFF, 0xA4, 0x50, 0x41, 0x20])
def test_what_is_no_status_is_told(status: int) -> None:
    """A wire stuck low or high, and answers that are a bit late or early."""

    async def bench(host: SpiHost) -> None:
        with pytest.raises(SpiStatusError, match=f"^read of 0x0020: 0x{status:02X} in place of the status byte$"):
            await host.read(0x20)
        with pytest.raises(SpiStatusError, match=f"^write of 0x0020: 0x{status:02X} in place of the status byte$"):
            await host.write(0x20, 7)

    host_of(Wires([0, 0, 0, 0, status, 0, 0, 0, status]), bench)


def test_a_released_wire_is_told() -> None:
    good = [0, 0, 0, 0, 0xA0, 1, 2, 3, 4]

    async def no_status(host: SpiHost) -> None:
        assert (await host.transfer([0] * 9))[3:6] == [0, None, 1]
        with pytest.raises(SpiStatusError, match=r"^read of 0x0020: nothing in place of the status byte$"):
            await host.read(0x20)

    host_of(Wires(good, released=[4]), no_status)

    async def no_data(host: SpiHost) -> None:
        with pytest.raises(SpiStatusError, match=r"^read of 0x0020: MISO was released within the data$"):
            await host.read(0x20)

    host_of(Wires(good, released=[7]), no_data)
