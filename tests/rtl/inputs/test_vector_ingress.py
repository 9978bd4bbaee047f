"""Vectors are whole or refused, against plain Python; the expected codes never come from the design."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from oscc.rtl.bench.simulation import Beat, StreamPort, put_beats, random_pauses, simulate
from oscc.rtl.inputs.vector_ingress import VectorIngress

LANES, BITS, CAPACITY = 4, 6, 16
MINUS_ZERO = 1 << (BITS - 1)


def legal_codes(generator: random.Random, count: int) -> list[int]:
    return [generator.choice([code for code in range(2**BITS) if code != MINUS_ZERO]) for _ in range(count)]


def beats_of(codes: Sequence[int], beats: int | None = None) -> list[Beat]:
    """A vector in whole beats, or in a number of beats that is not its own; unused bytes are no codes."""
    needed = -(-len(codes) // LANES) if beats is None else beats
    padded = [*codes, *[0xFF] * (needed * LANES)][: needed * LANES]
    words = [
        sum(byte << (8 * lane) for lane, byte in enumerate(padded[first : first + LANES]))
        for first in range(0, len(padded), LANES)
    ]
    return [Beat(word, number == needed - 1) for number, word in enumerate(words)]


@dataclass
class Seen:
    """What came out: the vectors that were whole, and how many were refused."""

    vectors: list[list[int]] = field(default_factory=list)
    refused: int = 0


def run(
    count: int, vectors: Sequence[Sequence[Beat]], seed: int | None = None, hold: int = 0, stall: float = 0.0
) -> Seen:
    """Send vectors, and take each whole one after ``hold`` cycles; hold the ingress in a share of the cycles."""
    stalls = random.Random(count)
    ingress, seen = VectorIngress(8 * LANES, BITS, CAPACITY), Seen()
    ended = False

    async def send(context: Any) -> None:
        nonlocal ended
        context.set(ingress.count, count)
        pause = random_pauses(seed) if seed is not None else (lambda: 0)
        for beats in vectors:
            await put_beats(context, StreamPort.of(ingress, "stream_"), beats, pause)
        for _ in range(4 * LANES + hold + 20):
            await context.tick()
        ended = True

    async def watch(context: Any) -> None:
        memory: dict[int, int] = {}
        waited = 0
        while not ended:
            context.set(ingress.hold, stalls.random() < stall)
            if context.get(ingress.write):
                memory[context.get(ingress.index)] = context.get(ingress.code)
            seen.refused += context.get(ingress.refused)
            take = context.get(ingress.whole) and waited == hold
            waited = waited + 1 if context.get(ingress.whole) and not take else 0
            if take:
                seen.vectors.append([memory[number] for number in range(count)])
                memory.clear()
            context.set(ingress.take, take)
            await context.tick()

    simulate(ingress, send, watch)
    return seen


def test_codes_of_a_whole_byte() -> None:
    sent = [code for code in range(256) if code != 0x80]
    ingress = VectorIngress(32, 8, 255)
    found: list[int] = []

    async def send(context: Any) -> None:
        context.set(ingress.count, 255)
        await put_beats(context, StreamPort.of(ingress, "stream_"), beats_of(sent))
        while not context.get(ingress.whole):
            await context.tick()
        context.set(ingress.take, 1)
        await context.tick()
        context.set(ingress.take, 0)
        await put_beats(context, StreamPort.of(ingress, "stream_"), beats_of([*sent[:254], 0x80]))
        for _ in range(8):
            await context.tick()

    async def watch(context: Any) -> None:
        refused = 0
        while not refused:
            refused = context.get(ingress.refused)
            if context.get(ingress.write):
                found.append(context.get(ingress.code))
            await context.tick()

    simulate(ingress, send, watch)
    assert found == sent + sent[:254]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 8, 16])
@pytest.mark.parametrize("seed", [None, 1])
def test_whole_vectors_come_out_as_they_were_sent(count: int, seed: int | None) -> None:
    generator = random.Random(count)
    sent = [legal_codes(generator, count) for _ in range(5)]
    stall = 0.0 if seed is None else 0.4
    seen = run(count, [beats_of(codes) for codes in sent], seed, hold=generator.randrange(4), stall=stall)
    assert (seen.vectors, seen.refused) == (sent, 0)


@pytest.mark.parametrize("seed", range(6))
def test_what_is_no_vector_is_refused_and_never_mixed_with_another(seed: int) -> None:
    generator = random.Random(seed)
    count = generator.randint(1, CAPACITY)
    own = -(-count // LANES)
    sent, whole, refused = [], [], 0
    for _ in range(30):
        codes = legal_codes(generator, count)
        fault = generator.choice(["none", "none", "short", "long", "minus zero", "beyond"])
        if fault == "short" and own > 1:
            sent.append(beats_of(codes, generator.randint(1, own - 1)))
        elif fault == "long":
            sent.append(beats_of(codes, own + generator.randint(1, 3)))
        elif fault in ("minus zero", "beyond"):
            codes[generator.randrange(count)] = (
                MINUS_ZERO if fault == "minus zero" else generator.randrange(2**BITS, 256)
            )
            sent.append(beats_of(codes))
        else:
            sent.append(beats_of(codes))
            whole.append(codes)
            continue
        refused += 1
    seen = run(count, sent, seed, stall=0.3 * (seed % 2))
    assert (seen.vectors, seen.refused) == (whole, refused)


def test_without_inputs_every_vector_is_refused() -> None:
    assert run(0, [beats_of([1, 2, 3]), beats_of([1] * 9)]) == Seen([], 2)


def test_codes_come_every_cycle() -> None:
    ingress = VectorIngress(8 * LANES, BITS, CAPACITY)
    writes: list[int] = []

    async def send(context: Any) -> None:
        context.set(ingress.count, 12)
        await put_beats(context, StreamPort.of(ingress, "stream_"), beats_of([1] * 12))
        while not context.get(ingress.whole):
            await context.tick()

    async def watch(context: Any) -> None:
        for _ in range(14):
            writes.append(context.get(ingress.write))
            await context.tick()

    simulate(ingress, send, watch)
    assert writes == [0] + [1] * 12 + [0]


@pytest.mark.parametrize("taken", range(9))
def test_a_flush_forgets_what_came_before_it(taken: int) -> None:
    """After any number of cycles of a vector of three beats; the vector behind it is whole."""
    ingress = VectorIngress(8 * LANES, BITS, CAPACITY)
    port, first, second = StreamPort.of(ingress, "stream_"), beats_of([1] * 10), beats_of([2] * 10)
    flushed = False
    found: list[int] = []

    async def send(context: Any) -> None:
        context.set(ingress.count, 10)
        await put_beats(context, port, first)
        while not flushed:
            await context.tick()
        await put_beats(context, port, second)
        while not context.get(ingress.whole):
            await context.tick()

    async def flush(context: Any) -> None:
        nonlocal flushed
        for _ in range(taken):
            await context.tick()
        context.set(ingress.flush, 1)
        await context.tick()
        context.set(ingress.flush, 0)
        flushed = True
        while not context.get(ingress.whole):
            assert not context.get(ingress.refused)
            if context.get(ingress.write):
                found.append(context.get(ingress.code))
            await context.tick()

    simulate(ingress, send, flush)
    assert found == [2] * 10
