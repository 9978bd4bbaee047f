"""What drives a weight bank, for the tests of several files."""

from __future__ import annotations

import random
from typing import Any

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.weights.weight_bank import WeightBank
from oscc.rtl.weights.weight_bus import READ_STAGES


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
    """A word as the bus carries it: the check bits once for each of four columns."""
    if core.protection == "none":
        return data
    word, lanes = protect(data, core.word_bits), 0
    for lane in range(4):
        lanes |= (word >> core.word_bits) << (lane * core.check_bits)
    return data | lanes << core.word_bits


def recorded(bank: WeightBank) -> Recorder:
    return Recorder(
        data=bank.row_data, corrected=bank.corrected, uncorrectable=bank.uncorrectable, mismatch=bank.mismatch
    )


async def write(context: Any, bank: WeightBank, core: CoreSpec, column: int, address: int, data: int) -> None:
    context.set(bank.bus.write_enable, 1 << column)
    context.set(bank.bus.write_address, address)
    context.set(bank.bus.write_word, stored(core, data))
    await context.tick()
    context.set(bank.bus.write_enable, 0)


async def fill(context: Any, bank: WeightBank, core: CoreSpec, words: list[int], column: int = 0) -> None:
    for address, word in enumerate(words):
        await write(context, bank, core, column, address, word)


def enables(given: list[int], stages: tuple[int, ...] = READ_STAGES) -> int:
    """The enables of the stages, of what was given in this cycle and those before, the latest first."""
    return sum(given[age] << stage for stage, age in enumerate(stages) if age < len(given))


async def read(context: Any, bank: WeightBank, addresses: list[int | None]) -> None:
    """Give an address, or none, in each cycle, and the enables that belong to them."""
    given: list[int] = []
    for address in [*addresses, *[None] * READ_LATENCY]:
        given = [int(address is not None), *given][:READ_LATENCY]
        if address is not None:
            context.set(bank.bus.read_address, address)
        context.set(bank.bus.read_stages, enables(given))
        await context.tick()


def random_words(core: CoreSpec, seed: int) -> list[int]:
    generator = random.Random(seed)
    return [generator.getrandbits(core.word_bits) for _ in range(core.bank_depth)]


def flip(context: Any, bank: WeightBank, core: CoreSpec, column: int, address: int, bit: int) -> None:
    """Flip a bit of a protected word where it is kept."""
    memory = bank.memories[column]
    if bit >= core.word_bits:
        assert bank.checks is not None
        memory, bit = bank.checks, column * 9 + bit - core.word_bits
    row = memory.data[address]
    context.set(row, context.get(row) ^ (1 << bit))
