"""Scale: chooses tau, the seconds per unit of model time, and with it the clock cycles of every run."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.findings import Finding, FindingsError
from oscc.compiler.findings.of_times import (
    BEYOND_FULL_SCALE,
    LONG_RUN,
    SHORT_RUN,
    SHORT_SAMPLE,
    TOO_MANY_CYCLES,
    Timing,
)
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.timed import TimedGraph, TimeScale
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.core.groups import GROUPS
from oscc.core.instructions import MAX_CYCLES
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

SAME = 1e-9
"""Two numbers that differ by less than this part are the same number: it absorbs the rounding of float64."""

MOST_CLIPPED = 0.25
"""Of the parameters of a group: advice lets no more of them clip."""

TOO_LONG = MAX_CYCLES + 1
"""Cycles of every run that is longer than what the sequencer counts."""


@dataclass(frozen=True)
class ScaleOptions:
    """What may be chosen about the time scale.

    Parameters
    ----------
    per_chunk : bool
        A tau for every chunk instead of one for all; it shortens chunks whose parameters are small. It chooses the
        smallest tau, and so contradicts one that is given, here or by the model.
    clip : tuple of str
        Groups of `GROUPS` whose parameters may exceed full scale; they saturate. A tau that is given stays as it
        is.
    tau_s : float or None
        Seconds per unit of model time, instead of the smallest possible.

    Raises
    ------
    OsccError
        ``scale.unknown-group``, ``scale.tau`` or ``scale.contradiction``.
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
        if self.per_chunk and self.tau_s is not None:
            raise OsccError(
                "scale.contradiction",
                f"a tau per chunk is chosen chunk by chunk, but tau is given as {self.tau_s:.6g} s for all chunks",
                where="tau_s",
                hint="leave out --tau per-chunk to use the given tau, or --tau-s to choose one per chunk",
            )


@dataclass(frozen=True)
class ScalePass:
    """Sets the time scale of a routed model.

    Parameters
    ----------
    options : ScaleOptions
    """

    options: ScaleOptions = ScaleOptions()
    name: ClassVar[str] = "scale"
    description: ClassVar[str] = "choose tau and the clock cycles of every run"

    def run(self, level: RoutedGraph) -> TimedGraph:
        """Return the routed model with its time scale.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_time_scale`.
        OsccError
            As `choose_time_scale` raises it.
        """
        programmed = programmed_graph(level)
        findings = list(diagnose_time_scale(programmed, level.core, self.options))
        if findings:
            raise FindingsError(findings)
        scale = choose_time_scale(programmed, level.core, self.options)
        _LOG.info(
            "tau %.6g s at most, by bound %s; runs of %s cycles",
            scale.tau_s.max(),
            scale.active,
            _listed(scale.run_cycles),
        )
        for name, bound in scale.bounds_s.items():
            _LOG.debug("bound %s: %.6g s", name, bound)
        return TimedGraph.at(level, scale)


def whole_cycles(cycles: NDArray[np.float64]) -> NDArray[np.int64]:
    """Round cycles up; a number that is an integer but for float64's rounding is that integer.

    Parameters
    ----------
    cycles : float64[...]
        Not negative; infinity is allowed.

    Returns
    -------
    int64[...]
        At most `TOO_LONG`, which stands for every number that no run can have.
    """
    # The limit comes first, in float64: what int64 cannot hold would wrap around.
    limited = np.minimum(cycles, TOO_LONG)
    nearest = np.rint(limited)
    is_whole = np.abs(limited - nearest) <= SAME * np.abs(nearest)
    return np.where(is_whole, nearest, np.ceil(limited)).astype(np.int64)


def parameters_of(graph: CouplingGraph, group: str) -> NDArray[np.float64]:
    """Return the parameters of a group, float64[C, n] [rad per unit of model time]: n couplings, or nodes."""
    tensors = {"coupling": graph.weight, "shil": graph.shil, "field": graph.field, "detuning": graph.detuning}
    return tensors[group].astype(np.float64)


def full_scale_bounds(graph: CouplingGraph, core: CoreSpec) -> dict[str, NDArray[np.float64]]:
    """Return the smallest tau at which no parameter of a group exceeds its full scale: max abs(p) / F.

    Parameters
    ----------
    graph : CouplingGraph
        Of a placed model, its `programmed_graph`, which holds what DACs must deliver where cells differ in gain.
    core : CoreSpec

    Returns
    -------
    dict of str to float64[C]
        By group [s], chunk by chunk.
    """
    return {
        group: np.abs(parameters_of(graph, group)).max(axis=1, initial=0.0) / core.dac(group).full_scale_rad_s
        for group in GROUPS
    }


def choose_time_scale(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> TimeScale:
    """Choose the time scale of a model on a core, whether it fits the budget or not.

    Parameters
    ----------
    graph : CouplingGraph
        See `full_scale_bounds`.
    core : CoreSpec
    options : ScaleOptions
        A given tau comes before the model's own ``time_scale_s``, and that before the smallest tau that respects the
        bounds. Runs are rounded up to whole cycles, and each chunk's tau follows from its run.

    Raises
    ------
    OsccError
        ``scale.contradiction`` when a tau per chunk is asked for, but the model carries its own.
    """
    if options.per_chunk and graph.time_scale_s is not None:
        given = ", ".join(f"{tau:.6g}" for tau in graph.time_scale_s)
        raise OsccError(
            "scale.contradiction",
            f"a tau per chunk is asked for, but the model was trained for its own time_scale_s ({given} s), which wins",
            where=graph.name,
            hint="leave out --tau per-chunk, or train the model without time_scale_s",
        )
    duration = graph.chunk_duration.astype(np.float64)
    cycles_per_tau = core.clock_hz * duration
    by_chunk = full_scale_bounds(graph, core)
    by_chunk["load"] = core.least_run_cycles / cycles_per_tau
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

    # A tau that was given may be any number: beyond float64 the run is too long, like infinity.
    with np.errstate(over="ignore"):
        exact = tau * cycles_per_tau
    run_cycles = whole_cycles(exact)
    missing = core.readout_cycles - core.init.cycles - int(run_cycles.sum())
    if missing > 0 and options.per_chunk and not {"given", "model"} & set(active):
        run_cycles[-1] += missing
        active = (*active[:-1], "readout")
    actual = run_cycles / cycles_per_tau
    return TimeScale(actual, run_cycles, bounds, active[int(np.argmax(actual))], active)


def diagnose_time_scale(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[Finding]:
    """Yield every reason why a model's time scale does not fit a core (codes S001 to S005).

    S001 more cycles than the budget, S002 a run shorter than a load or a fetch, S003 a sample shorter than a read-out,
    S004 parameters beyond full scale in a group that may not clip, S005 a run that is longer than the sequencer counts,
    which ends the check.

    Parameters
    ----------
    graph : CouplingGraph
        Well formed (`diagnose_graph`); see `full_scale_bounds`.
    core : CoreSpec
    options : ScaleOptions
    """
    scale = choose_time_scale(graph, core, options)
    used = core.init.cycles + int(scale.run_cycles.sum())
    witness: Timing = {
        "run_cycles": scale.run_cycles.tolist(),
        "init_cycles": core.init.cycles,
        "cycles": used,
        "tau_s": scale.tau_s.tolist(),
        "bounds_s": scale.bounds_s,
        "active": scale.active,
    }
    too_long = np.flatnonzero(scale.run_cycles > MAX_CYCLES)
    if too_long.size:
        chunk = int(too_long[0])
        active = scale.active_by_chunk[chunk]
        yield LONG_RUN.finding(
            f"the run of chunk {chunk} takes more than {MAX_CYCLES} cycles, the most that the 24 bits of a run "
            f"instruction hold; {too_long.size} such chunks; the active bound is "
            f"{active}, tau {scale.bounds_s[active]:.6g} s",
            ", or ".join(_ways_to_fit(graph, core, options) or ["train the model with smaller parameters"])
            + ", or use shorter chunks",
            {
                "chunk": chunk,
                "count": int(too_long.size),
                "most_cycles": MAX_CYCLES,
                "bounds_s": scale.bounds_s,
                "active": active,
                "chunk_duration": graph.chunk_duration.tolist(),
                "clock_hz": core.clock_hz,
            },
        )
        return
    if used > core.cycles_per_sample:
        yield TOO_MANY_CYCLES.finding(
            f"init ({core.init.cycles}) and runs ({_listed(scale.run_cycles)}) take {used} cycles, the core's budget "
            f"is {core.cycles_per_sample}; the active bound is {scale.active}, tau {scale.tau_s.max():.6g} s",
            _what_would_fit(graph, core, options, used),
            {**witness, "cycles_per_sample": core.cycles_per_sample},
        )
    short = np.flatnonzero(scale.run_cycles < core.least_run_cycles)
    if short.size:
        chunk = int(short[0])
        yield SHORT_RUN.finding(
            f"the run of chunk {chunk} takes {int(scale.run_cycles[chunk])} cycles, but a load takes "
            f"{core.least_run_cycles}; {short.size} such chunks",
            f"use a tau of at least {scale.bounds_s['load']:.6g} s",
            {**witness, "chunk": chunk, "least_run_cycles": core.least_run_cycles},
        )
    if used < core.readout_cycles:
        yield SHORT_SAMPLE.finding(
            f"a sample takes {used} cycles, but reading out the one before takes {core.readout_cycles}",
            f"use a tau of at least {scale.bounds_s['readout']:.6g} s",
            {**witness, "readout_cycles": core.readout_cycles},
        )
    yield from _diagnose_full_scale(graph, core, options, scale, witness)


def _diagnose_full_scale(
    graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, scale: TimeScale, witness: Timing
) -> Iterator[Finding]:
    """Yield S004, at a tau that was given or that the model carries: the smallest tau exceeds nothing.

    A trainer clips at the ends of the DAC grid, so what still rounds to the top code is at full scale, not beyond it.
    """
    if options.tau_s is None and graph.time_scale_s is None:
        return
    bounds = full_scale_bounds(graph, core)
    for group in GROUPS:
        if group in options.clip:
            continue
        dac = core.dac(group)
        full_scale = dac.full_scale_rad_s * scale.tau_s[:, None]
        last = (dac.top_code + 0.5) / dac.top_code * (1 + SAME)
        beyond = np.abs(parameters_of(graph, group)) > full_scale * last
        count = int(np.count_nonzero(beyond))
        if count == 0:
            continue
        chunk = int(np.argmax(np.where(beyond.any(axis=1), bounds[group], -np.inf)))
        needed = float(bounds[group][chunk])
        own = options.tau_s is None
        given = "the model's time_scale_s" if own else "the given tau"
        yield BEYOND_FULL_SCALE.finding(
            f"at {given} ({scale.tau_s[chunk]:.6g} s in chunk {chunk}) {count} of {beyond.size} parameters of {group} "
            f"exceed full scale: they need {needed:.6g} s",
            longer_tau(needed, [group], given=not own),
            {
                **witness,
                "given": not own,
                "group": group,
                "count": count,
                "values": int(beyond.size),
                "needed_tau_s": needed,
            },
        )


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


def _listed(run_cycles: NDArray[np.int64]) -> str:
    """Return runs as ``4 x 214`` where they are equal, else one by one."""
    runs = run_cycles.tolist()
    return f"{len(runs)} x {runs[0]}" if len(set(runs)) == 1 else " + ".join(map(str, runs))


def _what_would_fit(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, used: int) -> str:
    """Return the fix of S001: what `_ways_to_fit` finds, or a larger budget."""
    return ", or ".join([*_ways_to_fit(graph, core, options), f"raise cycles_per_sample of the core to {used}"])


def _ways_to_fit(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> list[str]:
    """Return ways into the budget: per-chunk runs, the fewest groups that must clip, or a smaller given tau."""
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
