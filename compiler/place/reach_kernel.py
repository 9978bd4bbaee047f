"""How many nodes are within some couplings of a node, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel
from oscc.compiler.ir.adjacency import Adjacency


@kernel()
def most_within(
    adjacency: Adjacency,
    counted: NDArray[np.bool_],
    start: NDArray[np.int32],
    steps: int,
    most_visits: int,
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the most counted nodes within 0, 1, ... steps of any of some nodes, by a breadth-first search from each.

    Parameters
    ----------
    adjacency : Adjacency
    counted : bool[N]
        Nodes that count; the steps lead over all of them.
    start : int32[n]
        Nodes to search from, in turn.
    steps : int
    most_visits : int
        Couplings that are looked at, after which no further search is begun.

    Returns
    -------
    most : int64[steps + 1]
        The node itself included, where it counts; less than the most where the visits ended it, and for steps after
        the last in which a search came to anything new.
    node : int32[steps + 1]
        From which so many are within reach; the first such.
    """
    first, neighbour = adjacency
    nodes = first.size - 1
    most, best = np.zeros(steps + 1, dtype=np.int64), np.zeros(steps + 1, dtype=np.int32)
    seen = np.full(nodes, -1, dtype=np.int32)
    queue = np.empty(nodes, dtype=np.int32)
    visits = 0
    for root in start:
        if visits > most_visits:
            break
        queue[0], seen[root] = root, root
        begin, end = 0, 1
        held = 1 if counted[root] else 0
        for step in range(steps + 1):
            if held > most[step]:
                most[step], best[step] = held, root
            last = end
            for place in range(begin, last):
                for other in neighbour[first[queue[place]] : first[queue[place] + 1]]:
                    visits += 1
                    if seen[other] != root:
                        seen[other] = root
                        queue[end] = other
                        end += 1
                        if counted[other]:
                            held += 1
            if end == last:
                break
            begin = last
    return most, best
