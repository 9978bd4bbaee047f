"""The moves of the embedder: chains torn up and laid anew over a host graph; compiled.

A chain is a connected set of cells; the chains are `oscc.compiler.copies.chains.Chains`, which the kernels change.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import kernel
from oscc.compiler.copies.chains import Chains
from oscc.compiler.ir.adjacency import Adjacency

FORBIDDEN = 1e18
"""Weight of a cell that a chain must not take."""


class Ground(NamedTuple):
    """Where chains may lie, the same for all of them.

    Parameters
    ----------
    columns : int
        Of the grid.
    roots : bool[2, P]
        Cells that may be the root of a node that is not read out, and of one that is.
    read : int32[N]
        1 for nodes that are read out.
    margin : int
        Cells around the neighbours' chains that are looked at first; the whole grid where that gives nothing.
    """

    columns: int
    roots: NDArray[np.bool_]
    read: NDArray[np.int32]
    margin: int


class Weights(NamedTuple):
    """What cells weigh: (1 + history) base^fill.

    Parameters
    ----------
    history : float64[P]
    base : float
        0 forbids cells that are taken.
    seed : int
        Of the choice among equals.
    """

    history: NDArray[np.float64]
    base: float
    seed: int


class _Heap(NamedTuple):
    """Room for a binary heap.

    Parameters
    ----------
    keys : float64[k]
    items : int32[k]
    """

    keys: NDArray[np.float64]
    items: NDArray[np.int32]


@kernel()
def _push(heap, size, key, item) -> int:  # type: ignore[no-untyped-def]
    """Put into a binary heap."""
    keys, items = heap
    place = size
    while place > 0:
        above = (place - 1) // 2
        if keys[above] <= key:
            break
        keys[place], items[place] = keys[above], items[above]
        place = above
    keys[place], items[place] = key, item
    return size + 1  # type: ignore[no-any-return]


@kernel()
def _sink(heap, size) -> int:  # type: ignore[no-untyped-def]
    """Take the smallest out of a binary heap, after it was read."""
    keys, items = heap
    size -= 1
    key, item = keys[size], items[size]
    place = 0
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[place], items[place] = keys[below], items[below]
        place = below
    keys[place], items[place] = key, item
    return size  # type: ignore[no-any-return]


@kernel()
def _spread(  # type: ignore[no-untyped-def]
    cells, host, columns, box, weight, distance, parent, heap
) -> None:
    """Compute Dijkstra's distances from a set of cells to all cells of a box: the weights of the cells between."""
    host_first, host_neighbour = host
    size = 0
    for cell in cells:
        distance[cell] = 0.0
        parent[cell] = -1
        size = _push(heap, size, 0.0, cell)
    while size > 0:
        reached, cell = heap.keys[0], heap.items[0]
        size = _sink(heap, size)
        if reached > distance[cell]:
            continue
        onward = reached if parent[cell] < 0 else reached + weight[cell]
        if onward >= FORBIDDEN:
            continue
        for place in range(host_first[cell], host_first[cell + 1]):
            other = host_neighbour[place]
            if onward >= distance[other]:
                continue
            row, col = other // columns, other % columns
            if row < box[0] or row > box[1] or col < box[2] or col > box[3]:
                continue
            distance[other] = onward
            parent[other] = cell
            size = _push(heap, size, onward, other)


@kernel()
def _joined(host, cell, other) -> bool:  # type: ignore[no-untyped-def]
    """Return whether two cells can be coupled."""
    host_first, host_neighbour = host
    low, high = host_first[cell], host_first[cell + 1]
    while low < high:
        middle = (low + high) // 2
        if host_neighbour[middle] < other:
            low = middle + 1
        else:
            high = middle
    return low < host_first[cell + 1] and host_neighbour[low] == other  # type: ignore[no-any-return]


@kernel()
def _touches(host, one, other, without) -> bool:  # type: ignore[no-untyped-def]
    """Return whether two sets of cells can be coupled, without one cell of the first."""
    for cell in one:
        if cell == without:
            continue
        for near in other:
            if _joined(host, cell, near):
                return True
    return False


@kernel()
def _connected(host, cells, without, seen) -> bool:  # type: ignore[no-untyped-def]
    """Return whether a set of cells hangs together without one of them."""
    count = cells.size
    queue = np.empty(count, np.int32)
    head, tail = 0, 0
    for place in range(count):
        seen[place] = cells[place] == without
        if tail == 0 and not seen[place]:
            queue[0], tail = place, 1
            seen[place] = True
    while head < tail:
        cell = cells[queue[head]]
        head += 1
        for place in range(count):
            if not seen[place] and _joined(host, cell, cells[place]):
                seen[place] = True
                queue[tail] = place
                tail += 1
    return tail == count - 1  # type: ignore[no-any-return]


@kernel()
def trim(node: int, adjacency: Adjacency, host: Adjacency, chains: Chains) -> None:
    """Take cells that it does not need out of a chain: all but its root, the fullest cells first.

    Parameters
    ----------
    node : int
    adjacency : Adjacency
        Of the nodes.
    host : Adjacency
        Of the cells.
    chains : Chains
        Changed.
    """
    first, neighbour = adjacency
    chain, length, fill = chains
    seen = np.empty(max(1, length[node]), np.bool_)
    while length[node] > 1:
        found = -1
        for place in range(length[node] - 1, 0, -1):
            if found >= 0 and fill[chain[node, place]] <= fill[chain[node, found]]:
                continue
            cells = chain[node, : length[node]]
            gone = cells[place]
            if not _connected(host, cells, gone, seen):
                continue
            needed = False
            for spot in range(first[node], first[node + 1]):
                other = neighbour[spot]
                if length[other] == 0 or not _touches(host, cells, chain[other, : length[other]], -1):
                    continue
                if not _touches(host, cells, chain[other, : length[other]], gone):
                    needed = True
                    break
            if not needed:
                found = place
        if found < 0:
            break
        fill[chain[node, found]] -= 1
        for place in range(found, length[node] - 1):
            chain[node, place] = chain[node, place + 1]
        length[node] -= 1


@kernel()
def lay_chains(
    nodes: NDArray[np.int32],
    adjacency: Adjacency,
    host: Adjacency,
    chains: Chains,
    ground: Ground,
    weights: Weights,
) -> None:
    """Tear up the chains of nodes, one after another, and lay each anew at the least weight.

    Every neighbour that has a chain sends distances out from it; the root is the cell with the least sum, and the chain
    grows from it to one neighbour after another (J. Cai, W. Macready and A. Roy, A practical heuristic for finding
    graph minors, arXiv 1406.2741).

    Parameters
    ----------
    nodes : int32[k]
        In this order.
    adjacency : Adjacency
        Of the nodes.
    host : Adjacency
        Of the cells.
    chains : Chains
        Changed. A chain that would need more than L cells stays as it was.
    ground : Ground
    weights : Weights
    """
    first, neighbour = adjacency
    chain, length, fill = chains
    columns, roots, read, margin = ground
    history, base, seed = weights
    np.random.seed(seed)  # noqa: NPY002 - numba's own generator, which is the compiled function's alone
    cells = host.first.size - 1
    rows = cells // columns
    # In plain loops, and a copy rather than a list below: numpy's own functions take seconds to compile.
    most = 1
    for node in range(first.size - 1):
        most = max(most, first[node + 1] - first[node])
    distance = np.empty((most, cells), np.float64)
    parent = np.empty((most, cells), np.int32)
    weight = np.empty(cells, np.float64)
    room = host.neighbour.size + cells
    heap = _Heap(np.empty(room, np.float64), np.empty(room, np.int32))
    mark = np.zeros(cells, np.bool_)
    old = np.empty(chain.shape[1], np.int32)
    box = np.empty(4, np.int64)
    for node in nodes:
        old_length = length[node]
        old[:old_length] = chain[node, :old_length]
        for place in range(old_length):
            fill[old[place]] -= 1
        length[node] = 0
        for cell in range(cells):
            if base == 0.0:
                weight[cell] = 1.0 if fill[cell] == 0 else FORBIDDEN
            else:
                weight[cell] = (1.0 + history[cell]) * base ** fill[cell]
        count = 0
        box[0], box[1], box[2], box[3] = rows, -1, columns, -1
        for spot in range(first[node], first[node + 1]):
            other = neighbour[spot]
            count += length[other] > 0
            for place in range(length[other]):
                row, col = chain[other, place] // columns, chain[other, place] % columns
                box[0], box[1] = min(box[0], row), max(box[1], row)
                box[2], box[3] = min(box[2], col), max(box[3], col)
        root = -1
        best = FORBIDDEN
        for attempt in range(2):
            if attempt == 1 or count == 0:
                box[0], box[1], box[2], box[3] = 0, rows - 1, 0, columns - 1
            else:
                box[0], box[1] = max(0, box[0] - margin), min(rows - 1, box[1] + margin)
                box[2], box[3] = max(0, box[2] - margin), min(columns - 1, box[3] + margin)
            used = 0
            for spot in range(first[node], first[node + 1]):
                other = neighbour[spot]
                if length[other] == 0:
                    continue
                for row in range(box[0], box[1] + 1):
                    for cell in range(row * columns + box[2], row * columns + box[3] + 1):
                        distance[used, cell] = FORBIDDEN
                own = chain[other, : length[other]]
                _spread(own, host, columns, box, weight, distance[used], parent[used], heap)
                used += 1
            equals = 0
            for row in range(box[0], box[1] + 1):
                for cell in range(row * columns + box[2], row * columns + box[3] + 1):
                    if not roots[read[node], cell]:
                        continue
                    total = weight[cell]
                    for way in range(used):
                        if total > best:
                            break
                        total += distance[way, cell]
                    if total < best:
                        root, best, equals = cell, total, 1
                    elif total == best and total < FORBIDDEN:
                        equals += 1
                        if np.random.randint(equals) == 0:  # noqa: NPY002
                            root = cell
            if root >= 0:
                break
        long = False
        if root >= 0:
            chain[node, 0] = root
            length[node] = 1
            mark[root] = True
            # The nearest first: its way may serve the others.
            order = np.argsort(distance[:count, root].copy())
            for way in order:
                start = root
                for place in range(length[node]):
                    if distance[way, chain[node, place]] < distance[way, start]:
                        start = chain[node, place]
                cell = parent[way, start]
                while cell >= 0 and parent[way, cell] >= 0:
                    if not mark[cell]:
                        if length[node] == chain.shape[1]:
                            long = True
                            break
                        mark[cell] = True
                        chain[node, length[node]] = cell
                        length[node] += 1
                    cell = parent[way, cell]
            for place in range(length[node]):
                mark[chain[node, place]] = False
        if root < 0 or long:
            length[node] = old_length
            chain[node, :old_length] = old[:old_length]
        for place in range(length[node]):
            fill[chain[node, place]] += 1
        if root >= 0 and not long:
            trim(node, adjacency, host, chains)


@kernel()
def unmet(adjacency: Adjacency, host: Adjacency, chains: Chains) -> NDArray[np.int32]:
    """Count what is wrong with each chain, int32[N]: cells that it shares, and neighbours that it does not reach.

    Parameters
    ----------
    adjacency : Adjacency
        Of the nodes.
    host : Adjacency
        Of the cells.
    chains : Chains
    """
    first, neighbour = adjacency
    chain, length, fill = chains
    nodes = first.size - 1
    wrong = np.zeros(nodes, np.int32)
    for node in range(nodes):
        cells = chain[node, : length[node]]
        wrong[node] = length[node] == 0
        for cell in cells:
            wrong[node] += fill[cell] > 1
        for spot in range(first[node], first[node + 1]):
            other = neighbour[spot]
            wrong[node] += not _touches(host, cells, chain[other, : length[other]], -1)
    return wrong
