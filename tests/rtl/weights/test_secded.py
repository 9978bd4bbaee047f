from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import combinations
from typing import Any

import pytest
from amaranth.hdl import Module, Signal

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.weights.secded import SecdedCode, SecdedDecoder, SecdedEncoder


def hamming_word(data: int, bits: int) -> tuple[int, int]:
    """The protected word and its width, from the textbook: data at positions that are no power of two.

    The xor of the positions of all set bits must come out as 0; the check bits are set so that it does. The parity of
    the whole word must be even.
    """
    position, xor, taken = 1, 0, 0
    while taken < bits:
        if position.bit_count() != 1:
            xor ^= position if (data >> taken) & 1 else 0
            taken += 1
        position += 1
    checks = (position - 1).bit_length()
    word = data | xor << bits
    word |= (word.bit_count() & 1) << (bits + checks)
    return word, bits + checks + 1


def encode(words: Iterable[int], bits: int) -> list[int]:
    encoder = SecdedEncoder(bits)
    module = Module()
    module.submodules.encoder = encoder
    # The encoder is combinational; a bench needs a clock.
    clocked = Signal()
    module.d.sync += clocked.eq(~clocked)
    encoded = []

    async def bench(context: Any) -> None:
        for word in words:
            context.set(encoder.data, word)
            *_, value = await context.tick().sample(encoder.word)
            encoded.append(int(value))

    simulate(module, bench)
    return encoded


def decode(words: Iterable[int], bits: int) -> list[tuple[int, int, int]]:
    """(data, corrected, uncorrectable) of each word, one word per cycle."""
    decoder, simulation = prepared(SecdedDecoder, bits)
    recorder = Recorder(
        data=decoder.data, checks=decoder.checks, corrected=decoder.corrected, uncorrectable=decoder.uncorrectable
    )
    given = list(words)

    async def bench(context: Any) -> None:
        context.set(decoder.check, 1)
        context.set(decoder.correct, 1)
        for word in given:
            context.set(decoder.word, word)
            await context.tick()
        await context.tick()
        await context.tick()

    simulation.run(bench, background=[recorder.watch], limit=len(given) + 10)
    # Where there is something to correct, data and check bits come out as a word of the code.
    for data, checks, uncorrectable in list(
        zip(*map(recorder.values, ("data", "checks", "uncorrectable")), strict=True)
    )[2:]:
        assert uncorrectable or checks == hamming_word(data, bits)[0] >> bits
    columns = [recorder.values(name) for name in ("data", "corrected", "uncorrectable")]
    # A word that is given in one cycle comes out two cycles later.
    return list(zip(*columns, strict=True))[2:]


@pytest.mark.parametrize("bits", [4, 11, 12, 26, 57, 58, 108, 120, 121, 204])
def test_the_encoder_makes_the_words_of_the_textbook(bits: int) -> None:
    generator = random.Random(bits)
    words = [0, 2**bits - 1, *(1 << bit for bit in range(bits)), *(generator.getrandbits(bits) for _ in range(50))]
    assert encode(words, bits) == [hamming_word(word, bits)[0] for word in words]


@pytest.mark.parametrize("bits", [4, 11, 12, 26, 57, 58, 108, 120, 121, 204])
def test_the_check_bits_are_as_many_as_the_textbook_needs(bits: int) -> None:
    assert bits + SecdedCode(bits).check_bits == hamming_word(0, bits)[1]
    assert len(encode([0], bits)) == 1


@pytest.mark.parametrize("coupling_bits", range(2, 9))
@pytest.mark.parametrize("stencil", ["king", "box-2", [[0, 1]]])
def test_core_and_code_agree_about_the_check_bits(
    make_core: Callable[..., CoreSpec], coupling_bits: int, stencil: Any
) -> None:
    core = make_core(stencil=stencil, coupling_dac={"bits": coupling_bits})
    assert core.check_bits == SecdedCode(core.word_bits).check_bits


def test_108_bits_need_8_check_bits() -> None:
    assert SecdedCode(108).check_bits == 8


def test_whole_words_pass() -> None:
    generator = random.Random(1)
    words = [generator.getrandbits(108) for _ in range(100)]
    assert decode([hamming_word(word, 108)[0] for word in words], 108) == [(word, 0, 0) for word in words]


@pytest.mark.parametrize("bits", [1, 4, 11, 57, 58, 108, 120, 121, 247, 248])
def test_every_single_flip_is_corrected(bits: int) -> None:
    for word in (0, 2**bits - 1, random.Random(bits).getrandbits(bits)):
        whole, width = hamming_word(word, bits)
        assert decode([whole ^ (1 << bit) for bit in range(width)], bits) == [(word, 1, 0)] * width


@pytest.mark.parametrize("bits", [4, 108])
def test_every_double_flip_is_detected(bits: int) -> None:
    whole, width = hamming_word(random.Random(bits + 7).getrandbits(bits), bits)
    pairs = list(combinations(range(width), 2))
    flags = [found[1:] for found in decode([whole ^ (1 << one) ^ (1 << other) for one, other in pairs], bits)]
    assert flags == [(0, 1)] * len(pairs)


def test_a_triple_flip_never_passes_as_whole_and_is_uncorrectable_beyond_the_last_position() -> None:
    generator = random.Random(5)
    word = generator.getrandbits(108)
    whole, width = hamming_word(word, 108)
    triples = [generator.sample(range(width), 3) for _ in range(300)]
    found = decode([whole ^ sum(1 << bit for bit in triple) for triple in triples], 108)
    # Three positions can add up, without carry, to one that the code does not have: that cannot be one flip.
    positions = [p for p in range(1, 128) if p.bit_count() != 1][:108] + [1 << bit for bit in range(7)]
    for triple, (_, corrected, uncorrectable) in zip(triples, found, strict=True):
        xor = 0
        for bit in triple:
            xor ^= positions[bit] if bit < len(positions) else 0
        assert uncorrectable == (xor > max(positions))
        assert corrected == 1 - uncorrectable
    assert {uncorrectable for _, _, uncorrectable in found} == {0, 1}


def test_stages_that_are_not_enabled_keep_their_content() -> None:
    decoder = SecdedDecoder(11)
    seen: list[tuple[int, ...]] = []
    good, bad = hamming_word(0x2AA, 11)[0], hamming_word(0x555, 11)[0] ^ 3

    async def bench(context: Any) -> None:
        for word, check, correct in ((good, 1, 0), (bad, 0, 1), (bad, 1, 0), (good, 0, 0), (good, 0, 1), (good, 0, 0)):
            context.set(decoder.word, word)
            context.set(decoder.check, check)
            context.set(decoder.correct, correct)
            *_, data, uncorrectable = await context.tick().sample(decoder.data, decoder.uncorrectable)
            seen.append((int(data), int(uncorrectable)))

    simulate(decoder, bench)
    # The good word appears after its second stage, and stays until the second stage takes the bad one.
    assert seen[2:5] == [(0x2AA, 0)] * 3
    assert seen[5][1] == 1
