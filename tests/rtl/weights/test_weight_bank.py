from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.weights.weight_bank import WeightBank, lane_bits
from oscc.rtl.weights.weight_bus import COMPARE_STAGES
from tests.rtl.weights.weight_bank_bench import enables, fill, flip, random_words, read, recorded, stored


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize("columns", [1, 3, 4])
def test_what_was_written_is_read_a_row_per_cycle_five_cycles_later(
    make_core: Callable[..., CoreSpec], protection: str, columns: int
) -> None:
    core = make_core(protection=protection, chunks=3, grid=[7, 4])
    words = [random_words(core, column) for column in range(columns)]
    bank, simulation = prepared(WeightBank, core, columns)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        for column in range(columns):
            await fill(context, bank, core, words[column], column)
        await read(context, bank, list(range(core.bank_depth)))
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    # Address register, memory, register, syndrome, correction.
    assert READ_LATENCY == 5
    first = columns * core.bank_depth + READ_LATENCY
    assert recorder.values("data")[first : first + core.bank_depth] == [
        sum(words[column][address] << (column * core.word_bits) for column in range(columns))
        for address in range(core.bank_depth)
    ]
    assert recorder.cycles("corrected") == recorder.cycles("uncorrectable") == recorder.cycles("mismatch") == []


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize("seed", range(3))
def test_random_reads_and_writes_side_by_side(make_core: Callable[..., CoreSpec], protection: str, seed: int) -> None:
    core = make_core(protection=protection, chunks=2, grid=[4, 4])
    words = random_words(core, seed)
    bank, simulation = prepared(WeightBank, core, 1)
    recorder = recorded(bank)
    generator = random.Random(seed)
    expected: list[tuple[int, int]] = []

    async def bench(context: Any) -> None:
        memory = list(words)
        await fill(context, bank, core, words)
        given = [0] * READ_LATENCY
        for cycle in range(core.bank_depth, core.bank_depth + 300):
            address, enable = generator.randrange(core.bank_depth), generator.random() < 0.7
            given = [int(enable), *given][:READ_LATENCY]
            context.set(bank.bus.read_stages, enables(given))
            context.set(bank.bus.read_address, address)
            if enable:
                expected.append((cycle + READ_LATENCY, memory[address]))
            # The memory is read one cycle after the address is given: a write to that word, now, may or may not show.
            target, word = generator.randrange(core.bank_depth), generator.getrandbits(core.word_bits)
            writes = generator.random() < 0.5 and target != address
            context.set(bank.bus.write_enable, writes)
            context.set(bank.bus.write_address, target)
            context.set(bank.bus.write_word, stored(core, word))
            if writes:
                memory[target] = word
            await context.tick()
        context.set(bank.bus.write_enable, 0)
        for _ in range(READ_LATENCY):
            given = [0, *given][:READ_LATENCY]
            context.set(bank.bus.read_stages, enables(given))
            await context.tick()

    simulation.run(bench, background=[recorder.watch])
    data = recorder.values("data")
    assert [data[cycle] for cycle, _ in expected] == [word for _, word in expected]
    assert len(expected) > 150


def test_a_word_can_be_read_from_the_cycle_after_its_write_on(tiny_core: CoreSpec) -> None:
    bank, simulation = prepared(WeightBank, tiny_core, 1)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, [11, 22])
        await fill(context, bank, tiny_core, [33])
        await read(context, bank, [0])
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    assert recorder.values("data")[3 + READ_LATENCY] == 33


@pytest.mark.parametrize("bits_flipped", [1, 2])
@pytest.mark.parametrize("column", [0, 3])
def test_flipped_bits_in_the_memories(tiny_core: CoreSpec, bits_flipped: int, column: int) -> None:
    words = random_words(tiny_core, 5)
    width = tiny_core.word_bits + tiny_core.check_bits
    generator = random.Random(bits_flipped)
    hurt = sorted(generator.sample(range(tiny_core.bank_depth), 12))
    bank, simulation = prepared(WeightBank, tiny_core)
    recorder = recorded(bank)
    assert lane_bits(tiny_core) == 9

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, words, column)
        for number, address in enumerate(hurt):
            # The first ones hit a check bit for certain.
            for bit in generator.sample(range(tiny_core.word_bits if number < 4 else 0, width), bits_flipped):
                flip(context, bank, tiny_core, column, address, bit)
        await read(context, bank, list(range(tiny_core.bank_depth)))
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    first = tiny_core.bank_depth + READ_LATENCY
    rows = slice(first, first + tiny_core.bank_depth)
    data = [row >> (column * tiny_core.word_bits) for row in recorder.values("data")[rows]]
    corrected, uncorrectable = recorder.values("corrected")[rows], recorder.values("uncorrectable")[rows]
    flags = [int(address in hurt) << column for address in range(tiny_core.bank_depth)]
    none = [0] * tiny_core.bank_depth
    if bits_flipped == 1:
        assert (data, corrected, uncorrectable) == (words, flags, none)
    else:
        assert (corrected, uncorrectable) == (none, flags)
        whole = [word for word, flag in zip(words, flags, strict=True) if not flag]
        assert [word for word, flag in zip(data, flags, strict=True) if not flag] == whole


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_repair_writes_back_what_was_corrected_and_nothing_else(tiny_core: CoreSpec, cancelled: bool) -> None:
    words = [random_words(tiny_core, seed) for seed in range(4)]
    bank, simulation = prepared(WeightBank, tiny_core)
    contents: list[list[tuple[int, ...]]] = []

    def content(context: Any) -> list[tuple[int, ...]]:
        assert bank.checks is not None
        return [tuple(context.get(row) for row in memory.data) for memory in (*bank.memories, bank.checks)]

    async def bench(context: Any) -> None:
        for column in range(4):
            await fill(context, bank, tiny_core, words[column], column)
        contents.append(content(context))
        flip(context, bank, tiny_core, 0, 5, 17)
        # All check bits of one column, one in each word; the overall parity bit is the last.
        for bit in range(8):
            flip(context, bank, tiny_core, 2, 10 + bit, tiny_core.word_bits + bit)
        for bit in (3, 4):
            flip(context, bank, tiny_core, 3, 5, bit)
        context.set(bank.bus.write_word, -1)
        for address in (5, *range(10, 18)):
            await read(context, bank, [address])
            context.set(bank.bus.repair, not cancelled)
            context.set(bank.bus.write_address, address)
            await context.tick()
            context.set(bank.bus.repair, 0)
        contents.append(content(context))
        # The word with two flipped bits stays as it is.
        for bit in (3, 4):
            flip(context, bank, tiny_core, 3, 5, bit)
        contents.append(content(context))

    simulation.run(bench)
    before, hurt, after = contents
    assert hurt != before
    assert (after == before) == (not cancelled)


def test_write_all_writes_every_column_its_own_check_bits(tiny_core: CoreSpec) -> None:
    bank, simulation = prepared(WeightBank, tiny_core)
    word = random.Random(2).getrandbits(108 + 4 * 8)

    async def bench(context: Any) -> None:
        context.set(bank.bus.write_all, 1)
        context.set(bank.bus.write_address, 9)
        context.set(bank.bus.write_word, word)
        await context.tick()
        context.set(bank.bus.write_all, 0)
        assert bank.checks is not None
        assert [context.get(memory.data[9]) for memory in bank.memories] == [word % 2**108] * 4
        lanes = [(context.get(bank.checks.data[9]) >> (9 * column)) & 0x1FF for column in range(4)]
        assert lanes == [(word >> (108 + 8 * column)) & 0xFF for column in range(4)]
        assert context.get(bank.memories[0].data[8]) == context.get(bank.checks.data[8]) == 0

    simulation.run(bench)


@pytest.mark.parametrize("protection", ["secded", "none"])
def test_a_comparison_finds_every_single_bit(make_core: Callable[..., CoreSpec], protection: str) -> None:
    core = make_core(protection=protection)
    bank, simulation = prepared(WeightBank, core, 2)
    width = core.word_bits + core.check_bits
    recorder = recorded(bank)
    word = stored(core, random.Random(3).getrandbits(core.word_bits))

    async def bench(context: Any) -> None:
        bus = bank.bus
        context.set(bus.write_all, 1)
        context.set(bus.write_word, word)
        await context.tick()
        context.set(bus.write_all, 0)
        # A read per bit of column 1, in which that bit is another than the bus says, and a good one at last.
        for cycle in range(width + 1 + 4):
            context.set(bus.read_stages, 0b0011)
            position = cycle - COMPARE_STAGES[0]
            wrong = 0
            if 0 <= position < width:
                wrong = 1 << (position if position < core.word_bits else position + core.check_bits)
            context.set(bus.compare, 0b11)
            context.set(bus.write_word, word ^ wrong)
            await context.tick()
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    # One cycle for the write; a word is compared three cycles after its address, and reported two cycles after that.
    found = recorder.values("mismatch")[1 + 5 : 1 + 5 + width + 1]
    both = [0b11] * core.word_bits
    assert found == [*both, *[0b10] * core.check_bits, 0]


def test_a_comparison_keeps_its_finding_while_it_is_not_enabled(tiny_core: CoreSpec) -> None:
    bank, simulation = prepared(WeightBank, tiny_core, 1)
    seen: list[int] = []

    async def bench(context: Any) -> None:
        context.set(bank.bus.write_word, 1)
        for stages, compare in ((1, 0), (2, 0), (0, 0), (0, 1), (0, 0), (0, 2), (0, 1), (0, 0)):
            context.set(bank.bus.read_stages, stages)
            context.set(bank.bus.compare, compare)
            *_, mismatch = await context.tick().sample(bank.mismatch)
            seen.append(int(mismatch))

    simulation.run(bench)
    assert seen == [0, 0, 0, 0, 0, 0, 1, 1]


def test_without_protection_a_flipped_bit_passes_unnoticed(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(protection="none")
    bank, simulation = prepared(WeightBank, core, 1)
    recorder = recorded(bank)
    assert bank.checks is None

    async def bench(context: Any) -> None:
        await fill(context, bank, core, [0b1000])
        context.set(bank.memories[0].data[0], 0b1001)
        await read(context, bank, [0])
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    assert recorder.values("data")[1 + READ_LATENCY] == 0b1001
    assert recorder.cycles("corrected") == recorder.cycles("uncorrectable") == []


def test_a_core_without_protection_has_no_check_bits_to_keep(make_core: Callable[..., CoreSpec]) -> None:
    assert lane_bits(make_core(protection="none")) == 0


def test_a_repair_leaves_words_alone_in_which_nothing_was_corrected(tiny_core: CoreSpec) -> None:
    bank, simulation = prepared(WeightBank, tiny_core)

    async def bench(context: Any) -> None:
        flip(context, bank, tiny_core, 0, 5, 17)
        for bit in (1, 2):
            flip(context, bank, tiny_core, 2, 5, bit)
        await read(context, bank, [5])
        # What comes into the other columns after they were read stays there.
        for column in (1, 2, 3):
            context.set(bank.memories[column].data[5], 77)
        context.set(bank.bus.repair, 1)
        context.set(bank.bus.write_address, 5)
        await context.tick()
        assert [context.get(memory.data[5]) for memory in bank.memories] == [0, 77, 77, 77]

    simulation.run(bench)
