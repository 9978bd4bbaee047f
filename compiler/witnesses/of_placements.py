"""Witnesses of a placement: R001 to R010 and F001."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from oscc.compiler.placed import PlacedGraph

Witness = dict[str, Any]


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
        on_grid = all(0 <= row < rows and 0 <= col < cols for row, col in ends)
        if on_grid and away in core.model_stencil.offsets:
            pairs.append(tuple(sorted(ends)) if core.couplings == "reciprocal" else ends)
    wires = sum(
        inside(one) != inside(other) for one, other in (set(pairs) if core.couplings == "reciprocal" else pairs)
    )
    height, width = bottom - top + 1, right - left + 1
    sides = [(top > 0, width), (bottom < rows - 1, width), (left > 0, height), (right < cols - 1, height)]
    tracks = core.tracks_per_boundary * sum(length for is_open, length in sides if is_open)
    return bool((wires, tracks) == (witness["wires"], witness["tracks"]) and wires > tracks)


def _slot_twice(witness: Witness, placed: PlacedGraph) -> bool:
    """Couplings of the same direction between the cells that a unit joins."""
    cells, core = _cells(placed), placed.core
    row, col = witness["cell"]
    drow, dcol = witness["offset"]
    if core.unit_stencil.offsets[witness["slot"]] != (drow, dcol):
        return False
    ways = Counter(
        (cells[int(placed.graph.src[edge])], cells[int(placed.graph.dst[edge])]) for edge in set(witness["couplings"])
    )
    into, out = ((row + drow, col + dcol), (row, col)), ((row, col), (row + drow, col + dcol))
    joined = {into, out} if core.couplings == "reciprocal" else {into}
    return set(ways) <= joined and len(ways) == 1 and max(ways.values()) == len(witness["couplings"]) > 1


def _no_pair(witness: Witness, placed: PlacedGraph) -> bool:
    graph, edge = placed.graph, witness["coupling"]
    src, dst = int(graph.src[edge]), int(graph.dst[edge])
    back = [
        other
        for other, ends in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
        if ends == (dst, src)
    ]
    if placed.core.couplings != "reciprocal" or (src, dst) != (witness["src"], witness["dst"]):
        return False
    if "opposite" not in witness:
        return not back
    weights = [float(graph.weight[witness["chunk"], each]) for each in (edge, witness["opposite"])]
    return witness["opposite"] in back and weights == witness["weights"] and weights[0] != weights[1]


def _unreadable(witness: Witness, placed: PlacedGraph) -> bool:
    node = int(placed.graph.readout[witness["pixel"]])
    row, col = _cells(placed)[node]
    (row0, col0), (drow, dcol) = placed.core.readout.origin, placed.core.readout.step
    readable = row in range(row0, placed.core.rows, drow) and col in range(col0, placed.core.cols, dcol)
    return (node, [row, col]) == (witness["node"], witness["cell"]) and not readable


CHECKS: dict[str, Callable[[Witness, PlacedGraph], bool]] = {
    "F001": _unreadable,
    "R001": _far_coupling,
    "R002": _slot_twice,
    "R003": _crowded_node,
    "R004": _dead_cell,
    "R005": _dead_slot,
    "R006": _no_pair,
    "R007": _shared_cell,
    "R009": _outside,
    "R010": _cut,
}
"""By code of the finding."""
