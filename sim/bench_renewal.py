"""The expectations of an emitted stand-alone bench made anew, after its schedule was edited."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oscc.base.errors import OsccError
from oscc.base.file_output import write_text
from oscc.base.findings import Finding
from oscc.base.manifest import MANIFEST
from oscc.base.manifest_writer import described_outputs
from oscc.base.output_folder import write_json
from oscc.base.progress import Report, tell_stage
from oscc.core.instructions import Instruction, encode_schedule
from oscc.core.program import Program
from oscc.core.schedule_findings import LATE_COMMIT, LATE_INSTRUCTION, NO_STEADY_STATE, OVER_BUDGET
from oscc.core.schedule_proof import diagnose_schedule
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.schedule_hex import line_of, read_schedule_hex
from oscc.rtl.delivery.standalone import FOLDER
from oscc.rtl.delivery.standalone_data import bench_data, setting_index
from oscc.sim.emission import RTL_FOLDER
from oscc.sim.host.host import HostError
from oscc.sim.standalone_run import standalone_run

SCHEDULE, SETTINGS = "schedule.hex", "settings.hex"

SLOW_ONLY = (LATE_COMMIT, LATE_INSTRUCTION, OVER_BUDGET, NO_STEADY_STATE)
"""Kinds of findings with which a schedule runs all the same: it waits, takes longer, or is not followed to its end."""


@dataclass(frozen=True)
class BenchChanges:
    """What a bench is to run.

    Parameters
    ----------
    schedule : Path or None
        File that takes the place of the bench's schedule.hex; None for the one that is there.
    samples : int or None
        None for those of the bench.
    """

    schedule: Path | None = None
    samples: int | None = None


@dataclass(frozen=True, eq=False)
class RenewedBench:
    """A bench whose expectations were made anew.

    Parameters
    ----------
    instructions : tuple of Instruction
    samples, seed : int
    written : tuple of str
        Files that have other content than before, by their names in the folder of the compilation.
    findings : tuple of Finding
        Why the schedule may be slower than it could be.
    """

    instructions: tuple[Instruction, ...]
    samples: int
    seed: int
    written: tuple[str, ...]
    findings: tuple[Finding, ...]


def renew_bench(
    folder: Path, core: CoreSpec, program: Program, changes: BenchChanges, progress: Report | None = None
) -> RenewedBench:
    """Run the schedule of an emitted bench and rewrite what the bench expects of it, and nothing else.

    Parameters
    ----------
    folder : Path
        Of a compilation into which its core was emitted.
    core : CoreSpec
    program : Program
        Of the compilation; the bench's schedule takes the place of its own.
    changes : BenchChanges
    progress : callable, optional

    Raises
    ------
    OsccError
        ``bench.none`` without a bench, or with that of another program; ``bench.schedule``, with file and line, for a
        schedule that cannot run or delivers too few samples.
    """
    bench = folder / RTL_FOLDER / FOLDER
    settings = _settings_of(bench, program)
    source = bench / SCHEDULE if changes.schedule is None else changes.schedule
    lines = read_schedule_hex(_text_of(source), str(source))
    instructions = tuple(line.instruction for line in lines)
    findings = tuple(diagnose_schedule(instructions, core))
    for finding in findings:
        if finding.kind not in SLOW_ONLY:
            where = f"{source}{line_of(lines, finding.witness.get('instruction'))}"
            raise OsccError("bench.schedule", f"{finding.code}: {finding.message}", where=where, hint=finding.fix)
    changed = dataclasses.replace(program, schedule=encode_schedule(instructions))
    samples = settings["samples"] if changes.samples is None else changes.samples
    seed = settings["seed"]
    tell_stage(progress, f"running {samples} samples for the test bench")
    try:
        # One after another: what a sample is may depend on the ones before, in a schedule that somebody wrote.
        run = standalone_run(core, changed, samples, seed, settings["first_sample"], batch=1)
    except HostError as error:
        raise OsccError(
            "bench.schedule",
            f"the schedule does not deliver {samples} samples: {error}",
            where=str(source),
            hint="sample more often, end with repeat, or take fewer samples: -n",
        ) from error
    files = bench_data(core, changed, run)
    if changes.schedule is None:
        # What was edited stays as it is, with its remarks.
        files[SCHEDULE] = (bench / SCHEDULE).read_text(encoding="utf-8")
    written = tuple(name for name, text in files.items() if _differs(bench / name, text))
    for name in written:
        write_text(bench / name, files[name])
    _note(folder / RTL_FOLDER, [f"{FOLDER}/{name}" for name in files])
    return RenewedBench(
        instructions, samples, seed, tuple(f"{RTL_FOLDER}/{FOLDER}/{name}" for name in written), findings
    )


def _settings_of(bench: Path, program: Program) -> dict[str, int]:
    """Read what a bench runs; it must be one of this program."""
    if not (bench / SETTINGS).is_file() or not (bench / SCHEDULE).is_file():
        raise OsccError("bench.none", "no stand-alone bench with a program", where=str(bench), hint=_emit(bench))
    words = [line.partition("//")[0].strip() for line in _text_of(bench / SETTINGS).splitlines()]
    try:
        found = {name: int(words[setting_index(name)], 16) for name in ("samples", "seed", "first_sample")}
        crc = int(words[setting_index("program_crc")], 16)
    except (ValueError, IndexError):
        raise OsccError("bench.none", "damaged", where=str(bench / SETTINGS), hint=_emit(bench)) from None
    if crc != program.stream_crc() or found["samples"] < 1:
        raise OsccError("bench.none", "the bench of another program", where=str(bench), hint=_emit(bench))
    return found


def _emit(bench: Path) -> str:
    """Return how a bench is made."""
    return f"emit it first: oscc emit {bench.parent.parent}"


def _text_of(path: Path) -> str:
    """Read a file of text."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text"
        raise OsccError("bench.schedule", f"cannot be read: {reason}", where=str(path)) from None


def _differs(path: Path, text: str) -> bool:
    """Return whether a file has other content, or is none."""
    return not path.is_file() or path.read_bytes() != text.encode()


def _note(emitted: Path, names: list[str]) -> None:
    """Put the hashes of files into the manifest of what was emitted; what it says of others stays."""
    path = emitted / MANIFEST
    try:
        manifest: Any = json.loads(path.read_text(encoding="utf-8"))
        outputs = manifest["outputs"] | described_outputs(emitted, names)
    except (OSError, ValueError, KeyError, TypeError):
        raise OsccError("bench.none", "damaged or missing", where=str(path), hint=_emit(emitted / FOLDER)) from None
    if outputs != manifest["outputs"]:
        write_json(path, manifest | {"outputs": outputs})
