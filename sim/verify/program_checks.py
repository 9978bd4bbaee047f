"""Checks of a program on disk against the model and the core that it was made from; no simulation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding
from oscc.compiler.compile import CompileResult
from oscc.core.instructions import Operation
from oscc.core.program import Program
from oscc.core.program_check import diagnose_program
from oscc.core.program_findings import OF_TIME, OTHER_CORE
from oscc.core.schedule_findings import KINDS
from oscc.core.spec import CoreSpec
from oscc.sim.verify.checks import CheckLine, judge

SUBJECT = "program"


def check_program(program: Program, core: CoreSpec, compiled: CompileResult) -> list[CheckLine]:
    """Check the program: lines ``origin``, ``time scale``, ``schedule``, ``banks`` and those of model and pixels.

    Parameters
    ----------
    program : Program
        As read from the file.
    core : CoreSpec
    compiled : CompileResult
        The model compiled anew from the checkpoint; it must fit.
    """
    expected = compiled.program
    assert expected is not None
    findings = list(diagnose_program(program, core))
    of_time, of_schedule, rest = _parted(findings)
    return [
        _origin(program, expected),
        _time_scale(program, core, expected, of_time),
        _schedule(program, core, expected, of_schedule),
        _banks(program, rest),
        _codes(program, expected, core),
        judge(
            "pixels of the model",
            SUBJECT,
            program.image_shape == expected.image_shape and np.array_equal(program.pixel, expected.pixel),
            f"{len(program.pixel)} pixels",
            "as the model compiled anew",
            "the pixel map differs",
        ),
    ]


def _parted(findings: list[Finding]) -> tuple[list[Finding], list[Finding], list[Finding]]:
    """Return findings about time, about the schedule, and all others but that the program is for another core."""
    of_time = [each for each in findings if each.kind in OF_TIME]
    of_schedule = [each for each in findings if each.kind in KINDS]
    told = (OTHER_CORE, *OF_TIME, *KINDS)
    return of_time, of_schedule, [each for each in findings if each.kind not in told]


def _origin(program: Program, expected: Program) -> CheckLine:
    """Check that the program says what it should be: model, core, family, noise, durations."""
    names = ("spec_hash", "model_hash", "name", "family", "core_name", "init")
    different = [name for name in names if getattr(program, name) != getattr(expected, name)]
    if not np.array_equal(program.chunk_duration, expected.chunk_duration):
        different.append("chunk_duration")
    first = different[0] if different else ""
    return judge(
        "origin",
        SUBJECT,
        not different,
        f"core {program.spec_hash[:8]}, model {program.model_hash[:8]}",
        f"core {expected.spec_hash[:8]}, model {expected.model_hash[:8]}",
        f"not as the model compiled anew: {', '.join(different)} ({first} is {getattr(program, first, None)})",
    )


def _first(findings: list[Finding]) -> str:
    more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
    return f"{findings[0].code}: {findings[0].message}{more}" if findings else ""


def _time_scale(program: Program, core: CoreSpec, expected: Program, findings: list[Finding]) -> CheckLine:
    """Check that durations, tau, code steps and run lengths follow from each other and from the model."""
    different = ""
    for name, given, wanted in (
        ("tau", program.tau_s, expected.tau_s),
        ("chunk_duration", program.chunk_duration, expected.chunk_duration),
        ("lsb", _steps(program), _steps(expected)),
    ):
        if given.shape != wanted.shape or not np.allclose(given, wanted, rtol=1e-12, atol=0.0):
            different = f"{name} is {given.tolist()}, the model compiled anew has {wanted.tolist()}"
            break
    runs = [step.operand for step in program.instructions() if step.operation is Operation.RUN]
    return judge(
        "time scale",
        SUBJECT,
        not findings and not different,
        f"tau {program.tau_s.max():.6g} s, runs {runs}",
        f"tau {expected.tau_s.max():.6g} s, run = tau x {core.clock_hz / 1e6:g} MHz x duration",
        _first(findings) or different,
    )


def _steps(program: Program) -> NDArray[np.float64]:
    """Return the worth of a code step of each chunk and group, float64[C, 4]."""
    return np.stack(program.lsb.values(), axis=1)


def _schedule(program: Program, core: CoreSpec, expected: Program, findings: list[Finding]) -> CheckLine:
    """Check that the schedule is the one that the compiler writes, is legal, and never waits in steady state."""
    same = np.array_equal(program.schedule, expected.schedule)
    cycles = sum(step.operand for step in program.instructions() if step.is_timed)
    return judge(
        "schedule",
        SUBJECT,
        same and not findings,
        f"{cycles} cycles per sample, no wait in steady state" if not findings else f"{len(findings)} findings",
        f"at most {core.cycles_per_sample} cycles",
        _first(findings) or "the instructions differ from those of the model compiled anew",
    )


def _banks(program: Program, findings: list[Finding]) -> CheckLine:
    """Check that the core can take memory and pixel map: shapes, legal codes, nothing in unused units."""
    return judge(
        "banks",
        SUBJECT,
        not findings,
        f"{len(findings)} findings in {program.words.shape[0]} banks",
        "legal codes, unused units 0",
        _first(findings),
    )


def _codes(program: Program, expected: Program, core: CoreSpec) -> CheckLine:
    """Check that every code in the banks is the one that the model quantizes to."""
    name, limit = "codes of the model", "0 differ from the model quantized anew"
    if program.words.shape != expected.words.shape:
        shapes = f"banks of shape {list(program.words.shape)}, expected {list(expected.words.shape)}"
        return judge(name, SUBJECT, False, "banks of another shape", limit, shapes)
    different = np.argwhere(np.any(program.words != expected.words, axis=-1))
    where = ""
    if len(different):
        column, address = different[0].tolist()
        chunk, row = divmod(address, core.rows)
        where = (
            f"first at cell ({row}, {column}), chunk {chunk}: word "
            f"{_hex(program.words[column, address])}, expected {_hex(expected.words[column, address])}"
        )
    measured = f"{len(different)} of {core.cells * core.chunks} words differ"
    return judge(name, SUBJECT, not len(different), measured, limit, where)


def _hex(word: np.ndarray) -> str:
    return f"0x{int.from_bytes(word.tobytes(), 'little'):x}"
