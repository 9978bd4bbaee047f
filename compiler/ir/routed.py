"""`RoutedGraph`: a unit for every coupling of a placed model, and a way for every wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.findings import Finding, raise_first
from oscc.compiler.findings.of_levels import UNIT_ASTRAY, WRONG_DEMAND
from oscc.compiler.ir.placed import PlacedGraph, diagnose_placed, diagnose_shapes
from oscc.compiler.ir.wire_routes import WireRoutes


@dataclass(frozen=True, eq=False)
class Route:
    """Where each coupling's unit sits and what its wires need. Arrays are read-only.

    Parameters
    ----------
    unit_cell : int32[E, 2]
        (row, col) of the cell whose unit makes the coupling: the destination, or, for one direction of a reciprocal
        pair, the partner that holds the shared unit.
    slot : int32[E]
        Slot of that unit; -1 where the displacement is not in the stencil.
    demand_across_columns : int32[rows, cols - 1]
        Wires over the boundary between (r, c) and (r, c + 1).
    demand_across_rows : int32[rows - 1, cols]
        Wires over the boundary between (r, c) and (r + 1, c).
    wires : WireRoutes
        Their ways.
    rounds : int
        Rounds of negotiation that the ways needed; 0 where all wires run straight.
    """

    unit_cell: NDArray[np.int32]
    slot: NDArray[np.int32]
    demand_across_columns: NDArray[np.int32]
    demand_across_rows: NDArray[np.int32]
    wires: WireRoutes
    rounds: int

    def __post_init__(self) -> None:
        freeze(self)

    def peak(self) -> int:
        """Return the most wires over one boundary."""
        return max(int(demand.max(initial=0)) for demand in (self.demand_across_columns, self.demand_across_rows))


@dataclass(frozen=True, eq=False)
class RoutedGraph(PlacedGraph):
    """A placed model with the units and wires that its couplings need. Arrays are read-only.

    Parameters
    ----------
    graph, core, cell, transform
        As of `PlacedGraph`.
    route : Route
    """

    route: Route

    @classmethod
    def of(cls, placed: PlacedGraph, route: Route) -> RoutedGraph:
        """Return a placed model with a route.

        Parameters
        ----------
        placed : PlacedGraph
        route : Route
        """
        return cls(placed.graph, placed.core, placed.cell, placed.transform, route)

    def placement(self) -> PlacedGraph:
        """Return the placement alone."""
        return PlacedGraph(self.graph, self.core, self.cell, self.transform)


def diagnose_routed(routed: RoutedGraph) -> Iterator[Finding]:
    """Yield every way in which a routed model contradicts itself (codes L003 to L005).

    L003 an array of the wrong shape or type, L004 a coupling whose unit does not join its two cells, L005 demand that
    the ways of the wires do not explain. Units are followed from slot to source here, the other way round than
    `trace_route` finds them. Whether the placement fits the core is another question: `diagnose_route` and
    `diagnose_fit` answer it.

    Parameters
    ----------
    routed : RoutedGraph
    """
    core, route, couplings = routed.core, routed.route, routed.graph.couplings
    shapes = {
        "route.unit_cell": (route.unit_cell, (couplings, 2)),
        "route.slot": (route.slot, (couplings,)),
        "route.demand_across_columns": (route.demand_across_columns, (core.rows, core.cols - 1)),
        "route.demand_across_rows": (route.demand_across_rows, (core.rows - 1, core.cols)),
    }
    wrong = [*diagnose_placed(routed), *diagnose_shapes(shapes)]
    yield from wrong
    if wrong:
        return
    astray = _astray_couplings(routed)
    yield from (_astray(routed, edge) for edge in astray)
    if astray:
        return
    recorded = (route.demand_across_columns, route.demand_across_rows)
    for given, traced in zip(recorded, route.wires.demand(core.grid), strict=True):
        for row, col in np.argwhere(given != traced)[:1].tolist():
            yield WRONG_DEMAND.finding(
                f"wire demand {list(given.shape)}: {given[row, col]} at [{row}, {col}], but {traced[row, col]} traced",
                "route the placement again",
                {"index": [row, col], "given": int(given[row, col]), "traced": int(traced[row, col])},
            )


def _astray_couplings(routed: RoutedGraph) -> list[int]:
    """Return the couplings whose unit does not join their two cells."""
    graph, core, route = routed.graph, routed.core, routed.route
    source, destination = routed.cell[graph.src], routed.cell[graph.dst]
    on_grid = np.all((routed.cell >= 0) & (routed.cell < core.grid), axis=1)
    known = (route.slot >= 0) & (route.slot < core.slots) & on_grid[graph.src] & on_grid[graph.dst]
    far = route.unit_cell + core.unit_stencil.array[np.where(known, route.slot, 0)]
    joins = np.all((route.unit_cell == destination) & (far == source), axis=1)
    if core.couplings == "reciprocal":
        joins |= np.all((route.unit_cell == source) & (far == destination), axis=1)
    astray: list[int] = np.flatnonzero(~(known & joins)).tolist()
    return astray


def _astray(routed: RoutedGraph, edge: int) -> Finding:
    route = routed.route
    src, dst = int(routed.graph.src[edge]), int(routed.graph.dst[edge])
    source, destination = routed.cell[src].tolist(), routed.cell[dst].tolist()
    unit, slot = route.unit_cell[edge].tolist(), int(route.slot[edge])
    return UNIT_ASTRAY.finding(
        f"slot {slot} of cell {tuple(unit)} does not join {tuple(destination)} to its source {tuple(source)}",
        "route the placement again",
        {"coupling": edge, "source": source, "destination": destination, "cell": unit, "slot": slot},
    )


def verify_routed(routed: RoutedGraph) -> None:
    """Raise the first finding of `diagnose_routed`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_routed(routed))
