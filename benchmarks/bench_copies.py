"""What copies cost: chains on the array by their strength, against simulated annealing of the same problems.

Max-cut with weights of -1 and 1 on graphs that need copies, on ising-56x56 with 4-bit codes. Simulated.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
from bench_solve import annealed

from oscc.compiler.compile import compile_model
from oscc.compiler.copies.copied_graph import copied_graph
from oscc.compiler.copies.embedder import embed
from oscc.compiler.copies.splitting import at_full_scale
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.passes.place import PlaceOptions
from oscc.core.spec_file import load_core
from oscc.rtl.synthesis.report import markdown_table
from oscc.sim.copy_spread import copy_spread
from oscc.sim.engines.job import Draws
from oscc.sim.solve import solve

GRAPHS: dict[str, Any] = {
    "random geometric, 400 nodes, degree 12": nx.random_geometric_graph(400, float(np.sqrt(12 / 400 / np.pi)), seed=3),
    "random cubic, 400 nodes": nx.random_regular_graph(3, 400, seed=1),
    "random 4-regular, 120 nodes": nx.random_regular_graph(4, 120, seed=1),
    "random 4-regular, 300 nodes": nx.random_regular_graph(4, 300, seed=2),
}
STRENGTHS = (0.5, 1.0, 1.5, 2.0, 3.0)


def problem_of(name: str) -> IsingProblem:
    """The problem of a graph, with weights at random."""
    graph = GRAPHS[name]
    edges = np.array(sorted(tuple(sorted(edge)) for edge in graph.edges), np.int32)
    weight = np.random.default_rng(1).choice([-1.0, 1.0], len(edges))
    labels = tuple(range(graph.number_of_nodes()))
    return max_cut(name, edges[:, 0].copy(), edges[:, 1].copy(), weight, labels)


def rows_of(name: str, samples: int) -> Iterator[list[str]]:
    """A line for each strength."""
    core = load_core("ising-56x56")
    problem = problem_of(name)
    graph = dataclasses.replace(lower_problem(problem, core), name="problem")
    found = embed(graph, core)
    best = annealed(problem)
    ones = np.ones(graph.nodes, dtype=np.int32)
    for strength in STRENGTHS:
        made, copies = at_full_scale(*copied_graph(graph, core, found, ones, strength), graph)
        result = compile_model(made, core, placing=PlaceOptions("identity"))
        assert result.program is not None
        assert result.placed is not None
        solved = solve(problem, core, result.program, Draws(samples), owner=copies.owner)
        spread = copy_spread(core, result.program, result.placed.cell, copies.owner, Draws(samples))
        yield [
            name,
            f"{found.cell.size}, chains up to {int(found.lengths().max())}",
            f"{strength:g}",
            f"{100 * float(solved.value.max()) / best:.1f} %",
            f"{100 * float(solved.value.mean()) / best:.1f} %",
            f"{100 * spread['broken']:.1f} %",
            f"{spread['difference_rad']['0.5']:.2f}",
        ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", "--samples", type=int, default=50)
    given = parser.parse_args()
    rows = []
    for name in GRAPHS:
        for row in rows_of(name, given.samples):
            print(" | ".join(row), flush=True)
            rows.append(row)
    head = ["graph", "cells", "strength", "best cut", "mean", "broken", "median difference [rad]"]
    print("\n" + markdown_table(head, rows))


if __name__ == "__main__":
    main()
