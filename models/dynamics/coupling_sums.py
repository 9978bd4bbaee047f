"""Sums over the couplings of a sparse graph as compiled kernels, forward and backward, for batches of samples.

The batch is the innermost axis, so that a coupling's weight is loaded once for all samples. Couplings are taken four at
a time: what they add to a node is then loaded and stored once, not four times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.kernels import kernel

TOGETHER = 4
"""Couplings that the kernels take at a time."""

REORDERED = {"reassoc", "contract", "nsz"}
"""Sums may be taken in another order, which makes them vector instructions; NaN and infinity stay what they are."""


class WeightedCouplings(NamedTuple):
    """A `CouplingTable` with weights, as the kernels take it.

    Parameters
    ----------
    counts : int32[N]
    other : int32[N, D]
        Of the table.
    weight : float[N, D]
        Arranged by it.
    """

    counts: NDArray[np.int32]
    other: NDArray[np.int32]
    weight: NDArray[Any]


@dataclass(frozen=True, eq=False)
class CouplingTable:
    """Couplings node by node, either those into each node or those out of it. Arrays are read-only.

    Parameters
    ----------
    count : int32[N]
        Entries of each node, a multiple of `TOGETHER`.
    other : int32[N, D]
        Node at the other end of each; entries that only fill up name the node itself.
    edge : int64[N, D]
        Number of the coupling; E for entries that only fill up.
    edges : int
        E.
    """

    count: NDArray[np.int32]
    other: NDArray[np.int32]
    edge: NDArray[np.int64]
    edges: int

    def __post_init__(self) -> None:
        freeze(self)

    def arrange(self, weight: NDArray[Any]) -> NDArray[Any]:
        """Return weights in the order of the table.

        Parameters
        ----------
        weight : float[E]

        Returns
        -------
        float[N, D]
            Of the dtype of the weights; zero in entries that only fill up.
        """
        return np.append(weight, weight.dtype.type(0))[self.edge]

    def weighted(self, weight: NDArray[Any]) -> WeightedCouplings:
        """Return the table with weights.

        Parameters
        ----------
        weight : float[E]
        """
        return WeightedCouplings(self.count, self.other, self.arrange(weight))

    def collect(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return what stands in the entry of each coupling: the inverse of `arrange`.

        Parameters
        ----------
        values : float[N, D]

        Returns
        -------
        float[E]
        """
        collected = np.empty(self.edges + 1, dtype=values.dtype)
        collected[self.edge] = values
        return collected[:-1]


def tabulate(own: NDArray[np.integer[Any]], other: NDArray[np.integer[Any]], nodes: int) -> CouplingTable:
    """Return the couplings of each node, in the order in which they are given.

    Parameters
    ----------
    own : int[E]
        The node in whose row a coupling goes: its destination for the couplings into a node, its source for those out.
    other : int[E]
        Its other end.
    nodes : int
        N.
    """
    edges = len(own)
    degree = np.bincount(own, minlength=nodes)
    count = -(-degree // TOGETHER) * TOGETHER
    width = max(TOGETHER, int(count.max(initial=0)))
    table = np.repeat(np.arange(nodes, dtype=np.int32)[:, None], width, axis=1)
    edge = np.full((nodes, width), edges, dtype=np.int64)
    order = np.argsort(own, kind="stable")
    rows = own[order]
    places = np.arange(edges) - (np.cumsum(degree) - degree)[rows]
    table[rows, places] = other[order]
    edge[rows, places] = order
    return CouplingTable(count.astype(np.int32), table, edge, edges)


@kernel(nogil=True, fastmath=REORDERED)
def add_couplings(signals, couplings, sums):  # type: ignore[no-untyped-def]
    """Sum, for each node, the weighted signals of the nodes that couple into it.

    Parameters
    ----------
    signals : float[S, N, B]
    couplings : WeightedCouplings
        By destination.
    sums : float[S, N, B]
        Overwritten: sums[s, i, b] = sum_j weight_ij signals[s, j, b].
    """
    count, other, weight = couplings
    batch = signals.shape[2]
    for i in range(signals.shape[1]):
        for s in range(signals.shape[0]):
            into = sums[s, i]
            into[:] = 0
            for e in range(0, count[i], TOGETHER):
                k0, k1, k2, k3 = weight[i, e], weight[i, e + 1], weight[i, e + 2], weight[i, e + 3]
                x0, x1 = signals[s, other[i, e]], signals[s, other[i, e + 1]]
                x2, x3 = signals[s, other[i, e + 2]], signals[s, other[i, e + 3]]
                for b in range(batch):
                    into[b] += k0 * x0[b] + k1 * x1[b] + k2 * x2[b] + k3 * x3[b]


@kernel(nogil=True, fastmath=REORDERED)
def add_couplings_vjp(signals, slopes, couplings, signal_slopes, weight_slopes):  # type: ignore[no-untyped-def]
    """Compute the gradient of a loss through `add_couplings`.

    Parameters
    ----------
    signals : float[S, N, B]
    slopes : float[S, N, B]
        Derivative of the loss with respect to the sums.
    couplings : WeightedCouplings
        By source.
    signal_slopes : float[S, N, B]
        Overwritten: the derivative with respect to the signals.
    weight_slopes : float[N, D]
        Added to: the derivative with respect to the weights, in the order of their table.
    """
    count, other, weight = couplings
    batch = signals.shape[2]
    for j in range(signals.shape[1]):
        for s in range(signals.shape[0]):
            signal_slopes[s, j, :] = 0
        for e in range(0, count[j], TOGETHER):
            k0, k1, k2, k3 = weight[j, e], weight[j, e + 1], weight[j, e + 2], weight[j, e + 3]
            i0, i1, i2, i3 = other[j, e], other[j, e + 1], other[j, e + 2], other[j, e + 3]
            for s in range(signals.shape[0]):
                x, into = signals[s, j], signal_slopes[s, j]
                g0, g1, g2, g3 = slopes[s, i0], slopes[s, i1], slopes[s, i2], slopes[s, i3]
                # Of the arrays' type: a literal would make the sums double.
                w0 = w1 = w2 = w3 = weight[j, e] - weight[j, e]
                for b in range(batch):
                    value = x[b]
                    into[b] += k0 * g0[b] + k1 * g1[b] + k2 * g2[b] + k3 * g3[b]
                    w0 += value * g0[b]
                    w1 += value * g1[b]
                    w2 += value * g2[b]
                    w3 += value * g3[b]
                weight_slopes[j, e] += w0
                weight_slopes[j, e + 1] += w1
                weight_slopes[j, e + 2] += w2
                weight_slopes[j, e + 3] += w3
