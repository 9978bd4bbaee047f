"""Scale: chooses tau, the seconds per unit of model time, and with it the clock cycles of every run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.errors import OsccError, did_you_mean
from oscc.compiler.findings import Finding, FindingsError
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.placed import PlacedGraph, TimeScale
from oscc.compiler.spec import FETCH_CYCLES, FETCH_LATENCY, GROUPS, CoreSpec

SAME = 1e-9
"""Two numbers that differ by less than this part are the same number: it absorbs the rounding of float64."""

LONGEST_FETCH = FETCH_LATENCY + 5 * FETCH_CYCLES
"""Cycles to fetch the longest group that the schedule pass writes: sample, repeat, commit, load, init."""


@dataclass(frozen=True)
class ScaleOptions:
    """What may be chosen about the time scale.

    Parameters
    ----------
    per_chunk : bool
        A tau for every chunk instead of one for all; it shortens chunks whose parameters are small.
    clip : tuple of str
        Groups of `spec.GROUPS` whose parameters may exceed full scale; they saturate.
    tau_s : float or None
        Seconds per unit of model time, instead of the smallest possible.

    Raises
    ------
    OsccError
        ``scale.unknown-group`` or ``scale.tau``.
    """

    per_chunk: bool = False
    clip: tuple[str, ...] = ()
    tau_s: float | None = None

    def __post_init__(self) -> None:
        for group in self.clip:
            if group not in GROUPS:
                raise OsccError(
                    "scale.unknown-group", f"'{group}' is not a DAC group{did_you_mean(group, GROUPS)}", where="clip"
                )
        if self.tau_s is not None and not (math.isfinite(self.tau_s) and self.tau_s > 0):
            raise OsccError("scale.tau", f"{self.tau_s} is not a positive number of seconds", where="tau_s")


@dataclass(frozen=True)
class ScalePass:
    """Sets the time scale of a placed model.

    Parameters
    ----------
    options : ScaleOptions
    """

    options: ScaleOptions = ScaleOptions()
    name: ClassVar[str] = "scale"
    description: ClassVar[str] = "choose tau and the clock cycles of every run"

    def run(self, level: PlacedGraph) -> PlacedGraph:
        """The placed model with its time scale.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_time_scale`.
        """
        findings = list(diagnose_time_scale(level.graph, level.core, self.options))
        if findings:
            raise FindingsError(findings)
        return replace(level, time_scale=choose_time_scale(level.graph, level.core, self.options))


def least_run_cycles(core: CoreSpec) -> int:
    """Fewest cycles of a run: it must cover a load, and the fetch of the instructions that follow it."""
    return max(core.load_cycles, LONGEST_FETCH)


def whole_cycles(cycles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cycles rounded up; a number that is whole but for float64's rounding is that number.

    Parameters
    ----------
    cycles : float64[...]
    """
    nearest = np.rint(cycles)
    is_whole = np.abs(cycles - nearest) <= SAME * np.abs(nearest)
    return np.where(is_whole, nearest, np.ceil(cycles)).astype(np.int64)


def full_scale_bounds(graph: CouplingGraph, core: CoreSpec) -> dict[str, NDArray[np.float64]]:
    """The smallest tau at which no parameter of a group exceeds its full scale: max abs(p) / F.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec

    Returns
    -------
    dict of str to float64[C]
        By group [s], chunk by chunk.
    """
    tensors = {"coupling": graph.weight, "shil": graph.shil, "field": graph.field, "detuning": graph.detuning}
    return {
        group: np.abs(tensors[group].astype(np.float64)).max(axis=1, initial=0.0) / core.dac(group).full_scale_rad_s
        for group in GROUPS
    }


def choose_time_scale(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> TimeScale:
    """The time scale of a model on a core, whether it fits the budget or not.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    options : ScaleOptions
        A given tau comes before the model's own ``time_scale_s``, and that before the smallest tau that respects the
        bounds. Runs are rounded up to whole cycles, and each chunk's tau follows from its run.
    """
    duration = graph.chunk_duration.astype(np.float64)
    cycles_per_tau = core.clock_hz * duration
    by_chunk = full_scale_bounds(graph, core)
    by_chunk["load"] = least_run_cycles(core) / cycles_per_tau
    bounds = {name: float(bound.max()) for name, bound in by_chunk.items()}
    bounds["readout"] = max(0.0, (core.readout_cycles - core.init.cycles) / float(cycles_per_tau.sum()))
    if graph.time_scale_s is not None:
        bounds["model"] = max(graph.time_scale_s)
    if options.tau_s is not None:
        bounds["given"] = options.tau_s

    if options.tau_s is not None:
        tau, active = np.full(graph.chunks, options.tau_s), ("given",) * graph.chunks
    elif graph.time_scale_s is not None:
        tau, active = np.resize(np.array(graph.time_scale_s), graph.chunks), ("model",) * graph.chunks
    elif options.per_chunk:
        names = [name for name in by_chunk if name not in options.clip]
        table = np.stack([by_chunk[name] for name in names])
        tau, active = table.max(axis=0), tuple(names[row] for row in table.argmax(axis=0))
    else:
        names = [name for name in bounds if name not in options.clip]
        name = max(names, key=lambda name: bounds[name])
        tau, active = np.full(graph.chunks, bounds[name]), (name,) * graph.chunks

    run_cycles = whole_cycles(tau * cycles_per_tau)
    missing = core.readout_cycles - core.init.cycles - int(run_cycles.sum())
    if missing > 0 and options.per_chunk and not {"given", "model"} & set(active):
        run_cycles[-1] += missing
        active = (*active[:-1], "readout")
    actual = run_cycles / cycles_per_tau
    return TimeScale(actual, run_cycles, bounds, active[int(np.argmax(actual))], active)


def diagnose_time_scale(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[Finding]:
    """Every reason why a model's time scale does not fit a core (codes S001 to S004).

    Parameters
    ----------
    graph : CouplingGraph
        Well formed (`diagnose_graph`).
    core : CoreSpec
    options : ScaleOptions
    """
    scale = choose_time_scale(graph, core, options)
    used = core.init.cycles + int(scale.run_cycles.sum())
    witness = {
        "run_cycles": scale.run_cycles.tolist(),
        "init_cycles": core.init.cycles,
        "cycles": used,
        "tau_s": scale.tau_s.tolist(),
        "bounds_s": scale.bounds_s,
        "active": scale.active,
    }
    if used > core.cycles_per_sample:
        yield Finding(
            "S001",
            f"init ({core.init.cycles}) and runs ({_listed(scale.run_cycles)}) take {used} cycles, the core's budget "
            f"is {core.cycles_per_sample}; the active bound is {scale.active}, tau {scale.tau_s.max():.6g} s",
            _what_would_fit(graph, core, options, used),
            {**witness, "cycles_per_sample": core.cycles_per_sample},
        )
    short = np.flatnonzero(scale.run_cycles < least_run_cycles(core))
    if short.size:
        chunk = int(short[0])
        yield Finding(
            "S002",
            f"the run of chunk {chunk} takes {int(scale.run_cycles[chunk])} cycles, but a load takes "
            f"{least_run_cycles(core)}; {short.size} such chunks",
            f"use a tau of at least {scale.bounds_s['load']:.6g} s",
            {**witness, "chunk": chunk, "least_run_cycles": least_run_cycles(core)},
        )
    if used < core.readout_cycles:
        yield Finding(
            "S003",
            f"a sample takes {used} cycles, but reading out the one before takes {core.readout_cycles}",
            f"use a tau of at least {scale.bounds_s['readout']:.6g} s",
            {**witness, "readout_cycles": core.readout_cycles},
        )
    if options.tau_s is not None:
        beyond = {
            group: bound
            for group, bound in full_scale_bounds(graph, core).items()
            if group not in options.clip and np.any(bound > scale.tau_s * (1 + SAME))
        }
        for group, bound in beyond.items():
            yield Finding(
                "S004",
                f"at tau {options.tau_s:.6g} s parameters of {group} exceed full scale: they need {bound.max():.6g} s",
                f"use a larger tau, or let {group} clip",
                {**witness, "group": group},
            )


def _listed(run_cycles: NDArray[np.int64]) -> str:
    """Runs as ``4 x 214`` where they are equal, else one by one."""
    runs = run_cycles.tolist()
    return f"{len(runs)} x {runs[0]}" if len(set(runs)) == 1 else " + ".join(map(str, runs))


def _what_would_fit(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, used: int) -> str:
    """The fix of S001: per-chunk runs, or the fewest groups that must clip, or a larger budget."""
    ways = []
    if options.tau_s is None and graph.time_scale_s is None:
        for trial in _relaxations(graph, core, options):
            scale = choose_time_scale(graph, core, trial)
            cycles = core.init.cycles + int(scale.run_cycles.sum())
            if cycles <= core.cycles_per_sample:
                what = "a tau per chunk" if trial.clip == options.clip else f"let {' and '.join(trial.clip)} clip"
                ways.append(f"{what} (tau {scale.tau_s.max():.6g} s, {cycles} cycles)")
    elif options.tau_s is not None:
        ways.append("give a smaller tau")
    else:
        ways.append("train the model with a smaller time_scale_s")
    ways.append(f"raise cycles_per_sample of the core to {used}")
    return ", or ".join(ways)


def _relaxations(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[ScaleOptions]:
    """Looser options to try: a tau per chunk, then clipping the active group, again and again."""
    if not options.per_chunk:
        yield replace(options, per_chunk=True)
    clip = options.clip
    while (active := choose_time_scale(graph, core, replace(options, clip=clip)).active) in GROUPS:
        clip = (*clip, active)
        yield replace(options, clip=clip)
        cycles = choose_time_scale(graph, core, replace(options, clip=clip)).run_cycles.sum()
        if core.init.cycles + int(cycles) <= core.cycles_per_sample:
            return
