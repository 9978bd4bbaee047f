"""Placer `growth`: from a first node outwards, for graphs that were cut out of a grid.

Two nodes of a grid have the more neighbours in common the nearer they are, and their displacement follows from the
number. So a placement can be grown from one node, the best-known node next, with no way back. It finds one-to-one
placements of grids whose nodes were relabelled, also where a fifth of the nodes or a tenth of the couplings are
missing, but not of grids so small that most nodes are near a border (8 x 8 with 24 couplings). Grids with fewer
couplings than the core has units, such as King's graphs, are grown on stencils of their own. It does not search, and
that it finds nothing says nothing about the graph.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.compiler.kernels import run_kernel
from oscc.compiler.placers.problem import PlacementProblem
from oscc.compiler.stencil import named_stencil

ATTEMPTS = 3000
"""Growths that are tried for each component: most end after a few nodes, so that all take about a second."""

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
    problem: PlacementProblem, *, seed: int = 0, attempts: int = ATTEMPTS, timeout_s: float | None = None
) -> Growth:
    """A cell for every node, such that neighbours are near each other.

    Components are grown one by one, the largest first, and put where there is room, row by row.

    Parameters
    ----------
    problem : PlacementProblem
    seed : int
        Of the first nodes after the first attempt, which begins with a node of the highest degree.
    attempts : int
        For each component, and each stencil that is tried for it.
    timeout_s : float, optional
        Seconds after which no further growth is begun.
    """
    ends = np.inf if timeout_s is None else time.monotonic() + timeout_s
    random = np.random.default_rng(seed)
    occupied = np.zeros(problem.grid, dtype=bool)
    cell = np.full((problem.nodes, 2), -1, dtype=np.int32)
    tried = placed = 0
    for component in _components(problem):
        local, used, reached = _grown(problem, component, random, attempts, ends)
        tried += used
        corner = None if local is None else _room(local, occupied)
        if local is None or corner is None:
            return Growth(None, tried, placed + reached)
        cell[component] = local + corner
        occupied[tuple(cell[component].T)] = True
        placed += len(component)
    return Growth(cell, tried, placed)


def _grown(
    problem: PlacementProblem,
    component: NDArray[np.int64],
    random: np.random.Generator,
    attempts: int,
    ends: float,
) -> tuple[NDArray[np.int32] | None, int, int]:
    """Cells of a component, growths tried, and most nodes placed."""
    if len(component) == 1:
        return np.zeros((1, 2), dtype=np.int32), 0, 1
    sides = (max(problem.grid), min(problem.grid))
    degree = problem.degree()[component]
    most = used = 0
    smaller = [near for near in _smaller_stencils(problem.near) if near.sum() >= degree.max()]
    for near, several in (*((near, min(attempts, FEW_ATTEMPTS)) for near in smaller), (problem.near, attempts)):
        cell, tried, placed = _grown_on(problem, component, near, sides, random, several, ends)
        used, most = used + tried, max(most, placed)
        if cell is not None:
            return _upright(cell[component], problem.grid), used, most
    return None, used, most


def _grown_on(
    problem: PlacementProblem,
    component: NDArray[np.int64],
    near: NDArray[np.bool_],
    sides: tuple[int, int],
    random: np.random.Generator,
    attempts: int,
    ends: float,
) -> tuple[NDArray[np.int32] | None, int, int]:
    """The same on one stencil; cells of all nodes."""
    # Numba takes seconds to import, and only models without positions need it.
    from oscc.compiler.placers.growth_kernel import grow_component

    common = _common_cells(near) / near.sum()
    start = int(component[np.argmax(problem.degree()[component])])
    most = 0
    for attempt in range(attempts):
        if time.monotonic() >= ends:
            return None, attempt, most
        density = DENSITIES[attempt % len(DENSITIES)]
        noise = NOISES[attempt // len(DENSITIES) % len(NOISES)]
        chance = int(random.integers(2**31))
        cell, placed = run_kernel(
            grow_component, problem.first, problem.neighbour, near, common, sides, start, density, noise, chance
        )
        most = max(most, placed)
        if placed == len(component):
            return cell, attempt + 1, most
        start = int(random.choice(component))
    return None, attempts, most


def _smaller_stencils(near: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Named stencils that are part of another, each as wide as itself; the smallest first."""
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


def _upright(cell: NDArray[np.int32], grid: tuple[int, int]) -> NDArray[np.int32]:
    """A placement turned, where it must be, so that its longer side is along that of the grid."""
    height, width = (cell.max(axis=0) + 1).tolist()
    return cell if height <= grid[0] and width <= grid[1] else np.ascontiguousarray(cell[:, ::-1])


def _common_cells(near: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Cells near both of two cells, by their displacement, float64[4 r + 1, 4 r + 1]."""
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
    """Nodes of each connected component, ascending; the largest first, then by their first node."""
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(problem.nodes))
    node = np.repeat(np.arange(problem.nodes), problem.degree())
    graph.add_edges_from(zip(node.tolist(), problem.neighbour.tolist(), strict=True))
    components = [sorted(part) for part in nx.connected_components(graph)]
    return [np.array(part) for part in sorted(components, key=lambda part: (-len(part), part[0]))]


def _room(cell: NDArray[np.int32], occupied: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The first corner, row by row, at which all cells of a component are free; None when there is none."""
    span = np.array(occupied.shape) - cell.max(axis=0)
    if span.min() < 1:
        return None
    free = np.ones(tuple(span), dtype=bool)
    for row, col in cell:
        free &= ~occupied[row : row + span[0], col : col + span[1]]
    corners = np.argwhere(free)
    return corners[0] if len(corners) else None
