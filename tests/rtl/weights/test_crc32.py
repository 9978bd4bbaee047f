from __future__ import annotations

import random
import zlib
from typing import Any

import pytest

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.weights.crc32 import Crc32, crc32_masks

WIDTHS = (32, 64, 128)


def run(width: int, script: list[tuple[int, int, int]]) -> list[int]:
    """The output in every cycle of a script of (clear, valid, data), and in the one behind it."""
    unit = Crc32(width)
    recorder = Recorder(crc=unit.crc)

    async def bench(context: Any) -> None:
        for clear, valid, data in [*script, (0, 0, 0)]:
            context.set(unit.clear, clear)
            context.set(unit.valid, valid)
            context.set(unit.data, data)
            await context.tick()

    simulate(unit, bench, background=[recorder.watch])
    return list(recorder.values("crc"))


@pytest.mark.parametrize("width", WIDTHS)
def test_every_prefix_of_a_stream_has_the_crc_of_zlib(width: int) -> None:
    generator = random.Random(width)
    script, expected, stream = [(1, 0, 0)], [zlib.crc32(b"")], b""
    for _ in range(150):
        valid, data = generator.random() < 0.6, generator.getrandbits(width)
        script.append((0, valid, data))
        expected.append(zlib.crc32(stream))
        stream += data.to_bytes(width // 8, "little") if valid else b""
    assert run(width, script) == [*expected, zlib.crc32(stream)]


@pytest.mark.parametrize("width", WIDTHS)
def test_it_starts_anew_after_clear_and_at_reset(width: int) -> None:
    beat = 0x0123_4567
    one = zlib.crc32(beat.to_bytes(width // 8, "little"))
    # The beat that comes with a clear does not count.
    assert run(width, [(0, 1, beat), (1, 1, 99), (0, 1, beat)]) == [0, one, 0, one]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_flip_of_one_or_two_bits_of_a_beat_goes_unnoticed(width: int) -> None:
    masks = crc32_masks(width)
    columns = [sum(((mask >> position) & 1) << bit for bit, mask in enumerate(masks)) for position in range(width)]
    assert len(set(columns)) == width
    assert 0 not in columns


def test_known_value() -> None:
    # The check value of the polynomial is over nine bytes; these are the first eight of them.
    data = int.from_bytes(b"12345678", "little")
    assert run(64, [(0, 1, data)])[-1] == 0x9AE0DAAF
    assert run(32, [(0, 1, data & 0xFFFF_FFFF), (0, 1, data >> 32)])[-1] == 0x9AE0DAAF
