"""Views: some nodes of a model, and the cells that a core has for them; a bound is looked at in each of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import run_kernel
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.bound_capacities import cells_within, largest_near_set, most_near, overlap, pairs_across
from oscc.compiler.place.cell_rules import lost_units, usable_cells
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.problem import near_cells
from oscc.core.spec import CoreSpec

MOST_EIGEN = 1200
"""Nodes up to which the spectral bound is computed: a dense eigenvalue problem, half a second at this size."""

MOST_VISITS = 300_000_000
"""Couplings that the density bound looks at: about a second."""

MOST_CLIQUES = 20_000
"""Maximal cliques that are looked at: about a second."""

ROUNDING = 1e-6
"""Taken off the computed eigenvalue, relative to the largest degree, so that what is left is certainly no more."""

Name = Literal["all", "read out", "read out around all"]


@dataclass(frozen=True, eq=False)
class Demand:
    """What nodes need of any core, each number computed when it is first asked for.

    Parameters
    ----------
    adjacency : Adjacency
    node : int32[N]
        What the model calls them.
    counted : bool[N]
        Which nodes the numbers of neighbours, and of nodes within some couplings, are of.
    """

    adjacency: Adjacency
    node: NDArray[np.int32]
    counted: NDArray[np.bool_]

    @cached_property
    def degree(self) -> NDArray[np.int64]:
        """Counted neighbours of each node, int64[N]."""
        first, neighbour = self.adjacency
        total = np.concatenate([[0], np.cumsum(self.counted[neighbour], dtype=np.int64)])
        found: NDArray[np.int64] = np.diff(total[first])
        return found

    @cached_property
    def within(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """The most counted nodes within 0, 1, ..., N - 1 couplings of a node, and the first such node, [N] each."""
        # Numba takes seconds to import, and what has too many neighbours is answered without.
        from oscc.compiler.place.reach_kernel import most_within

        near = self.adjacency
        # Crowded surroundings are looked at first, since a graph of any size gets the same time.
        start = np.argsort(-near.degree(), kind="stable").astype(np.int32)
        found: tuple[NDArray[np.int64], NDArray[np.int32]] = run_kernel(
            most_within, near, self.counted, start, max(0, near.nodes - 1), MOST_VISITS
        )
        return found

    @cached_property
    def connectivity(self) -> float:
        """The second-smallest eigenvalue of the Laplacian, rounded down; 0 where nodes are too many to compute it."""
        near = self.adjacency
        if not 2 <= near.nodes <= MOST_EIGEN:
            return 0.0
        degree = near.degree()
        laplacian = np.diag(degree.astype(np.float64))
        laplacian[near.owner(), near.neighbour] -= 1.0
        return float(np.linalg.eigvalsh(laplacian)[1]) - ROUNDING * max(1, int(degree.max()))

    def clique(self, more_than: int) -> list[int] | None:
        """Return the first clique of more nodes than so many, among `MOST_CLIQUES`; None where there is none."""
        if more_than not in self._cliques:
            self._cliques[more_than] = self._clique(more_than)
        return self._cliques[more_than]

    @cached_property
    def _cliques(self) -> dict[int, list[int] | None]:
        """What was found, for each number that was asked for: many cores have room for as many."""
        return {}

    def _clique(self, more_than: int) -> list[int] | None:
        near = self.adjacency
        if np.all(near.degree() < more_than):
            return None
        graph: nx.Graph[int] = nx.Graph()
        graph.add_edges_from(zip(near.owner().tolist(), near.neighbour.tolist(), strict=True))
        # Whoever belongs to more than that has as many neighbours that do.
        core = nx.k_core(graph, more_than)
        cliques = itertools.islice(nx.find_cliques(core), MOST_CLIQUES)
        return next((sorted(clique) for clique in cliques if len(clique) > more_than), None)


@dataclass(frozen=True, eq=False)
class View:
    """Nodes, and the cells that a core has for them.

    Parameters
    ----------
    name : str
        ``all``: all nodes on all cells. ``read out``: nodes that are read out, and the couplings between them, on the
        lattice of the cells that can be read. ``read out around all``: nodes that are read out, on cells that can be
        read, around nodes of any kind and by way of couplings of any kind.
    demand : Demand
    core : CoreSpec
    lattice : Lattice
        Whose cells paths lead over.
    room, start : bool[R, C]
        Cells of the lattice that a counted node, and that any node, may have.
    """

    name: Name
    demand: Demand
    core: CoreSpec
    lattice: Lattice
    room: NDArray[np.bool_]
    start: NDArray[np.bool_]

    @cached_property
    def near(self) -> NDArray[np.bool_]:
        """Displacements at which two cells can be coupled, as a `PlacementProblem` has them."""
        return near_cells(self.core, self.lattice)

    def most_near(self) -> int:
        """Return the most cells with room that a cell can be coupled with, by units that are not dead."""
        return most_near(self._near_of_each() if self.core.defects.slots else self.near, self.room, self.start)

    def cells_within(self) -> Iterator[int]:
        """Yield the most cells with room within 0, 1, 2, ... steps of a cell."""
        return cells_within(self.near, self.room, self.start)

    def largest_near_set(self) -> int:
        """Return the most cells that are all near each other."""
        return largest_near_set(self.near)

    def pairs_across(self, line: str) -> tuple[int, int, int]:
        """Return the length of a line between two ``columns``, or ``rows``, how many there are, and near pairs across.

        Parameters
        ----------
        line : str
        """
        rows, cols = self.lattice.grid
        if line == "columns":
            return rows, cols, pairs_across(self.near, rows)
        return cols, rows, pairs_across(self.near.T, cols)

    def _near_of_each(self) -> NDArray[np.bool_]:
        """Find the displacements at which each cell can be coupled in one direction, bool[R, C, 2 r + 1, 2 r + 1]."""
        lost = lost_units(self.core, self.lattice)
        stencil, radius = self.lattice.stencil(self.core.model_stencil), self.near.shape[0] // 2
        found = np.zeros(lost.shape, dtype=bool)
        for drow, dcol in () if stencil is None else stencil.offsets:
            alive = ~lost[:, :, drow + radius, dcol + radius]
            found[:, :, drow + radius, dcol + radius] |= alive
            if abs(drow) < alive.shape[0] and abs(dcol) < alive.shape[1]:
                # The same unit, seen from the cell that it couples with.
                there, here = overlap(alive.shape, (drow, dcol))
                found[(*there, radius - drow, radius - dcol)] |= alive[here]
        return found


@dataclass(frozen=True, eq=False)
class ModelViews:
    """The views of a model, on any core.

    Parameters
    ----------
    graph : CouplingGraph
    """

    graph: CouplingGraph

    @cached_property
    def read(self) -> NDArray[np.bool_]:
        """Nodes that are read out, bool[N]."""
        read = np.zeros(self.graph.nodes, dtype=bool)
        read[self.graph.readout] = True
        return read

    @cached_property
    def _all(self) -> Demand:
        graph = self.graph
        node = np.arange(graph.nodes, dtype=np.int32)
        return Demand(Adjacency.in_graph(graph), node, np.ones(graph.nodes, dtype=bool))

    @cached_property
    def _visible(self) -> Demand:
        if self.read.all():
            return self._all
        node = np.flatnonzero(self.read).astype(np.int32)
        return Demand(self._all.adjacency.among(node), node, np.ones(node.size, dtype=bool))

    @cached_property
    def _around(self) -> Demand:
        return Demand(self._all.adjacency, self._all.node, self.read)

    def on(self, core: CoreSpec) -> tuple[View, ...]:
        """Return the views of the model on a core; those of nodes that are read out where not every cell can be read.

        Parameters
        ----------
        core : CoreSpec
        """
        alive, readable = usable_cells(core)
        whole, lattice = Lattice.whole(core), Lattice.readable(core)
        views = [View("all", self._all, core, whole, alive, alive)]
        if lattice != whole and self.read.any():
            room = lattice.part(readable)
            views.append(View("read out", self._visible, core, lattice, room, room))
            if not self.read.all():
                views.append(View("read out around all", self._around, core, whole, readable, alive))
        return tuple(views)


@lru_cache(maxsize=4)
def views_of(graph: CouplingGraph) -> ModelViews:
    """Return the views of a model: for one and the same graph the same, with what was computed of them.

    Conditions, placers and trials all ask for them, and what nodes need is the same on every core.

    Parameters
    ----------
    graph : CouplingGraph
    """
    return ModelViews(graph)
