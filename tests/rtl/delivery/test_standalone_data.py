from __future__ import annotations

import dataclasses
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.standalone_data import SETTINGS, BenchRun, bench_data, setting_index


@pytest.fixture(scope="module")
def core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """2 x 3 cells, of which two columns can be read; two beats per weight word."""
    return make_core(grid=[2, 3], stencil="king", chunks=1, stream_width=32, readout={"origin": [0, 0], "step": [1, 2]})


@pytest.fixture(scope="module")
def program(core: CoreSpec) -> Program:
    """Random words, a schedule of two instructions."""
    words = np.random.default_rng(0).integers(0, 256, (3, 2, core.word_beats * 4), dtype=np.uint8)
    return Program(
        name="random",
        family="kurashil",
        core_name=core.name,
        spec_hash=core.hash,
        model_hash="",
        init=InitialPhases("normal", 0.0, 1.0),
        image_shape=(1, 1),
        pixel=np.zeros((1, 2), dtype=np.int32),
        chunk_duration=np.ones(1),
        tau_s=np.full(1, 1e-6),
        lsb=Groups.of(lambda _: np.ones(1)),
        schedule=encode_schedule([Instruction(Operation.INIT, 64), Instruction(Operation.STOP)]),
        words=words,
    )


@pytest.fixture(scope="module")
def run() -> BenchRun:
    """Two samples."""
    rng = np.random.default_rng(1)
    return BenchRun(
        seed=0xFFFF_FFFF,
        first_sample=9,
        step_cycles=Fraction(1, 3),
        limit=4000,
        phases=rng.normal(size=(2, 2, 3)),
        codes=rng.integers(0, 64, (2, 2, 2), dtype=np.uint8),
    )


def words_of(text: str) -> list[int]:
    """What $readmemh makes of a file."""
    return [int(line.split("//")[0], 16) for line in text.splitlines()]


def test_the_program_is_the_stream_beat_by_beat(core: CoreSpec, program: Program, run: BenchRun) -> None:
    beats = words_of(bench_data(core, program, run)["program.hex"])
    assert len(beats) == core.program_beats
    assert struct.pack(f"<{len(beats)}I", *beats) == program.stream()


def test_the_schedule_is_readable(core: CoreSpec, program: Program, run: BenchRun) -> None:
    assert bench_data(core, program, run)["schedule.hex"] == "40000040 // init 64\n10000000 // stop\n"


def test_the_settings(core: CoreSpec, program: Program, run: BenchRun) -> None:
    text = bench_data(core, program, run)["settings.hex"]
    crc = zlib.crc32(program.words.tobytes())
    assert words_of(text) == [int(core.hash[:8], 16), crc, 2, 2, 0xFFFF_FFFF, 9, 1, 3, 4000]
    assert [line.split(" // ")[1] for line in text.splitlines()] == list(SETTINGS.values())
    assert [setting_index(name) for name in ("spec_hash", "seed", "limit")] == [0, 4, 8]
    with pytest.raises(ValueError, match="'sede' is not in list"):
        setting_index("sede")


def test_phases_and_codes_read_back_exactly(core: CoreSpec, program: Program, run: BenchRun) -> None:
    files = bench_data(core, program, run)
    bits = words_of(files["phases.hex"])
    assert [struct.unpack("<d", struct.pack("<Q", word))[0] for word in bits] == run.phases.ravel().tolist()
    # The bench reads line by line, 16 digits each.
    assert {len(line) for line in files["phases.hex"].splitlines()} == {16}
    assert words_of(files["codes.hex"]) == run.codes.ravel().tolist()
    assert sorted(files) == ["codes.hex", "phases.hex", "program.hex", "schedule.hex", "settings.hex"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phases": np.zeros((2, 3, 2))}, r"^phases have shape \[2, 3, 2\], expected \[2, 2, 3\] and at least one"),
        ({"codes": np.zeros((1, 2, 2), np.uint8)}, r"^codes have shape \[1, 2, 2\], expected \[2, 2, 2\] and at least"),
        ({"phases": np.zeros((0, 2, 3))}, r"^phases have shape \[0, 2, 3\], expected .* at least one sample$"),
        ({"seed": 2**32}, r"^seed: 4294967296 does not fit 32 bits$"),
        ({"step_cycles": Fraction(1, 2**33)}, r"^step_denominator: 8589934592 does not fit 32 bits$"),
    ],
)
def test_what_does_not_fit_is_refused(
    core: CoreSpec, program: Program, run: BenchRun, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        bench_data(core, program, dataclasses.replace(run, **changes))  # type: ignore[arg-type]
