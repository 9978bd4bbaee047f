from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.compiler.spec import CoreSpec
from oscc.rtl.simulation import Recorder, simulate
from oscc.rtl.weight_bank import READ_LATENCY, WeightBank


def protect(data: int, bits: int) -> int:
    """A word with its check bits above: the xor of the positions of the set bits, and the parity of the whole."""
    position, xor, taken = 1, 0, 0
    while taken < bits:
        if position.bit_count() != 1:
            xor ^= position if (data >> taken) & 1 else 0
            taken += 1
        position += 1
    word = data | xor << bits
    return word | (word.bit_count() & 1) << (bits + (position - 1).bit_length())


def stored(core: CoreSpec, data: int) -> int:
    return protect(data, core.word_bits) if core.protection == "secded" else data


def recorded(bank: WeightBank) -> Recorder:
    return Recorder(data=bank.read_data, corrected=bank.corrected, uncorrectable=bank.uncorrectable)


async def fill(context: Any, bank: WeightBank, core: CoreSpec, words: list[int]) -> None:
    for address, word in enumerate(words):
        context.set(bank.write_enable, 1)
        context.set(bank.write_address, address)
        context.set(bank.write_word, stored(core, word))
        await context.tick()
    context.set(bank.write_enable, 0)


async def read(context: Any, bank: WeightBank, addresses: list[int | None]) -> None:
    """Give an address, or none, in each cycle, and the enables that belong to them."""
    given: list[int] = []
    for address in [*addresses, *[None] * READ_LATENCY]:
        given = [int(address is not None), *given][:READ_LATENCY]
        if address is not None:
            context.set(bank.read_address, address)
        context.set(bank.read_stages, sum(enable << stage for stage, enable in enumerate(given)))
        await context.tick()


def random_words(core: CoreSpec, seed: int) -> list[int]:
    generator = random.Random(seed)
    return [generator.getrandbits(core.word_bits) for _ in range(core.bank_depth)]


@pytest.mark.parametrize("protection", ["secded", "none"])
def test_what_was_written_is_read_a_word_per_cycle_four_cycles_later(
    make_core: Callable[..., CoreSpec], protection: str
) -> None:
    core = make_core(protection=protection, chunks=3, grid=[7, 4])
    words = random_words(core, 1)
    bank = WeightBank(core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, core, words)
        await read(context, bank, list(range(core.bank_depth)))
        await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    assert READ_LATENCY == 4
    first = core.bank_depth + READ_LATENCY
    assert recorder.values("data")[first : first + core.bank_depth] == words
    assert recorder.cycles("corrected") == recorder.cycles("uncorrectable") == []


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_random_reads_and_writes_side_by_side(make_core: Callable[..., CoreSpec], protection: str, seed: int) -> None:
    core = make_core(protection=protection, chunks=2, grid=[4, 4])
    words = random_words(core, seed)
    bank = WeightBank(core)
    recorder = recorded(bank)
    generator = random.Random(seed)
    expected: list[tuple[int, int]] = []

    async def bench(context: Any) -> None:
        memory = list(words)
        await fill(context, bank, core, words)
        enables = [0] * READ_LATENCY
        for cycle in range(core.bank_depth, core.bank_depth + 300):
            address, enable = generator.randrange(core.bank_depth), generator.random() < 0.7
            enables = [int(enable), *enables][:READ_LATENCY]
            context.set(bank.read_stages, sum(on << stage for stage, on in enumerate(enables)))
            context.set(bank.read_address, address)
            if enable:
                expected.append((cycle + READ_LATENCY, memory[address]))
            # The memory is read one cycle after the address is given: a write to that word, now, may or may not show.
            target, word = generator.randrange(core.bank_depth), generator.getrandbits(core.word_bits)
            write = generator.random() < 0.5 and target != address
            context.set(bank.write_enable, write)
            context.set(bank.write_address, target)
            context.set(bank.write_word, stored(core, word))
            if write:
                memory[target] = word
            await context.tick()
        context.set(bank.write_enable, 0)
        for stage in range(READ_LATENCY):
            enables = [0, *enables][:READ_LATENCY]
            context.set(bank.read_stages, sum(on << stage for stage, on in enumerate(enables)))
            await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    data = recorder.values("data")
    assert [data[cycle] for cycle, _ in expected] == [word for _, word in expected]
    assert len(expected) > 150


def test_a_word_can_be_read_from_the_cycle_after_its_write_on(tiny_core: CoreSpec) -> None:
    bank = WeightBank(tiny_core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, [11, 22])
        await fill(context, bank, tiny_core, [33])
        await read(context, bank, [0])
        await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    assert recorder.values("data")[3 + READ_LATENCY] == 33


@pytest.mark.parametrize("bits_flipped", [1, 2])
def test_flipped_bits_in_the_memory(tiny_core: CoreSpec, bits_flipped: int) -> None:
    words = random_words(tiny_core, 5)
    width = tiny_core.word_bits + tiny_core.check_bits
    generator = random.Random(bits_flipped)
    hurt = sorted(generator.sample(range(tiny_core.bank_depth), 12))
    bank = WeightBank(tiny_core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, words)
        for address in hurt:
            for bit in generator.sample(range(width), bits_flipped):
                row = bank.memory.data[address]
                context.set(row, context.get(row) ^ (1 << bit))
        await read(context, bank, list(range(tiny_core.bank_depth)))
        await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    first = tiny_core.bank_depth + READ_LATENCY
    found = {name: recorder.values(name)[first : first + tiny_core.bank_depth] for name in ("data", "corrected")}
    found["uncorrectable"] = recorder.values("uncorrectable")[first : first + tiny_core.bank_depth]
    flags = [int(address in hurt) for address in range(tiny_core.bank_depth)]
    none = [0] * tiny_core.bank_depth
    if bits_flipped == 1:
        assert (found["data"], found["corrected"], found["uncorrectable"]) == (words, flags, none)
    else:
        assert (found["corrected"], found["uncorrectable"]) == (none, flags)
        whole = [word for word, flag in zip(words, flags, strict=True) if not flag]
        assert [word for word, flag in zip(found["data"], flags, strict=True) if not flag] == whole


def test_without_protection_a_flipped_bit_passes_unnoticed(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(protection="none")
    bank = WeightBank(core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, core, [0b1000])
        context.set(bank.memory.data[0], 0b1001)
        await read(context, bank, [0])
        await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    assert recorder.values("data")[1 + READ_LATENCY] == 0b1001
    assert recorder.cycles("corrected") == recorder.cycles("uncorrectable") == []


@pytest.mark.parametrize("protection", ["secded", "none"])
def test_an_idle_bank_does_not_toggle(make_core: Callable[..., CoreSpec], protection: str) -> None:
    core = make_core(protection=protection)
    bank = WeightBank(core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, core, [7, 8, 9])
        await read(context, bank, [1])
        for address in (0, 2, 0, 2, 0, 2):
            context.set(bank.read_address, address)
            await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    assert recorder.values("data")[3 + READ_LATENCY :] == [8] * (len(recorder) - 3 - READ_LATENCY)


@pytest.mark.parametrize("stage", range(READ_LATENCY))
def test_every_stage_waits_for_its_enable(tiny_core: CoreSpec, stage: int) -> None:
    bank = WeightBank(tiny_core)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, [7, 8])
        await read(context, bank, [0])
        # The same for the other word, with one stage left out.
        for enabled in range(READ_LATENCY):
            context.set(bank.read_address, 1)
            context.set(bank.read_stages, 0 if enabled == stage else 1 << enabled)
            await context.tick()
        context.set(bank.read_stages, 0)
        await context.tick()

    simulate(bank, bench, background=[recorder.watch])
    assert recorder.values("data")[-1] == 7
