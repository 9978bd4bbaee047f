# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.inputs.input_memory import INPUT_READ_LATENCY, InputMemory

BITS = 5


def core(rows: int, cols: int) -> CoreSpec:
    return load_core("tiny-8x8").changed(
        grid=[rows, cols], readout={"step": [1, 1]}, field_dac={"bits": BITS, "full_scale_rad_s": 1e6}
    )


async def read(context: Any, memory: InputMemory, buffer: int, row: int) -> tuple[list[int], list[int]]:
    """Codes of a row, and the columns with a wrong parity."""
    context.set(memory.read, 1)
    context.set(memory.read_buffer, buffer)
    context.set(memory.read_row, row)
    await context.tick()
    context.set(memory.read, 0)
    for _ in range(INPUT_READ_LATENCY - 1):
        await context.tick()
    codes, bad = context.get(memory.codes), context.get(memory.bad)
    columns = len(memory.bad)
    return [codes >> (BITS * column) & (2**BITS - 1) for column in range(columns)], [
        column for column in range(columns) if bad >> column & 1
    ]


@pytest.mark.parametrize(("rows", "cols"), [(3, 4), (5, 6), (8, 9)])
def test_each_buffer_gives_what_was_written_to_it(rows: int, cols: int) -> None:
    memory, generator = InputMemory(core(rows, cols)), random.Random(rows)
    written: dict[tuple[int, int, int], int] = {}

    async def bench(context: Any) -> None:
        for _ in range(8 * rows * cols):
            place = (generator.randrange(2), generator.randrange(rows), generator.randrange(cols))
            code = generator.randrange(2**BITS)
            for name, value in zip(("buffer", "row", "column", "code"), (*place, code), strict=True):
                context.set(getattr(memory, f"write_{name}"), value)
            enabled = generator.random() < 0.8
            context.set(memory.write, enabled)
            if enabled:
                written[place] = code
            await context.tick()
        context.set(memory.write, 0)
        await context.tick()
        for buffer in range(2):
            for row in range(rows):
                codes, bad = await read(context, memory, buffer, row)
                for column in range(cols):
                    expected = written.get((buffer, row, column))
                    # A memory of zeros has the wrong parity.
                    assert (column in bad) == (expected is None)
                    assert codes[column] == (expected or 0)

    simulate(memory, bench)


def test_any_flipped_bit_is_found() -> None:
    memory = InputMemory(core(3, 4))

    async def bench(context: Any) -> None:
        for column in range(4):
            for name, value in (("buffer", 1), ("row", 2), ("column", column), ("code", 9 + column)):
                context.set(getattr(memory, f"write_{name}"), value)
            context.set(memory.write, 1)
            await context.tick()
        context.set(memory.write, 0)
        await context.tick()
        stored = memory.memories[0].data[3 + 2]
        good = context.get(stored)
        assert (await read(context, memory, 1, 2))[1] == []
        for column in range(4):
            for bit in range(BITS + 1):
                context.set(stored, good ^ 1 << (9 * column + bit))
                assert (await read(context, memory, 1, 2))[1] == [column]

    simulate(memory, bench)
