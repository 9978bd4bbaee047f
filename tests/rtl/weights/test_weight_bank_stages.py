from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.latencies import READ_LATENCY
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.prepared import prepared
from oscc.rtl.weights.weight_bank import WeightBank, lane_bits
from tests.rtl.weights.weight_bank_bench import enables, fill, read, recorded


@pytest.mark.parametrize("protection", ["secded", "none"])
def test_an_idle_bank_does_not_toggle(make_core: Callable[..., CoreSpec], protection: str) -> None:
    core = make_core(protection=protection)
    bank, simulation = prepared(WeightBank, core, 1)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, core, [7, 8, 9])
        await read(context, bank, [1])
        for address in (0, 2, 0, 2, 0, 2):
            context.set(bank.bus.read_address, address)
            await context.tick()

    simulation.run(bench, background=[recorder.watch])
    assert recorder.values("data")[3 + READ_LATENCY :] == [8] * (len(recorder) - 3 - READ_LATENCY)


@pytest.mark.parametrize("stage", range(4))
def test_every_stage_waits_for_its_enable(tiny_core: CoreSpec, stage: int) -> None:
    bank, simulation = prepared(WeightBank, tiny_core, 1)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, tiny_core, [7, 8])
        await read(context, bank, [0])
        # The same for the other word, with one stage left out, and with all.
        context.set(bank.bus.read_address, 1)
        for left_out in (1 << stage, 0):
            for cycle in range(READ_LATENCY):
                context.set(bank.bus.read_stages, enables([0] * cycle + [1]) & ~left_out)
                await context.tick()
            context.set(bank.bus.read_stages, 0)
            await context.tick()

    simulation.run(bench, background=[recorder.watch])
    # Each of the last two reads took five cycles and one more, in which its word is there.
    data = recorder.values("data")
    assert (data[-7], data[-1]) == (7, 8)


@pytest.mark.parametrize("protection", ["secded", "none"])
@pytest.mark.parametrize("syndrome", [3, 4, 9])
def test_a_register_behind_the_memory_takes_the_word_in_every_cycle(
    make_core: Callable[..., CoreSpec], protection: str, syndrome: int
) -> None:
    bank, simulation = prepared(WeightBank, make_core(protection=protection), 1)
    recorder = recorded(bank)

    async def bench(context: Any) -> None:
        await fill(context, bank, make_core(protection=protection), [7, 8])
        # Word 0 is read, and word 1 one cycle behind: the memory holds it when the word before it is decoded, in the
        # cycle that is meant for that, and the register gives it to whoever decodes later.
        for cycle in range(syndrome + 2):
            stages = {0: 0b0001, 1: 0b0011, 2: 0b0010}.get(cycle, 0)
            stages |= {syndrome: 0b0100, syndrome + 1: 0b1000}.get(cycle, 0)
            context.set(bank.bus.read_address, min(cycle, 1))
            context.set(bank.bus.read_stages, stages)
            await context.tick()
        await context.tick()

    simulation.run(bench, background=[recorder.watch])
    assert recorder.values("data")[-1] == (7 if syndrome == 3 else 8)
    assert recorder.cycles("corrected") == recorder.cycles("uncorrectable") == []


@pytest.mark.parametrize(
    ("stencil", "coupling_bits", "check_bits", "lane"),
    [("king", 2, 7, 9), ("box-2", 4, 8, 9), ("box-2", 8, 9, 9), ("box-3", 8, 10, 18)],
)
def test_the_part_of_a_column_in_the_check_memory_is_whole_bytes_of_nine_bits(
    make_core: Callable[..., CoreSpec], stencil: str, coupling_bits: int, check_bits: int, lane: int
) -> None:
    core = make_core(stencil=stencil, coupling_dac={"bits": coupling_bits})
    assert (core.check_bits, lane_bits(core)) == (check_bits, lane)
