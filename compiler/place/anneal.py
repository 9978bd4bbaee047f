"""Placer `anneal`: any sparse graph, by simulated annealing from a layout; it can fail where a placement exists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.kernels import run_kernel
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.layout import cells_in_order, pivot_coordinates
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.core.spec import CoreSpec

AXES = ((0, 1), (0, 2), (0, 3), (1, 2), (0, 4))
"""Pairs of coordinates that attempts begin with, in turn: of a torus, the leading two show one circle twice."""

ATTEMPTS = 5
MOVES_PER_NODE, MOST_MOVES = 25_000, 20_000_000
"""Moves of an attempt: the most take two to five seconds with 24 neighbours."""

SLICES = 40
"""Parts of an attempt, between which time and interrupts are looked at."""

HOT, COLD = 2.0, 0.05
"""Temperature at the beginning and at the end, in cells beyond the stencil."""


@dataclass(frozen=True)
class Effort:
    """How long, and from what temperature, annealing goes on.

    Parameters
    ----------
    attempts : int
        Placements that are begun with.
    moves : int
        From each.
    hot : float
        Temperature at the beginning of each, in cells beyond the stencil.
    """

    attempts: int
    moves: int
    hot: float = HOT


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
    search: Search = UNLIMITED,
    *,
    attempts: int = ATTEMPTS,
    moves: int | None = None,
) -> Annealing:
    """Find cells for all nodes, such that couplings lie within the stencil and need no dead unit.

    Dead cells are left empty, and nodes that are read out are on readable cells throughout; where all of them are, they
    move on the lattice of these. An interrupt from the keyboard ends the search with the best placement so far, as the
    end of the time does.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    search : Search
    attempts : int
        Layouts that are begun with.
    moves : int, optional
        From each; `MOVES_PER_NODE` by default, but not more than `MOST_MOVES`.
    """
    lattice = Lattice.of(graph, core)
    problem = PlacementProblem.of(graph, core, lattice)
    rules = CellRules.of(graph, core, problem, lattice)
    starts = (cells_in_order(_coordinates(problem, search.seed, attempt), rules) for attempt in range(attempts))
    moves = min(MOST_MOVES, MOVES_PER_NODE * graph.nodes) if moves is None else moves
    found = cooled(problem, rules, starts, Effort(attempts, moves), search)
    if found.cell is None or lattice == Lattice.whole(core):
        return found
    cell = lattice.cells(found.cell)
    return replace(found, cell=cell, cost=placement_cost(PlacementProblem.of(graph, core), graph, core, cell))


def placement_cost(problem: PlacementProblem, graph: CouplingGraph, core: CoreSpec, cell: NDArray[np.int32]) -> int:
    """Return what a placement costs, as `Annealing` has it.

    Parameters
    ----------
    problem : PlacementProblem
        Of the model on all cells of the core.
    graph : CouplingGraph
    core : CoreSpec
    cell : int32[N, 2]
    """
    from oscc.compiler.place.anneal_kernel import total_cost

    return int(total_cost(problem.adjacency, CellRules.of(graph, core, problem).costs, cell))


def cooled(
    problem: PlacementProblem,
    rules: CellRules,
    starts: Iterable[NDArray[np.int32] | None],
    effort: Effort,
    search: Search,
) -> Annealing:
    """Return the best placement that annealing from some placements comes to; it ends with the first that fits.

    Parameters
    ----------
    problem : PlacementProblem
    rules : CellRules
    starts : iterable of int32[N, 2] or None
        None when there are too few usable cells, which ends the search.
    effort : Effort
    search : Search
    """
    from oscc.compiler.place.anneal_kernel import CellChoices, Cooling, move_nodes, total_cost

    near = (np.argwhere(problem.near) - problem.near.shape[0] // 2).astype(np.int32)
    # Couplings in both directions count twice: the temperature goes with them.
    adjacency, costs, attempts = problem.adjacency, rules.costs, effort.attempts
    double = (np.count_nonzero(costs.receives) + np.count_nonzero(costs.sends)) / max(1, adjacency.neighbour.size)
    choices = CellChoices(rules.usable, rules.read, near)
    best, best_cost = None, np.iinfo(np.int64).max
    attempt = 0
    try:
        for attempt, start in enumerate(starts, 1):
            if start is None:
                return Annealing(None, 0, attempt, True)
            cell = start
            cost = int(total_cost(adjacency, costs, cell))
            for part in range(SLICES):
                if cost < best_cost:
                    best, best_cost = cell, cost
                if best_cost == 0:
                    return Annealing(best, 0, attempt, True)
                if search.is_over():
                    return Annealing(best, best_cost, attempt, False)
                if search.progress is not None:
                    wrong = _wrong_couplings(problem, rules, cell if best is None else best)
                    search.tell(
                        f"annealing: {wrong} couplings too long so far", (attempt - 1 + part / SLICES) / attempts
                    )
                warm, cool = (double * effort.hot * (COLD / effort.hot) ** (edge / SLICES) for edge in (part, part + 1))
                chance = int(np.random.SeedSequence([search.seed, attempt, part]).generate_state(1)[0])
                cooling = Cooling(effort.moves // SLICES, warm, cool, chance)
                cell, cost = run_kernel(move_nodes, adjacency, costs, choices, cell, cooling)
            if cost < best_cost:
                best, best_cost = cell, cost
            if best_cost == 0:
                break
    except KeyboardInterrupt:
        if best is None:
            raise
        return Annealing(best, int(best_cost), attempt, best_cost == 0)
    return Annealing(best, int(best_cost), attempt, True)


def _wrong_couplings(problem: PlacementProblem, rules: CellRules, cell: NDArray[np.int32]) -> int:
    """Count the couplings outside the stencil, and those that need a dead unit."""
    adjacency = problem.adjacency
    into = adjacency.owner()[rules.receives]
    away = cell[adjacency.neighbour[rules.receives]] - cell[into]
    rows, cols = rules.usable.shape[1:]
    far = rules.excess[away[:, 0] + rows - 1, away[:, 1] + cols - 1] > 0
    near, reach = np.where(far[:, None], 0, away), rules.lost.shape[2] // 2
    dead = rules.lost[cell[into, 0], cell[into, 1], near[:, 0] + reach, near[:, 1] + reach]
    return int(np.count_nonzero(far | dead))


def _coordinates(problem: PlacementProblem, seed: int, attempt: int) -> NDArray[np.float64]:
    found = pivot_coordinates(problem, seed + attempt // len(AXES))
    first, second = AXES[attempt % len(AXES)]
    # Small graphs have fewer axes than that.
    last = found.shape[1] - 1
    return found[:, [min(first, last), min(second, last)]]
