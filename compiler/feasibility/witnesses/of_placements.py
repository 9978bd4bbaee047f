"""Witnesses of a placement, R001 to R010 and F001, and how many findings of a kind a placement has."""

from __future__ import annotations

from collections import Counter

from oscc.compiler.feasibility.witnesses.subject import Subject, Witness
from oscc.compiler.ir.placed import PlacedGraph


def _cells(placed: PlacedGraph) -> list[tuple[int, int]]:
    return [(row, col) for row, col in placed.cell.tolist()]


def far_coupling(witness: Witness, subject: Subject) -> bool:
    """Return whether a coupling joins these cells, at a displacement that is not in the stencil."""
    placed = subject.placement
    cells, edge = _cells(placed), witness["coupling"]
    src, dst = int(placed.graph.src[edge]), int(placed.graph.dst[edge])
    away = (cells[src][0] - cells[dst][0], cells[src][1] - cells[dst][1])
    named = (witness["src"], witness["dst"], tuple(witness["source"]), tuple(witness["destination"]))
    known = (src, dst, cells[src], cells[dst])
    return named == known and tuple(witness["displacement"]) == away and away not in placed.core.model_stencil.offsets


def crowded_node(witness: Witness, subject: Subject) -> bool:
    """Return whether so many couplings lead into a node, and a cell has fewer slots."""
    placed = subject.placement
    degree = sum(1 for node in placed.graph.dst.tolist() if node == witness["node"])
    slots = len(placed.core.model_stencil.offsets)
    return (degree, slots) == (witness["degree"], witness["slots"]) and degree > slots


def dead_cell(witness: Witness, subject: Subject) -> bool:
    """Return whether a node is on a cell that is dead."""
    placed = subject.placement
    cell = _cells(placed)[witness["node"]]
    return cell == tuple(witness["cell"]) and cell in placed.core.defects.cells


def dead_slot(witness: Witness, subject: Subject) -> bool:
    """Return whether a coupling joins the cells of a unit that is dead."""
    placed = subject.placement
    cells, core, edge = _cells(placed), placed.core, witness["coupling"]
    row, col = witness["cell"]
    drow, dcol = core.unit_stencil.offsets[witness["slot"]]
    ends = {(row, col), (row + drow, col + dcol)}
    joined = {cells[int(placed.graph.src[edge])], cells[int(placed.graph.dst[edge])]}
    return ends == joined and (row, col, witness["slot"]) in core.defects.slots


def shared_cell(witness: Witness, subject: Subject) -> bool:
    """Return whether just these nodes, several, are on a cell."""
    placed = subject.placement
    cells = _cells(placed)
    found = [node for node, cell in enumerate(cells) if cell == tuple(witness["cell"])]
    return found == witness["nodes"] and len(found) > 1


def outside(witness: Witness, subject: Subject) -> bool:
    """Return whether a node is on a cell that is not on the grid."""
    placed = subject.placement
    row, col = _cells(placed)[witness["node"]]
    rows, cols = placed.core.grid
    return [row, col] == witness["cell"] and not (0 <= row < rows and 0 <= col < cols)


def cut(witness: Witness, subject: Subject) -> bool:
    """Return whether so many wires have one end in a rectangle, and fewer tracks are around it."""
    placed = subject.placement
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


def slot_twice(witness: Witness, subject: Subject) -> bool:
    """Return whether couplings of the same direction are between the cells that a unit joins."""
    placed = subject.placement
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


def no_pair(witness: Witness, subject: Subject) -> bool:
    """Return whether a coupling lacks its opposite, or weighs otherwise than that."""
    placed = subject.placement
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


def unreadable(witness: Witness, subject: Subject) -> bool:
    """Return whether a pixel is on a cell that cannot be read."""
    placed = subject.placement
    node = int(placed.graph.readout[witness["pixel"]])
    row, col = _cells(placed)[node]
    (row0, col0), (drow, dcol) = placed.core.readout.origin, placed.core.readout.step
    readable = row in range(row0, placed.core.rows, drow) and col in range(col0, placed.core.cols, dcol)
    return (node, [row, col]) == (witness["node"], witness["cell"]) and not readable


def _joined(placed: PlacedGraph) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return source and destination of each coupling."""
    cells = _cells(placed)
    ends = zip(placed.graph.src.tolist(), placed.graph.dst.tolist(), strict=True)
    return [(cells[src], cells[dst]) for src, dst in ends]


def _wired(placed: PlacedGraph) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return those that have a unit: both ends on the grid, at an offset of the stencil."""
    rows, cols = placed.core.grid
    offsets = set(placed.core.model_stencil.offsets)
    return [
        (source, destination)
        for source, destination in _joined(placed)
        if all(0 <= row < rows and 0 <= col < cols for row, col in (source, destination))
        and (source[0] - destination[0], source[1] - destination[1]) in offsets
    ]


def count_far(placed: PlacedGraph) -> int:
    """Return how many couplings are outside the stencil."""
    offsets = set(placed.core.model_stencil.offsets)
    return sum((one[0] - other[0], one[1] - other[1]) not in offsets for one, other in _joined(placed))


def count_crowded(placed: PlacedGraph) -> int:
    """Return how many nodes receive more couplings than a cell has slots."""
    degree = Counter(placed.graph.dst.tolist())
    return sum(count > len(placed.core.model_stencil.offsets) for count in degree.values())


def count_dead_slots(placed: PlacedGraph) -> int:
    """Return how many couplings need a dead unit: at the destination or, where it serves both, at the first cell."""
    core = placed.core
    dead = {(row, col, *core.unit_stencil.offsets[slot]) for row, col, slot in core.defects.slots}

    def unit(source: tuple[int, int], destination: tuple[int, int]) -> tuple[int, int, int, int]:
        near, far = sorted((source, destination)) if core.couplings == "reciprocal" else (destination, source)
        return (*near, far[0] - near[0], far[1] - near[1])

    return sum(unit(source, destination) in dead for source, destination in _wired(placed))


def count_pairs(placed: PlacedGraph) -> int:
    """Return how many couplings of a reciprocal core lack their opposite, or weigh otherwise."""
    if placed.core.couplings != "reciprocal":
        return 0
    graph = placed.graph
    weights: dict[tuple[int, int], list[float]] = {
        ends: graph.weight[:, edge].tolist()
        for edge, ends in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    }
    alone = sum((dst, src) not in weights for src, dst in weights)
    unequal = sum(
        src < dst and (dst, src) in weights and weights[dst, src] != found for (src, dst), found in weights.items()
    )
    return alone + unequal


def count_outside(placed: PlacedGraph) -> int:
    """Return how many nodes are not on the grid."""
    rows, cols = placed.core.grid
    return sum(not (0 <= row < rows and 0 <= col < cols) for row, col in _cells(placed))


def count_unreadable(placed: PlacedGraph) -> int:
    """Return how many pixels are on cells that cannot be read."""
    (row0, col0), (drow, dcol) = placed.core.readout.origin, placed.core.readout.step
    cells = _cells(placed)
    pixels = [cells[node] for node in placed.graph.readout.tolist()]
    return sum(row < row0 or col < col0 or (row - row0) % drow > 0 or (col - col0) % dcol > 0 for row, col in pixels)


def count_slots_twice(placed: PlacedGraph) -> int:
    """Return how many units several couplings need in one direction."""
    return sum(count > 1 for count in Counter(_wired(placed)).values())


def count_dead_cells(placed: PlacedGraph) -> int:
    """Return how many nodes are on dead cells."""
    return sum(cell in set(placed.core.defects.cells) for cell in _cells(placed))


def count_shared_cells(placed: PlacedGraph) -> int:
    """Return how many cells have several nodes."""
    return sum(count > 1 for count in Counter(_cells(placed)).values())
