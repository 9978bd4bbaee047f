"""Repair: a placement whose nodes leave cells that they may not have, one by one, and take their neighbours along."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.findings.of_fit import UNREADABLE_PIXEL
from oscc.compiler.findings.of_placers import NOT_REPAIRED
from oscc.compiler.findings.of_routes import DEAD_CELL, DEAD_SLOT
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.place.anneal import MOST_MOVES, Annealing, Effort, cooled
from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.place.layout import on_usable_cells
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.compiler.route.routing import diagnose_route, routed_graph

DEFECTS: frozenset[FindingKind[Any]] = frozenset((DEAD_CELL, DEAD_SLOT, UNREADABLE_PIXEL))
"""Kinds of findings that moving single nodes may be rid of: of defects, and of the read-out."""

MOVES_PER_NODE = 1_000
"""Far fewer than a search from nothing takes: most nodes stay where they are."""

HOT = 0.2
"""Temperature at the beginning, in cells beyond the stencil: what fits is to be left, but for its neighbourhood."""


@dataclass(frozen=True, eq=False)
class Repair:
    """What a repair came to.

    Parameters
    ----------
    placed : RoutedGraph or None
        Around the defects; None when there is none.
    findings : tuple of Finding
        Why not: L014, which is no proof; empty also where there was nothing to try.
    """

    placed: RoutedGraph | None
    findings: tuple[Finding, ...] = ()


def repair(start: RoutedGraph, search: Search = UNLIMITED) -> Repair:
    """Find a placement near one that only defects, or the read-out, are in the way of.

    Nodes on cells that they may not have go to the nearest free ones that they may, and annealing at a low temperature
    moves others until all couplings lie within the stencil and need no dead unit, or its moves are used up.

    Parameters
    ----------
    start : RoutedGraph
        One with other faults than those of `DEFECTS`, or with more nodes than there are usable cells, is left alone.
    search : Search
    """
    graph, core = start.graph, start.core
    if {finding.kind for finding in (*diagnose_route(start), *diagnose_fit(start))} - DEFECTS:
        return Repair(None)
    problem = PlacementProblem.of(graph, core)
    rules = CellRules.of(graph, core, problem)
    if graph.nodes > rules.usable[0].sum() or graph.readout.size > rules.usable[1].sum():
        return Repair(None)
    found = settle_nodes(problem, rules, on_usable_cells(start.cell, rules), search)
    if found.cell is None or found.cost > 0:
        return Repair(None, (_not_found(start, found, ()),))
    moved = int(np.any(found.cell != start.cell, axis=1).sum())
    placed = routed_graph(PlacedGraph(graph, core, found.cell, f"{start.transform}, {moved} nodes moved"))
    left = tuple(sorted({finding.code for finding in (*diagnose_route(placed), *diagnose_fit(placed))}))
    return Repair(None, (_not_found(start, found, left),)) if left else Repair(placed)


def settle_nodes(problem: PlacementProblem, rules: CellRules, start: NDArray[np.int32], search: Search) -> Annealing:
    """Find a placement near one that almost fits, by annealing at a low temperature.

    Parameters
    ----------
    problem : PlacementProblem
    rules : CellRules
    start : int32[N, 2]
        On cells that the nodes may have.
    search : Search
    """
    moves = min(MOST_MOVES, MOVES_PER_NODE * problem.nodes)
    return cooled(problem, rules, [start], Effort(1, moves, HOT), search)


def _not_found(start: PlacedGraph, found: Annealing, left: tuple[str, ...]) -> Finding:
    ended = "" if found.complete else ", ended by time or an interrupt"
    why = f"what was found has {', '.join(left)}" if left else f"the best is {found.cost} cells too far in all"
    return NOT_REPAIRED.finding(
        f"no placement found by moving single nodes off what they cannot use: {why}{ended}",
        "use another --seed or a longer --timeout, another die, or a core with more spare or readable cells",
        {"nodes": start.graph.nodes, "cost": found.cost, "findings": list(left), "complete": found.complete},
    )
