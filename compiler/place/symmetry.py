"""Placer `symmetry`: where a model was trained, shifted, mirrored and rotated, also around defects.

Where only the read-out is in the way of all that, the rows and columns of the model are drawn apart as those of the
readable cells are: a grid whose nodes are all read out then has its place on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding
from oscc.compiler.findings.of_placers import NO_SYMMETRIC_PLACEMENT
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route, RoutedGraph
from oscc.compiler.ir.wire_routes import WireRoutes
from oscc.compiler.route.pathfinder import route_wires
from oscc.compiler.route.routing import coupling_units, routed_graph, wire_ends
from oscc.core.spec import CoreSpec

ORIENTATIONS = tuple((turns, mirrored) for turns in range(4) for mirrored in (False, True))
"""Quarter turns clockwise, and whether columns are mirrored afterwards, in the order in which they are tried."""

Cells = NDArray[np.int32]


@dataclass
class SymmetrySearch:
    """What a search has tried so far: placements, and by which condition each was refused first."""

    box: tuple[int, int]
    grid: tuple[int, int]
    placements: int
    refused: dict[str, int]
    spread: tuple[int, int] = (1, 1)

    def as_finding(self) -> Finding:
        """Return L002: what was searched, and by which condition how many placements were refused."""
        reasons = "; ".join(f"{count} fail by {reason}" for reason, count in self.refused.items() if count)
        box, grid = (" x ".join(map(str, size)) for size in (self.box, self.grid))
        drawn = (
            "" if self.spread == (1, 1) else f"; nor with rows and columns {' and '.join(map(str, self.spread))} apart"
        )
        return NO_SYMMETRIC_PLACEMENT.finding(
            f"no placement found among {self.placements} (8 rotations and mirrors, every shift on the grid): {reasons}"
            f"{drawn}"
            if self.placements
            else f"no placement found: the model needs {box} cells, the grid has {grid}",
            "see the other findings, which are those of the placement as trained",
            {
                "box": list(self.box),
                "grid": list(self.grid),
                "orientations": len(ORIENTATIONS),
                "placements": self.placements,
                "refused": self.refused,
                "spread": list(self.spread),
            },
        )


def search_symmetric(identity: PlacedGraph) -> tuple[RoutedGraph | None, SymmetrySearch]:
    """Return the first placement that fits, and what was tried.

    All eight rotations and mirrors of the model's bounding box are tried in the order of `ORIENTATIONS`, each at every
    place where it lies on the grid; of these, the one nearest to where the model is comes first (the sum of the
    absolute row and column shift, then the smaller row shift, then the smaller column shift). Where the read-out
    refuses some and none fits, all of it is tried once more with rows and columns drawn apart by the steps of the
    read-out.

    Parameters
    ----------
    identity : PlacedGraph
        The model where it is.

    Returns
    -------
    routed : RoutedGraph or None
    searched : SymmetrySearch
        Of the model as it is; whether it was drawn apart, too.
    """
    found, searched = _search(identity, (1, 1))
    step = identity.core.readout.step
    if found is not None or step == (1, 1) or not searched.refused["read-out"]:
        return found, searched
    searched.spread = step
    return _search(identity, step)[0], searched


def _search(identity: PlacedGraph, spread: tuple[int, int]) -> tuple[RoutedGraph | None, SymmetrySearch]:
    """Return the first placement that fits, with rows and columns so far apart, and what was tried."""
    graph, core = identity.graph, identity.core
    corner = identity.cell.min(axis=0)
    rows, cols = (identity.cell.max(axis=0) - corner + 1).tolist()
    conditions = ("stencil", "read-out", "dead cells", "dead slots", "wires")
    searched = SymmetrySearch((rows, cols), core.grid, 0, dict.fromkeys(conditions, 0))
    for turns, mirrored in ORIENTATIONS:
        local = oriented(identity.cell - corner, turns, mirrored) * np.array(spread, dtype=np.int32)
        size = local.max(axis=0) + 1
        span = np.array(core.grid) - size + 1
        if span.min() < 1:
            continue
        fits = np.ones(tuple(span), dtype=bool)
        searched.placements += fits.size
        for condition, refused in _refusals(local, size, span, graph, core):
            searched.refused[condition] += int(np.count_nonzero(fits & refused))
            fits &= ~refused
            if not fits.any():
                break
        else:
            shift = _nearest(np.argwhere(fits) - corner)
            cell = (local + corner + shift).astype(np.int32)
            placed = PlacedGraph(graph, core, cell, _name(identity.transform, turns, mirrored, spread, shift))
            routed = _with_wires(placed, local, (int(size[0]), int(size[1])), corner + shift)
            if routed is not None:
                return routed, searched
            searched.refused["wires"] += int(np.count_nonzero(fits))
    return None, searched


def _with_wires(
    placed: PlacedGraph, local: Cells, box: tuple[int, int], origin: NDArray[np.int64]
) -> RoutedGraph | None:
    """Return a placement with its wires; None where they find no ways.

    Ways within the bounding box do for every place of it. Where wires cannot all run straight, there is more room on
    the grid around it.

    Parameters
    ----------
    placed : PlacedGraph
    local : int32[N, 2]
        Its cells within the bounding box.
    box : tuple of (int, int)
    origin : int64[2]
        Where the box begins.
    """
    core, graph = placed.core, placed.graph
    inside = route_wires(*wire_ends(local[graph.src], local[graph.dst], core), box, core.tracks_per_boundary)
    if box != core.grid and (inside.rounds or inside.excess):
        routed = routed_graph(placed)
        if routed.route.peak() <= core.tracks_per_boundary:
            return routed
    if inside.excess:
        return None
    found = inside.routes
    start, end = ((cells + origin).astype(np.int32) for cells in (found.start, found.end))
    routes = WireRoutes(start, end, found.first, found.direction)
    unit_cell, slot = coupling_units(placed.cell[graph.src], placed.cell[graph.dst], core)
    return RoutedGraph.of(placed, Route(unit_cell, slot, *routes.demand(core.grid), routes, inside.rounds))


def oriented(local: Cells, turns: int, mirrored: bool) -> Cells:
    """Rotate and mirror cells within a bounding box that begins at (0, 0); so does the one of the result."""
    for _ in range(turns):
        local = np.stack([local[:, 1], local[:, 0].max() - local[:, 0]], axis=1)
    if mirrored:
        local = np.stack([local[:, 0], local[:, 1].max() - local[:, 1]], axis=1)
    return local


def _nearest(shifts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the shift that moves the model least; int64[n, 2] in (row, column) order, which settles ties."""
    nearest: NDArray[np.int64] = shifts[np.argmin(np.abs(shifts).sum(axis=1))]
    return nearest


def _name(base: str, turns: int, mirrored: bool, spread: tuple[int, int], shift: NDArray[np.int64]) -> str:
    parts = [base] if base != "identity" else []
    parts += [f"rotate-{90 * turns}"] if turns else []
    parts += ["mirror"] if mirrored else []
    parts += [f"spread{spread}"] if spread != (1, 1) else []
    parts += [f"shift({shift[0]}, {shift[1]})"] if shift.any() else []
    return " ".join(parts) or "identity"


def _refusals(
    local: Cells, size: NDArray[np.int64], span: NDArray[np.int64], graph: CouplingGraph, core: CoreSpec
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield which places of the bounding box each condition refuses, bool[span] or a scalar for all of them.

    The stencil does not depend on the place. Wires are another condition, which takes longer than all of these.
    """
    source, destination = local[graph.src], local[graph.dst]
    unit_cell, slot = coupling_units(source, destination, core)
    yield "stencil", np.array(np.any(slot < 0))
    yield "read-out", ~_readable(local[graph.readout], span, core)
    occupied = np.zeros((*size, 1), dtype=bool)
    occupied[local[:, 0], local[:, 1]] = True
    yield "dead cells", _hits(occupied, [(row, col, 0) for row, col in core.defects.cells], span)
    if core.defects.slots:
        used = np.zeros((*size, core.slots), dtype=bool)
        used[unit_cell[:, 0], unit_cell[:, 1], slot] = True
        yield "dead slots", _hits(used, core.defects.slots, span)


def _readable(pixels: Cells, span: NDArray[np.int64], core: CoreSpec) -> NDArray[np.bool_]:
    """Find the places at which every pixel is on a readable cell, bool[span]."""
    along = []
    for axis in range(2):
        line = np.unique(pixels[:, axis]) + np.arange(span[axis])[:, None] - core.readout.origin[axis]
        along.append(np.all((line >= 0) & (line % core.readout.step[axis] == 0), axis=1))
    both: NDArray[np.bool_] = along[0][:, None] & along[1]
    return both


def _hits(
    used: NDArray[np.bool_], defects: Sequence[tuple[int, int, int]], span: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Find the places at which a used unit meets a defect, bool[span].

    Parameters
    ----------
    used : bool[box rows, box cols, units]
    defects : sequence of (row, col, unit)
    span : int64[2]
    """
    hits = np.zeros(tuple(span), dtype=bool)
    for row, col, unit in defects:
        # The defect at (row, col) meets the unit at (row - place, col - place) of the box.
        first = np.maximum(0, (row - used.shape[0] + 1, col - used.shape[1] + 1))
        last = np.minimum(span - 1, (row, col))
        if np.any(first > last):
            continue
        rows = row - np.arange(first[0], last[0] + 1)
        cols = col - np.arange(first[1], last[1] + 1)
        hits[first[0] : last[0] + 1, first[1] : last[1] + 1] |= used[rows[:, None], cols, unit]
    return hits
