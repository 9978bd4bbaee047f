from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.recorded_run import inputs_of, write_recorded
from oscc.sim.engines.simulator_log import SimulatorLogs
from oscc.sim.host.host import HostError
from oscc.sim.verify.checks import Status
from oscc.sim.verify.engine_runs import RunPlace, run_engine

VERILOG = CoreVerilog({"src/core.v": "module core; endmodule\n"}, "rtl/, 1 file")


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program, samples=2)


@pytest.fixture(scope="module")
def record(job: CosimJob) -> CosimRecord:
    return dataclasses.replace(ArrayEngine().run(job), cycles=900, design=VERILOG.origin)


class Counting:
    """An engine that gives a record, or an error, and counts its runs."""

    def __init__(self, name: str, outcome: CosimRecord | Exception) -> None:
        self.name = name
        self._outcome = outcome
        self.jobs: list[CosimJob] = []

    def run(self, job: CosimJob, progress: Any = None) -> CosimRecord:
        self.jobs.append(job)
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


def recorded(folder: Path, engine: str, record: CosimRecord, inputs: str) -> None:
    place = folder / f"cosim-{engine}"
    place.mkdir()
    about = {"inputs": inputs, "record_sha256": write_recorded(place, record)}
    (place / "record.json").write_text(json.dumps(about))


@pytest.mark.parametrize(("name", "verilog"), [("pysim", None), ("icarus", VERILOG)])
def test_what_cosim_recorded_is_not_run_again(
    name: str, verilog: CoreVerilog | None, job: CosimJob, record: CosimRecord, tmp_path: Path
) -> None:
    recorded(tmp_path, name, record, inputs_of(job, name, verilog))
    engine = Counting(name, record)
    line, found = run_engine(engine, job, VERILOG, RunPlace(tmp_path, None, False, None), None)
    assert (line.status, line.measured) == (Status.PASS, "2 samples recorded by cosim, 900 cycles; rtl/, 1 file")
    assert found is not None
    assert found.codes.tolist() == record.codes.tolist()
    assert engine.jobs == []


def test_everything_else_is_run(job: CosimJob, record: CosimRecord, tmp_path: Path) -> None:
    recorded(tmp_path, "icarus", record, inputs_of(job, "icarus", VERILOG))
    engine = Counting("icarus", record)
    place = RunPlace(tmp_path, tmp_path, False, None)
    edited = CoreVerilog({"src/core.v": "module core; /* edited */ endmodule\n"}, VERILOG.origin)
    runs = [
        (dataclasses.replace(job, seed=1), VERILOG, place),
        (job, edited, place),
        (job, None, place),
        (job, VERILOG, dataclasses.replace(place, anew=True)),
        (job, VERILOG, dataclasses.replace(place, waves=(5, 9))),
    ]
    for wanted, verilog, where in runs:
        line, _ = run_engine(engine, wanted, verilog, where, None)
        assert line.measured.startswith("2 samples in ")
    assert len(engine.jobs) == len(runs)
    waves = engine.jobs[-1].waves
    assert waves is not None
    assert (waves.path, waves.first, waves.last) == (tmp_path / "waves-icarus.vcd", 5, 9)


def test_an_engine_of_another_distribution_always_runs(job: CosimJob, record: CosimRecord, tmp_path: Path) -> None:
    recorded(tmp_path, "farm", record, inputs_of(job, "farm", None))
    engine = Counting("farm", record)
    run_engine(engine, job, None, RunPlace(tmp_path, None, False, None), None)
    assert len(engine.jobs) == 1


def test_the_whole_log_of_a_failure_is_kept_where_there_is_a_place(job: CosimJob, tmp_path: Path) -> None:
    error = HostError("the simulator ended")
    error.__cause__ = SimulatorLogs({"test.log": "all of it\n"})
    keep = tmp_path / "keep"
    keep.mkdir()
    line, record = run_engine(Counting("icarus", error), job, None, RunPlace(tmp_path, keep, False, None), None)
    assert (line.status, record) == (Status.FAIL, None)
    assert line.detail == "the simulator ended; whole log: verify/icarus-test.log"
    assert (keep / "icarus-test.log").read_text() == "all of it\n"
    line, _ = run_engine(Counting("icarus", error), job, None, RunPlace(tmp_path, None, False, None), None)
    assert line.detail == "the simulator ended"


def test_what_is_not_installed_is_skipped(job: CosimJob, tmp_path: Path) -> None:
    missing = OsccError("engine.missing", "not there", hint="install: it")
    line, record = run_engine(Counting("icarus", missing), job, None, RunPlace(tmp_path, None, False, None), None)
    assert (line.status, line.detail, record) == (Status.SKIPPED, "not there; install: it", None)
