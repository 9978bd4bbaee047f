"""Placers that find a place for nodes whose own positions do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.diagnosis.cause_groups import MOST_ASTRAY, astray_nodes
from oscc.compiler.feasibility.advice.entry import WhatIfEntry
from oscc.compiler.feasibility.advice.trial import Situation, Trials, annealed, fitted
from oscc.compiler.findings.of_fit import UNREADABLE_PIXEL
from oscc.compiler.findings.of_placers import (
    EXACT_ENDED,
    NO_SYMMETRIC_PLACEMENT,
    NOT_ANNEALED,
    NOT_PLACED,
    NOT_REPAIRED,
)
from oscc.compiler.findings.of_routes import (
    CROWDED_NODE,
    DEAD_CELL,
    DEAD_SLOT,
    FAR_COUPLING,
    NODE_OUTSIDE,
    SHARED_CELL,
    SHARED_UNIT,
)
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.placer import GrowthPlacer
from oscc.core.spec import CoreSpec

POSITIONS: frozenset[FindingKind[Any]] = frozenset(
    (
        FAR_COUPLING,
        SHARED_UNIT,
        CROWDED_NODE,
        SHARED_CELL,
        NODE_OUTSIDE,
        UNREADABLE_PIXEL,
        DEAD_CELL,
        DEAD_SLOT,
        NO_SYMMETRIC_PLACEMENT,
        NOT_REPAIRED,
    )
)
"""Kinds of findings that other positions may mend."""

NOT_FOUND: frozenset[FindingKind[Any]] = frozenset((NOT_PLACED, NO_SYMMETRIC_PLACEMENT, NOT_ANNEALED, EXACT_ENDED))
"""Kinds of findings of a placer that found nothing, which another one may."""

MOST_TRIED = 1_500
"""Nodes of a model that is annealed to see whether a placer helps."""


def placer_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield the placer that finds positions within the core, where the model's own are what is wrong.

    Parameters
    ----------
    situation : Situation
    """
    graph, core, start = situation.graph, situation.core, situation.start
    if start is None and situation.kinds and situation.kinds <= NOT_FOUND:
        if situation.fitted(core) is not None:
            yield WhatIfEntry("option", "use --placer auto", {}, options=("--placer", "auto"))
        return
    if start is None or not situation.kinds or not situation.kinds <= POSITIONS:
        return
    for name, place in (("growth", _grown), ("anneal", annealed)):
        if name == "anneal" and graph.nodes > MOST_TRIED:
            return
        found = place(graph, core, situation.trials)
        placed = None if found is None else fitted(graph, core, situation.options, found)
        if placed is None:
            continue
        moved = int(np.any(placed.cell != start.cell, axis=1).sum())
        cost = {"nodes_moved": f"{moved} of {graph.nodes} nodes on other cells"}
        yield WhatIfEntry("option", f"use --placer {name}", cost, options=("--placer", name))
        return


def position_entries(situation: Situation) -> Iterator[WhatIfEntry]:
    """Yield positions for the few nodes that are off the grid, away from their neighbours or on the cell of another.

    Parameters
    ----------
    situation : Situation
    """
    graph, start = situation.graph, situation.start
    if start is None or not situation.kinds or not situation.kinds <= POSITIONS:
        return
    for nodes in _misplaced(situation.findings):
        cells = _free_cells(start, nodes)
        if cells is None:
            continue
        position = start.cell.copy()
        position[nodes] = cells
        if fitted(graph, situation.core, situation.options, dataclasses.replace(start, cell=position)) is None:
            continue
        given = [(node, *cell) for node, cell in zip(nodes, cells, strict=True)]
        words = ", ".join(f"node {situation.named(node)} the position ({row}, {col})" for node, row, col in given)
        yield WhatIfEntry("position", f"give {words}", {}, positions=tuple(given))
        return


def _misplaced(findings: Sequence[Finding]) -> Iterator[list[int]]:
    """Yield nodes that may be what is wrong: few sets to try."""
    outside = [finding.witness["node"] for finding in findings if finding.kind is NODE_OUTSIDE]
    shared = [finding.witness["nodes"] for finding in findings if finding.kind is SHARED_CELL]
    far = [finding for finding in findings if finding.kind is FAR_COUPLING]
    if 0 < len(outside) <= MOST_ASTRAY:
        yield outside
    if len(shared) == 1 and len(shared[0]) <= MOST_ASTRAY:
        yield from ([node] for node in shared[0])
    if far and not outside and (astray := astray_nodes(far)):
        yield astray


def _free_cells(placed: PlacedGraph, nodes: list[int]) -> list[tuple[int, int]] | None:
    """Return a free cell for each of few nodes, such that their couplings with placed nodes are within the stencil."""
    graph, core = placed.graph, placed.core
    cell = {node: (row, col) for node, (row, col) in enumerate(placed.cell.tolist()) if node not in nodes}
    taken = {*cell.values(), *core.defects.cells}
    free = [(row, col) for row in range(core.rows) for col in range(core.cols) if (row, col) not in taken]
    offsets = set(core.model_stencil.offsets)
    into: dict[int, list[tuple[int, int]]] = {node: [] for node in nodes}
    for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        # Displacements are source minus destination: (other node, 1 where this one is the source).
        if src in into:
            into[src].append((dst, 1))
        if dst in into:
            into[dst].append((src, -1))

    def near(node: int, at: tuple[int, int]) -> bool:
        return all(
            (sign * (at[0] - cell[other][0]), sign * (at[1] - cell[other][1])) in offsets
            for other, sign in into[node]
            if other in cell
        )

    def place(left: list[int]) -> bool:
        if not left:
            return True
        for at in free:
            if at not in cell.values() and near(left[0], at):
                cell[left[0]] = at
                if place(left[1:]):
                    return True
                del cell[left[0]]
        return False

    return [cell[node] for node in nodes] if place(nodes) else None


def _grown(graph: CouplingGraph, core: CoreSpec, trials: Trials) -> PlacedGraph | None:
    return GrowthPlacer(trials.search).place(graph, core).placed
