from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from oscc.compiler.compile import CompileResult
from oscc.core.spec import CoreSpec
from oscc.rtl.array_port import array_signature
from oscc.rtl.control_plane import ControlPlane, host_members
from oscc.sim.array.macro import EventKind, MacroContractError
from oscc.sim.engines.job import CosimJob, CosimRecord
from oscc.sim.engines.pysim import PysimEngine
from oscc.sim.host.host import HostError


@pytest.fixture(scope="module")
def job(small_core: CoreSpec, small_result: CompileResult) -> CosimJob:
    assert small_result.program is not None
    return CosimJob(small_core, small_result.program)


@pytest.fixture(scope="module")
def engine(job: CosimJob) -> PysimEngine:
    """One that has run the job before."""
    engine = PysimEngine()
    engine.run(job)
    return engine


class Rewired(wiring.Component):  # type: ignore[misc]
    """A control plane with some of its signals to the array replaced."""

    def __init__(self, core: CoreSpec, change: Callable[[Any], dict[str, Any]]) -> None:
        self._core, self._change = core, change
        super().__init__({**host_members(core), "array": Out(array_signature(core))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.plane = plane = ControlPlane(self._core)
        for name, member in host_members(self._core).items():
            outside, inside = getattr(self, name), getattr(plane, name)
            m.d.comb += inside.eq(outside) if member.flow == wiring.In else outside.eq(inside)
        changed = self._change(plane.array)
        for name, member in array_signature(self._core).members.items():
            outside, inside = getattr(self.array, name), getattr(plane.array, name)
            m.d.comb += inside.eq(outside) if member.flow == wiring.In else outside.eq(changed.get(name, inside))
        return m


def test_back_to_back_period(tiny_job: CosimJob, tiny_pysim: PysimEngine) -> None:
    record = tiny_pysim.run(dataclasses.replace(tiny_job, samples=4))
    timed = [step for step in tiny_job.program.instructions() if step.is_timed]
    period = sum(step.operand for step in timed)
    assert [str(step) for step in timed] == ["init 64", "run 125", "run 125", "run 125", "run 125"]
    assert period == 564
    assert record.counters.period == period
    assert record.macro.sample_times[:4].tolist() == [period, 2 * period, 3 * period, 4 * period]
    assert record.macro.times_of(EventKind.INIT).tolist() == [0, period, 2 * period, 3 * period]
    assert record.counters.stalled == 0
    assert record.counters.samples == 4


def test_record_holds_what_happened(record_of: Callable[[str], CosimRecord], tiny_job: CosimJob) -> None:
    record = record_of("pysim")
    assert record.engine == "pysim"
    assert record.codes.shape == (2, 4, 4)
    assert record.codes.dtype == np.uint8
    # The whole program goes through the front door, a beat per cycle, and then two samples are run.
    assert record.cycles > tiny_job.core.program_beats + 2 * 564
    assert record.counters.program_crc == tiny_job.program.stream_crc()
    assert record.macro.initial_phases.shape == (2, 8, 8, 1)
    assert record.load_seconds > 0
    assert record.run_seconds > 0


def test_running_twice_gives_the_same(job: CosimJob, engine: PysimEngine) -> None:
    # In a simulation that was made ready before, and in a new one.
    one, two = engine.run(job), PysimEngine().run(job)
    np.testing.assert_array_equal(one.codes, two.codes)
    np.testing.assert_array_equal(one.macro.events, two.macro.events)
    np.testing.assert_array_equal(one.macro.commit_patterns, two.macro.commit_patterns)
    assert (one.cycles, one.counters) == (two.cycles, two.counters)


def test_a_refusal_comes_through_and_the_engine_runs_on_also_on_another_core(
    job: CosimJob, make_core: Callable[..., CoreSpec], compile_on: Callable[..., CompileResult]
) -> None:
    engine = PysimEngine()
    right = engine.run(job)
    refused = dataclasses.replace(job, program=dataclasses.replace(job.program, schedule=job.program.schedule[:3]))
    with pytest.raises(HostError, match=r"^the schedule holds an illegal instruction"):
        engine.run(refused)
    other = make_core(grid=[2, 3], stencil="king", chunks=1, init={"cycles": 20}, readout={"step": [1, 1]})
    program = compile_on(other, duration=0.6).program
    assert program is not None
    assert engine.run(CosimJob(other, program)).codes.shape == (1, 2, 3)
    again = engine.run(job)
    np.testing.assert_array_equal(again.codes, right.codes)
    np.testing.assert_array_equal(again.macro.events, right.macro.events)
    assert (again.cycles, again.counters) == (right.cycles, right.counters)


def test_a_host_that_pauses_gets_the_same_images_later(job: CosimJob, engine: PysimEngine) -> None:
    three = dataclasses.replace(job, samples=3)
    straight = engine.run(three)
    paused, again, other = (engine.run(dataclasses.replace(three, pauses=seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(paused.codes, straight.codes)
    np.testing.assert_array_equal(other.codes, straight.codes)
    assert (again.cycles, again.counters) == (paused.cycles, paused.counters)
    assert len({straight.cycles, paused.cycles, other.cycles}) == 3
    # A word of the program in one beat: at least every sixteenth beat is followed by a pause.
    assert paused.cycles > straight.cycles + three.core.program_beats // 16


def test_progress_names_the_load_and_the_run(job: CosimJob, engine: PysimEngine) -> None:
    told: list[tuple[str, float]] = []
    record = engine.run(job, lambda what, done: told.append((what, done)))
    phases = [what.partition(",")[0] for what, _ in told]
    assert list(dict.fromkeys(phases)) == [
        "building the simulation of the core",
        "loading the program",
        "running samples",
    ]
    assert phases == sorted(phases)
    shares = [done for _, done in told]
    assert shares == sorted(shares)
    assert told[-1][0].endswith(" cycles simulated")
    assert shares[-1] == 1
    # The estimate leaves out the accesses to registers, before and behind.
    assert 0 < record.cycles - job.expected_cycles < 200


def test_a_program_for_another_core_is_refused(job: CosimJob, make_core: Callable[..., CoreSpec]) -> None:
    # Only the hash tells the two cores apart.
    other = make_core(
        grid=[3, 4], stencil="king", chunks=2, init={"cycles": 21}, readout={"origin": [0, 0], "step": [1, 1]}
    )
    with pytest.raises(HostError, match=r"^register SPEC_HASH is 0x[0-9A-F]{8}, expected 0x[0-9A-F]{8}: another core$"):
        PysimEngine(lambda core: ControlPlane(other)).run(job)


def test_a_broken_contract_of_the_macro_comes_through(job: CosimJob) -> None:
    def design(core: CoreSpec) -> Rewired:
        return Rewired(core, lambda array: {"run": array.init})

    message = (
        r"^A001: init and run are never high together; broken in cycle \d+; "
        r"init, run of tiny_8x8_array of the RTL elaborated from Python$"
    )
    with pytest.raises(MacroContractError, match=message):
        PysimEngine(design).run(job)


def test_a_core_that_does_not_answer_is_given_up(job: CosimJob) -> None:
    # Without a free address channel the host's first read is not even answered.
    class Deaf(Rewired):
        def elaborate(self, platform: object) -> Module:
            m = Module()
            m.d.sync += self.irq.eq(0)
            return m

    with pytest.raises(HostError, match=r"^read of 0x000: no answer within 1000 cycles; s_axil_arready, cycle 1,004$"):
        PysimEngine(lambda core: Deaf(core, lambda array: {})).run(job)


def test_another_design_is_really_simulated(job: CosimJob, engine: PysimEngine) -> None:
    def design(core: CoreSpec) -> Rewired:
        return Rewired(core, lambda array: {"noise_index": array.noise_index + 1})

    shifted = PysimEngine(design).run(job)
    right = engine.run(dataclasses.replace(job, first_sample=1))
    np.testing.assert_array_equal(shifted.codes, right.codes)
