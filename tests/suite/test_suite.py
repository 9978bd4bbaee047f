"""All engines on cores of three sizes, for several numbers of chunks and coupling bits, with a host that pauses.

Without options only `SOME` of the points run; ``--suite all`` runs every one.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.instructions import Operation
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.delivery.core_modules import core_modules
from oscc.sim.array.macro import EventKind
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.core_sources import CoreVerilog
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine
from oscc.sim.engines.pysim import PysimEngine
from oscc.sim.engines.registry import missing_for
from oscc.sim.engines.verilog import VerilogEngine

ENGINES = ("pysim", "icarus", "verilator")
CORES = ("tiny-8x8", "king-48x41", "ais-56x56")
CHUNKS = (1, 2, 4)
BITS = (2, 4, 8)
SAMPLES = 3
MakeGraph = Callable[..., CouplingGraph]


@dataclass(frozen=True)
class Point:
    """An engine, and the core on which it runs."""

    engine: str
    core: str
    chunks: int
    bits: int

    def __str__(self) -> str:
        return f"{self.engine}-{self.core}-{self.chunks}-chunks-{self.bits}-bits"


# The engines come last, so that what they share of a core is made once.
ALL = [Point(engine, core, chunks, bits) for core, chunks, bits, engine in product(CORES, CHUNKS, BITS, ENGINES)]

SOME = [Point("pysim", "ais-56x56", 1, 2), Point("icarus", "king-48x41", 2, 4)]
"""Two cores as they are delivered, the larger one where nothing has to be built.

Verilator takes minutes for a build of any of the cores: it has the core of the cocotb benches instead, of four chunks
and four bits, which is built once for all tests.
"""

RIGHT = Point("pysim", "tiny-8x8", 2, 8)
"""The one that is checked before what is wrong in it is."""

STEADY = Point("icarus", "tiny-8x8", 4, 8)
"""Runs as fast as its program says; the widest codes in generated Verilog."""

STEADY_LARGE = Point("verilator", "ais-56x56", 4, 4)
"""The same for the large core and the trained example, where all points run: its build for Verilator is there then."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "point" in metafunc.fixturenames:
        points = ALL if metafunc.config.getoption("suite", "some") == "all" else SOME
        metafunc.parametrize("point", points, ids=str)
    if "steady" in metafunc.fixturenames:
        whole = metafunc.config.getoption("suite", "some") == "all"
        metafunc.parametrize("steady", [STEADY, STEADY_LARGE] if whole else [STEADY], ids=str)


def core_of(point: Point) -> CoreSpec:
    described = load_core(point.core).model_dump(mode="json", by_alias=True)
    described |= {"chunks": point.chunks, "coupling_dac": described["coupling_dac"] | {"bits": point.bits}}
    return CoreSpec.model_validate(described)


def job_on(core: CoreSpec, make_graph: MakeGraph, folder: Path) -> tuple[CosimJob, CosimRecord]:
    """A job on a core, and what engine ``array`` makes of it."""
    bits = core.coupling_dac.bits
    # A unit of model time comes to 62.5 cycles here; a sample must not be shorter than its read-out.
    duration = max(2.0, 1.1 * (core.readout_cycles - core.init.cycles) / (62.5 * core.chunks))
    write_checkpoint(folder / "model.safetensors", make_graph(core, seed=core.chunks * bits, duration=duration))
    result = compile_model(read_checkpoint(folder / "model.safetensors"), core)
    assert result.program is not None, result.findings
    job = CosimJob(core, result.program, samples=SAMPLES, seed=bits, first_sample=core.chunks)
    return job, ArrayEngine().run(job)


@pytest.fixture(scope="module")
def prepared(
    make_graph: MakeGraph, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Point], tuple[CosimJob, CosimRecord]]:
    """``prepared(point)``: job and what engine ``array`` makes of it; the last core's are kept."""

    @lru_cache(maxsize=1)
    def of_core(core: str, chunks: int, bits: int) -> tuple[CosimJob, CosimRecord]:
        return job_on(core_of(Point("", core, chunks, bits)), make_graph, tmp_path_factory.mktemp("model"))

    return lambda point: of_core(point.core, point.chunks, point.bits)


@pytest.fixture(scope="module")
def verilog_of() -> Callable[[CoreSpec], str]:
    """``verilog_of(core)``: the Verilog of a core; the last one's is kept. That of a large core takes half a minute."""
    kept: dict[str, str] = {}

    def verilog(core: CoreSpec) -> str:
        if core.hash not in kept:
            kept.clear()
            kept[core.hash] = "\n".join(core_modules(core).values())
        return kept[core.hash]

    return verilog


def engine_of(point: Point, verilog: Callable[[CoreSpec], str], builds: Path) -> Engine:
    if missing := missing_for(point.engine):
        pytest.skip(f"engine {point.engine} is not installed: {missing}")
    # Where little is simulated, the model need not be fast.
    optimize = "-O0" if point.chunks == 1 or point.core == "tiny-8x8" else "-O1"
    if point.engine == "pysim":
        return PysimEngine()
    sources = CoreVerilog({"core.v": verilog(core_of(point))}, "emitted")
    return VerilogEngine(point.engine, sources, builds / str(point), optimize)


def key_of(point: Point, job: CosimJob, verilog: str) -> str:
    """Changes with all that the result of a point depends on."""
    parts = [str(point), verilog, job.program.stream().hex(), str(job.program.schedule.tolist())]
    parts += [str(value) for value in (job.samples, job.seed, job.first_sample, job.pauses, job.core.hash)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def patterns_of(program: Program, core: CoreSpec) -> np.ndarray:
    """Bit patterns in the banks, uint8[chunks, rows, cols, codes per cell], cut out of the words bit by bit."""
    bits = np.unpackbits(program.words, axis=-1, bitorder="little")
    patterns, low = [], 0
    for width in [core.coupling_dac.bits] * core.slots + [
        core.shil_dac.bits,
        core.field_dac.bits,
        core.detuning_dac.bits,
    ]:
        patterns.append((bits[..., low : low + width] << np.arange(width, dtype=np.uint8)).sum(axis=-1))
        low += width
    stacked = np.stack(patterns, axis=-1).astype(np.uint8)
    return stacked.reshape(core.cols, core.chunks, core.rows, -1).transpose(1, 2, 0, 3)


def check(job: CosimJob, record: CosimRecord, expected: CosimRecord) -> None:
    """Everything digital is exact, however much the host pauses."""
    core, program, macro, counters = job.core, job.program, record.macro, record.counters
    np.testing.assert_array_equal(record.codes, expected.codes)
    assert record.codes.shape == (SAMPLES, *core.frame_shape)

    runs = [step.operand for step in program.instructions() if step.operation is Operation.RUN]
    assert len(runs) == core.chunks
    period = core.init.cycles + sum(runs)
    # The abort comes late when the host pauses: the core may have begun another sample, whose image nobody takes.
    taken = len(macro.sample_times)
    assert SAMPLES <= taken <= SAMPLES + 2

    # A core of one chunk loads it once; else every chunk is loaded for every sample.
    commits = macro.commit_patterns
    assert len(commits) == 1 if core.chunks == 1 else taken * core.chunks <= len(commits) <= taken * core.chunks + 1
    patterns = patterns_of(program, core)
    for number, committed in enumerate(commits):
        np.testing.assert_array_equal(committed, patterns[number % core.chunks], err_msg=f"commit {number}")

    # Every init and run has its cycles; what a sample takes longer is counted.
    lengths = {kind: macro.events[macro.events[:, 1] == kind, 2].tolist() for kind in EventKind}
    assert lengths[EventKind.INIT][:taken] == [core.init.cycles] * taken
    assert lengths[EventKind.RUN][: taken * core.chunks] == runs * taken
    assert macro.sample_times[-1] == taken * period + counters.stalled
    times = macro.sample_times.tolist()
    assert counters.period == times[-1] - times[-2]
    assert counters.stalled or counters.period == period

    assert counters.samples == taken
    assert (counters.corrected, counters.uncorrectable, counters.scrubbed) == (0, 0, 0)
    assert counters.program_crc == program.stream_crc()


def test_the_points_cover_everything(bench_core: CoreSpec) -> None:
    assert len(set(ALL)) == len(ALL) == 81
    verilator = Point("verilator", bench_core.name, bench_core.chunks, bench_core.coupling_dac.bits)
    some = [*SOME, RIGHT, STEADY, verilator]
    for name, values in (("engine", ENGINES), ("core", (*CORES, "bench-4x6")), ("chunks", CHUNKS), ("bits", BITS)):
        assert {getattr(point, name) for point in some} == set(values)
    # Generated Verilog is simulated with the widest codes, too.
    assert {point.bits for point in some if point.engine != "pysim"} == {4, 8}
    # One of them is the core as it is delivered, and changed cores are others.
    assert core_of(Point("verilator", "ais-56x56", 4, 4)) == load_core("ais-56x56")
    assert core_of(SOME[0]) != load_core("ais-56x56")


def test_a_point(
    point: Point,
    prepared: Callable[[Point], Any],
    verilog_of: Callable[[CoreSpec], str],
    builds: Path,
    suite_results: Any,
) -> None:
    from_results = type(suite_results).Result
    started = time.perf_counter()
    job, expected = prepared(point)
    job = CosimJob(**{**vars(job), "pauses": job.seed + job.core.chunks})
    # Where nothing is kept, nobody asks for the key.
    key = key_of(point, job, verilog_of(job.core)) if suite_results.folder is not None else ""
    before = suite_results.passed_before(str(point), key)
    if before is not None:
        suite_results.points.append(before)
        return
    engine = engine_of(point, verilog_of, builds)
    outcome, cycles, stalled = "FAIL", 0, 0
    try:
        record = engine.run(job)
        cycles, stalled = record.cycles, record.counters.stalled
        check(job, record, expected)
        outcome = "pass"
    finally:
        seconds = time.perf_counter() - started
        parameters = (point.engine, point.core, point.chunks, point.bits)
        suite_results.add(str(point), from_results(key, *parameters, outcome, cycles, stalled, seconds))


def test_verilator_on_the_core_of_the_benches(
    bench_core: CoreSpec,
    make_graph: MakeGraph,
    tmp_path: Path,
    shared_build: Callable[[str], AbstractContextManager[Path]],
) -> None:
    if missing := missing_for("verilator"):
        pytest.skip(f"engine verilator is not installed: {missing}")
    job, expected = job_on(bench_core, make_graph, tmp_path)
    with shared_build("verilator") as folder:
        engine = VerilogEngine("verilator", build=folder, optimize="-O0", all_public=True)
        record = engine.run(replace(job, pauses=job.seed + job.core.chunks))
    check(job, record, expected)


def test_a_sample_in_steady_state_takes_its_programmed_cycles(
    steady: Point,
    example_path: Path,
    prepared: Callable[[Point], Any],
    verilog_of: Callable[[CoreSpec], str],
    builds: Path,
) -> None:
    point = replace(steady, engine="verilator") if missing_for(steady.engine) else steady
    job, _ = prepared(point)
    core, program = job.core, job.program
    if steady == STEADY_LARGE:
        program = compile_model(read_checkpoint(example_path), core).program
        assert program is not None
        assert core == load_core("ais-56x56")
    timed = [step.operand for step in program.instructions() if step.is_timed]
    assert timed[0] == core.init.cycles
    assert len(timed) == 1 + core.chunks
    job = CosimJob(core, program, samples=8)
    record = engine_of(point, verilog_of, builds).run(job)
    np.testing.assert_array_equal(record.codes, ArrayEngine().run(job).codes)
    patterns = patterns_of(program, core)
    for number, committed in enumerate(record.macro.commit_patterns):
        np.testing.assert_array_equal(committed, patterns[number % core.chunks], err_msg=f"commit {number}")
    samples = record.macro.sample_times[:8].tolist()
    # Time 0 is the start of the first init.
    assert samples == [(number + 1) * sum(timed) for number in range(8)]
    assert record.counters.period == sum(timed)
    assert record.counters.stalled == 0


WRONG: dict[str, Callable[[CosimRecord], CosimRecord]] = {
    "a code": lambda record: replace(record, codes=record.codes ^ (np.arange(record.codes.size) == 7).reshape(3, 4, 4)),
    "a bit at the array": lambda record: replace(
        record, macro=replace(record.macro, commit_patterns=record.macro.commit_patterns ^ one_bit(record))
    ),
    "a lost commit": lambda record: replace(
        record, macro=replace(record.macro, commit_patterns=record.macro.commit_patterns[1:])
    ),
    "a late sample": lambda record: replace(
        record, macro=replace(record.macro, sample_times=record.macro.sample_times + (np.arange(3) == 2))
    ),
    "a cycle that was not counted": lambda record: replace(
        record, counters=replace(record.counters, stalled=record.counters.stalled + 1)
    ),
    "a corrected word": lambda record: replace(record, counters=replace(record.counters, corrected=1)),
    "another CRC": lambda record: replace(record, counters=replace(record.counters, program_crc=0)),
}


def one_bit(record: CosimRecord) -> np.ndarray:
    flips = np.zeros_like(record.macro.commit_patterns)
    flips[-1, 3, 2, 5] = 1
    return flips


@pytest.fixture(scope="module")
def right(prepared: Callable[[Point], Any]) -> tuple[CosimJob, CosimRecord, CosimRecord]:
    """A small job that nothing is wrong with, its record and what was expected."""
    job, expected = prepared(RIGHT)
    return job, PysimEngine().run(job), expected


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_seen(what: str, right: tuple[CosimJob, CosimRecord, CosimRecord]) -> None:
    job, record, expected = right
    check(job, record, expected)
    with pytest.raises(AssertionError):
        check(job, WRONG[what](record), expected)


def test_a_point_is_not_repeated_while_nothing_changes(tmp_path: Path, suite_results: Any) -> None:
    results = type(suite_results)
    good = results.Result("key", "pysim", "tiny-8x8", 1, 2, "pass", 1234, 5, 6.7)
    results(tmp_path, False).add("good", good)
    results(tmp_path, False).add("bad", replace(good, result="FAIL"))
    assert results(tmp_path, False).passed_before("good", "key") == good
    assert results(tmp_path, False).passed_before("good", "another key") is None
    assert results(tmp_path, False).passed_before("bad", "key") is None
    assert results(tmp_path, False).passed_before("unknown", "key") is None
    # As asked for, or where nothing is kept.
    assert results(tmp_path, True).passed_before("good", "key") is None
    assert results(None, False).passed_before("good", "key") is None
    kept = results(tmp_path, False)
    kept.points.append(good)
    assert kept.table().splitlines()[-1] == "| pysim | tiny-8x8 | 1 | 2 | pass | 1,234 | 5 | 7 |"
