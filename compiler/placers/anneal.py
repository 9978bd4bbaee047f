"""Placer `anneal`: any sparse graph, by simulated annealing from a layout; it can fail where a placement exists."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.arrays import freeze
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.kernels import run_kernel
from oscc.compiler.placers.cell_rules import CellRules
from oscc.compiler.placers.layout import cells_in_order, pivot_coordinates
from oscc.compiler.placers.problem import PlacementProblem
from oscc.compiler.spec import CoreSpec

AXES = ((0, 1), (0, 2), (0, 3), (1, 2), (0, 4))
"""Pairs of coordinates that attempts begin with, in turn: of a torus, the leading two show one circle twice."""

ATTEMPTS = 5
MOVES_PER_NODE, MOST_MOVES = 25_000, 20_000_000
"""Moves of an attempt: the most take two to five seconds with 24 neighbours."""

SLICES = 40
"""Parts of an attempt, between which time and interrupts are looked at."""

HOT, COLD = 2.0, 0.05
"""Temperature at the beginning and at the end, in cells beyond the stencil."""


@dataclass(frozen=True, eq=False)
class Annealing:
    """The best placement that was found.

    Parameters
    ----------
    cell : int32[N, 2] or None
        None when nodes and usable cells do not agree in number.
    cost : int
        Cells beyond the stencil, over all couplings, and 1 for each that needs a dead unit; 0 when everything fits.
    attempts : int
        Attempts that were begun.
    complete : bool
        Whether all attempts were made, or one came to 0: neither time nor an interrupt ended the search.
    """

    cell: NDArray[np.int32] | None
    cost: int
    attempts: int
    complete: bool

    def __post_init__(self) -> None:
        freeze(self)


def anneal(
    graph: CouplingGraph,
    core: CoreSpec,
    *,
    seed: int = 0,
    attempts: int = ATTEMPTS,
    moves: int | None = None,
    timeout_s: float | None = None,
    report: Callable[[str, float], None] | None = None,
) -> Annealing:
    """Cells for all nodes, such that couplings lie within the stencil and need no dead unit.

    Dead cells are left empty, and nodes that are read out are on readable cells throughout. An interrupt from the
    keyboard ends the search with the best placement so far, as the end of the time does.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    seed : int
        The same seed gives the same placement, unless time or an interrupt ends the search.
    attempts : int
        Layouts that are begun with.
    moves : int, optional
        From each; `MOVES_PER_NODE` by default, but not more than `MOST_MOVES`.
    timeout_s : float, optional
        Seconds after which no further moves are begun.
    report : callable, optional
        Called with what is being done and how far it is, 0 to 1.
    """
    problem = PlacementProblem.of(graph, core)
    rules = CellRules.of(graph, core, problem)
    starts = (cells_in_order(_coordinates(problem, seed, attempt), rules) for attempt in range(attempts))
    moves = min(MOST_MOVES, MOVES_PER_NODE * graph.nodes) if moves is None else moves
    return cooled(
        problem, rules, starts, attempts=attempts, moves=moves, hot=HOT, seed=seed, timeout_s=timeout_s, report=report
    )


def cooled(
    problem: PlacementProblem,
    rules: CellRules,
    starts: Iterable[NDArray[np.int32] | None],
    *,
    attempts: int,
    moves: int,
    hot: float,
    seed: int,
    timeout_s: float | None,
    report: Callable[[str, float], None] | None,
) -> Annealing:
    """The best placement that annealing from some placements comes to; it ends with the first that fits.

    Parameters
    ----------
    problem : PlacementProblem
    rules : CellRules
    starts : iterable of int32[N, 2] or None
        None when there are too few usable cells, which ends the search.
    attempts : int
        How many starts there are.
    moves : int
        From each.
    hot : float
        Temperature that they begin with.
    seed, timeout_s, report
        As `anneal` has them.
    """
    from oscc.compiler.placers.anneal_kernel import move_nodes, total_cost

    ends = None if timeout_s is None else time.monotonic() + timeout_s
    near = (np.argwhere(problem.near) - problem.near.shape[0] // 2).astype(np.int32)
    # Couplings in both directions count twice: the temperature goes with them.
    double = (np.count_nonzero(rules.receives) + np.count_nonzero(rules.sends)) / max(1, problem.neighbour.size)
    first, neighbour = problem.first, problem.neighbour
    best, best_cost = None, np.iinfo(np.int64).max
    attempt = 0
    try:
        for attempt, start in enumerate(starts, 1):
            if start is None:
                return Annealing(None, 0, attempt, True)
            cell = start
            cost = int(total_cost(first, neighbour, cell, rules.receives, rules.sends, rules.excess, rules.lost))
            for part in range(SLICES):
                if cost < best_cost:
                    best, best_cost = cell, cost
                if best_cost == 0:
                    return Annealing(best, 0, attempt, True)
                if ends is not None and time.monotonic() >= ends:
                    return Annealing(best, best_cost, attempt, False)
                if report is not None:
                    report(f"annealing, {best_cost} cells too far", (attempt - 1 + part / SLICES) / attempts)
                warm, cool = (double * hot * (COLD / hot) ** (edge / SLICES) for edge in (part, part + 1))
                chance = int(np.random.SeedSequence([seed, attempt, part]).generate_state(1)[0])
                cell, cost = run_kernel(
                    move_nodes,
                    first,
                    neighbour,
                    cell,
                    rules.usable,
                    rules.read,
                    rules.receives,
                    rules.sends,
                    rules.excess,
                    rules.lost,
                    near,
                    moves // SLICES,
                    warm,
                    cool,
                    chance,
                )
            if cost < best_cost:
                best, best_cost = cell, cost
            if best_cost == 0:
                break
    except KeyboardInterrupt:
        if best is None:
            raise
        return Annealing(best, int(best_cost), attempt, best_cost == 0)
    return Annealing(best, int(best_cost), attempt, True)


def _coordinates(problem: PlacementProblem, seed: int, attempt: int) -> NDArray[np.float64]:
    found = pivot_coordinates(problem, seed + attempt // len(AXES))
    first, second = AXES[attempt % len(AXES)]
    # Small graphs have fewer axes than that.
    last = found.shape[1] - 1
    return found[:, [min(first, last), min(second, last)]]
