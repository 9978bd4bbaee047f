from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.simulation import wait
from oscc.rtl.weights.fault_collector import collector_latency
from tests.rtl.weights.weight_store_bench import FINDINGS, Bench


@pytest.fixture(scope="module")
def small(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """3 rows, 10 columns (two groups, three banks), 2 chunks; words of 14 + 6 bits."""
    return make_core(grid=[3, 10], chunks=2, stencil=[[0, 1]], coupling_dac={"bits": 2})


# Loading


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize(("rows", "cols"), [(1, 3), (8, 8), (1, 66)])
def test_what_the_host_writes_reaches_the_array_in_its_cycles(
    make_core: Callable[..., CoreSpec], protection: str, rows: int, cols: int
) -> None:
    core = make_core(grid=[rows, cols], chunks=2, protection=protection, stencil=[[0, 1]], coupling_dac={"bits": 2})
    bench = Bench(core)
    store = bench.store

    async def host(context: Any) -> None:
        bench.generator.shuffle(bench.words)
        for column in range(cols):
            for address in range(core.bank_depth):
                context.set(store.write.enable, 1 << column)
                context.set(store.write.address, address)
                context.set(store.write.word, bench.stored(column, address))
                await context.tick()
            context.set(store.write.enable, 0)
        # The last write was one cycle before the start.
        await bench.load(context, 1)
        assert context.get(store.load.complete)
        assert bench.clean(context)
        await bench.pulse(context, "load.taken")
        assert not context.get(store.load.complete)
        await bench.load(context, 0)

    record = bench.run(host)
    bench.check_rows()
    complete = bench.loads[0][0] + core.load_cycles
    assert record.cycles("load.complete")[0] == complete == record.cycles("shadow.strobe")[core.rows - 1]
    assert record.cycles("load.busy")[: core.load_cycles - 1] == list(range(bench.loads[0][0] + 1, complete))
    assert bench.record.cycles("corrected_words") == bench.record.cycles("uncorrectable") == []


def test_a_load_counts_what_it_corrects_and_reports_the_first_double_error(small: CoreSpec) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        bench.flip(context, 0, 3, 0)
        bench.flip(context, 9, 4, 15)
        bench.flip(context, 7, 5, 2, 17)
        bench.flip(context, 4, 5, 3, 4)
        # In the other chunk.
        bench.flip(context, 1, 0, 1)
        bench.flip(context, 2, 1, 1, 2)
        await bench.load(context, 1)
        await wait(context, 10)
        assert bench.finding(context, "corrected_words", "uncorrectable_words", "scrubbed_words") == [2, 2, 0]
        assert bench.finding(context, "fault_address", "fault_column") == [5, 4]
        await bench.load(context, 1)
        await bench.load(context, 0)
        await wait(context, 10)
        assert bench.finding(context, "corrected_words", "uncorrectable_words", "scrubbed_words") == [5, 5, 0]
        assert bench.finding(context, "fault_address", "fault_column") == [5, 4]
        await bench.pulse(context, "clear")
        assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS)
        await bench.load(context, 0)
        await wait(context, 10)
        assert bench.finding(context, "corrected_words", "uncorrectable_words") == [1, 1]
        assert bench.finding(context, "fault_address", "fault_column") == [1, 2]

    record = bench.run(host)
    pulses = [
        start + 1 + small.loader_latency + row + collector_latency(small)
        for (start, _), row in zip(bench.loads, (2, 2, 1, 1), strict=True)
    ]
    assert record.cycles("uncorrectable") == pulses


def test_without_protection_nothing_is_found(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[3, 10], chunks=2, protection="none")
    bench = Bench(core)

    async def host(context: Any) -> None:
        bench.flip(context, 3, 1, 5, 6)
        bench.words[3][1] ^= 0b11 << 5
        await bench.load(context, 0)
        await bench.pulse(context, "scrub")
        await bench.until(context, "scrub_done")
        assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS)
        assert bench.clean(context)

    bench.run(host)
    bench.check_rows()


# Scrubbing


def test_a_scrub_writes_every_single_error_back_and_leaves_double_ones(small: CoreSpec) -> None:
    bench = Bench(small)
    width = small.word_bits + small.check_bits

    async def host(context: Any) -> None:
        for column in range(small.cols):
            for address in range(small.bank_depth):
                bench.flip(context, column, address, (7 * column + address) % width)
        # Three columns with a second flip, in one row.
        for column in (8, 5, 9):
            bench.flip(context, column, 2, (7 * column + 3) % width)
        await bench.pulse(context, "scrub")
        await bench.until(context, "scrub_done")
        count = small.cols * small.bank_depth - 3
        found = bench.finding(context, "corrected_words", "scrubbed_words", "uncorrectable_words")
        assert found == [count, count, 3]
        assert bench.finding(context, "fault_address", "fault_column") == [2, 5]
        for column in (8, 5, 9):
            bench.flip(context, column, 2, (7 * column + 3) % width, (7 * column + 2) % width)
        assert bench.clean(context)
        await bench.pulse(context, "scrub")
        await bench.until(context, "scrub_done")
        assert bench.finding(context, "corrected_words", "scrubbed_words") == [count, count]
        await wait(context, 3)

    record = bench.run(host)
    assert len(record.cycles("uncorrectable")) == 1
    # Alone, a scrub takes a cycle per address, and as long as a finding takes.
    took = small.bank_depth + small.loader_latency + collector_latency(small)
    assert [done - start for start, done in zip(record.cycles("scrub"), record.cycles("scrub_done"), strict=True)] == [
        took,
        took,
    ]
    assert record.cycles("shadow.strobe") == []


@pytest.mark.parametrize(
    ("shape", "seed"),
    [*(((3, 10, 2), seed) for seed in range(4)), ((1, 5, 3), 4), ((1, 5, 3), 5), ((2, 4, 1), 6), ((1, 66, 2), 7)],
)
def test_random_loads_and_scrubs_with_single_flips(
    make_core: Callable[..., CoreSpec], shape: tuple[int, int, int], seed: int
) -> None:
    rows, cols, chunks = shape
    core = make_core(grid=[rows, cols], chunks=chunks, stencil=[[0, 1]], coupling_dac={"bits": 2})
    bench = Bench(core, seed)
    generator, store = bench.generator, bench.store
    width = core.word_bits + core.check_bits
    flipped: list[int] = []

    async def host(context: Any) -> None:
        for _ in range(12 if cols < 20 else 4):
            for _ in range(generator.randrange(1, 6)):
                column, address = generator.randrange(cols), generator.randrange(core.bank_depth)
                if bench.kept(context, column, address) == bench.stored(column, address):
                    bench.flip(context, column, address, generator.randrange(width))
                    flipped.append(1)
            await wait(context, generator.randrange(4))
            await bench.pulse(context, "scrub")
            # Loads at random distances from the walk of the scrubber, often back to back.
            while context.get(store.scrubbing):
                if generator.random() < 0.7:
                    await bench.load(context, generator.randrange(chunks), core.load_cycles - 1)
                await wait(context, generator.choice([0, 0, 0, 1, 2, 5]))
            await wait(context, core.load_cycles)
            assert bench.clean(context)
        assert bench.finding(context, "uncorrectable_words") == [0]
        (scrubbed,) = bench.finding(context, "scrubbed_words")
        assert scrubbed == len(flipped)

    bench.run(host)
    bench.check_rows()
    assert len(bench.loads) > 4
    assert bench.record.cycles("uncorrectable") == []


def test_a_load_reads_a_word_before_during_and_after_its_repair(small: CoreSpec) -> None:
    # Every distance of a load from a scrub, with a flip in every word: each row on the bus is true.
    width, words = small.word_bits + small.check_bits, small.cols * small.bank_depth
    bench = Bench(small)

    async def host(context: Any) -> None:
        for number, (distance, chunk) in enumerate(product(range(small.bank_depth + 8), (0, 1)), 1):
            for column in range(small.cols):
                for address in range(small.bank_depth):
                    bench.flip(context, column, address, bench.generator.randrange(width))
            await bench.pulse(context, "scrub")
            await wait(context, distance)
            await bench.load(context, chunk)
            await wait(context, 30)
            assert bench.clean(context), (distance, chunk)
            assert bench.finding(context, "scrubbed_words", "uncorrectable_words") == [number * words, 0]

    bench.run(host)
    bench.check_rows()
