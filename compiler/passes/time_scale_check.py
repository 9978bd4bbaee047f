"""Why the time scale of a model does not fit a core (codes S001 to S005)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from oscc.base.findings import Finding
from oscc.compiler.findings.of_times import (
    BEYOND_FULL_SCALE,
    LONG_RUN,
    SHORT_RUN,
    SHORT_SAMPLE,
    TOO_MANY_CYCLES,
    Timing,
)
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.timed import TimeScale
from oscc.compiler.passes.time_fixes import listed_runs, longer_tau, ways_to_fit
from oscc.compiler.passes.time_scale import SAME, ScaleOptions, choose_time_scale, full_scale_bounds, parameters_of
from oscc.core.groups import GROUPS
from oscc.core.instructions import MAX_CYCLES
from oscc.core.spec import CoreSpec


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
            (
                *(ways_to_fit(graph, core, options) or ["train the model with smaller parameters"]),
                "use shorter chunks",
            ),
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
            f"init ({core.init.cycles}) and runs ({listed_runs(scale.run_cycles)}) take {used} cycles, the core's "
            f"budget is {core.cycles_per_sample}; the active bound is {scale.active}, tau {scale.tau_s.max():.6g} s",
            (*ways_to_fit(graph, core, options), f"raise cycles_per_sample of the core to {used}"),
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
