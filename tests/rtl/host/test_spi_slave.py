from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oscc.rtl.bench.prepared import CLOCK_S
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.bench.spi_simulation import SpiHost, SpiStatusError, SpiTiming
from oscc.rtl.host.axi_lite import DECERR, OKAY, SLVERR
from oscc.rtl.host.spi_slave import SCLK_DIVIDER, SpiSlave

FACTOR = 0x9E37_79B1


def content(address: int) -> int:
    """What the registers of the bench read as."""
    return FACTOR * (address // 4 + 1) % 2**32


def response_of(address: int) -> int:
    """What they answer to the access of a byte address: each response somewhere."""
    return (OKAY, SLVERR, DECERR)[address // 4 % 3]


def expected_response(address: int) -> int:
    """What the host should see."""
    if address % 4:
        return SLVERR
    return response_of(address) if address < 4096 else DECERR


class Bench:
    """The slave before registers whose answers stand there only in the cycle in which they are due."""

    def __init__(self) -> None:
        self.slave = slave = SpiSlave()
        self.reset = Signal()
        self.module = module = Module()
        module.submodules.slave = ResetInserter(self.reset)(slave)
        due, last = Signal(), Signal(10)
        module.d.sync += [due.eq(slave.read_strobe), last.eq(slave.read_address)]

        def answer(address: Any) -> Any:
            third = address % 3
            return (third == 1) * SLVERR + (third == 2) * DECERR

        module.d.comb += [slave.write_response.eq(1), slave.read_response.eq(1), slave.read_data.eq(0x5555_5555)]
        with module.If(slave.write_strobe):
            module.d.comb += slave.write_response.eq(answer(slave.write_address))
        with module.If(due):
            module.d.comb += [slave.read_response.eq(answer(last)), slave.read_data.eq(FACTOR * (last + 1))]
        self.strobe = Signal()
        module.d.comb += self.strobe.eq(slave.write_strobe | slave.read_strobe)
        # Byte address and word of every write, byte address and None of every read, in the order of the bus.
        self.accesses: list[tuple[int, int | None]] = []

    def run(self, bench: Callable[[Any], Any], **recorded: Any) -> Recorder:
        record = Recorder(**recorded)
        background = [self._watch, *([record.watch] if recorded else [])]
        simulate(self.module, bench, background=background, limit=200_000)
        return record

    def host(self, bench: Callable[[SpiHost], Any], timing: SpiTiming | None = None, **recorded: Any) -> Recorder:
        """Run a bench that needs nothing but a host."""

        async def whole(context: Any) -> None:
            host = SpiHost(context, self.slave, timing=timing)
            await host.idle()
            await bench(host)

        return self.run(whole, **recorded)

    async def _watch(self, context: Any) -> None:
        """Note what happens on the bus; strobes are too far apart to be taken for one."""
        slave = self.slave
        while True:
            await context.posedge(self.strobe)
            assert context.get(slave.write_strobe) != context.get(slave.read_strobe)
            if context.get(slave.write_strobe):
                assert context.get(slave.write_mask) == 0xFFFF_FFFF
                self.accesses.append((4 * context.get(slave.write_address), context.get(slave.write_data)))
            else:
                self.accesses.append((4 * context.get(slave.read_address), None))
            await context.tick()
            assert not context.get(self.strobe), "a strobe lasts one cycle"


# The frame


def test_a_write_byte_by_byte() -> None:
    bench = Bench()
    seen: list[Any] = []

    async def frames(host: SpiHost) -> None:
        seen.append(await host.transfer([0x02, 0x0A, 0xBC, 0xDE, 0xAD, 0xBE, 0xEF, 0x5A, 0xC3]))

    bench.host(frames)
    # 0xABC is word 0x2AF = 687, which answers OKAY.
    assert seen == [[0, 0, 0, 0, 0, 0, 0, 0, 0xA0]]
    assert bench.accesses == [(0xABC, 0xDEAD_BEEF)]


def test_a_read_byte_by_byte() -> None:
    bench = Bench()
    seen: list[Any] = []

    async def frames(host: SpiHost) -> None:
        seen.append(await host.transfer([0x03, 0x05, 0x24, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]))

    bench.host(frames)
    # Word 329, which answers DECERR, and its data are those of the registers all the same.
    assert seen == [[0, 0, 0, 0, 0xA3, *(0x9E37_79B1 * 330 % 2**32).to_bytes(4, "big")]]
    assert bench.accesses == [(0x524, None)]


def test_further_accesses_of_a_frame_byte_by_byte() -> None:
    """Nothing of an answer stays on MISO, though both words and one status end with a 1."""
    bench = Bench()
    seen: list[Any] = []

    async def frames(host: SpiHost) -> None:
        seen.append(await host.transfer([0x03, 0x05, 0x20, *[0xFF] * 18]))
        seen.append(await host.transfer([0x02, 0x05, 0x24, 1, 2, 3, 4, 0xFF, 0xFF, 5, 6, 7, 8, 0, 0]))

    bench.host(frames)
    first, second, third = ((0x9E37_79B1 * factor % 2**32).to_bytes(4, "big") for factor in (329, 330, 331))
    assert first[3] & third[3] & 1
    assert seen == [
        [0, 0, 0, 0, 0xA2, *first, 0, 0xA3, *second, 0, 0xA0, *third],
        [0, 0, 0, 0, 0, 0, 0, 0, 0xA3, 0, 0, 0, 0, 0, 0xA0],
    ]
    assert bench.accesses == [(0x520, None), (0x524, None), (0x528, None), (0x524, 0x0102_0304), (0x528, 0x0506_0708)]


@pytest.mark.parametrize("bit", range(48))
def test_every_bit_of_address_and_data_has_its_place(bit: int) -> None:
    bench = Bench()
    address, word = divmod(1 << bit, 2**32)

    async def frames(host: SpiHost) -> None:
        payload = (1 << bit).to_bytes(6, "big")
        (*_, status) = await host.transfer([2, *payload, 0, 0])
        assert status == 0xA0 + expected_response(address)

    bench.host(frames)
    # Bits 0 and 1 of the address make it unaligned, and bits 12 to 15 lead out of the 4 KiB.
    assert bench.accesses == ([] if bit in (32, 33, 44, 45, 46, 47) else [(address, word)])


@dataclass(frozen=True)
class Frame:
    """Accesses that share a frame: writes of words, or so many reads."""

    address: int
    words: tuple[int, ...]
    write: bool


FRAMES = st.builds(
    Frame,
    st.one_of(
        st.integers(0, 0xFFF).map(lambda address: address & ~3),
        st.integers(0, 0xFFFF),
        st.sampled_from([0, 0xFF8, 0xFFC, 0x1000, 0xFFFC, 0xFFF8, 0xFFD]),
    ),
    st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=3).map(tuple),
    st.booleans(),
)


@settings(max_examples=30)
@given(st.lists(FRAMES, min_size=1, max_size=4), st.integers(0, 10**6))
@example([Frame(0xFFF8, (1, 2, 3, 4), True), Frame(0xFFFC, (1, 2), False), Frame(0xFF8, (1, 2, 3), False)], 0)
def test_accesses_reach_the_bus_once_and_are_answered(frames: list[Frame], seed: int) -> None:
    """At the highest sclk, or any lower one in any phase; frames follow each other as fast as they may."""
    bench = Bench()
    expected: list[tuple[int, int | None]] = []

    async def bench_frames(host: SpiHost) -> None:
        for frame in frames:
            addresses = [(frame.address + 4 * number) % 2**16 for number in range(len(frame.words))]
            reached = [address % 4 == 0 and address < 4096 for address in addresses]
            if frame.write:
                responses = await host.write_words(frame.address, frame.words)
                assert responses == [expected_response(address) for address in addresses]
            else:
                answers = await host.read_words(frame.address, len(frame.words))
                assert answers == [
                    (content(address) if reaches else 0, expected_response(address))
                    for address, reaches in zip(addresses, reached, strict=True)
                ]
            expected.extend(
                (address, word if frame.write else None)
                for address, word, reaches in zip(addresses, frame.words, reached, strict=True)
                if reaches
            )

    bench.host(bench_frames, SpiTiming.jittering(seed) if seed % 4 else None)
    assert bench.accesses == expected


# Frames that end early


@pytest.mark.parametrize(("command", "first"), [(0x02, 57), (0x03, 25)])
def test_a_frame_may_end_after_any_bit(command: int, first: int) -> None:
    """An access is made with the first bit of its turnaround byte, once, and the next frame is not disturbed."""
    bench = Bench()
    words = [0x1111_2222, 0x3333_4444]
    payload = [byte for word in words for byte in (*word.to_bytes(4, "big"), 0xFF, 0xFF)]
    frame = [command, 0x02, 0x40, *payload]
    whole: list[tuple[int, int | None]] = [(0x240 + 4 * n, words[n] if command == 2 else None) for n in range(2)]
    expected: list[tuple[int, int | None]] = []

    async def frames(host: SpiHost) -> None:
        for bits in range(8 * len(frame)):
            seen = await host.transfer(frame, bits)
            # Where the frame before was cut off does not show on MISO.
            assert seen[0] == (0 if bits >= 8 else None)
            expected.extend(whole[: (bits - first) // 48 + 1 if bits >= first else 0])
            if bits % 8 == 0:
                await host.read(0x30)
                expected.append((0x30, None))

    bench.host(frames, SpiTiming.jittering(command, stretch=1.5))
    assert bench.accesses == expected
    assert len(expected) > 10 + 8 * len(frame) - first


def test_cs_n_may_rise_while_sclk_is_high() -> None:
    bench = Bench()
    slave = bench.slave

    async def pins(context: Any) -> None:
        host = SpiHost(context, slave)
        await host.idle()
        for bits in (20, 55, 56):
            context.set(slave.cs_n, 0)
            await wait(context, 4)
            for number in range(bits):
                context.set(slave.mosi, number == 6)
                await wait(context, 4)
                context.set(slave.sclk, 1)
                await wait(context, 4)
                context.set(slave.sclk, number == bits - 1)
            # The clock falls and rises once more behind the frame.
            context.set(slave.cs_n, 1)
            for level in (1, 0, 1, 0):
                await wait(context, 4)
                context.set(slave.sclk, level)
            assert await host.read(0x24) == content(0x24)

    bench.run(pins)
    assert bench.accesses == [(0x24, None)] * 3


def test_an_edge_together_with_the_rise_of_cs_n_does_not_count() -> None:
    bench = Bench()
    slave = bench.slave

    async def pins(context: Any) -> None:
        host = SpiHost(context, slave)
        await host.idle()
        for bits in (56, 57):
            context.set(slave.cs_n, 0)
            await wait(context, 4)
            for number in range(bits):
                context.set(slave.mosi, number == 6)
                await wait(context, 4)
                context.set(slave.sclk, 1)
                await wait(context, 4)
                context.set(slave.sclk, 0)
            await wait(context, 4)
            context.set(slave.sclk, 1)
            context.set(slave.cs_n, 1)
            await wait(context, 4)
            context.set(slave.sclk, 0)
            await wait(context, 4)

    bench.run(pins)
    assert bench.accesses == [(0, 0)]


def test_nothing_happens_while_cs_n_is_high() -> None:
    bench = Bench()
    slave = bench.slave

    async def pins(context: Any) -> None:
        context.set(slave.cs_n, 1)
        for level in [0, 1] * 150:
            context.set(slave.sclk, level)
            context.set(slave.mosi, random.Random(level).random() < 0.5)
            await wait(context, 4)
        context.set(slave.sclk, 0)
        assert await SpiHost(context, slave).read(0x24) == content(0x24)

    bench.run(pins)
    assert bench.accesses == [(0x24, None)]


NEIGHBOURS = sorted({command ^ (1 << bit) for command in (2, 3) for bit in range(8)} - {2, 3})


@pytest.mark.parametrize("command", [0x04, 0x7F, 0x9F, 0xFF, *NEIGHBOURS])
def test_an_unknown_command_is_ignored_to_the_end_of_its_frame(command: int) -> None:
    bench = Bench()
    # What follows looks like a frame of its own.
    inner = [0x02, 0x00, 0x30, 1, 2, 3, 4, 0, 0]

    async def frames(host: SpiHost) -> None:
        seen = await host.transfer([command, *inner, *inner])
        assert seen[2:] == [None] * 17
        assert await host.read(0x24) == content(0x24)

    bench.host(frames)
    assert bench.accesses == [(0x24, None)]


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


def test_an_access_takes_effect_at_most_four_cycles_after_its_edge() -> None:
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
    assert record.cycles("write_strobe") == [cycle + 3 for cycle in rising[56::57]]


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
