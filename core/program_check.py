"""Checks a program against the core that it is for: shapes, codes, unused memory, pixels, time scale and schedule."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding, raise_first
from oscc.core.families import FAMILIES
from oscc.core.initial_phases import diagnose_initial_phases
from oscc.core.instructions import Instruction, Operation
from oscc.core.program import Program
from oscc.core.program_findings import (
    ILLEGAL_BANK_CODE,
    OTHER_CORE,
    OTHER_CORE_NAME,
    OTHER_FAMILY,
    PIXEL_OUTSIDE,
    PROGRAM_PHASES,
    UNUSABLE_UNIT,
    UNUSED_MEMORY,
    WRONG_ARRAY,
    WRONG_INIT,
    WRONG_RUNS,
    WRONG_STEP,
)
from oscc.core.schedule_proof import diagnose_schedule
from oscc.core.spec import CoreSpec
from oscc.core.weight_word import code_name, codes_per_cell, join_word, unpack_words

_ROUNDING = 1e-9
"""Relative difference below which two float64 numbers that were computed in different ways are the same."""


def diagnose_program(program: Program, core: CoreSpec) -> Iterator[Finding]:
    """Yield every reason why a core cannot run a program (B001 to B012, and the T codes of its schedule).

    B001 another core, B002 wrong shape, B003 an illegal code, B004 unused memory that is not zero, B005 a pixel outside
    the frame, B006 a code step that does not follow from tau, B007 runs that do not follow from tau, B008 an init of
    another length than the core's, B009 a family without hardware, B010 initial phases that the core does not offer,
    B011 another core by its name, B012 a code on a unit that cannot be used: over the border, or dead. Wrong shapes
    (B002) end the check.

    Parameters
    ----------
    program : Program
    core : CoreSpec
    """
    if program.spec_hash != core.hash:
        yield OTHER_CORE.finding(
            f"the program is for core {program.core_name} ({program.spec_hash[:12]}), not for {core.name} "
            f"({core.hash[:12]})",
            "compile the model for this core",
            {"program": program.spec_hash, "core": core.hash},
        )
    elif program.core_name != core.name:
        yield OTHER_CORE_NAME.finding(
            f"the program names core {program.core_name!r}, but its hash is that of {core.name!r}",
            "compile the model again",
            {"program": program.core_name, "core": core.name},
        )
    yield from _diagnose_model(program, core)
    wrong = list(_diagnose_shapes(program, core))
    yield from wrong
    if wrong:
        return
    yield from _diagnose_words(program, core)
    yield from _diagnose_time(program, core)
    yield from diagnose_schedule(program.instructions(), core, program.drive.times)


def verify_program(program: Program, core: CoreSpec) -> None:
    """Raise the first finding of `diagnose_program`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_program(program, core))


def _diagnose_model(program: Program, core: CoreSpec) -> Iterator[Finding]:
    """Check what the program says about its model, where the core has a say."""
    family = FAMILIES.get(program.family)
    if family is None or not family.has_hardware:
        able = [name for name in FAMILIES.own if FAMILIES[name].has_hardware]
        yield OTHER_FAMILY.finding(
            f"the program is of family {program.family!r}; the core runs {' and '.join(able)}",
            "compile a model of one of these families",
            {"family": program.family, "accepted": able},
        )
    yield from diagnose_initial_phases(program.init, core, "the program", PROGRAM_PHASES)


def _diagnose_shapes(program: Program, core: CoreSpec) -> Iterator[Finding]:
    chunks = program.chunks
    wanted = {
        "words": (program.words.shape, (core.cols, core.bank_depth, core.word_beats * core.stream_width // 8)),
        "chunk_duration": (program.chunk_duration.shape, (chunks,)),
        **{f"lsb.{group}": (lsb.shape, (chunks,)) for group, lsb in program.lsb.items()},
        "pixel": (program.pixel.shape, (program.image_shape[0] * program.image_shape[1], 2)),
    }
    if min(program.image_shape) < 1:
        yield WRONG_ARRAY.finding(
            f"image_shape: {list(program.image_shape)} is no image",
            "compile the model again",
            {"array": "image_shape", "shape": list(program.image_shape)},
        )
    for name, (given, expected) in wanted.items():
        if given != expected:
            yield WRONG_ARRAY.finding(
                f"{name}: shape {list(given)}, expected {list(expected)}",
                "compile the model for this core",
                {"array": name, "shape": list(given), "expected": list(expected)},
            )
    if not 1 <= chunks <= core.chunks:
        yield WRONG_ARRAY.finding(
            f"the program has {chunks} chunks; the core holds {core.chunks}",
            "compile the model for this core",
            {"chunks": chunks, "capacity": core.chunks},
        )


def _unusable_units(core: CoreSpec) -> NDArray[np.bool_]:
    """Return the units that no model can use: dead, over the border, or at a dead cell or source.

    As codes of words, bool[rows, cols, codes per cell].
    """
    reach = core.unit_stencil.radius
    dead = np.zeros((core.rows, core.cols), dtype=bool)
    for row, col in core.defects.cells:
        dead[row, col] = True
    # What lies outside the grid is as useless as a dead cell.
    around = np.pad(dead, reach, constant_values=True)
    unusable = np.repeat(dead[:, :, None], codes_per_cell(core), axis=2)
    for slot, (drow, dcol) in enumerate(core.unit_stencil.offsets):
        row, col = reach + drow, reach + dcol
        unusable[:, :, slot] |= around[row : row + core.rows, col : col + core.cols]
    for row, col, slot in core.defects.slots:
        unusable[row, col, slot] = True
    return unusable


def _diagnose_words(program: Program, core: CoreSpec) -> Iterator[Finding]:
    unusable = _unusable_units(core)
    for column, bank in enumerate(program.words):
        try:
            codes = unpack_words(bank, core)
        except ValueError as error:
            yield ILLEGAL_BANK_CODE.finding(f"bank {column}: {error}", "compile the model again", {"column": column})
            continue
        for group, values in codes.items():
            if len(bad := np.argwhere(~np.isin(values, core.dac(group).allowed_codes))):
                address = int(bad[0, 0])
                yield ILLEGAL_BANK_CODE.finding(
                    f"bank {column}, address {address}: {group} code {int(values[tuple(bad[0])])} is forbidden",
                    "compile the model again",
                    {"column": column, "address": address, "group": group, "count": len(bad)},
                )
        word = join_word(codes)
        used = word[: program.chunks * core.rows].reshape(program.chunks, core.rows, -1)
        if len(misused := np.argwhere((used != 0) & unusable[:, column])):
            chunk, row, place = misused[0].tolist()
            unit = code_name(place, core)
            yield UNUSABLE_UNIT.finding(
                f"cell ({row}, {column}), {unit}: code {int(used[chunk, row, place])} in chunk {chunk}, but "
                f"the unit points over the border, or it, its cell or its source is dead; {len(misused)} such codes in "
                f"bank {column}",
                "compile the model again: such units hold code 0",
                {"cell": [row, column], "unit": unit, "chunk": chunk, "count": len(misused)},
            )
        if np.any(word[program.chunks * core.rows :]):
            yield UNUSED_MEMORY.finding(
                f"bank {column}: words beyond the {program.chunks} chunks of the model are not zero",
                "compile the model again",
                {"column": column, "chunks": program.chunks},
            )
    stray = np.flatnonzero(np.any((program.pixel < 0) | (program.pixel >= core.frame_shape), axis=1))
    if stray.size:
        place = program.pixel[stray[0]].tolist()
        yield PIXEL_OUTSIDE.finding(
            f"pixel {int(stray[0])} is at {place} of the read-out frame, which has {list(core.frame_shape)}",
            "compile the model again",
            {"pixel": int(stray[0]), "position": place, "frame": list(core.frame_shape), "count": int(stray.size)},
        )


def _diagnose_time(program: Program, core: CoreSpec) -> Iterator[Finding]:
    """Check that code steps and runs follow from tau: a program with another tau runs another model."""
    for group, lsb in program.lsb.items():
        expected = core.dac(group).full_scale_rad_s * program.tau_s / core.dac(group).top_code
        wrong = np.flatnonzero(~np.isclose(lsb, expected, rtol=_ROUNDING, atol=0.0))
        if wrong.size:
            chunk = int(wrong[0])
            yield WRONG_STEP.finding(
                f"{group}, chunk {chunk}: a code step is worth {lsb[chunk]:.9g}, but at tau "
                f"{program.tau_s[chunk]:.9g} s it is worth {expected[chunk]:.9g}",
                "compile the model again",
                {
                    "group": group,
                    "chunk": chunk,
                    "lsb": float(lsb[chunk]),
                    "expected": float(expected[chunk]),
                },
            )
    instructions = program.instructions()
    runs = [step.operand for step in instructions if step.operation is Operation.RUN]
    expected_runs = core.clock_hz * program.tau_s * program.chunk_duration
    if len(runs) != program.chunks or not np.allclose(runs, expected_runs, rtol=_ROUNDING, atol=0.0):
        yield WRONG_RUNS.finding(
            f"the schedule runs {runs} cycles, but tau gives {np.round(expected_runs, 6).tolist()}",
            "compile the model again",
            {"runs": runs, "expected": expected_runs.tolist()},
        )
    yield from _diagnose_inits(instructions, core)


def _diagnose_inits(instructions: tuple[Instruction, ...], core: CoreSpec) -> Iterator[Finding]:
    for address, instruction in enumerate(instructions):
        if instruction.operation is Operation.INIT and instruction.operand != core.init.cycles:
            yield WRONG_INIT.finding(
                f"instruction {address} ({instruction}): the core's init takes {core.init.cycles} cycles",
                "compile the model again",
                {"instruction": address, "cycles": instruction.operand, "expected": core.init.cycles},
            )
