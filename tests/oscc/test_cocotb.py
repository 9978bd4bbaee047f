"""`oscc.cocotb` in simulators: the emitted tests, the bench of the manual, and benches and cores that break rules."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import oscc.cocotb
from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult
from oscc.core.interface_contract import interface_table
from oscc.core.spec import CoreSpec
from oscc.sim.emission import BenchOptions, emit_files
from oscc.sim.engines.simulators import missing_for

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cosimulation.md"
RTL = Path("out") / "ring" / "rtl"
"""Where the manual emits."""

needs_icarus = pytest.mark.skipif(bool(missing_for("icarus")), reason=f"not installed: {missing_for('icarus')}")
slow = pytest.mark.skipif(not os.environ.get("OSCC_SLOW_TESTS"), reason="half a minute; set OSCC_SLOW_TESTS=1")

BREAKING = """
import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from oscc.cocotb import HostError, read_core, read_run, start_bench

core, run = read_core("out/ring/rtl"), read_run("out/ring/rtl")

@cocotb.test()
async def the_host_withdraws_a_beat(dut):
    await start_bench(dut, core)
    for level in (1, 0):
        dut.s_axis_tvalid.value = level
        await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)

@cocotb.test()
async def nobody_looks(dut):
    bench = await start_bench(dut, core)
    bench.monitor.stop()
    for level in (1, 0):
        dut.s_axis_tvalid.value = level
        await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)

@cocotb.test()
async def the_array_is_lost(dut):
    bench = await start_bench(dut, core, run.step_cycles)
    await bench.host.load(run.program)
    bench.array.ready(False)
    await bench.host.registers.write_watchdog(limit=200)
    try:
        await bench.host.take_samples(1, seed=0, first=0, limit=run.limit)
    except HostError as error:
        cocotb.log.info("refused: %s", error)
    else:
        raise AssertionError("an image came of an array that is not ready")

@cocotb.test()
async def another_core(dut):
    bench = await start_bench(dut, core)
    other = type(bench.host)(dut, core.model_copy(update={"chunks": 7}))
    await other.identify()
"""


@pytest.fixture(scope="module")
def compiled(bench_core: CoreSpec, compile_on: Callable[..., CompileResult]) -> CompileResult:
    return compile_on(bench_core, duration=0.6)


@pytest.fixture(scope="module")
def emitted(bench_core: CoreSpec, compiled: CompileResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a core of 4 x 6 cells that is emitted where the manual's is."""
    folder = tmp_path_factory.mktemp("emitted")
    assert compiled.program is not None
    for name, text in emit_files(bench_core, BenchOptions(compiled.program, 2, 0)).items():
        path = folder / RTL / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def run_tests(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The emitted runner, as the manual calls it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    command = [sys.executable, str(RTL / "tb" / "cocotb" / "run.py"), *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def outcomes(output: str) -> dict[str, str]:
    """What became of each test."""
    return dict(re.findall(r"\*\* (\w+\.\w+) +(PASS|FAIL|SKIP) ", output))


def manual_bench() -> str:
    """The bench in ten lines."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(code)


@needs_icarus
def test_the_emitted_tests_pass_and_so_does_the_bench_of_the_manual(emitted: Path) -> None:
    (emitted / "own_bench.py").write_text(manual_bench())
    (emitted / "breaking.py").write_text(BREAKING)
    done = run_tests(emitted, "--module", "test_bench_4x6,own_bench,breaking")
    said = done.stdout + done.stderr
    assert outcomes(said) == {
        "test_bench_4x6.the_core_answers": "PASS",
        "test_bench_4x6.the_codes_are_the_expected_ones": "PASS",
        "test_bench_4x6.the_codes_are_the_same_with_pauses": "PASS",
        "test_bench_4x6.the_core_answers_by_spi": "PASS",
        "own_bench.the_first_image_is_right": "PASS",
        "breaking.the_host_withdraws_a_beat": "FAIL",
        "breaking.nobody_looks": "PASS",
        "breaking.the_array_is_lost": "PASS",
        "breaking.another_core": "FAIL",
    }, said
    assert re.search(r"PortRuleError: X009: .*; broken in cycle \d+: s_axis_tvalid 0x0, s_axis_tready 0x0", said)
    assert "register SPEC_HASH is" in said
    assert "refused: the array did not answer within WATCHDOG cycles" in said
    assert (done.returncode, "9 tests, 2 failed" in said.splitlines()) == (1, True)


@needs_icarus
def test_a_core_that_breaks_a_rule_is_found(emitted: Path, tmp_path: Path) -> None:
    shutil.copytree(emitted / RTL, tmp_path / RTL)
    top = tmp_path / RTL / "src" / "bench_4x6_core.v"
    head, found, rest = top.read_text().partition(" array_macro (")
    top.write_text(head + found + re.sub(r"\.tap_row\((\w+)\)", r".tap_row(~\1)", rest, count=1))
    done = run_tests(tmp_path)
    said = done.stdout + done.stderr
    assert list(outcomes(said).values()) == ["PASS", "FAIL", "FAIL", "PASS"]
    assert "PortRuleError: A008: tap_row is 0 on the edge of a sample; broken in cycle " in said
    assert done.returncode == 1


@needs_icarus
def test_a_core_without_a_program_says_so(emitted: Path, tmp_path: Path) -> None:
    shutil.copytree(emitted / RTL, tmp_path / RTL)
    for path in (tmp_path / RTL / "tb").glob("*.hex"):
        path.unlink()
    done = run_tests(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(outcomes(done.stdout).values()) == ["PASS", "SKIP", "SKIP", "PASS"]
    assert "no program is here, so no samples are taken" in done.stdout


@slow
@needs_icarus
def test_the_makefile_runs_them_too(emitted: Path, tmp_path: Path) -> None:
    shutil.copytree(emitted / RTL, tmp_path / RTL)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["make", "SIM=icarus"],
        cwd=tmp_path / RTL / "tb" / "cocotb",
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(outcomes(done.stdout + done.stderr).values()) == ["PASS"] * 4


@slow
@pytest.mark.skipif(bool(missing_for("verilator")), reason=f"not installed: {missing_for('verilator')}")
def test_they_pass_on_verilator_with_assertions(emitted: Path) -> None:
    done = run_tests(emitted, "--simulator", "verilator", "--optimize=-O0", "--assertions", "--waves")
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(outcomes(done.stdout + done.stderr).values()) == ["PASS"] * 4
    assert list(emitted.glob("sim_build/*/*.vcd"))


@needs_icarus
def test_assertions_are_refused_where_there_are_none(emitted: Path) -> None:
    done = run_tests(emitted, "--assertions")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("Icarus Verilog has no concurrent assertions")


def test_every_name_is_there_and_stands_in_the_manual() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert sorted(oscc.cocotb.__all__) == dir(oscc.cocotb)
    for name in oscc.cocotb.__all__:
        assert getattr(oscc.cocotb, name).__name__ == name
        assert re.search(rf"\b{name}\b", text) or name in {"CoreSpec"}, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = oscc.cocotb.nothing  # type: ignore[attr-defined]


def test_the_rules_of_the_manual_are_those_that_are_declared() -> None:
    assert interface_table() in PAGE.read_text(encoding="utf-8")


def test_without_cocotb_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("oscc.sim.cocotb_bench")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cocotb", None)
    monkeypatch.delitem(vars(oscc.cocotb), "PortMonitor", raising=False)
    with pytest.raises(OsccError, match="PortMonitor needs the Python package cocotb") as caught:
        _ = oscc.cocotb.PortMonitor
    assert caught.value.code == "engine.missing"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["path"], 0), (["arguments", "icarus"], 0), (["sources", "nowhere"], 1), (["arguments", "vcs"], 1), ([], 2)],
)
def test_a_makefile_is_answered(arguments: list[str], status: int, capsys: pytest.CaptureFixture[str]) -> None:
    if arguments == ["arguments", "icarus"] and missing_for("icarus"):
        pytest.skip("no Icarus Verilog")
    assert oscc.cocotb.main(arguments) == status
    said = capsys.readouterr()
    assert bool(said.out) == (status == 0)
    assert said.err.startswith("oscc.cocotb: ") == (status != 0)
    assert len(said.err.splitlines()) <= 2
