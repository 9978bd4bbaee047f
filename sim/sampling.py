"""Images of a program, from the behavioural array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.sim.array.phase_readout import code_to_pixel
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob, Progress


def sample_program(
    core: CoreSpec,
    program: Program,
    samples: int,
    *,
    seed: int = 0,
    first: int = 0,
    progress: Progress | None = None,
) -> NDArray[np.float64]:
    """Return what the read-out of the array delivers, as images, float64[samples, rows, cols], within -1 and 1.

    Parameters
    ----------
    core : CoreSpec
    program : Program
        For this core.
    samples : int
    seed, first : int
        Key of the initial noise and number of the first sample.
    progress : callable, optional
    """
    job = CosimJob(core, program, samples, seed=seed, first_sample=first, dtype="float32", keep=False)
    return program.image_of(code_to_pixel(ArrayEngine().run(job, progress).codes, core))
