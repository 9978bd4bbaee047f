"""The verification of an output folder: the two-part contract as a table of lines."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from oscc.base.errors import OsccError
from oscc.base.output_folder import OutputFolder, read_output_folder
from oscc.base.progress import labelled, tell_stage
from oscc.compiler.compile import CompileResult
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.output.recompile import recompile
from oscc.core.program import Program
from oscc.core.program_file import read_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.core_modules import SOURCES, core_modules
from oscc.sim.array.array_steps import MAX_STEP
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine, Progress
from oscc.sim.host.host import HostError
from oscc.sim.verify.checks import CheckLine, Status, Verdict, judge, skipped
from oscc.sim.verify.engine_checks import check_engine
from oscc.sim.verify.phase_checks import ReferenceRun, check_phases, check_pixels, check_step, run_reference
from oscc.sim.verify.program_checks import SUBJECT, check_program
from oscc.sim.verify.wire_checks import check_wires

PIXEL_STEP = 0.05
"""Integration step of the pixel check [model time], for the array and for the reference alike.

Against a converged run it moves the pixels of the example by 3e-4 on average (``benchmarks/bench_step.py``), a
hundredth of the limit, and saves the reference half a minute.
"""

EngineFactory = Callable[[str, str | None], Engine]
"""Gives the engine of a name; the second argument is the Verilog to simulate, None to emit it anew."""


@dataclass(frozen=True)
class VerifyOptions:
    """What to verify.

    Parameters
    ----------
    engines : tuple of str
    samples : int
        Samples that each engine runs, one after another.
    pixel_samples : int
        Samples over which pixels are compared, on engine ``array``.
    seed : int
        Key of the initial noise.
    max_step : float
        Integration step of the engines and of the reference [model time].
    """

    engines: tuple[str, ...] = ("array", "pysim")
    samples: int = 2
    pixel_samples: int = 64
    seed: int = 0
    max_step: float = MAX_STEP


@dataclass(frozen=True, eq=False)
class UnderTest:
    """An output folder, read back from disk.

    Parameters
    ----------
    core : CoreSpec
    program : Program
        As program.bin has it.
    compiled : CompileResult
        The folder's model compiled anew with the folder's core and options.
    verilog : str or None
        The core in ``rtl/``; None when it was not emitted there.
    """

    core: CoreSpec
    program: Program
    compiled: CompileResult
    verilog: str | None

    @property
    def coded(self) -> CodedGraph:
        """The codes of the model, compiled anew."""
        assert self.compiled.coded is not None
        return self.compiled.coded


def verify_folder(
    path: str | Path,
    options: VerifyOptions,
    make_engine: EngineFactory,
    progress: Progress | None = None,
) -> Verdict:
    """Verify what `oscc compile` left in a folder.

    Everything is read back from disk; what the program should be is computed anew from the checkpoint.

    Parameters
    ----------
    path : str or Path
    options : VerifyOptions
    make_engine : callable
        Gives the engine of a name, such as `oscc.sim.engines.registry.engine_named`.
    progress : callable, optional

    Raises
    ------
    OsccError
        When the folder holds no compiled program, or its model or core cannot be read.
    """
    folder = read_output_folder(path)
    core, compiled = load_core(folder.core), recompile(folder, progress)
    try:
        program = read_program(folder.program)
    except OsccError as error:
        unread = judge("program file", SUBJECT, False, "not readable", "every CRC-32 matches", str(error))
        skips = (skipped("run", engine, "the program is not readable") for engine in options.engines)
        return Verdict((_output_files(folder), check_wires(folder, compiled), unread, *skips))
    read = judge("program file", SUBJECT, True, f"{folder.program.stat().st_size} bytes", "every CRC-32 matches")
    tell_stage(progress, "comparing the emitted core with what is emitted anew")
    verilog, lines = _read_emitted(folder.path / "rtl", core)
    tell_stage(progress, "checking files, wires and program")
    under_test = UnderTest(core, program, compiled, verilog)
    return Verdict(
        (
            _output_files(folder),
            check_wires(folder, compiled),
            read,
            *lines,
            *_verify_program(under_test, options, make_engine, progress),
        )
    )


def _output_files(folder: OutputFolder) -> CheckLine:
    """Return the line ``output files``: what the compiler wrote is still what the manifest says."""
    changed = folder.changed_files()
    return judge(
        "output files",
        SUBJECT,
        not changed,
        f"{len(changed)} of {len(folder.manifest['outputs'])} files changed",
        "SHA-256 as in manifest.json",
        f"changed or missing: {', '.join(changed)}",
    )


def _read_emitted(folder: Path, core: CoreSpec) -> tuple[str | None, list[CheckLine]]:
    """Read the Verilog in a folder of `oscc emit`; return it and the line ``emitted core``, nothing without it."""
    if not folder.is_dir():
        return None, []
    wanted = core_modules(core)
    paths = {name: folder / SOURCES / name for name in wanted}
    found = {name: path.read_text(encoding="utf-8", errors="replace") for name, path in paths.items() if path.is_file()}
    differing = [name for name, text in wanted.items() if found.get(name) != text]
    line = judge(
        "emitted core",
        "rtl",
        not differing,
        f"{len(wanted) - len(differing)} of {len(wanted)} modules",
        "the Verilog of the core, emitted anew",
        f"missing or different: {', '.join(differing)}; oscc emit writes them again",
    )
    return "\n".join(found.values()), [line]


def _verify_program(
    under_test: UnderTest, options: VerifyOptions, make_engine: EngineFactory, progress: Progress | None
) -> Iterator[CheckLine]:
    lines = check_program(under_test.program, under_test.core, under_test.compiled)
    yield from lines
    if any(line.name in ("origin", "schedule", "banks") and line.status is Status.FAIL for line in lines):
        yield from (skipped("run", name, "the program must not be run") for name in options.engines)
        return
    # More threads only get in each other's way: what is gathered for eight samples is small.
    torch.set_num_threads(1)
    job = CosimJob(under_test.core, under_test.program, options.samples, seed=options.seed, max_step=options.max_step)
    reference = run_reference(under_test.coded, job, progress)
    records: list[CosimRecord] = []
    for name in options.engines:
        engine = make_engine(name, under_test.verilog)
        yield from _verify_engine(engine, job, under_test.coded, reference, records, progress)
    yield _agreement(records)
    if any(line.name == "pixels of the model" and line.status is Status.FAIL for line in lines):
        yield skipped("pixels", "array", "the program's pixel map is not that of the model")
        return
    yield from _verify_images(make_engine("array", None), job, under_test.coded, options, progress)


def _verify_engine(
    engine: Engine,
    job: CosimJob,
    coded: CodedGraph,
    reference: ReferenceRun,
    records: list[CosimRecord],
    progress: Progress | None,
) -> Iterator[CheckLine]:
    """Yield lines of one engine; its record is added to ``records`` when it ran."""
    limit = f"{job.samples} samples without an error"
    stage = f"engine {engine.name}"
    try:
        record = engine.run(job, labelled(progress, stage))
    except OsccError as error:
        reason = str(error).replace("\n", "; ")
        if error.code == "engine.missing":
            yield skipped("run", engine.name, reason)
        else:
            yield judge("run", engine.name, False, "not started", limit, reason)
        return
    except (HostError, MacroContractError) as error:
        yield judge("run", engine.name, False, "stopped", limit, str(error))
        return
    tell_stage(progress, f"{stage}: comparing codes and phases")
    seconds = record.load_seconds + record.run_seconds
    clocked = f", {record.cycles} cycles" if record.cycles else ""
    yield judge("run", engine.name, True, f"{job.samples} samples in {seconds:.1f} s{clocked}", limit)
    yield from check_engine(job, record)
    yield from check_phases(job, record, coded, reference)
    records.append(record)


def _agreement(records: Sequence[CosimRecord]) -> CheckLine:
    """Return the line ``engines agree``: the same read-out codes from all of them."""
    names = ", ".join(record.engine for record in records)
    if len(records) < 2:
        return skipped("engines agree", names or "none", "needs two engines: give --engine twice or more")
    different = {record.engine: int((record.codes != records[0].codes).sum()) for record in records[1:]}
    return judge(
        "engines agree",
        names,
        not any(different.values()),
        f"{sum(different.values())} of {records[0].codes.size} codes differ",
        "the same codes for the same seed",
        f"codes that differ from {records[0].engine}: {different}",
    )


def _verify_images(
    engine: Engine, job: CosimJob, coded: CodedGraph, options: VerifyOptions, progress: Progress | None
) -> Iterator[CheckLine]:
    """Yield lines that need many samples: pixels against the reference, and the integration step."""
    many = dataclasses.replace(job, samples=options.pixel_samples, max_step=PIXEL_STEP)
    normal = dataclasses.replace(job, samples=options.pixel_samples)
    finer = dataclasses.replace(normal, max_step=options.max_step / 2)
    try:
        images, coarse, fine = (
            engine.run(each, labelled(progress, f"{what}, {each.samples:,} samples"))
            for what, each in (("pixels", many), ("integration step", normal), ("half the integration step", finer))
        )
    except (HostError, MacroContractError) as error:
        for name in ("pixels", "integration step"):
            yield judge(name, engine.name, False, "stopped", f"{many.samples} samples without an error", str(error))
        return
    reference = run_reference(coded, many, labelled(progress, "pixels"))
    tell_stage(progress, "comparing pixels and integration steps")
    yield check_pixels(many, images, coded, reference)
    yield check_step(job, coarse, fine, coded)
