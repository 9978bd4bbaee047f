"""Feeds against plain Python: which vector is present, and which codes are where."""

# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

import pytest

from oscc.core.instructions import Source
from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.inputs.feeder import SCATTER_LATENCY, Feeder

CORE = load_core("tiny-8x8").changed(
    grid=[4, 5], readout={"step": [1, 1]}, chunks=3, stream_width=32, field_dac={"bits": 6, "full_scale_rad_s": 1e6}
)
CAPACITY, STEPS, BYTES = 12, CORE.readout.phase_steps, CORE.frame_beats * 4


@dataclass(frozen=True)
class Entry:
    """A word of the map."""

    row: int
    column: int
    place: int
    fed_back: int


def draw_map(generator: random.Random, count: int) -> list[Entry]:
    cells = generator.sample([(row, column) for row in range(4) for column in range(5)], count)
    return [Entry(row, column, generator.randrange(BYTES), generator.randrange(2)) for row, column in cells]


class Harness:
    """A feeder, what stands around it, and the two buffers that its writes make."""

    def __init__(self, context: Any, feeder: Feeder, seed: int) -> None:
        self.context, self.feeder = context, feeder
        self.generator = random.Random(seed)
        self.buffers: list[dict[tuple[int, int], int]] = [{}, {}]
        self.walk = [0] * BYTES
        self.bad = 0
        self._phases = [0, 0]

    async def tick(self) -> None:
        """One cycle; the frame memory answers two cycles later, and writes are kept."""
        get, feeder = self.context.get, self.feeder
        if get(feeder.write):
            cell = (get(feeder.write_row), get(feeder.write_column))
            self.buffers[get(feeder.write_buffer)][cell] = get(feeder.write_code)
        asked = self.walk[get(feeder.place)] if get(feeder.ask) else self.generator.randrange(STEPS)
        await self.context.tick()
        self._phases = [asked, self._phases[0]]
        self.context.set(feeder.phase, self._phases[1])
        self.bad += get(feeder.bad)

    async def program(self, entries: list[Entry], tables: list[list[int]]) -> None:
        put, feeder = self.context.set, self.feeder
        for number, entry in enumerate(entries):
            put(feeder.map_write, 1)
            put(feeder.map_number, number)
            for name in ("row", "column", "place", "fed_back"):
                put(getattr(feeder, f"map_{name}"), getattr(entry, name))
            await self.tick()
        put(feeder.map_write, 0)
        for number, code in enumerate(code for table in tables for code in table):
            put(feeder.table_write, 1)
            put(feeder.table_number, number)
            put(feeder.table_code, code)
            await self.tick()
        put(feeder.table_write, 0)
        put(feeder.count, len(entries))

    async def send(self, codes: list[int]) -> None:
        """A vector, as the ingress writes it; it pauses while it is held."""
        put, get, feeder = self.context.set, self.context.get, self.feeder
        for number, code in enumerate(codes):
            while get(feeder.hold) or self.generator.random() < 0.3:
                put(feeder.arrives, 0)
                await self.tick()
            put(feeder.arrives, 1)
            put(feeder.index, number)
            put(feeder.code, code)
            await self.tick()
        put(feeder.arrives, 0)
        put(feeder.whole, 1)

    async def feed(self, source: Source, chunk: int = 0, wait: int = 0) -> int:
        """Feed, with loads and walks under way for some cycles before; return how many cycles it took after these."""
        put, get, feeder = self.context.set, self.context.get, self.feeder
        put(feeder.feed, 1)
        put(feeder.source, source)
        put(feeder.chunk, chunk)
        busy = feeder.walking if source is Source.FEEDBACK and wait % 2 else feeder.loading
        put(busy, wait > 0)
        for _ in range(wait):
            assert not get(feeder.fed)
            await self.tick()
        put(busy, 0)
        cycles = 0
        while not get(feeder.fed):
            cycles += 1
            assert cycles < 100
            await self.tick()
        takes = get(feeder.take)
        await self.tick()
        put(feeder.feed, 0)
        if takes:
            put(feeder.whole, 0)
        return cycles


@pytest.mark.parametrize("seed", range(5))
def test_the_present_vector_is_the_one_that_was_fed(seed: int) -> None:
    feeder, generator = Feeder(CORE, CAPACITY), random.Random(seed)
    count = generator.randint(1, CAPACITY)
    entries = draw_map(generator, count)
    tables = [[generator.randrange(64) for _ in range(STEPS)] for _ in range(3)]

    async def bench(context: Any) -> None:
        harness = Harness(context, feeder, seed)
        await harness.program(entries, tables)
        present: list[int] = []
        arriving: list[int] | None = None
        for _ in range(40):
            if arriving is None and generator.random() < 0.6:
                arriving = [generator.randrange(64) for _ in range(count)]
                await harness.send(arriving)
            possible = [Source.STREAM] * (arriving is not None) + [Source.FEEDBACK, Source.AGAIN] * bool(present)
            if not possible:
                continue
            source, chunk = generator.choice(possible), generator.randrange(3)
            if source is Source.STREAM:
                assert arriving is not None
                present, arriving = list(arriving), None
            elif source is Source.FEEDBACK:
                harness.walk = [generator.randrange(STEPS) for _ in range(BYTES)]
                for number, entry in enumerate(entries):
                    if entry.fed_back:
                        present[number] = tables[chunk][harness.walk[entry.place]]
            cycles = await harness.feed(source, chunk, generator.choice([0, 0, 3, 4]))
            assert cycles == (count + SCATTER_LATENCY if source is Source.FEEDBACK else 0)
            buffer = harness.buffers[context.get(feeder.present)]
            assert [buffer[entry.row, entry.column] for entry in entries] == present
        assert harness.bad == 0

    simulate(feeder, bench)


def test_a_feed_from_the_stream_waits_for_a_whole_vector() -> None:
    feeder = Feeder(CORE, CAPACITY)

    async def bench(context: Any) -> None:
        context.set(feeder.feed, 1)
        for whole in (0, 0, 0, 1):
            context.set(feeder.whole, whole)
            assert (context.get(feeder.fed), context.get(feeder.take)) == (whole, whole)
            await context.tick()
        assert context.get(feeder.present) == 1

    simulate(feeder, bench)


def test_a_vector_that_arrives_meanwhile_stays_apart_from_what_is_fed_back() -> None:
    feeder, generator = Feeder(CORE, CAPACITY), random.Random(3)
    entries = [Entry(number // 5, number % 5, number, 1) for number in range(8)]

    async def bench(context: Any) -> None:
        harness = Harness(context, feeder, 3)
        await harness.program(entries, [[5] * STEPS] * 3)
        await harness.send([1] * 8)
        await harness.feed(Source.STREAM)
        first = [generator.randrange(64) for _ in range(8)]
        # Half of it before the feed, half behind: the ingress is held in between.
        context.set(feeder.arrives, 1)
        for number in range(4):
            context.set(feeder.index, number)
            context.set(feeder.code, first[number])
            await harness.tick()
        context.set(feeder.arrives, 0)
        assert await harness.feed(Source.FEEDBACK) == 8 + SCATTER_LATENCY
        assert not context.get(feeder.hold)
        context.set(feeder.arrives, 1)
        for number in range(4, 8):
            context.set(feeder.index, number)
            context.set(feeder.code, first[number])
            await harness.tick()
        context.set(feeder.arrives, 0)
        await harness.tick()
        now = context.get(feeder.present)
        assert list(harness.buffers[now].values()) == [5] * 8
        assert list(harness.buffers[1 - now].values()) == first

    simulate(feeder, bench)


@pytest.mark.parametrize("spoilt", ["map_memory", "table_memory"])
def test_a_flipped_bit_of_a_word_that_is_used_is_told(spoilt: str) -> None:
    feeder = Feeder(CORE, CAPACITY)
    entries = [Entry(1, 2, 3, 1), Entry(2, 2, 3, 1)]

    async def bench(context: Any) -> None:
        harness = Harness(context, feeder, 1)
        await harness.program(entries, [[5] * STEPS] * 3)
        harness.walk = [7] * BYTES
        await harness.feed(Source.FEEDBACK, chunk=1)
        assert harness.bad == 0
        stored = getattr(feeder, spoilt).data[1 if spoilt == "map_memory" else STEPS + 7]
        context.set(stored, context.get(stored) ^ 2)
        await harness.feed(Source.FEEDBACK, chunk=2)
        assert (harness.bad > 0) == (spoilt == "map_memory")
        harness.bad = 0
        await harness.feed(Source.FEEDBACK, chunk=1)
        await harness.tick()
        assert harness.bad > 0

    simulate(feeder, bench)


def test_a_halt_ends_a_feed() -> None:
    feeder = Feeder(CORE, CAPACITY)
    entries = [Entry(number // 5, number % 5, number, 1) for number in range(8)]

    async def bench(context: Any) -> None:
        harness = Harness(context, feeder, 1)
        await harness.program(entries, [[5] * STEPS] * 3)
        context.set(feeder.feed, 1)
        context.set(feeder.source, Source.FEEDBACK)
        for _ in range(6):
            await harness.tick()
        context.set(feeder.feed, 0)
        context.set(feeder.halt, 1)
        await harness.tick()
        context.set(feeder.halt, 0)
        harness.buffers = [{}, {}]
        for _ in range(12):
            assert not context.get(feeder.hold)
            await harness.tick()
        assert harness.buffers == [{}, {}]

    simulate(feeder, bench)
