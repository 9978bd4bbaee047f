from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.core.program_folder import read_program_of
from oscc.sim.array.macro import MacroContractError
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.pysim import PysimEngine
from oscc.sim.engines.simulator_log import SimulatorLogs
from oscc.sim.host.host import HostError

Run = Callable[..., tuple[int, str, str]]
RunJson = Callable[..., tuple[int, dict[str, Any]]]

FILES = {"codes.npy", "cosim.png", "record.json", "record.npz", "sheet.png"}


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def stopping(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Makes engine pysim end with an error."""

    def arrange(error: Exception) -> None:
        def run(self: PysimEngine, job: CosimJob, progress: Any = None) -> CosimRecord:
            raise error

        monkeypatch.setattr(PysimEngine, "run", run)

    return arrange


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without PyTorch."""
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else find(name, *more))


def test_images_go_through_the_rtl(oscc_json: RunJson, folder: Path) -> None:
    before = contents(folder)
    status, content = oscc_json("cosim", folder, "-n", "2", "--seed", "6", "--first", "4")
    assert status == 0
    assert (content["engine"], content["samples"], content["seed"], content["first"]) == ("pysim", 2, 6, 4)
    assert content["output"] == str(folder / "cosim-pysim")
    after = contents(folder)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {f"cosim-pysim/{name}" for name in FILES}

    codes = np.load(folder / "cosim-pysim" / "codes.npy")
    core, program = read_program_of(folder)
    np.testing.assert_array_equal(codes, ArrayEngine().run(CosimJob(core, program, 2, seed=6, first_sample=4)).codes)
    assert content["codes_sha256"] == hashlib.sha256(codes.tobytes()).hexdigest()
    cycles = sum(step.operand for step in program.instructions() if step.is_timed)
    assert content["counters"]["period"] == cycles
    assert content["counters"]["samples"] == 2
    assert content["cycles"] > 512 + 2 * cycles
    assert 0 < content["pixel_difference"] < 0.03


def test_the_record_holds_no_times(oscc_json: RunJson, folder: Path) -> None:
    _, content = oscc_json("cosim", folder, "--engine", "array")
    first = contents(folder / "cosim-array")
    record = json.loads(first["record.json"])
    assert set(content) - set(record) == {"output", "waves", "load_seconds", "run_seconds"}
    assert set(record) - set(content) == {"record_sha256"}
    assert {name: content[name] for name in content if name in record} == {
        name: record[name] for name in record if name in content
    }
    assert record["design"] == "a model of the control plane, without RTL"
    # So that running it again gives the same bytes.
    oscc_json("cosim", folder, "--engine", "array")
    assert contents(folder / "cosim-array") == first


def test_the_text_says_what_was_compared(oscc: Run, folder: Path) -> None:
    status, out, err = oscc("cosim", folder, "--engine", "array", "-n", "3")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "synthetic-tiny-8x8 on tiny-8x8, engine array"
    shown = dict(line[2:].split("  ", 1) for line in lines[1:])
    assert shown["images"].strip() == "3, seed 0, from sample 0"
    assert shown["against PyTorch"].strip().startswith("pixels differ by 0.0")
    assert shown["output"].strip() == str(folder / "cosim-array")


def test_engines_have_folders_of_their_own(oscc: Run, folder: Path) -> None:
    for engine in ("array", "pysim"):
        assert oscc("cosim", folder, "--engine", engine)[0] == 0
    array, rtl = (np.load(folder / f"cosim-{engine}" / "codes.npy") for engine in ("array", "pysim"))
    np.testing.assert_array_equal(array, rtl)


@pytest.mark.usefixtures("no_torch")
def test_without_pytorch_nothing_is_compared_and_it_says_so(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    status, out, _ = oscc("cosim", folder, "--engine", "array")
    assert status == 0
    assert "SKIPPED, PyTorch is not installed: pip install 'oscc[torch]'" in out
    assert set(contents(folder / "cosim-array")) == FILES - {"cosim.png"}
    assert oscc_json("cosim", folder, "--engine", "array")[1]["pixel_difference"] is None


def test_an_unknown_engine_is_refused(oscc: Run, folder: Path) -> None:
    before = contents(folder)
    assert oscc("cosim", folder, "--engine", "pysm") == (
        1,
        "",
        "oscc: --engine: 'pysm' is not an engine; did you mean 'pysim'?\n",
    )
    assert contents(folder) == before


def test_an_engine_that_is_not_installed_is_named(
    oscc: Run, oscc_json: RunJson, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("oscc.sim.engines.registry.missing_for", lambda name: "Debian package iverilog")
    status, out, err = oscc("cosim", folder, "--engine", "icarus")
    assert (status, out) == (1, "")
    assert err == "oscc: engine 'icarus' is not installed\ninstall: Debian package iverilog\n"
    assert oscc_json("cosim", folder, "--engine", "icarus")[1]["error"]["code"] == "engine.missing"


@pytest.mark.parametrize("kind", [HostError, MacroContractError])
def test_a_core_that_refuses_says_why(
    kind: type[Exception], oscc: Run, folder: Path, stopping: Callable[[Exception], None]
) -> None:
    stopping(kind("the CRC-32 of the streamed program differs from PROGRAM_CRC"))
    before = contents(folder)
    assert oscc("cosim", folder) == (
        1,
        "",
        "oscc: pysim: the CRC-32 of the streamed program differs from PROGRAM_CRC\nsee docs/registers.md, ERROR\n",
    )
    assert contents(folder) == before


def test_half_a_folder_is_never_left(oscc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert oscc("cosim", folder, "--engine", "array")[0] == 0
    before = contents(folder)

    def draw(images: object, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr("oscc.report.cosim_files.sample_sheet", draw)
    status, out, err = oscc("cosim", folder, "--engine", "array", "--seed", "3")
    assert (status, out) == (1, "")
    assert "No space left on device" in err
    assert contents(folder) == before


def test_a_folder_that_is_no_output_is_refused(oscc_json: RunJson, tmp_path: Path) -> None:
    status, content = oscc_json("cosim", tmp_path)
    assert (status, content["error"]["code"]) == (1, "output.not-found")


@pytest.mark.parametrize("arguments", [("-n", "0"), ("-n", "10001"), ("--seed", "-1"), ("--first", "-1")])
def test_wrong_usage(arguments: tuple[str, str], oscc: Run, compiled: Path) -> None:
    status, out, err = oscc("cosim", compiled, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("oscc cosim: Invalid value for ")
    assert err.endswith("\ntry: oscc cosim --help\n")


def test_every_stage_has_its_own_label(oscc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    @contextmanager
    def listening(what: str) -> Iterator[Callable[[str, float], None]]:
        told.append(what)
        yield lambda doing, done: told.append(doing)

    monkeypatch.setattr("oscc.cli.cosim.progress_bar", listening)
    assert oscc("cosim", folder, "--engine", "array")[0] == 0
    stages = list(dict.fromkeys(told))
    assert [stage for stage in stages if not stage.startswith("compiling the model anew: ")] == [
        "starting engine array",
        "running the array",
        "running the PyTorch reference, 0 of 1 samples done",
        "drawing and writing the images",
    ]
    # What was said last of the array does not stand there while the reference is made ready.
    assert told[-1 - told[::-1].index("running the array") + 1] == "compiling the model anew: pass place"


def test_waves_are_written_on_request_and_go_with_the_next_run(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    status, content = oscc_json("cosim", folder, "--waves", "--waves-cycles", "600:700")
    assert status == 0
    waves = folder / "cosim-pysim" / "waves.vcd"
    assert content["waves"] == str(waves)
    assert set(contents(folder / "cosim-pysim")) == FILES | {"waves.vcd", "waves.gtkw", "waves.sucl"}
    times = [int(line[1:]) for line in waves.read_text().splitlines() if line.startswith("#")]
    assert (min(time for time in times if time), max(times)) == (6000, 7005)
    assert oscc("cosim", folder)[0] == 0
    assert set(contents(folder / "cosim-pysim")) == FILES


def test_an_engine_without_a_clock_has_no_waves(oscc: Run, folder: Path) -> None:
    before = contents(folder)
    assert oscc("cosim", folder, "--engine", "array", "--waves") == (
        1,
        "",
        "oscc: --waves: engine 'array' has no clock, and so no waves\nuse pysim, icarus, verilator\n",
    )
    assert oscc("cosim", folder, "--waves", "--waves-cycles", "9:8")[0] == 2
    assert contents(folder) == before


def test_verify_takes_what_was_recorded(oscc: Run, oscc_json: RunJson, folder: Path) -> None:
    def run_of_pysim(*more: str) -> str:
        given = ("--engine", "pysim", "--pixel-samples", "1", *more)
        status, content = oscc_json("verify", folder, *given)
        assert status == 0
        (line,) = (line for line in content["checks"] if line["check"] == "run")
        return str(line["measured"])

    assert oscc("cosim", folder, "-n", "2")[0] == 0
    assert run_of_pysim().startswith("2 samples recorded by cosim, ")
    assert run_of_pysim("--anew").startswith("2 samples in ")
    assert run_of_pysim("--seed", "1").startswith("2 samples in ")


def test_the_log_of_a_simulator_that_fails_is_kept(oscc: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: PysimEngine, job: CosimJob, progress: Any = None) -> CosimRecord:
        raise HostError("the simulator ended") from SimulatorLogs({"test.log": "all of it\n"})

    monkeypatch.setattr(PysimEngine, "run", run)
    log = folder / "cosim-pysim" / "test.log"
    status, out, err = oscc("cosim", folder)
    assert (status, out) == (1, "")
    assert err == f"oscc: pysim: the simulator ended\nsee docs/registers.md, ERROR; kept: {log}\n"
    assert log.read_text() == "all of it\n"
    monkeypatch.undo()
    # What passes leaves none.
    assert oscc("cosim", folder)[0] == 0
    assert set(contents(folder / "cosim-pysim")) == FILES
