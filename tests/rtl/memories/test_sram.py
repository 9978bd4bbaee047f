# amaranth: UnusedElaboratable=no
from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Fragment
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from oscc.rtl.bench.simulation import simulate
from oscc.rtl.memories.sram import SIMULATED, Sram1R1W


def test_a_word_is_read_one_cycle_after_its_address_and_kept() -> None:
    sram = Sram1R1W(5, 7)

    async def bench(context: Any) -> None:
        context.set(sram.write_enable, 1)
        for address in range(5):
            context.set(sram.write_address, address)
            context.set(sram.write_data, 0x70 + address)
            await context.tick()
        context.set(sram.write_enable, 0)
        context.set(sram.write_data, 1)
        await context.tick()
        context.set(sram.read_enable, 1)
        context.set(sram.read_address, 4)
        await context.tick()
        assert context.get(sram.read_data) == 0x74
        context.set(sram.read_enable, 0)
        context.set(sram.read_address, 0)
        await context.tick()
        assert context.get(sram.read_data) == 0x74
        assert [context.get(row) for row in sram.data] == [0x70 + address for address in range(5)]

    simulate(sram, bench)


def test_lanes_are_written_alone() -> None:
    sram, generator = Sram1R1W(4, 27, 9), random.Random(1)
    words = [0] * 4

    async def bench(context: Any) -> None:
        context.set(sram.write_enable, 1)
        for _ in range(60):
            address, mask, data = generator.randrange(4), generator.randrange(8), generator.getrandbits(27)
            enable = generator.randrange(4) > 0
            lanes = sum(0x1FF << (9 * lane) for lane in range(3) if mask >> lane & enable)
            words[address] = (words[address] & ~lanes) | (data & lanes)
            context.set(sram.write_enable, enable)
            context.set(sram.write_address, address)
            context.set(sram.write_mask, mask)
            context.set(sram.write_data, data)
            await context.tick()
            assert [context.get(row) for row in sram.data] == words

    simulate(sram, bench)


def trace_of(sram: Sram1R1W, platform: object) -> list[tuple[int, ...]]:
    """The word that is read, and all words, cycle by cycle, for the same random inputs."""
    generator = random.Random(7)
    inputs = [getattr(sram, name) for name, member in sram.signature.members.items() if member.flow == In]
    trace = []

    async def bench(context: Any) -> None:
        for _ in range(200):
            for signal in inputs:
                context.set(signal, generator.randrange(sram.words if "address" in signal.name else 1 << len(signal)))
            await context.tick()
            trace.append((context.get(sram.read_data), *(context.get(row) for row in sram.data)))

    simulator = Simulator(Fragment.get(sram, platform))
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return trace


@pytest.mark.parametrize("shape", [(5, 12, None), (8, 27, 9)])
def test_what_the_simulator_runs_fast_is_what_is_emitted(shape: tuple[int, int, int | None]) -> None:
    emitted = trace_of(Sram1R1W(*shape), None)
    assert trace_of(Sram1R1W(*shape), SIMULATED) == emitted
    assert len(set(emitted)) > 50


def test_the_repair_chain_passes_through_and_the_test_pins_change_nothing() -> None:
    sram = Sram1R1W(4, 8)

    async def bench(context: Any) -> None:
        context.set(sram.test, 0xFF)
        context.set(sram.repair_shift, 1)
        for bit in (1, 0, 1):
            context.set(sram.repair_in, bit)
            assert context.get(sram.repair_out) == bit
        context.set(sram.write_enable, 1)
        context.set(sram.write_data, 9)
        await context.tick()
        assert context.get(sram.data[0]) == 9

    simulate(sram, bench)


@pytest.mark.parametrize(
    ("shape", "suffix"),
    [
        ((224, 108, None), "sram_1r1w_224x108"),
        ((224, 36, 9), "sram_1r1w_224x36_lanes9"),
        ((64, 32, 8), "sram_1r1w_64x32_lanes8"),
    ],
)
def test_each_shape_has_a_module_of_its_own(shape: tuple[int, int, int | None], suffix: str) -> None:
    sram = Sram1R1W(*shape)
    Fragment.get(sram, None)
    assert sram.module_suffix == suffix
    # One without lanes has no mask.
    assert ("write_mask" in sram.signature.members) == (shape[2] is not None)


@pytest.mark.parametrize(("words", "bits", "lane_bits"), [(1, 8, None), (4, 0, None), (4, 8, 3)])
def test_a_memory_that_does_not_exist(words: int, bits: int, lane_bits: int | None) -> None:
    with pytest.raises(ValueError, match=f"no memory has {words} words of {bits} bits in lanes of {lane_bits or bits}"):
        Sram1R1W(words, bits, lane_bits)
