from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.sim.engines import recorded_run
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.recorded_run import inputs_of, read_recorded, write_recorded
from oscc.sim.waves.wave_file import Waves

VERILOG = CoreVerilog({"core.v": "module core; endmodule\n"}, "rtl/, 1 file")


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program, samples=2)


@pytest.fixture(scope="module")
def record(job: CosimJob) -> CosimRecord:
    return ArrayEngine().run(job)


def write(folder: Path, record: CosimRecord, inputs: str) -> None:
    about = {"inputs": inputs, "record_sha256": write_recorded(folder, record)}
    (folder / "record.json").write_text(json.dumps(about))


def test_a_record_of_the_same_inputs_is_taken(job: CosimJob, record: CosimRecord, tmp_path: Path) -> None:
    inputs = inputs_of(job, "icarus", VERILOG)
    write(tmp_path, record, inputs)
    found = read_recorded(tmp_path, inputs)
    assert found is not None
    np.testing.assert_array_equal(found.codes, record.codes)
    np.testing.assert_array_equal(found.macro.sample_phases, record.macro.sample_phases)
    assert (found.counters, found.cycles, found.design) == (record.counters, record.cycles, record.design)
    # The times of a run are its own.
    assert (found.load_seconds, found.run_seconds) == (0.0, 0.0)


def test_inputs_are_everything_that_a_result_depends_on(
    job: CosimJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = inputs_of(job, "icarus", VERILOG)
    # Waves change nothing.
    assert inputs_of(dataclasses.replace(job, waves=Waves(tmp_path / "w.vcd")), "icarus", VERILOG) == first
    changed: list[dict[str, Any]] = [
        {"samples": 3},
        {"seed": 1},
        {"first_sample": 1},
        {"max_step": 0.01},
        {"pauses": 4},
    ]
    schedule = job.program.schedule.copy()
    schedule[-2] += 1
    changed.append({"program": dataclasses.replace(job.program, schedule=schedule)})
    others = {inputs_of(dataclasses.replace(job, **change), "icarus", VERILOG) for change in changed}
    others |= {inputs_of(job, "verilator", VERILOG), inputs_of(job, "icarus", None)}
    others.add(inputs_of(job, "icarus", CoreVerilog({"core.v": "module core; endmodule"}, VERILOG.origin)))
    # Another version of the Python that simulates.
    monkeypatch.setattr(recorded_run, "code_hash", lambda: "other")
    others.add(inputs_of(job, "icarus", VERILOG))
    assert len(others | {first}) == len(changed) + 5


@pytest.mark.parametrize("damage", ["record.npz", "record.json", "no record.npz", "no record.json"])
def test_a_damaged_record_is_not_taken(damage: str, job: CosimJob, record: CosimRecord, tmp_path: Path) -> None:
    inputs = inputs_of(job, "pysim", None)
    write(tmp_path, record, inputs)
    path = tmp_path / damage.removeprefix("no ")
    if damage.startswith("no "):
        path.unlink()
    else:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert read_recorded(tmp_path, inputs) is None


def test_a_record_of_other_inputs_is_not_taken(job: CosimJob, record: CosimRecord, tmp_path: Path) -> None:
    write(tmp_path, record, inputs_of(job, "pysim", None))
    assert read_recorded(tmp_path, inputs_of(dataclasses.replace(job, seed=1), "pysim", None)) is None


def test_the_same_record_gives_the_same_file(record: CosimRecord, tmp_path: Path) -> None:
    first = write_recorded(tmp_path, record)
    assert write_recorded(tmp_path, dataclasses.replace(record, run_seconds=9.0)) == first
