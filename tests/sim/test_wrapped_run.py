"""Cores in their wrappers and in a system of LiteX, run with the behavioural array in Icarus Verilog."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.border.axi_top import axi_top, wrapped_name
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.emit_options import EmitOptions
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.rtl.delivery.wrappers import WRAPPERS
from oscc.sim.standalone_run import standalone_run
from tests.sim.wrapped_bench import wrapped_bench

pytestmark = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
needs_litex = pytest.mark.skipif(importlib.util.find_spec("litex") is None, reason="needs pip package litex")


@pytest.fixture(scope="module")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """3 x 2 cells, all readable: a frame is three beats of two words, with bytes that no code is in."""
    changes = {"grid": [3, 2], "stencil": "king", "chunks": 1, "init": {"cycles": 20}}
    return make_core(name="few-1", readout={"origin": [0, 0], "step": [1, 1]}, **changes)


@pytest.fixture(scope="module")
def codes(core: CoreSpec, emitted: Path) -> np.ndarray:
    """Codes of the first sample, as engine ``array`` computes them."""
    found = [int(line, 16) for line in (emitted / "tb" / "codes.hex").read_text().split()]
    frames: np.ndarray = np.array(found).reshape(-1, *core.frame_shape)
    return frames[:1].reshape(core.frame_shape)


@pytest.fixture(scope="module")
def emitted(core: CoreSpec, compile_on: Callable[..., CompileResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = compile_on(core, duration=0.6).program
    assert program is not None
    folder = tmp_path_factory.mktemp("emitted")
    data = bench_data(core, program, standalone_run(core, program, 1, seed=5))
    for name, text in emit_core(core, data, EmitOptions(tuple(WRAPPERS))).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def run(folder: Path, top: str, sources: list[str], generation: str = "-g2005") -> list[str]:
    """What a bench says, compiled with the behavioural array in place of the black box."""
    listed = [each for each in sources if not each.endswith("_array_stub.v")]
    command = ["iverilog", generation, "-I", "tb", "-s", top, "-o", f"{top}.vvp", *listed, "tb/few_1_array.sv"]
    subprocess.run(command, cwd=folder, check=True)
    command = ["vvp", "-n", f"{top}.vvp"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.splitlines()


@pytest.mark.parametrize("generation", ["-g2005", "-g2012"])
@pytest.mark.parametrize("bus", ["apb", "wishbone"])
def test_a_sample_by_word_accesses_alone(
    core: CoreSpec, emitted: Path, codes: np.ndarray, bus: str, generation: str
) -> None:
    (emitted / "bench.v").write_text(wrapped_bench(core, bus))
    sources = (emitted / "wrappers" / f"few_1_{bus}.f").read_text().split()
    said = run(emitted, "bench", [*sources, "bench.v"], generation)
    assert said[:5] == ["id 4f534343", "read-only 1", "no load 1", "error 00000000", "programmed 1"], said
    beats = [line for line in said if line.startswith("beat")]
    # Two codes in each row; the interrupt says that the sample was latched.
    assert beats == ["beat keep 0003 invalid 0 irq 1"] * 3
    words = [int(line.split()[1], 16) for line in said if line.startswith("word")]
    frame = np.array(words, dtype="<u4").view(np.uint8).reshape(3, 8)
    np.testing.assert_array_equal(frame[:, :2], codes)


def test_the_stand_alone_bench_passes_on_the_axi_wrapper(core: CoreSpec, emitted: Path) -> None:
    text = (emitted / "tb" / "few_1_core_tb.sv").read_text()
    instance = re.search(r"  few_1_core dut \((.*?)\n  \);", text, re.S)
    assert instance is not None
    ports = ["    .aclk(clk)", "    .aresetn(~rst)"]
    (part,) = axi_top(core).parts
    ports += [f"    .{wrapped_name(name)}({name})" for name in part.connections if name not in ("clk", "rst")]
    (emitted / "axi_tb.sv").write_text(text.replace(instance[0], "  few_1_axi dut (\n" + ",\n".join(ports) + "\n  );"))
    said = run(emitted, "few_1_core_tb", [*(emitted / "wrappers" / "few_1_axi.f").read_text().split(), "axi_tb.sv"])
    assert said[-1] == "PASS", said


@needs_litex
@pytest.mark.parametrize("standard", ["wishbone", "axi-lite"])
def test_a_sample_in_a_system_of_litex(emitted: Path, tmp_path: Path, standard: str) -> None:
    program = Path(__file__).with_name("litex_soc.py")
    command = [sys.executable, str(program), str(emitted / "litex" / "few_1.py"), str(tmp_path / "soc.v"), standard]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    sources = done.stdout.split()
    listed = (emitted / "few_1_core.f").read_text().split()
    assert sources[-len(listed) :] == [str(emitted / each) for each in listed]
    # The stand-alone bench, with the system in the place of the core, whose ports it has.
    text = (emitted / "tb" / "few_1_core_tb.sv").read_text()
    (tmp_path / "soc_tb.sv").write_text(text.replace("  few_1_core dut (", "  few_1_system dut ("))
    said = run(emitted, "few_1_core_tb", [*listed, str(tmp_path / "soc.v"), str(tmp_path / "soc_tb.sv")])
    assert said[-1] == "PASS", said
