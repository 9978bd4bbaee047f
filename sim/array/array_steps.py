"""The integration steps of the array: how long they are, and how many a run takes."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.core.program import Program
from oscc.core.spec import CoreSpec

MAX_STEP = 0.02
"""Default bound of an integration step [model time].

With RK4 it keeps the 99th percentile of the end phases of the trained example near 1.5e-4 rad of a converged run; 0.03
gives 7e-4 and 0.05 gives 8e-3 (``benchmarks/bench_step.py``): trained models amplify small differences.
"""

MOST_STEPS = 10_000_000
"""Of a run; one of 100 units of model time takes 5,000."""


def step_cycles_for(tau_s: float, clock_hz: float, max_step: float = MAX_STEP) -> Fraction:
    """Return the largest integration step, in clock cycles, that is at most ``max_step`` of model time.

    It is an integer number of cycles, or, where one cycle is longer than ``max_step``, a whole fraction of a cycle.

    Parameters
    ----------
    tau_s : float
        Seconds per unit of model time; the smallest, when chunks differ.
    clock_hz : float
    max_step : float
        [model time]

    Raises
    ------
    OsccError
        ``array.steps``, when a cycle alone takes more than `MOST_STEPS`.
    """
    # A product that should be whole may come out a rounding error below it.
    cycles = max_step * tau_s * clock_hz * (1 + 1e-12)
    if cycles * MOST_STEPS < 1:
        raise _too_many_steps()
    return Fraction(math.floor(cycles)) if cycles >= 1 else Fraction(1, math.ceil((1 - 1e-12) / cycles))


def run_steps(cycles: int, step_cycles: Fraction | int) -> NDArray[np.float64]:
    """Return the steps of a run [cycles], float64[n]: equal ones, the last one shorter when they do not divide the run.

    Parameters
    ----------
    cycles : int
    step_cycles : Fraction or int
        Positive.

    Raises
    ------
    OsccError
        ``array.steps``, when there are more than `MOST_STEPS`.
    """
    whole, rest = divmod(Fraction(cycles), Fraction(step_cycles))
    if whole > MOST_STEPS:
        raise _too_many_steps()
    return np.array([float(step_cycles)] * whole + ([float(rest)] if rest else []))


def _too_many_steps() -> OsccError:
    return OsccError(
        "array.steps",
        f"one run takes more than {MOST_STEPS} integration steps: its duration is of no usual scale [model time]",
        hint="divide durations by a number, and multiply all parameters by it: the codes stay the same",
    )


def step_plan(core: CoreSpec, program: Program, max_step: float = MAX_STEP) -> list[NDArray[np.float64]]:
    """Return the steps that an array takes for a program, in model time: a plan for the reference, one array per chunk.

    The run of a chunk is tau f_clk duration cycles, as the model's time scale wants it, whatever the schedule says: a
    schedule that differs must show as a difference.

    Parameters
    ----------
    core : CoreSpec
    program : Program
    max_step : float
        [model time], as given to `step_cycles_for`.
    """
    step = program_step(core, program, max_step)
    plan = []
    for tau, duration in zip(program.tau_s.tolist(), program.chunk_duration.tolist(), strict=True):
        per_unit = tau * core.clock_hz
        plan.append(run_steps(round(per_unit * duration), step) / per_unit)
    return plan


def program_step(core: CoreSpec, program: Program, max_step: float = MAX_STEP) -> Fraction:
    """Return the step [cycles] at which an array runs a program: that of its fastest chunk."""
    return step_cycles_for(float(program.tau_s.min()), core.clock_hz, max_step)
