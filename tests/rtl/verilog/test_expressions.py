"""Expressions in Verilog have the values that Amaranth gives them: random ones, in Icarus against its simulator."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from amaranth.hdl import Cat, Const, Module, Mux, Shape, Signal, Value, signed, unsigned
from amaranth.hdl._ast import Operator
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from oscc.rtl.verilog.hierarchy import verilog_modules
from oscc.rtl.verilog.scope import UnsupportedError

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")

INPUTS = {"a": unsigned(1), "b": unsigned(5), "c": unsigned(8), "d": signed(4), "e": signed(9), "f": unsigned(3)}


class Expressions(wiring.Component):  # type: ignore[misc]
    """Gives an expression per output."""

    def __init__(self, make: Callable[[dict[str, Value]], list[Value]]) -> None:
        stand_ins: dict[str, Value] = {name: Signal(shape, name=name) for name, shape in INPUTS.items()}
        outputs = {f"y{number}": Out(max(1, len(value))) for number, value in enumerate(make(stand_ins))}
        super().__init__({**{name: In(shape) for name, shape in INPUTS.items()}, **outputs})
        self.values = make({name: getattr(self, name) for name in INPUTS})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for number, value in enumerate(self.values):
            m.d.comb += getattr(self, f"y{number}").eq(value)
        return m


def grown(draw: random.Random, leaves: dict[str, Value], depth: int) -> Value:
    """Return a random expression."""
    if depth == 0 or draw.random() < 0.1:
        if draw.random() < 0.25:
            width = draw.randint(1, 9)
            value = draw.getrandbits(width)
            return Const(value, width) if draw.random() < 0.7 else Const(value - (1 << (width - 1)), signed(width))
        return draw.choice(list(leaves.values()))

    def inner() -> Value:
        return grown(draw, leaves, depth - 1)

    kind = draw.randrange(15)
    one = inner()
    if kind == 0:
        return one + inner()
    if kind == 1:
        return one - inner()
    if kind == 2:
        return ~one
    if kind == 3:
        return -one
    if kind == 4:
        return draw.choice([one & inner(), one | one, one ^ inner()])
    if kind == 5:
        other = inner()
        return draw.choice([one == other, one != other, one < other, one <= other, one > other, one >= other])
    if kind == 6:
        return draw.choice([one.any(), one.all(), one.xor(), one.bool()])
    if kind == 7 and len(one):
        start = draw.randrange(len(one))
        return one[start : draw.randint(start + 1, len(one))]
    if kind == 8:
        return Cat(one, inner(), one[:1])
    # Of signals alone: beyond the end of an expression, the simulator and the netlist of Amaranth differ.
    if kind == 9:
        return draw.choice(list(leaves.values())).bit_select(leaves["f"], draw.randint(1, 6))
    if kind == 10:
        return draw.choice(list(leaves.values())).word_select(leaves["f"], draw.randint(1, 3))
    if kind == 11:
        return Mux(inner(), one, inner())
    if kind == 12:
        return draw.choice([one.as_unsigned() >> leaves["f"], one << leaves["f"], one.as_signed(), one.as_unsigned()])
    if kind == 13 and len(one) <= 8:
        return one * inner() if len(one) < 6 else one + 1
    return one.replicate(draw.randint(1, 3))


def in_amaranth(design: Expressions, vectors: list[dict[str, int]]) -> list[list[int]]:
    """Return the outputs for each assignment of the inputs."""
    found = []

    async def bench(context: object) -> None:
        for vector in vectors:
            for name, value in vector.items():
                context.set(getattr(design, name), value)  # type: ignore[attr-defined]
            await context.delay(1e-9)  # type: ignore[attr-defined]
            found.append(
                [
                    context.get(getattr(design, f"y{number}"))  # type: ignore[attr-defined]
                    for number in range(len(design.values))
                ]
            )

    simulator = Simulator(design)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def in_icarus(text: str, design: Expressions, vectors: list[dict[str, int]], folder: Path) -> list[list[int]]:
    """Return the same of the Verilog."""
    widths = {name: Shape.cast(shape).width for name, shape in INPUTS.items()}
    outputs = {f"y{number}": max(1, len(value)) for number, value in enumerate(design.values)}
    lines = ["module bench;"]
    lines += [f"reg [{width - 1}:0] {name};" for name, width in widths.items()]
    lines += [f"wire [{width - 1}:0] {name};" for name, width in outputs.items()]
    lines += [f"top dut({', '.join(f'.{name}({name})' for name in [*widths, *outputs])});", "initial begin"]
    for vector in vectors:
        lines += [f"{name} = {widths[name]}'d{value & ((1 << widths[name]) - 1)};" for name, value in vector.items()]
        lines.append(f'#1 $display("{" ".join(["%h"] * len(outputs))}", {", ".join(outputs)});')
    (folder / "bench.v").write_text("\n".join([*lines, "end", "endmodule", ""]))
    (folder / "top.v").write_text(text)
    subprocess.run(["iverilog", "-g2005", "-s", "bench", "-o", "bench.vvp", "bench.v", "top.v"], cwd=folder, check=True)
    done = subprocess.run(["vvp", "bench.vvp"], cwd=folder, capture_output=True, text=True, check=True)
    return [[int(word, 16) for word in line.split()] for line in done.stdout.splitlines()]


@needs_icarus
@pytest.mark.parametrize("seed", range(4))
def test_random_expressions(seed: int, tmp_path: Path) -> None:
    def make(leaves: dict[str, Value]) -> list[Value]:
        draw = random.Random(seed)
        return [grown(draw, leaves, draw.randint(1, 4)) for _ in range(120)]

    draw = random.Random(seed)
    design = Expressions(make)
    text = verilog_modules(design, "p", "top")["top"].text
    vectors = [
        {name: draw.randrange(1 << shape.width) - (shape.signed << (shape.width - 1)) for name, shape in INPUTS.items()}
        for _ in range(40)
    ]
    expected = [
        [value & ((1 << max(1, len(design.values[number]))) - 1) for number, value in enumerate(row)]
        for row in in_amaranth(design, vectors)
    ]
    assert in_icarus(text, design, vectors, tmp_path) == expected


def written(make: Callable[[dict[str, Value]], list[Value]]) -> str:
    text = verilog_modules(Expressions(make), "p", "top")["top"].text
    return "\n".join(line.strip() for line in text.splitlines() if "assign y" in line)


def test_what_is_added_to_a_register_is_as_wide_as_the_register() -> None:
    assert written(lambda leaves: [(leaves["c"] + 1)[:8]]) == "assign y0 = c + 8'd1;"


def test_operands_that_readers_may_mix_up_are_in_parentheses() -> None:
    text = written(lambda leaves: [leaves["a"] & (leaves["b"] == 3) | leaves["a"]])
    assert text == "assign y0 = (a & (b == 5'd3)) | a;"


def test_a_choice_of_flags_is_an_and() -> None:
    assert written(lambda leaves: [Mux(leaves["a"], leaves["b"][0], 0)]) == "assign y0 = a & b[0];"


def test_what_has_no_readable_verilog_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="operator //"):
        written(lambda leaves: [Operator("//", [leaves["b"], leaves["c"]])])
