"""An emitted stand-alone bench whose schedule was edited, and Icarus Verilog as the judge of what it then expects."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.output_folder import file_hash
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.instructions import Instruction, Operation
from oscc.core.program_folder import read_program_of
from oscc.core.spec import CoreSpec
from oscc.sim.bench_renewal import BenchChanges, RenewedBench, renew_bench
from oscc.sim.emission import BenchOptions, emit_files, write_emitted

needs_icarus = pytest.mark.skipif(shutil.which("iverilog") is None, reason="needs iverilog")

UNCHANGED = BenchChanges()
TOP = "tiny_8x8_core_tb"


@pytest.fixture(scope="module")
def emitted(
    tmp_path_factory: pytest.TempPathFactory, small_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> Path:
    """A compilation for a core of 3 x 4 cells, emitted; not to be changed."""
    folder = tmp_path_factory.mktemp("emitted")
    write_checkpoint(folder / "model.safetensors", make_graph(small_core, duration=0.6))
    model = ModelFile.read(folder / "model.safetensors")
    path = folder / "out"
    write_output(path, compile_model(model.graph, small_core), Receipt(model, {"tau": "common", "clip": []}))
    core, program = read_program_of(path)
    write_emitted(path, core, emit_files(core, BenchOptions(program, 3, 7)), compiled=True)
    return path


@pytest.fixture
def folder(emitted: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(emitted, tmp_path / "out")
    return tmp_path / "out"


def renewed(folder: Path, changes: BenchChanges = UNCHANGED) -> RenewedBench:
    return renew_bench(folder, *read_program_of(folder), changes)


def hex_of(*instructions: Instruction) -> str:
    return "".join(f"{instruction.encode():08X}\n" for instruction in instructions)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def simulated(folder: Path) -> tuple[int, str]:
    """Exit status and what the bench printed."""
    command = ["iverilog", "-g2005", "-s", TOP, "-f", f"tb/{TOP}.f", "-o", "bench.vvp"]
    subprocess.run(command, cwd=folder / "rtl", check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder / "rtl", capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout


def longer(text: str) -> str:
    """The schedule with every run 40 cycles longer."""
    lines = []
    for line in text.splitlines():
        instruction = Instruction.decode(int(line.split("//")[0], 16))
        if instruction.operation is Operation.RUN:
            instruction = Instruction(Operation.RUN, instruction.operand + 40)
        lines.append(f"{instruction.encode():x} // mine\n")
    return "".join(lines)


def test_without_an_edit_nothing_is_written(folder: Path) -> None:
    before = contents(folder)
    found = renewed(folder)
    assert (found.written, found.samples, found.seed, found.findings) == ((), 3, 7, ())
    assert contents(folder) == before


@needs_icarus
def test_an_edited_schedule_gets_the_codes_that_the_rtl_gives(folder: Path) -> None:
    path = folder / "rtl/tb/schedule.hex"
    path.write_text("\n" + longer(path.read_text()))
    before = contents(folder)
    assert simulated(folder)[0] == 1
    found = renewed(folder)
    assert found.written == ("rtl/tb/settings.hex", "rtl/tb/codes.hex")
    changed = {name for name, content in contents(folder).items() if before.get(name) != content}
    assert changed - {"rtl/bench.vvp"} == {*found.written, "rtl/manifest.json"}
    assert simulated(folder)[0] == 0
    # The manifest knows the schedule, too.
    outputs = json.loads((folder / "rtl/manifest.json").read_text())["outputs"]
    for name in ("tb/schedule.hex", "tb/settings.hex", "tb/codes.hex", "src/tiny_8x8_core.v"):
        assert outputs[name]["sha256"] == file_hash(folder / "rtl" / name)


@needs_icarus
def test_samples_that_are_not_made_alike(folder: Path, tmp_path: Path) -> None:
    """The second sample goes on where the first ended, a finite repeat lies between, and the schedule ends."""
    given = tmp_path / "mine.hex"
    given.write_text(
        hex_of(
            Instruction(Operation.LOAD, 1),
            Instruction(Operation.COMMIT),
            Instruction(Operation.INIT, 20),
            Instruction(Operation.RUN, 90),
            Instruction(Operation.SAMPLE),
            Instruction(Operation.RUN, 20),
            Instruction(Operation.REPEAT, 5, 2),
            Instruction(Operation.SAMPLE),
            Instruction(Operation.RUN, 50),
            Instruction(Operation.SAMPLE),
            Instruction(Operation.STOP),
        )
    )
    found = renewed(folder, BenchChanges(given))
    assert found.written == tuple(f"rtl/tb/{name}.hex" for name in ("schedule", "settings", "codes"))
    codes = np.array([int(code, 16) for code in (folder / "rtl/tb/codes.hex").read_text().split()]).reshape(3, -1)
    assert len({tuple(image) for image in codes.tolist()}) == 3
    status, printed = simulated(folder)
    assert (status, printed.splitlines()[-1]) == (0, "PASS"), printed
    with pytest.raises(OsccError, match="the schedule does not deliver 4 samples: ") as caught:
        renewed(folder, BenchChanges(samples=4))
    assert (caught.value.code, caught.value.where) == ("bench.schedule", str(folder / "rtl/tb/schedule.hex"))


def test_a_schedule_that_waits_is_told_and_taken(folder: Path, tmp_path: Path) -> None:
    given = tmp_path / "mine.hex"
    given.write_text(
        hex_of(
            Instruction(Operation.LOAD, 0),
            Instruction(Operation.COMMIT),
            Instruction(Operation.INIT, 20),
            Instruction(Operation.RUN, 2),
            Instruction(Operation.SAMPLE),
            Instruction(Operation.REPEAT, 0),
        )
    )
    found = renewed(folder, BenchChanges(given, samples=2))
    assert found.written == tuple(f"rtl/tb/{name}.hex" for name in ("schedule", "settings", "phases", "codes"))
    assert {finding.code for finding in found.findings} >= {"T006"}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("20000000\n\n// wait\n90000000\n", 4, "0x90000000: operation 9 does not exist"),
        ("20000000\nrun 20\n", 2, "'run 20' is no instruction"),
        ("@10\n20000000\n", 1, "'@10' is no instruction"),
        ("200000000\n", 1, "'200000000' is no instruction"),
        ("30000001\n", 1, "commit: 1 is not within 0..0"),
        ("2000_0007 // load 7\n10000000\n", 1, "T001: instruction 0 (load 7): the core has chunks 0..1"),
        ("// nothing\n", None, "T001: the schedule has 0 instructions; the schedule memory holds 1 to 64"),
        ("20000000\n30000000\n40000014\n50000010\n", 4, "T002: the last instruction (run 16) is neither stop"),
        ("\n40000014\n50000010\n60000000\n10000000\n", 3, "T010: instruction 1 runs, but no chunk was committed"),
        ("10000000\n", None, "T012: the schedule never samples"),
    ],
)
def test_an_illegal_schedule_is_refused_with_its_line(folder: Path, text: str, line: int | None, message: str) -> None:
    path = folder / "rtl/tb/schedule.hex"
    path.write_text(text)
    before = contents(folder)
    with pytest.raises(OsccError) as caught:
        renewed(folder)
    assert caught.value.code == "bench.schedule"
    assert caught.value.where == (str(path) if line is None else f"{path}:{line}")
    assert caught.value.message.startswith(message)
    assert caught.value.hint
    assert contents(folder) == before


def test_a_bench_that_is_none_is_refused(folder: Path) -> None:
    settings = folder / "rtl/tb/settings.hex"
    text = settings.read_text()
    lines = text.splitlines(keepends=True)
    for content, message in (
        (text.replace(lines[1], "00000000\n"), "the bench of another program"),
        ("zz\n" * 9, "damaged"),
        ("", "damaged"),
        (None, "no stand-alone bench with a program"),
    ):
        settings.unlink() if content is None else settings.write_text(content)
        with pytest.raises(OsccError) as caught:
            renewed(folder)
        assert (caught.value.code, caught.value.message) == ("bench.none", message)
        assert caught.value.hint == f"emit it first: oscc emit {folder}"


def test_a_schedule_that_cannot_be_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "picture").write_bytes(b"\x89PNG\xff")
    for name, reason in (("none", "No such file or directory"), ("picture", "not a text")):
        with pytest.raises(OsccError, match=f"cannot be read: {reason}"):
            renewed(folder, BenchChanges(tmp_path / name))


def test_a_missing_manifest_is_told(folder: Path) -> None:
    (folder / "rtl/manifest.json").unlink()
    with pytest.raises(OsccError, match="damaged or missing"):
        renewed(folder)
