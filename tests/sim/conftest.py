"""What the tests of the simulation share: compiled models, a record of every engine, cores for a host to drive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro import ArrayMacro, MacroRecord
from oscc.sim.engines.job import CosimJob, CosimRecord, Engine
from oscc.sim.engines.pysim import PysimBus, PysimCore, PysimEngine
from oscc.sim.engines.registry import engine_named, missing_for
from oscc.sim.engines.transaction_core import TransactionCore
from oscc.sim.engines.verilog import VerilogEngine
from oscc.sim.host.host import CoreBus

torch.set_num_threads(1)

Flow = Callable[[CoreBus], Awaitable[Any]]
"""What a host does with a core: a coroutine function of its bus."""


@pytest.fixture(scope="session")
def tiny_result(tiny_core: CoreSpec, compile_on: Callable[..., CompileResult]) -> CompileResult:
    """A model of four chunks that fills tiny-8x8, compiled."""
    return compile_on(tiny_core, seed=1)


@pytest.fixture(scope="session")
def tiny_job(tiny_core: CoreSpec, tiny_result: CompileResult) -> CosimJob:
    """Two samples of it."""
    assert tiny_result.program is not None
    return CosimJob(tiny_core, tiny_result.program, samples=2, seed=5, first_sample=3)


@pytest.fixture(scope="session")
def tiny_pysim() -> PysimEngine:
    """Engine pysim for tiny-8x8, which is made ready for simulation once."""
    return PysimEngine()


@pytest.fixture(scope="session")
def record_of(
    tiny_job: CosimJob, tiny_pysim: PysimEngine, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], CosimRecord]:
    """``record_of(engine)``: the record of `tiny_job`, run once; skips the test where the engine is not installed."""

    def engine_of(name: str) -> Engine:
        if name == "pysim":
            return tiny_pysim
        if name != "verilator":
            return engine_named(name)
        # Compiled without optimisation: so little is simulated that it would take longer than it saves.
        folder = tmp_path_factory.mktemp("verilator")
        return VerilogEngine(name, build=folder, optimize="-O0")

    records: dict[str, CosimRecord] = {}

    def record(engine: str) -> CosimRecord:
        if missing := missing_for(engine):
            pytest.skip(f"engine {engine} is not installed: {missing}")
        if engine not in records:
            records[engine] = engine_of(engine).run(tiny_job)
        return records[engine]

    return record


@dataclass(frozen=True)
class Driven:
    """What became of a core that a host drove.

    Parameters
    ----------
    answer : object
        What the host's coroutine returned.
    macro : MacroRecord
    """

    answer: Any
    macro: MacroRecord


def _on_transaction_core(job: CosimJob, flow: Flow) -> Driven:
    macro = ArrayMacro(job.core, job.make_array())
    bus = TransactionCore(job.core, macro, 1)
    return Driven(asyncio.run(_await(flow(bus))), macro.record())


async def _await(answer: Awaitable[Any]) -> Any:
    return await answer


_READY: dict[str, PysimCore] = {}
"""Cores that were simulated before, by their hash."""


def _on_pysim(job: CosimJob, flow: Flow) -> Driven:
    if job.core.hash not in _READY:
        _READY[job.core.hash] = PysimCore(job.core)
    ready = _READY[job.core.hash]
    macro = ArrayMacro(job.core, job.make_array())
    answers: list[Any] = []

    async def host(context: Any) -> None:
        answers.append(await flow(PysimBus(context, ready.plane, job.core)))

    ready.run(host, lambda: macro)
    return Driven(answers[0], macro.record())


CORES = {"transactions": _on_transaction_core, "rtl": _on_pysim}


@pytest.fixture(params=CORES)
def drive(request: pytest.FixtureRequest) -> Callable[[CosimJob, Flow], Driven]:
    """``drive(job, flow)``: run a host's coroutine on a core of the job; one test per kind of core."""
    driver: Callable[[CosimJob, Flow], Driven] = CORES[request.param]
    return driver


@pytest.fixture
def drive_both() -> Callable[[CosimJob, Flow], tuple[Driven, Driven]]:
    """``drive_both(job, flow)``: on the core without RTL and on the RTL."""

    def both(job: CosimJob, flow: Flow) -> tuple[Driven, Driven]:
        return _on_transaction_core(job, flow), _on_pysim(job, flow)

    return both
