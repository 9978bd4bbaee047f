"""An Ising problem as its codes have it: what the DACs deliver, summed up to h and J, beside those that were asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.copies.copied_graph import copy_map_of
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import GROUPS


@dataclass(frozen=True)
class CodedProblem:
    """How the energy that the codes stand for is off, in the last chunk, where spins settle.

    Errors are what is left with the best common factor of all h and J, which changes nothing about a problem: runs that
    take whole cycles alone make one.

    Parameters
    ----------
    field_error, coupling_error : float
        Norm of the error of all h, and of all J, over their norm; 0 where all are 0.
    correlation : float
        Between the energies of the coded problem and of the one that was given, over all configurations; 0 where
        nothing is left of it, 1 where there is nothing to lose.
    largest_error : float
        No energy of a configuration is off by more, in the problem's numbers: the sum of all errors.
    unit : float
        What h or J of the problem a parameter of 1 stands for.
    """

    field_error: float
    coupling_error: float
    correlation: float
    largest_error: float
    unit: float


def problem_of(graph: CouplingGraph) -> dict[str, Any] | None:
    """Return what a lowered Ising problem says of itself, with a ``unit``; None for any other model.

    Parameters
    ----------
    graph : CouplingGraph
        Of ``training`` only what a front end writes is taken: a checkpoint may hold anything there.
    """
    problem = graph.recorded.get("problem")
    if not isinstance(problem, dict) or problem.get("kind") not in ("max-cut", "ising", "qubo"):
        return None
    unit = problem.get("unit")
    good = isinstance(unit, int | float) and not isinstance(unit, bool) and 0 < unit < math.inf
    # Folders of the first release have none: then their numbers are those of the model.
    return {**problem, "unit": float(unit) if good and unit is not None else 1.0}


def coded_problem(coded: CodedGraph) -> CodedProblem:
    """Return what codes make of the energy of a problem.

    With spins that are independent and fair, sum h_i s_i + sum J_ij s_i s_j has the variance sum h_i^2 + sum J_ij^2 (R.
    O'Donnell, Analysis of Boolean Functions, 2014), and two such energies a covariance alike: the correlation over all
    2^n configurations is that of the numbers.

    Parameters
    ----------
    coded : CodedGraph
        Of a problem that `lower_problem` made, split into copies or not.

    Raises
    ------
    ValueError
        When the model is none.
    """
    placed, graph = coded.placed, coded.placed.graph
    problem = problem_of(graph)
    if problem is None or placed.route is None:
        raise ValueError("not a placed problem")
    owner = copy_map_of(graph)
    owner = np.arange(graph.nodes, dtype=np.int32) if owner is None else owner
    (row, col), slot, core = placed.route.unit_cell.T, placed.route.slot, placed.core
    lsb = dict(zip(GROUPS, coded.lsb[-1].tolist(), strict=True))
    coupling = coded.coupling[-1, row, col, slot] * lsb["coupling"] * core.unit_gain[row, col]
    field = coded.field[-1, placed.cell[:, 0], placed.cell[:, 1]] * lsb["field"]
    asked = _terms(graph, owner, graph.weight[-1].astype(np.float64), graph.field[-1].astype(np.float64))
    given = _terms(graph, owner, coupling, field)
    unit = problem["unit"]
    wanted, had = (np.concatenate(terms) for terms in (asked, given))
    product = float(np.linalg.norm(wanted) * np.linalg.norm(had))
    factor = float(wanted @ had) / float(had @ had) if np.any(had) else 1.0
    errors = [factor * each - of for each, of in zip(given, asked, strict=True)]
    nothing = not np.any(wanted) and not np.any(had)
    return CodedProblem(
        field_error=_relative(errors[0], asked[0]),
        coupling_error=_relative(errors[1], asked[1]),
        correlation=float(wanted @ had) / product if product else float(nothing),
        largest_error=float(sum(np.abs(error).sum() for error in errors)) * unit,
        unit=unit,
    )


def _terms(
    graph: CouplingGraph, owner: NDArray[np.int32], coupling: NDArray[np.float64], field: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fields of the spins and couplings of their pairs, both directions and all copies summed up, signs as they are."""
    fields = np.bincount(owner, weights=field, minlength=int(owner.max(initial=-1)) + 1)
    one, other = owner[graph.src], owner[graph.dst]
    apart = one != other
    pair = np.minimum(one, other).astype(np.int64) * graph.nodes + np.maximum(one, other)
    _, place = np.unique(pair[apart], return_inverse=True)
    # Each direction holds the whole of J, which acts on both spins.
    terms: NDArray[np.float64] = np.bincount(place, weights=coupling[apart] / 2).astype(np.float64)
    return fields.astype(np.float64), terms


def _relative(error: NDArray[np.float64], of: NDArray[np.float64]) -> float:
    norm = float(np.linalg.norm(of))
    return float(np.linalg.norm(error)) / norm if norm else 0.0
