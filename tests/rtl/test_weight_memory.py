from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from oscc.compiler.spec import CoreSpec
from oscc.rtl import weight_memory
from oscc.rtl.secded import SecdedCode
from oscc.rtl.simulation import Recorder, simulate
from oscc.rtl.weight_bank import READ_LATENCY, WeightBank
from oscc.rtl.weight_memory import WeightMemory


def row_by_row(
    core: CoreSpec, words: list[list[int]], flips: dict[tuple[int, int], int], monkeypatch: pytest.MonkeyPatch
) -> Recorder:
    """Write words[column][address], spoil some of them, read every address in turn."""
    banks: list[WeightBank] = []

    class SeenBank(WeightBank):
        def __init__(self, core: CoreSpec) -> None:
            super().__init__(core)
            banks.append(self)

    monkeypatch.setattr(weight_memory, "WeightBank", SeenBank)
    memory = WeightMemory(core)
    recorder = Recorder(data=memory.row_data, corrected=memory.corrected, uncorrectable=memory.uncorrectable)

    async def bench(context: Any) -> None:
        for column, bank in enumerate(words):
            for address, word in enumerate(bank):
                context.set(memory.write_enable, 1 << column)
                context.set(memory.write_address, address)
                context.set(memory.write_word, word)
                await context.tick()
        context.set(memory.write_enable, 0)
        for (column, address), flip in flips.items():
            row = banks[column].memory.data[address]
            context.set(row, context.get(row) ^ flip)
        for cycle in range(core.bank_depth + READ_LATENCY):
            context.set(memory.read_address, min(cycle, core.bank_depth - 1))
            enables = (int(0 <= cycle - stage < core.bank_depth) for stage in range(READ_LATENCY))
            context.set(memory.read_stages, sum(on << stage for stage, on in enumerate(enables)))
            await context.tick()
        await context.tick()

    simulate(memory, bench, background=[recorder.watch])
    return recorder


def test_an_address_reads_a_whole_row_column_0_lowest(
    make_core: Callable[..., CoreSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(grid=[3, 5], chunks=2, protection="none")
    generator = random.Random(0)
    words = [[generator.getrandbits(core.word_bits) for _ in range(core.bank_depth)] for _ in range(core.cols)]
    record = row_by_row(core, words, {}, monkeypatch)
    first = core.cols * core.bank_depth + READ_LATENCY
    for address in range(core.bank_depth):
        expected = sum(words[column][address] << (column * core.word_bits) for column in range(core.cols))
        assert record.values("data")[first + address] == expected
    assert record.cycles("corrected") == record.cycles("uncorrectable") == []


def test_each_bank_reports_what_it_found(make_core: Callable[..., CoreSpec], monkeypatch: pytest.MonkeyPatch) -> None:
    core = make_core(grid=[3, 5], chunks=1)
    # A word of zeros has check bits of zeros.
    words = [[0] * core.bank_depth for _ in range(core.cols)]
    record = row_by_row(core, words, {(1, 0): 1, (4, 0): 3, (2, 2): 1 << 115, (3, 2): 1 << 7}, monkeypatch)
    first = core.cols * core.bank_depth + READ_LATENCY
    assert SecdedCode(core.word_bits).check_bits == core.check_bits == 8
    assert record.values("corrected")[first : first + 3] == [0b00010, 0, 0b01100]
    assert record.values("uncorrectable")[first : first + 3] == [0b10000, 0, 0]
    data = record.values("data")
    assert data[first + 1 : first + 3] == [0, 0]
    # What is wrong in one bank does not reach another.
    assert data[first] & ((1 << (4 * core.word_bits)) - 1) == 0
