# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from typing import Any

import pytest

from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.inputs.frame_memory import CODE_READ_LATENCY, COMPARE_LATENCY, FrameMemory

CORE = load_core("tiny-8x8").changed(grid=[3, 10], readout={"step": [1, 1]}, stream_width=32)
LANES, BEATS, STEPS = 4, 9, 64
"""Three beats a row, of which the last one has two codes."""

Walk = list[list[int]]
"""Codes by beat and lane."""


def a_walk(generator: random.Random) -> Walk:
    return [
        [generator.randrange(STEPS) for _ in range(4 if beat % 3 < 2 else 2)] + [0] * (2 * (beat % 3 == 2))
        for beat in range(BEATS)
    ]


def nudged(walk: Walk, generator: random.Random) -> Walk:
    """Codes that are up to five steps away, also over the end of the turn."""
    return [[(code + generator.randint(-5, 5)) % STEPS for code in beat] for beat in walk]


def moved_codes(walk: Walk, before: Walk, watch: list[int], tolerance: int) -> int:
    """Count by angles, not by modular differences of codes."""
    moved = 0
    for beat in range(BEATS):
        for lane in range(LANES):
            turn = abs(walk[beat][lane] - before[beat][lane])
            moved += bool(watch[beat] >> lane & 1) and min(turn, STEPS - turn) > tolerance
    return moved


async def set_watch(context: Any, memory: FrameMemory, watch: list[int]) -> None:
    for beat, mask in enumerate(watch):
        context.set(memory.watch_write, 1)
        context.set(memory.watch_number, beat)
        context.set(memory.watch_mask, mask)
        await context.tick()
    context.set(memory.watch_write, 0)


async def take(context: Any, memory: FrameMemory, walk: Walk, compare: bool) -> tuple[int, bool]:
    """Codes that have moved, and whether a wrong parity was told."""
    context.set(memory.clear, 1)
    await context.tick()
    context.set(memory.clear, 0)
    bad = False
    for beat in range(BEATS + COMPARE_LATENCY):
        context.set(memory.beat, beat < BEATS)
        context.set(memory.compare, compare)
        if beat < BEATS:
            context.set(memory.number, beat)
            context.set(memory.codes, sum(code << (6 * lane) for lane, code in enumerate(walk[beat])))
        await context.tick()
        bad |= bool(context.get(memory.bad))
    return context.get(memory.moved), bad


@pytest.mark.parametrize("tolerance", [0, 1, 3, 31, 32, 63])
def test_watched_codes_that_have_moved_are_counted(tolerance: int) -> None:
    memory, generator = FrameMemory(CORE), random.Random(tolerance)

    async def bench(context: Any) -> None:
        watch = [generator.randrange(16) for _ in range(BEATS)]
        await set_watch(context, memory, watch)
        context.set(memory.tolerance, tolerance)
        before = a_walk(generator)
        assert await take(context, memory, before, False) == (0, False)
        for _ in range(8):
            walk = generator.choice([nudged(before, generator), a_walk(generator), before])
            expected = moved_codes(walk, before, watch, tolerance)
            assert await take(context, memory, walk, True) == (expected, False)
            before = walk

    simulate(memory, bench)


def test_each_code_of_the_last_walk_is_found_at_its_byte() -> None:
    memory, generator = FrameMemory(CORE), random.Random(9)

    async def bench(context: Any) -> None:
        for _ in range(2):
            walk = a_walk(generator)
            await take(context, memory, walk, False)
            for place in generator.sample(range(BEATS * LANES), 20):
                context.set(memory.ask, 1)
                context.set(memory.place, place)
                await context.tick()
                context.set(memory.ask, 0)
                await wait(context, CODE_READ_LATENCY - 1)
                assert context.get(memory.code) == walk[place // LANES][place % LANES]
                assert not context.get(memory.bad)

    simulate(memory, bench)


def test_a_flipped_bit_is_told_by_who_reads_the_word() -> None:
    memory, generator = FrameMemory(CORE), random.Random(1)

    async def bench(context: Any) -> None:
        await set_watch(context, memory, [15] * BEATS)
        walk = a_walk(generator)
        await take(context, memory, walk, False)
        for spoilt, bits in ((memory.codes_memory, 25), (memory.watch_memory, 5)):
            for bit in range(bits):
                stored = spoilt.data[4]
                context.set(stored, context.get(stored) ^ 1 << bit)
                assert (await take(context, memory, walk, True))[1]
                # The walk has written the codes anew; the mask stays spoilt.
                if spoilt is memory.watch_memory:
                    context.set(stored, context.get(stored) ^ 1 << bit)
                assert await take(context, memory, walk, True) == (0, False)
        context.set(memory.codes_memory.data[4], 0)
        context.set(memory.ask, 1)
        context.set(memory.place, 4 * LANES)
        await context.tick()
        context.set(memory.ask, 0)
        await context.tick()
        assert context.get(memory.bad)

    simulate(memory, bench)
