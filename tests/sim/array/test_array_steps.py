from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.sim.array.array_steps import MAX_STEP, MOST_STEPS, program_step, run_steps, step_cycles_for, step_plan


@pytest.mark.parametrize(
    ("cycles", "step", "expected"),
    [(10, 5, [5, 5]), (11, 5, [5, 5, 1]), (3, 5, [3]), (0, 5, []), (2, Fraction(1, 2), [0.5] * 4)],
)
def test_last_step_of_a_run_is_shorter(cycles, step, expected):
    assert run_steps(cycles, step).tolist() == expected


@pytest.mark.parametrize(
    ("tau_s", "max_step", "expected"),
    [
        (1.07e-6, 0.05, 5),
        (1.0e-6, 0.05, 5),
        (0.7e-6, 0.1, 7),
        (1.0e-7, 0.1, 1),
        (1.0e-7, 0.05, Fraction(1, 2)),
        (1.0e-7, 0.04, Fraction(1, 3)),
    ],
)
def test_step_is_a_whole_number_of_cycles_or_a_whole_part_of_one(tau_s, max_step, expected):
    assert step_cycles_for(tau_s, 100e6, max_step) == expected


@settings(max_examples=200)
@given(tau_s=st.floats(1e-8, 1e-4), clock_hz=st.floats(1e6, 1e9), max_step=st.floats(1e-3, 0.5))
def test_step_is_the_largest_within_the_bound(tau_s, clock_hz, max_step):
    step = step_cycles_for(tau_s, clock_hz, max_step)
    bound = max_step * tau_s * clock_hz
    assert float(step) <= bound * (1 + 1e-9)
    larger = step + 1 if step >= 1 else Fraction(1, step.denominator - 1)
    assert float(larger) > bound * (1 - 1e-9)


def compiled(tmp_path, core, graph):
    write_checkpoint(tmp_path / "model.safetensors", graph)
    result = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core)
    assert result.feasible, result.findings
    return result


def test_plan_covers_every_chunk_in_the_steps_of_the_array(tmp_path, make_core, make_graph):
    core = make_core()
    result = compiled(tmp_path, core, make_graph(core, chunks=3, duration=1.5))
    program, step = result.program, program_step(core, result.program)
    plan = step_plan(core, program)
    assert len(plan) == 3
    for steps, tau, run in zip(plan, program.tau_s, result.placed.time_scale.run_cycles, strict=True):
        assert steps.sum() == pytest.approx(1.5, abs=1e-12)
        assert steps.max() <= MAX_STEP
        assert len(steps) == math.ceil(run / step)
        np.testing.assert_allclose(steps[:-1] * tau * core.clock_hz, float(step), rtol=1e-12)


@pytest.mark.parametrize(
    "made",
    [
        lambda: run_steps(MOST_STEPS + 1, 1),
        lambda: run_steps(10**30, Fraction(1, 10**30)),
        lambda: step_cycles_for(1e-20, 100e6),
        lambda: step_cycles_for(0.0, 100e6),
        lambda: step_cycles_for(5e-324, 1.0),
    ],
)
def test_a_run_of_more_steps_than_anybody_waits_for(made: Callable[[], object]) -> None:
    with pytest.raises(OsccError, match="one run takes more than 10000000 integration steps") as caught:
        made()
    assert caught.value.code == "array.steps"
