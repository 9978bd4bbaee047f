from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from amaranth.sim import Simulator

from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.delivery.array_shim import COPIED, shim_verilog
from oscc.rtl.delivery.emit import array_stub
from oscc.sim.engines.array_shim import ArrayShim

Inputs = dict[str, int]


def watch(core: CoreSpec, edges: list[Inputs]) -> list[dict[str, int]]:
    """What the shim shows after each edge, given what its inputs are on it."""
    shim = ArrayShim(core)
    names = ("event", "cycle", *COPIED)
    seen = []

    async def bench(context: Any) -> None:
        for inputs in edges:
            for name in COPIED:
                context.set(getattr(shim.array, name), inputs.get(name, 0))
            await context.tick()
            seen.append({name: context.get(getattr(shim, f"seen_{name}")) for name in names})

    simulator = Simulator(shim)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return seen


def events(seen: list[dict[str, int]]) -> list[int]:
    """The edges after which ``seen_event`` had flipped."""
    flags = [0, *(after["event"] for after in seen)]
    return [edge for edge in range(len(seen)) if flags[edge] != flags[edge + 1]]


def test_every_strobe_is_an_event(tiny_core: CoreSpec) -> None:
    edges = [{}, {"commit": 1}, {"commit": 1}, {}, {"sample": 1}, {"load_strobe": 1}, {}, {}]
    seen = watch(tiny_core, edges)
    assert events(seen) == [1, 2, 4, 5]
    assert [seen[edge]["cycle"] for edge in events(seen)] == [1, 2, 4, 5]


def test_levels_are_events_when_they_change(tiny_core: CoreSpec) -> None:
    levels = [{"init": 1}] * 3 + [{"run": 1}] * 4 + [{}] * 2 + [{"run": 1}] * 2
    seen = watch(tiny_core, levels)
    assert events(seen) == [0, 3, 7, 9]
    assert [(seen[edge]["init"], seen[edge]["run"]) for edge in events(seen)] == [(1, 0), (0, 1), (0, 0), (0, 1)]


def test_the_boundary_is_copied_on_the_edge_of_the_event_and_kept(tiny_core: CoreSpec) -> None:
    row = (1 << (tiny_core.row_bits - 1)) | 5
    first = {"load_strobe": 1, "load_row": 6, "load_data": row, "noise_seed": 0xFFFF_FFFF, "noise_index": 9}
    seen = watch(
        tiny_core, [{}, first, {"load_row": 3, "load_data": 1, "noise_index": 4}, {"init": 1, "noise_seed": 7}]
    )
    assert {name: seen[1][name] for name in first} == first
    # Nothing happens on edge 2, so that the copies stay.
    assert seen[2] == seen[1]
    assert (seen[3]["load_strobe"], seen[3]["init"], seen[3]["noise_seed"], seen[3]["cycle"]) == (0, 1, 7, 3)


def test_the_frame_gives_the_taps_of_the_selected_row(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[6, 3], readout={"origin": [0, 0], "step": [2, 1], "taps": 2, "subphases": 2})
    shim = ArrayShim(core)
    rows = [0xABC, 0x123, 0xF0F]
    got = []

    async def bench(context: Any) -> None:
        context.set(shim.frame, sum(taps << (12 * row) for row, taps in enumerate(rows)))
        for row in (2, 0, 1):
            context.set(shim.array.tap_row, row)
            await context.tick()
            got.append(context.get(shim.array.tap_data))

    simulator = Simulator(shim)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert got == [0xF0F, 0xABC, 0x123]


def ports(verilog: str) -> list[tuple[str, str, str]]:
    """Direction, range and name of every port."""
    return [(d, r or "", n) for d, r, n in re.findall(r"^ *(input|output) wire (\[\d+:0\])? ?(\w+),?$", verilog, re.M)]


@pytest.mark.parametrize("preset", ["tiny-8x8", "king-48x41"])
def test_the_verilog_has_the_name_and_the_ports_of_the_macro(make_core: Callable[..., CoreSpec], preset: str) -> None:
    core = make_core(preset)
    text, stub = shim_verilog(core), array_stub(core)
    assert re.findall(r"^module (\w+)", text, re.M) == re.findall(r"^module (\w+)", stub, re.M)
    assert ports(text) == ports(stub)
    assert len(ports(text)) == 1 + len(array_signature(core).members)


def test_the_verilog_keeps_a_copy_of_everything_that_is_copied(tiny_core: CoreSpec) -> None:
    text = shim_verilog(tiny_core)
    for name in COPIED:
        assert text.count(f"seen_{name} <= {name};") == 1
        # Python may be woken in the middle of the assignments: the event comes when everything is there.
        assert text.index(f"seen_{name} <= {name};") < text.index("seen_event <= ~seen_event;")
    assert f"reg [{tiny_core.row_bits - 1}:0] seen_load_data = 0;" in text
    # Four rows of four cells with 32 taps.
    assert "reg [511:0] frame = 0;" in text
    assert "assign tap_data = frame[tap_row * 128 +: 128];" in text
    assert text.endswith("endmodule\n")
