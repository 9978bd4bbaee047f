from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.frontends.graph_file import graph_model


def changed(change: str) -> nx.Graph[Any]:
    graph: nx.Graph[Any] = nx.Graph([("a", "b")])
    match change:
        case "loop":
            graph.add_edge("a", "a")
        case "empty":
            graph.clear()
        case "family":
            graph.graph["family"] = "potts"
        case "weight":
            graph.edges["a", "b"]["weight"] = "heavy"
        case "chunks":
            graph.edges["a", "b"]["weight"] = "1 2 3"
        case "infinite":
            graph.nodes["a"]["field"] = float("inf")
        case "half placed":
            graph.nodes["a"].update(row=1, col=1)
        case "placed between":
            for node in graph:
                graph.nodes[node].update(row=1.5, col=1)
        case "pixels":
            graph.nodes["a"]["pixel"] = 3
        case "pixel twice":
            for node in graph:
                graph.nodes[node]["pixel"] = 0
        case "pixel of text":
            graph.nodes["a"]["pixel"] = "0"
        case "pixel of truth":
            graph.nodes["a"]["pixel"] = False
        case "row alone":
            for node in graph:
                graph.nodes[node]["row"] = 1
        case "placed by text":
            for node in graph:
                graph.nodes[node].update(row="1", col=1)
        case "placed far away":
            for node in graph:
                graph.nodes[node].update(row=1, col=2**31)
        case "too heavy":
            graph.edges["a", "b"]["weight"] = 1e39
        case "too light":
            graph.edges["a", "b"]["weight"] = -1e-300
        case "no time":
            graph.graph["duration"] = 0
        case "too short":
            graph.graph["duration"] = "1 1e-60"
        case "list":
            graph.nodes["a"]["field"] = [1.0]
        case "truth":
            graph.nodes["a"]["field"] = True
        case "family of no name":
            graph.graph["family"] = ["kurashil"]
    return graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("loop", "node a is coupled to itself"),
        ("empty", "no nodes"),
        ("family", "family 'potts'; accepted: kurashil, kuramoto, poly_ising, tanh_ising"),
        ("weight", "weight of edge a b: 'heavy' is no number, nor one for each chunk"),
        ("chunks", "weight of edge a b: 3 numbers for 1 chunks"),
        ("infinite", "field of node a: 'inf' is not finite; finite numbers are needed"),
        ("half placed", "node b has no row and col, others have"),
        ("row alone", "node a has no col, others have"),
        ("placed between", "node a is at row 1.5, col 1: integers from 0 to 32767"),
        ("placed by text", "node a is at row 1, col 1: integers from 0 to 32767"),
        ("placed far away", "node a is at row 1, col 2147483648: integers from 0 to 32767"),
        ("pixels", "no node is pixel 0; the 1 pixels must be 0 to 0"),
        ("pixel twice", "nodes a and b are pixel 0"),
        ("pixel of text", "node a is pixel 0: an integer from 0"),
        ("pixel of truth", "node a is pixel False: an integer from 0"),
        ("too heavy", "weight of edge a b: '1e+39' is more than 1e+30"),
        ("too light", "weight of edge a b: '-1e-300' is not 0, and less than 1e-30 in size"),
        ("no time", "duration: '0' is not positive, or too small"),
        ("too short", "duration: '1 1e-60' is not 0, and less than 1e-30 in size"),
        ("list", "field of node a: '[1.0]' is no number, nor one for each chunk"),
        ("truth", "field of node a: 'True' is no number, nor one for each chunk"),
        ("family of no name", "family '['kurashil']'; accepted: kurashil, kuramoto, poly_ising, tanh_ising"),
    ],
)
def test_a_graph_that_is_no_model(change: str, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        graph_model(changed(change), name="g", where="x")
    assert (caught.value.code, caught.value.where, caught.value.message) == ("problem.graph", "x", message)


def test_two_edges_between_the_same_nodes() -> None:
    with pytest.raises(OsccError, match="two edges between the same nodes"):
        graph_model(nx.MultiGraph([("a", "b"), ("a", "b")]), name="g", where="x")


def test_numbers_of_other_types() -> None:
    graph: nx.Graph[Any] = nx.Graph(duration=1)
    graph.add_node("a", row=np.int64(2), col=3.0, pixel=np.int32(1), field=np.float32(0.5))
    graph.add_node("b", row=2.0, col=np.float64(4.0), pixel=0)
    model = graph_model(graph, name="g")
    assert model.position is not None
    assert (model.position.tolist(), model.readout.tolist()) == ([[2, 3], [2, 4]], [1, 0])
    assert (model.field.tolist(), model.chunk_duration.tolist()) == ([[0.5, 0.0]], [1.0])


def test_more_nodes_than_any_core_has_cells() -> None:
    with pytest.raises(OsccError, match="262145 nodes; at most 262144"):
        graph_model(nx.empty_graph(512 * 512 + 1), name="g")
