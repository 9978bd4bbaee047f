"""The interface of placers, and those that need no search of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from oscc.base.findings import Finding, counted, is_empty
from oscc.compiler.findings.of_fit import SizeCount
from oscc.compiler.findings.of_placers import NO_SYMMETRIC_PLACEMENT, NOT_ANNEALED, NOT_PLACED, GrowthCount
from oscc.compiler.findings.of_routes import FAR_COUPLING
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.bounds import diagnose_bounds
from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.fit import diagnose_fit, diagnose_model, diagnose_sizes
from oscc.compiler.place.growth import grow
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.repair import DEFECTS, repair, settle_nodes
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.compiler.place.symmetry import search_symmetric
from oscc.compiler.place.torus import folded_torus
from oscc.compiler.place.visible_growth import grow_visible
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class Placing:
    """What a placer came to.

    Parameters
    ----------
    placed : RoutedGraph or None
        A placement that lies within the stencil and meets no defect, with its wires; None when none was found.
    findings : tuple of Finding
        Why not; empty with a placement.
    tried : RoutedGraph or None
        The placement that the findings are about, where they are about one.
    """

    placed: RoutedGraph | None
    findings: tuple[Finding, ...] = ()
    tried: RoutedGraph | None = None


class Placer(Protocol):
    """Gives every node of a model a cell of a core."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return a placement, or why there is none; a finding says whether it is a proof."""
        ...


@dataclass(frozen=True)
class IdentityPlacer:
    """Every node on the cell of its position; without positions, row by row when the nodes fill the core."""

    name: ClassVar[str] = "identity"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the placement, or every finding of `diagnose_route` and `diagnose_fit` on it."""
        placed = identity_placement(graph, core)
        if placed is None:
            return _without_positions(graph, core)
        routed = routed_graph(placed)
        findings = (*diagnose_route(routed), *diagnose_fit(routed))
        return Placing(None, findings, routed) if findings else Placing(routed)


@dataclass(frozen=True)
class SymmetryPlacer:
    """The identity, or the nearest of its shifts, mirrors and rotations that fits."""

    name: ClassVar[str] = "symmetry"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the placement, or every finding on the identity, and L002, which says what was searched."""
        start = identity_placement(graph, core)
        if start is None:
            return _without_positions(graph, core)
        return _symmetric(start)


@dataclass(frozen=True)
class GrowthPlacer:
    """Of graphs that were cut out of a grid: see `oscc.compiler.place.growth`.

    Parameters
    ----------
    search : Search
    """

    search: Search = UNLIMITED
    name: ClassVar[str] = "growth"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return what was grown, turned, shifted and repaired as `RepairPlacer` does; L001 when nothing grew.

        Of a model that is read out in part and does not fit so, the nodes that are read out are grown first.
        """
        lattice = Lattice.of(graph, core)
        problem = PlacementProblem.of(graph, core, lattice)
        rules = CellRules.of(graph, core, problem, lattice)
        growth = grow(problem, rules, self.search)
        if growth.cell is None:
            shown = f"{core.rows} x {core.cols} cells"
            if lattice != Lattice.whole(core):
                shown = f"{lattice.grid[0]} x {lattice.grid[1]} readable cells"
            placing = _unplaced(
                graph,
                core,
                f"no placement could be grown: from one node it never held more than {growth.placed} of {graph.nodes} "
                f"nodes on {shown} ({counted(growth.attempts, 'attempt')})",
                "use --placer anneal",
                {**_sizes(graph, core), "placed": growth.placed, "attempts": growth.attempts},
            )
        else:
            placing = _settled(PlacedGraph(graph, core, lattice.cells(growth.cell), self.name), self.search)
        if placing.placed is None and lattice == Lattice.whole(core):
            return self._visible_first(graph, core, problem, rules) or placing
        return placing

    def _visible_first(
        self, graph: CouplingGraph, core: CoreSpec, problem: PlacementProblem, rules: CellRules
    ) -> Placing | None:
        start = grow_visible(graph, core, problem, rules, self.search)
        if start is None:
            return None
        found = settle_nodes(problem, rules, start, self.search)
        if found.cell is None or found.cost > 0:
            return None
        return Placing(routed_graph(PlacedGraph(graph, core, found.cell, f"{self.name}, pixels first")))


@dataclass(frozen=True)
class TorusPlacer:
    """Of grids that close in both directions: see `oscc.compiler.place.torus`.

    Parameters
    ----------
    search : Search
        Of the repair where a torus meets defects.
    """

    search: Search = UNLIMITED
    name: ClassVar[str] = "torus"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the folded torus, turned, shifted and repaired as `RepairPlacer` does; L001 when the graph is none."""
        lattice = Lattice.of(graph, core)
        self.search.tell("folding rings", 0.0)
        cell = folded_torus(PlacementProblem.of(graph, core, lattice))
        if cell is not None:
            return _settled(PlacedGraph(graph, core, lattice.cells(cell), self.name), self.search)
        return _unplaced(
            graph,
            core,
            f"the {graph.nodes} nodes are no torus that can be folded onto {core.rows} x {core.cols} cells",
            "use --placer auto",
            _sizes(graph, core),
        )


@dataclass(frozen=True)
class AnnealPlacer:
    """Of any sparse graph: see `oscc.compiler.place.anneal`.

    Parameters
    ----------
    search : Search
    """

    search: Search = UNLIMITED
    name: ClassVar[str] = "anneal"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the placement; L006 with what is wrong with the best one if none fits, L010 to L013 if none can."""
        if not is_empty(diagnose_sizes(graph, core)):
            return Placing(None, tuple(diagnose_model(graph, core)))
        if bounds := tuple(diagnose_bounds(graph, core)):
            return Placing(None, (*bounds, *diagnose_model(graph, core)))
        found = anneal(graph, core, self.search)
        assert found.cell is not None, "there are cells enough"
        routed = routed_graph(PlacedGraph(graph, core, found.cell, self.name))
        if found.cost == 0:
            return Placing(routed)
        far = [finding.kind for finding in diagnose_route(routed)].count(FAR_COUPLING)
        tried = replace(routed, transform=f"{self.name}, does not fit")
        ended = "" if found.complete else ", ended by time or an interrupt"
        more = "a wider stencil"
        if graph.readout.size and Lattice.readable(core) != Lattice.whole(core):
            more = "more readable cells or a wider stencil"
        finding = NOT_ANNEALED.finding(
            f"no placement found: the best that annealing came to has {far} couplings outside the "
            f"stencil, together {found.cost} cells too far ({counted(found.attempts, 'attempt')}{ended})",
            f"use another --seed or a longer --timeout, a core with {more}, or a model with fewer couplings",
            {
                "couplings": far,
                "cost": found.cost,
                "attempts": found.attempts,
                "complete": found.complete,
                "seed": self.search.seed,
                "cells": found.cell.tolist(),
            },
        )
        return Placing(None, (finding,), tried)


@dataclass(frozen=True)
class RepairPlacer:
    """What `SymmetryPlacer` does and, where only defects and the read-out are in the way, single nodes moved.

    Parameters
    ----------
    search : Search
    """

    search: Search = UNLIMITED
    name: ClassVar[str] = "repair"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the placement, or what `SymmetryPlacer` found against it, and L014 where moving nodes did not help."""
        start = identity_placement(graph, core)
        if start is None:
            return _without_positions(graph, core)
        return _settled(start, self.search)


def identity_placement(graph: CouplingGraph, core: CoreSpec) -> PlacedGraph | None:
    """Put every node on the cell of its position, whether it fits or not.

    Parameters
    ----------
    graph : CouplingGraph
        Nodes without positions are placed row by row when they fill the core or, being all read out, its readable
        cells.
    core : CoreSpec

    Returns
    -------
    PlacedGraph or None
        None when there are no positions and nodes and cells differ in number.
    """
    if graph.position is not None:
        return PlacedGraph(graph, core, graph.position, "identity")
    for lattice in (Lattice.whole(core), Lattice.of(graph, core)):
        rows, cols = lattice.grid
        if graph.nodes == rows * cols:
            place = np.stack(np.divmod(np.arange(graph.nodes, dtype=np.int32), np.int32(cols)), axis=1)
            return PlacedGraph(graph, core, lattice.cells(place), "row-major")
    return None


def _settled(start: PlacedGraph, search: Search) -> Placing:
    """Return a placement as it is, turned or shifted, or else with single nodes moved."""
    placing = _symmetric(start)
    # L002 only says what was searched.
    others = {finding.kind for finding in placing.findings} - DEFECTS - {NO_SYMMETRIC_PLACEMENT}
    if placing.placed is not None or placing.tried is None or others:
        return placing
    found = repair(placing.tried, search)
    if found.placed is not None:
        return Placing(found.placed)
    return replace(placing, findings=(*placing.findings, *found.findings))


def _symmetric(start: PlacedGraph) -> Placing:
    placed, searched = search_symmetric(start)
    if placed is not None:
        return Placing(placed)
    routed = routed_graph(start)
    return Placing(None, (*diagnose_route(routed), *diagnose_fit(routed), searched.as_finding()), routed)


def _without_positions(graph: CouplingGraph, core: CoreSpec) -> Placing:
    return _unplaced(
        graph,
        core,
        f"the model has no node.position, and its {graph.nodes} nodes do not fill the {core.cells} cells of the core",
        "use --placer auto",
        _sizes(graph, core),
    )


def _sizes(graph: CouplingGraph, core: CoreSpec) -> SizeCount:
    return {"nodes": graph.nodes, "cells": core.cells}


def _unplaced(
    graph: CouplingGraph, core: CoreSpec, message: str, instead: str, witness: SizeCount | GrowthCount
) -> Placing:
    """Return L001, that a model without positions got none, which proves nothing, and what no placement can change."""
    fixes = (instead, "write the (row, column) of every node into node.position")
    finding = NOT_PLACED.finding(message, fixes, witness)
    return Placing(None, (finding, *diagnose_model(graph, core)))
