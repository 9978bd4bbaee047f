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
from oscc.sim.array.array_steps import MAX_STEP
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.core_sources import CoreVerilog, changed_files, file_list_name, read_core_verilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine, Progress
from oscc.sim.host.host import HostError
from oscc.sim.verify.checks import CheckLine, Status, Verdict, judge, skipped
from oscc.sim.verify.engine_checks import check_engine
from oscc.sim.verify.engine_runs import RunPlace, run_engine
from oscc.sim.verify.phase_checks import check_phases, check_pixels, check_step, run_reference
from oscc.sim.verify.program_checks import SUBJECT, check_program
from oscc.sim.verify.wire_checks import check_wires

PIXEL_STEP = 0.05
"""Integration step of the pixel check [model time], for the array and for the reference alike.

Against a converged run it moves the pixels of the example by 3e-4 on average (``benchmarks/bench_step.py``), a
hundredth of the limit, and saves the reference half a minute.
"""

EngineFactory = Callable[[str, CoreVerilog | None], Engine]
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
    anew : bool
        Run every engine, also where `oscc cosim` has recorded the very same run.
    waves : tuple of (int, int or None), optional
        First and last clock cycle of the waves that the engines write; an engine that writes them runs anew.
    """

    engines: tuple[str, ...] = ("array", "pysim")
    samples: int = 2
    pixel_samples: int = 64
    seed: int = 0
    max_step: float = MAX_STEP
    anew: bool = False
    waves: tuple[int, int | None] | None = None


@dataclass(frozen=True, eq=False)
class UnderTest:
    """An output folder, read back from disk.

    Parameters
    ----------
    folder : Path
    keep : Path or None
        Folder that gets waves, and whole logs of engines that fail.
    core : CoreSpec
    program : Program
        As program.bin has it.
    compiled : CompileResult
        The folder's model compiled anew with the folder's core and options.
    verilog : CoreVerilog or None
        What the file list in ``rtl/`` names; None when the core was not emitted there.
    """

    folder: Path
    keep: Path | None
    core: CoreSpec
    program: Program
    compiled: CompileResult
    verilog: CoreVerilog | None

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
    keep: Path | None = None,
) -> Verdict:
    """Verify what `oscc compile` left in a folder.

    Everything is read back from disk; what the program should be is computed anew from the checkpoint. The run of an
    engine that `oscc cosim` recorded there, of the very same inputs, is taken and not repeated.

    Parameters
    ----------
    path : str or Path
    options : VerifyOptions
    make_engine : callable
        Gives the engine of a name, such as `oscc.sim.engines.registry.engine_named`.
    progress : callable, optional
    keep : Path, optional
        Folder that gets waves (``waves-ENGINE.vcd``), and whole logs of engines that fail (``ENGINE-test.log``).

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
    under_test = UnderTest(folder.path, keep, core, program, compiled, verilog)
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


def _read_emitted(folder: Path, core: CoreSpec) -> tuple[CoreVerilog | None, list[CheckLine]]:
    """Read the Verilog in a folder of `oscc emit`; return it and the line ``emitted core``, nothing without it."""
    if not folder.is_dir():
        return None, []
    name, limit = "emitted core", "the Verilog of the core, emitted anew"
    try:
        found = read_core_verilog(folder, core)
    except OsccError as error:
        return None, [judge(name, "rtl", False, "not readable", limit, str(error).replace("\n", "; "))]
    if found is None:
        missing = f"{file_list_name(core)} is missing; the core is emitted anew where it is simulated"
        return None, [judge(name, "rtl", False, "no file list", limit, missing)]
    changed = changed_files(found, core)
    line = judge(
        name,
        "rtl",
        not changed,
        found.origin,
        limit,
        f"missing or different: {', '.join(changed)}; simulated as they are; oscc emit writes them again",
    )
    return found, [line]


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
    place = RunPlace(under_test.folder, under_test.keep, options.anew, options.waves)
    for name in options.engines:
        engine = make_engine(name, under_test.verilog)
        line, record = run_engine(engine, job, under_test.verilog, place, progress)
        yield line
        if record is not None:
            tell_stage(progress, f"engine {name}: comparing codes and phases")
            yield from check_engine(job, record)
            yield from check_phases(job, record, under_test.coded, reference)
            records.append(record)
    yield _agreement(records)
    if any(line.name == "pixels of the model" and line.status is Status.FAIL for line in lines):
        yield skipped("pixels", "array", "the program's pixel map is not that of the model")
        return
    yield from _verify_images(make_engine("array", None), job, under_test.coded, options, progress)


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
