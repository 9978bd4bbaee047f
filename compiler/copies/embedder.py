"""Embedding: a connected set of cells for every node, such that coupled nodes have cells that can be coupled.

The graph that is embedded is a minor of the core's host graph. Finding one is hard in general; this is a heuristic in
the manner of J. Cai, W. Macready and A. Roy, A practical heuristic for finding graph minors (arXiv 1406.2741): chains
are torn up and laid anew, one after another, over cells that weigh the more the more chains share them. It begins with
placements that annealing came to, in which most couplings are near already, with room between the nodes.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from oscc.base.kernels import run_kernel
from oscc.compiler.copies.chains import Chains, Embedding
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.copies.hubs import hubs_of, spread
from oscc.compiler.copies.starts import Starts, unmet_of
from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.search import UNLIMITED, Search
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)

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


def embed(graph: CouplingGraph, core: CoreSpec, search: Search = UNLIMITED) -> Embedding:
    """Find chains for all nodes of a model.

    Nodes that are read out have their root on a readable cell. An interrupt from the keyboard ends the search with the
    best so far, as the end of the time does.

    Parameters
    ----------
    graph : CouplingGraph
        Positions do not matter.
    core : CoreSpec
    search : Search
    """
    host, adjacency = HostGraph.of(core), Adjacency.in_graph(graph)
    starts = Starts(graph, core, adjacency, host, search.silent())
    rounds = _Rounds(adjacency, host, graph.readout, search)
    best: Embedding | None = None
    try:
        for start, chains in enumerate(starts.chains()):
            found = rounds.run(chains, start, ROUNDS[min(start, 1)])
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
        stopped = Chains.none(graph.nodes, host).packed(graph.nodes, 0, complete=False)
        return stopped if best is None else replace(best, complete=False)
    return best if best is not None else Chains.none(graph.nodes, host).packed(graph.nodes, 0, complete=True)


def _quality(found: Embedding) -> tuple[int, int]:
    return found.at_fault, found.cell.size


@dataclass(frozen=True, eq=False)
class _Rounds:
    """Rounds of tearing up and laying anew.

    Parameters
    ----------
    adjacency : Adjacency
    host : HostGraph
    readout : int32[pixels]
        Nodes that are read out.
    search : Search
    """

    adjacency: Adjacency
    host: HostGraph
    readout: NDArray[np.int32]
    search: Search

    def run(self, chains: Chains, start: int, most_rounds: int) -> Embedding:
        """Return the best chains from a start.

        Parameters
        ----------
        chains : Chains
            Changed.
        start : int
            Its number, of which the random choices depend.
        most_rounds : int
        """
        history = np.zeros(self.host.cells)
        best: Embedding | None = None
        base = FIRST_BASE
        rounds = last = 0
        try:
            for rounds in range(1, most_rounds + 1):
                wrong = self._wrong(chains)
                at_fault = int(np.count_nonzero(wrong))
                if at_fault == 0:
                    break
                if best is None or at_fault < best.at_fault:
                    best = chains.packed(at_fault, rounds - 1, complete=False)
                    last = rounds
                if rounds > last + PATIENCE:
                    break
                if self.search.is_over():
                    return best
                self.search.tell(f"laying chains, {at_fault} nodes at fault", rounds / most_rounds)
                history = history + HISTORY * (chains.fill > 1)
                self._lay(self._order(wrong, start, rounds), chains, history, base, (start, rounds))
                base = min(MOST_BASE, base * BASE_STEP)
            if not self._wrong(chains).any():
                return self._shortened(chains, rounds, start)
        except KeyboardInterrupt:
            if best is None:
                raise
            return best
        assert best is not None
        return replace(best, rounds=rounds, complete=True)

    def _shortened(self, chains: Chains, rounds: int, start: int) -> Embedding:
        """Return an embedding with its chains laid anew over free cells, which never makes it longer."""
        chains = self._with_hubs_spread(chains)
        best = chains.packed(0, rounds, complete=True)
        everyone = np.ones(self.adjacency.nodes, dtype=np.int32)
        # After an interrupt, what was found is found, if longer than it could be.
        with suppress(KeyboardInterrupt):
            for again in range(SHORTENINGS):
                if self.search.is_over():
                    break
                order = self._order(everyone, start, ROUNDS[-1] + again + 1)
                self._lay(order, chains, np.zeros(self.host.cells), 0.0, (start, ROUNDS[-1] + again))
                if self._wrong(chains).any():
                    break
                now = chains.packed(0, rounds, complete=True)
                if now.cell.size >= best.cell.size:
                    break
                best = now
        return best

    def _with_hubs_spread(self, chains: Chains) -> Chains:
        """Return an embedding in which each hub that has fewer cells so is laid where there is room for its leaves."""
        read = np.zeros(self.adjacency.nodes, dtype=bool)
        read[self.readout] = True
        for node in hubs_of(self.adjacency, self.host):
            made = spread(node, self.adjacency, self.host, read, chains)
            if made is not None and made.length.sum() < chains.length.sum() and not self._wrong(made).any():
                chains = made
        return chains

    def _order(self, wrong: NDArray[np.int32], start: int, rounds: int) -> NDArray[np.int32]:
        """Return the nodes to lay anew: those at fault, and every third round all, which may be in their way."""
        random = np.random.default_rng([self.search.seed, start, rounds])
        chosen = np.flatnonzero(wrong) if rounds % 3 else np.arange(self.adjacency.nodes)
        return random.permutation(chosen).astype(np.int32)

    def _lay(
        self,
        nodes: NDArray[np.int32],
        chains: Chains,
        history: NDArray[np.float64],
        base: float,
        turn: tuple[int, int],
    ) -> None:
        from oscc.compiler.copies.embed_kernel import Ground, Weights, lay_chains

        if nodes.size == 0:
            return
        read = np.zeros(self.adjacency.nodes, dtype=np.int32)
        read[self.readout] = 1
        ground = Ground(self.host.grid[1], np.stack([self.host.usable, self.host.readable]), read, MARGIN)
        chance = int(np.random.SeedSequence([self.search.seed, *turn]).generate_state(1)[0])
        weights = Weights(history, base, chance)
        run_kernel(lay_chains, nodes, self.adjacency, self.host.adjacency, chains, ground, weights)

    def _wrong(self, chains: Chains) -> NDArray[np.int32]:
        """Count what is wrong with each chain, int32[N]."""
        # Chains that were not laid by the kernel may lie on cells that it would not take.
        used = np.arange(chains.chain.shape[1]) < chains.length[:, None]
        root = chains.chain[self.readout, 0]
        found: NDArray[np.int32] = np.count_nonzero(used & ~self.host.usable[chains.chain], axis=1).astype(np.int32)
        found[self.readout] += ~self.host.readable[root]
        found += unmet_of(self.adjacency, self.host, chains)
        return found
