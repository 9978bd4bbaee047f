"""Ising problems: spins, couplings and fields, and what a configuration is worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.node_labels import Label

Spins = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class IsingProblem:
    """Minimise offset + sum h_i s_i + sum J_ij s_i s_j over n spins of -1 or 1. Arrays are read-only.

    Parameters
    ----------
    name : str
    kind : {"max-cut", "ising", "qubo"}
        ``max-cut``: the weight of a cut is what is asked for; its energy is minus that weight. ``qubo``: the file's
        variables are x = (1 + s) / 2, 0 or 1.
    first, second : int32[m]
        Spins of each pair, every pair once, first < second.
    coupling : float64[m]
        J.
    field : float64[n]
        h.
    offset : float
    labels : tuple of JSON values
        What the file calls each spin: numbers, texts, or tuples of such; no two alike.
    """

    name: str
    kind: Literal["max-cut", "ising", "qubo"]
    first: NDArray[np.int32]
    second: NDArray[np.int32]
    coupling: NDArray[np.float64]
    field: NDArray[np.float64]
    offset: float
    labels: tuple[Label, ...]

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def spins(self) -> int:
        """N."""
        return int(self.field.size)

    def energy(self, spins: Spins) -> NDArray[np.float64]:
        """Compute the energy of configurations, float64[k].

        Parameters
        ----------
        spins : int8[k, n]
            Each -1 or 1.
        """
        pairs = spins[:, self.first].astype(np.float64) * spins[:, self.second]
        found: NDArray[np.float64] = self.offset + spins @ self.field + pairs @ self.coupling
        # Minus zero is no energy.
        return found + 0.0

    def value(self, spins: Spins) -> NDArray[np.float64]:
        """Compute what is asked for, float64[k]: the weight of the cut, to be large, or the energy, to be small.

        Parameters
        ----------
        spins : int8[k, n]
        """
        if self.kind != "max-cut":
            return self.energy(spins)
        # By the edges that are cut: from the energy, the empty cut would come to what rounding leaves of 0.
        cut = spins[:, self.first] != spins[:, self.second]
        found: NDArray[np.float64] = cut @ (2 * self.coupling)
        return found + 0.0

    def assignment(self, spins: Spins) -> Spins:
        """Return what the file's variables are, int8 of the same shape: 0 and 1 of a QUBO, -1 and 1 of others.

        Parameters
        ----------
        spins : int8[...]
            Each -1 or 1.
        """
        return (spins + np.int8(1)) // np.int8(2) if self.kind == "qubo" else spins


def max_cut(
    name: str,
    first: NDArray[np.int32],
    second: NDArray[np.int32],
    weight: NDArray[np.float64],
    labels: tuple[Label, ...],
) -> IsingProblem:
    """Return the Ising problem whose energy is minus the weight of the cut: sum w_ij (s_i s_j - 1) / 2.

    Parameters
    ----------
    name : str
    first, second : int32[m]
        Vertices of each edge, every edge once, first < second.
    weight : float64[m]
    labels : tuple
        Of the vertices.
    """
    return IsingProblem(
        name, "max-cut", first, second, weight / 2, np.zeros(len(labels)), -float(weight.sum()) / 2, labels
    )
