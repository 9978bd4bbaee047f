"""How well copies of a node agree: their phases at the end of runs of the array."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.output.compilation import Compilation
from oscc.compiler.pass_manager import PassRecord
from oscc.core.program import Program
from oscc.core.spec import CoreSpec
from oscc.sim.engines.array import ArrayEngine
from oscc.sim.engines.job import CosimJob, Draws, Progress

SCHEMA = "oscc.copies/1"
"""Content of key ``schema`` of the report."""

COPY_SAMPLES = 16
"""Samples of the array over which the agreement of copies is measured."""

QUANTILES = (0.5, 0.9, 0.99, 1.0)


def copy_spread(
    core: CoreSpec,
    program: Program,
    cell: NDArray[np.int32],
    owner: NDArray[np.int32],
    draws: Draws,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Run a program, and measure by how much the copies of a node differ at the end.

    Parameters
    ----------
    core : CoreSpec
    program : Program
    cell : int32[M, 2]
        Of each node of the model with copies.
    owner : int32[M]
        As `oscc.compiler.copies.copied_graph.CopyMap` has it.
    draws : Draws
    progress : callable, optional

    Returns
    -------
    dict
        ``schema``, ``samples``, ``seed``; ``difference_rad``: quantiles of the largest difference between two copies of
        a node, over all split nodes and samples; ``broken``: the share of them that is more than a quarter of a turn,
        so that the copies round to different spins; ``figures_are``: "simulated".
    """
    samples = draws.samples
    job = CosimJob(core, program, samples, seed=draws.seed, first_sample=draws.first, dtype="float32")
    phases = ArrayEngine().run(job, progress).macro.sample_phases
    at_end = np.concatenate(list(phases[:, cell[:, 0], cell[:, 1], :]), axis=1)[:, :samples]
    differences = largest_differences(at_end, owner)
    return {
        "schema": SCHEMA,
        "samples": samples,
        "seed": draws.seed,
        "difference_rad": {
            f"{quantile:g}": round(float(np.quantile(differences, quantile)), 4) if differences.size else 0.0
            for quantile in QUANTILES
        },
        "broken": round(float(np.mean(differences > np.pi / 2)), 6) if differences.size else 0.0,
        "figures_are": "simulated",
    }


def with_copy_spread(compilation: Compilation, progress: Progress | None = None) -> Compilation:
    """Return a compilation with the spread of its copies; as it is where there are none, or no program.

    Parameters
    ----------
    compilation : Compilation
    progress : callable, optional
    """
    result, copies = compilation.result, compilation.changed.copies
    if copies is None or result.program is None or result.placed is None:
        return compilation
    begun = time.perf_counter()
    spread = copy_spread(result.core, result.program, result.placed.cell, copies.owner, Draws(COPY_SAMPLES), progress)
    record = PassRecord("copy-spread", time.perf_counter() - begun)
    return dataclasses.replace(compilation, records=(*compilation.records, record), spread=spread)


def largest_differences(phases: NDArray[np.floating], owner: NDArray[np.int32]) -> NDArray[np.float64]:
    """Compute the largest difference between two copies of each split node [rad], float64[split nodes, samples].

    Parameters
    ----------
    phases : float[M, samples]
        [rad]
    owner : int32[M]
    """
    order = np.argsort(owner, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(owner[order])) + 1)
    found = []
    for group in groups:
        if group.size > 1:
            # On a circle the two that are farthest apart are not the least and the largest: all pairs are looked at.
            turned = np.exp(1j * np.asarray(phases[group], dtype=np.float64))
            apart = np.abs(np.angle(turned[:, None] * np.conj(turned[None, :])))
            found.append(apart.max(axis=(0, 1)))
    return np.array(found).reshape(-1, phases.shape[1])
