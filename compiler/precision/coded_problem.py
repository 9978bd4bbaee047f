"""An Ising problem as its codes have it: what the DACs deliver, summed up to h and J, beside those that were asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.compiler.copies.copied_graph import copy_map_of
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph

ROUNDING = 1e-12
"""Relative error of a term that float64 leaves, and nothing else."""


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
    kind : str
        Of the problem.
    """

    field_error: float
    coupling_error: float
    correlation: float
    largest_error: float
    unit: float
    kind: str = "ising"


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


@dataclass(frozen=True, eq=False)
class ProblemTerms:
    """How the DACs of a placed problem make its h and J. Arrays are read-only.

    Parameters
    ----------
    owner : int32[n]
        Spin of each node.
    gain : float64[K]
        Of the unit of each coupling.
    apart : bool[K]
        Couplings between two spins; the others hold copies of one together.
    pair : int64[k]
        Place in the terms of each coupling that is ``apart``.
    wanted : float64[spins + pairs]
        h, then J, that were asked for, signs as the model has them.
    spins : int
    unit : float
    kind : str
        As in `CodedProblem`.
    """

    owner: NDArray[np.int32]
    gain: NDArray[np.float64]
    apart: NDArray[np.bool_]
    pair: NDArray[np.int64]
    wanted: NDArray[np.float64]
    spins: int
    unit: float
    kind: str

    def __post_init__(self) -> None:
        freeze(self)

    def made_by(self, coupling: NDArray[np.float64], field: NDArray[np.float64]) -> CodedProblem:
        """Return how the energy is off that DACs deliver.

        Parameters
        ----------
        coupling : float64[K]
            What the DAC of each coupling is set to, without the gain of its cell [rad per unit of model time].
        field : float64[n]
            Of each node.
        """
        wanted = self.wanted
        had = _summed(self.owner, self.apart, self.pair, coupling * self.gain, field)
        product = float(np.linalg.norm(wanted) * np.linalg.norm(had))
        factor = float(wanted @ had) / float(had @ had) if np.any(had) else 1.0
        error = factor * had - wanted
        # The factor's own rounding, which would be more than all small terms where one is very large.
        error[np.abs(error) < ROUNDING * np.abs(wanted)] = 0.0
        nothing = not np.any(wanted) and not np.any(had)
        return CodedProblem(
            field_error=_relative(error[: self.spins], wanted[: self.spins]),
            coupling_error=_relative(error[self.spins :], wanted[self.spins :]),
            correlation=float(wanted @ had) / product if product else float(nothing),
            largest_error=float(np.abs(error).sum()) * self.unit,
            unit=self.unit,
            kind=self.kind,
        )


def problem_terms(placed: RoutedGraph) -> ProblemTerms:
    """Return how the DACs of a placed problem make its h and J.

    Parameters
    ----------
    placed : RoutedGraph
        Of a problem that `lower_problem` made, split into copies or not; routed.

    Raises
    ------
    ValueError
        When the model is none.
    """
    graph = placed.graph
    problem = problem_of(graph)
    if problem is None:
        raise ValueError("not a placed problem")
    owner = copy_map_of(graph)
    owner = np.arange(graph.nodes, dtype=np.int32) if owner is None else owner
    row, col = placed.route.unit_cell.T
    one, other = owner[graph.src], owner[graph.dst]
    apart = one != other
    number = np.minimum(one, other).astype(np.int64) * graph.nodes + np.maximum(one, other)
    pair = np.unique(number[apart], return_inverse=True)[1].astype(np.int64)
    wanted = _summed(owner, apart, pair, graph.weight[-1].astype(np.float64), graph.field[-1].astype(np.float64))
    gain = placed.core.unit_gain[row, col]
    return ProblemTerms(
        owner, gain, apart, pair, wanted, int(owner.max(initial=-1)) + 1, problem["unit"], problem["kind"]
    )


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
    placed = coded.placed
    terms = problem_terms(placed)
    (row, col), slot = placed.route.unit_cell.T, placed.route.slot
    lsb = coded.lsb.map(lambda each: float(each[-1]))
    return terms.made_by(
        coded.codes.coupling[-1, row, col, slot] * lsb["coupling"],
        coded.codes.field[-1, placed.cell[:, 0], placed.cell[:, 1]] * lsb["field"],
    )


def _summed(
    owner: NDArray[np.int32],
    apart: NDArray[np.bool_],
    pair: NDArray[np.int64],
    coupling: NDArray[np.float64],
    field: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return fields of the spins, then couplings of their pairs, both directions and all copies summed up."""
    fields = np.bincount(owner, weights=field, minlength=int(owner.max(initial=-1)) + 1)
    # Each direction holds the whole of J, which acts on both spins.
    couplings = np.bincount(pair, weights=coupling[apart] / 2)
    terms: NDArray[np.float64] = np.concatenate([fields, couplings]).astype(np.float64)
    return terms


def _relative(error: NDArray[np.float64], of: NDArray[np.float64]) -> float:
    norm = float(np.linalg.norm(of))
    return float(np.linalg.norm(error)) / norm if norm else 0.0
