"""Images of a placed model without quantization: what the codes and the read-out are to be compared with by eye."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.timed import TimedGraph
from oscc.core.families import family_named
from oscc.sim.array.array import OscillatorArray, model_rates
from oscc.sim.array.array_steps import MAX_STEP, step_cycles_for
from oscc.sim.array.noise import initial_phases_batch

BATCH = 64
"""Samples that evolve beside each other."""


def full_precision_images(
    placed: TimedGraph,
    samples: int,
    *,
    seed: int,
    first_sample: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> NDArray[np.float64]:
    """Compute images of the model's own parameters, from the same initial noise as the program's.

    Parameters
    ----------
    placed : TimedGraph
    samples : int
    seed, first_sample : int
    progress : callable, optional

    Returns
    -------
    float64[samples, image rows, image cols]
        cos(theta), within -1 and 1.
    """
    core, graph = placed.core, placed.graph
    cycles = placed.time_scale.run_cycles.tolist()
    rounds = [
        range(number, min(number + BATCH, first_sample + samples))
        for number in range(first_sample, first_sample + samples, BATCH)
    ]
    done = 0.0

    def moved(amount: float) -> None:
        nonlocal done
        done += amount
        if progress:
            progress("running at full precision", min(1.0, done / (sum(cycles) * len(rounds))))

    rows, cols = placed.cell[graph.readout].T
    images = []
    for numbers in rounds:
        array = OscillatorArray(
            core,
            family=family_named(graph.family),
            batch=len(numbers),
            dtype=np.float32,
            step_cycles=step_cycles_for(float(placed.time_scale.tau_s.min()), core.clock_hz, MAX_STEP),
            progress=moved if progress else None,
        )
        array.set_phases(initial_phases_batch(core, seed, numbers))
        for chunk, run in enumerate(cycles):
            array.set_rates(model_rates(placed, chunk))
            array.advance(run)
        pixels: NDArray[np.float64] = np.cos(array.phases()[rows, cols].astype(np.float64))
        images.append(pixels.T.reshape(len(numbers), *graph.image_shape))
    return np.concatenate(images)
