from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from oscc.rtl.bench.simulation import wait
from oscc.rtl.bench.spi_simulation import SpiHost, SpiTiming
from tests.rtl.host.spi_slave_bench import Bench, content, expected_response

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
