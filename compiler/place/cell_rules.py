"""Where nodes may be put, and what a coupling costs between two cells: what searches for placements go by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.route.routing import coupling_units, unit_index
from oscc.core.spec import CoreSpec
from oscc.core.stencil import Stencil


@dataclass(frozen=True, eq=False)
class NodeCells:
    """Which cells each node may have. Arrays are read-only.

    Parameters
    ----------
    usable : bool[2, R, C]
        Cells that a node may have: of nodes that are not read out, and of those that are.
    read : int32[N]
        1 for nodes that are read out: which part of ``usable`` holds for them.
    """

    usable: NDArray[np.bool_]
    read: NDArray[np.int32]

    def __post_init__(self) -> None:
        freeze(self)


class CouplingCosts(NamedTuple):
    """What couplings cost between two cells, as compiled kernels take it; each as in `CellRules`.

    Parameters
    ----------
    receives, sends : bool[2 M]
    excess : int32[2 R - 1, 2 C - 1]
    lost : bool[R, C, 2 r + 1, 2 r + 1]
    """

    receives: NDArray[np.bool_]
    sends: NDArray[np.bool_]
    excess: NDArray[np.int32]
    lost: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class CellRules(NodeCells):
    """A core as a search sees it, with its defects and its read-out. Arrays are read-only.

    Parameters
    ----------
    receives, sends : bool[2 M]
        For each neighbour of each node, as the problem lists them: whether a coupling leads from it, and to it.
    excess : int32[2 R - 1, 2 C - 1]
        By source minus destination, beginning at (1 - R, 1 - C): how many cells, in the longer direction, a
        displacement is away from the nearest one of the stencil; 0 for those of the stencil, and never for (0, 0).
    lost : bool[R, C, 2 r + 1, 2 r + 1]
        By destination, and source minus destination: couplings whose unit is dead.
    """

    receives: NDArray[np.bool_]
    sends: NDArray[np.bool_]
    excess: NDArray[np.int32]
    lost: NDArray[np.bool_]

    @classmethod
    def of(
        cls, graph: CouplingGraph, core: CoreSpec, problem: PlacementProblem, lattice: Lattice | None = None
    ) -> CellRules:
        """Return the rules of a model on a core.

        Parameters
        ----------
        graph : CouplingGraph
        core : CoreSpec
        problem : PlacementProblem
            Of the two.
        lattice : Lattice, optional
            The cells that nodes may have, and what rows and columns count; all of them by default. There are offsets
            between them.
        """
        lattice = Lattice.whole(core) if lattice is None else lattice
        stencil = lattice.stencil(core.model_stencil)
        assert stencil is not None
        read = np.zeros(graph.nodes, dtype=np.int32)
        read[graph.readout] = 1
        neighbour, node = problem.adjacency.neighbour, problem.adjacency.owner().astype(np.int64)
        coupled = np.unique(graph.src.astype(np.int64) * graph.nodes + graph.dst)
        return cls(
            usable=np.stack([lattice.part(part) for part in usable_cells(core)]),
            read=read,
            receives=np.isin(neighbour * np.int64(graph.nodes) + node, coupled),
            sends=np.isin(node * graph.nodes + neighbour, coupled),
            excess=excess_of(stencil, lattice.grid),
            lost=lost_units(core, lattice),
        )

    @property
    def costs(self) -> CouplingCosts:
        """What couplings cost between two cells."""
        return CouplingCosts(self.receives, self.sends, self.excess, self.lost)


def excess_of(stencil: Stencil, grid: tuple[int, int]) -> NDArray[np.int32]:
    """Compute how far every displacement is from the stencil, int32[2 R - 1, 2 C - 1]; as in `CellRules`.

    Parameters
    ----------
    stencil : Stencil
    grid : tuple of (int, int)
        Rows and columns.
    """
    rows, cols = (np.arange(1 - size, size)[:, None] for size in grid)
    far_rows, far_cols = (np.abs(line - stencil.array[:, axis]) for axis, line in enumerate((rows, cols)))
    excess = np.maximum(far_rows[:, None, :], far_cols[None, :, :]).min(axis=2)
    found: NDArray[np.int32] = excess.astype(np.int32)
    return found


def usable_cells(core: CoreSpec) -> NDArray[np.bool_]:
    """Return which cells are not dead, and those of them that can be read, bool[2, R, C]."""
    readable = np.zeros(core.grid, dtype=bool)
    Lattice.readable(core).part(readable)[...] = True
    alive = np.ones(core.grid, dtype=bool)
    for dead in core.defects.cells:
        alive[dead] = False
    return np.stack([alive, alive & readable])


def lost_units(core: CoreSpec, lattice: Lattice) -> NDArray[np.bool_]:
    """Find the couplings whose unit is dead: bool[R, C, 2 r + 1, 2 r + 1], as in `CellRules`.

    Parameters
    ----------
    core : CoreSpec
    lattice : Lattice
        Of the core; r is the radius of its stencil.
    """
    stencil, whole = lattice.stencil(core.model_stencil), core.model_stencil.radius
    radius = 1 if stencil is None else stencil.radius
    lost = np.zeros((*lattice.grid, 2 * radius + 1, 2 * radius + 1), dtype=bool)
    if not core.defects.slots or stencil is None:
        return lost
    everywhere = _lost(core)
    for drow, dcol in stencil.offsets:
        away = (whole + drow * lattice.step[0], whole + dcol * lattice.step[1])
        lost[:, :, drow + radius, dcol + radius] = lattice.part(everywhere[:, :, away[0], away[1]])
    return lost


def _lost(core: CoreSpec) -> NDArray[np.bool_]:
    radius = core.model_stencil.radius
    lost = np.zeros((*core.grid, 2 * radius + 1, 2 * radius + 1), dtype=bool)
    row, col, slot = np.array(core.defects.slots, dtype=np.int32).T
    dead = unit_index(np.stack([row, col], axis=1), slot, core)
    cells = np.stack(np.meshgrid(*map(np.arange, core.grid), indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int32)
    for drow, dcol in core.model_stencil.offsets:
        source = cells + np.array([drow, dcol], dtype=np.int32)
        inside = np.all((source >= 0) & (source < core.grid), axis=1)
        unit_cell, unit_slot = coupling_units(source[inside], cells[inside], core)
        hit = np.isin(unit_index(unit_cell, unit_slot, core), dead)
        hit_cells = cells[inside][hit]
        lost[hit_cells[:, 0], hit_cells[:, 1], drow + radius, dcol + radius] = True
    return lost
