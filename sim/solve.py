"""Solving: a compiled problem on the array, its spins from the read-out, and what they are worth."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.frontends.ising_problem import IsingProblem, Spins
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.sim.array.phase_readout import code_to_pixel
from oscc.sim.engines.array import MAX_BATCH, ArrayEngine
from oscc.sim.engines.job import CosimJob, Draws, Progress


@dataclass(frozen=True, eq=False)
class Solutions:
    """What samples came to. Arrays are read-only.

    Parameters
    ----------
    spins : int8[k, n]
    value : float64[k]
        Of each, by the original problem: the weight of a cut, or an energy.
    best : int
        The first of the best samples.
    """

    spins: Spins
    value: NDArray[np.float64]
    best: int

    def __post_init__(self) -> None:
        freeze(self)


def solve(
    problem: IsingProblem,
    core: CoreSpec,
    program: Program,
    draws: Draws,
    *,
    owner: NDArray[np.int32] | None = None,
    progress: Progress | None = None,
) -> Solutions:
    """Draw samples of the program on the behavioural array, and return them decoded and valued.

    Parameters
    ----------
    problem : IsingProblem
        The original one: values come from it, not from the codes that the core was given.
    core : CoreSpec
    program : Program
        Its pixels are spins, or copies of them.
    draws : Draws
    owner : int32[M], optional
        Spin that each pixel is a copy of; pixel i is spin i without it.
    progress : callable, optional

    Raises
    ------
    ValueError
        When the program has another number of pixels than the problem has spins.
    """
    samples = draws.samples
    job = CosimJob(core, program, samples, seed=draws.seed, first_sample=draws.first, dtype="float32", keep=False)
    parts: list[Spins] = []
    best, leading = "", 0.0
    # A batch of the engine at a time, so that the best of those that are done can be told.
    for start in range(0, samples, MAX_BATCH):
        size = min(MAX_BATCH, samples - start)

        def tell(what: str, done: float, start: int = start, size: int = size, best: str = best) -> None:
            if progress is not None:
                progress(f"{what}{best}", (start + done * size) / samples)

        part = dataclasses.replace(job, samples=size, first_sample=draws.first + start)
        frames = ArrayEngine().run(part, None if progress is None else tell).codes
        pixels = program.image_of(code_to_pixel(frames, core)).reshape(size, -1)
        spins = decoded(pixels)
        if owner is not None and owner.size == pixels.shape[1]:
            spins = by_majority(spins, owner)
        if spins.shape[1] != problem.spins:
            raise ValueError(f"{spins.shape[1]} spins are read out of {problem.spins}")
        parts.append(spins)
        if progress is not None:
            here = valued(problem, spins)
            better = max if problem.kind == "max-cut" else min
            leading = better(leading, float(here.value[here.best])) if start else float(here.value[here.best])
            best = f", best of {start + size:,} samples {leading:.12g}"
    return valued(problem, np.concatenate(parts))


def decoded(pixels: NDArray[np.floating]) -> Spins:
    """Return spins of pixels, int8[k, n]: 1 where the phase is nearer to 0 than to pi.

    Parameters
    ----------
    pixels : float[k, n]
        Cosine of the middle of the read-out's step, which is never 0 where a turn has a multiple of four steps.
    """
    return np.where(pixels > 0, np.int8(1), np.int8(-1))


def by_majority(spins: Spins, owner: NDArray[np.int32]) -> Spins:
    """Return spins of nodes from those of their copies, int8[k, n]: the majority, or the first where it is a tie.

    Parameters
    ----------
    spins : int8[k, m]
        Of the copies.
    owner : int32[m]
        Node of each; copy i < n is the first of node i.
    """
    nodes = int(owner.max()) + 1
    votes = np.zeros((nodes, len(spins)), dtype=np.int64)
    np.add.at(votes, owner, spins.T.astype(np.int64))
    return np.where(votes == 0, spins[:, :nodes].T, np.sign(votes)).T.astype(np.int8)


def valued(problem: IsingProblem, spins: Spins) -> Solutions:
    """Return configurations with their values.

    Parameters
    ----------
    problem : IsingProblem
    spins : int8[k, n]
    """
    value = problem.value(spins)
    best = int(value.argmax() if problem.kind == "max-cut" else value.argmin())
    return Solutions(spins, value, best)


@dataclass(frozen=True, eq=False)
class SolveRun:
    """A problem, its solutions, and how they were drawn.

    Parameters
    ----------
    problem : IsingProblem
    file : str
        What the problem's file was called.
    found : Solutions
    seed, first : int
        Of the initial phases, and number of the first sample.
    """

    problem: IsingProblem
    file: str
    found: Solutions
    seed: int
    first: int

    @property
    def quantity(self) -> str:
        """What a solution is worth is called so: ``cut``, to be large, or ``energy``, to be small."""
        return "cut" if self.problem.kind == "max-cut" else "energy"

    @property
    def best(self) -> Spins:
        """The best solution in the file's variables, int8[n]: 0 and 1 of a QUBO, -1 and 1 of others."""
        return self.problem.assignment(self.found.spins[self.found.best])

    def to_dict(self) -> dict[str, Any]:
        """Return the run as JSON, as ``reports/solve.json`` has it."""
        problem, found = self.problem, self.found
        return {
            "schema": "oscc.solve/1",
            "problem": self.file,
            "kind": problem.kind,
            "quantity": self.quantity,
            "spins": problem.spins,
            "samples": len(found.spins),
            "seed": self.seed,
            "first": self.first,
            "best_sample": self.first + found.best,
            "values": distribution(problem, found),
            "labels": list(problem.labels),
            "best_spins": self.best.tolist(),
            "figures_are": "simulated",
        }


MOST_BINS = 20
"""Of a histogram."""

ROUNDING = 1e-12
"""Part of all weights together by which values may differ and still be one: their sums are rounded."""


def distribution(problem: IsingProblem, found: Solutions) -> dict[str, Any]:
    """Return how the values of samples are distributed, as ``reports/solve.json`` has it.

    Parameters
    ----------
    problem : IsingProblem
    found : Solutions
    """
    values = found.value
    best = float(values[found.best])
    weights = np.abs(problem.coupling).sum() + np.abs(problem.field).sum() + abs(problem.offset)
    counts, edges = histogram(values)
    return {
        "best": best,
        "mean": float(values.mean()),
        "spread": float(values.std()),
        "quartiles": np.quantile(values, [0.25, 0.5, 0.75]).tolist(),
        "times_best": int(np.count_nonzero(np.abs(values - best) <= ROUNDING * weights)),
        "histogram": {"counts": counts.tolist(), "edges": edges.tolist()},
        "all": values.tolist(),
    }


def histogram(values: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return counts int64[b] and edges float64[b + 1] of equal bins over all values; b is at most `MOST_BINS`.

    Parameters
    ----------
    values : float64[k]
        At least one, finite. Where they are alike but for rounding, bins are around them.
    """
    low, high = float(values.min()), float(values.max())
    bins = min(MOST_BINS, values.size)
    # So far apart edges must be that no two of them are one number; half of 1 at least, as numpy has it.
    around = max(0.5, 1e-9 * max(abs(low), abs(high)))
    limits = (low - around, high + around) if high - low <= 1e-12 * max(abs(low), abs(high)) else (low, high)
    counts, edges = np.histogram(values, bins=bins, range=limits)
    return counts.astype(np.int64), edges
