from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from oscc.compiler.ir.adjacency import Adjacency
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]


def lists(adjacency: Adjacency) -> list[list[int]]:
    return [adjacency.near(node).tolist() for node in range(adjacency.nodes)]


def wanted(pairs: set[tuple[int, int]], nodes: int) -> list[list[int]]:
    return [sorted({b for a, b in pairs if a == n} | {a for a, b in pairs if b == n}) for n in range(nodes)]


def test_neighbours_in_either_direction_once(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[3, 4]), density=0.4, seed=5)
    found = Adjacency.in_graph(graph)
    expected = wanted(set(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)), graph.nodes)
    assert lists(found) == expected
    assert found.degree().tolist() == [len(part) for part in expected]
    assert found.owner().tolist() == [node for node, part in enumerate(expected) for _ in part]
    assert [array.dtype for array in (*found, found.degree(), found.owner())] == [np.int32] * 4


def test_pairs_in_any_order_nodes_without_any_too() -> None:
    found = Adjacency.of_pairs(np.array([4, 0, 2, 4]), np.array([2, 4, 4, 0]), 6)
    assert lists(found) == [[4], [], [4], [], [0, 2], []]


def test_among_some_nodes(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[4, 4]), density=0.5, seed=2)
    kept = np.array([1, 2, 5, 6, 7, 12])
    pairs = set(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    number = {node: place for place, node in enumerate(kept.tolist())}
    inner = {(number[a], number[b]) for a, b in pairs if a in number and b in number}
    assert lists(Adjacency.in_graph(graph).among(kept)) == wanted(inner, 6)


def test_a_model_without_couplings(make_graph: MakeGraph, make_core: MakeCore) -> None:
    found = Adjacency.in_graph(make_graph(make_core(grid=[2, 2]), density=0.0))
    assert found.first.tolist() == [0] * 5
    assert found.neighbour.size == 0
    assert found.among(np.array([1, 2])).first.tolist() == [0] * 3


def test_arrays_cannot_be_changed(make_graph: MakeGraph, make_core: MakeCore) -> None:
    found = Adjacency.in_graph(make_graph(make_core(grid=[2, 2])))
    for array in (*found, *found.among(np.array([0, 3]))):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
