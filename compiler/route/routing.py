"""Routing: which coupling unit makes each coupling, the ways of wires, and why a placement cannot be routed.

The unit of a coupling follows from the cells of its two nodes, so that what is wrong with units is a proof that the
placement as it stands does not fit. Ways of wires are negotiated: that none were found is no proof, a cut is.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from oscc.base.findings import Finding, Node, listed_nodes
from oscc.compiler.findings.of_routes import (
    CROWDED_NODE,
    DEAD_CELL,
    DEAD_SLOT,
    FAR_COUPLING,
    FULL_BOUNDARY,
    FULL_CUT,
    NODE_OUTSIDE,
    SHARED_CELL,
    SHARED_UNIT,
    UNEVEN_PAIR,
    CouplingEnds,
)
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import Route, RoutedGraph
from oscc.compiler.route.cut_bounds import Cut, overfull_cuts
from oscc.compiler.route.pathfinder import route_wires
from oscc.core.spec import CoreSpec
from oscc.core.stencil import MAX_RADIUS

Cells = NDArray[np.int32]


def coupling_units(source: Cells, destination: Cells, core: CoreSpec) -> tuple[Cells, NDArray[np.int32]]:
    """Return the unit that makes each coupling.

    On a directed core it sits at the destination. On a reciprocal core one unit serves both directions of a pair; it
    sits where the other cell's offset is in half of the stencil (`Stencil.half`).

    Parameters
    ----------
    source, destination : int32[E, 2]
        Cells (row, col) of the two nodes of each coupling.
    core : CoreSpec

    Returns
    -------
    unit_cell : int32[E, 2]
    slot : int32[E]
        -1 where the displacement is not in the stencil.
    """
    offset = source - destination
    if core.couplings == "directed":
        return destination, core.unit_stencil.slots_of(offset[:, 0], offset[:, 1])
    backward = (offset[:, 0] < 0) | ((offset[:, 0] == 0) & (offset[:, 1] < 0))
    unit_cell = np.where(backward[:, None], source, destination)
    offset = np.where(backward[:, None], -offset, offset)
    return unit_cell, core.unit_stencil.slots_of(offset[:, 0], offset[:, 1])


def unit_index(unit_cell: Cells, slot: NDArray[np.int32], core: CoreSpec) -> NDArray[np.int64]:
    """Number the units of a core: cell by cell, row by row, and slot by slot.

    Parameters
    ----------
    unit_cell : int32[n, 2]
        On the grid.
    slot : int32[n]
    core : CoreSpec

    Returns
    -------
    int64[n]
        From 0 to cells x slots - 1.
    """
    index: NDArray[np.int64] = (unit_cell[:, 0].astype(np.int64) * core.cols + unit_cell[:, 1]) * core.slots + slot
    return index


def wire_ends(source: Cells, destination: Cells, core: CoreSpec) -> tuple[Cells, Cells]:
    """Return the wires of couplings: one for each, but one for both directions of a reciprocal pair.

    Parameters
    ----------
    source, destination : int32[E, 2]
        Cells of the two nodes of each coupling, on the grid. Couplings without a unit are left out.
    core : CoreSpec

    Returns
    -------
    start, end : int32[W, 2]
        Where each wire begins, and the cell of the unit that it feeds.
    """
    unit_cell, slot = coupling_units(source, destination, core)
    wired = np.flatnonzero(slot >= 0)
    if core.couplings == "reciprocal":
        _, first = np.unique(unit_index(unit_cell[wired], slot[wired], core), return_index=True)
        wired = wired[first]
    end = unit_cell[wired]
    # Whichever of the two cells does not hold the unit is the far one.
    return source[wired] + destination[wired] - end, end


def trace_route(placed: PlacedGraph) -> Route:
    """Find the units and the wire demand of a placement.

    A coupling that has an end outside the grid or a displacement outside the stencil has no unit and no wire.

    Parameters
    ----------
    placed : PlacedGraph
    """
    graph, core = placed.graph, placed.core
    source, destination = placed.cell[graph.src], placed.cell[graph.dst]
    unit_cell, slot = coupling_units(source, destination, core)
    on_grid = _inside(source, core) & _inside(destination, core)
    slot = np.where(on_grid, slot, -1).astype(np.int32)
    start, end = wire_ends(source[on_grid], destination[on_grid], core)
    found = route_wires(start, end, core.grid, core.tracks_per_boundary)
    return Route(unit_cell, slot, *found.demand, wires=found.routes, rounds=found.rounds)


def routed_graph(placed: PlacedGraph) -> RoutedGraph:
    """Return a placement with its route: the one that it has, or else that of `trace_route`.

    Parameters
    ----------
    placed : PlacedGraph
    """
    return placed if isinstance(placed, RoutedGraph) else RoutedGraph.of(placed, trace_route(placed))


def diagnose_route(routed: RoutedGraph) -> Iterator[Finding]:
    """Yield every reason why a placement cannot be routed (codes R001 to R010); each but R008 is a proof.

    R001 displacement not in the stencil, R002 slot used twice, R003 more couplings into a node than slots, R004 dead
    cell used, R005 dead slot used, R006 a reciprocal pair that is not symmetric, R007 several nodes on one cell, R008
    more wires over a boundary than tracks, R009 node outside the grid, R010 more wires that must leave some cells than
    tracks around them.

    Parameters
    ----------
    routed : RoutedGraph
    """
    yield from _diagnose_displacements(routed)
    yield from _diagnose_slots(routed, routed.route)
    yield from _diagnose_degrees(routed)
    yield from _diagnose_dead_cells(routed)
    yield from _diagnose_dead_slots(routed, routed.route)
    if routed.core.couplings == "reciprocal":
        yield from _diagnose_pairs(routed)
    yield from _diagnose_shared_cells(routed)
    yield from _diagnose_wires(routed.route, routed.core)
    yield from _diagnose_outside(routed)


def stencil_text(core: CoreSpec) -> str:
    """Return the stencil of a core for a message."""
    return core.stencil if isinstance(core.stencil, str) else f"{len(core.stencil)} listed offsets"


def _inside(cell: Cells, core: CoreSpec) -> NDArray[np.bool_]:
    """Return which cells are on the grid, bool[N]."""
    inside: NDArray[np.bool_] = np.all((cell >= 0) & (cell < core.grid), axis=1)
    return inside


def _text(cell: list[int]) -> str:
    return f"({cell[0]}, {cell[1]})"


def _ends(placed: PlacedGraph, edge: int) -> CouplingEnds:
    """Return the witness of a coupling: its number, its nodes and their cells."""
    src, dst = int(placed.graph.src[edge]), int(placed.graph.dst[edge])
    return {
        "coupling": edge,
        "src": src,
        "dst": dst,
        "source": placed.cell[src].tolist(),
        "destination": placed.cell[dst].tolist(),
    }


def _diagnose_displacements(placed: PlacedGraph) -> Iterator[Finding]:
    core = placed.core
    offset = placed.displacement()
    strays = np.flatnonzero(core.model_stencil.slots_of(offset[:, 0], offset[:, 1]) < 0)
    reach = int(np.abs(offset[strays]).max(initial=0))
    larger = f", or use a core with stencil box-{reach}" if 0 < reach <= MAX_RADIUS else ""

    def describe(edge: int) -> Finding:
        ends, displacement = _ends(placed, edge), offset[edge].tolist()
        return FAR_COUPLING.finding(
            f"coupling into {_text(ends['destination'])} from {_text(ends['source'])}: displacement {displacement} is "
            f"not in the stencil ({stencil_text(core)})",
            f"train the model with the stencil of the core{larger}",
            {**ends, "displacement": displacement, "stencil": core.stencil},
        )

    yield from map(describe, strays.tolist())


def _diagnose_slots(placed: PlacedGraph, route: Route) -> Iterator[Finding]:
    core = placed.core
    used = np.flatnonzero(route.slot >= 0)
    # Both directions of a reciprocal pair may use their unit once each.
    backward = np.any(route.unit_cell != placed.cell[placed.graph.dst], axis=1)[used]
    use = 2 * unit_index(route.unit_cell[used], route.slot[used], core) + backward
    units, counts = np.unique(use, return_counts=True)

    def describe(index: int) -> Finding:
        edges = used[use == index].tolist()
        cell, slot = route.unit_cell[edges[0]].tolist(), int(route.slot[edges[0]])
        offset = list(core.unit_stencil.offsets[slot])
        return SHARED_UNIT.finding(
            f"cell {_text(cell)} slot {slot} (offset {offset}) is used by {len(edges)} couplings",
            "give every coupling a slot of its own: one node per cell, one coupling per pair of nodes",
            {"cell": cell, "slot": slot, "offset": offset, "couplings": edges},
        )

    yield from map(describe, units[counts > 1].tolist())


def _diagnose_degrees(placed: PlacedGraph) -> Iterator[Finding]:
    degree, slots = placed.graph.in_degree(), len(placed.core.model_stencil)
    nodes = np.flatnonzero(degree > slots)

    def describe(node: int) -> Finding:
        cell = placed.cell[node].tolist()
        return CROWDED_NODE.finding(
            ("node ", Node(node), f" at {_text(cell)} receives {degree[node]} couplings; a cell has slots for {slots}"),
            f"train the model with at most {slots} couplings into a node",
            {"node": node, "cell": cell, "degree": int(degree[node]), "slots": slots},
        )

    yield from map(describe, nodes.tolist())


def _diagnose_dead_cells(placed: PlacedGraph) -> Iterator[Finding]:
    dead = set(placed.core.defects.cells)
    if not dead:
        return
    nodes = [node for node, (row, col) in enumerate(placed.cell.tolist()) if (row, col) in dead]

    def describe(node: int) -> Finding:
        cell = placed.cell[node].tolist()
        return DEAD_CELL.finding(
            ("node ", Node(node), f" sits on cell {_text(cell)}, which is defective"),
            "place the model beside the defect, train it without this node, or use another core",
            {"node": node, "cell": cell},
        )

    yield from map(describe, nodes)


def _diagnose_dead_slots(placed: PlacedGraph, route: Route) -> Iterator[Finding]:
    core = placed.core
    if not core.defects.slots:
        return
    dead = np.array(core.defects.slots, dtype=np.int32)
    used = np.flatnonzero(route.slot >= 0)
    is_dead = np.isin(
        unit_index(route.unit_cell[used], route.slot[used], core), unit_index(dead[:, :2], dead[:, 2], core)
    )

    def describe(edge: int) -> Finding:
        ends, slot, cell = _ends(placed, edge), int(route.slot[edge]), route.unit_cell[edge].tolist()
        return DEAD_SLOT.finding(
            f"coupling into {_text(ends['destination'])} from {_text(ends['source'])} needs slot {slot} of cell "
            f"{_text(cell)}, which is defective",
            "place the model beside the defect, train it without this coupling, or use another core",
            {**ends, "cell": cell, "slot": slot},
        )

    yield from map(describe, used[is_dead].tolist())


def _diagnose_pairs(placed: PlacedGraph) -> Iterator[Finding]:
    graph = placed.graph
    forth = graph.dst.astype(np.int64) * graph.nodes + graph.src
    back = graph.src.astype(np.int64) * graph.nodes + graph.dst
    order = np.argsort(forth, kind="stable")
    found = np.searchsorted(forth, back, sorter=order)
    partner = order[np.minimum(found, graph.couplings - 1)] if graph.couplings else order
    missing = forth[partner] != back
    unequal = np.any(graph.weight != graph.weight[:, partner], axis=0) & ~missing & (graph.src < graph.dst)

    def describe(edge: int) -> Finding:
        ends = _ends(placed, edge)
        pair = f"coupling into {_text(ends['destination'])} from {_text(ends['source'])}"
        if missing[edge]:
            return UNEVEN_PAIR.finding(
                f"{pair} has no opposite; one unit of this reciprocal core makes both directions",
                "train the model with couplings in both directions, or use a directed core",
                ends,
            )
        there, here = graph.weight[:, edge], graph.weight[:, partner[edge]]
        chunk = int(np.flatnonzero(there != here)[0])
        return UNEVEN_PAIR.finding(
            f"{pair} weighs {there[chunk]!s} in chunk {chunk}, its opposite {here[chunk]!s}; one unit of this "
            f"reciprocal core makes both",
            "train the model with equal weights in both directions, or use a directed core",
            {
                **ends,
                "opposite": int(partner[edge]),
                "chunk": chunk,
                "weights": [float(there[chunk]), float(here[chunk])],
            },
        )

    yield from map(describe, np.flatnonzero(missing | unequal).tolist())


def _diagnose_shared_cells(placed: PlacedGraph) -> Iterator[Finding]:
    cells, counts = np.unique(placed.cell, axis=0, return_counts=True)

    def describe(cell: list[int]) -> Finding:
        nodes = np.flatnonzero(np.all(placed.cell == cell, axis=1)).tolist()
        more = ", ..." if len(nodes) > 4 else ""
        return SHARED_CELL.finding(
            (f"cell {_text(cell)} holds {len(nodes)} nodes: ", *listed_nodes(nodes[:4]), more),
            "give every node a position of its own",
            {"cell": cell, "nodes": nodes},
        )

    yield from map(describe, cells[counts > 1].tolist())


def _diagnose_wires(route: Route, core: CoreSpec) -> Iterator[Finding]:
    capacity = core.tracks_per_boundary
    full = []
    for demand, step in ((route.demand_across_columns, (0, 1)), (route.demand_across_rows, (1, 0))):
        for row, col in np.argwhere(demand > capacity).tolist():
            full.append((int(demand[row, col]), [row, col], [row + step[0], col + step[1]]))
    full.sort(key=lambda boundary: (-boundary[0], *boundary[1:]))

    ways = f"after {route.rounds} rounds of negotiation" if route.rounds else "where all run straight"

    def describe(boundary: tuple[int, list[int], list[int]]) -> Finding:
        demand, one, other = boundary
        return FULL_BOUNDARY.finding(
            f"{demand} wires cross the boundary of cells {_text(one)} and {_text(other)}, {ways}; it has {capacity} "
            "tracks",
            f"use a core with tracks_per_boundary: {full[0][0]}, or train the model with fewer couplings there",
            {"cells": [one, other], "demand": demand, "capacity": capacity, "rounds": route.rounds},
        )

    if full:
        cuts = overfull_cuts(route.wires.start, route.wires.end, core.grid, capacity)
        yield from map(
            _describe_cut, sorted(cuts, key=lambda cut: (cut.tracks - cut.wires, cut.cells, cut.top, cut.left))[:1]
        )
    yield from map(describe, full)


def _describe_cut(cut: Cut) -> Finding:
    first, last = [cut.top, cut.left], [cut.bottom, cut.right]
    return FULL_CUT.finding(
        f"{cut.wires} wires must cross the boundary of cells {_text(first)} to {_text(last)}, whatever ways they take; "
        f"it has {cut.tracks} tracks",
        "use a core with more tracks_per_boundary, or train the model with fewer couplings there",
        {"cells": [first, last], "wires": cut.wires, "tracks": cut.tracks},
    )


def _diagnose_outside(placed: PlacedGraph) -> Iterator[Finding]:
    core = placed.core
    nodes = np.flatnonzero(~_inside(placed.cell, core))

    def describe(node: int) -> Finding:
        cell = placed.cell[node].tolist()
        return NODE_OUTSIDE.finding(
            ("node ", Node(node), f" at {_text(cell)} lies outside the {core.rows} x {core.cols} grid"),
            "use a core with a larger grid, or give every node a position within it",
            {"node": node, "cell": cell, "grid": list(core.grid)},
        )

    yield from map(describe, nodes.tolist())
