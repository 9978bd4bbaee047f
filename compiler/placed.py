"""`PlacedGraph`: a cell for every node and, once routed and scaled, a slot for every coupling and a time scale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.arrays import freeze
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.spec import CoreSpec


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
    """

    unit_cell: NDArray[np.int32]
    slot: NDArray[np.int32]
    demand_across_columns: NDArray[np.int32]
    demand_across_rows: NDArray[np.int32]

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
        group), ``load`` (a run covers a load) and ``model`` (time_scale_s, when the model carries one).
    active : str
        The bound that decided.
    """

    tau_s: NDArray[np.float64]
    run_cycles: NDArray[np.int64]
    bounds_s: dict[str, float]
    active: str

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
