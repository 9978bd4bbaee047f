"""Placement against minorminer: the same graphs on the same host graph, side by side.

Ours is what `oscc compile --copies` does: placers that need one cell for a node, then chains of copies. The peer is
minorminer.find_embedding (J. Cai, W. Macready and A. Roy, arXiv 1406.2741) with one thread. Both have the same limit of
time for each instance, and what either finds is checked here, edge by edge. Kernels are compiled before the clock runs.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import minorminer
import networkx as nx
import numpy as np

from oscc.compiler.copies.embedder import embed
from oscc.compiler.copies.host_graph import HostGraph
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.report import markdown_table

CORE = "ising-56x56"
Graph = Any
Chains = list[list[int]]


@dataclass(frozen=True)
class Kind:
    """A kind of graphs: its name, and how the one of a seed is made."""

    name: str
    make: Callable[[int], Graph]


def box(rows: int, cols: int, missing: float = 0.0) -> Callable[[int], Graph]:
    """The box-2 grid of a size, with a share of its couplings missing."""

    def make(seed: int) -> Graph:
        random = np.random.default_rng(seed)
        graph: Graph = nx.Graph()
        graph.add_nodes_from((row, col) for row in range(rows) for col in range(cols))
        for row, col in list(graph):
            for down, right in ((0, 1), (0, 2), *((a, b) for a in (1, 2) for b in range(-2, 3))):
                if (row + down, col + right) in graph and random.random() >= missing:
                    graph.add_edge((row, col), (row + down, col + right))
        return graph

    return make


def king(side: int) -> Callable[[int], Graph]:
    """The king's graph of a board."""
    return lambda _: nx.strong_product(nx.path_graph(side), nx.path_graph(side))


def torus(rows: int, cols: int) -> Callable[[int], Graph]:
    """The 4-regular torus."""
    return lambda _: nx.grid_2d_graph(rows, cols, periodic=True)


def geometric(nodes: int, degree: int) -> Callable[[int], Graph]:
    """A random geometric graph of a mean degree; of nodes with more than 24 neighbours, the longest couplings go."""

    def make(seed: int) -> Graph:
        graph = nx.random_geometric_graph(nodes, float(np.sqrt(degree / nodes / np.pi)), seed=seed)
        place = {node: np.array(graph.nodes[node]["pos"]) for node in graph}
        for node in graph:
            far = sorted(graph[node], key=lambda other: -float(np.linalg.norm(place[node] - place[other])))
            graph.remove_edges_from([(node, other) for other in far[: max(0, len(far) - 24)]])
        return graph

    return make


KINDS = (
    Kind("box-2, 10 x 10", box(10, 10)),
    Kind("box-2, 20 x 20", box(20, 20)),
    Kind("box-2, 25 x 40", box(25, 40)),
    Kind("box-2, 56 x 56", box(56, 56)),
    Kind("box-2, 20 x 20, a tenth of the couplings missing", box(20, 20, 0.1)),
    Kind("torus, 20 x 40", torus(20, 40)),
    Kind("king's graph, 10 x 10", king(10)),
    Kind("king's graph, 20 x 20", king(20)),
    Kind("king's graph, 50 x 50", king(50)),
    Kind("torus, 50 x 56", torus(50, 56)),
    Kind("random geometric, 100 nodes, degree 12", geometric(100, 12)),
    Kind("random geometric, 400 nodes, degree 12", geometric(400, 12)),
    Kind("random cubic, 200 nodes", lambda seed: nx.random_regular_graph(3, 200, seed=seed)),
)


def relabelled(graph: Graph, seed: int) -> Graph:
    """The graph with its nodes numbered at random."""
    order = np.random.default_rng(seed + 1000).permutation(graph.number_of_nodes())
    made: Graph = nx.Graph()
    made.add_nodes_from(range(len(order)))
    number = {node: int(order[place]) for place, node in enumerate(graph)}
    made.add_edges_from((number[one], number[other]) for one, other in graph.edges)
    return made


def model_of(graph: Graph) -> CouplingGraph:
    """A model with this graph."""
    made = graph.copy()
    for one, other in made.edges:
        made.edges[one, other]["weight"] = 1.0
    return graph_model(made, name="graph", where="benchmark")


def ours(model: CouplingGraph, core: CoreSpec, limit_s: float) -> Chains | None:
    """Cells of each node, by the placers and then by the embedder."""
    started = time.perf_counter()
    for placer in PlaceOptions(timeout_s=limit_s / 2).placers(model, core):
        placed = placer.place(model, core).placed
        if placed is not None:
            return [[row * core.cols + col] for row, col in placed.cell.tolist()]
    found = embed(model, core, Search.within(limit_s - (time.perf_counter() - started)))
    if not found.found:
        return None
    return [part.tolist() for part in np.split(found.cell, found.first[1:-1])]


def peer(graph: Graph, host: Graph, limit_s: float, seed: int) -> Chains | None:
    """The same by minorminer."""
    found = minorminer.find_embedding(graph, host, timeout=limit_s, threads=1, random_seed=seed)
    return [found[node] for node in sorted(found)] if found else None


def is_embedding(chains: Chains, graph: Graph, host: Graph) -> bool:
    """Whether chains are apart, hang together, and meet where nodes are coupled."""
    cells = [cell for chain in chains for cell in chain]
    return (
        len(set(cells)) == len(cells)
        and all(nx.is_connected(host.subgraph(chain)) for chain in chains)
        and all(any(host.has_edge(a, b) for a in chains[one] for b in chains[other]) for one, other in graph.edges)
    )


def measured(kind: Kind, seeds: int, limit_s: float, core: CoreSpec, host: Graph) -> Iterator[dict[str, Any]]:
    """Every instance of a kind, by both."""
    for seed in range(seeds):
        graph = relabelled(kind.make(seed), seed)
        model = model_of(graph)
        for side in ("oscc", "minorminer"):
            started = time.perf_counter()
            chains = ours(model, core, limit_s) if side == "oscc" else peer(graph, host, limit_s, seed)
            seconds = time.perf_counter() - started
            good = chains is not None and is_embedding(chains, graph, host)
            assert good or chains is None, f"{side} gave chains that are none"
            yield {
                "kind": kind.name,
                "nodes": graph.number_of_nodes(),
                "seed": seed,
                "side": side,
                "good": good,
                "cells": sum(map(len, chains)) if chains else None,
                "longest": max(map(len, chains)) if chains else None,
                "seconds": seconds,
            }


def row_of(kind: str, runs: list[dict[str, Any]]) -> list[str]:
    """A line of the table."""
    row = [kind, str(runs[0]["nodes"])]
    for side in ("oscc", "minorminer"):
        mine = [run for run in runs if run["side"] == side]
        good = [run for run in mine if run["good"]]
        row += [
            f"{len(good)} of {len(mine)}",
            f"{statistics.median(run['cells'] for run in good):g}" if good else "-",
            str(max(run["longest"] for run in good)) if good else "-",
            f"{statistics.median(run['seconds'] for run in mine):.2f}",
        ]
    return row


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=60.0, help="seconds for each instance and side")
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS])
    parser.add_argument("--json", type=Path, help="file for every run")
    given = parser.parse_args()
    core = load_core(CORE)
    host: Graph = nx.Graph(zip(*(end.tolist() for end in HostGraph.of(core).pairs()), strict=True))
    ours(model_of(nx.star_graph(30)), core, 60.0)
    ours(model_of(nx.random_regular_graph(3, 30, seed=1)), core, 60.0)
    runs, rows = [], []
    for kind in KINDS:
        if given.kind and kind.name not in given.kind:
            continue
        found = list(measured(kind, given.seeds, given.limit, core, host))
        runs += found
        rows.append(row_of(kind.name, found))
        print(" | ".join(rows[-1]), flush=True)
        if given.json is not None:
            given.json.write_text(json.dumps(runs, indent=1) + "\n", encoding="utf-8")
    names = ("placed", "cells", "longest chain", "seconds")
    head = ["graph", "nodes", *(f"{side}: {name}" for side in ("oscc", "minorminer") for name in names)]
    print("\n" + markdown_table(head, rows))


if __name__ == "__main__":
    main()
