from __future__ import annotations

import math
import re
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape

from oscc.core.array_contract import CONTRACT, READY_LATENCY, rule
from oscc.core.registers import ERROR_CAUSES
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import host_members
from oscc.rtl.delivery.emit import array_stub
from oscc.rtl.delivery.standalone import array_verilog, bench_name, bench_sources, bench_verilog
from oscc.rtl.delivery.standalone_data import SETTINGS

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")

STEP_CYCLES = 7
SAMPLES = 2


@pytest.fixture(scope="session")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """3 x 2 cells with 8 couplings and codes of four bits, of which the lower row and both columns can be read."""
    return make_core(name="one", grid=[3, 2], stencil="king", chunks=2, readout={"origin": [1, 0], "step": [1, 1]})


def ports(verilog: str) -> list[tuple[str, int, str]]:
    found = re.findall(r"^  (input|output) wire (?:\[(\d+):0\] )?(\w+),?$", verilog, re.M)
    return [(direction, int(high or 0) + 1, name) for direction, high, name in found]


@pytest.mark.parametrize("name", ["tiny-8x8", "ais-56x56", "king-48x41"])
def test_the_array_has_name_and_ports_of_the_black_box(name: str) -> None:
    spec = load_core(name)
    text, stub = array_verilog(spec), array_stub(spec)
    assert ports(text) == ports(stub)
    assert len(ports(text)) == 1 + len(array_signature(spec).members)
    assert re.findall(r"^module (\w+)", text, re.M) == re.findall(r"^module (\w+)", stub, re.M)


def test_the_sources_are_complete(core: CoreSpec) -> None:
    files = bench_sources(core, ["src/one_part.v", "src/one_core.v"])
    assert sorted(files) == [
        "tb/README.md",
        "tb/one_array.sv",
        "tb/one_core_tb.f",
        "tb/one_core_tb.sv",
        "tb/oscc_registers.svh",
    ]
    assert files["tb/one_core_tb.f"].splitlines() == [
        "+incdir+tb",
        "src/one_part.v",
        "src/one_core.v",
        "tb/one_array.sv",
        "tb/one_core_tb.sv",
    ]
    for name, text in files.items():
        assert "@@" not in text, name
        assert text.endswith("\n")
    assert bench_name(core) == "one_core_tb"


def test_the_bench_drives_every_input_of_the_core(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(name="serial", grid=[3, 2], chunks=1, spi=True)
    text = bench_verilog(core)
    for name, member in host_members(core).items():
        kind = "wire" if member.flow.name == "Out" else "reg"
        width = Shape.cast(member.shape).width
        assert f"  {kind} {f'[{width - 1}:0] ' if width > 1 else ''}{name};\n" in text
        assert f".{name}({name})" in text
    # Whoever adds an interface must say what its idle level is.
    first = text[text.index("  // The host.") : text.index("    rst = 1'b1;")]
    idle = dict(re.findall(r"^    (\w+) = ([01]);$", first, re.M))
    inputs = {name for name, member in host_members(core).items() if member.flow.name == "In"}
    assert idle == {name: "1" if name == "spi_cs_n" else "0" for name in inputs - {"m_axis_tready"}}


def test_every_cause_of_an_error_has_words(core: CoreSpec) -> None:
    text = bench_verilog(core)
    for cause in ERROR_CAUSES:
        assert text.count(f'"{cause.description}"') == 1


def test_every_rule_has_words_and_a_check(core: CoreSpec) -> None:
    text = array_verilog(core)
    for number, each in enumerate(CONTRACT, start=1):
        assert f'{number}: $display("{each.code}: {each.statement}");' in text
        assert f"violated = {number};" in text


def test_a_reciprocal_unit_couples_both_ways(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[3, 3], couplings="reciprocal", stencil="king")
    text = array_verilog(core)
    table = {
        kind: [int(value) for value in re.findall(rf"slot_{kind}\[\d+\] = (-?\d+);", text)]
        for kind in ("row", "col", "unit", "at_source")
    }
    offsets = list(zip(table["row"], table["col"], strict=True))
    assert offsets == [(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)]
    # Units stand for (0, 1), (1, -1), (1, 0), (1, 1), in this order; the other offsets use the opposite unit.
    assert table["unit"] == [3, 2, 1, 0, 0, 1, 2, 3]
    assert table["at_source"] == [1, 1, 1, 1, 0, 0, 0, 0]


# The macro alone, edge by edge, in Icarus Verilog

FIELDS = (
    "load_strobe",
    "load_row",
    "load_data",
    "commit",
    "init",
    "run",
    "sample",
    "noise_seed",
    "noise_index",
    "tap_row",
)


def driver(core: CoreSpec) -> str:
    """A module that puts a line of a stimulus file on the macro's inputs per clock cycle and prints its outputs."""
    members = array_signature(core).members
    widths = {name: Shape.cast(member.shape).width for name, member in members.items()}
    outputs = [name for name in members if name not in FIELDS]
    formats, names = " ".join(["%b"] * len(FIELDS)), ", ".join(FIELDS)
    lines = [
        "module driver;",
        "  reg clk = 0;",
        "  integer stimulus;",
        "  reg [8*256:1] path;",
        *(f"  reg [{widths[name] - 1}:0] {name} = 0;" for name in FIELDS),
        *(f"  wire [{widths[name] - 1}:0] {name};" for name in outputs),
        f"  one_array macro (.clk(clk), {', '.join(f'.{name}({name})' for name in members)});",
        "  initial begin",
        '    if (!$value$plusargs("stimulus=%s", path)) $fatal;',
        '    stimulus = $fopen(path, "r");',
        f'    while ($fscanf(stimulus, "{formats}", {names}) == {len(FIELDS)}) begin',
        "      #4;",
        f'      $display("{" ".join(f"{name}=%b" for name in outputs)}", {", ".join(outputs)});',
        "      #1 clk = 1;",
        "      #5 clk = 0;",
        "    end",
        '    $display("END");',
        "    $finish;",
        "  end",
        "endmodule",
    ]
    return "\n".join(lines) + "\n"


Play = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def phases(core: CoreSpec) -> np.ndarray:
    return np.random.default_rng(3).normal(size=(SAMPLES, core.rows, core.cols))


@pytest.fixture(scope="session")
def play(tmp_path_factory: pytest.TempPathFactory, core: CoreSpec, phases: np.ndarray) -> Play:
    """``play(edges, *plusargs)``: run the macro over edges, each a dict of inputs that are not zero."""
    folder = tmp_path_factory.mktemp("macro")
    (folder / "one_array.sv").write_text(array_verilog(core))
    (folder / "driver.sv").write_text(driver(core))
    words = {"samples": SAMPLES, "seed": 5, "first_sample": 3, "step_numerator": STEP_CYCLES, "step_denominator": 1}
    (folder / "settings.hex").write_text("".join(f"{words.get(name, 0):08x}\n" for name in SETTINGS))
    bits = (struct.unpack("<Q", struct.pack("<d", theta))[0] for theta in phases.ravel())
    (folder / "phases.hex").write_text("".join(f"{word:016x}\n" for word in bits))
    build = ["iverilog", "-g2005", "-s", "driver", "-o", "macro.vvp", "one_array.sv", "driver.sv"]
    subprocess.run(build, cwd=folder, check=True)

    def run(edges: Iterable[dict[str, Any]], *plusargs: str) -> subprocess.CompletedProcess[str]:
        lines = (
            " ".join(str(e.get(n, 0)) if isinstance(e.get(n), str) else f"{e.get(n, 0):b}" for n in FIELDS)
            for e in edges
        )
        (folder / "stimulus").write_text("".join(f"{line}\n" for line in lines))
        command = ["vvp", "-n", "macro.vvp", "+data=.", "+stimulus=stimulus", *plusargs]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)

    return run


IDLE: dict[str, Any] = {}
NOISE = {"noise_seed": 5, "noise_index": 3}


def load(core: CoreSpec, detuning: int, rows: Iterable[int] = range(3)) -> list[dict[str, Any]]:
    """Writes of rows whose cells turn at their own frequency only."""
    pattern = abs(detuning) | (8 if detuning < 0 else 0)
    cell = pattern << (core.word_bits - core.detuning_dac.bits)
    word = sum(cell << (col * core.word_bits) for col in range(core.cols))
    return [{"load_strobe": 1, "load_row": row, "load_data": word} for row in rows]


def prepared(core: CoreSpec, detuning: int = 5) -> list[dict[str, Any]]:
    """Codes, and noise: what a run needs."""
    wait = [IDLE] * 40
    return [*wait, *load(core, detuning), {"commit": 1}, *([NOISE | {"init": 1}] * 3)]


@needs_icarus
@pytest.mark.parametrize("index", [3, 4, 5])
def test_phases_turn_and_are_latched(core: CoreSpec, play: Play, phases: np.ndarray, index: int) -> None:
    noise = {"noise_seed": 5, "noise_index": index}
    edges = prepared(core)[:-3] + [noise | {"init": 1}] * 3
    # Three steps of 7 cycles and one of 4; a row that is written with the sample is not active yet.
    edges += [noise | {"run": 1}] * 24 + [noise | {"run": 1, "sample": 1} | load(core, -7, [0])[0]]
    edges += [{"tap_row": 0}] * 3 + [{"tap_row": 1}] * 3
    done = play(edges)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "END"), done.stdout
    lines = [dict(part.split("=") for part in line.split()) for line in done.stdout.splitlines()[:-1]]
    # Valid in the second cycle after the sample or after a new row, unknown before.
    assert [line["tap_valid"] for line in lines[-6:]] == ["0", "1", "1", "0", "0", "1"]
    assert set(lines[-6]["tap_data"]) == {"x"}
    # The phases file holds two samples and is read around.
    theta = phases[(index - 3) % SAMPLES] + 5 / 7 * core.detuning_dac.full_scale_rad_s * 25 / core.clock_hz
    for row, line in ((1, lines[-4]), (2, lines[-1])):
        bits = line["tap_data"][::-1]
        expected = [
            math.cos(theta[row, col] + math.pi * tap / 8 + math.pi * subphase / 32) >= 0
            for col in range(2)
            for subphase in range(4)
            for tap in range(8)
        ]
        assert bits == "".join("01"[bit] for bit in expected)


def broken(core: CoreSpec) -> dict[str, tuple[list[dict[str, Any]], tuple[str, ...]]]:
    """For every rule, edges of which the last breaks it, and plusargs."""
    ready = prepared(core)
    run = [NOISE | {"run": 1}]
    lost = ("+array_lost=60",)
    return {
        "A001": ([*ready, NOISE | {"init": 1, "run": 1}], ()),
        "A002": ([*ready, *load(core, 1, (0, 1, 2, 3))], ()),
        "A003": ([*ready, *load(core, 1, (0, 2))], ()),
        "A004": ([*ready, *load(core, 1), {"commit": 1} | load(core, 1, [0])[0]], ()),
        "A005": ([*ready, *load(core, 1, (0, 1)), {"commit": 1}], ()),
        "A006": ([*ready, {"sample": 1}, {"sample": 1}], ()),
        "A007": ([*ready[:43], *run], ()),
        "A008": ([*ready, {"sample": 1, "tap_row": 1}], ()),
        "A009": ([*ready, NOISE | {"init": 1, "noise_index": 4}], ()),
        "A010": ([*ready[:43], {"commit": 1}, *([IDLE] * 30), NOISE | {"init": 1}], lost),
        "A011": ([*ready, *(run * 50)], lost),
        "A012": ([*ready, {"commit": "x"}], ()),
        "A013": ([*ready, load(core, 1)[0] | {"load_data": "x"}], ()),
    }


@needs_icarus
@pytest.mark.parametrize("code", [each.code for each in CONTRACT])
def test_the_macro_ends_the_simulation_when_a_rule_is_broken(core: CoreSpec, play: Play, code: str) -> None:
    edges, plusargs = broken(core)[code]
    done = play(edges, *plusargs)
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert f"{code}: {rule(code).statement}" in lines
    assert f"contract of the array macro broken: {code}" in done.stdout
    cycle = re.search(r"broke its contract in clock cycle (\d+)$", done.stdout, re.M)
    assert cycle is not None
    # Up to the last edge nothing was wrong; how soon A011 shows follows from the cycle in which ready falls.
    # Ready is low from behind edge 60 on; the ninth edge that sees that is one too many.
    expected = 60 + READY_LATENCY + 1 if code == "A011" else len(edges)
    assert int(cycle[1]) == expected


@needs_icarus
@pytest.mark.parametrize(
    "unknown",
    [{"sample": 1, "tap_row": "x"}, NOISE | {"init": 1, "noise_index": "x"}, {"load_strobe": 1, "load_row": "xx"}],
    ids=["tap_row", "noise_index", "load_row"],
)
def test_operands_must_be_known(core: CoreSpec, play: Play, unknown: dict[str, Any]) -> None:
    done = play([*prepared(core), unknown])
    assert (done.returncode, "A013: " in done.stdout) == (1, True)


@needs_icarus
def test_nothing_is_checked_before_the_strobes_are_low(core: CoreSpec, play: Play) -> None:
    undriven = dict.fromkeys(("load_strobe", "commit", "init", "run", "sample"), "x")
    done = play([undriven, undriven | {"commit": 1}, *prepared(core)])
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "END"), done.stdout


@needs_icarus
def test_noise_of_another_seed_is_refused(core: CoreSpec, play: Play) -> None:
    done = play([*prepared(core)[:-3], {"init": 1, "noise_seed": 6, "noise_index": 3}])
    assert done.returncode == 1
    assert "phases.hex holds the noise of seed 5, but noise_seed is 6" in done.stdout
