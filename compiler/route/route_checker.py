"""An independent check of finished routes: plain code that follows every wire, and shares none with the router.

Whatever the router and the checks of its own say, a route that passes here does what its couplings ask for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding, Node, Words
from oscc.compiler.findings.of_route_check import (
    CHANGED_TRACK,
    LONE_WIRE,
    OTHER_DEMAND,
    TOO_MANY_WIRES,
    USED_UNIT,
    WIRE_ASTRAY,
    WRONG_CELL,
    WRONG_TRACK,
    WRONG_UNIT,
)
from oscc.compiler.ir.routed import Route, RoutedGraph

Cell = tuple[int, int]
Boundary = tuple[Cell, Cell]

FIX = "route the placement again; if it stays, this is a fault of the router"

MOVES: tuple[Cell, ...] = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""Up, right, down, left: what the numbers of directions mean."""


class _Taken(NamedTuple):
    """The track that a step of a wire takes."""

    wire: int
    way: int
    track: int
    boundary: Boundary


def check_route(placed: RoutedGraph, tracks: NDArray[np.int32] | None = None) -> Iterator[Finding]:
    """Yield everything that is wrong with a finished route (codes K001 to K009); each is a proof.

    K001 a node off the grid, on a dead cell or on another's, K002 a unit that does not join a coupling's cells, K003 a
    unit that is dead or used twice, K004 a coupling without a wire or a wire without a coupling, K005 a wire that
    leaves the grid or ends elsewhere, K006 more wires over a boundary than tracks, K007 a demand that is not what the
    wires add up to, K008 a track that does not exist or is used twice at a boundary, K009 a wire that changes its track
    on a straight part.

    Parameters
    ----------
    placed : RoutedGraph
    tracks : int32[L], optional
        Track of every step of every wire.
    """
    cells = [(int(row), int(col)) for row, col in placed.cell.tolist()]
    yield from _check_cells(placed, cells)
    yield from _check_units(placed, placed.route, cells)
    yield from _check_wires(placed, placed.route, tracks)


def _check_cells(placed: RoutedGraph, cells: list[Cell]) -> Iterator[Finding]:
    dead, seen = set(placed.core.defects.cells), dict[Cell, int]()
    for node, cell in enumerate(cells):
        inside = 0 <= cell[0] < placed.core.rows and 0 <= cell[1] < placed.core.cols
        if not inside or cell in dead or cell in seen:
            what: Words = ("off the grid",) if not inside else ("dead",)
            if inside and cell not in dead:
                what = ("that of node ", Node(seen[cell]), " too")
            yield WRONG_CELL.finding(
                (f"cell {cell} of node ", Node(node), " is ", *what), FIX, {"node": node, "cell": list(cell)}
            )
        seen.setdefault(cell, node)


def _check_units(placed: RoutedGraph, route: Route, cells: list[Cell]) -> Iterator[Finding]:
    core, graph = placed.core, placed.graph
    offsets = core.unit_stencil.offsets
    dead, used = set(core.defects.slots), Counter[tuple[int, int, int, bool]]()
    for edge, (src, dst) in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)):
        row, col = route.unit_cell[edge].tolist()
        slot = int(route.slot[edge])
        far = (row + offsets[slot][0], col + offsets[slot][1]) if 0 <= slot < len(offsets) else None
        forth = ((row, col), far) == (cells[dst], cells[src])
        back = core.couplings == "reciprocal" and ((row, col), far) == (cells[src], cells[dst])
        if not forth and not back:
            yield WRONG_UNIT.finding(
                f"slot {slot} of cell {(row, col)} does not join {cells[dst]} to its source {cells[src]}",
                FIX,
                {"coupling": edge, "cell": [row, col], "slot": slot},
            )
            continue
        use = (row, col, slot, back)
        used[use] += 1
        if (row, col, slot) in dead or used[use] > 1:
            what = "is dead" if (row, col, slot) in dead else "makes another coupling already"
            yield USED_UNIT.finding(
                f"slot {slot} of cell {(row, col)}, for coupling {edge}, {what}",
                FIX,
                {"coupling": edge, "cell": [row, col], "slot": slot},
            )


def _check_wires(placed: RoutedGraph, route: Route, tracks: NDArray[np.int32] | None) -> Iterator[Finding]:
    core, wires = placed.core, route.wires
    yield from _check_ends(placed, route)
    crossings = Counter[Boundary]()
    owners: dict[tuple[Boundary, int], int] = {}
    first = wires.first.tolist()
    for wire, (start, end) in enumerate(zip(wires.start.tolist(), wires.end.tolist(), strict=True)):
        cell: Cell = (start[0], start[1])
        before: tuple[int, int] | None = None
        for step in range(first[wire], first[wire + 1]):
            way = int(wires.direction[step])
            move = MOVES[way] if way < len(MOVES) else (core.rows, core.cols)
            beside = (cell[0] + move[0], cell[1] + move[1])
            if not (0 <= beside[0] < core.rows and 0 <= beside[1] < core.cols):
                yield WIRE_ASTRAY.finding(
                    f"wire {wire} leaves the grid at {cell}", FIX, {"wire": wire, "cell": list(cell)}
                )
                break
            boundary = (min(cell, beside), max(cell, beside))
            crossings[boundary] += 1
            if tracks is not None:
                taken = _Taken(wire, way, int(tracks[step]), boundary)
                yield from _check_track(taken, before, owners, core.tracks_per_boundary)
                before = (way, int(tracks[step]))
            cell = beside
        else:
            if cell != (end[0], end[1]):
                yield WIRE_ASTRAY.finding(
                    f"wire {wire} ends at {cell}, not at {tuple(end)}", FIX, {"wire": wire, "cell": list(cell)}
                )
    for (one, other), count in sorted(crossings.items()):
        if count > core.tracks_per_boundary:
            yield TOO_MANY_WIRES.finding(
                f"{count} wires cross the boundary of {one} and {other}, which has {core.tracks_per_boundary} tracks",
                FIX,
                {"cells": [list(one), list(other)], "wires": count},
            )
    yield from _check_demand(placed, route, crossings)


def _check_ends(placed: RoutedGraph, route: Route) -> Iterator[Finding]:
    """Check that every unit in use has one wire, from its far cell."""
    wires = route.wires
    offsets = placed.core.unit_stencil.offsets
    wanted: Counter[tuple[Cell, Cell]] = Counter()
    units = set()
    for edge, ((row, col), slot) in enumerate(zip(route.unit_cell.tolist(), route.slot.tolist(), strict=True)):
        if 0 <= slot < len(offsets):
            # Both directions of a reciprocal pair share a unit, and so a wire.
            unit = (row, col, slot) if placed.core.couplings == "reciprocal" else (row, col, slot, edge)
            if unit not in units:
                units.add(unit)
                wanted[(row + offsets[slot][0], col + offsets[slot][1]), (row, col)] += 1
    given = Counter(
        ((start[0], start[1]), (end[0], end[1]))
        for start, end in zip(wires.start.tolist(), wires.end.tolist(), strict=True)
    )
    for ends in sorted((wanted - given) | (given - wanted)):
        yield LONE_WIRE.finding(
            f"{wanted[ends]} couplings need a wire from {ends[0]} to {ends[1]}, there are {given[ends]}",
            FIX,
            {"from": list(ends[0]), "to": list(ends[1])},
        )


def _check_track(
    taken: _Taken, before: tuple[int, int] | None, owners: dict[tuple[Boundary, int], int], capacity: int
) -> Iterator[Finding]:
    """Check that a track is there, that it is this wire's alone, and that it changes only at a bend.

    Parameters
    ----------
    taken : _Taken
    before : tuple of (int, int) or None
        Way and track of the step before; None at the first.
    owners : dict
        The wire on each track of each boundary; added to.
    capacity : int
        Tracks of every boundary.
    """
    wire, way, track, boundary = taken
    owner = owners.setdefault((boundary, track), wire)
    if not 0 <= track < capacity or owner != wire:
        what = f"wire {owner} has it" if owner != wire else f"there are {capacity}"
        yield WRONG_TRACK.finding(
            f"wire {wire} takes track {track} of the boundary of {boundary[0]} and {boundary[1]}: {what}",
            FIX,
            {"wire": wire, "track": track, "cells": [list(one) for one in boundary]},
        )
    if before is not None and before[0] == way and before[1] != track:
        yield CHANGED_TRACK.finding(
            f"wire {wire} changes from track {before[1]} to {track} at {boundary[0]} and runs straight on",
            FIX,
            {"wire": wire, "tracks": [before[1], track]},
        )


def _check_demand(placed: RoutedGraph, route: Route, crossings: Counter[Boundary]) -> Iterator[Finding]:
    for demand, (down, right) in ((route.demand_across_columns, (0, 1)), (route.demand_across_rows, (1, 0))):
        for row in range(placed.core.rows - down):
            for col in range(placed.core.cols - right):
                counted, given = crossings[(row, col), (row + down, col + right)], int(demand[row, col])
                if counted != given:
                    yield OTHER_DEMAND.finding(
                        f"{counted} wires cross the boundary of {(row, col)} and {(row + down, col + right)}, the "
                        f"route says {given}",
                        FIX,
                        {"cells": [[row, col], [row + down, col + right]], "wires": counted, "given": given},
                    )
