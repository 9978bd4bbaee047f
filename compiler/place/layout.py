"""Coordinates of a graph's nodes in the plane, and cells in their order: where a search begins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.problem import PlacementProblem

PIVOTS = 40
AXES = 6


def pivot_coordinates(problem: PlacementProblem, seed: int = 0) -> NDArray[np.float64]:
    """Compute coordinates in which nodes are about as far from each other as in the graph, float64[N, at most `AXES`].

    Pivot multidimensional scaling (U. Brandes and C. Pich, Eigensolver methods for progressive multidimensional scaling
    of large data, Graph Drawing 2006): distances to a few nodes, each as far as possible from those before, squared and
    doubly centred; the leading singular vectors, the one that tells most first.

    Parameters
    ----------
    problem : PlacementProblem
    seed : int
        Of the first pivot.
    """
    # Numba takes seconds to import, and only models without positions need it.
    from oscc.compiler.place.anneal_kernel import distances_from

    start = int(np.random.default_rng(seed).integers(problem.nodes))
    nearest = np.full(problem.nodes, np.iinfo(np.int32).max)
    distances = []
    for _ in range(min(PIVOTS, problem.nodes)):
        distances.append(distances_from(problem.adjacency, start))
        nearest = np.minimum(nearest, distances[-1])
        start = int(nearest.argmax())
    squares = np.square(np.stack(distances, axis=1).astype(np.float64))
    centred = squares - squares.mean(axis=0) - squares.mean(axis=1, keepdims=True) + squares.mean()
    vectors, values, _ = np.linalg.svd(centred, full_matrices=False)
    # The sign of a singular vector is arbitrary; fixed, the same graph gives the same cells everywhere.
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    found: NDArray[np.float64] = (vectors * signs * values)[:, :AXES]
    return found


def cells_in_order(coordinates: NDArray[np.float64], rules: CellRules) -> NDArray[np.int32] | None:
    """Lay cells in the order of coordinates: strips of nodes by the first one, and in each strip by the second.

    The block of cells is as square as the grid allows, in its middle, and has room for the nodes that are read out on
    its readable cells. Nodes whose cell they may not have are then moved to the nearest one that they may have.

    Parameters
    ----------
    coordinates : float64[N, 2]
    rules : CellRules

    Returns
    -------
    int32[N, 2] or None
        None when there are fewer usable cells than nodes, or fewer readable ones than nodes that are read out.
    """
    nodes = len(coordinates)
    rows, cols = rules.usable.shape[1:]
    if nodes > rules.usable[0].sum() or rules.read.sum() > rules.usable[1].sum():
        return None
    # As many cells as have enough readable ones among them; the nodes are spread over them.
    needed = max(nodes, int(rules.read.sum() * rules.usable[0].sum() // max(1, rules.usable[1].sum())))
    height = min(rows, max(int(np.ceil(np.sqrt(needed))), -(-needed // cols)))
    width = -(-needed // height)
    cell = np.zeros((nodes, 2), dtype=np.int32)
    by_first = np.argsort(coordinates[:, 0], kind="stable")
    for row in range(height):
        strip = by_first[row * width * nodes // needed : (row + 1) * width * nodes // needed]
        strip = strip[np.argsort(coordinates[strip, 1], kind="stable")]
        apart = 1 if needed == nodes else width / max(1, len(strip))
        cell[strip, 0], cell[strip, 1] = row, (np.arange(len(strip)) * apart).astype(np.int32)
    return on_usable_cells(cell + np.array([(rows - height) // 2, (cols - width) // 2], dtype=np.int32), rules)


def on_usable_cells(cell: NDArray[np.int32], rules: CellRules) -> NDArray[np.int32]:
    """Put every node on a cell that it may have: those with the fewest choices get the nearest free one first.

    Parameters
    ----------
    cell : int32[N, 2]
        On the grid, each node on one of its own.
    rules : CellRules
        With enough usable cells, and enough readable ones.

    Returns
    -------
    int32[N, 2]
    """
    cell = cell.copy()
    may = rules.usable[rules.read, cell[:, 0], cell[:, 1]]
    # Nodes that are read out move first, and take the cells of nodes that may go elsewhere.
    at = np.full(rules.usable.shape[1:], -1, dtype=np.int64)
    at[cell[may, 0], cell[may, 1]] = np.flatnonzero(may)
    waiting = [*np.flatnonzero(~may & (rules.read == 1)).tolist(), *np.flatnonzero(~may & (rules.read == 0)).tolist()]
    read = rules.read.astype(bool)
    while waiting:
        node = waiting.pop(0)
        taken_by_reader = (at >= 0) & read[at]
        free = rules.usable[rules.read[node]] & ((at < 0) if not read[node] else ~taken_by_reader)
        choices = np.argwhere(free)
        target = choices[np.square(choices - cell[node]).sum(axis=1).argmin()]
        there = int(at[tuple(target)])
        cell[node], at[tuple(target)] = target, node
        if there >= 0:
            waiting.append(there)
    return cell
