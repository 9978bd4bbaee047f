"""What the stand-alone test bench reads when it runs: program, schedule, settings, initial phases and codes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from oscc.core.program import Program
from oscc.core.spec import CoreSpec

SETTINGS = {
    "spec_hash": "register SPEC_HASH",
    "program_crc": "CRC-32 of program.hex",
    "schedule_length": "instructions in schedule.hex",
    "samples": "samples in phases.hex and codes.hex",
    "seed": "seed of the initial phases",
    "first_sample": "number of the first sample",
    "step_numerator": "integration step [clock cycles], numerator",
    "step_denominator": "and denominator",
    "limit": "clock cycles to wait for a beat of an image",
}
"""Words of settings.hex, in order, and what each is."""


def setting_index(name: str) -> int:
    """Return the line of a setting in settings.hex, from 0.

    Raises
    ------
    ValueError
        When there is none of that name.
    """
    return list(SETTINGS).index(name)


@dataclass(frozen=True, eq=False)
class BenchRun:
    """What the bench is to compute, and what should come out.

    Parameters
    ----------
    seed, first_sample : int
        Registers SEED and FIRST_SAMPLE.
    step_cycles : Fraction
        Integration step of the behavioural array [clock cycles]; numerator and denominator below 2^32.
    limit : int
        Clock cycles to wait for a beat of an image.
    phases : float64[samples, rows, cols]
        Initial phases [rad].
    codes : uint8[samples, frame rows, frame cols]
        Read-out codes to expect.
    """

    seed: int
    first_sample: int
    step_cycles: Fraction
    limit: int
    phases: NDArray[np.float64]
    codes: NDArray[np.uint8]


def bench_data(core: CoreSpec, program: Program, run: BenchRun) -> dict[str, str]:
    """Return the data files of the bench, by name.

    Parameters
    ----------
    core : CoreSpec
    program : Program
        For this core.
    run : BenchRun

    Raises
    ------
    ValueError
        When the shapes of phases or codes are not those of the core, or a setting does not fit 32 bits.
    """
    samples = len(run.phases)
    for name, given, expected in (
        ("phases", run.phases.shape, (samples, core.rows, core.cols)),
        ("codes", run.codes.shape, (samples, *core.frame_shape)),
    ):
        if given != expected or not samples:
            raise ValueError(f"{name} have shape {list(given)}, expected {list(expected)} and at least one sample")
    words = {
        "spec_hash": int(core.hash[:8], 16),
        "program_crc": program.stream_crc(),
        "schedule_length": program.schedule.size,
        "samples": samples,
        "seed": run.seed,
        "first_sample": run.first_sample,
        "step_numerator": run.step_cycles.numerator,
        "step_denominator": run.step_cycles.denominator,
        "limit": run.limit,
    }
    for name, word in words.items():
        if not 0 <= word < 2**32:
            raise ValueError(f"{name}: {word} does not fit 32 bits")
    beat = core.stream_width // 8
    stream = program.stream()
    return {
        "program.hex": _lines(stream[at : at + beat][::-1].hex() for at in range(0, len(stream), beat)),
        "schedule.hex": _lines(
            f"{word:08x} // {instruction}"
            for word, instruction in zip(program.schedule.tolist(), program.instructions(), strict=True)
        ),
        "settings.hex": _lines(f"{words[name]:08x} // {meaning}" for name, meaning in SETTINGS.items()),
        "phases.hex": _lines(f"{bits:016x}" for bits in run.phases.astype(np.float64).view(np.uint64).ravel().tolist()),
        "codes.hex": _lines(f"{code:02x}" for code in run.codes.ravel().tolist()),
    }


def _lines(lines: Iterable[str]) -> str:
    """Return lines as a text, each of them ended."""
    return "".join(f"{line}\n" for line in lines)
