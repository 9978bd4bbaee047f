"""What would make a time scale fit: other runs, groups that may clip, a longer or a smaller tau."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.time_scale import SAME, ScaleOptions, choose_time_scale, parameters_of
from oscc.core.groups import GROUPS
from oscc.core.spec import CoreSpec

MOST_CLIPPED = 0.25
"""Of the parameters of a group: advice lets no more of them clip."""


def longer_tau(needed_s: float, groups: Sequence[str], *, given: bool) -> str:
    """Return the fix of S004: a tau that is long enough, or groups that may saturate.

    Parameters
    ----------
    needed_s : float
    groups : sequence of str
        None where it does not help that any saturate.
    given : bool
        Whether the tau that is too short was given by an option; else the model has it.
    """
    what = "use a tau" if given else "train the model with a time_scale_s"
    clip = "".join(f" --clip {group}" for group in groups)
    return f"{what} of at least {needed_s:.6g} s" + (f", or let them saturate:{clip}" if clip else "")


@dataclass(frozen=True)
class Clipped:
    """Parameters of a DAC group that saturate: how many of how many, and the norm of what is lost, of that of all."""

    count: int
    values: int
    error: float


def clipped_parameters(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, group: str) -> Clipped:
    """Return which parameters of a group exceed their full scale at the time scale that options lead to.

    Parameters
    ----------
    graph : CouplingGraph
        See `full_scale_bounds`.
    core : CoreSpec
    options : ScaleOptions
    group : str
        Of `GROUPS`.
    """
    size = np.abs(parameters_of(graph, group))
    full_scale = core.dac(group).full_scale_rad_s * choose_time_scale(graph, core, options).tau_s[:, None]
    lost = np.maximum(0.0, size - full_scale)
    norm = float(np.linalg.norm(size))
    return Clipped(
        int(np.count_nonzero(size > full_scale * (1 + SAME))),
        int(size.size),
        float(np.linalg.norm(lost)) / norm if norm > 0 else 0.0,
    )


def listed_runs(run_cycles: NDArray[np.int64]) -> str:
    """Return runs as ``4 x 214`` where they are equal, else one by one.

    Parameters
    ----------
    run_cycles : int64[C]
    """
    runs = run_cycles.tolist()
    return f"{len(runs)} x {runs[0]}" if len(set(runs)) == 1 else " + ".join(map(str, runs))


def ways_to_fit(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> list[str]:
    """Return ways into the budget: per-chunk runs, the fewest groups that must clip, or a smaller given tau.

    Parameters
    ----------
    graph : CouplingGraph
        See `full_scale_bounds`.
    core : CoreSpec
    options : ScaleOptions
    """
    if options.tau_s is not None:
        return ["give a smaller tau"]
    if graph.time_scale_s is not None:
        return ["train the model with a smaller time_scale_s"]
    ways = []
    for trial in relaxations(graph, core, options):
        scale = choose_time_scale(graph, core, trial)
        cycles = core.init.cycles + int(scale.run_cycles.sum())
        if cycles > core.cycles_per_sample:
            continue
        clipped = {group: clipped_parameters(graph, core, trial, group) for group in trial.clip}
        if any(each.count > MOST_CLIPPED * each.values for each in clipped.values()):
            # A model of which that much is lost fits in name only.
            continue
        lost = "".join(f"; {each.count} of {each.values} {group} codes clip" for group, each in clipped.items())
        what = "a tau per chunk" if trial.clip == options.clip else f"let {' and '.join(trial.clip)} clip"
        ways.append(f"{what} (tau {scale.tau_s.max():.6g} s, {cycles} cycles{lost})")
    return ways


def relaxations(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[ScaleOptions]:
    """Yield looser options to try: a tau per chunk, then clipping the active group, again and again."""
    if not options.per_chunk:
        yield replace(options, per_chunk=True)
    clip = options.clip
    while (active := choose_time_scale(graph, core, replace(options, clip=clip)).active) in GROUPS:
        clip = (*clip, active)
        yield replace(options, clip=clip)
        cycles = choose_time_scale(graph, core, replace(options, clip=clip)).run_cycles.sum()
        if core.init.cycles + int(cycles) <= core.cycles_per_sample:
            return
