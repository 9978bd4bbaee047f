"""Placer `exact`: a search that ends with a placement or with a proof that there is none, for small models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from oscc.base.errors import OsccError
from oscc.compiler.findings.of_placers import ALL_EXCLUDED, EXACT_ENDED, ExactEffort
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.cell_rules import CellRules
from oscc.compiler.place.fit import diagnose_model
from oscc.compiler.place.placer import Placing
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.compiler.route.routing import routed_graph
from oscc.core.spec import CoreSpec

if TYPE_CHECKING:
    from ortools.sat.python.cp_model import CpModel, IntVar

MOST_CHOICES = 100_000
"""Most pairs of a node and a cell that are searched: 100 nodes on 1,000 cells, or 300 nodes on 330."""

TIMEOUT_S = 60.0


@dataclass(frozen=True)
class ExactPlacer:
    """By OR-tools CP-SAT: one truth value for each node and each cell that it may have.

    Each node has one cell, no cell has two nodes, and where a node is, one of the cells that are near it has the
    neighbour. On one thread, so that the same seed gives the same answer unless time ends the search.

    Parameters
    ----------
    search : Search
        Without a deadline, it ends after `TIMEOUT_S`.
    """

    search: Search = UNLIMITED
    name: ClassVar[str] = "exact"

    def place(self, graph: CouplingGraph, core: CoreSpec) -> Placing:
        """Return the placement; L008, a proof, when there is none; L009 when time ended the search.

        Raises
        ------
        OsccError
            ``placer.exact`` when OR-tools is not installed, or the model is too large for this placer.
        """
        if findings := tuple(diagnose_model(graph, core)):
            return Placing(None, findings)
        problem = PlacementProblem.of(graph, core)
        rules = CellRules.of(graph, core, problem)
        choices = sum(int(rules.usable[read].sum()) for read in rules.read.tolist())
        if choices > MOST_CHOICES:
            raise OsccError(
                "placer.exact",
                f"{graph.nodes} nodes on {core.rows} x {core.cols} cells are {choices} choices; placer exact takes at "
                f"most {MOST_CHOICES}",
                where="--placer",
                hint="use --placer anneal, or a smaller core",
            )
        self.search.tell(f"CP-SAT: {choices} choices, no placement so far", 0.0)
        model, variables = _model(problem, rules)
        return self._solved(model, variables, graph, core)

    def _solved(
        self, model: CpModel, variables: list[dict[int, IntVar]], graph: CouplingGraph, core: CoreSpec
    ) -> Placing:
        cp_model = _cp_model()
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.search.seed
        left = self.search.seconds_left()
        limit_s = solver.parameters.max_time_in_seconds = TIMEOUT_S if left is None else left
        status = solver.solve(model)
        effort: ExactEffort = {
            "nodes": graph.nodes,
            "cells": core.cells,
            "choices": sum(map(len, variables)),
            "seed": self.search.seed,
        }
        if status in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            index = [next(cell for cell, chosen in own.items() if solver.value(chosen)) for own in variables]
            cells = np.stack(np.divmod(np.array(index, dtype=np.int32), np.int32(core.cols)), axis=1)
            return Placing(routed_graph(PlacedGraph(graph, core, cells.astype(np.int32), self.name)))
        if status == cp_model.INFEASIBLE:
            finding = ALL_EXCLUDED.finding(
                f"no placement exists: CP-SAT proved that the {graph.nodes} nodes have none on {core.rows} x "
                f"{core.cols} cells with this stencil, these defects and this read-out",
                "use a core with a wider stencil or more cells, or a model with fewer couplings",
                {**effort, "conflicts": int(solver.num_conflicts)},
            )
        else:
            finding = EXACT_ENDED.finding(
                f"no placement found, and none excluded, within {limit_s:.3g} s of CP-SAT",
                "use a longer --timeout, or --placer anneal",
                effort,
            )
        return Placing(None, (finding,))


def _model(problem: PlacementProblem, rules: CellRules) -> tuple[CpModel, list[dict[int, IntVar]]]:
    """Build the constraints, and the truth value of each cell that each node may have."""
    model = _cp_model().CpModel()
    rows, cols = problem.grid
    allowed = [np.flatnonzero(part.ravel()).tolist() for part in rules.usable]
    variables = [
        {cell: model.new_bool_var(f"{node}@{cell}") for cell in allowed[read]}
        for node, read in enumerate(rules.read.tolist())
    ]
    for own in variables:
        model.add_exactly_one(own.values())
    for cell in range(rows * cols):
        model.add_at_most_one(own[cell] for own in variables if cell in own)
    near = _near_cells(rules, problem.grid)
    first, neighbour = problem.adjacency
    for node in range(problem.nodes):
        for place in range(first[node], first[node + 1]):
            other = int(neighbour[place])
            kind = (bool(rules.receives[place]), bool(rules.sends[place]))
            for cell, here in variables[node].items():
                there = [variables[other][far] for far in near[kind][cell] if far in variables[other]]
                model.add_bool_or([here.negated(), *there])
    return model, variables


def _near_cells(rules: CellRules, grid: tuple[int, int]) -> dict[tuple[bool, bool], list[list[int]]]:
    """List the cells that a neighbour may have, for each cell, by whether it receives from it and sends to it."""
    rows, cols = grid
    cell = np.stack(np.divmod(np.arange(rows * cols), cols), axis=1)
    found: dict[tuple[bool, bool], list[list[int]]] = {}
    takes = np.stack([_reachable(rules, here, cell) for here in cell])
    for receives, sends in ((True, False), (False, True), (True, True)):
        near = np.ones_like(takes)
        near = near & takes if receives else near
        near = near & takes.T if sends else near
        found[receives, sends] = [np.flatnonzero(line).tolist() for line in near]
    return found


def _reachable(rules: CellRules, here: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Find the cells from which a cell can receive a coupling, bool[cells]."""
    rows, cols = rules.usable.shape[1:]
    reach = rules.lost.shape[2] // 2
    offset = cell - here
    fits = rules.excess[offset[:, 0] + rows - 1, offset[:, 1] + cols - 1] == 0
    inside = np.all(np.abs(offset) <= reach, axis=1)
    clipped = np.where(inside[:, None], offset + reach, 0)
    lost: NDArray[np.bool_] = rules.lost[here[0], here[1], clipped[:, 0], clipped[:, 1]]
    usable: NDArray[np.bool_] = fits & inside & ~lost & np.any(offset != 0, axis=1)
    return usable


def _cp_model() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise OsccError(
            "placer.exact", "placer exact needs OR-tools", where="--placer", hint="pip install 'oscc[exact]'"
        ) from None
    return cp_model
