from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.sim.engines.job import CosimJob


def test_array_is_what_the_job_asks_for(tiny_job: CosimJob) -> None:
    job = dataclasses.replace(tiny_job, dtype="float32", integrator="heun", max_step=0.04)
    array = job.make_array(batch=3)
    assert (array.batch, array.dtype) == (3, np.dtype(np.float32))
    # tau is 125 cycles of 10 ns for a duration of 2: 62.5 cycles per unit of model time.
    assert job.program.tau_s.tolist() == pytest.approx([62.5e-8] * 4)
    assert array.step_cycles == 2
    assert dataclasses.replace(job, max_step=0.008).make_array().step_cycles == Fraction(1, 2)


def test_integrator_and_precision_make_a_difference(tiny_job: CosimJob) -> None:
    ends = []
    variants: tuple[dict[str, Any], ...] = ({}, {"integrator": "euler"}, {"dtype": "float32"}, {})
    for changes in variants:
        array = dataclasses.replace(tiny_job, **changes).make_array()
        array.set_codes(tiny_job.program.codes(tiny_job.core).map(lambda codes: codes[0]))
        array.set_phases(np.full((8, 8), 0.7))
        array.advance(50)
        ends.append(array.phases().tolist())
    assert ends[0] == ends[3]
    assert len({str(end) for end in ends}) == 3


def test_movement_is_reported(tiny_job: CosimJob) -> None:
    moved: list[float] = []
    array = tiny_job.make_array(moved=moved.append)
    array.advance(70)
    array.phases()
    assert sum(moved) == pytest.approx(70)


def test_a_family_without_an_array_is_refused(tiny_job: CosimJob) -> None:
    program = dataclasses.replace(tiny_job.program, family="poly_ising")
    with pytest.raises(OsccError, match="no array exists for family 'poly_ising'"):
        dataclasses.replace(tiny_job, program=program).make_array()


def test_a_host_that_pauses_is_given_more_time(tiny_job: CosimJob) -> None:
    pausing = dataclasses.replace(tiny_job, pauses=0)
    assert pausing.sample_limit == 4 * tiny_job.sample_limit
    # Long enough for another sample to end meanwhile.
    assert pausing.longest_pause == 64 + 4 * 125


def test_repeats_make_a_sample_longer(tiny_job: CosimJob) -> None:
    run, jump = Instruction(Operation.RUN, 100), Operation.REPEAT
    limits = []
    for schedule in (
        [Instruction(Operation.INIT, 64), run, run, Instruction(jump, 0, 0)],
        [Instruction(Operation.INIT, 64), run, Instruction(jump, 1, 3), run, Instruction(jump, 0, 0)],
        [
            Instruction(Operation.INIT, 64),
            run,
            Instruction(jump, 1, 3),
            run,
            Instruction(jump, 1, 1),
            Instruction(jump),
        ],
    ):
        program = dataclasses.replace(tiny_job.program, schedule=encode_schedule(schedule))
        limits.append(dataclasses.replace(tiny_job, program=program).sample_limit)
    # The first run 4 times; then all of that twice, with the second run.
    assert [limit - limits[0] for limit in limits] == [0, 4 * 300, 4 * (7 * 100 + 100)]


def test_a_sample_is_lost_only_after_all_that_it_may_wait_for(tiny_job: CosimJob) -> None:
    # Init of 64, four runs of 125, five loads and one more of 14 cycles, a read-out of 4 rows of 1 + 3 and 1.
    round_ = 64 + 4 * 125 + 6 * 14 + 17
    assert tiny_job.sample_limit == 4 * round_ + 1000
    # 64 instructions cleared, a beat a cycle, one load that nothing hides, three samples, one read-out.
    core = tiny_job.core
    three = dataclasses.replace(tiny_job, samples=3)
    assert three.expected_cycles == 64 + core.program_beats + 14 + 3 * (64 + 4 * 125) + 17
    longer = encode_schedule(
        [
            Instruction(Operation.LOAD, 0),
            Instruction(Operation.COMMIT),
            Instruction(Operation.INIT, 64),
            Instruction(Operation.RUN, 1_000_000),
            Instruction(Operation.SAMPLE),
            Instruction(Operation.STOP),
        ]
    )
    program = dataclasses.replace(tiny_job.program, schedule=longer)
    assert dataclasses.replace(tiny_job, program=program).sample_limit > 1_000_000
