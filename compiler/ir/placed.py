"""`PlacedGraph`: a cell for every node and, once routed and scaled, a slot for every coupling and a time scale."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.findings import Finding, is_empty, raise_first
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.wire_demand import wire_demand
from oscc.compiler.ir.wire_routes import WireRoutes
from oscc.core.spec import CoreSpec


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
    wires : WireRoutes or None
        Their ways.
    rounds : int
        Rounds of negotiation that the ways needed; 0 where all wires run straight.
    """

    unit_cell: NDArray[np.int32]
    slot: NDArray[np.int32]
    demand_across_columns: NDArray[np.int32]
    demand_across_rows: NDArray[np.int32]
    wires: WireRoutes | None = None
    rounds: int = 0

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class TimeScale:
    """How model time becomes clock cycles. Arrays are read-only.

    Parameters
    ----------
    tau_s : float64[C]
        Seconds per unit of model time in each chunk: run_cycles / (clock_hz chunk_duration).
    run_cycles : int64[C]
        Clock cycles of each chunk's run.
    bounds_s : dict of str to float
        The smallest tau that each bound allows [s]: ``coupling``, ``shil``, ``field``, ``detuning`` (full scale of the
        group), ``load`` (a run covers a load and a fetch), ``readout`` (a sample covers a read-out), ``model``
        (time_scale_s, when the model carries one) and ``given`` (when the user set it).
    active : str
        The bound that decided the largest tau.
    active_by_chunk : tuple of str
        The bound that decided in each chunk.
    """

    tau_s: NDArray[np.float64]
    run_cycles: NDArray[np.int64]
    bounds_s: dict[str, float]
    active: str
    active_by_chunk: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        freeze(self)


@dataclass(frozen=True, eq=False)
class PlacedGraph:
    """A model on the cells of a core. Arrays are read-only.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    cell : int32[N, 2]
        (row, col) of each node.
    transform : str
        How the cells follow from the model's own positions: ``identity``, or such as ``rotate-90 mirror shift(0, 3)``.
    route : Route or None
        Set by the route pass.
    time_scale : TimeScale or None
        Set by the scale pass.
    """

    graph: CouplingGraph
    core: CoreSpec
    cell: NDArray[np.int32]
    transform: str
    route: Route | None = None
    time_scale: TimeScale | None = None

    def __post_init__(self) -> None:
        freeze(self)

    def node_map(self) -> NDArray[np.int32]:
        """Node at each cell, int32[rows, cols]; -1 where there is none."""
        table = np.full((self.core.rows, self.core.cols), -1, dtype=np.int32)
        table[self.cell[:, 0], self.cell[:, 1]] = np.arange(self.graph.nodes, dtype=np.int32)
        return table

    def displacement(self) -> NDArray[np.int32]:
        """Source minus destination of each coupling, int32[E, 2], in cells."""
        return self.cell[self.graph.src] - self.cell[self.graph.dst]


def diagnose_placed(placed: PlacedGraph) -> Iterator[Finding]:
    """Every way in which a placed model contradicts itself (codes L003 to L005).

    L003 an array of the wrong shape or type, L004 a coupling whose unit does not join its two cells, L005 wire demand
    that the units do not explain. Units are followed from slot to source here, the other way round than `trace_route`
    finds them. Whether the placement fits the core is another question: `diagnose_route` and `diagnose_fit` answer it.

    Parameters
    ----------
    placed : PlacedGraph
    """
    wrong = list(_diagnose_shapes(placed))
    yield from wrong
    if wrong or placed.route is None:
        return
    graph, core, route = placed.graph, placed.core, placed.route
    source, destination = placed.cell[graph.src], placed.cell[graph.dst]
    on_grid = np.all((placed.cell >= 0) & (placed.cell < core.grid), axis=1)
    known = (route.slot >= 0) & (route.slot < core.slots) & on_grid[graph.src] & on_grid[graph.dst]
    far = route.unit_cell + core.unit_stencil.array[np.where(known, route.slot, 0)]
    joins = np.all((route.unit_cell == destination) & (far == source), axis=1)
    if core.couplings == "reciprocal":
        joins |= np.all((route.unit_cell == source) & (far == destination), axis=1)
    astray = np.flatnonzero(~(known & joins))
    yield from (_astray(placed, route, edge) for edge in astray.tolist())
    if astray.size:
        return
    # Both directions of a reciprocal pair name the same unit, and so the same wire.
    wires = np.concatenate([far, route.unit_cell], axis=1)
    wires = np.unique(wires, axis=0) if core.couplings == "reciprocal" else wires
    recorded = (route.demand_across_columns, route.demand_across_rows)
    demand = (
        wire_demand(wires[:, :2], wires[:, 2:], core.grid) if route.wires is None else route.wires.demand(core.grid)
    )
    for given, traced in zip(recorded, demand, strict=True):
        for row, col in np.argwhere(given != traced)[:1].tolist():
            yield Finding(
                "L005",
                f"wire demand {list(given.shape)}: {given[row, col]} at [{row}, {col}], but {traced[row, col]} traced",
                "route the placement again",
                {"index": [row, col], "given": int(given[row, col]), "traced": int(traced[row, col])},
            )


def _diagnose_shapes(placed: PlacedGraph) -> Iterator[Finding]:
    graph, core, route = placed.graph, placed.core, placed.route
    arrays: dict[str, tuple[NDArray[np.int32], tuple[int, ...]]] = {"cell": (placed.cell, (graph.nodes, 2))}
    if route is not None:
        arrays["route.unit_cell"] = (route.unit_cell, (graph.couplings, 2))
        arrays["route.slot"] = (route.slot, (graph.couplings,))
        arrays["route.demand_across_columns"] = (route.demand_across_columns, (core.rows, core.cols - 1))
        arrays["route.demand_across_rows"] = (route.demand_across_rows, (core.rows - 1, core.cols))
    for name, (array, shape) in arrays.items():
        if array.shape != shape or array.dtype != np.int32:
            yield Finding(
                "L003",
                f"{name}: {array.dtype} {list(array.shape)}, expected int32 {list(shape)}",
                "place and route the model again",
                {"array": name, "dtype": str(array.dtype), "shape": list(array.shape), "expected": list(shape)},
            )


def _astray(placed: PlacedGraph, route: Route, edge: int) -> Finding:
    src, dst = int(placed.graph.src[edge]), int(placed.graph.dst[edge])
    source, destination = placed.cell[src].tolist(), placed.cell[dst].tolist()
    unit, slot = route.unit_cell[edge].tolist(), int(route.slot[edge])
    return Finding(
        "L004",
        f"slot {slot} of cell {tuple(unit)} does not join {tuple(destination)} to its source {tuple(source)}",
        "route the placement again",
        {"coupling": edge, "source": source, "destination": destination, "cell": unit, "slot": slot},
    )


def is_valid_placed(placed: PlacedGraph) -> bool:
    """Whether `diagnose_placed` finds nothing."""
    return is_empty(diagnose_placed(placed))


def verify_placed(placed: PlacedGraph) -> None:
    """Raise the first finding of `diagnose_placed`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_placed(placed))
