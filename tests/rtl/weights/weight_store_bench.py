"""A weight store with random words, for the tests of several files."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from operator import attrgetter
from typing import Any

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import wait
from oscc.rtl.signals.findings_port import findings_port_signature
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
