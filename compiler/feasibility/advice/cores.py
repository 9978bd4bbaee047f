"""Other cores on which a model fits: a preset, the same core with some keys changed, a die without defects."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from oscc.compiler.feasibility.advice.entry import WhatIfEntry, yaml_words
from oscc.compiler.feasibility.advice.times import time_keys
from oscc.compiler.feasibility.advice.trial import Situation, fitted, tried_placement
from oscc.compiler.findings.of_bounds import CUT_BOUND, DENSITY_BOUND
from oscc.compiler.findings.of_fit import TOO_FEW_CELLS, TOO_MANY_NODES
from oscc.compiler.findings.of_placers import ALL_EXCLUDED, EXACT_ENDED, NOT_ANNEALED
from oscc.compiler.findings.of_routes import FULL_BOUNDARY, FULL_CUT
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.place.bounds import diagnose_bounds, opened_readout
from oscc.compiler.place.fit import diagnose_model
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.closest_preset import closest_preset
from oscc.core.initial_phases import INIT_TOLERANCE, InitialPhases, diagnose_initial_phases
from oscc.core.spec import CoreSpec
from oscc.core.stencil import MOST_ADVISED, WIDER, named_stencil, narrowest_stencil

UNLIMITED = 10**6
"""Tracks of a boundary that no model fills."""

STENCILS = tuple(name for name in WIDER if len(named_stencil(name)) <= MOST_ADVISED)
"""Those that are tried for a model without positions, from the narrowest."""

MORE_CELLS = (1.0, 1.25, 1.6, 2.0)
"""Sides of the grids that are tried for such a model, relative to what just holds it."""

SPARE_LINES = (1, 2, 4)
"""Rows and columns that a grid with defects gets more, to go around them."""

MOST_TRIED = 6
"""Combinations of these that no bound refuses: each takes up to a second."""

Keys = dict[str, Any]


def preset_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield the preset most like the core that the model fits, if there is one.

    Parameters
    ----------
    situation : Situation
    """
    preset = closest_preset(situation.core, lambda other: situation.fitted(other) is not None)
    if preset is not None:
        cost = core_cost(situation.core, preset)
        words = ("--core", preset.name)
        # The die that was tested is one of the core that was given.
        without = " without --die" if situation.of_die else ""
        yield WhatIfEntry("preset", f"use {' '.join(words)}{without}", cost, core=preset, options=words)


def die_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield a die without defects, where only they are in the way.

    Parameters
    ----------
    situation : Situation
    """
    defects = situation.core.defects
    if not (defects.cells or defects.slots or defects.gain):
        return
    whole = situation.core.changed(defects={})
    if situation.fitted(whole) is not None:
        yield WhatIfEntry("die", "use a die without these defects", {}, core=whole)


def core_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield the core with just those keys changed that the model needs, once for each way to give it time enough.

    Parameters
    ----------
    situation : Situation
    """
    graph, core = situation.graph, situation.core
    fixed = _fixed_keys(graph, core)
    if fixed is None:
        return
    for geometry in _geometries(situation, fixed):
        trial = changed(core, {**fixed, **geometry})
        if trial is None:
            continue
        placed, tracks = _routed(situation, trial)
        if placed is None:
            continue
        found = False
        for times in time_keys(programmed_graph(placed), placed.core, situation.options):
            keys = {**fixed, **geometry, **tracks, **times}
            last = changed(core, keys)
            if not keys or last is None:
                continue
            if fitted(situation.model_for(last), last, situation.options, placed) is None:
                continue
            found = True
            yield WhatIfEntry(
                "core", f"use a core with {yaml_words(keys)}", core_cost(core, last), core=last, keys=keys
            )
        if found:
            return


def core_cost(core: CoreSpec, other: CoreSpec) -> dict[str, Any]:
    """Return what another core has more.

    Parameters
    ----------
    core, other : CoreSpec
    """
    cost: dict[str, Any] = {
        "cells": other.cells - core.cells,
        "units_per_cell": other.slots - core.slots,
        "weight_bits": other.weight_bits - core.weight_bits,
        "tracks_per_boundary": other.tracks_per_boundary - core.tracks_per_boundary,
        "readable_cells": math.prod(other.frame_shape) - math.prod(core.frame_shape),
        "cycles_per_sample": other.cycles_per_sample - core.cycles_per_sample,
    }
    for group in ("coupling", "shil", "field", "detuning"):
        ratio = other.dac(group).full_scale_rad_s / core.dac(group).full_scale_rad_s
        cost[f"{group}_full_scale"] = round(ratio, 6) if ratio != 1 else 0
    extra = ("readable_cells", "cycles_per_sample", *(name for name in cost if name.endswith("_full_scale")))
    return {name: value for name, value in cost.items() if value or name not in extra}


def changed(core: CoreSpec, keys: Keys) -> CoreSpec | None:
    """Return the core with other keys; None when there can be no such core.

    Parameters
    ----------
    core : CoreSpec
    keys : dict
    """
    try:
        return core.changed(**keys)
    except ValueError:
        return None


def _fixed_keys(graph: CouplingGraph, core: CoreSpec) -> Keys | None:
    """Return what a model needs of any placement: chunks, initial phases, directions; None if no core offers it."""
    keys: Keys = {}
    if graph.chunks > core.chunks:
        keys["chunks"] = graph.chunks
    if next(diagnose_initial_phases(graph.init, core), None) is not None:
        init = _init_for(graph.init, core)
        if init is None:
            return None
        keys["init"] = init
    if core.couplings == "reciprocal" and not _is_symmetric(graph):
        keys["couplings"] = "directed"
    return keys


def _init_for(init: InitialPhases, core: CoreSpec) -> Keys | None:
    section = core.init.model_dump(mode="json")
    section.pop("mean_rad", None)
    if init.kind == "normal" and abs(init.mean) <= math.pi and init.std > 0:
        mean = {"mean_rad": init.mean} if abs(init.mean) > INIT_TOLERANCE else {}
        return {**section, "kind": "normal", "std_rad": init.std, **mean}
    if init.kind == "uniform" and abs(init.std - math.pi / math.sqrt(3.0)) <= INIT_TOLERANCE:
        return {**section, "kind": "uniform"}
    return None


def _is_symmetric(graph: CouplingGraph) -> bool:
    """Return whether every coupling has an opposite of the same weights."""
    forth = graph.src.astype(np.int64) * graph.nodes + graph.dst
    back = graph.dst.astype(np.int64) * graph.nodes + graph.src
    one, other = np.argsort(forth), np.argsort(back)
    return bool(
        np.array_equal(forth[one], back[other]) and np.array_equal(graph.weight[:, one], graph.weight[:, other])
    )


def _geometries(situation: Situation, fixed: Keys) -> Iterator[Keys]:
    """Yield grids, stencils and read-outs to try beside what is needed wherever nodes are, the least first."""
    start = situation.start
    yield from _around(start) if start is not None else _without_positions(situation, fixed)


def _around(placed: PlacedGraph) -> Iterator[Keys]:
    """Yield what the positions of a model need."""
    core, graph, cell = placed.core, placed.graph, placed.cell
    keys: Keys = {}
    offsets = {(row, col) for row, col in np.unique(placed.displacement(), axis=0).tolist()}
    if not offsets <= set(core.model_stencil.offsets):
        if (0, 0) in offsets:
            return
        both = offsets | {(-row, -col) for row, col in offsets} if core.couplings == "reciprocal" else offsets
        name = narrowest_stencil(both)
        if name is None or len(named_stencil(name)) > MOST_ADVISED:
            return
        keys["stencil"] = name
    box = (cell.max(axis=0) - cell.min(axis=0) + 1).tolist()
    grid = [max(sizes) for sizes in zip(core.grid, box, strict=True)]
    if grid != list(core.grid):
        keys["grid"] = grid
    grids: list[Keys] = [{}]
    if core.defects.cells or core.defects.slots:
        spare = [each for more in SPARE_LINES for each in ((more, 0), (0, more), (more, more))]
        grids += [{"grid": [grid[0] + rows, grid[1] + cols]} for rows, cols in spare]
    # As little moved as it takes to lie on the grid, as a placer moves it.
    within = cell - np.maximum(0, cell.max(axis=0) + 1 - grid)
    readout = _readout_for(within[graph.readout], core)
    reads: list[Keys] = [{}, {"readout": readout}] if readout is not None else [{}]
    for wider, read in itertools.product(grids, reads):
        yield {**keys, **wider, **read}


def _readout_for(cell: np.ndarray[Any, Any], core: CoreSpec) -> Keys | None:
    """Return the read-out with the fewest cells that reads these, in divisors of the core's steps; else None."""
    (row0, col0), steps = core.readout.origin, core.readout.step
    if cell.size == 0 or np.all((cell >= (row0, col0)) & ((cell - (row0, col0)) % steps == 0)):
        return None
    apart = [math.gcd(step, *np.unique(line - line[0]).tolist()) for step, line in zip(steps, cell.T, strict=True)]
    origin = [int(line.min()) % step for line, step in zip(cell.T, apart, strict=True)]
    return {**core.readout.model_dump(mode="json"), "origin": origin, "step": apart}


def _without_positions(situation: Situation, fixed: Keys) -> Iterator[Keys]:
    """Yield what may help a model that has to be placed: what is counted to lack first, then all that it can be."""
    graph, core, kinds = situation.graph, situation.core, situation.kinds
    narrow = core.readout.step != (1, 1)
    read: list[Keys] = [{}, {"readout": opened_readout(core)}] if narrow and graph.readout.size else [{}]
    if situation.lacks("readout"):
        read = read[::-1]
    wider = [name for name in STENCILS if len(named_stencil(name)) > len(core.model_stencil)]
    more_cells = bool(kinds & {TOO_MANY_NODES, TOO_FEW_CELLS, NOT_ANNEALED, ALL_EXCLUDED, DENSITY_BOUND, CUT_BOUND})
    grids = list(_grids(graph, core)) if more_cells else [{}]
    stencils: list[Keys] = [{}]
    if kinds & {NOT_ANNEALED, ALL_EXCLUDED, EXACT_ENDED} or _is_refused(situation, {**fixed, **grids[0]}):
        stencils += [{"stencil": name} for name in wider]
    tried = _allowed(situation, fixed, stencils, read, grids)
    if not tried and not more_cells:
        tried = _allowed(situation, fixed, stencils, read, list(_grids(graph, core)))
    yield from tried


def _allowed(situation: Situation, fixed: Keys, *choices: list[Keys]) -> list[Keys]:
    """Return combinations of one of each that no bound refuses, the least first, up to `MOST_TRIED`."""
    places = itertools.product(*(range(len(choice)) for choice in choices))
    combined = (
        {name: value for choice, place in zip(choices, each, strict=True) for name, value in choice[place].items()}
        for each in sorted(places, key=lambda each: (sum(each), each))
    )
    # What a bound refuses is quick to tell, and needs no trial.
    allowed = (keys for keys in combined if not _is_refused(situation, {**fixed, **keys}))
    return list(itertools.islice(allowed, MOST_TRIED))


def _is_refused(situation: Situation, keys: Keys) -> bool:
    """Return whether the core with other keys certainly does not hold the model, or cannot be."""
    trial = changed(situation.core, keys)
    if trial is None:
        return True
    graph = situation.model_for(trial)
    return any(True for check in (diagnose_model, diagnose_bounds) for _ in check(graph, trial))


def _grids(graph: CouplingGraph, core: CoreSpec) -> Iterator[Keys]:
    """Yield grids from what just holds the nodes, in the form that the core has as far as that goes."""
    seen = set()
    for more in MORE_CELLS:
        rows, cols = core.grid
        while not _holds(graph, core, rows, cols, more) and max(rows, cols) < 512:
            rows, cols = (rows + 1, cols) if rows <= cols else (rows, cols + 1)
        if (rows, cols) not in seen:
            seen.add((rows, cols))
            yield {} if (rows, cols) == core.grid else {"grid": [rows, cols]}


def _holds(graph: CouplingGraph, core: CoreSpec, rows: int, cols: int, more: float) -> bool:
    cells = rows * cols - len(set(core.defects.cells))
    return cells >= graph.nodes * (more**2 if (rows, cols) != core.grid or more > 1 else 1)


def _routed(situation: Situation, trial: CoreSpec) -> tuple[PlacedGraph | None, Keys]:
    """Return a placement on a core, and the tracks that its wires need more; None where there is none."""
    wide = trial.changed(tracks_per_boundary=UNLIMITED)
    # A problem is lowered alike, however many tracks there are.
    graph = situation.model_for(trial)
    placed = tried_placement(graph, wide, situation.start, situation.trials)
    if placed is None:
        return None, {}
    there = PlacedGraph(graph, trial, placed.cell, placed.transform)
    if not any(finding.kind in (FULL_BOUNDARY, FULL_CUT) for finding in diagnose_route(routed_graph(there))):
        return there, {}
    straight = placed.route
    peak = max(int(each.max(initial=0)) for each in (straight.demand_across_columns, straight.demand_across_rows))
    return there, {"tracks_per_boundary": peak}
