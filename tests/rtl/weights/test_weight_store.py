from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from itertools import product
from operator import attrgetter
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.rtl.signals.findings_port import findings_port_signature
from oscc.rtl.weights.fault_collector import collector_latency
from oscc.rtl.weights.march_test import self_test_cycles
from oscc.rtl.weights.stored_bit import flip_bit
from oscc.rtl.weights.weight_store import WeightStore

FINDINGS = tuple(findings_port_signature().members)

NAMES = (
    "load.start",
    "load.busy",
    "load.complete",
    "shadow.row",
    "shadow.strobe",
    "shadow.data",
    "scrub",
    "scrubbing",
    "scrub_done",
    "self_test",
    "self_testing",
    "self_test_done",
    *FINDINGS,
)


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


class Bench:
    """A weight store with random words; ``words[column][address]``."""

    def __init__(self, core: CoreSpec, seed: int = 0) -> None:
        self.core = core
        self.store, self.simulation = prepared(WeightStore, core)
        self.generator = random.Random(seed)
        self.words = [
            [self.generator.getrandbits(core.word_bits) for _ in range(core.bank_depth)] for _ in range(core.cols)
        ]
        self.record = Recorder.of(self.store, *NAMES)
        self.loads: list[tuple[int, int]] = []
        """(cycle of ``load.start``, chunk)."""

    def run(self, host: Callable[[Any], Awaitable[None]], limit: int = 60_000) -> Recorder:
        async def bench(context: Any) -> None:
            # The words are there from the start: writing them is a test of its own.
            for column in range(self.core.cols):
                for address in range(self.core.bank_depth):
                    self.put(context, column, address)
            await host(context)

        self.simulation.run(bench, background=[self.record.watch], limit=limit)
        return self.record

    def stored(self, column: int, address: int) -> int:
        word = self.words[column][address]
        return protect(word, self.core.word_bits) if self.core.check_bits else word

    def put(self, context: Any, column: int, address: int) -> None:
        bank, number = self.store.memory.bank(column)
        word = self.stored(column, address)
        context.set(bank.memories[number].data[address], word % 2**self.core.word_bits)
        if bank.checks is not None:
            row, shift = bank.checks.data[address], 9 * number
            kept = context.get(row) & ~(0x1FF << shift)
            context.set(row, kept | (word >> self.core.word_bits) << shift)

    def kept(self, context: Any, column: int, address: int) -> int:
        """The protected word as it is stored."""
        bank, number = self.store.memory.bank(column)
        word = int(context.get(bank.memories[number].data[address]))
        if bank.checks is not None:
            word |= ((context.get(bank.checks.data[address]) >> (9 * number)) & 0x1FF) << self.core.word_bits
        return word

    def flip(self, context: Any, column: int, address: int, *bits: int) -> None:
        for bit in bits:
            flip_bit(context, self.store, self.core, column, address, bit)

    def clean(self, context: Any) -> bool:
        return all(
            self.kept(context, column, address) == self.stored(column, address)
            for column in range(self.core.cols)
            for address in range(self.core.bank_depth)
        )

    def row(self, chunk: int, row: int) -> int:
        address, bits = chunk * self.core.rows + row, self.core.word_bits
        return sum(self.words[column][address] << (column * bits) for column in range(self.core.cols))

    async def pulse(self, context: Any, *names: str) -> None:
        for name in names:
            context.set(attrgetter(name)(self.store), 1)
        await context.tick()
        for name in names:
            context.set(attrgetter(name)(self.store), 0)

    async def load(self, context: Any, chunk: int, then: int | None = None) -> None:
        self.loads.append((len(self.record), chunk))
        context.set(self.store.load.chunk, chunk)
        await self.pulse(context, "load.start")
        await wait(context, self.core.load_cycles if then is None else then)

    async def until(self, context: Any, name: str) -> None:
        while not context.get(attrgetter(name)(self.store)):
            await context.tick()

    def finding(self, context: Any, *names: str) -> list[int]:
        return [int(context.get(attrgetter(name)(self.store))) for name in names]

    def check_rows(self) -> None:
        """Every load brought the true rows to the array in their cycles, and nothing else was strobed."""
        record, core = self.record, self.core
        expected = {
            start + 1 + core.loader_latency + row: (row, self.row(chunk, row))
            for start, chunk in self.loads
            for row in range(core.rows)
        }
        expected = {cycle: row for cycle, row in expected.items() if cycle < len(record)}
        found = {
            cycle: (record.values("shadow.row")[cycle], record.values("shadow.data")[cycle])
            for cycle in record.cycles("shadow.strobe")
        }
        assert found == expected


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


# The self-test


@pytest.mark.parametrize("protection", ["secded", "none"])
def test_the_self_test_of_whole_memories_passes_and_leaves_zeros(
    make_core: Callable[..., CoreSpec], protection: str
) -> None:
    core = make_core(grid=[2, 10], chunks=1, protection=protection, stencil=[[0, 1]], coupling_dac={"bits": 2})
    bench = Bench(core)

    async def host(context: Any) -> None:
        await bench.pulse(context, "self_test")
        await bench.until(context, "self_test_done")
        assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS)
        bench.words = [[0] * core.bank_depth for _ in range(core.cols)]
        assert bench.clean(context)
        await bench.load(context, 0)
        await wait(context, 8)
        assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS)

    record = bench.run(host)
    bench.check_rows()
    assert record.cycles("self_test_done") == [self_test_cycles(core)]
    assert record.cycles("self_testing") == list(range(1, self_test_cycles(core)))


def test_in_a_self_test_no_memory_reads_and_writes_one_word_in_one_cycle(small: CoreSpec) -> None:
    bench = Bench(small)
    bus = bench.store.memory.bank(9)[0].bus
    names = ("read_stages", "read_address", "write_all", "write_address", "compare")
    buses = Recorder.of(bus, *names)

    async def host(context: Any) -> None:
        await bench.pulse(context, "self_test")
        await bench.until(context, "self_test_done")
        await wait(context, 4)

    bench.simulation.run(host, background=[bench.record.watch, buses.watch])
    # At a bank: the address register takes an address under the first enable, the memory reads it under the second.
    given = {
        cycle + 1: buses.values("read_address")[cycle] for cycle, on in enumerate(buses.values("read_stages")) if on & 1
    }
    reads = {(cycle, given[cycle]) for cycle, on in enumerate(buses.values("read_stages")) if on & 2}
    writes = {(cycle, buses.values("write_address")[cycle]) for cycle in buses.cycles("write_all")}
    # Seven backgrounds for the 14 bits of data and four lanes of 6 check bits; five reads and writes of each word.
    assert len(reads) == len(writes) == 7 * 5 * 6
    assert not reads & writes
    # The words that were read, and only they, are compared: two cycles after the memory was read.
    assert [cycle for cycle, on in enumerate(buses.values("compare")) if on & 1] == sorted(
        cycle + 2 for cycle, _ in reads
    )
    # What the decoders would find in them is of no interest: they stand still.
    assert not any(on & 0b1100 for on in buses.values("read_stages"))


@pytest.mark.parametrize(
    ("column", "address", "bit", "value"),
    [(0, 0, 0, 0), (3, 1, 13, 1), (9, 2, 7, 0), (8, 5, 14, 1), (9, 3, 19, 0), (6, 4, 17, 1)],
)
def test_a_stuck_cell_is_found_where_it_is(small: CoreSpec, column: int, address: int, bit: int, value: int) -> None:
    bench = Bench(small)
    stop: list[bool] = []

    async def stuck(context: Any) -> None:
        while not stop:
            if (bench.kept(context, column, address) >> bit) & 1 != value:
                bench.flip(context, column, address, bit)
            await context.tick()

    async def host(context: Any) -> None:
        await bench.pulse(context, "self_test")
        await bench.until(context, "self_test_done")
        # Of 5 reads per background and address, 2 or 3 expect the other value: 0 is read 3 times in the solid one.
        (count,) = bench.finding(context, "self_test_failures")
        assert 2 * 7 <= count <= 3 * 7
        assert bench.finding(context, "failure_address", "failure_column") == [address, column]
        assert bench.finding(context, "corrected_words", "uncorrectable_words") == [0, 0]
        stop.append(True)
        # The findings of the last test are gone with the next one, not with `clear`.
        await bench.pulse(context, "clear")
        assert bench.finding(context, "failure_address", "failure_column") == [address, column]
        await bench.pulse(context, "self_test")
        assert bench.finding(context, "self_test_failures", "failure_address", "failure_column") == [0, 0, 0]
        await bench.until(context, "self_test_done")
        assert bench.finding(context, "self_test_failures") == [0]

    bench.simulation.run(host, background=[stuck], limit=10_000)


def test_all_that_fails_is_counted_and_the_lowest_column_of_the_first_row_is_kept(small: CoreSpec) -> None:
    bench = Bench(small)
    broken = [(7, 4, 3), (2, 5, 3), (9, 4, 3), (5, 4, 3)]
    seen: list[int] = []

    async def host(context: Any) -> None:
        await bench.pulse(context, "self_test")
        # After the first element: all words hold the first background. A word is on the bus three cycles after its
        # operation, and two levels of registers later at its bank.
        await wait(context, 1 + small.bank_depth + 3 + 2)
        for column, address, bit in broken:
            bench.flip(context, column, address, bit)
        await bench.until(context, "self_test_done")
        seen.extend(bench.finding(context, "self_test_failures", "failure_address", "failure_column"))

    bench.run(host)
    # Each is read once before it is written anew.
    assert seen == [4, 4, 5]


def test_the_self_test_waits_for_a_load_and_keeps_others_out(small: CoreSpec) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        await bench.load(context, 1, 2)
        await bench.pulse(context, "self_test")
        # None of these is taken.
        for _ in range(3):
            await bench.pulse(context, "load.start", "scrub", "self_test")
            await wait(context, 20)
        await bench.until(context, "self_test_done")
        assert not context.get(bench.store.scrubbing)
        assert bench.finding(context, "self_test_failures", "corrected_words") == [0, 0]
        await context.tick()

    record = bench.run(host)
    bench.check_rows()
    begins = bench.loads[0][0] + small.load_cycles
    # `hold` is high up to the cycle before the load is complete.
    assert record.cycles("self_test_done") == [begins - 1 + self_test_cycles(small)]


@pytest.mark.parametrize("after", [0, 1, 2, 5, 8, 12])
@pytest.mark.parametrize("service", ["scrub", "self_test"])
def test_halt_ends_a_service_before_the_first_write_of_a_program(small: CoreSpec, service: str, after: int) -> None:
    bench = Bench(small)
    store = bench.store

    async def host(context: Any) -> None:
        for column in range(small.cols):
            for address in range(small.bank_depth):
                bench.flip(context, column, address, 3)
        await bench.pulse(context, service)
        await wait(context, after)
        await bench.pulse(context, "halt", "clear")
        # What is written from the next cycle on stays.
        bench.generator.shuffle(bench.words)
        for column in range(small.cols):
            for address in range(small.bank_depth):
                context.set(store.write.enable, 1 << column)
                context.set(store.write.address, address)
                context.set(store.write.word, bench.stored(column, address))
                await context.tick()
        context.set(store.write.enable, 0)
        await wait(context, 20)
        assert bench.clean(context)
        # Nothing of what was on its way when the program load began is counted.
        assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS)

    record = bench.run(host)
    halted = 1 + after
    for name in ("scrubbing", "self_testing"):
        assert all(cycle <= halted for cycle in record.cycles(name))
    assert record.cycles("scrub_done") == record.cycles("self_test_done") == []


def test_a_load_that_a_program_load_overtakes_reports_nothing(small: CoreSpec) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        for column in range(small.cols):
            bench.flip(context, column, 0, 3, 4)
            bench.flip(context, column, 2, 3)
        for then in range(small.load_cycles + collector_latency(small)):
            await bench.load(context, 0, then)
            await bench.pulse(context, "halt", "clear")
            await wait(context, 20)
            assert bench.finding(context, *FINDINGS) == [0] * len(FINDINGS), then
        # The next load is looked at again.
        await bench.load(context, 0)
        await wait(context, 5)
        assert bench.finding(context, "corrected_words", "uncorrectable_words") == [10, 10]

    bench.run(host)


@pytest.mark.parametrize("first", ["scrub", "self_test"])
def test_a_second_service_is_ignored(small: CoreSpec, first: str) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        await bench.pulse(context, first)
        await bench.pulse(context, "scrub")
        await bench.pulse(context, "self_test")
        await bench.until(context, f"{first}_done")
        await wait(context, 30)

    record = bench.run(host)
    other = {"scrub": "self_testing", "self_test": "scrubbing"}[first]
    assert record.cycles(other) == []
    assert len(record.cycles(f"{first}_done")) == 1


def test_the_self_test_goes_before_a_scrub_that_is_given_with_it(small: CoreSpec) -> None:
    bench = Bench(small)

    async def host(context: Any) -> None:
        await bench.pulse(context, "scrub", "self_test")
        await wait(context, 5)
        assert bench.finding(context, "scrubbing", "self_testing") == [0, 1]

    bench.run(host)
