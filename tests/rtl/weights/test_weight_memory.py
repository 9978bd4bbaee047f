from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Fragment

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate, wait
from oscc.rtl.weights.secded import SecdedCode
from oscc.rtl.weights.weight_bus import COMPARE_STAGES, READ_STAGES
from oscc.rtl.weights.weight_memory import WeightMemory


def row_by_row(
    core: CoreSpec, words: list[list[int]], flips: dict[tuple[int, int], int], wrong: int = 0
) -> tuple[Recorder, int]:
    """Write words[column][address], spoil some of them, read every address in turn; the cycle of the first row.

    ``flips``: a mask over data and check bits by (column, address). ``wrong``: what the rows are compared with.
    """
    memory = WeightMemory(core)
    recorder = Recorder(
        data=memory.row_data,
        corrected=memory.corrected,
        uncorrectable=memory.uncorrectable,
        mismatch=memory.mismatch,
    )
    starts: list[int] = []

    async def bench(context: Any) -> None:
        bus = memory.bus
        for column, bank in enumerate(words):
            for address, word in enumerate(bank):
                context.set(bus.write_enable, 1 << column)
                context.set(bus.write_address, address)
                context.set(bus.write_word, word)
                await context.tick()
        context.set(bus.write_enable, 0)
        await wait(context, core.bus_levels)
        for (column, address), flip in flips.items():
            holder, number = memory.bank(column)
            row = holder.memories[number].data[address]
            context.set(row, context.get(row) ^ flip % 2**core.word_bits)
            if flip >> core.word_bits:
                assert holder.checks is not None
                row = holder.checks.data[address]
                context.set(row, context.get(row) ^ (flip >> core.word_bits) << (9 * number))
        starts.append(len(recorder))
        context.set(bus.write_word, wrong)
        for cycle in range(core.bank_depth + READ_LATENCY):
            context.set(bus.read_address, min(cycle, core.bank_depth - 1))
            for enables, ages in ((bus.read_stages, READ_STAGES), (bus.compare, COMPARE_STAGES)):
                given = [0 <= cycle - age < core.bank_depth for age in ages]
                context.set(enables, sum(on << stage for stage, on in enumerate(given)))
            await context.tick()
        await wait(context, core.bus_levels + 1)

    simulate(memory, bench, background=[recorder.watch])
    # Five cycles in a bank.
    return recorder, starts[0] + core.bus_levels + 5


@pytest.mark.parametrize("cols", [5, 12, 67])
def test_an_address_reads_a_whole_row_column_0_lowest(make_core: Callable[..., CoreSpec], cols: int) -> None:
    core = make_core(grid=[2, cols], chunks=2, protection="none")
    generator = random.Random(0)
    words = [[generator.getrandbits(core.word_bits) for _ in range(core.bank_depth)] for _ in range(core.cols)]
    record, first = row_by_row(core, words, {})
    for address in range(core.bank_depth):
        expected = sum(words[column][address] << (column * core.word_bits) for column in range(core.cols))
        assert record.values("data")[first + address] == expected
    assert record.cycles("corrected") == record.cycles("uncorrectable") == []


def test_each_bank_reports_what_it_found(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[3, 11], chunks=1)
    # A word of zeros has check bits of zeros.
    words = [[0] * core.bank_depth for _ in range(core.cols)]
    flips = {(1, 0): 1, (4, 0): 3, (2, 2): 1 << 115, (3, 2): 1 << 7, (10, 0): 1 << 60, (10, 1): 1 << 3 | 1 << 110}
    record, first = row_by_row(core, words, flips)
    assert SecdedCode(core.word_bits).check_bits == core.check_bits == 8
    assert record.values("corrected")[first : first + 3] == [1 << 1 | 1 << 10, 0, 0b01100]
    assert record.values("uncorrectable")[first : first + 3] == [1 << 4, 1 << 10, 0]
    # Raw words: whatever is flipped, data or check bits, correctable or not.
    assert record.values("mismatch")[first : first + 3] == [1 << 1 | 1 << 4 | 1 << 10, 1 << 10, 0b01100]
    data = record.values("data")
    assert data[first + 2] == 0
    # What is wrong in one bank does not reach another.
    assert data[first] & ((1 << (4 * core.word_bits)) - 1) == data[first] >> (5 * core.word_bits) == 0


@pytest.mark.parametrize("cols", [4, 9, 70])
def test_the_bank_of_a_column(make_core: Callable[..., CoreSpec], cols: int) -> None:
    memory = WeightMemory(make_core(grid=[2, cols], chunks=1))
    Fragment.get(memory, None)
    # One register at the head, so that what drives the bus drives nothing else.
    assert list(memory.groups) == [0]
    banks = [memory.bank(column) for column in range(cols)]
    assert [number for _, number in banks] == [column % 4 for column in range(cols)]
    assert len({id(bank) for bank, _ in banks}) == -(-cols // 4)
    assert all(bank is banks[column // 4 * 4][0] for column, (bank, _) in enumerate(banks))
