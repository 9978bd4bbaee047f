from __future__ import annotations

import io
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.errors import OsccError
from oscc.compiler.frontends.graph_file import graph_model, parse_graphml
from oscc.compiler.graph import is_valid_graph


def as_text(graph: nx.Graph[Any]) -> str:
    stream = io.BytesIO()
    nx.write_graphml(graph, stream)
    return stream.getvalue().decode()


def test_edges_of_an_undirected_graph_couple_both_ways() -> None:
    graph: nx.Graph[str] = nx.Graph(name="path")
    graph.add_edge("left", "middle", weight=0.5)
    graph.add_edge("middle", "right")
    model, labels = parse_graphml(as_text(graph), name="path", where="x")
    assert labels == ("left", "middle", "right")
    assert is_valid_graph(model)
    assert (model.family, model.chunks, model.chunk_duration.tolist()) == ("kurashil", 1, [2.0])
    found = {
        (s, d): w for s, d, w in zip(model.src.tolist(), model.dst.tolist(), model.weight[0].tolist(), strict=True)
    }
    assert found == {(0, 1): 0.5, (1, 0): 0.5, (1, 2): 1.0, (2, 1): 1.0}
    assert model.readout.tolist() == [0, 1, 2]
    assert model.position is None


def test_a_directed_graph_with_all_there_is() -> None:
    graph: nx.DiGraph[str] = nx.DiGraph(duration="1.5 0.5", family="kuramoto")
    graph.add_node("a", row=3, col=4, field=0.25, detuning="0.1 -0.1")
    graph.add_node("b", row=3, col=5, pixel=0)
    graph.add_edge("a", "b", weight="1 -2")
    model, labels = parse_graphml(as_text(graph), name="g", where="x")
    assert labels == ("a", "b")
    assert is_valid_graph(model)
    assert (model.src.tolist(), model.dst.tolist(), model.weight.tolist()) == ([0], [1], [[1.0], [-2.0]])
    assert model.field.tolist() == [[0.25, 0.0], [0.25, 0.0]]
    np.testing.assert_allclose(model.detuning, [[0.1, 0.0], [-0.1, 0.0]])
    assert model.position is not None
    assert model.position.tolist() == [[3, 4], [3, 5]]
    assert (model.readout.tolist(), model.image_shape) == ([1], (1, 1))
    assert model.chunk_duration.tolist() == [1.5, 0.5]


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
    return graph


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("loop", "node a is coupled to itself"),
        ("empty", "no nodes"),
        ("family", "family 'potts'; accepted: kurashil, kuramoto, poly_ising, tanh_ising"),
        ("weight", "weight of edge a b: 'heavy' is no number, nor one for each chunk"),
        ("chunks", "weight of edge a b: 3 numbers for 1 chunks"),
        ("infinite", "field of node a: 'inf' is no number, nor one for each chunk"),
        ("half placed", "node b has no row and col, others have"),
        ("placed between", "node a is at row 1.5, col 1: whole numbers from 0"),
        ("pixels", "pixels [3]...: they must be 0 to 0, each once"),
    ],
)
def test_a_graph_that_is_no_model(change: str, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        graph_model(changed(change), name="g", where="x")
    assert (caught.value.code, caught.value.where, caught.value.message) == ("problem.graph", "x", message)


def test_two_edges_between_the_same_nodes() -> None:
    with pytest.raises(OsccError, match="two edges between the same nodes"):
        graph_model(nx.MultiGraph([("a", "b"), ("a", "b")]), name="g", where="x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no XML: no element found: line 1, column 0"),
        ("<graphml>", "no XML: "),
        ("<graphml/>", "no GraphML that can be read: "),
        ("4 3\n1 2 1\n", "no XML: "),
        (
            '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
            '<node id="a"><data key="d9">1</data></node></graph></graphml>',
            "no GraphML that can be read: ",
        ),
        (
            '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph edgedefault="undirected">'
            '<node id="a"/><node id="b"/><edge source="a" target="b"/><edge sourc="b" target="a"/></graph></graphml>',
            "edge 2 of 2 has no source",
        ),
        ('<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', "document types and entities are not read"),
    ],
)
def test_text_that_is_no_graphml(text: str, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_graphml(text, name="g", where="x")
    assert caught.value.code == "problem.graphml"
    assert caught.value.message.startswith(message)
    assert "\n" not in caught.value.message
