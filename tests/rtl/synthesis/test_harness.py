from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from amaranth.hdl import Shape
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import host_members
from oscc.rtl.synthesis.harness import (
    Fold,
    boundary_ports,
    control_plane_module_name,
    fold_stages,
    harness_module_name,
    harness_verilog,
)


@pytest.fixture(scope="module")
def small(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    return make_core(name="small", grid=[3, 3], stencil="king", chunks=1, stream_width=32)


def fold_of(width: int, words: list[int]) -> list[int]:
    """The folded bit of every word, one word per cycle."""
    fold = Fold(width)
    latency = len(fold_stages(width))
    found = []

    async def bench(ctx) -> None:
        for word in words:
            ctx.set(fold.bits, word)
            await ctx.tick()
            found.append(ctx.get(fold.folded))
        for _ in range(latency - 1):
            ctx.set(fold.bits, 0)
            await ctx.tick()
            found.append(ctx.get(fold.folded))

    simulator = Simulator(fold)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return found[latency - 1 :]


@pytest.mark.parametrize("width", [1, 2, 4, 5, 16, 17, 65])
def test_every_bit_influences_the_folded_pin(width: int) -> None:
    # Alone, and on top of others: a tree that lost a bit, or took one twice, would not flip.
    base = 0x1234_5678_9ABC_DEF0_1357 & ((1 << width) - 1)
    alone = fold_of(width, [0, *(1 << bit for bit in range(width))])
    assert alone == [0] + [1] * width
    first, *flipped = fold_of(width, [base, *(base ^ (1 << bit) for bit in range(width))])
    assert flipped == [1 - first] * width


@given(words=st.lists(st.integers(0, 2**21 - 1), min_size=1, max_size=20))
@settings(max_examples=20)
def test_the_folded_pin_is_the_parity(words: list[int]) -> None:
    assert fold_of(21, words) == [word.bit_count() % 2 for word in words]


def test_the_stages_end_in_one_bit() -> None:
    assert fold_stages(1) == (1,)
    assert fold_stages(4) == (4, 1)
    assert fold_stages(6048) == (6048, 1512, 378, 95, 24, 6, 2, 1)


def test_the_boundary_is_host_and_macro(small: CoreSpec) -> None:
    ports = boundary_ports(small)
    assert ports == {
        **host_members(small),
        **{f"array__{name}": member for name, member in array_signature(small).members.items()},
    }


def test_every_port_of_the_core_is_connected(small: CoreSpec) -> None:
    text = harness_verilog(small)
    assert text.count("\nmodule ") == 2  # the harness and the fold
    instance = re.search(rf"\n  {control_plane_module_name(small)} core \((.*?)\);", text, re.DOTALL)
    assert instance is not None
    connected = dict(re.findall(r"\.(\w+)\((\w+)\)", instance[1]))
    assert connected == {"clk": "clk", "rst": "rst", **{name: name for name in boundary_ports(small)}}


def test_every_input_comes_from_the_shift_register_and_every_output_is_folded(small: CoreSpec) -> None:
    text = harness_verilog(small)
    assigned = dict(re.findall(r"assign (.+?) = (.+?);", text))
    bits = next(value for target, value in assigned.items() if target == "bits")
    folded = set(re.findall(r"\w+", bits))
    widths = {wiring.In: 0, wiring.Out: 0}
    for name, member in boundary_ports(small).items():
        widths[member.flow] += Shape.cast(member.shape).width
        if member.flow == wiring.Out:
            assert name in folded
            assert name not in assigned
        else:
            assert assigned[name].startswith("driven[")
            assert name not in folded
    # Each bit of the register is used, and there is none too many.
    used: set[int] = set()
    for name in boundary_ports(small):
        for high, _, low in re.findall(r"driven\[(\d+)(:(\d+))?\]", assigned.get(name, "")):
            used |= set(range(int(low or high), int(high) + 1))
    assert used == set(range(widths[wiring.In]))
    assert re.search(rf"wire \[{widths[wiring.Out] - 1}:0\] bits;", text)


def test_four_pins_are_left(small: CoreSpec) -> None:
    text = harness_verilog(small)
    assert f"module {harness_module_name(small)}(clk, rst, folded, shift_in);" in text
    assert harness_module_name(small) == "small_synthesis_harness"
