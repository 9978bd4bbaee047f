"""The cocotb benches, each in its own run of a simulator; the benches are the files bench_*.py beside this one.

All run on Icarus, and some on Verilator too; ``--all-benches`` runs all on both.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.program_file import write_program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core
from oscc.rtl.top import core_module_name
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.bench_run import run_bench
from oscc.sim.engines.core_sources import emitted_verilog
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.simulators import missing_for
from oscc.sim.engines.verilog import simulated_sources
from oscc.sim.engines.verilog_build import VerilogBuild, build_verilog

HERE = Path(__file__).parent
BENCHES = sorted(path.stem for path in HERE.glob("bench_*.py") if path.stem != "bench_core")
ALWAYS_ON_VERILATOR = ("bench_protection",)
"""The one in which Python writes into the design, which simulators do each in their own way."""
SEED = 11
COVERAGE_ARGS = ("--coverage-line", "--coverage-toggle")


@dataclass(frozen=True)
class Prepared:
    """What the benches read, and the Verilog that they run on."""

    folder: Path
    top: str
    sources: dict[str, str]


@pytest.fixture(scope="module")
def prepared(
    bench_core: CoreSpec,
    make_graph: Callable[..., CouplingGraph],
    tmp_path_factory: pytest.TempPathFactory,
) -> Prepared:
    """A program for `bench_core`."""
    core = bench_core
    folder = tmp_path_factory.mktemp("benches")
    write_checkpoint(folder / "model.safetensors", make_graph(core, seed=3, duration=0.9))
    program = compile_model(read_checkpoint(folder / "model.safetensors"), core).program
    assert program is not None
    (folder / "core.yaml").write_text(dump_core(core))
    write_program(folder / "program.bin", program)
    np.save(folder / "expected.npy", ArrayEngine().run(CosimJob(core, program, samples=4, seed=SEED)).codes)
    sources = simulated_sources(core, emitted_verilog(core))
    return Prepared(folder, core_module_name(core), sources)


def failures(results: Path, log: Path) -> list[str]:
    """What of a run did not pass, as cocotb's results say it; a line about the log when there are none."""
    if not results.exists():
        return [f"the simulator ended without results: {log.read_text(errors='replace')[-2000:]}"]
    failed = []
    for case in ElementTree.parse(results).iter("testcase"):
        for outcome in (*case.iter("failure"), *case.iter("error")):
            words = outcome.get("error_msg") or outcome.get("message") or outcome.text or ""
            # The end of a traceback: where it was raised, and what.
            failed.append(f"{case.get('name')}: {' | '.join(line.strip() for line in words.splitlines()[-6:])}")
    return failed


def chosen(config: pytest.Config) -> list[tuple[str, str]]:
    """Simulators and benches of this run; simulators one after the other, since each is built once."""
    on_verilator = [("verilator", bench) for bench in BENCHES]
    if config.getoption("coverage_folder", None):
        return on_verilator
    every = config.getoption("all_benches", False)
    some = [(name, bench) for name, bench in on_verilator if every or bench in ALWAYS_ON_VERILATOR]
    return [("icarus", bench) for bench in BENCHES] + some


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bench" in metafunc.fixturenames:
        metafunc.parametrize(("simulator", "bench"), chosen(metafunc.config))


@pytest.fixture(scope="module")
def built(
    prepared: Prepared,
    tmp_path_factory: pytest.TempPathFactory,
    shared_build: Callable[[str], AbstractContextManager[Path]],
    pytestconfig: pytest.Config,
) -> Callable[[str], Path]:
    """``built(simulator)``: the folder with the core, built once; skips the test where the simulator is missing."""
    coverage = pytestconfig.getoption("coverage_folder", None)

    @cache
    def build(simulator: str) -> Path:
        if simulator == "verilator" and not coverage:
            with shared_build("verilator") as folder:
                build_verilog(VerilogBuild(simulator, prepared.top, prepared.sources, optimize="-O0"), folder)
            return folder
        folder = coverage.absolute() / "build" if coverage else tmp_path_factory.mktemp(f"build-{simulator}")
        args = COVERAGE_ARGS if coverage else ()
        build_verilog(VerilogBuild(simulator, prepared.top, prepared.sources, tuple(args), "-O0"), folder)
        return folder

    def existing(simulator: str) -> Path:
        if missing := missing_for(simulator):
            pytest.skip(f"{simulator} is not installed: {missing}")
        return build(simulator)

    return existing


def test_a_bench(
    bench: str,
    simulator: str,
    built: Callable[[str], Path],
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pytestconfig: pytest.Config,
) -> None:
    monkeypatch.syspath_prepend(str(HERE))
    coverage = pytestconfig.getoption("coverage_folder", None)
    folder = coverage.absolute() / bench if coverage else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"OSCC_BENCH": str(prepared.folder)} | ({"OSCC_COVERAGE": str(folder)} if coverage else {})
    results = run_bench(simulator, prepared.top, built(simulator), folder, bench, environment)
    failed = failures(results, folder / "test.log")
    assert not failed, "\n".join(failed)
    cases = list(ElementTree.parse(results).iter("testcase"))
    assert cases, "the bench has no tests"


def test_the_benches_are_found() -> None:
    assert len(BENCHES) == 7
    assert set(ALWAYS_ON_VERILATOR) < set(BENCHES)
    assert "bench_core" not in BENCHES


def test_a_bench_that_fails_is_seen(tmp_path: Path) -> None:
    results = tmp_path / "results.xml"
    results.write_text(
        '<testsuites><testsuite><testcase name="good"/><testcase name="bad"><failure error_msg="wrong"/></testcase>'
        "</testsuite></testsuites>"
    )
    assert failures(results, tmp_path / "log") == ["bad: wrong"]
    (tmp_path / "log").write_text("segmentation fault")
    assert failures(tmp_path / "none.xml", tmp_path / "log") == [
        "the simulator ended without results: segmentation fault"
    ]
