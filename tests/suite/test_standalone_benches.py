"""The stand-alone bench of every preset in Icarus Verilog, at either generation of the language: ``--suite all``."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core, preset_names
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.standalone import bench_name
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.sim.standalone_run import standalone_run

BUSES = {False: ("axi",), True: ("axi", "spi")}
"""By whether a core has SPI pins."""


ALL = [*((name, False) for name in preset_names() if not load_core(name).driven), ("tiny-8x8", True)]
"""Presets without inputs, and whether with SPI pins: a large core takes many samples while a host of SPI tells it to
end."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "described" in metafunc.fixturenames:
        whole = metafunc.config.getoption("suite", "some") == "all"
        skipped = pytest.param(ALL[0], marks=pytest.mark.skip(reason="minutes of a processor: --suite all"), id="none")
        presets = [pytest.param(given, id=f"{given[0]}{'-spi' * given[1]}") for given in ALL]
        metafunc.parametrize("described", presets if whole else [skipped])


@pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")
def test_a_preset_passes_its_bench(
    described: tuple[str, bool], compile_on: Callable[..., CompileResult], tmp_path: Path
) -> None:
    name, spi = described
    core = CoreSpec.model_validate(load_core(name).model_dump(mode="json", by_alias=True) | {"spi": spi})
    # A sample must not be shorter than its read-out.
    duration = max(2.0, 1.1 * (core.readout_cycles - core.init.cycles) / (62.5 * core.chunks))
    program = compile_on(core, duration=duration).program
    assert program is not None
    for path, text in emit_core(core, bench_data(core, program, standalone_run(core, program, 1))).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    bench = bench_name(core)
    for generation in ("-g2005", "-g2012"):
        command = ["iverilog", generation, "-s", bench, "-f", f"tb/{bench}.f", "-o", "bench.vvp"]
        subprocess.run(command, cwd=tmp_path, check=True)
        for bus in BUSES[spi]:
            run = ["vvp", "-n", "bench.vvp", f"+bus={bus}", "+stall=20"]
            done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
            assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS"), done.stdout
