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
from oscc.rtl.weights.weight_bank import WeightBank
from oscc.rtl.weights.weight_bus import READ_STAGES
from oscc.rtl.weights.weight_group import WeightGroup, weight_groups


def bank_columns(group: WeightGroup) -> dict[int, int]:
    """Columns of every bank below a group, by the first one; and that no register drives more than eight things."""
    found: dict[int, int] = {}
    for first, part in group.parts.items():
        if isinstance(part, WeightBank):
            found[first] = len(part.memories)
        else:
            found |= {first + inner: columns for inner, columns in bank_columns(part).items()}
    assert len(group.parts) <= 8
    return found


@pytest.mark.parametrize(("cols", "levels"), [(1, 1), (8, 1), (9, 2), (56, 2), (64, 2), (65, 3), (150, 3)])
def test_every_column_has_its_bank_at_the_end_of_a_tree_of_the_right_depth(
    make_core: Callable[..., CoreSpec], cols: int, levels: int
) -> None:
    core = make_core(grid=[2, cols], chunks=1, protection="none")
    assert core.bus_levels == levels
    groups = weight_groups(core, cols, levels)
    # The head of the tree is one register.
    ((start, head),) = groups.items()
    assert start == 0
    Fragment.get(head, None)
    depth = 0
    part: object = head
    while isinstance(part, WeightGroup):
        depth, part = depth + 1, next(iter(part.parts.values()))
    assert depth == levels
    found = bank_columns(head)
    # Four columns a bank, and what remains in the last one.
    assert found == {first: min(4, cols - first) for first in range(0, cols, 4)}


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize(("columns", "levels"), [(6, 1), (13, 2)])
def test_rows_come_as_many_cycles_later_as_there_are_levels(
    make_core: Callable[..., CoreSpec], protection: str, columns: int, levels: int
) -> None:
    core = make_core(grid=[3, 80], chunks=1, protection=protection)
    group = WeightGroup(core, columns, levels)
    generator = random.Random(columns)
    words = [[generator.getrandbits(108) for _ in range(3)] for _ in range(columns)]
    recorder = Recorder(data=group.row_data)
    starts: list[int] = []

    async def bench(context: Any) -> None:
        bus = group.bus
        for column in range(columns):
            for address in range(3):
                context.set(bus.write_enable, 1 << column)
                context.set(bus.write_address, address)
                # Check bits are not looked at here: the words are read without the decoders' being right.
                context.set(bus.write_word, words[column][address])
                await context.tick()
        context.set(bus.write_enable, 0)
        starts.append(len(recorder))
        for cycle in range(3 + READ_LATENCY):
            context.set(bus.read_address, min(cycle, 2))
            enables = (int(0 <= cycle - age < 3) for age in READ_STAGES)
            context.set(bus.read_stages, sum(on << stage for stage, on in enumerate(enables)))
            await context.tick()
        context.set(bus.read_stages, 0)
        await wait(context, levels + 1)

    simulate(group, bench, background=[recorder.watch])
    # Five cycles in a bank.
    given = starts[0] + levels + 5
    for address in range(3):
        row = recorder.values("data")[given + address]
        for column in range(columns):
            read = (row >> (108 * column)) % 2**108
            # With check bits of zeros the decoder may flip one bit of data at most.
            assert (read ^ words[column][address]).bit_count() <= (protection == "secded")


def test_the_register_takes_only_what_is_for_its_columns(tiny_core: CoreSpec) -> None:
    group = WeightGroup(tiny_core, 8)
    bank = next(iter(group.parts.values()))
    recorder = Recorder(
        word=bank.bus.write_word,
        write_address=bank.bus.write_address,
        read_address=bank.bus.read_address,
        enable=bank.bus.write_enable,
    )
    one = {"write_enable": 0b10}
    steps: list[dict[str, int]] = [{}, one, {"write_all": 1}, {"repair": 1}, {"compare": 1}, {"read_stages": 1}, {}, {}]

    async def bench(context: Any) -> None:
        for number, step in enumerate(steps):
            for name in ("write_enable", "write_all", "repair", "compare", "read_stages"):
                context.set(getattr(group.bus, name), step.get(name, 0))
            for name in ("write_word", "write_address", "read_address"):
                context.set(getattr(group.bus, name), number + 1)
            await context.tick()

    simulate(group, bench, background=[recorder.watch])
    assert recorder.values("word") == [0, 0, 2, 3, 3, 5, 5, 5]
    assert recorder.values("write_address") == [0, 0, 2, 3, 4, 4, 4, 4]
    assert recorder.values("read_address") == [0, 0, 0, 0, 0, 0, 6, 6]
    assert recorder.values("enable") == [0, 0, 2, 0, 0, 0, 0, 0]
