"""Time scale: chooses tau, the seconds per unit of model time, and with it the clock cycles of every run."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError, did_you_mean
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.timed import TimeScale
from oscc.core.groups import GROUPS
from oscc.core.instructions import MAX_CYCLES
from oscc.core.spec import CoreSpec

SAME = 1e-9
"""Two numbers that differ by less than this part are the same number: it absorbs the rounding of float64."""

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


SMALLEST_TAU = ScaleOptions()
"""One tau for all chunks, the smallest at which nothing clips."""


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
