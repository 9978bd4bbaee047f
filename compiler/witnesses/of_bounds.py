"""Witnesses of bounds: L010 to L013, of any placement."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

import numpy as np

from oscc.compiler.graph import CouplingGraph
from oscc.compiler.spec import CoreSpec
from oscc.compiler.witnesses.of_placements import Witness


def _neighbours(graph: CouplingGraph) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(graph.nodes)]
    for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        if src != dst:
            found[src].add(dst)
            found[dst].add(src)
    return found


def _offsets(core: CoreSpec) -> set[tuple[int, int]]:
    """Displacements at which two cells can be coupled in one direction at least."""
    offsets = set(core.model_stencil.offsets)
    return offsets | {(-row, -col) for row, col in offsets}


def _degree(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    neighbours, near = len(_neighbours(graph)[witness["node"]]), len(_offsets(core))
    return (neighbours, near) == (witness["neighbours"], witness["near"]) and neighbours > near


def _density(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    neighbours, offsets = _neighbours(graph), _offsets(core)
    held = {witness["node"]}
    for _ in range(witness["steps"]):
        held |= {other for node in held for other in neighbours[node]}
    rows, cols = core.grid
    edge = reached = {(0, 0)}
    for _ in range(witness["steps"]):
        further = {(row + drow, col + dcol) for row, col in edge for drow, dcol in offsets}
        # Two cells of the grid are never further apart than it is long.
        edge = {(row, col) for row, col in further if abs(row) < rows and abs(col) < cols} - reached
        reached = reached | edge
    lines: dict[int, list[int]] = {}
    for down, right in sorted(reached):
        lines.setdefault(down, []).append(right)
    # Every cell of the grid is tried: on a border fewer are within reach, so that the most counts.
    most = max(
        sum(
            bisect_left(line, cols - col) - bisect_left(line, -col)
            for down, line in lines.items()
            if 0 <= row + down < rows
        )
        for row in range(rows)
        for col in range(cols)
    )
    return (len(held), most) == (witness["nodes"], witness["cells"]) and len(held) > most


def _clique(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    neighbours, nodes = _neighbours(graph), witness["nodes"]
    if len(set(nodes)) != len(nodes) or len(nodes) != witness["cells"] + 1:
        return False
    if any(other not in neighbours[node] for node in nodes for other in nodes if other != node):
        return False
    return bool(_most_near(_offsets(core)) == witness["cells"])


def _most_near(offsets: set[tuple[int, int]]) -> int:
    """The most cells that are all near each other, by branch and bound.

    Cells of a group that no two are near each other of give one at most, so that groups bound what is still to come.
    """

    def near(one: tuple[int, int], other: tuple[int, int]) -> bool:
        return (one[0] - other[0], one[1] - other[1]) in offsets

    def groups(cells: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
        found: list[list[tuple[int, int]]] = []
        for cell in cells:
            home = next((group for group in found if not any(near(cell, one) for one in group)), None)
            if home is None:
                found.append([cell])
            else:
                home.append(cell)
        return found

    def grow(held: int, left: list[tuple[int, int]], best: int) -> int:
        best = max(best, held)
        apart = groups(left)
        order = [(cell, bound) for bound, group in enumerate(apart, 1) for cell in group]
        for place in range(len(order) - 1, -1, -1):
            cell, bound = order[place]
            if held + bound <= best:
                break
            best = grow(held + 1, [one for one, _ in order[:place] if near(one, cell)], best)
        return best

    return grow(1, sorted(offsets), 1)


def _line(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    """The eigenvalue by a Cholesky factorisation: L + J - lambda (I - J / N) is positive for none that is greater."""
    neighbours, nodes = _neighbours(graph), graph.nodes
    rows, cols = core.grid if witness["line"] == "columns" else core.grid[::-1]
    offsets = _offsets(core) if witness["line"] == "columns" else {(col, row) for row, col in _offsets(core)}
    matrix = np.zeros((nodes, nodes))
    for node, others in enumerate(neighbours):
        matrix[node, node] = len(others)
        matrix[node, sorted(others)] = -1.0
    least = float(witness["eigenvalue"])
    # In the direction of (1, ..., 1), where the Laplacian is zero, J alone makes it positive.
    matrix += 1.0 - least * (np.eye(nodes) - 1.0 / nodes)
    try:
        np.linalg.cholesky(matrix)
    except np.linalg.LinAlgError:
        return False
    needed = least * (nodes**2 - rows**2) / (4 * nodes)
    pairs = 0
    for drow, dcol in offsets:
        if dcol > 0:
            pairs += sum(0 <= row + drow < rows for row in range(rows)) * dcol
    return bool(
        cols >= 2 and nodes > rows and needed > pairs == witness["pairs"] and witness["couplings"] <= needed + 1
    )


CHECKS: dict[str, Callable[[Witness, CouplingGraph, CoreSpec], bool]] = {
    "L010": _degree,
    "L011": _density,
    "L012": _clique,
    "L013": _line,
}
"""By code of the finding."""
