"""Random instances of max-cut, as benchmarks and tests need them."""

from __future__ import annotations

import numpy as np

from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut


def torus(rows: int, cols: int, seed: int) -> IsingProblem:
    """Draw weights of -1 and 1 on a toroidal grid: the family of instances G11 to G13 of the G-set.

    Parameters
    ----------
    rows, cols : int
        At least 3 of each, so that no edge stands twice.
    seed : int

    Raises
    ------
    ValueError
        When the grid is smaller.
    """
    if min(rows, cols) < 3:
        raise ValueError(f"a torus of {rows} x {cols} has edges that stand twice; at least 3 x 3")
    vertex = np.arange(rows * cols, dtype=np.int32).reshape(rows, cols)
    ends = np.concatenate([np.stack([vertex.ravel(), np.roll(vertex, -1, axis).ravel()], axis=1) for axis in (1, 0)])
    ends = np.sort(ends, axis=1)
    weight = np.random.default_rng(seed).choice([-1.0, 1.0], len(ends))
    labels = tuple(range(1, vertex.size + 1))
    return max_cut(f"torus-{rows}x{cols}-{seed}", ends[:, 0].copy(), ends[:, 1].copy(), weight, labels)
