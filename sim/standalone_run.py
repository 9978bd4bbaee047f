"""What the stand-alone test bench needs from Python: initial phases, integration step, and the codes to expect."""

from __future__ import annotations

import numpy as np

from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.standalone_data import BenchRun
from oscc.sim.array.array_steps import program_step
from oscc.sim.array.noise import initial_phases
from oscc.sim.engines.array import MAX_BATCH, ArrayEngine
from oscc.sim.engines.job import CosimJob

MOST_CYCLES = 2**31 - 1
"""Clock cycles that the bench waits at most: it counts them in an integer of Verilog."""


def standalone_run(
    core: CoreSpec, program: Program, samples: int, seed: int = 0, first_sample: int = 0, *, batch: int = MAX_BATCH
) -> BenchRun:
    """Run a program for the bench; its codes are those of engine ``array``.

    Parameters
    ----------
    core : CoreSpec
    program : Program
        For this core.
    samples : int
        At least 1.
    seed, first_sample : int
        Key of the initial noise and number of the first sample.
    batch : int
        Samples that evolve beside each other; 1 for a schedule whose samples are not all made alike.

    Raises
    ------
    HostError
        When the program's schedule does not deliver that many samples.
    """
    job = CosimJob(core, program, samples=samples, seed=seed, first_sample=first_sample, keep=False)
    numbers = range(first_sample, first_sample + samples)
    return BenchRun(
        seed=seed,
        first_sample=first_sample,
        step_cycles=program_step(core, program, job.max_step),
        limit=min(job.sample_limit, MOST_CYCLES),
        phases=np.stack([initial_phases(core, seed, number) for number in numbers]),
        codes=ArrayEngine(batch).run(job).codes,
    )
