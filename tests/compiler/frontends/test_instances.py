from __future__ import annotations

import networkx as nx
import pytest

from oscc.compiler.frontends.instances import torus


def test_a_torus() -> None:
    problem = torus(4, 5, 3)
    graph = nx.Graph(zip(problem.first.tolist(), problem.second.tolist(), strict=True))
    assert nx.is_isomorphic(graph, nx.grid_2d_graph(4, 5, periodic=True))
    assert set((2 * problem.coupling).tolist()) == {-1.0, 1.0}
    assert (problem.spins, problem.kind, problem.name) == (20, "max-cut", "torus-4x5-3")
    assert torus(4, 5, 3).coupling.tolist() == problem.coupling.tolist() != torus(4, 5, 4).coupling.tolist()


def test_a_torus_that_is_too_small() -> None:
    with pytest.raises(ValueError, match="a torus of 2 x 5 has edges that stand twice"):
        torus(2, 5, 0)
