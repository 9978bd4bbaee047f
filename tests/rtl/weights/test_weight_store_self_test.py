from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.rtl.weights.fault_collector import collector_latency
from oscc.rtl.weights.march_test import self_test_cycles
from tests.rtl.weights.weight_store_bench import FINDINGS, Bench


@pytest.fixture(scope="module")
def small(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """3 rows, 10 columns (two groups, three banks), 2 chunks; words of 14 + 6 bits."""
    return make_core(grid=[3, 10], chunks=2, stencil=[[0, 1]], coupling_dac={"bits": 2})


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
