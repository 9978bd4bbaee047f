"""What several findings of one code have in common, as one finding about a placement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from oscc.base.findings import MAX_LISTED, Finding, FindingKind, Node, Words
from oscc.compiler.findings.of_fit import UNREADABLE_PIXEL
from oscc.compiler.findings.of_routes import (
    CROWDED_NODE,
    DEAD_CELL,
    DEAD_SLOT,
    FAR_COUPLING,
    FULL_BOUNDARY,
    NODE_OUTSIDE,
    SHARED_CELL,
    SHARED_UNIT,
    UNEVEN_PAIR,
)
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.route.routing import stencil_text
from oscc.core.stencil import MOST_ADVISED, Offset, named_stencil, narrowest_stencil

Group = list[Finding]

FULL = 0.5
"""Part of the offsets by which a named stencil goes beyond the core's, that a model of that stencil uses at least."""

USES = 2
"""Couplings, on average, at each offset that such a model has more than the core."""

MOST_ASTRAY = 3
"""Nodes that are said to be away from their neighbours, where all couplings outside the stencil are theirs."""

FEWEST_ASTRAY = 4
"""Couplings outside the stencil that such a node has at least."""


def model_stencil(placed: PlacedGraph) -> str | None:
    """Return the narrowest named stencil that holds all displacements of a model; None where none does.

    Couplings with an end off the grid, and of a node with itself, do not count.

    Parameters
    ----------
    placed : PlacedGraph
    """
    return narrowest_stencil(_offsets(placed))


def is_regular(placed: PlacedGraph) -> bool:
    """Return whether a model was made for another stencil than the core's: it uses most of what that has more.

    Parameters
    ----------
    placed : PlacedGraph
    """
    offsets = _offsets(placed)
    name = narrowest_stencil(offsets)
    if name is None:
        return False
    own = set(placed.core.model_stencil.offsets)
    more = offsets - own
    offset = placed.displacement()
    far = int(np.count_nonzero(placed.core.model_stencil.slots_of(offset[:, 0], offset[:, 1]) < 0))
    # A node with many neighbours uses many offsets, too, but each of them once.
    return len(more) >= FULL * len(set(named_stencil(name).offsets) - own) and far >= USES * len(more)


def _offsets(placed: PlacedGraph) -> set[Offset]:
    graph = placed.graph
    inside = np.all((placed.cell >= 0) & (placed.cell < placed.core.grid), axis=1)
    offset = placed.displacement()[inside[graph.src] & inside[graph.dst]]
    return {(row, col) for row, col in np.unique(offset, axis=0).tolist()} - {(0, 0)}


def _far_couplings(group: Group, placed: PlacedGraph) -> Finding:
    core, graph = placed.core, placed.graph
    kinds = Counter(tuple(each.witness["displacement"]) for each in group)
    longest = max(kinds, key=lambda offset: (max(map(abs, offset)), offset))
    needed = model_stencil(placed)
    astray = astray_nodes(group)
    many = f"{len(group)} of {graph.couplings} couplings"
    offsets = f"{len(kinds)} offset{'s' if len(kinds) > 1 else ''}"
    message: Words
    fix = "let a placer find positions: --placer anneal"
    if needed is not None and len(named_stencil(needed)) <= MOST_ADVISED:
        fix = f"use a core with stencil: {needed}, or train the model with the stencil of the core"
    if astray:
        named = [word for node in astray for word in (" and node ", Node(node), f" at {_cell(placed, node)}")]
        lie, they = ("lies", "it is") if len(astray) == 1 else ("lie", "they are")
        message = (
            "node ",
            *named[1:],
            f" {lie} away from the nodes that {they} coupled with: {many} are outside the stencil ("
            f"{stencil_text(core)})",
        )
        fix = f"give {'it a position' if len(astray) == 1 else 'them positions'} near these, or {fix}"
    elif is_regular(placed):
        message = (
            f"stencil: the model has offsets of {needed}, the core has {stencil_text(core)}: {many} have {offsets} "
            "that it lacks",
        )
    else:
        message = (
            f"stencil: {many} have {offsets} that the core lacks ({stencil_text(core)}), the longest {list(longest)}",
        )
    return FAR_COUPLING.finding(
        message,
        fix,
        {
            "couplings": len(group),
            "of": graph.couplings,
            "offsets": len(kinds),
            "listed": [[*offset, count] for offset, count in sorted(kinds.items())[:MAX_LISTED]],
            "stencil": core.stencil,
            "needed": needed,
            "nodes": astray,
        },
    )


def astray_nodes(group: Group) -> list[int]:
    """Return few nodes of which one is at an end of every coupling outside the stencil; none where that takes many.

    Parameters
    ----------
    group : list of Finding
        R001.
    """
    pairs = [(each.witness["src"], each.witness["dst"]) for each in group]
    found: list[int] = []
    while pairs and len(found) < MOST_ASTRAY:
        node, couplings = Counter(end for pair in pairs for end in pair).most_common(1)[0]
        if couplings < FEWEST_ASTRAY:
            return []
        found.append(node)
        pairs = [pair for pair in pairs if node not in pair]
    return [] if pairs else sorted(found)


def _crowded_nodes(group: Group, placed: PlacedGraph) -> Finding:
    most = max(group, key=lambda each: int(each.witness["degree"])).witness
    return CROWDED_NODE.finding(
        (
            f"{len(group)} of {placed.graph.nodes} nodes receive more couplings than a cell has slots for "
            f"({most['slots']}); node ",
            Node(most["node"]),
            f" receives {most['degree']}, the most",
        ),
        group[0].fix,
        {"nodes": len(group), "node": most["node"], "degree": most["degree"], "slots": most["slots"]},
    )


def _outside(group: Group, placed: PlacedGraph) -> Finding:
    core, graph = placed.core, placed.graph
    low, high = placed.cell.min(axis=0).tolist(), placed.cell.max(axis=0).tolist()
    return NODE_OUTSIDE.finding(
        f"{len(group)} of {graph.nodes} nodes lie outside the {core.rows} x {core.cols} grid: positions are in rows "
        f"{low[0]} to {high[0]} and columns {low[1]} to {high[1]}",
        group[0].fix,
        {"nodes": len(group), "low": low, "high": high, "grid": list(core.grid)},
    )


def _shared_cells(group: Group, placed: PlacedGraph) -> Finding:
    nodes = sum(len(each.witness["nodes"]) for each in group)
    return SHARED_CELL.finding(
        f"{len(group)} cells hold several nodes, {nodes} of {placed.graph.nodes} in all",
        group[0].fix,
        {"cells": len(group), "nodes": nodes},
    )


def _slots_twice(group: Group, placed: PlacedGraph) -> Finding:
    couplings = sum(len(each.witness["couplings"]) for each in group)
    return SHARED_UNIT.finding(
        f"{len(group)} coupling units are used by several couplings each, {couplings} of {placed.graph.couplings}",
        group[0].fix,
        {"units": len(group), "couplings": couplings},
    )


def _dead_cells(group: Group, placed: PlacedGraph) -> Finding:
    dead = len(placed.core.defects.cells)
    return DEAD_CELL.finding(
        f"{len(group)} of {placed.graph.nodes} nodes sit on defective cells, of which the core has {dead}",
        group[0].fix,
        {"nodes": len(group), "defective": dead},
    )


def _dead_slots(group: Group, placed: PlacedGraph) -> Finding:
    dead = len(placed.core.defects.slots)
    return DEAD_SLOT.finding(
        f"{len(group)} of {placed.graph.couplings} couplings need defective slots, of which the core has {dead}",
        group[0].fix,
        {"couplings": len(group), "defective": dead},
    )


def _pairs(group: Group, placed: PlacedGraph) -> Finding:
    several, graph = len(group), placed.graph
    if "opposite" not in group[0].witness:
        message = (
            f"{several} of {graph.couplings} couplings have no opposite; one unit of this reciprocal core makes both "
            "directions"
        )
    else:
        message = (
            f"{several} pairs of couplings weigh differently in both directions; one unit of this reciprocal core "
            "makes both"
        )
    kind = "unequal" if "opposite" in group[0].witness else "one direction"
    return UNEVEN_PAIR.finding(message, group[0].fix, {"couplings": several, "kind": kind})


def _crowded_boundaries(group: Group, placed: PlacedGraph) -> Finding:
    most = max(group, key=lambda each: int(each.witness["demand"])).witness
    ways = f"after {most['rounds']} rounds of negotiation" if most["rounds"] else "where all run straight"
    return FULL_BOUNDARY.finding(
        f"{len(group)} boundaries of cells are crossed by more wires than they have tracks ({most['capacity']}), "
        f"{ways}; the most are {most['demand']}",
        group[0].fix,
        {"boundaries": len(group), "demand": most["demand"], "capacity": most["capacity"], "rounds": most["rounds"]},
    )


def _unreadable(group: Group, placed: PlacedGraph) -> Finding:
    (row0, col0), (drow, dcol) = placed.core.readout.origin, placed.core.readout.step
    return UNREADABLE_PIXEL.finding(
        f"{len(group)} of {placed.graph.readout.size} pixels are on cells that cannot be read; readable are rows "
        f"{row0}, {row0 + drow}, ... and columns {col0}, {col0 + dcol}, ...",
        group[0].fix,
        {
            "pixels": len(group),
            "of": int(placed.graph.readout.size),
            "origin": [row0, col0],
            "step": [drow, dcol],
        },
    )


def _cell(placed: PlacedGraph, node: int) -> str:
    row, col = placed.cell[node].tolist()
    return f"({row}, {col})"


DESCRIBED: dict[FindingKind[Any], Callable[[Group, PlacedGraph], Finding]] = {
    UNREADABLE_PIXEL: _unreadable,
    FAR_COUPLING: _far_couplings,
    SHARED_UNIT: _slots_twice,
    CROWDED_NODE: _crowded_nodes,
    DEAD_CELL: _dead_cells,
    DEAD_SLOT: _dead_slots,
    UNEVEN_PAIR: _pairs,
    SHARED_CELL: _shared_cells,
    FULL_BOUNDARY: _crowded_boundaries,
    NODE_OUTSIDE: _outside,
}
"""How several findings of a kind are told as one."""
