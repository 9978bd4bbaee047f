from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.delivery.standalone_data import BenchRun, bench_data
from oscc.sim.cocotb_bench.prepared_run import ProgramImage, emitted_folder, has_run, prepare_run, read_core, read_run

STEP = Fraction(7, 3)


@pytest.fixture
def codes(tiny_core: CoreSpec) -> np.ndarray:
    return np.arange(3 * tiny_core.frame_shape[0] * tiny_core.frame_shape[1], dtype=np.uint8).reshape(
        3, *tiny_core.frame_shape
    )


@pytest.fixture
def folder(tmp_path: Path, tiny_core: CoreSpec, tiny_program: Program, codes: np.ndarray) -> Path:
    """An emitted folder, as far as a bench reads it."""
    run = BenchRun(5, 9, STEP, 1234, np.zeros((3, tiny_core.rows, tiny_core.cols)), codes)
    (tmp_path / "tb" / "cocotb").mkdir(parents=True)
    (tmp_path / "core.yaml").write_text(dump_core(tiny_core))
    for name, text in bench_data(tiny_core, tiny_program, run).items():
        (tmp_path / "tb" / name).write_text(text)
    return tmp_path


def test_what_was_written_is_read(folder: Path, tiny_core: CoreSpec, tiny_program: Program, codes: np.ndarray) -> None:
    run = read_run(folder)
    assert read_core(folder) == tiny_core
    assert run.program.stream() == tiny_program.stream()
    assert run.program.stream_crc() == tiny_program.stream_crc()
    np.testing.assert_array_equal(run.program.schedule, tiny_program.schedule)
    np.testing.assert_array_equal(run.codes, codes)
    assert (run.seed, run.first_sample, run.limit, run.step_cycles, run.samples) == (5, 9, 1234, STEP, 3)
    with pytest.raises(ValueError, match="read-only"):
        run.codes[0, 0, 0] = 1


def test_a_file_in_the_folder_leads_to_it(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    assert emitted_folder(folder / "tb" / "cocotb" / "test_it.py") == folder
    assert has_run(folder / "tb")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    with pytest.raises(OsccError) as caught:
        emitted_folder(elsewhere)
    assert caught.value.code == "bench.no-core"
    assert str(elsewhere) in str(caught.value)


def test_a_core_without_a_program_says_so(folder: Path) -> None:
    for path in (folder / "tb").glob("*.hex"):
        path.unlink()
    assert not has_run(folder)
    with pytest.raises(OsccError, match="there is no program") as caught:
        read_run(folder)
    assert caught.value.code == "bench.no-program"


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("program.hex", lambda text: text.replace("0", "1", 1), "its CRC-32 is not that of settings.hex"),
        ("program.hex", lambda text: "xyz\n" + text, "no hexadecimal number"),
        ("schedule.hex", lambda text: text + text.splitlines()[-1] + "\n", "its length is not that"),
        ("schedule.hex", lambda text: "1" + text, "does not fit 32 bits"),
        ("codes.hex", lambda text: text[3:], "expected 48"),
        ("settings.hex", lambda text: text.split("\n", 1)[1], "words, expected"),
        ("settings.hex", None, "cannot be read"),
    ],
)
def test_damaged_data_are_refused(folder: Path, name: str, change: object, message: str) -> None:
    path = folder / "tb" / name
    if callable(change):
        path.write_text(change(path.read_text()))
    else:
        path.unlink()
    with pytest.raises(OsccError, match=message) as caught:
        read_run(folder)
    assert caught.value.code == "bench.data"
    assert name in str(caught.value)


def test_a_run_is_prepared_of_any_program(tiny_core: CoreSpec, tiny_program: Program) -> None:
    run = prepare_run(tiny_core, tiny_program, 2, seed=3)
    more = prepare_run(tiny_core, tiny_program, 1, seed=3, first_sample=1)
    assert isinstance(run.program, ProgramImage)
    assert run.program.stream() == tiny_program.stream()
    assert (run.samples, run.seed, more.first_sample) == (2, 3, 1)
    np.testing.assert_array_equal(run.codes[1], more.codes[0])
