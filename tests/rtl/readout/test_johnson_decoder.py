from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from oscc.core.johnson import johnson_table
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.readout.johnson_decoder import DECODE_LATENCY, JohnsonDecoder


def decode(core: CoreSpec, words: Sequence[int]) -> list[int]:
    """Code of each tap word, one word per cycle."""
    decoder = JohnsonDecoder(core)
    recorder = Recorder(code=decoder.code)

    async def bench(context: Any) -> None:
        context.set(decoder.look_up, 1)
        context.set(decoder.combine, 1)
        for word in [*words, *[0] * DECODE_LATENCY]:
            context.set(decoder.taps, word)
            await context.tick()

    simulate(decoder, bench, background=[recorder.watch], limit=len(words) + 10)
    return list(recorder.values("code")[DECODE_LATENCY:])


def tap_word(theta: float, taps: int, subphases: int) -> int:
    """What the array latches: bit s taps + k is the sign of cos(theta + pi k / taps + pi s / (taps subphases))."""
    word = 0
    for subphase in range(subphases):
        for tap in range(taps):
            shift = math.pi * tap / taps + math.pi * subphase / (taps * subphases)
            word |= (math.cos(theta + shift) >= 0) << (subphase * taps + tap)
    return word


def test_a_code_comes_two_cycles_after_its_taps() -> None:
    assert DECODE_LATENCY == 2


@pytest.mark.parametrize("subphase", range(4))
def test_every_tap_word_in_every_subphase(tiny_core: CoreSpec, subphase: int) -> None:
    # The other sub-phases stand still at a legal word, so that what changes is this one's share of the code.
    table = johnson_table(8)
    rest = tap_word(0.5, 8, 4) & ~(0xFF << (8 * subphase))
    words = [rest | given << (8 * subphase) for given in range(256)]
    expected = []
    for word in words:
        steps = [table[(word >> (8 * s)) & 0xFF] for s in range(4)]
        # In words: S times the first step, plus by how much each of the others is ahead of it or behind.
        ahead = [(step - steps[0] + 8) % 16 - 8 for step in steps]
        expected.append((4 * steps[0] + sum(ahead)) % 64)
    assert decode(tiny_core, words) == expected
    assert len(set(expected)) > 4


@pytest.mark.parametrize(
    ("taps", "subphases"), [(8, 4), (8, 1), (8, 2), (8, 16), (4, 1), (4, 2), (4, 4), (2, 1), (2, 2)]
)
def test_codes_are_the_quantized_phases(make_core: Callable[..., CoreSpec], taps: int, subphases: int) -> None:
    core = make_core(readout={"taps": taps, "subphases": subphases})
    steps = 2 * taps * subphases
    generator = random.Random(steps)
    middles = [2 * math.pi * (step + 0.5) / steps for step in range(steps)]
    phases = middles + [generator.uniform(-20.0, 20.0) for _ in range(300)]
    expected = [math.floor(steps * theta / (2 * math.pi)) % steps for theta in phases]
    assert decode(core, [tap_word(theta, taps, subphases) for theta in phases]) == expected
    assert set(expected[:steps]) == set(range(steps))


def test_a_bubble_far_from_the_edges_is_restored_and_the_code_is_right(tiny_core: CoreSpec) -> None:
    restored = 0
    for step in range(64):
        theta = 2 * math.pi * (step + 0.5) / 64
        word = tap_word(theta, 8, 4)
        flipped = []
        for subphase in range(4):
            bits = [(word >> (8 * subphase + tap)) & 1 for tap in range(8)]
            # The word goes on beyond its end with its complement: an edge may lie there.
            around = [*(1 - bit for bit in bits[-2:]), *bits, *(1 - bit for bit in bits[:2])]
            for tap in range(8):
                if len(set(around[tap : tap + 5])) == 1:
                    flipped.append(word ^ 1 << (8 * subphase + tap))
        assert decode(tiny_core, flipped) == [step] * len(flipped)
        restored += len(flipped)
    assert restored == 64 * 4 * 4
