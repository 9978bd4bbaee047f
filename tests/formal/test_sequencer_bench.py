from __future__ import annotations

import re

import pytest
from amaranth.hdl import Const, Module, Signal
from amaranth.sim import Simulator

import oscc.rtl.schedule.sequencer
from formal.sby import design_text
from formal.sequencer_bench import sequencer_bench, small_memory, stable_schedule, word_at


def test_a_small_memory_lasts_as_long_as_it_says() -> None:
    small, whole = Module(), Module()
    with small_memory(4):
        assert len(sequencer_bench(small).sequencer.fetch.address) == 2
    assert len(sequencer_bench(whole).sequencer.fetch.address) == 6
    # The counters of the repeats are as many.
    assert "size 4" in design_text(small)
    assert "size 64" in design_text(whole)


def test_a_small_memory_ends_with_an_error_too() -> None:
    with pytest.raises(RuntimeError), small_memory(4):
        raise RuntimeError
    assert oscc.rtl.schedule.sequencer.__dict__["SCHEDULE_DEPTH"] == 64


def test_the_bench_shows_the_parts_of_the_sequencer() -> None:
    m = Module()
    bench = sequencer_bench(m)
    assert {"Sequencer", "InstructionFetch", "ScheduleCheck"} <= set(bench.inside)
    assert bench.inside["Sequencer"].component is bench.sequencer
    assert design_text(m)


def test_a_stable_schedule_is_chosen_once_and_nothing_behind_it_is() -> None:
    m = Module()
    bench = sequencer_bench(m)
    words = stable_schedule(m, bench, 3, 2, 1)
    text = design_text(m)
    assert len(words) == 3
    for name, width in (("operation", 3), ("operand", 2), ("count", 1)):
        for number in range(3):
            assert re.search(rf"cell \$anyconst .*\n.*WIDTH {width}\n.*\\{name}_{number}\b", text)
    assert re.search(r"cell \$anyseq .*\n.*WIDTH 32\n.*\\beyond\b", text)
    assert 'FLAVOR "assume"' in text


@pytest.mark.parametrize(("place", "expected"), [(0, 11), (2, 13), (3, 13)])
def test_the_word_at_a_place(place: int, expected: int) -> None:
    m = Module()
    at, words = Signal(2, init=place), [Signal(32, init=value, name=f"w{value}") for value in (11, 12, 13)]
    found = word_at(m, words, at, "found")
    result = Signal(32)
    m.d.comb += result.eq(found + Const(0))

    async def look(context: object) -> None:
        await context.delay(1e-9)  # type: ignore[attr-defined]
        assert context.get(result) == expected  # type: ignore[attr-defined]

    simulator = Simulator(m)
    simulator.add_testbench(look)
    simulator.run()
