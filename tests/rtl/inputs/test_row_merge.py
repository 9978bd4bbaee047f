# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from typing import Any

from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.inputs.row_merge import RowMerge

CORE = load_core("tiny-8x8").changed(
    grid=[4, 5], readout={"step": [1, 1]}, field_dac={"bits": 6, "full_scale_rad_s": 1e6}
)
LAYOUT = (*[CORE.coupling_dac.bits] * CORE.slots, CORE.shil_dac.bits, 6, CORE.detuning_dac.bits)
"""Widths of the codes of a word, from bit 0 up (docs/formats.md)."""
FIELD = CORE.slots + 1
MARK = 1 << 5


def pack(words: list[list[int]]) -> int:
    value, place = 0, 0
    for word in words:
        for code, width in zip(word, LAYOUT, strict=True):
            value |= code << place
            place += width
    return value


def test_marked_fields_alone_are_replaced() -> None:
    merge, generator = RowMerge(CORE), random.Random(4)

    async def bench(context: Any) -> None:
        for _ in range(200):
            words = [[generator.randrange(2**width) for width in LAYOUT] for _ in range(5)]
            marked = [generator.random() < 0.5 for _ in range(5)]
            for word, is_marked in zip(words, marked, strict=True):
                word[FIELD] = MARK if is_marked else generator.choice([code for code in range(64) if code != MARK])
            codes = [generator.randrange(64) for _ in range(5)]
            bad = [generator.random() < 0.2 for _ in range(5)]
            merges, strobe = generator.random() < 0.7, generator.random() < 0.7
            context.set(merge.row, pack(words))
            context.set(merge.strobe, strobe)
            context.set(merge.merge, merges)
            context.set(merge.codes, sum(code << (6 * column) for column, code in enumerate(codes)))
            context.set(merge.bad, sum(is_bad << column for column, is_bad in enumerate(bad)))
            await context.tick()
            for column, word in enumerate(words):
                if marked[column]:
                    word[FIELD] = codes[column] if merges else 0
            assert context.get(merge.data) == pack(words)
            assert context.get(merge.data_strobe) == strobe
            wrong = any(mark and is_bad for mark, is_bad in zip(marked, bad, strict=True))
            assert context.get(merge.fault) == (strobe and merges and wrong)

    simulate(merge, bench)
