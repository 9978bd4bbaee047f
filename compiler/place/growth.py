"""Placer `growth`: from a first node outwards, for graphs that were cut out of a grid.

Two nodes of a grid have the more neighbours in common the nearer they are, and their displacement follows from the
number. So a placement can be grown from one node, the best-known node next, with no way back. It finds one-to-one
placements of grids whose nodes were relabelled, also where a fifth of the nodes or a tenth of the couplings are
missing, but not of grids so small that most nodes are near a border (8 x 8 with 24 couplings). Grids with fewer
couplings than the core has units, such as King's graphs, are grown on stencils of their own. Nodes that are all read
out are grown on the lattice of readable cells; of a model that has others, too, those that are read out may be grown
there first. It does not search, and that it finds nothing says nothing about the graph.
"""

from __future__ import annotations

from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import run_kernel
from oscc.compiler.place.cell_rules import NodeCells
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.compiler.place.symmetry import ORIENTATIONS, oriented
from oscc.core.stencil import named_stencil

ATTEMPTS = 3000
"""Growths that are tried for each component: most end after a few nodes, so that all take about a second."""

MOST_PLACED = 100_000, 40
"""Nodes that growths place in all, and for each node of the problem, before no further one is begun: seconds."""

DENSITIES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
"""Parts of the expected common neighbours that nodes are taken to have, in turn."""

SMALLER = ("diamond-1", "king", "diamond-2", "box-2", "diamond-3", "diamond-4", "box-3")
"""Stencils that are tried before the core's, where they are part of it and have as many offsets as a node neighbours: a
graph that was cut out of a sparser grid has its numbers of common neighbours from there."""

FEW_ATTEMPTS = 60
"""Growths that are tried on each of them."""

NOISES = (0.0, 0.3, 1.0)
"""Random parts of the costs, in turn: where borders or missing couplings mislead, chance finds the way."""


@dataclass(frozen=True, eq=False)
class Growth:
    """What growing came to.

    Parameters
    ----------
    cell : int32[N, 2] or None
        A cell for every node, or None.
    attempts : int
        Growths that were tried.
    placed : int
        Most nodes that had a cell at a time.
    """

    cell: NDArray[np.int32] | None
    attempts: int
    placed: int


def grow(
    problem: PlacementProblem,
    cells: NodeCells | None = None,
    search: Search = UNLIMITED,
    *,
    attempts: int | None = None,
) -> Growth:
    """Find a cell for every node, such that neighbours are near each other.

    Components are grown one by one, the largest first, and put where there is room, row by row: where they meet no dead
    cell and have their pixels on readable ones, if there is such a place.

    Parameters
    ----------
    problem : PlacementProblem
    cells : NodeCells, optional
        On the grid of the problem. By default every node may have every cell.
    search : Search
        Its seed is that of the first nodes after the first attempt, which begins with a node of the highest degree.
    attempts : int, optional
        For each component, and each stencil that is tried for it; `ATTEMPTS` by default.
    """
    grower = _Grower(problem, search, ATTEMPTS if attempts is None else attempts)
    usable = np.ones((2, *problem.grid), dtype=bool) if cells is None else cells.usable
    read = np.zeros(problem.nodes, dtype=np.int32) if cells is None else cells.read
    free = np.ones(problem.grid, dtype=bool)
    cell = np.full((problem.nodes, 2), -1, dtype=np.int32)
    placed = 0
    for component in _components(problem):
        local = grower.grown(component, placed)
        put = None if local is None else _put(local, read[component], usable, free, problem.near)
        if put is None:
            return Growth(None, grower.tried, placed + grower.reached)
        cell[component] = put
        free[tuple(put.T)] = False
        placed += len(component)
    return Growth(cell, grower.tried, placed)


class _Grower:
    """Growths of components, and what they came to."""

    def __init__(self, problem: PlacementProblem, search: Search, attempts: int) -> None:
        self.problem, self.search, self.attempts = problem, search, attempts
        self.random = np.random.default_rng(search.seed)
        self.tried = self.reached = 0
        self.left = max(MOST_PLACED[0], MOST_PLACED[1] * problem.nodes)

    def grown(self, component: NDArray[np.int64], before: int) -> NDArray[np.int32] | None:
        """Grow a component; return its cells, beginning at (0, 0), int32[n, 2]. ``before`` nodes have one already."""
        self.reached = 1
        if len(component) == 1:
            return np.zeros((1, 2), dtype=np.int32)
        near, degree = self.problem.near, self.problem.adjacency.degree()[component]
        smaller = [part for part in _smaller_stencils(near) if part.sum() >= degree.max()]
        for part, attempts in (*((part, min(self.attempts, FEW_ATTEMPTS)) for part in smaller), (near, self.attempts)):
            cell = self._grown_on(part, component, attempts, before)
            if cell is not None:
                return cell[component]
        return None

    def _grown_on(
        self, near: NDArray[np.bool_], component: NDArray[np.int64], attempts: int, before: int
    ) -> NDArray[np.int32] | None:
        """Grow it on one stencil; return the cells of all nodes."""
        # Numba takes seconds to import, and only models without positions need it.
        from oscc.compiler.place.growth_kernel import OpenPlane, Turn, grow_component

        problem = self.problem
        if not near.any():
            return None
        plane = OpenPlane(near, _common_cells(near) / near.sum(), max(problem.grid), min(problem.grid))
        start = int(component[np.argmax(problem.adjacency.degree()[component])])
        for attempt in range(attempts):
            if self.search.is_over() or self.left <= 0:
                return None
            best = before + self.reached
            self.search.tell(f"growing: {best} of {problem.nodes} nodes placed so far", attempt / attempts)
            density = DENSITIES[attempt % len(DENSITIES)]
            noise = NOISES[attempt // len(DENSITIES) % len(NOISES)]
            chance = int(self.random.integers(2**31))
            cell: NDArray[np.int32]
            turn = Turn(start, density, noise, chance)
            cell, placed = run_kernel(grow_component, problem.adjacency, plane, turn)
            self.tried, self.left = self.tried + 1, self.left - placed
            self.reached = max(self.reached, placed)
            if placed == len(component):
                return cell
            start = int(self.random.choice(component))
        return None


def _smaller_stencils(near: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """List the named stencils that are part of another, each as wide as itself; the smallest first."""
    radius = near.shape[0] // 2
    found = []
    for name in SMALLER:
        part = named_stencil(name).slot_of_displacement >= 0
        margin = radius - part.shape[0] // 2
        if margin < 0 or part.sum() >= near.sum():
            continue
        if np.all(near[margin : near.shape[0] - margin, margin : near.shape[0] - margin] | ~part):
            found.append(part)
    return found


def _common_cells(near: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Count the cells near both of two cells, by their displacement, float64[4 r + 1, 4 r + 1]."""
    reach = near.shape[0] // 2
    wide = np.zeros((6 * reach + 1, 6 * reach + 1))
    wide[2 * reach : 4 * reach + 1, 2 * reach : 4 * reach + 1] = near
    span = 4 * reach + 1
    common = np.zeros((span, span))
    for row, col in np.argwhere(near):
        # Cell `row, col` is near the first; it is near the second where the displacement to it is.
        common += wide[row : row + span, col : col + span]
    return common


def _components(problem: PlacementProblem) -> list[NDArray[np.int64]]:
    """List the nodes of each connected component, ascending; the largest first, then by their first node."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(problem.nodes))
    adjacency = problem.adjacency
    graph.add_edges_from(zip(adjacency.owner().tolist(), adjacency.neighbour.tolist(), strict=True))
    components = [sorted(part) for part in nx.connected_components(graph)]
    return [np.array(part) for part in sorted(components, key=lambda part: (-len(part), part[0]))]


def _put(
    local: NDArray[np.int32],
    read: NDArray[np.int32],
    usable: NDArray[np.bool_],
    free: NDArray[np.bool_],
    near: NDArray[np.bool_],
) -> NDArray[np.int32] | None:
    """Find cells for a component, in the first orientation and at the first corner, row by row, that has room for it.

    Where no place has cells that all of its nodes may have, free ones must do, and what is placed is to be moved.

    Parameters
    ----------
    local : int32[n, 2]
        Cells, beginning at (0, 0).
    read : int32[n]
        1 for nodes that are read out.
    usable : bool[2, R, C]
        Cells that nodes may have, as in `CellRules`.
    free : bool[R, C]
        Cells that no other component has.
    near : bool[2 r + 1, 2 r + 1]
        In which a turned component must be as near as before.
    """
    turned = [
        oriented(local, turns, mirrored)
        for turns, mirrored in ORIENTATIONS
        if np.array_equal(near, np.rot90(near, -turns)[:, :: -1 if mirrored else 1])
    ]
    for allowed in (usable & free, np.stack([free, free])):
        for cells in turned:
            corner = _corner(cells, read, allowed)
            if corner is not None:
                return (cells + corner).astype(np.int32)
    return None


def _corner(cells: NDArray[np.int32], read: NDArray[np.int32], allowed: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Find the first corner, row by row, at which all nodes have cells that they may have; None if there is none."""
    span = np.array(allowed.shape[1:]) - cells.max(axis=0)
    if span.min() < 1:
        return None
    room = np.ones(tuple(span), dtype=bool)
    for kind, (row, col) in zip(read, cells, strict=True):
        room &= allowed[kind, row : row + span[0], col : col + span[1]]
    corners = np.argwhere(room)
    return corners[0] if len(corners) else None
