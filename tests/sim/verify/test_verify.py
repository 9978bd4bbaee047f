from __future__ import annotations

import dataclasses
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import file_hash
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.program_file import read_program, write_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine
from oscc.sim.engines.pysim import PysimEngine
from oscc.sim.engines.registry import engine_named
from oscc.sim.host.host import HostError
from oscc.sim.verify.checks import CheckLine, Status, Verdict
from oscc.sim.verify.verify import EngineFactory, VerifyOptions, verify_folder

PROGRAM_LINES = [
    "output files",
    "wires",
    "program file",
    "origin",
    "time scale",
    "schedule",
    "banks",
    "codes of the model",
    "pixels of the model",
]
PHASES = [f"phases after chunk {chunk}" for chunk in (1, 2, 3, 4)]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory, make_graph: Any, tiny_core: CoreSpec) -> Path:
    """An output folder for tiny-8x8."""
    place = tmp_path_factory.mktemp("verify")
    model = ModelFile.of(make_graph(tiny_core, seed=2, density=0.7), Path("model.safetensors"))
    options: dict[str, object] = {"tau": "common", "tau_s": None, "clip": []}
    write_output(place / "out", compile_model(model.graph, tiny_core), Receipt(model, options))
    return place / "out"


@pytest.fixture
def folder(compiled: Path, tmp_path: Path) -> Path:
    """A copy of it to damage."""
    shutil.copytree(compiled, tmp_path / "out")
    return tmp_path / "out"


KEPT = PysimEngine()


def kept(name: str, verilog: CoreVerilog | None) -> Engine:
    """The engines by name; the one of the RTL has what was made ready for the test before."""
    return KEPT if name == "pysim" else engine_named(name, verilog)


def verify(path: Path, *engines: str, make: EngineFactory = kept, **options: Any) -> Verdict:
    chosen = VerifyOptions(engines=engines, **{"samples": 2, "pixel_samples": 6, **options})
    return verify_folder(path, chosen, make)


def the_line(verdict: Verdict, name: str) -> CheckLine:
    (line,) = (line for line in verdict.lines if line.name == name)
    return line


class Failing:
    """An engine that ends with an error."""

    def __init__(self, error: Exception) -> None:
        self.name = "pysim"
        self._error = error

    def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
        raise self._error


def only_pysim(engine: Any) -> EngineFactory:
    """An engine in the place of pysim; the others are as they are."""
    return lambda name, verilog: engine if name == "pysim" else engine_named(name, verilog)


def record_new_hashes(folder: Path) -> None:
    """Bring the manifest in line with damaged files: what only the hashes would see is not what is tested."""
    manifest = json.loads((folder / "manifest.json").read_text())
    for name, entry in manifest["outputs"].items():
        entry["sha256"] = file_hash(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


def test_everything_passes(compiled: Path) -> None:
    before = {file: file.read_bytes() for file in compiled.rglob("*") if file.is_file()}
    verdict = verify(compiled, "array", "pysim")
    exact = ["codes at the array", "commit cycles", "read-out codes"]
    assert [(line.name, line.subject) for line in verdict.lines] == [
        *((name, "program") for name in PROGRAM_LINES),
        *((name, "array") for name in ("run", *exact, "stalled cycles", *PHASES)),
        *((name, "pysim") for name in ("run", *exact, "period", "stalled cycles", *PHASES)),
        ("engines agree", "array, pysim"),
        ("pixels", "array"),
        ("integration step", "array"),
    ]
    assert [line for line in verdict.lines if line.status is not Status.PASS] == []
    assert verdict.passed
    assert verdict.complete
    assert verdict.red() == ()
    assert the_line(verdict, "program file").measured == f"{(compiled / 'program.bin').stat().st_size} bytes"
    assert the_line(verdict, "pixels").measured.endswith("over 6 samples")
    assert the_line(verdict, "engines agree").measured == "0 of 32 codes differ"
    # Nothing is written: that is left to the command.
    assert {file: file.read_bytes() for file in compiled.rglob("*") if file.is_file()} == before


def test_the_run_line_tells_clock_cycles_where_there_are_any(compiled: Path) -> None:
    lines = [line for line in verify(compiled, "array", "pysim").lines if line.name == "run"]
    assert "cycles" not in lines[0].measured
    assert re.fullmatch(r"2 samples in [\d.]+ s, \d+ cycles; the RTL elaborated from Python", lines[1].measured)
    assert {line.limit for line in lines} == {"2 samples without an error"}


def test_the_seed_is_used(compiled: Path) -> None:
    told: list[CosimJob] = []

    class Watched:
        name = "array"

        def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
            told.append(job)
            return engine_named("array").run(job)

    verify(compiled, "array", make=lambda name, verilog: Watched(), seed=9, max_step=0.1)
    assert {job.seed for job in told} == {9}
    # The engine's own run, pixels at their step, and the step against half of it.
    assert [(job.samples, job.max_step) for job in told] == [(2, 0.1), (6, 0.05), (6, 0.1), (6, 0.05)]


def test_one_engine_has_nobody_to_agree_with(compiled: Path) -> None:
    verdict = verify(compiled, "pysim", samples=1)
    assert verdict.passed
    assert not verdict.complete
    skipped = {line.name: (line.subject, line.detail) for line in verdict.lines if line.status is Status.SKIPPED}
    assert skipped == {
        "period": ("pysim", "needs two samples, one after another: verify with -n 2 or more"),
        "engines agree": ("pysim", "needs two engines: give --engine twice or more"),
    }
    # Many samples are a matter for the array, whatever engines were asked for.
    assert [(the_line(verdict, name).subject) for name in ("pixels", "integration step")] == ["array", "array"]


def test_an_engine_that_is_not_installed_is_skipped_loudly(compiled: Path) -> None:
    missing = OsccError("engine.missing", "engine 'pysim' is not installed", hint="install: something")
    verdict = verify(compiled, "pysim", make=only_pysim(Failing(missing)))
    run = the_line(verdict, "run")
    assert (run.status, run.subject) == (Status.SKIPPED, "pysim")
    assert run.detail == "engine 'pysim' is not installed; install: something"
    assert the_line(verdict, "engines agree").status is Status.SKIPPED
    assert the_line(verdict, "engines agree").subject == "none"
    assert verdict.passed
    assert not verdict.complete


@pytest.mark.parametrize("kind", [HostError, MacroContractError])
def test_an_engine_that_stops_is_a_failure(compiled: Path, kind: type[Exception]) -> None:
    verdict = verify(compiled, "pysim", make=only_pysim(Failing(kind("the core said no"))))
    run = the_line(verdict, "run")
    assert (run.status, run.measured, run.detail) == (Status.FAIL, "stopped", "the core said no")
    assert verdict.red() == ("run",)
    assert {"read-out codes", "period"} & {line.name for line in verdict.lines} == set()


def test_engines_that_disagree(compiled: Path) -> None:
    class Other:
        name = "pysim"

        def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
            return dataclasses.replace(
                engine_named("array").run(dataclasses.replace(job, first_sample=3)), engine="pysim"
            )

    verdict = verify(compiled, "array", "pysim", make=only_pysim(Other()))
    line = the_line(verdict, "engines agree")
    assert line.status is Status.FAIL
    different = int(line.measured.split()[0])
    assert line.detail == f"codes that differ from array: {{'pysim': {different}}}"
    assert different > 16


# Damaged folders


def assert_only_the_file_is_red(verdict: Verdict, detail: str) -> None:
    assert [(line.name, line.subject, line.status) for line in verdict.lines] == [
        ("output files", "program", Status.FAIL),
        ("wires", "program", Status.PASS),
        ("program file", "program", Status.FAIL),
        ("run", "array", Status.SKIPPED),
        ("run", "pysim", Status.SKIPPED),
    ]
    assert verdict.lines[0].detail == "changed or missing: program.bin"
    assert detail in verdict.lines[2].detail
    assert verdict.lines[3].detail == "the program is not readable"


def test_a_changed_byte_of_the_program(folder: Path) -> None:
    content = bytearray((folder / "program.bin").read_bytes())
    content[-40] ^= 1
    (folder / "program.bin").write_bytes(content)
    assert_only_the_file_is_red(verify(folder, "array", "pysim"), "the CRC-32 of section 'weights' does not match")


def test_a_deleted_program(folder: Path) -> None:
    (folder / "program.bin").unlink()
    assert_only_the_file_is_red(verify(folder, "array", "pysim"), "program.bin: cannot be read: No such file")


def test_a_changed_code_whose_checksums_match(folder: Path) -> None:
    program = read_program(folder / "program.bin")
    words = program.words.copy()
    # The lowest bit of the SHIL code of cell (1, 1): never minus zero, as SHIL is positive here.
    words[1, 1, 12] ^= 1
    write_program(folder / "program.bin", dataclasses.replace(program, words=words))
    record_new_hashes(folder)
    verdict = verify(folder, "array")
    assert verdict.red()[:5] == ("codes of the model", *PHASES)
    assert the_line(verdict, "codes of the model").detail.startswith("first at cell (1, 1), chunk 0: word 0x")
    assert the_line(verdict, "phases after chunk 1").detail.startswith("first beyond 1e-09 rad: sample ")


def assert_not_run(verdict: Verdict, red: tuple[str, ...]) -> None:
    assert verdict.red() == red
    runs = [line for line in verdict.lines if line.name == "run"]
    assert [(line.status, line.detail) for line in runs] == [(Status.SKIPPED, "the program must not be run")]


def test_a_changed_model(folder: Path, make_graph: Callable[..., CouplingGraph], tiny_core: CoreSpec) -> None:
    write_checkpoint(folder / "model.safetensors", make_graph(tiny_core, seed=77))
    assert verify(folder, "array").red()[0] == "output files"
    record_new_hashes(folder)
    assert_not_run(verify(folder, "array"), ("wires", "origin", "codes of the model"))


def test_another_core(folder: Path, make_core: Callable[..., CoreSpec]) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(reference_hz=50e6)))
    record_new_hashes(folder)
    verdict = verify(folder, "array")
    # What is left out of the codes and of the time does not touch them: only the hash knows.
    assert_not_run(verdict, ("origin",))
    assert the_line(verdict, "origin").detail.startswith("not as the model compiled anew: spec_hash (spec_hash is ")


def test_another_core_of_another_shape(folder: Path, make_core: Callable[..., CoreSpec]) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(chunks=6)))
    record_new_hashes(folder)
    verdict = verify(folder, "array")
    assert_not_run(verdict, ("origin", "banks", "codes of the model"))
    assert the_line(verdict, "codes of the model").detail == "banks of shape [8, 32, 16], expected [8, 48, 16]"


def test_a_core_that_the_model_does_not_fit(folder: Path, make_core: Callable[..., CoreSpec]) -> None:
    (folder / "core.yaml").write_text(dump_core(make_core(stencil="king")))
    with pytest.raises(OsccError) as caught:
        verify(folder, "array")
    assert caught.value.code == "output.infeasible"


def test_a_schedule_that_waits_is_not_run(folder: Path) -> None:
    program = read_program(folder / "program.bin")
    schedule = program.schedule.copy()
    schedule[schedule >> 28 == 5] = 5 << 28 | 9
    write_program(folder / "program.bin", dataclasses.replace(program, schedule=schedule))
    record_new_hashes(folder)
    assert_not_run(verify(folder, "array"), ("time scale", "schedule"))


def test_a_model_that_cannot_be_read_is_an_error(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(OsccError) as caught:
        verify(folder, "array")
    assert caught.value.code.startswith("file.")
    assert caught.value.where == str(folder / "model.safetensors")


def test_a_folder_of_somebody_else_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OsccError) as caught:
        verify(tmp_path, "array")
    assert caught.value.code == "output.not-found"


def test_progress_is_told_by_the_reference_and_the_engines(compiled: Path) -> None:
    told: list[str] = []
    options = VerifyOptions(engines=("array", "pysim"), samples=1, pixel_samples=1)
    verify_folder(compiled, options, kept, lambda what, done: told.append(what.partition(",")[0]))
    passes = ("place", "route", "scale", "quantize", "schedule", "assemble")
    # Each stage follows the one before, and none is told again when another goes on.
    stages = [stage for stage, before in zip(told, ["", *told], strict=False) if stage != before]
    assert [stage for stage in stages if not stage.startswith("compiling the model anew: ")] == [
        "comparing the emitted core with what is emitted anew",
        "checking files",
        "running the PyTorch reference",
        "engine array: running the array",
        "engine array: comparing codes and phases",
        "engine pysim: building the simulation of the core",
        "engine pysim: loading the program",
        "engine pysim: running samples",
        "engine pysim: comparing codes and phases",
        "pixels",
        "integration step",
        "half the integration step",
        "pixels: running the PyTorch reference",
        "comparing pixels and integration steps",
    ]
    assert [f"compiling the model anew: pass {name}" for name in passes] == [
        stage for stage in stages if "anew: pass" in stage
    ]
