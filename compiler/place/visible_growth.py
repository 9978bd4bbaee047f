"""Growth of a model whose nodes are read out in part: those first, on the lattice of readable cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.cell_rules import CellRules, NodeCells
from oscc.compiler.place.growth import grow
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.problem import PlacementProblem, near_cells
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec


def grow_visible(
    graph: CouplingGraph, core: CoreSpec, problem: PlacementProblem, rules: CellRules, search: Search
) -> NDArray[np.int32] | None:
    """Find cells for all nodes, those that are read out near their neighbours, the others as near as there is room.

    Nodes that are read out, and the couplings between them, are grown as a model of their own in the middle of the
    readable cells. The others, those with the most placed neighbours first, get the free cell that is fewest cells too
    far from these: where annealing is to begin.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    problem : PlacementProblem
        Of the two, on all cells.
    rules : CellRules
        Of the same.
    search : Search

    Returns
    -------
    int32[N, 2] or None
        None when not all nodes that are read out are connected with each other, or they could not be grown.
    """
    lattice = Lattice.readable(core)
    visible = np.flatnonzero(rules.read)
    if visible.size < 2 or visible.size == graph.nodes or lattice.stencil(core.model_stencil) is None:
        return None
    own = PlacementProblem(problem.adjacency.among(visible), near_cells(core, lattice), lattice.grid)
    if not _is_connected(own):
        return None
    readable = lattice.part(rules.usable[1])
    grown = grow(own, NodeCells(np.stack([readable, readable]), np.ones(visible.size, dtype=np.int32)), search).cell
    if grown is None:
        return None
    middle = (np.array(lattice.grid) - np.ptp(grown, axis=0) - 1) // 2 - grown.min(axis=0)
    moved = (grown + middle).astype(np.int32)
    cell = np.full((graph.nodes, 2), -1, dtype=np.int32)
    cell[visible] = lattice.cells(moved if np.all(readable[tuple(moved.T)]) else grown)
    return _completed(cell, problem, rules)


def _is_connected(problem: PlacementProblem) -> bool:
    reached, edge = {0}, [0]
    while edge:
        node = edge.pop()
        further = set(problem.adjacency.near(node).tolist()) - reached
        reached |= further
        edge += sorted(further)
    return len(reached) == problem.nodes


def _completed(cell: NDArray[np.int32], problem: PlacementProblem, rules: CellRules) -> NDArray[np.int32] | None:
    """Give every other node a cell, too, int32[N, 2]; None where nodes are on cells that they may not have."""
    rows, cols = rules.usable.shape[1:]
    free = rules.usable[0].copy()
    there = cell[:, 0] >= 0
    on_its_own = rules.usable[rules.read[there], cell[there, 0], cell[there, 1]]
    if not on_its_own.all() or np.count_nonzero(~there) > np.count_nonzero(free) - np.count_nonzero(there):
        return None
    free[tuple(cell[there].T)] = False
    # Placed neighbours of each node that waits; less than 0 for one that does not.
    placed = np.bincount(problem.adjacency.owner(), there[problem.adjacency.neighbour], problem.nodes)
    known = np.where(there, -1, placed.astype(np.int64))
    while known.max() >= 0:
        node = int(known.argmax())
        around = problem.adjacency.near(node)
        far = np.zeros((rows, cols), dtype=np.int64)
        for row, col in cell[around[there[around]]].tolist():
            # The displacement from every cell of the grid to that of the neighbour.
            far += rules.excess[row : row + rows, col : col + cols][::-1, ::-1]
        choices = np.argwhere(free)
        cell[node] = choices[far[tuple(choices.T)].argmin()]
        free[tuple(cell[node])] = False
        there[node], known[node] = True, -1
        known[around[~there[around]]] += 1
    return cell
