"""Witnesses of bounds: L010 to L013, of any placement."""

from __future__ import annotations

from functools import wraps

import numpy as np

from oscc.compiler.feasibility.witnesses.subject import Check, Subject, Witness
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

Cell = tuple[int, int]


def _neighbours(graph: CouplingGraph) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(graph.nodes)]
    for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True):
        if src != dst:
            found[src].add(dst)
            found[dst].add(src)
    return found


def _offsets(core: CoreSpec, view: str = "all") -> set[Cell]:
    """Return displacements at which two cells can be coupled, in either direction; of readable cells in their steps."""
    rows, cols = core.readout.step if view == "read out" else (1, 1)
    offsets = {(row // rows, col // cols) for row, col in core.model_stencil.offsets if not (row % rows or col % cols)}
    return offsets | {(-row, -col) for row, col in offsets}


def _readable(core: CoreSpec) -> set[Cell]:
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    return {(row, col) for row in range(row0, core.rows, drow) for col in range(col0, core.cols, dcol)}


def _cells(core: CoreSpec) -> set[Cell]:
    return {(row, col) for row in range(core.rows) for col in range(core.cols)} - set(core.defects.cells)


def _pixels(graph: CouplingGraph) -> set[int]:
    return set(graph.readout.tolist())


def _is_due(witness: Witness, core: CoreSpec) -> bool:
    """Return whether the cause goes with what was counted: all nodes and cells, or those that are read out."""
    if witness["cause"] == "defects":
        return bool(core.defects.cells or core.defects.slots)
    return bool((witness["cause"] == "stencil") == (witness["view"] == "all"))


def _of_due_cause(check: Check) -> Check:
    """Return a check of a witness that also asks whether its cause is one."""

    @wraps(check)
    def checked(witness: Witness, subject: Subject) -> bool:
        return _is_due(witness, subject.core) and check(witness, subject)

    return checked


def _unit_lives(core: CoreSpec, into: Cell, out_of: Cell) -> bool:
    """Return whether there is a unit for a coupling between two cells, and it works."""
    there = (out_of[0] - into[0], out_of[1] - into[1])
    units, cell = core.unit_stencil.offsets, into
    if there not in core.model_stencil.offsets:
        return False
    if there not in units:
        there, cell = (-there[0], -there[1]), out_of
    return (*cell, units.index(there)) not in core.defects.slots


@_of_due_cause
def degree(witness: Witness, subject: Subject) -> bool:
    """Return whether a node has so many neighbours, and a cell no more near it than claimed."""
    graph, core = subject.graph, subject.core
    node, view = witness["node"], witness["view"]
    around, pixels, cells = _neighbours(graph)[node], _pixels(graph), _cells(core)
    room, start = cells, cells
    if view != "all":
        around, room = around & pixels, cells & _readable(core)
    if view == "read out":
        start = room
        if node not in pixels:
            return False
    offsets = _offsets(core)
    near = max(
        (
            sum(
                (row + drow, col + dcol) in room
                and (
                    _unit_lives(core, (row, col), (row + drow, col + dcol))
                    or _unit_lives(core, (row + drow, col + dcol), (row, col))
                )
                for drow, dcol in offsets
            )
            for row, col in start
        ),
        default=0,
    )
    return (len(around), near) == (witness["neighbours"], witness["near"]) and len(around) > near


@_of_due_cause
def density(witness: Witness, subject: Subject) -> bool:
    """Return whether so many nodes are within some couplings of a node, and no more cells within as many steps."""
    graph, core = subject.graph, subject.core
    neighbours, pixels, view = _neighbours(graph), _pixels(graph), witness["view"]
    if view == "read out":
        neighbours = [others & pixels if node in pixels else set() for node, others in enumerate(neighbours)]
    held = {witness["node"]}
    for _ in range(witness["steps"]):
        held |= {other for node in held for other in neighbours[node]}
    if view != "all":
        held &= pixels
    cells, readable = _cells(core), _readable(core)
    grid, start, room = core.grid, cells, cells if view == "all" else cells & readable
    if view == "read out":
        (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
        grid = (len(range(row0, core.rows, drow)), len(range(col0, core.cols, dcol)))
        start = room = {((row - row0) // drow, (col - col0) // dcol) for row, col in room}
    reached = _reached(_offsets(core, view), grid, witness["steps"])
    most = max((sum((row + down, col + right) in room for down, right in reached) for row, col in start), default=0)
    return (len(held), most) == (witness["nodes"], witness["cells"]) and len(held) > most


def _reached(offsets: set[Cell], grid: Cell, steps: int) -> set[Cell]:
    """Return displacements that steps lead to, no further than the grid is long."""
    rows, cols = grid
    edge = reached = {(0, 0)}
    for _ in range(steps):
        further = {(row + drow, col + dcol) for row, col in edge for drow, dcol in offsets}
        edge = {(row, col) for row, col in further if abs(row) < rows and abs(col) < cols} - reached
        reached = reached | edge
    return reached


@_of_due_cause
def clique(witness: Witness, subject: Subject) -> bool:
    """Return whether nodes are all coupled with each other, and no more cells all near each other than claimed."""
    graph, core = subject.graph, subject.core
    neighbours, nodes = _neighbours(graph), witness["nodes"]
    if len(set(nodes)) != len(nodes) or len(nodes) != witness["cells"] + 1:
        return False
    if any(other not in neighbours[node] for node in nodes for other in nodes if other != node):
        return False
    if witness["view"] == "read out" and not set(nodes) <= _pixels(graph):
        return False
    return bool(_most_near(_offsets(core, witness["view"])) == witness["cells"])


def _most_near(offsets: set[tuple[int, int]]) -> int:
    """Return the most cells that are all near each other, by branch and bound.

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


@_of_due_cause
def line(witness: Witness, subject: Subject) -> bool:
    """Return whether so many couplings must cross a line, which has fewer pairs of near cells on both its sides.

    The eigenvalue is checked by a Cholesky factorisation: L + J - lambda (I - J / N) is positive for none that is
    greater.
    """
    graph, core = subject.graph, subject.core
    neighbours, view = _neighbours(graph), witness["view"]
    chosen, grid = list(range(graph.nodes)), core.grid
    if view == "read out":
        chosen, readable = sorted(_pixels(graph)), _readable(core)
        grid = (len({row for row, _ in readable}), len({col for _, col in readable}))
    number = {node: place for place, node in enumerate(chosen)}
    neighbours = [{number[other] for other in neighbours[node] if other in number} for node in chosen]
    nodes = len(chosen)
    rows, cols = grid if witness["line"] == "columns" else grid[::-1]
    offsets = _offsets(core, view)
    offsets = offsets if witness["line"] == "columns" else {(col, row) for row, col in offsets}
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
