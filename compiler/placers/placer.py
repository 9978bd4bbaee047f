"""The interface of placers, and those that need no search of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from oscc.compiler.bounds import diagnose_bounds
from oscc.compiler.findings import Finding
from oscc.compiler.fitting import diagnose_fit, diagnose_model
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.placers.anneal import anneal
from oscc.compiler.placers.growth import grow
from oscc.compiler.placers.problem import PlacementProblem
from oscc.compiler.placers.repair import DEFECTS, repair
from oscc.compiler.placers.symmetry import search_symmetric
from oscc.compiler.placers.torus import folded_torus
from oscc.compiler.routing import diagnose_route
from oscc.compiler.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class Placing:
    """What a placer came to.

    Parameters
    ----------
    placed : PlacedGraph or None
        A placement that lies within the stencil and meets no defect; None when none was found.
    findings : tuple of Finding
        Why not; empty with a placement.
    tried : PlacedGraph or None
        The placement that the findings are about, where they are about one.
    """

    placed: PlacedGraph | None
    findings: tuple[Finding, ...] = ()
    tried: PlacedGraph | None = None


class Placer(Protocol):
    """Gives every node of a model a cell of a core."""

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """A placement, or why there is none; a finding says whether it is a proof."""
        ...


@dataclass(frozen=True)
class IdentityPlacer:
    """Every node on the cell of its position; without positions, row by row when the nodes fill the core."""

    name: ClassVar[str] = "identity"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """The placement, or every finding of `diagnose_route` and `diagnose_fit` on it."""
        placed = identity_placement(graph, core)
        if placed is None:
            return Placing(None, (_no_positions(graph, core), *diagnose_model(graph, core)))
        findings = (*diagnose_route(placed), *diagnose_fit(placed))
        return Placing(None, findings, placed) if findings else Placing(placed)


@dataclass(frozen=True)
class SymmetryPlacer:
    """The identity, or the nearest of its shifts, mirrors and rotations that fits."""

    name: ClassVar[str] = "symmetry"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """The placement, or every finding on the identity, and L002, which says what was searched."""
        start = identity_placement(graph, core)
        if start is None:
            return Placing(None, (_no_positions(graph, core), *diagnose_model(graph, core)))
        return _symmetric(start)


@dataclass(frozen=True)
class GrowthPlacer:
    """Of graphs that were cut out of a grid: see `oscc.compiler.placers.growth`.

    Parameters
    ----------
    seed : int
    timeout_s : float or None
    """

    seed: int = 0
    timeout_s: float | None = None
    name: ClassVar[str] = "growth"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """What was grown, turned and shifted as `SymmetryPlacer` does; L001 when nothing grew."""
        growth = grow(PlacementProblem.of(graph, core), seed=self.seed, timeout_s=self.timeout_s)
        if growth.cell is not None:
            return _symmetric(PlacedGraph(graph, core, growth.cell, self.name))
        finding = Finding(
            "L001",
            f"no placement could be grown: from one node it never held more than {growth.placed} of {graph.nodes} "
            f"nodes on {core.rows} x {core.cols} cells ({growth.attempts} attempts)",
            "use --placer anneal, or write the (row, column) of every node into node.position",
            {"nodes": graph.nodes, "cells": core.cells, "placed": growth.placed, "attempts": growth.attempts},
            proof=False,
        )
        return Placing(None, (finding,))


@dataclass(frozen=True)
class TorusPlacer:
    """Of grids that close in both directions: see `oscc.compiler.placers.torus`."""

    name: ClassVar[str] = "torus"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """The folded torus, turned and shifted as `SymmetryPlacer` does; L001 when the graph is none that fits."""
        cell = folded_torus(PlacementProblem.of(graph, core))
        if cell is not None:
            return _symmetric(PlacedGraph(graph, core, cell, self.name))
        finding = Finding(
            "L001",
            f"the {graph.nodes} nodes are no torus that can be folded onto {core.rows} x {core.cols} cells",
            "use --placer auto, or write the (row, column) of every node into node.position",
            {"nodes": graph.nodes, "cells": core.cells},
            proof=False,
        )
        return Placing(None, (finding, *diagnose_model(graph, core)))


@dataclass(frozen=True)
class _AnnealingPlacer:
    """What placers that anneal are told.

    Parameters
    ----------
    seed : int
    timeout_s : float or None
    report : callable or None
        Called with what is being done and how far it is, 0 to 1.
    """

    seed: int = 0
    timeout_s: float | None = None
    report: Callable[[str, float], None] | None = None


@dataclass(frozen=True)
class AnnealPlacer(_AnnealingPlacer):
    """Of any sparse graph: see `oscc.compiler.placers.anneal`."""

    name: ClassVar[str] = "anneal"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """The placement; L006 with what is wrong with the best one when it does not fit, L010 to L013 when none can."""
        # More nodes than cells is said below, at no cost.
        fits = graph.nodes <= core.cells
        if fits and (bounds := tuple(diagnose_bounds(PlacementProblem.of(graph, core)))):
            return Placing(None, (*bounds, *diagnose_model(graph, core)))
        found = anneal(graph, core, seed=self.seed, timeout_s=self.timeout_s, report=self.report)
        if found.cell is None:
            return Placing(None, tuple(diagnose_model(graph, core)))
        placed = PlacedGraph(graph, core, found.cell, self.name)
        if found.cost == 0:
            return Placing(placed)
        far = [finding.code for finding in diagnose_route(placed)]
        tried = replace(placed, transform=f"{self.name}, does not fit")
        ended = "" if found.complete else ", ended by time or an interrupt"
        finding = Finding(
            "L006",
            f"no placement found: the best that annealing came to has {far.count('R001')} couplings outside the "
            f"stencil, together {found.cost} cells too far ({found.attempts} attempts{ended})",
            "use another --seed or a longer --timeout, a core with a wider stencil, or a model with fewer couplings",
            {
                "couplings": far.count("R001"),
                "cost": found.cost,
                "attempts": found.attempts,
                "complete": found.complete,
                "seed": self.seed,
                "cells": found.cell.tolist(),
            },
            proof=False,
        )
        return Placing(None, (finding,), tried)


@dataclass(frozen=True)
class RepairPlacer(_AnnealingPlacer):
    """What `SymmetryPlacer` does and, where only defects are in the way of all that, single nodes moved off them."""

    name: ClassVar[str] = "repair"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """The placement, or what `SymmetryPlacer` found against it, and L014 where moving nodes did not help either."""
        placing = SymmetryPlacer().place(graph, core)
        # L002 only says what was searched. To know this here saves routing most models that do not fit once more.
        others = {finding.code for finding in placing.findings} - DEFECTS - {"L002"}
        if placing.placed is not None or placing.tried is None or others:
            return placing
        found = repair(placing.tried, seed=self.seed, timeout_s=self.timeout_s, report=self.report)
        if found.placed is not None:
            return Placing(found.placed)
        return replace(placing, findings=(*placing.findings, *found.findings))


def identity_placement(graph: CouplingGraph, core: CoreSpec) -> PlacedGraph | None:
    """Every node on the cell of its position, whether it fits or not.

    Parameters
    ----------
    graph : CouplingGraph
        Nodes without positions are placed row by row when they fill the core.
    core : CoreSpec

    Returns
    -------
    PlacedGraph or None
        None when there are no positions and nodes and cells differ in number.
    """
    if graph.position is not None:
        return PlacedGraph(graph, core, graph.position, "identity")
    if graph.nodes != core.cells:
        return None
    node = np.arange(graph.nodes, dtype=np.int32)
    return PlacedGraph(graph, core, np.stack(np.divmod(node, np.int32(core.cols)), axis=1), "row-major")


def _symmetric(start: PlacedGraph) -> Placing:
    placed, searched = search_symmetric(start)
    if placed is not None:
        return Placing(placed)
    return Placing(None, (*diagnose_route(start), *diagnose_fit(start), searched.as_finding()), start)


def _no_positions(graph: CouplingGraph, core: CoreSpec) -> Finding:
    return Finding(
        "L001",
        f"the model has no node.position, and its {graph.nodes} nodes do not fill the {core.cells} cells of the core",
        "use --placer auto, or write the (row, column) of every node into node.position",
        {"nodes": graph.nodes, "cells": core.cells},
        proof=False,
    )
