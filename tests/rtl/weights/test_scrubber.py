from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.weights.scrubber import Scrubber, scrub_settling

NAMES = ("start", "halt", "other_read", "other_address", "read", "address", "repair", "repair_address", "busy", "done")


def recorded(scrubber: Scrubber) -> Recorder:
    return Recorder.of(scrubber, *NAMES)


async def start(context: Any, scrubber: Scrubber) -> None:
    context.set(scrubber.start, 1)
    await context.tick()
    context.set(scrubber.start, 0)


def accesses(record: Recorder, enable: str, address: str) -> list[tuple[int, int]]:
    """(cycle, address) of reads or repairs."""
    return [(cycle, record.values(address)[cycle]) for cycle in record.cycles(enable)]


@pytest.mark.parametrize(("rows", "chunks"), [(1, 1), (1, 2), (5, 3), (8, 4)])
@pytest.mark.parametrize("cols", [4, 70])
def test_alone_it_reads_every_address_once_in_consecutive_cycles(
    make_core: Callable[..., CoreSpec], rows: int, chunks: int, cols: int
) -> None:
    core = make_core(grid=[rows, cols], chunks=chunks)
    scrubber = Scrubber(core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        for _ in range(2):
            await start(context, scrubber)
            await wait(context, core.bank_depth + scrub_settling(core))

    simulate(scrubber, bench, background=[recorder.watch])
    depth = core.bank_depth
    # Rows reach the array loader_latency cycles after their address, and the counters bus_levels + 1 later.
    settling = core.bus_levels + 5 + core.bus_levels + 1
    for begin in (0, depth + settling + 1):
        for address in range(depth):
            assert recorder.at(begin + 1 + address)["read"] == 1
            assert recorder.at(begin + 1 + address)["address"] == address
    assert len(recorder.cycles("read")) == 2 * depth
    reads = accesses(recorder, "read", "address")
    shifted = [(cycle + 5, address) for cycle, address in reads]
    assert accesses(recorder, "repair", "repair_address") == shifted
    assert recorder.cycles("done") == [depth + settling, 2 * (depth + settling) + 1]
    assert recorder.cycles("busy")[: depth + settling - 1] == list(range(1, depth + settling))
    assert recorder.values("busy")[depth + settling] == 0


def test_a_start_during_a_scrub_is_ignored(tiny_core: CoreSpec) -> None:
    scrubber = Scrubber(tiny_core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        context.set(scrubber.start, 1)
        await wait(context, tiny_core.bank_depth)
        context.set(scrubber.start, 0)
        await wait(context, 40)

    simulate(scrubber, bench, background=[recorder.watch])
    assert recorder.cycles("read") == list(range(1, 1 + tiny_core.bank_depth))
    assert len(recorder.cycles("done")) == 1


@pytest.mark.parametrize("after", [1, 3, 20, 33, 40])
def test_halt_ends_at_once_without_a_repair_or_done(tiny_core: CoreSpec, after: int) -> None:
    scrubber = Scrubber(tiny_core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        await start(context, scrubber)
        await wait(context, after)
        context.set(scrubber.halt, 1)
        await context.tick()
        context.set(scrubber.halt, 0)
        await wait(context, 60)
        await start(context, scrubber)
        await wait(context, 60)

    simulate(scrubber, bench, background=[recorder.watch])
    quiet = range(after + 2, after + 2 + 60)
    for name in ("read", "repair", "busy", "done"):
        assert not set(recorder.cycles(name)) & set(quiet), name
    # It can be started again, from the first address.
    again = after + 2 + 60 + 1
    assert accesses(recorder, "read", "address")[-32:] == [(again + address, address) for address in range(32)]


def test_the_other_reader_goes_first(tiny_core: CoreSpec) -> None:
    scrubber = Scrubber(tiny_core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        await start(context, scrubber)
        for cycle in range(100):
            # Two of three cycles, at an address that is far away.
            context.set(scrubber.other_read, cycle % 3 != 0)
            context.set(scrubber.other_address, (cycle // 3 + 16) % 32)
            await context.tick()
        context.set(scrubber.other_read, 0)
        await wait(context, 20)

    simulate(scrubber, bench, background=[recorder.watch])
    assert accesses(recorder, "read", "address") == [(1 + 3 * address, address) for address in range(32)]
    assert len(recorder.cycles("repair")) == 32
    assert len(recorder.cycles("done")) == 1


@pytest.mark.parametrize("length", [1, 2, 3, 4, 8])
def test_an_address_that_the_other_reads_when_it_would_be_repaired_is_read_again(
    tiny_core: CoreSpec, length: int
) -> None:
    scrubber = Scrubber(tiny_core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        await start(context, scrubber)
        # Address 9 is read in cycle 10; its repair would be given in cycle 15, and meets what is read in cycle 14.
        await wait(context, 13)
        for step in range(length):
            context.set(scrubber.other_read, 1)
            context.set(scrubber.other_address, 9 + step)
            await context.tick()
        context.set(scrubber.other_read, 0)
        await wait(context, 60)

    simulate(scrubber, bench, background=[recorder.watch])
    reads = [address for _, address in accesses(recorder, "read", "address")]
    # Up to cycle 13, addresses up to 12 are read.
    assert reads == [*range(13), *range(9, 32)]
    repaired = [address for _, address in accesses(recorder, "repair", "repair_address")]
    lost = min(length, 4)
    assert repaired == [*range(9), *range(9 + lost, 13), *range(9, 32)]
    assert len(recorder.cycles("done")) == 1


def test_a_collision_at_the_end_of_the_walk_brings_it_back(tiny_core: CoreSpec) -> None:
    scrubber = Scrubber(tiny_core)
    recorder = recorded(scrubber)

    async def bench(context: Any) -> None:
        await start(context, scrubber)
        # The last address, 31, is read in cycle 32, and its repair would meet what is read in cycle 36.
        await wait(context, 35)
        context.set(scrubber.other_read, 1)
        context.set(scrubber.other_address, 31)
        await context.tick()
        context.set(scrubber.other_read, 0)
        await wait(context, 40)

    simulate(scrubber, bench, background=[recorder.watch])
    assert accesses(recorder, "read", "address")[-2:] == [(32, 31), (37, 31)]
    assert accesses(recorder, "repair", "repair_address")[-2:] == [(36, 30), (42, 31)]
    assert recorder.cycles("done") == [37 + scrub_settling(tiny_core)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rows", [1, 2, 8])
def test_every_word_is_repaired_and_none_is_read_and_written_in_one_cycle(
    make_core: Callable[..., CoreSpec], rows: int, seed: int
) -> None:
    core = make_core(grid=[rows, 3], chunks=4)
    scrubber = Scrubber(core)
    recorder = recorded(scrubber)
    generator = random.Random(seed)

    async def bench(context: Any) -> None:
        await start(context, scrubber)
        # Loads as they come at the fastest, near the walk more often than not.
        while context.get(scrubber.busy):
            near = max(0, context.get(scrubber.address) - generator.randrange(4)) // rows * rows
            chunk = near if generator.random() < 0.8 else generator.randrange(4) * rows
            for row in range(rows):
                context.set(scrubber.other_read, 1)
                context.set(scrubber.other_address, min(chunk, 3 * rows) + row)
                await context.tick()
            context.set(scrubber.other_read, 0)
            await wait(context, generator.choice([core.loader_latency, core.loader_latency + 1, 12]))

    simulate(scrubber, bench, background=[recorder.watch])
    assert len(recorder.cycles("done")) <= 1
    reads, repairs = accesses(recorder, "read", "address"), accesses(recorder, "repair", "repair_address")
    assert {address for _, address in repairs} == set(range(core.bank_depth))
    # An address given in cycle t is read by the memories when what is written was given in cycle t + 1.
    every = dict(reads) | dict(accesses(recorder, "other_read", "other_address"))
    assert len(every) == len(reads) + len(recorder.cycles("other_read"))
    for cycle, address in repairs:
        assert every.get(cycle - 1) != address
        assert (cycle - 5, address) in reads
