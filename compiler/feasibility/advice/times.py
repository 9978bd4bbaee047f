"""What gives a model time enough, or full scale enough: keys of the core, and options of the command."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from oscc.compiler.feasibility.advice.entry import MOST_NORM, MOST_SHARE, WhatIfEntry
from oscc.compiler.feasibility.advice.trial import Situation
from oscc.compiler.findings.of_times import BEYOND_FULL_SCALE, LONG_RUN, SHORT_SAMPLE, TIMES, TOO_MANY_CYCLES
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.timed import TimedGraph
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.time_fixes import clipped_parameters, relaxations
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale, full_scale_bounds
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.core.groups import GROUPS
from oscc.core.spec import CoreSpec

DIGITS = 3
"""Significant digits of a full scale, and of a tau, that is offered: rounded up."""

Keys = dict[str, Any]


def time_keys(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[Keys]:
    """Yield sets of keys of a core of which each may give a model time enough; an empty one where it has.

    Parameters
    ----------
    graph : CouplingGraph
        As its DACs must be set (`programmed_graph`).
    core : CoreSpec
    options : ScaleOptions
    """
    found = {finding.kind: finding for finding in diagnose_time_scale(graph, core, options)}
    if not found:
        yield {}
        return
    scale = choose_time_scale(graph, core, options)
    given = options.tau_s is not None or graph.time_scale_s is not None
    keys: Keys = {}
    if SHORT_SAMPLE in found:
        # A longer init makes a sample as long as the read-out of the one before.
        init = core.init.cycles + core.readout_cycles - found[SHORT_SAMPLE].witness["cycles"]
        keys["init"] = {**core.init.model_dump(mode="json"), "cycles": init}
    if BEYOND_FULL_SCALE in found:
        keys |= _full_scales(graph, core, options, scale.tau_s)
    if TOO_MANY_CYCLES in found:
        yield {**keys, "cycles_per_sample": found[TOO_MANY_CYCLES].witness["cycles"]}
    elif keys and LONG_RUN not in found:
        yield keys
    if not given and {TOO_MANY_CYCLES, LONG_RUN} & found.keys():
        duration = float(graph.chunk_duration.astype(np.float64).sum())
        room = core.cycles_per_sample - core.init.cycles - graph.chunks
        if room > 0:
            tau = np.full(graph.chunks, room / core.clock_hz / duration)
            yield {**keys, **_full_scales(graph, core, options, tau)}


def _full_scales(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions, tau: np.ndarray[Any, Any]) -> Keys:
    """Return DACs at which nothing clips at these taus."""
    keys: Keys = {}
    for group, bound in full_scale_bounds(graph, core).items():
        ratio = float((bound / tau).max(initial=0.0))
        if group not in options.clip and ratio > 1:
            dac = core.dac(group)
            keys[f"{group}_dac"] = {
                **dac.model_dump(mode="json"),
                "full_scale_rad_s": rounded_up(dac.full_scale_rad_s * ratio),
            }
    return keys


def rounded_up(value: float) -> float:
    """Return a positive number of `DIGITS` significant digits that is not less.

    Parameters
    ----------
    value : float
    """
    unit = 10.0 ** (math.floor(math.log10(value)) - DIGITS + 1)
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.{DIGITS}g}")


def time_options(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield options of the command after which the time scale fits, where nothing else is in the way.

    Parameters
    ----------
    situation : Situation
    """
    if not situation.kinds or not situation.kinds <= {*TIMES}:
        return
    for options, words in _options(situation):
        if any(_is_absurd(situation, options, group) for group in options.clip if group not in situation.options.clip):
            continue
        placed = situation.fitted(situation.core, options)
        if placed is not None:
            yield WhatIfEntry("option", f"use {' '.join(words)}", _cost(placed, options, situation), options=words)


def _options(situation: Situation) -> Iterator[tuple[ScaleOptions, tuple[str, ...]]]:
    graph, core, given = situation.graph, situation.core, situation.options
    if given.tau_s is None and graph.time_scale_s is None:
        for options in relaxations(graph, core, given):
            clip = tuple(word for group in options.clip if group not in given.clip for word in ("--clip", group))
            yield options, (*(("--tau", "per-chunk") if options.per_chunk > given.per_chunk else ()), *clip)
        return
    bounds = choose_time_scale(graph, core, given).bounds_s
    least = max(bound for name, bound in bounds.items() if name not in ("model", "given", *given.clip))
    for tau in sorted({rounded_up(least), rounded_up(max(least, *(bounds[name] for name in bounds)))}):
        yield replace(given, tau_s=tau), ("--tau-s", f"{tau:g}")
    beyond = [finding.witness["group"] for finding in situation.findings if finding.kind is BEYOND_FULL_SCALE]
    if beyond:
        clip = tuple(word for group in beyond for word in ("--clip", group))
        yield replace(given, clip=(*given.clip, *beyond)), clip


def _is_absurd(situation: Situation, options: ScaleOptions, group: str) -> bool:
    """Return whether too many parameters of a group would clip, or too much of them be lost."""
    found = clipped_parameters(situation.graph, situation.core, options, group)
    return found.count > MOST_SHARE * max(1, found.values) or found.error > MOST_NORM


def _cost(placed: TimedGraph, options: ScaleOptions, situation: Situation) -> dict[str, Any]:
    core, scale = placed.core, placed.time_scale
    cost: dict[str, Any] = {
        "cycles": core.init.cycles + int(scale.run_cycles.sum()),
        "of_cycles": core.cycles_per_sample,
    }
    if placed.graph.time_scale_s is not None and options.tau_s is not None:
        cost["tau_ratio"] = round(options.tau_s / max(placed.graph.time_scale_s), 6)
    statistics = QuantizePass().run(placed).statistics
    for group in GROUPS:
        if group not in options.clip or group in situation.options.clip:
            continue
        found = clipped_parameters(placed.graph, core, options, group)
        cost[f"{group}_clipped"] = f"{found.count:,} of {found.values:,} {group} codes clip"
        cost[f"{group}_error"] = (
            f"error {statistics[group].rms_lsb:.2f} LSB rms, {statistics[group].max_lsb:.2f} at most, "
            f"{found.error:.2g} of their norm"
        )
    return cost
