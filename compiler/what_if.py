"""What would make a model fit: sets of changes, each enough by itself, with what it costs."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.arrays import freeze
from oscc.compiler.errors import OsccError
from oscc.compiler.findings import Finding
from oscc.compiler.fitting import diagnose_fit
from oscc.compiler.graph import CouplingGraph, without_couplings
from oscc.compiler.passes.scale import ScaleOptions, diagnose_time_scale
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.placers.symmetry import search_symmetric
from oscc.compiler.programmed import programmed_graph
from oscc.compiler.routing import diagnose_route, trace_route
from oscc.compiler.spec import CoreSpec

SCHEMA = "oscc.whatif/1"
"""Content of key ``schema`` of reports/whatif.json."""

LISTED = 200
"""Couplings of an entry that its JSON lists; the rest is counted."""

KINDS = ("drop", "core", "split")
"""Kinds of `WhatIfEntry`, in the order of the table."""

MOST_PRUNINGS = 40
"""Times that couplings over full boundaries are taken out and the rest is routed anew."""


@dataclass(frozen=True, eq=False)
class WhatIfEntry:
    """A set of changes after which the model fits.

    Parameters
    ----------
    kind : str
        ``drop`` (couplings of the model), ``core`` (keys of the core) or ``split`` (nodes; not tried here).
    change : str
        In one line.
    cost : dict
        Numbers, by what they count.
    dropped : int32[k]
        Couplings that kind ``drop`` takes out, by their number in the model.
    core : CoreSpec or None
        The core of kind ``core``.
    split : int32[n]
        Nodes that kind ``split`` makes copies of.
    """

    kind: str
    change: str
    cost: dict[str, Any]
    dropped: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    core: CoreSpec | None = None
    split: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))

    def __post_init__(self) -> None:
        freeze(self)

    def as_dict(self, graph: CouplingGraph) -> dict[str, Any]:
        """The entry as JSON, with up to `LISTED` of the couplings that it drops as [src, dst], and of the nodes."""
        shown = self.dropped[:LISTED]
        pairs = np.stack([graph.src[shown], graph.dst[shown]], axis=1).tolist()
        listed = {"dropped": {"count": int(self.dropped.size), "listed": pairs}} if self.dropped.size else {}
        if self.split.size:
            listed["split"] = {"count": int(self.split.size), "listed": self.split[:LISTED].tolist()}
        return {"kind": self.kind, "change": self.change, "cost": self.cost, **listed}


@dataclass(frozen=True, eq=False)
class WhatIf:
    """Entries, and the placement that they start from; None when there was none to start from."""

    placed: PlacedGraph | None
    entries: tuple[WhatIfEntry, ...]

    def as_dict(self, graph: CouplingGraph) -> dict[str, Any]:
        """The entries as JSON, numbered from 1 in their order."""
        return {"schema": SCHEMA, "entries": [entry.as_dict(graph) for entry in self.entries]}


def explore_changes(
    graph: CouplingGraph,
    core: CoreSpec,
    placed: PlacedGraph | None,
    options: ScaleOptions,
    kinds: Collection[str] = KINDS,
) -> WhatIf:
    """Sets of changes that would make a model fit that does not.

    Every entry of kind ``drop`` and ``core`` was checked: placed, routed, fitted and scaled once more, with no finding
    left. Entries of kind ``split`` say how many extra cells are needed at least as nodes are placed now; another
    placement may need fewer, and ``--copies`` finds out.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that does not fit, where there is one to start from.
    options : ScaleOptions
    kinds : collection of str
        Those of `KINDS` that are looked for.
    """
    entries: list[WhatIfEntry] = []
    if placed is not None and "drop" in kinds:
        entries += _drops(placed, options)
    if placed is not None and "core" in kinds:
        entries += _cores(placed, options)
    if "split" in kinds:
        entries += _splits(graph, core, placed)
    return WhatIf(placed, tuple(entries))


def pruned_graph(what_if: WhatIf, number: int) -> tuple[CouplingGraph, dict[str, Any]]:
    """The model without the couplings of an entry, with the positions of the placement, and what a receipt says of it.

    Parameters
    ----------
    what_if : WhatIf
    number : int
        Of the entry, from 1.

    Raises
    ------
    OsccError
        ``prune.entry`` when there is no such entry, or it drops nothing.
    """
    entries = what_if.entries
    known = [place for place, entry in enumerate(entries, 1) if entry.kind == "drop"]
    if number not in known or what_if.placed is None:
        accepted = (
            f"--prune takes {', '.join(map(str, known))}" if known else "none can be applied by dropping couplings"
        )
        raise OsccError("prune.entry", f"{number} is no entry that drops couplings", where="--prune", hint=accepted)
    entry, placed = entries[number - 1], what_if.placed
    graph = without_couplings(placed.graph, entry.dropped)
    receipt = {"entry": number, **entry.as_dict(placed.graph)}
    return dataclasses.replace(graph, position=placed.cell, model_hash=""), receipt


def _fits(placed: PlacedGraph, options: ScaleOptions) -> PlacedGraph | None:
    """The placement, or one of its symmetric ones, if nothing is found against it."""
    found, _ = search_symmetric(placed)
    if found is None:
        return None
    checks: Iterator[Finding] = iter(
        (
            *diagnose_route(found),
            *diagnose_fit(found),
            *diagnose_time_scale(programmed_graph(found), found.core, options),
        )
    )
    return found if next(checks, None) is None else None


# Dropping couplings


def _drops(placed: PlacedGraph, options: ScaleOptions) -> Iterator[WhatIfEntry]:
    graph = placed.graph
    dropped = _misplaced(placed)
    dropped = _thinned(placed, dropped)
    if dropped.size == 0:
        return
    left = dataclasses.replace(placed, graph=without_couplings(graph, dropped), route=None)
    if _fits(left, options) is None:
        return
    weight = graph.weight.astype(np.float64)
    share = float(np.linalg.norm(weight[:, dropped]) / max(np.linalg.norm(weight), np.finfo(np.float64).tiny))
    yield WhatIfEntry(
        "drop",
        f"drop {dropped.size} of {graph.couplings} couplings",
        {
            "couplings": int(dropped.size),
            "share_of_couplings": round(dropped.size / graph.couplings, 6),
            "relative_norm": round(share, 6),
            "largest_weight": round(float(np.abs(weight[:, dropped]).max()), 6),
        },
        dropped,
    )


def _misplaced(placed: PlacedGraph) -> NDArray[np.int32]:
    """Couplings that have no unit here: outside the stencil, off the grid, with a dead unit; with their opposites."""
    core, graph = placed.core, placed.graph
    route = trace_route(placed)
    wrong = route.slot < 0
    dead = set(core.defects.slots)
    if dead:
        units = zip(*route.unit_cell.T.tolist(), route.slot.tolist(), strict=True)
        wrong |= np.array([unit in dead for unit in units], dtype=bool)
    if core.couplings == "reciprocal":
        forth = graph.src.astype(np.int64) * graph.nodes + graph.dst
        back = graph.dst.astype(np.int64) * graph.nodes + graph.src
        wrong |= np.isin(forth, back[wrong]) | ~np.isin(forth, back)
    return np.flatnonzero(wrong).astype(np.int32)


def _thinned(placed: PlacedGraph, dropped: NDArray[np.int32]) -> NDArray[np.int32]:
    """The dropped couplings, and as many more as leave no boundary with more wires than tracks, the smallest first."""
    graph, core = placed.graph, placed.core
    size = np.abs(graph.weight).max(axis=0, initial=0.0)
    gone = set(dropped.tolist())
    for _ in range(MOST_PRUNINGS):
        kept = np.array(sorted(set(range(graph.couplings)) - gone), dtype=np.int64)
        left = dataclasses.replace(placed, graph=without_couplings(graph, _sorted(gone)), route=None)
        route = trace_route(left)
        over = {
            (axis, row, col): int(demand[row, col]) - core.tracks_per_boundary
            for axis, demand in enumerate((route.demand_across_columns, route.demand_across_rows))
            for row, col in np.argwhere(demand > core.tracks_per_boundary).tolist()
        }
        if not over or route.wires is None or core.couplings == "reciprocal":
            break
        # On a directed core wires stand in the order of the couplings that have a unit.
        cells = route.wires.cells_before()
        owner = np.repeat(kept[route.slot >= 0], route.wires.lengths())
        crossed: dict[tuple[int, int, int], list[int]] = {boundary: [] for boundary in over}
        for coupling, (row, col), way in zip(
            owner.tolist(), cells.tolist(), route.wires.direction.tolist(), strict=True
        ):
            boundary = ((1, row - 1, col), (0, row, col), (1, row, col), (0, row, col - 1))[way]
            if boundary in crossed:
                crossed[boundary].append(coupling)
        for boundary, excess in sorted(over.items()):
            still = [coupling for coupling in crossed[boundary] if coupling not in gone]
            spare = excess - (len(crossed[boundary]) - len(still))
            gone |= set(sorted(still, key=lambda coupling: (float(size[coupling]), coupling))[: max(0, spare)])
    return _sorted(gone)


def _sorted(numbers: set[int]) -> NDArray[np.int32]:
    return np.array(sorted(numbers), dtype=np.int32)


# Other cores


def _cores(placed: PlacedGraph, options: ScaleOptions) -> Iterator[WhatIfEntry]:
    """The core with just those keys changed that the model needs."""
    core, graph = placed.core, placed.graph
    changes: dict[str, Any] = {}
    offset = np.unique(placed.displacement(), axis=0)
    far = offset[core.model_stencil.slots_of(offset[:, 0], offset[:, 1]) < 0]
    far = far[np.any(far != 0, axis=1)]
    if far.size:
        more = {(int(row), int(col)) for row, col in far}
        if core.couplings == "reciprocal":
            more |= {(-row, -col) for row, col in more}
        changes["stencil"] = [list(each) for each in sorted({*core.model_stencil.offsets, *more})]
    low, high = placed.cell.min(axis=0), placed.cell.max(axis=0)
    needed = [max(size, int(top) + 1) for size, top in zip(core.grid, high, strict=True)]
    if low.min() >= 0 and tuple(needed) != core.grid:
        changes["grid"] = needed
    if graph.chunks > core.chunks:
        changes["chunks"] = graph.chunks
    if core.couplings == "reciprocal" and any(finding.code == "R006" for finding in diagnose_route(placed)):
        changes["couplings"] = "directed"
    trial = _changed(core, changes)
    if trial is None:
        return
    moved = dataclasses.replace(placed, core=trial, route=None)
    route = trace_route(moved)
    peak = max(int(demand.max(initial=0)) for demand in (route.demand_across_columns, route.demand_across_rows))
    if peak > core.tracks_per_boundary:
        changes["tracks_per_boundary"] = peak
    cycles = [
        finding.witness["cycles"]
        for finding in diagnose_time_scale(programmed_graph(moved), trial, options)
        if finding.code == "S001" and "cycles" in finding.witness
    ]
    if cycles:
        changes["cycles_per_sample"] = int(max(cycles))
    trial = _changed(core, changes)
    if not changes or trial is None:
        return
    if _fits(dataclasses.replace(placed, core=trial, route=None), options) is None:
        return
    words = ", ".join(f"{key} {_shown(key, value, core)}" for key, value in changes.items())
    yield WhatIfEntry(
        "core",
        f"use a core with {words}",
        {
            "cells": trial.cells - core.cells,
            "units_per_cell": trial.slots - core.slots,
            "weight_bits": trial.weight_bits - core.weight_bits,
            "tracks_per_boundary": trial.tracks_per_boundary - core.tracks_per_boundary,
        },
        core=trial,
    )


def _changed(core: CoreSpec, changes: dict[str, Any]) -> CoreSpec | None:
    """The core with other keys; None when there can be no such core."""
    try:
        return core.changed(**changes)
    except ValueError:
        return None


def _shown(key: str, value: Any, core: CoreSpec) -> str:
    if key == "stencil":
        more = [each for each in map(tuple, value) if each not in core.model_stencil.offsets]
        listed = ", ".join(map(str, more[:6])) + (", ..." if len(more) > 6 else "")
        return f"wider by {len(more)} offsets: {listed}"
    return " x ".join(map(str, value)) if isinstance(value, list) else str(value)


# Splitting


def _splits(graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> Iterator[WhatIfEntry]:
    """How many extra cells copies need from this placement on: by degree, and to bring all neighbours near."""
    slots = len(core.model_stencil)
    degree = graph.in_degree()
    # A chain of m copies has m slots each, of which 2 (m - 1) hold it together.
    by_degree = np.maximum(0, -(-(degree - 2) // max(1, slots - 2)) - 1)
    crowded = np.flatnonzero(by_degree)
    extra = int(by_degree.sum())
    cover: list[int] = []
    if placed is not None:
        offset = placed.displacement()
        far = core.model_stencil.slots_of(offset[:, 0], offset[:, 1]) < 0
        # Each coupling that is too far needs a copy of one of its ends.
        extra = max(extra, _matching(graph.src[far], graph.dst[far]))
        cover = _cover(graph.src[far], graph.dst[far], graph.nodes)
    if extra == 0:
        return
    usable = core.cells - len(core.defects.cells)
    if graph.nodes + extra > usable:
        return
    split = np.union1d(crowded, np.array(cover, dtype=np.int64)).astype(np.int32)
    named = ", ".join(map(str, split[:6].tolist())) + (", ..." if split.size > 6 else "")
    numbers = "nodes" if split.size > 1 else "node"
    why = f"; {crowded.size} with more couplings than slots" if crowded.size else ""
    yield WhatIfEntry(
        "split",
        f"split {split.size} of {graph.nodes} nodes into copies (--copies): {numbers} {named}{why}",
        {"extra_cells_here": extra, "spare_cells": usable - graph.nodes},
        split=split,
    )


def _cover(src: NDArray[np.int32], dst: NDArray[np.int32], nodes: int) -> list[int]:
    """Nodes of which one is at an end of every pair: those with the most pairs that are left, one after another."""
    ends = np.stack([src, dst])
    found = []
    while ends.size:
        node = int(np.bincount(ends.ravel(), minlength=nodes).argmax())
        found.append(node)
        ends = ends[:, np.all(ends != node, axis=0)]
    return found


def _matching(src: NDArray[np.int32], dst: NDArray[np.int32]) -> int:
    """Pairs of a maximal matching: at least so many nodes are needed to have one at an end of every pair."""
    taken: set[int] = set()
    pairs = 0
    for one, other in sorted(zip(src.tolist(), dst.tolist(), strict=True)):
        if one not in taken and other not in taken:
            taken |= {one, other}
            pairs += 1
    return pairs
