from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.weights.row_loader import RowLoader

NAMES = ("address", "read", "row_valid", "row")


def recorded(loader: RowLoader) -> Recorder:
    load = {name: getattr(loader.load, name) for name in ("start", "chunk", "busy", "complete", "taken")}
    return Recorder.of(loader, *NAMES, **load)


def load(core: CoreSpec, chunk: int, before: int = 3) -> Recorder:
    """One load of a chunk, started in cycle ``before``, and some cycles more."""
    loader = RowLoader(core)
    recorder = recorded(loader)

    async def bench(context: Any) -> None:
        await wait(context, before)
        context.set(loader.load.start, 1)
        context.set(loader.load.chunk, chunk)
        await context.tick()
        context.set(loader.load.start, 0)
        context.set(loader.load.chunk, 0)
        await wait(context, core.load_cycles + 10)

    simulate(loader, bench, background=[recorder.watch])
    return recorder


@pytest.mark.parametrize("rows", [1, 2, 5, 8, 56])
@pytest.mark.parametrize("chunk", [0, 2])
@pytest.mark.parametrize(("cols", "latency"), [(3, 6), (8, 6), (9, 7), (64, 7), (65, 8), (512, 8)])
def test_each_row_once_in_order_in_its_cycle(
    make_core: Callable[..., CoreSpec], rows: int, chunk: int, cols: int, latency: int
) -> None:
    core = make_core(grid=[rows, cols], readout={"step": [1, 1]})
    record = load(core, chunk)
    start = 3
    first = start + 1 + latency
    assert record.cycles("row_valid") == list(range(first, first + rows))
    assert [record.values("row")[cycle] for cycle in record.cycles("row_valid")] == list(range(rows))
    # The address of a row is given as many cycles before as a read takes, chunk x rows + row.
    addresses = record.values("address")
    assert addresses[start + 1 : start + 1 + rows] == [chunk * rows + row for row in range(rows)]


@pytest.mark.parametrize("rows", [1, 2, 5, 8, 56])
def test_complete_rises_with_the_last_row_and_stays(make_core: Callable[..., CoreSpec], rows: int) -> None:
    core = make_core(grid=[rows, 3])
    record = load(core, 1)
    complete = 3 + core.load_cycles
    assert complete == record.cycles("row_valid")[-1]
    assert record.cycles("complete") == list(range(complete, len(record)))
    assert record.cycles("busy") == list(range(4, complete))


def test_it_reads_exactly_while_it_gives_addresses(tiny_core: CoreSpec) -> None:
    assert load(tiny_core, 0).cycles("read") == list(range(4, 4 + tiny_core.rows))


def test_start_is_ignored_while_busy(tiny_core: CoreSpec) -> None:
    loader = RowLoader(tiny_core)
    recorder = recorded(loader)

    async def bench(context: Any) -> None:
        context.set(loader.load.start, 1)
        context.set(loader.load.chunk, 1)
        await context.tick()
        # From now on another chunk is asked for, in every cycle.
        context.set(loader.load.chunk, 3)
        await wait(context, 2 * tiny_core.load_cycles + 1)

    simulate(loader, bench, background=[recorder.watch])
    cycles, rows = recorder.cycles("row_valid"), tiny_core.rows
    first = 1 + tiny_core.loader_latency
    # The second load starts in the first cycle that is not busy: load_cycles after the first.
    second = first + tiny_core.load_cycles
    assert cycles == [*range(first, first + rows), *range(second, second + rows)]
    addresses = recorder.values("address")
    assert addresses[1 : 1 + rows] == list(range(rows, 2 * rows))
    again = 1 + tiny_core.load_cycles
    assert addresses[again : again + rows] == list(range(3 * rows, 4 * rows))


def test_a_taken_chunk_is_complete_no_more(tiny_core: CoreSpec) -> None:
    loader = RowLoader(tiny_core)
    recorder = recorded(loader)

    async def bench(context: Any) -> None:
        for _ in range(2):
            context.set(loader.load.start, 1)
            await context.tick()
            context.set(loader.load.start, 0)
            await wait(context, tiny_core.load_cycles + 4)
            context.set(loader.load.taken, 1)
            await context.tick()
            context.set(loader.load.taken, 0)
            await wait(context, 3)

    simulate(loader, bench, background=[recorder.watch])
    length = 1 + tiny_core.load_cycles + 4 + 1 + 3
    expected = [
        cycle + load * length for load in (0, 1) for cycle in range(tiny_core.load_cycles, tiny_core.load_cycles + 6)
    ]
    assert recorder.cycles("complete") == expected


def test_a_load_that_starts_while_the_last_one_is_taken_goes_through(tiny_core: CoreSpec) -> None:
    loader = RowLoader(tiny_core)
    recorder = recorded(loader)

    async def bench(context: Any) -> None:
        context.set(loader.load.start, 1)
        await context.tick()
        context.set(loader.load.start, 0)
        await wait(context, tiny_core.load_cycles)
        context.set(loader.load.start, 1)
        context.set(loader.load.taken, 1)
        await context.tick()
        context.set(loader.load.start, 0)
        context.set(loader.load.taken, 0)
        await wait(context, tiny_core.load_cycles + 3)

    simulate(loader, bench, background=[recorder.watch])
    second = 1 + tiny_core.load_cycles
    assert len(recorder.cycles("row_valid")) == 2 * tiny_core.rows
    assert recorder.cycles("complete") == [
        tiny_core.load_cycles,
        second,
        *range(second + tiny_core.load_cycles, len(recorder)),
    ]


@pytest.mark.parametrize("seed", range(4))
def test_random_starts_and_takes_keep_the_contract(make_core: Callable[..., CoreSpec], seed: int) -> None:
    core = make_core(grid=[5, 4], chunks=3)
    loader = RowLoader(core)
    recorder = recorded(loader)
    generator = random.Random(seed)

    async def bench(context: Any) -> None:
        for _ in range(800):
            context.set(loader.load.start, generator.random() < 0.15)
            context.set(loader.load.chunk, generator.randrange(3))
            context.set(loader.load.taken, generator.random() < 0.1)
            await context.tick()

    simulate(loader, bench, background=[recorder.watch])
    # The loader as its documentation has it: an age since the accepted start, and whether a whole chunk waits.
    started: int | None = None
    complete, loads = False, 0
    for cycle in range(len(recorder)):
        now = recorder.at(cycle)
        age = None if started is None else cycle - started
        if age == core.load_cycles:
            complete = True
        busy = age is not None and 0 < age < core.load_cycles
        row = None if age is None else age - 1 - core.loader_latency
        on_bus = row is not None and 0 <= row < core.rows
        assert (now["busy"], now["complete"], now["row_valid"]) == (busy, complete, on_bus), cycle
        assert not on_bus or now["row"] == row
        if now["taken"]:
            complete = False
        if now["start"] and not busy:
            started, complete, loads = cycle, False, loads + 1
    assert loads > 10


def test_on_a_driven_core_the_load_is_complete_when_the_last_row_has_been_merged() -> None:
    core = load_core("driven-8x8")
    record = load(core, 1)
    plain = load(core.changed(inputs=0), 1)
    assert record.cycles("row_valid") == plain.cycles("row_valid")
    assert record.cycles("complete")[0] == plain.cycles("complete")[0] + 1 == record.cycles("row_valid")[-1] + 1
    assert record.cycles("complete")[0] == 3 + core.load_cycles
