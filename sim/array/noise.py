"""The noise from which a sample starts: the same phases in every engine and in the reference.

Philox is a counter-based generator: its output is a function of a key and a 256-bit counter, which grows by one with
every four 64-bit outputs. The key is the seed; the sample number stands in the second 64-bit word of the counter, so a
sample has 2^64 counter values to itself. Were it the counter itself (the lowest word), sample n + 1 would start four
outputs after sample n and hold almost the same noise, shifted by a few cells.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from oscc.core.spec import CoreSpec


def noise_generator(seed: int, sample: int) -> np.random.Generator:
    """Return the random stream of one sample; streams of different samples never overlap.

    Parameters
    ----------
    seed : int
        Key, 0 to 2^64 - 1; register SEED holds 32 bits of it.
    sample : int
        Sample number, 0 to 2^64 - 1.

    Raises
    ------
    ValueError
        When either is out of range.
    """
    for name, value in (("seed", seed), ("sample", sample)):
        if not 0 <= value < 2**64:
            raise ValueError(f"{name} {value} is not within 0..2^64 - 1")
    key = np.array([seed, 0], dtype=np.uint64)
    counter = np.array([0, sample, 0, 0], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def initial_phases(core: CoreSpec, seed: int, sample: int) -> NDArray[np.float64]:
    """Return phases after ``init``, float64[rows, cols], rad: drawn for every cell in row-major order.

    Parameters
    ----------
    core : CoreSpec
        Its ``init``: normal, or uniform over [-pi, pi).
    seed, sample : int
        As `noise_generator` takes them.
    """
    generator = noise_generator(seed, sample)
    shape = (core.rows, core.cols)
    if core.init.kind == "uniform":
        return (2.0 * generator.random(shape) - 1.0) * np.pi
    return core.init.mean_rad + core.init.std_rad * generator.standard_normal(shape)


def initial_phases_batch(core: CoreSpec, seed: int, samples: Iterable[int]) -> NDArray[np.float64]:
    """Return `initial_phases` of several samples, float64[rows, cols, samples], rad.

    Parameters
    ----------
    core : CoreSpec
    seed : int
    samples : iterable of int
        Sample numbers; at least one.
    """
    return np.stack([initial_phases(core, seed, sample) for sample in samples], axis=-1)
