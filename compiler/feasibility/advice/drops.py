"""Couplings without which a model fits: those that have no unit, and the smallest over full boundaries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import FindingKind
from oscc.compiler.feasibility.advice.entry import MOST_NORM, MOST_SHARE, WhatIfEntry
from oscc.compiler.feasibility.advice.trial import Situation, fitted
from oscc.compiler.findings.of_fit import NO_HARDWARE, TOO_FEW_CELLS, TOO_MANY_CHUNKS, TOO_MANY_NODES, UNREADABLE_PIXEL
from oscc.compiler.findings.of_routes import DEAD_CELL, NODE_OUTSIDE, SHARED_CELL
from oscc.compiler.ir.graph import without_couplings
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.route.routing import routed_graph, trace_route
from oscc.core.program_findings import OTHER_PHASES

MOST_PRUNINGS = 40
"""Times that couplings over full boundaries are taken out and the rest is routed anew."""

OTHERWISE: frozenset[FindingKind[Any]] = frozenset(
    (
        UNREADABLE_PIXEL,
        OTHER_PHASES,
        TOO_MANY_CHUNKS,
        NO_HARDWARE,
        TOO_MANY_NODES,
        TOO_FEW_CELLS,
        DEAD_CELL,
        SHARED_CELL,
        NODE_OUTSIDE,
    )
)
"""Kinds of findings that fewer couplings do not mend."""


def drop_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield the couplings to drop, as nodes are placed now; not more than `MOST_SHARE` of them and `MOST_NORM`.

    Parameters
    ----------
    situation : Situation
    """
    placed = situation.placed
    if placed is None or situation.kinds & OTHERWISE:
        return
    graph = placed.graph
    dropped = _misplaced(placed)
    dropped = _thinned(placed, dropped)
    weight = graph.weight.astype(np.float64)
    share = float(np.linalg.norm(weight[:, dropped]) / max(np.linalg.norm(weight), np.finfo(np.float64).tiny))
    if dropped.size == 0 or dropped.size > MOST_SHARE * graph.couplings or share > MOST_NORM:
        return
    left = _without(placed, dropped)
    if fitted(left.graph, left.core, situation.options, left) is None:
        return
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


def _without(placed: PlacedGraph, dropped: NDArray[np.int32]) -> PlacedGraph:
    """Return the placement of a model without some of its couplings."""
    graph = without_couplings(placed.graph, dropped)
    return PlacedGraph(graph, placed.core, placed.cell, placed.transform)


def _misplaced(placed: PlacedGraph) -> NDArray[np.int32]:
    """Return couplings that have no unit here, outside the stencil, off the grid or dead; with their opposites."""
    core, graph = placed.core, placed.graph
    route = routed_graph(placed).route
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
    """Return the dropped couplings and, from the smallest, as many more as leave no boundary overfull."""
    graph, core = placed.graph, placed.core
    size = np.abs(graph.weight).max(axis=0, initial=0.0)
    gone = set(dropped.tolist())
    for _ in range(MOST_PRUNINGS):
        kept = np.array(sorted(set(range(graph.couplings)) - gone), dtype=np.int64)
        route = trace_route(_without(placed, _sorted(gone)))
        over = {
            (axis, row, col): int(demand[row, col]) - core.tracks_per_boundary
            for axis, demand in enumerate((route.demand_across_columns, route.demand_across_rows))
            for row, col in np.argwhere(demand > core.tracks_per_boundary).tolist()
        }
        if not over or core.couplings == "reciprocal":
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
