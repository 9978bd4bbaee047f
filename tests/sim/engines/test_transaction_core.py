from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from oscc.compiler.compile import CompileResult
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro import EventKind, MacroRecord
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.transaction_core import illegal_instruction
from oscc.sim.host.host import CoreBus, Host, HostError, RunCounters

Both = Callable[..., tuple[Any, Any]]

STOP, COMMIT, SAMPLE = (Instruction(operation) for operation in (Operation.STOP, Operation.COMMIT, Operation.SAMPLE))


def load(chunk: int) -> Instruction:
    return Instruction(Operation.LOAD, chunk)


def init(cycles: int) -> Instruction:
    return Instruction(Operation.INIT, cycles)


def run(cycles: int) -> Instruction:
    return Instruction(Operation.RUN, cycles)


def repeat(target: int, count: int = 0) -> Instruction:
    return Instruction(Operation.REPEAT, target, count)


def taking(job: CosimJob, *samples: int) -> Callable[[CoreBus], Awaitable[tuple[list[Any], RunCounters]]]:
    """A host that loads the program, then starts it once for each number of samples."""

    async def flow(bus: CoreBus) -> tuple[list[Any], RunCounters]:
        host = Host(bus, job.core)
        await host.load(job.program)
        limit = job.sample_limit
        codes = [await host.take_samples(n, seed=job.seed, first=job.first_sample, limit=limit) for n in samples]
        return [images.tolist() for images in codes], await host.counters()

    return flow


def up_to_the_last_sample(record: MacroRecord) -> list[tuple[int, EventKind, int]]:
    """Events in order of time; on the last sample's own edge only what cannot belong to the next one."""
    end = int(record.sample_times[-1])
    events = [(time, EventKind(kind), argument) for time, kind, argument in record.events.tolist() if time <= end]
    return sorted(event for event in events if event[0] < end or event[1] is EventKind.SAMPLE)


def assert_alike(given: MacroRecord, expected: MacroRecord) -> None:
    events = up_to_the_last_sample(expected)
    assert up_to_the_last_sample(given) == events
    commits = sum(kind is EventKind.COMMIT for _, kind, _ in events)
    np.testing.assert_array_equal(given.commit_patterns[:commits], expected.commit_patterns[:commits])
    for name in ("boundary_times", "boundary_phases", "sample_times", "sample_phases", "initial_phases"):
        np.testing.assert_array_equal(getattr(given, name), getattr(expected, name), err_msg=name)


def test_strobes_are_in_the_cycles_of_the_rtl(drive_both: Both, tiny_job: CosimJob) -> None:
    without, rtl = drive_both(tiny_job, taking(tiny_job, 3))
    assert without.answer == rtl.answer
    assert_alike(without.macro, rtl.macro)
    kinds = [kind for _, kind, _ in up_to_the_last_sample(rtl.macro)]
    counts = {kind: kinds.count(kind) for kind in EventKind}
    # Rows are written in eight cycles per load: one load before the first sample, and four during each.
    assert counts == {
        EventKind.INIT: 3,
        EventKind.RUN: 12,
        EventKind.COMMIT: 12,
        EventKind.SAMPLE: 3,
        EventKind.ROW: 13 * 8,
    }


@pytest.mark.parametrize(
    ("schedule", "waits"),
    [
        # Every commit waits for its load, and the loads follow each other too closely.
        ([load(0), COMMIT, load(1), init(20), run(5), COMMIT, load(0), run(6), SAMPLE, repeat(1)], True),
        # Two samples in a row are too close for the read-out; the fetch does not keep up with a run of one cycle.
        ([load(0), COMMIT, init(20), run(3), SAMPLE, init(2), run(1), SAMPLE, repeat(2)], True),
        # A loop within the sample, and a run that ends without a commit.
        ([load(0), COMMIT, init(9), run(7), repeat(3, 2), load(1), run(11), COMMIT, run(1), SAMPLE, repeat(0)], True),
        # An end after the samples that are asked for.
        ([load(1), COMMIT, init(20), run(30), SAMPLE, repeat(2, 2), STOP], False),
    ],
    ids=["loads", "read-out", "loop", "end"],
)
def test_waiting_takes_the_cycles_that_it_takes_in_the_rtl(
    drive_both: Both, small_core: CoreSpec, small_result: CompileResult, schedule: list[Instruction], waits: bool
) -> None:
    assert small_result.program is not None
    program = dataclasses.replace(small_result.program, schedule=encode_schedule(schedule))
    job = CosimJob(small_core, program, seed=2)
    without, rtl = drive_both(job, taking(job, 3))
    assert without.answer[0] == rtl.answer[0]
    assert_alike(without.macro, rtl.macro)
    assert without.answer[1].period == rtl.answer[1].period > 0
    assert without.answer[1].stalled == rtl.answer[1].stalled
    assert (rtl.answer[1].stalled > 0) is waits


def test_two_inits_with_only_a_sample_between_them_are_one_to_the_array(
    drive_both: Both, small_core: CoreSpec, small_result: CompileResult
) -> None:
    # The noise of an init must stay what it is while it lasts: the second sample has that of the first.
    assert small_result.program is not None
    steps = [load(0), COMMIT, init(40), SAMPLE, init(20), run(50), SAMPLE, repeat(2)]
    job = CosimJob(small_core, dataclasses.replace(small_result.program, schedule=encode_schedule(steps)), seed=3)
    without, rtl = drive_both(job, taking(job, 4))
    assert without.answer == rtl.answer
    assert_alike(without.macro, rtl.macro)
    inits = [event for event in rtl.macro.events.tolist() if event[1] == EventKind.INIT]
    assert [event[2] for event in inits] == [60, 60]


def test_a_second_start_begins_anew(drive_both: Both, small_core: CoreSpec, small_result: CompileResult) -> None:
    assert small_result.program is not None
    job = CosimJob(small_core, small_result.program)
    without, rtl = drive_both(job, taking(job, 2, 1))
    assert without.answer == rtl.answer
    assert without.answer[1].period == 0
    np.testing.assert_array_equal(without.macro.sample_phases, rtl.macro.sample_phases)
    for record in (without.macro, rtl.macro):
        runs = record.events[record.events[:, 1] == EventKind.RUN, 2]
        assert runs.tolist() == [step.operand for step in job.program.instructions() if step.operation == 5] * 3


def test_after_the_end_of_a_schedule_no_image_comes(
    drive: Callable[..., Any], small_core: CoreSpec, small_result: CompileResult
) -> None:
    assert small_result.program is not None
    steps = [load(0), COMMIT, init(20), run(30), SAMPLE, STOP]
    job = CosimJob(small_core, dataclasses.replace(small_result.program, schedule=encode_schedule(steps)))

    async def flow(bus: CoreBus) -> str:
        host = Host(bus, job.core)
        await host.load(job.program)
        with pytest.raises(HostError) as caught:
            await host.take_samples(2, seed=0, first=0, limit=200)
        return str(caught.value)

    assert re.fullmatch(r"no image within 200 cycles(; m_axis_tvalid, cycle [\d,]+)?", drive(job, flow).answer)


LEGAL = [load(0), COMMIT, init(20), run(30), SAMPLE, repeat(0)]


@pytest.mark.parametrize(
    ("schedule", "address"),
    [
        (LEGAL, None),
        ([*LEGAL[:-1], STOP], None),
        ([], 0),
        ([run(1)] * 64 + [STOP], 0),
        ([run(1)] * 63 + [STOP], None),
        ([load(0), load(0), COMMIT, COMMIT, run(1), STOP], None),
        ([load(0), load(0), COMMIT, COMMIT, SAMPLE, STOP], 4),
        ([load(0), COMMIT, load(1), COMMIT, STOP], None),
        ([run(1), repeat(3), STOP], 1),
        ([run(1), load(2), STOP], 1),
        ([run(1), repeat(0, 1)], 1),
    ],
)
def test_the_first_instruction_that_is_refused(
    small_core: CoreSpec, schedule: list[Instruction], address: int | None
) -> None:
    assert illegal_instruction([step.encode() for step in schedule], small_core) == address
