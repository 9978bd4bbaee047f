from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.weights.march_test import MarchTest, background_word, backgrounds, self_test_cycles

NAMES = ("start", "read", "read_address", "write", "write_address", "word", "busy", "done")

Cell = tuple[int, int]
"""(address, bit) of a cell."""


def march_c_minus(words: list[int], depth: int, width: int) -> Iterator[tuple[str, int, int]]:
    """("r" or "w", address, word) of March C- for each background word, from its notation."""
    ones = 2**width - 1
    for word in words:
        for order, operations in (
            ("up", "w0"),
            ("up", "r0 w1"),
            ("up", "r1 w0"),
            ("down", "r0 w1"),
            ("down", "r1 w0"),
            ("down", "r0"),
        ):
            for address in range(depth) if order == "up" else reversed(range(depth)):
                for operation in operations.split():
                    yield operation[0], address, word if operation[1] == "0" else word ^ ones


def operations_of(record: Recorder) -> list[tuple[int, str, int, int]]:
    """(cycle, kind, address, word), in order; the word is on the bus three cycles after the operation."""
    found = []
    for cycle in record.cycles("read"):
        found.append((cycle, "r", record.values("read_address")[cycle], record.values("word")[cycle + 3]))
    for cycle in record.cycles("write"):
        found.append((cycle - 3, "w", record.values("write_address")[cycle], record.values("word")[cycle]))
    return sorted(found)


def run_test(core: CoreSpec, hold: int = 0) -> Recorder:
    """A whole self-test, started in cycle 1."""
    march = MarchTest(core)
    recorder = Recorder.of(march, *NAMES)

    async def bench(context: Any) -> None:
        await context.tick()
        context.set(march.start, 1)
        context.set(march.hold, hold > 0)
        await context.tick()
        context.set(march.start, 0)
        await wait(context, hold)
        context.set(march.hold, 0)
        while not context.get(march.done):
            await context.tick()
        await wait(context, 5)

    simulate(march, bench, background=[recorder.watch], limit=100_000)
    return recorder


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize(("rows", "chunks"), [(1, 1), (1, 2), (3, 2)])
def test_the_operations_are_those_of_march_c_minus(
    make_core: Callable[..., CoreSpec], protection: str, rows: int, chunks: int
) -> None:
    core = make_core(grid=[rows, 5], chunks=chunks, protection=protection)
    width = 108 + 4 * core.check_bits
    assert width == (140 if protection == "secded" else 108)
    # All pairs of bits differ in one of the striped words, and are equal in the solid one, which comes last.
    count = 8 if protection == "secded" else 7
    words = [sum(1 << bit for bit in range(width) if (bit >> stripe) & 1) for stripe in reversed(range(count))]
    record = run_test(core)
    found = operations_of(record)
    assert [operation[1:] for operation in found] == list(march_c_minus([*words, 0], core.bank_depth, width))
    # One per cycle, with two cycles of rest after each element.
    depth = core.bank_depth
    slot = 3
    cycles: list[Any] = []
    for _ in range(count + 1):
        for length in (1, 2, 2, 2, 2, 1):
            cycles += range(slot, slot + length * depth)
            slot += length * depth + 2
    assert [operation[0] for operation in found] == cycles
    assert record.cycles("done") == [1 + self_test_cycles(core)]
    assert record.cycles("busy") == list(range(2, 1 + self_test_cycles(core)))


@pytest.mark.parametrize(
    ("name", "cycles", "levels"), [("tiny-8x8", 9 * (10 * 32 + 12), 1), ("ais-56x56", 9 * (10 * 224 + 12), 2)]
)
def test_the_cycles_of_the_presets(make_core: Callable[..., CoreSpec], name: str, cycles: int, levels: int) -> None:
    # What comes on top: the bus and 5 cycles to the array, a tree as deep as the bus and 1 cycle to the counters.
    assert self_test_cycles(make_core(name)) == cycles + levels + 5 + levels + 1


def test_no_word_is_read_and_written_in_one_cycle_and_a_shorter_rest_would_not_do(
    make_core: Callable[..., CoreSpec],
) -> None:
    core = make_core(grid=[3, 2], chunks=2)
    found = operations_of(run_test(core))
    # A memory is read one cycle after the address was given, and written as late as the word is on the bus.
    reads = {(cycle + 1, address) for cycle, kind, address, _ in found if kind == "r"}
    writes = {(cycle + 3, address) for cycle, kind, address, _ in found if kind == "w"}
    assert (len(reads), len(writes)) == (9 * 5 * 6, 9 * 5 * 6)
    assert not reads & writes
    # What a read sees was written by the operations before it, and the next write of that word comes after it.
    for cycle, kind, address, word in found:
        if kind == "r":
            seen = max(other for other in found if other[0] + 3 <= cycle and other[1:3] == ("w", address))
            before = max(other for other in found if other[0] < cycle and other[1:3] == ("w", address))
            assert seen == before
            assert seen[3] == word
    # The third element goes up and ends with a write of the last word, with which the fourth, going down, begins. Its
    # read is given three cycles behind that write: were it one cycle less, the word would be read while it is written.
    last = core.bank_depth - 1
    turns = [
        (cycle, later)
        for (cycle, *operation, _), (later, *following, _) in pairwise(found)
        if (operation, following) == (["w", last], ["r", last])
    ]
    assert [later - cycle for cycle, later in turns] == [3] * 9
    assert all(((later - 1) + 1, last) in writes for _, later in turns)


def test_the_backgrounds() -> None:
    assert [f"{background_word(number, 8):08b}"[::-1] for number in range(4)] == [
        "00000000",
        "01010101",
        "00110011",
        "00001111",
    ]


@pytest.mark.parametrize(
    ("stencil", "bits", "protection", "count"),
    [("box-2", 4, "secded", 9), ("box-2", 4, "none", 8), ([[0, 1]], 4, "none", 5), ([[0, 1]], 5, "none", 6)],
)
def test_any_two_bits_differ_in_some_background(
    make_core: Callable[..., CoreSpec], stencil: Any, bits: int, protection: str, count: int
) -> None:
    core = make_core(stencil=stencil, coupling_dac={"bits": bits}, protection=protection)
    width = core.word_bits + 4 * core.check_bits
    assert backgrounds(core) == count
    columns = [tuple((background_word(number, width) >> bit) & 1 for number in range(count)) for bit in range(width)]
    assert len(set(columns)) == width


@pytest.mark.parametrize("hold", [1, 2, 17])
def test_it_waits_while_it_is_held(make_core: Callable[..., CoreSpec], hold: int) -> None:
    core = make_core(grid=[2, 2], chunks=1)
    record = run_test(core, hold)
    # `hold` is high in cycles 1 (with `start`) to 1 + hold.
    assert record.cycles("done") == [1 + hold + self_test_cycles(core)]
    assert operations_of(record)[0][0] == 3 + hold


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 50, 51, 150])
def test_halt_ends_at_once_and_a_new_test_begins_anew(make_core: Callable[..., CoreSpec], after: int) -> None:
    core = make_core(grid=[2, 2], chunks=1)
    march = MarchTest(core)
    recorder = Recorder.of(march, *NAMES)

    async def bench(context: Any) -> None:
        context.set(march.start, 1)
        await context.tick()
        context.set(march.start, 0)
        await wait(context, after)
        context.set(march.halt, 1)
        await context.tick()
        context.set(march.halt, 0)
        await wait(context, 50)
        context.set(march.start, 1)
        await context.tick()
        # Another start in the midst of it is ignored.
        await wait(context, 20)
        context.set(march.start, 0)
        while not context.get(march.done):
            await context.tick()
        await context.tick()

    simulate(march, bench, background=[recorder.watch])
    again = 1 + after + 1 + 50
    for name in ("read", "write", "busy", "done"):
        assert not set(recorder.cycles(name)) & set(range(after + 2, again + 1)), name
    assert recorder.cycles("done") == [again + self_test_cycles(core)]
    found = [operation[1:3] for operation in operations_of(recorder) if operation[0] > again]
    assert len(found) == 9 * 10 * 2
    assert found[:4] == [("w", 0), ("w", 1), ("r", 0), ("w", 0)]


# Memories with faults: each kind of fault that March C- finds, planted in a model of a memory.


@dataclass
class FaultyMemory:
    """A memory that behaves as a list of words, but for one fault.

    Parameters
    ----------
    depth, width : int
    stuck : (cell, value), optional
        The cell holds that value for ever.
    transition : (cell, value), optional
        The cell cannot change to that value.
    coupling : (aggressor, rises, victim, effect), optional
        When the aggressor changes, up or down, the victim is forced to 0 or 1, or inverted. In a word that is being
        written the effect comes after the write.
    decoder : dict of int to tuple of int
        Words that an address really selects; several are read as their "or", none as zeros.
    """

    depth: int
    width: int
    stuck: tuple[Cell, int] | None = None
    transition: tuple[Cell, int] | None = None
    coupling: tuple[Cell, bool, Cell, str] | None = None
    decoder: dict[int, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.words = [0] * self.depth
        self._settle()

    def _settle(self) -> None:
        if self.stuck is not None:
            (address, bit), value = self.stuck
            self.words[address] = self.words[address] & ~(1 << bit) | value << bit

    def write(self, address: int, word: int) -> None:
        before = list(self.words)
        for row in self.decoder.get(address, (address,)):
            written = word
            if self.transition is not None:
                (place, bit), value = self.transition
                if place == row and (word >> bit) & 1 == value != (before[row] >> bit) & 1:
                    written ^= 1 << bit
            self.words[row] = written
        if self.coupling is not None:
            (place, bit), rises, (other, position), effect = self.coupling
            change = (before[place] >> bit) & 1, (self.words[place] >> bit) & 1
            if change == ((0, 1) if rises else (1, 0)):
                mask = 1 << position
                kept = self.words[other]
                self.words[other] = {"0": kept & ~mask, "1": kept | mask, "invert": kept ^ mask}[effect]
        self._settle()

    def read(self, address: int) -> int:
        word = 0
        for row in self.decoder.get(address, (address,)):
            word |= self.words[row]
        return word


DEPTH, WIDTH = 6, 13


@pytest.fixture(scope="module")
def sequence(make_core: Callable[..., CoreSpec]) -> list[tuple[str, int, int]]:
    """What the component does to a memory of 6 words of 13 bits: the low bits of its word."""
    core = make_core(grid=[3, 2], chunks=2, protection="none", stencil=[[0, 1]], coupling_dac={"bits": 2})
    assert (core.bank_depth, core.word_bits) == (DEPTH, 14)
    return [(kind, address, word % 2**WIDTH) for _, kind, address, word in operations_of(run_test(core))]


def failures(memory: FaultyMemory, sequence: list[tuple[str, int, int]]) -> set[Cell]:
    """Cells that are read as something else than was written."""
    found = set()
    for kind, address, word in sequence:
        if kind == "w":
            memory.write(address, word)
            continue
        wrong = memory.read(address) ^ word
        found |= {(address, bit) for bit in range(memory.width) if (wrong >> bit) & 1}
    return found


def cells() -> list[Cell]:
    return [(address, bit) for address in range(DEPTH) for bit in (0, 1, 6, 12)]


def test_a_memory_without_faults_passes(sequence: list[tuple[str, int, int]]) -> None:
    assert failures(FaultyMemory(DEPTH, WIDTH), sequence) == set()


@pytest.mark.parametrize("value", [0, 1])
def test_stuck_and_transition_faults_are_found_where_they_are(sequence: list[tuple[str, int, int]], value: int) -> None:
    for cell in cells():
        assert failures(FaultyMemory(DEPTH, WIDTH, stuck=(cell, value)), sequence) == {cell}
        assert failures(FaultyMemory(DEPTH, WIDTH, transition=(cell, value)), sequence) == {cell}


@pytest.mark.parametrize("effect", ["0", "1", "invert"])
@pytest.mark.parametrize("rises", [False, True])
def test_every_coupling_between_two_cells_is_found_at_the_victim(
    sequence: list[tuple[str, int, int]], effect: str, rises: bool
) -> None:
    generator = random.Random(7)
    pairs = [(one, other) for one in cells() for other in cells() if one != other]
    # Within a word all pairs, of bits that are neighbours and of others; between words a sample.
    inside = [(one, other) for one, other in pairs if one[0] == other[0]]
    between = generator.sample([pair for pair in pairs if pair not in inside], 60)
    for aggressor, victim in (*inside, *between):
        memory = FaultyMemory(DEPTH, WIDTH, coupling=(aggressor, rises, victim, effect))
        assert failures(memory, sequence) == {victim}, (aggressor, victim)


def test_the_solid_background_alone_does_not_find_coupling_inside_a_word(
    sequence: list[tuple[str, int, int]],
) -> None:
    solid = sequence[-10 * DEPTH :]
    assert {word for _, _, word in solid} == {0, 2**WIDTH - 1}
    memory = FaultyMemory(DEPTH, WIDTH, coupling=((2, 3), True, (2, 9), "1"))
    assert failures(memory, solid) == set()
    memory = FaultyMemory(DEPTH, WIDTH, coupling=((2, 3), True, (4, 9), "1"))
    assert failures(memory, solid) == {(4, 9)}


@pytest.mark.parametrize("selected", [(), (3,), (4,), (1, 4), (0, 1)])
def test_address_decoder_faults_are_found(sequence: list[tuple[str, int, int]], selected: tuple[int, ...]) -> None:
    # Address 1 selects no word, another one, or two.
    found = failures(FaultyMemory(DEPTH, WIDTH, decoder={1: selected}), sequence)
    assert found
    assert {address for address, _ in found} <= {1, *selected}
