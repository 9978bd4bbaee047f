"""An independent check of witnesses: plain code that re-computes what a finding claims, and shares none with its maker.

A finding that passes here says what is so of the model and the core; for bounds, together with the argument in
`oscc.compiler.bounds`, that is the proof.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from oscc.compiler.findings import Finding
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.spec import CoreSpec

Witness = dict[str, Any]


def check_witness(finding: Finding, graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> bool | None:
    """Whether the numbers of a finding are so.

    Parameters
    ----------
    finding : Finding
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that the finding is about; findings of codes R need one.

    Returns
    -------
    bool or None
        None for a code that there is no check for, or that needs a placement where there is none.
    """
    witness = finding.witness
    if finding.code in _OF_MODELS:
        return _OF_MODELS[finding.code](witness, graph, core)
    if finding.code in _OF_PLACEMENTS and placed is not None:
        return _OF_PLACEMENTS[finding.code](witness, placed)
    return None


# Of placements


def _cells(placed: PlacedGraph) -> list[tuple[int, int]]:
    return [(row, col) for row, col in placed.cell.tolist()]


def _far_coupling(witness: Witness, placed: PlacedGraph) -> bool:
    cells, edge = _cells(placed), witness["coupling"]
    src, dst = int(placed.graph.src[edge]), int(placed.graph.dst[edge])
    away = (cells[src][0] - cells[dst][0], cells[src][1] - cells[dst][1])
    named = (witness["src"], witness["dst"], tuple(witness["source"]), tuple(witness["destination"]))
    known = (src, dst, cells[src], cells[dst])
    return named == known and tuple(witness["displacement"]) == away and away not in placed.core.model_stencil.offsets


def _crowded_node(witness: Witness, placed: PlacedGraph) -> bool:
    degree = sum(1 for node in placed.graph.dst.tolist() if node == witness["node"])
    slots = len(placed.core.model_stencil.offsets)
    return (degree, slots) == (witness["degree"], witness["slots"]) and degree > slots


def _dead_cell(witness: Witness, placed: PlacedGraph) -> bool:
    cell = _cells(placed)[witness["node"]]
    return cell == tuple(witness["cell"]) and cell in placed.core.defects.cells


def _dead_slot(witness: Witness, placed: PlacedGraph) -> bool:
    cells, core, edge = _cells(placed), placed.core, witness["coupling"]
    row, col = witness["cell"]
    drow, dcol = core.unit_stencil.offsets[witness["slot"]]
    ends = {(row, col), (row + drow, col + dcol)}
    joined = {cells[int(placed.graph.src[edge])], cells[int(placed.graph.dst[edge])]}
    return ends == joined and (row, col, witness["slot"]) in core.defects.slots


def _shared_cell(witness: Witness, placed: PlacedGraph) -> bool:
    cells = _cells(placed)
    found = [node for node, cell in enumerate(cells) if cell == tuple(witness["cell"])]
    return found == witness["nodes"] and len(found) > 1


def _outside(witness: Witness, placed: PlacedGraph) -> bool:
    row, col = _cells(placed)[witness["node"]]
    rows, cols = placed.core.grid
    return [row, col] == witness["cell"] and not (0 <= row < rows and 0 <= col < cols)


def _cut(witness: Witness, placed: PlacedGraph) -> bool:
    """Wires with one end in the rectangle, against the tracks around it."""
    core, cells = placed.core, _cells(placed)
    (top, left), (bottom, right) = witness["cells"]
    rows, cols = core.grid

    def inside(cell: tuple[int, int]) -> bool:
        return bool(top <= cell[0] <= bottom and left <= cell[1] <= right)

    pairs = []
    for src, dst in zip(placed.graph.src.tolist(), placed.graph.dst.tolist(), strict=True):
        ends = (cells[src], cells[dst])
        away = (ends[0][0] - ends[1][0], ends[0][1] - ends[1][1])
        if away in core.model_stencil.offsets:
            pairs.append(tuple(sorted(ends)) if core.couplings == "reciprocal" else ends)
    wires = sum(
        inside(one) != inside(other) for one, other in (set(pairs) if core.couplings == "reciprocal" else pairs)
    )
    height, width = bottom - top + 1, right - left + 1
    sides = [(top > 0, width), (bottom < rows - 1, width), (left > 0, height), (right < cols - 1, height)]
    tracks = core.tracks_per_boundary * sum(length for is_open, length in sides if is_open)
    return bool((wires, tracks) == (witness["wires"], witness["tracks"]) and wires > tracks)


# Of models


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
    # Every cell of the grid is tried: on a border fewer are within reach, so that the most counts.
    most = 0
    reached = {(0, 0)}
    for _ in range(witness["steps"]):
        reached |= {(row + drow, col + dcol) for row, col in reached for drow, dcol in offsets}
    for row in range(rows):
        for col in range(cols):
            most = max(most, sum(0 <= row + down < rows and 0 <= col + right < cols for down, right in reached))
    return (len(held), most) == (witness["nodes"], witness["cells"]) and len(held) > most


def _clique(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    neighbours, nodes = _neighbours(graph), witness["nodes"]
    if len(set(nodes)) != len(nodes) or len(nodes) != witness["cells"] + 1:
        return False
    if any(other not in neighbours[node] for node in nodes for other in nodes if other != node):
        return False
    return bool(_most_near(_offsets(core)) == witness["cells"])


def _most_near(offsets: set[tuple[int, int]]) -> int:
    """The most cells that are all near each other, by going through them in order."""

    def grow(held: list[tuple[int, int]], left: list[tuple[int, int]]) -> int:
        most = len(held)
        for place, cell in enumerate(left):
            if len(held) + len(left) - place <= most:
                break
            kept = [one for one in left[place + 1 :] if (one[0] - cell[0], one[1] - cell[1]) in offsets]
            most = max(most, grow([*held, cell], kept))
        return most

    return grow([(0, 0)], sorted(offsets))


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


def _too_many(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    dead = set(core.defects.cells)
    usable = sum((row, col) not in dead for row in range(core.rows) for col in range(core.cols))
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    readable = sum(
        (row, col) not in dead for row in range(row0, core.rows, drow) for col in range(col0, core.cols, dcol)
    )
    named = (witness["nodes"], witness["pixels"], witness["usable"])
    pixels = len(set(graph.readout.tolist()))
    return named == (graph.nodes, graph.readout.size, usable) and (graph.nodes > usable or pixels > readable)


def _chunks(witness: Witness, graph: CouplingGraph, core: CoreSpec) -> bool:
    return (graph.chunks, core.chunks) == (witness["chunks"], witness["capacity"]) and graph.chunks > core.chunks


_OF_PLACEMENTS: dict[str, Callable[[Witness, PlacedGraph], bool]] = {
    "R001": _far_coupling,
    "R003": _crowded_node,
    "R004": _dead_cell,
    "R005": _dead_slot,
    "R007": _shared_cell,
    "R009": _outside,
    "R010": _cut,
}

_OF_MODELS: dict[str, Callable[[Witness, CouplingGraph, CoreSpec], bool]] = {
    "F003": _chunks,
    "L007": _too_many,
    "L010": _degree,
    "L011": _density,
    "L012": _clique,
    "L013": _line,
}

CHECKED = tuple(sorted((*_OF_PLACEMENTS, *_OF_MODELS)))
"""Codes of findings whose witnesses can be checked."""
