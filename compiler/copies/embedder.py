"""Embedding: a connected set of cells for every node, such that coupled nodes have cells that can be coupled.

The graph that is embedded is a minor of the core's host graph. Finding one is hard in general; this is a heuristic in
the manner of J. Cai, W. Macready and A. Roy, A practical heuristic for finding graph minors (arXiv 1406.2741): chains
are torn up and laid anew, one after another, over cells that weigh the more the more chains share them. It begins with
placements that annealing came to, in which most couplings are near already, with room between the nodes.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.kernels import run_kernel
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.copies.pieces import in_pieces, least_copies
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.anneal import anneal
from oscc.compiler.place.problem import PlacementProblem
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

LONGEST = 128
"""Most cells of a chain."""

SPACINGS = (1.0, 1.34, 1.67, 2.0, 3.0, 4.0)
"""Distances between the cells of neighbours in the placements that it begins with: room for chains between them."""

PIECES = (1.0, 1.5, 2.0)
"""Of a node with more neighbours than there are cells near a cell, relative to those that it needs at least."""

ROUNDS = (40, 160)
"""Times that chains at fault are laid anew: with spacing 1, and with another."""

PATIENCE = 50
"""Rounds without fewer nodes at fault after which a start is given up."""

FIRST_BASE, BASE_STEP, MOST_BASE = 2.0, 1.05, 64.0
"""Weight of a cell for each chain on it: in the first round, its growth from round to round, its most."""

HISTORY = 1.0
"""Added to the weight of a cell for each round that ends with several chains on it."""

MARGIN = 6
"""Cells around a node's neighbours in which its chain is laid, where it can be."""

SHORTENINGS = 8
"""Times that all chains are laid anew over free cells, once nothing is at fault."""

MOVES_PER_NODE = 4000
"""Of the annealing that a start comes from: a good one is not needed."""


@dataclass(frozen=True, eq=False)
class Embedding:
    """The best chains that were found. Arrays are read-only.

    Parameters
    ----------
    first : int32[N + 1]
        Cells of node n are ``cell[first[n] : first[n + 1]]``, the root first: the one that is read.
    cell : int32[K]
        Numbers of cells of the `HostGraph`.
    at_fault : int
        Nodes whose chain is missing, shares a cell, or lacks a neighbour; 0 for an embedding.
    rounds : int
        That were made.
    complete : bool
        Whether neither time nor an interrupt ended the search.
    """

    first: NDArray[np.int32]
    cell: NDArray[np.int32]
    at_fault: int
    rounds: int
    complete: bool

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def found(self) -> bool:
        """Whether this is an embedding."""
        return self.at_fault == 0

    def lengths(self) -> NDArray[np.int32]:
        """Return cells of each node, int32[N]."""
        return np.diff(self.first)


def embed(
    graph: CouplingGraph,
    core: CoreSpec,
    *,
    seed: int = 0,
    timeout_s: float | None = None,
    report: Callable[[str, float], None] | None = None,
) -> Embedding:
    """Find chains for all nodes of a model (minor embedding).

    Nodes that are read out have their root on a readable cell. An interrupt from the keyboard ends the search with the
    best so far, as the end of the time does.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    seed : int
        The same seed gives the same chains, unless time or an interrupt ends the search.
    timeout_s : float, optional
        Seconds after which no further round is begun.
    report : callable, optional
        Called with what is being done and how far it is, 0 to 1.
    """
    host, problem = HostGraph.of(core), PlacementProblem.of(graph, core)
    ends = np.inf if timeout_s is None else time.monotonic() + timeout_s
    search = _Search(problem, host, graph, seed, ends, report)
    best: Embedding | None = None
    try:
        for start, chains in enumerate(_starts(graph, core, host, seed, ends)):
            found = search.run(chains, start, ROUNDS[min(start, 1)])
            _LOG.info(
                "chains from start %d: %d nodes at fault, %d cells, after %d rounds",
                start,
                found.at_fault,
                found.cell.size,
                found.rounds,
            )
            if best is None or _quality(found) < _quality(best):
                best = found
            if best.found or not found.complete:
                break
    except KeyboardInterrupt:
        # Between two searches: what there is stands.
        stopped = _no_chains(graph, host).packed(graph.nodes, 0, complete=False)
        return stopped if best is None else replace(best, complete=False)
    return best if best is not None else _no_chains(graph, host).packed(graph.nodes, 0, complete=True)


def _quality(found: Embedding) -> tuple[int, int]:
    return found.at_fault, found.cell.size


@dataclass(eq=False)
class _Chains:
    """Chains while they change: cells of each node, how many, and chains on each cell."""

    chain: NDArray[np.int32]
    length: NDArray[np.int32]
    fill: NDArray[np.int32]

    def packed(self, at_fault: int, rounds: int, complete: bool) -> Embedding:
        first = np.concatenate([[0], np.cumsum(self.length)]).astype(np.int32)
        kept = np.arange(self.chain.shape[1]) < self.length[:, None]
        return Embedding(first, self.chain[kept].astype(np.int32), at_fault, rounds, complete)


def _no_chains(graph: CouplingGraph, host: HostGraph) -> _Chains:
    return _Chains(
        np.full((graph.nodes, min(LONGEST, host.cells)), -1, dtype=np.int32),
        np.zeros(graph.nodes, dtype=np.int32),
        np.zeros(host.cells, dtype=np.int32),
    )


def _starts(graph: CouplingGraph, core: CoreSpec, host: HostGraph, seed: int, ends: float) -> Iterator[_Chains]:
    """Yield chains to begin with: placements with more and more room between the nodes, then crossing lines.

    Before them, of a model that has nodes with more neighbours than there are cells near a cell, placements of these in
    pieces.

    Raises
    ------
    KeyboardInterrupt
        Also for one that ended an annealing, which keeps it to itself.
    """
    first = _spaced(graph, core, SPACINGS[0], seed, ends)
    if first is not None:
        yield from _pieces_starts(graph, core, host, first, seed, ends)
    for spacing in SPACINGS:
        cell = first if spacing == SPACINGS[0] else _spaced(graph, core, spacing, seed, ends)
        if cell is not None:
            chains = _no_chains(graph, host)
            chains.chain[:, 0] = cell
            chains.length[:] = 1
            np.add.at(chains.fill, cell, 1)
            yield chains
    lines = crossing_lines(host, graph.nodes)
    if lines is not None and max(map(len, lines)) <= LONGEST:
        chains = _no_chains(graph, host)
        for node, line in enumerate(lines):
            chains.chain[node, : len(line)] = line
            chains.length[node] = len(line)
            chains.fill[line] += 1
        problem = PlacementProblem.of(graph, core)
        for node in range(graph.nodes):
            _trim(node, problem, host, chains)
        yield chains


def _spaced(graph: CouplingGraph, core: CoreSpec, spacing: float, seed: int, ends: float) -> NDArray[np.int32] | None:
    """Return cells of a placement on every so many rows and columns of the core, int32[N]; None when they are too few.

    Dead cells, and cells that cannot be read, are met only with spacing 1: what begins there is laid anew.
    """
    rows, cols = int(core.rows / spacing), int(core.cols / spacing)
    if rows * cols < graph.nodes:
        return None
    coarse = core
    if spacing > 1:
        coarse = core.changed(grid=[rows, cols], defects={}, readout={})
    search = Search(seed, None if ends == np.inf else ends)
    placed = anneal(graph, coarse, search, attempts=1, moves=MOVES_PER_NODE * graph.nodes)
    if not placed.complete and time.monotonic() < ends:
        raise KeyboardInterrupt
    if placed.cell is None:
        return None
    # Different cells stay different, since rows and columns are drawn apart by more than 1.
    row, col = np.floor((placed.cell.T + 0.5) * spacing).astype(np.int32)
    cell: NDArray[np.int32] = row * np.int32(core.cols) + col
    return cell


def _pieces_starts(
    graph: CouplingGraph, core: CoreSpec, host: HostGraph, cell: NDArray[np.int32], seed: int, ends: float
) -> Iterator[_Chains]:
    """Yield chains of nodes that need some, from the shortest; only those with room for all, where there are any."""
    least = least_copies(graph, core)
    if least.max(initial=1) == 1:
        return
    problem = PlacementProblem.of(graph, core)
    crowded = []
    for factor in PIECES:
        pieces = np.where(least > 1, np.ceil(factor * least), 1).astype(np.int64)
        chains = _in_pieces(graph, core, host, pieces, cell, seed, ends)
        if chains is None:
            continue
        if not _unmet(problem, host, chains).any():
            yield chains
            return
        crowded.append(chains)
    yield from crowded


def _in_pieces(
    graph: CouplingGraph,
    core: CoreSpec,
    host: HostGraph,
    pieces: NDArray[np.int64],
    cell: NDArray[np.int32],
    seed: int,
    ends: float,
) -> _Chains | None:
    """Return chains of a placement of the pieces of nodes; None when the cells are too few for these."""
    split, owner = in_pieces(graph, pieces, host.positions(cell))
    placed = None if pieces.max() > LONGEST or owner.size > core.cells else _spaced(split, core, 1.0, seed, ends)
    if placed is None:
        return None
    chains = _no_chains(graph, host)
    for piece, node in enumerate(owner.tolist()):
        length = chains.length[node]
        # What does not hang together is no chain.
        so_far = chains.chain[node, :length]
        if piece < graph.nodes or np.isin(host.near(placed[piece]), so_far).any():
            chains.chain[node, length] = placed[piece]
            chains.length[node] += 1
            chains.fill[placed[piece]] += 1
    return chains


def crossing_lines(host: HostGraph, nodes: int) -> list[list[int]] | None:
    """Return cells of chains that all meet each other, for dense graphs; None where the host has no room for them.

    Chain i takes every second cell of row i up to the diagonal, and every second cell of column i from there on, so
    that rows take the cells whose row and column add up to an even number, and columns the others. Where column i
    crosses row j, one of the two has a cell, and the other has one beside it.

    Parameters
    ----------
    host : HostGraph
        Whose cells must be joined to those one and two cells away, along rows and columns.
    nodes : int
    """
    rows, cols = host.grid
    if nodes > min(rows, cols) or nodes < 2:
        return None
    chains = []
    for node in range(nodes):
        along = [node * cols + col for col in range(node % 2, node + 1, 2)]
        down = [row * cols + node for row in range(node + 1, nodes, 2)]
        chains.append(along + down)
    joined = {(one, other) for one, other in zip(*(end.tolist() for end in host.pairs()), strict=True)}
    whole = all(pair in joined for chain in chains for pair in itertools.pairwise(chain))
    return chains if whole and all(host.usable[chain].all() for chain in chains) else None


@dataclass(eq=False)
class _Search:
    """Rounds of tearing up and laying anew."""

    problem: PlacementProblem
    host: HostGraph
    graph: CouplingGraph
    seed: int
    ends: float
    report: Callable[[str, float], None] | None

    def run(self, chains: _Chains, start: int, most_rounds: int) -> Embedding:
        """Return the best chains from a start."""
        problem, host = self.problem, self.host
        read = np.zeros(problem.nodes, dtype=np.int32)
        read[self.graph.readout] = 1
        roots = np.stack([host.usable, host.readable])
        history = np.zeros(host.cells)
        best: Embedding | None = None
        base = FIRST_BASE
        rounds = last = 0
        try:
            for rounds in range(1, most_rounds + 1):
                wrong = self._wrong(chains)
                if not wrong.any():
                    break
                if best is None or np.count_nonzero(wrong) < best.at_fault:
                    best = chains.packed(int(np.count_nonzero(wrong)), rounds - 1, complete=False)
                    last = rounds
                if rounds > last + PATIENCE:
                    break
                if time.monotonic() >= self.ends:
                    return best
                if self.report is not None:
                    self.report(f"laying chains, {np.count_nonzero(wrong)} nodes at fault", rounds / most_rounds)
                history += HISTORY * (chains.fill > 1)
                self._lay(self._order(wrong, start, rounds), chains, roots, read, history, base, (start, rounds))
                base = min(MOST_BASE, base * BASE_STEP)
            wrong = self._wrong(chains)
            if not wrong.any():
                return self._shortened(chains, roots, read, history, rounds, start)
        except KeyboardInterrupt:
            if best is None:
                raise
            return best
        assert best is not None
        return Embedding(best.first, best.cell, best.at_fault, rounds, complete=True)

    def _shortened(
        self,
        chains: _Chains,
        roots: NDArray[np.bool_],
        read: NDArray[np.int32],
        history: NDArray[np.float64],
        rounds: int,
        start: int,
    ) -> Embedding:
        """Return an embedding with its chains laid anew over free cells, which never makes it longer."""
        best = chains.packed(0, rounds, complete=True)
        everyone = np.ones(self.problem.nodes, dtype=np.int32)
        # After an interrupt, what was found is found, if longer than it could be.
        with suppress(KeyboardInterrupt):
            for again in range(SHORTENINGS):
                if time.monotonic() >= self.ends:
                    break
                order = self._order(everyone, start, ROUNDS[-1] + again + 1)
                self._lay(order, chains, roots, read, history, 0.0, (start, ROUNDS[-1] + again))
                if self._wrong(chains).any():
                    break
                now = chains.packed(0, rounds, complete=True)
                if now.cell.size >= best.cell.size:
                    break
                best = now
        return best

    def _order(self, wrong: NDArray[np.int32], start: int, rounds: int) -> NDArray[np.int32]:
        """Return nodes to lay anew: those at fault, and every third round all, since others may be in their way."""
        random = np.random.default_rng([self.seed, start, rounds])
        chosen = np.flatnonzero(wrong) if rounds % 3 else np.arange(self.problem.nodes)
        return random.permutation(chosen).astype(np.int32)

    def _lay(
        self,
        nodes: NDArray[np.int32],
        chains: _Chains,
        roots: NDArray[np.bool_],
        read: NDArray[np.int32],
        history: NDArray[np.float64],
        base: float,
        turn: tuple[int, int],
    ) -> None:
        from oscc.compiler.copies.embed_kernel import lay_chains

        if nodes.size == 0:
            return
        chance = int(np.random.SeedSequence([self.seed, *turn]).generate_state(1)[0])
        run_kernel(
            lay_chains,
            nodes,
            self.problem.first,
            self.problem.neighbour,
            self.host.first,
            self.host.neighbour,
            self.host.grid[1],
            roots,
            read,
            chains.chain,
            chains.length,
            chains.fill,
            history,
            base,
            MARGIN,
            chance,
        )

    def _wrong(self, chains: _Chains) -> NDArray[np.int32]:
        # Chains that were not laid by the kernel may lie on cells that it would not take.
        used = np.arange(chains.chain.shape[1]) < chains.length[:, None]
        root = chains.chain[:, 0]
        found: NDArray[np.int32] = np.count_nonzero(used & ~self.host.usable[chains.chain], axis=1).astype(np.int32)
        found[self.graph.readout] += ~self.host.readable[root[self.graph.readout]]
        found += _unmet(self.problem, self.host, chains)
        return found


def _unmet(problem: PlacementProblem, host: HostGraph, chains: _Chains) -> NDArray[np.int32]:
    from oscc.compiler.copies.embed_kernel import unmet

    given = (problem.first, problem.neighbour, host.first, host.neighbour)
    found: NDArray[np.int32] = run_kernel(unmet, *given, chains.chain, chains.length, chains.fill)
    return found


def _trim(node: int, problem: PlacementProblem, host: HostGraph, chains: _Chains) -> None:
    from oscc.compiler.copies.embed_kernel import trim

    trim(
        node,
        problem.first,
        problem.neighbour,
        host.first,
        host.neighbour,
        chains.chain,
        chains.length,
        chains.fill,
    )
