"""Benches that need no Python, run on a netlist in Icarus Verilog."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from formal.sby import ROOT
from oscc.base.errors import OsccError
from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.weight_word import pack_words
from oscc.rtl.delivery.standalone import bench_name, bench_sources
from oscc.rtl.delivery.standalone_data import bench_data
from oscc.rtl.top import array_module_name
from oscc.sim.standalone_run import standalone_run

OUTSIDER = ROOT / "tests" / "rtl" / "delivery" / "outsider"
"""A bench and a macro that were written from the manual alone."""

RUNS = (40, 60)
"""Clock cycles of each chunk of the program."""

SAMPLES = 2


@dataclass(frozen=True)
class BenchResult:
    """What a bench said.

    Parameters
    ----------
    name : str
    last : str
        The last line that it printed.
    seconds : float
    """

    name: str
    last: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether it passed."""
        return self.last == "PASS"


def random_program(core: CoreSpec, seed: int = 1) -> Program:
    """Return a program of two chunks with a random code in every unit that joins two cells, repeated for ever.

    Parameters
    ----------
    core : CoreSpec
        With at least two chunks.
    seed : int
    """
    generator = np.random.default_rng(seed)
    grid = (core.cols, core.chunks, core.rows)

    def codes(group: str) -> np.ndarray:
        top = core.dac(group).top_code
        shape = (*grid, core.slots) if group == "coupling" else grid
        drawn = generator.integers(-top, top + 1, shape).astype(np.int8)
        drawn[:, len(RUNS) :] = 0
        return drawn

    drawn = Groups.of(codes)
    col, _, row = np.indices(grid)
    for slot, (drow, dcol) in enumerate(core.unit_stencil.offsets):
        outside = (row + drow < 0) | (row + drow >= core.rows) | (col + dcol < 0) | (col + dcol >= core.cols)
        drawn.coupling[..., slot][outside] = 0
    words = pack_words(drawn, core).reshape(core.cols, core.bank_depth, -1)
    tau = np.array(RUNS) * core.clock_s
    schedule = [
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.COMMIT),
        Instruction(Operation.LOAD, 1),
        Instruction(Operation.INIT, core.init.cycles),
        Instruction(Operation.RUN, RUNS[0]),
        Instruction(Operation.COMMIT),
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.RUN, RUNS[1]),
        Instruction(Operation.SAMPLE),
        Instruction(Operation.REPEAT, 1),
    ]
    rows, cols = core.frame_shape
    std = core.init.std_rad if core.init.kind == "normal" else float(np.pi / np.sqrt(3.0))
    return Program(
        name="random",
        family="kurashil",
        core_name=core.name,
        spec_hash=core.hash,
        model_hash="",
        init=InitialPhases(core.init.kind, core.init.mean_rad, std),
        image_shape=(rows, cols),
        pixel=np.array([(row, column) for row in range(rows) for column in range(cols)], dtype=np.int32),
        chunk_duration=np.ones(len(RUNS)),
        tau_s=tau,
        lsb=Groups.of(lambda group: core.dac(group).full_scale_rad_s / core.dac(group).top_code * tau),
        schedule=encode_schedule(schedule),
        words=words,
    )


def run_standalone(core: CoreSpec, sources: Sequence[Path], folder: Path) -> BenchResult:
    """Run the stand-alone bench that is emitted with a core, with `random_program`.

    Parameters
    ----------
    core : CoreSpec
    sources : sequence of Path
        Verilog of the core, whatever it is made of.
    folder : Path
        Is made.

    Raises
    ------
    OsccError
        ``gates.icarus``, when there is no Icarus Verilog.
    """
    program = random_program(core)
    data = bench_data(core, program, standalone_run(core, program, SAMPLES, seed=3))
    files = {**bench_sources(core, []), **{f"tb/{name}": text for name, text in data.items()}}
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    bench = [folder / "tb" / f"{name}.sv" for name in (array_module_name(core), bench_name(core))]
    return _simulate("stand-alone bench", bench_name(core), [*bench, *sources], folder)


def run_outsider(sources: Sequence[Path], folder: Path) -> BenchResult:
    """Run the bench that was written from the manual alone, of core tiny-8x8.

    Parameters and errors as in `run_standalone`.
    """
    folder.mkdir(parents=True)
    return _simulate("bench from the manual", "tb", [OUTSIDER / "tb.v", OUTSIDER / "array.v", *sources], folder)


def _simulate(name: str, top: str, sources: Sequence[Path], folder: Path) -> BenchResult:
    """Compile and run a bench."""
    if shutil.which("iverilog") is None:
        raise OsccError("gates.icarus", "iverilog is not installed", hint="install Debian package iverilog")
    begun = time.monotonic()
    paths = [str(path.resolve()) for path in sources]
    command = ["iverilog", "-g2005", "-I", "tb", "-s", top, "-o", "bench.vvp", *paths]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(["vvp", "-n", "bench.vvp"], cwd=folder, capture_output=True, text=True)
    (folder / "bench.log").write_text(done.stdout + done.stderr, encoding="utf-8")
    lines = [line for line in done.stdout.splitlines() if line.strip()] or ["it printed nothing"]
    return BenchResult(name, lines[-1], time.monotonic() - begun)
