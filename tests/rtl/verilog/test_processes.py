"""Clocked blocks and choices do what Amaranth means: random ones, in Icarus against Amaranth's simulator."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from amaranth.hdl import Cat, ClockDomain, ClockSignal, Module, ResetSignal, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.sim import Simulator

from oscc.rtl.verilog.hierarchy import verilog_modules
from oscc.rtl.verilog.scope import UnsupportedError

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs Icarus Verilog")

INPUTS = {"a": 1, "b": 3, "c": 6}
OUTPUTS = {"q": 6, "r": 5, "s": 3, "t": 1, "u": 7, "v": 6, "state": 2, "word": 6}
CYCLES = 150


class Machine(wiring.Component):  # type: ignore[misc]
    """Random statements, and one each of what the gateware is made of: FSM, memory with lanes, table, bit by index."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        super().__init__(
            {name: In(width) for name, width in INPUTS.items()} | {name: Out(width) for name, width in OUTPUTS.items()}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        draw = random.Random(self._seed)
        leaves = [self.a, self.b, self.c, self.q, self.r, self.s]
        registers, wires = [self.q, self.r, self.s], [self.t, self.u]
        self._statements(m, draw, leaves, registers, "sync", 4)
        self._statements(m, draw, leaves, wires, "comb", 4)
        self._statements(m, draw, leaves, registers, "sync", 2)
        self._statements(m, draw, leaves, wires, "comb", 2)
        with m.FSM():
            with m.State("idle"):
                m.d.comb += self.state.eq(0)
                with m.If(self.a):
                    m.next = "at work"
            with m.State("at work"):
                m.d.comb += self.state.eq(2)
                with m.If(self.b == 3):
                    m.next = "idle"
                with m.Elif(self.b[0]):
                    m.next = "waiting"
            with m.State("waiting"):
                m.d.comb += self.state.eq(1 + self.a)
                m.next = "idle"
        m.submodules.memory = memory = Memory(shape=6, depth=8, init=[])
        write, read = memory.write_port(granularity=3), memory.read_port()
        m.submodules.table = table = Memory(shape=6, depth=8, init=[5, 3, 60, 0, 1, 17])
        constant = table.read_port()
        m.d.comb += [write.addr.eq(self.b), write.data.eq(self.c), write.en.eq(Cat(self.a, self.c[0]))]
        m.d.comb += [read.addr.eq(self.c[3:]), read.en.eq(self.c[1]), constant.addr.eq(self.b), constant.en.eq(1)]
        m.d.comb += [self.v.eq(read.data), self.word.eq(constant.data)]
        with m.If(self.c == 9):
            m.d.sync += self.q.bit_select(self.b[:2], 1).eq(self.a)
        return m

    def _statements(
        self, m: Module, draw: random.Random, leaves: Sequence[Any], places: Sequence[Any], domain: str, depth: int
    ) -> None:
        """Add random statements."""
        for _ in range(draw.randint(1, 3)):
            kind = draw.randrange(4) if depth else 0
            if kind == 1:
                with m.If(self._flag(draw, leaves)):
                    self._statements(m, draw, leaves, places, domain, depth - 1)
                if draw.random() < 0.6:
                    with m.Elif(self._flag(draw, leaves)):
                        self._statements(m, draw, leaves, places, domain, depth - 1)
                if draw.random() < 0.6:
                    with m.Else():
                        self._statements(m, draw, leaves, places, domain, depth - 1)
            elif kind == 2:
                with m.Switch(self.b):
                    for pattern in draw.sample([0, 1, 5, "1-0", "--1", 7], 3):
                        with m.Case(pattern):
                            self._statements(m, draw, leaves, places, domain, depth - 1)
                    if draw.random() < 0.5:
                        with m.Default():
                            self._statements(m, draw, leaves, places, domain, depth - 1)
            else:
                place = draw.choice(places)
                start = draw.choice([0, 0, 1])
                target = draw.choice([place, place, place[start : start + 2], Cat(places[0][:1], places[1])])
                one, other = draw.choice(leaves), draw.choice(leaves)
                m.d[domain] += target.eq(draw.choice([one + other, one ^ other, one - 3, Cat(one, other), ~one]))

    def _flag(self, draw: random.Random, leaves: Sequence[Any]) -> Value:
        one, other = draw.choice(leaves), draw.choice(leaves)
        return draw.choice([one == other, one < other, one.any(), one[0] & other[0]])


def vectors(seed: int) -> list[dict[str, int]]:
    """Return the inputs of each cycle; the reset is high in the first one.

    Amaranth's simulator resets what a memory has read, its netlist does not: so no reset comes later.
    """
    draw = random.Random(seed)
    found = []
    for cycle in range(CYCLES):
        vector = {name: draw.getrandbits(width) for name, width in INPUTS.items()}
        found.append({**vector, "rst": int(cycle == 0)})
    return found


def in_amaranth(design: Machine, steps: list[dict[str, int]]) -> list[str]:
    found = []
    reset = Signal()
    module = Module()
    module.submodules.design = design
    clock = Signal()
    module.domains += ClockDomain("sync")
    module.d.comb += [ClockSignal().eq(clock), ResetSignal().eq(reset)]

    async def bench(context: Any) -> None:
        for vector in steps:
            context.set(reset, vector["rst"])
            for name in INPUTS:
                context.set(getattr(design, name), vector[name])
            await context.delay(1e-9)
            found.append(" ".join(f"{context.get(getattr(design, name)):x}" for name in OUTPUTS))
            context.set(clock, 1)
            await context.delay(1e-9)
            context.set(clock, 0)

    simulator = Simulator(module)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def in_icarus(text: str, steps: list[dict[str, int]], folder: Path, generation: str) -> list[str]:
    lines = ["module bench;", "reg clk = 0;", "reg rst = 0;"]
    lines += [f"reg [{width - 1}:0] {name} = 0;" for name, width in INPUTS.items()]
    lines += [f"wire [{width - 1}:0] {name};" for name, width in OUTPUTS.items()]
    pins = ["clk", "rst", *INPUTS, *OUTPUTS]
    lines += [f"top dut({', '.join(f'.{name}({name})' for name in pins)});", "initial begin"]
    for vector in steps:
        lines += [f"{name} = {value};" for name, value in vector.items()]
        shown = f'$display("{" ".join(["%0h"] * len(OUTPUTS))}", {", ".join(OUTPUTS)});'
        lines.append(f"#1 {shown} clk = 1; #1 clk = 0;")
    (folder / "bench.v").write_text("\n".join([*lines, "end", "endmodule", ""]))
    (folder / "top.v").write_text(text)
    command = ["iverilog", f"-g{generation}", "-s", "bench", "-o", "bench.vvp", "bench.v", "top.v"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(
        ["vvp", "bench.vvp"], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.splitlines()


@needs_icarus
@pytest.mark.parametrize("seed", range(4))
def test_random_statements(seed: int, tmp_path: Path) -> None:
    text = verilog_modules(Machine(seed), "p", "top", initial=True)["top"].text
    steps = vectors(seed)
    expected = in_amaranth(Machine(seed), steps)
    for generation in ("2005", "2012"):
        found = in_icarus(text, steps, tmp_path, generation)
        # A port of a memory gives something known once it has been read; Amaranth's simulator lets it begin with 0.
        known = [number for number, line in enumerate(found) if "x" not in line]
        assert known[0] <= 8
        assert known == list(range(known[0], CYCLES))
        assert found[known[0] :] == expected[known[0] :]


def test_without_initial_values_nothing_is_initial() -> None:
    plain = verilog_modules(Machine(1), "p", "top")["top"].text
    assert "initial" not in plain
    assert not re.search(r"reg [^;]*=", plain)
    assert "initial begin" in verilog_modules(Machine(1), "p", "top", initial=True)["top"].text


def test_states_have_the_names_that_the_source_gives_them() -> None:
    text = verilog_modules(Machine(1), "p", "top")["top"].text
    assert "localparam FSM_STATE_AT_WORK = 2'd1;" in text
    assert "            FSM_STATE_WAITING: fsm_state <= FSM_STATE_IDLE;" in text


class Split(wiring.Component):  # type: ignore[misc]
    """A signal with a bit from a register and one from logic: two things in Verilog."""

    def __init__(self) -> None:
        super().__init__({"a": In(1), "y": Out(2)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.y[0].eq(self.a)
        m.d.sync += self.y[1].eq(self.a)
        return m


def test_a_signal_of_two_kinds_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="signal y has bits from registers and others"):
        verilog_modules(Split(), "p", "top")


class Filled(wiring.Component):  # type: ignore[misc]
    """A memory that is written and begins with content: only FPGAs have such."""

    def __init__(self) -> None:
        super().__init__({"a": In(2), "y": Out(4)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=4, depth=4, init=[1])
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [write.addr.eq(self.a), read.addr.eq(self.a), write.en.eq(1), self.y.eq(read.data)]
        return m


def test_a_memory_that_begins_with_content_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedError, match="memory memory must begin with zeros"):
        verilog_modules(Filled(), "p", "top")
