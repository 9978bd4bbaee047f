from __future__ import annotations

import io
import math
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.base.findings import is_empty
from oscc.compiler.frontends.graph_file import ATTRIBUTES
from oscc.compiler.frontends.graphml import parse_graphml, read_graphml
from oscc.compiler.ir.graph import diagnose_graph

SPACE = 'xmlns="http://graphml.graphdrawing.org/xmlns"'
KEYS = (
    '<key id="w" for="edge" attr.name="weight" attr.type="double"/>\n'
    '<key id="f" for="node" attr.name="field" attr.type="double"/>\n'
    '<key id="t" for="edge" attr.name="weight" attr.type="string"/>\n'
    '<key id="r" for="node" attr.name="row" attr.type="int"/>\n'
    '<key id="b" for="edge" attr.name="weight" attr.type="boolean"/>\n'
    '<key id="c" for="node" attr.name="color" attr.type="string"/>\n'
)
AB = '<node id="a"/>\n<node id="b"/>\n'
"""Nodes of lines 9 and 10 of `document`."""


def document(inside: str, graph: str = 'edgedefault="undirected"', keys: str = KEYS) -> str:
    return f"<graphml {SPACE}>\n{keys}<graph {graph}>\n{inside}</graph>\n</graphml>"


def read(text: str) -> nx.Graph[str]:
    return read_graphml(text.encode(), "x")


def refusal(text: str) -> tuple[str, str]:
    """Place and message of the error on reading a text, which must be one line besides its hint."""
    with pytest.raises(OsccError) as caught:
        read(text)
    assert caught.value.code == "problem.graphml"
    assert "\n" not in caught.value.message
    return caught.value.where, caught.value.message


def written(graph: nx.Graph[Any]) -> bytes:
    stream = io.BytesIO()
    nx.write_graphml(graph, stream)
    return stream.getvalue()


# What is read


def test_edges_of_an_undirected_graph_couple_both_ways() -> None:
    graph: nx.Graph[str] = nx.Graph(name="path")
    graph.add_edge("left", "middle", weight=0.5)
    graph.add_edge("middle", "right")
    model, labels = parse_graphml(written(graph), name="path", where="x")
    assert labels == ("left", "middle", "right")
    assert is_empty(diagnose_graph(model))
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
    model, labels = parse_graphml(written(graph), name="g", where="x")
    assert labels == ("a", "b")
    assert is_empty(diagnose_graph(model))
    assert (model.src.tolist(), model.dst.tolist(), model.weight.tolist()) == ([0], [1], [[1.0], [-2.0]])
    assert model.field.tolist() == [[0.25, 0.0], [0.25, 0.0]]
    np.testing.assert_allclose(model.detuning, [[0.1, 0.0], [-0.1, 0.0]])
    assert model.position is not None
    assert model.position.tolist() == [[3, 4], [3, 5]]
    assert (model.readout.tolist(), model.image_shape) == ([1], (1, 1))
    assert model.chunk_duration.tolist() == [1.5, 0.5]


def test_declared_defaults_apply_where_data_does_not_stand() -> None:
    keys = (
        '<key id="w" for="edge" attr.name="weight" attr.type="double"><default>-0.5</default></key>'
        '<key id="s" for="node" attr.name="shil" attr.type="double"><default>0.25</default></key>'
        '<key id="p" for="all" attr.name="field" attr.type="int"><default> 0\n</default></key>'
        '<key id="d" for="graph" attr.name="duration" attr.type="double"><default>1.5</default></key>'
        '<key id="k" for="graph" attr.name="family" attr.type="string"><default>kuramoto</default></key>'
    )
    inside = (
        '<node id="a"/><node id="b"><data key="s">0</data></node><node id="c"/><edge source="a" target="b"/>'
        '<edge source="b" target="c"><data key="w">0.75</data></edge>'
    )
    graph = read(document(inside, keys=keys))
    assert dict(graph.nodes) == {
        "a": {"shil": 0.25, "field": 0},
        "b": {"shil": 0.0, "field": 0},
        "c": {"shil": 0.25, "field": 0},
    }
    assert list(graph.edges(data="weight")) == [("a", "b", -0.5), ("b", "c", 0.75)]
    assert graph.graph == {"duration": 1.5, "family": "kuramoto"}


@settings(max_examples=50, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_hexadecimal_numbers_of_graph_tool_are_read_exactly(number: float) -> None:
    # As printf writes %a, and as glibc does for long doubles: another first digit, the same number.
    mantissa, exponent = math.frexp(number)
    halved = f"{'-' if number < 0 else ''}0x{int(abs(mantissa) * 2**53):x}p{exponent - 53:+d}"
    for word in (number.hex(), number.hex().upper(), halved):
        graph = read(document(AB + WEIGHT.format("w", word)))
        assert list(graph.edges(data="weight")) == [("a", "b", number)]


def test_hexadecimal_numbers_for_chunks_are_read_too() -> None:
    inside = '<node id="a"><data key="t">0x1.8p+1 -0x1p-2</data></node>'
    keys = '<key id="t" for="node" attr.name="field" attr.type="string"/>'
    model, _ = parse_graphml(
        document(
            f'<data key="d">1 1</data>{inside}', keys=f'{keys}<key id="d" for="graph" attr.name="duration"/>'
        ).encode(),
        name="g",
        where="x",
    )
    assert model.field.tolist() == [[3.0], [-0.25]]


def test_defaults_that_networkx_writes_apply() -> None:
    graph: nx.Graph[str] = nx.Graph(edge_default={"weight": -1.0})
    graph.add_edge("a", "b")
    graph.add_edge("b", "c", weight=0.5)
    found = read_graphml(written(graph), "x")
    assert list(found.edges(data="weight")) == [("a", "b", -1.0), ("b", "c", 0.5)]


def test_edges_may_say_their_own_direction() -> None:
    inside = (
        '<node id="a"/><node id="b"/><node id="c"/><edge source="a" target="b" directed="true"/>'
        '<edge source="c" target="b"/>'
    )
    graph = read(document(inside))
    assert graph.is_directed()
    assert sorted(graph.edges) == [("a", "b"), ("b", "c"), ("c", "b")]
    graph = read(document(inside.replace('directed="true"', 'directed="0"'), 'edgedefault="directed"'))
    assert sorted(graph.edges) == [("a", "b"), ("b", "a"), ("c", "b")]
    assert not read(document(inside.replace('directed="true"', 'directed="false"'))).is_directed()


def test_nodes_may_follow_their_edges_and_names_may_be_any() -> None:
    inside = '<edge source="a &lt;&#10;b" target=""/><node id=""/><node id="a &lt;&#10;b"/>'
    graph = read(document(inside))
    assert list(graph.nodes) == ["", "a <\nb"]
    assert graph.has_edge("", "a <\nb")


@pytest.mark.parametrize(
    "root",
    ["<graphml>", f"<graphml {SPACE}>", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns/graphml">'],
)
def test_namespaces_of_graphml(root: str) -> None:
    text = document(AB).replace(f"<graphml {SPACE}>", root)
    assert list(read(text).nodes) == ["a", "b"]


def test_what_no_model_has_is_passed_over() -> None:
    keys = (
        KEYS + '<key id="d6" for="node" yfiles.type="nodegraphics"/><key id="l" for="node" attr.name="label"/>'
        '<key id="h" for="edge" attr.name="height" attr.type="double"/>'
    )
    inside = (
        '<desc>about</desc><node id="a" yfiles.foldertype="none"><data key="d6"><y:Shape xmlns:y="urn:y"><y:Fill/>'
        '</y:Shape></data><data key="c">red</data></node><node id="b"><data key="l"/></node>'
        '<edge source="a" target="b"><data key="h">nan</data><data key="w">2</data></edge>'
    )
    graph = read(document(inside, keys=keys))
    assert (dict(graph.nodes), list(graph.edges(data=True))) == ({"a": {}, "b": {}}, [("a", "b", {"weight": 2.0})])


# What is refused

WEIGHT = '<edge source="a" target="b"><data key="{}">{}</data></edge>'


@pytest.mark.parametrize(
    ("inside", "place", "message"),
    [
        # The graph.
        (AB + '</graph>\n<graph id="G2" edgedefault="undirected">', "x:12", "a second graph 'G2'; a file with one is"),
        (AB + "</graph>\n<graph>", "x:12", "a second graph; a file with one is read"),
        (
            '<node id="a">\n<graph edgedefault="directed"/></node>',
            "x:10",
            "node a holds <graph>; nested graphs are not read",
        ),
        (
            AB + '<edge source="a" target="b"><graph edgedefault="directed"/></edge>',
            "x:11",
            "edge a b holds <graph>; nested graphs are not read",
        ),
        (AB + '<hyperedge><endpoint node="a"/></hyperedge>', "x:11", "the graph holds <hyperedge>; hyperedges are not"),
        ('<node id="a"><port name="p"/></node>', "x:9", "node a holds <port>; ports are not read"),
        ('<node id="a"><locator/></node>', "x:9", "node a holds <locator>; nothing outside the file is read"),
        (AB + '<edge source="a" target="b" sourceport="p"/>', "x:11", "edge a b has a sourceport; ports are not read"),
        ("<vertex/>", "x:9", "the graph holds <vertex>; accepted: <desc>, <data>, <node>, <edge>"),
        ('<node xmlns="urn:x" id="a"/>', "x:9", "the graph holds <node>; accepted: <desc>, <data>, <node>, <edge>"),
        # Nodes and edges.
        ("<node/>", "x:9", "node 1 has no id"),
        ('<node ID="a"/>', "x:9", "node 1 has an XML attribute 'ID'; did you mean 'id'?"),
        (AB + '<node id="a"/>', "x:11", "node a is declared in line 9 already"),
        (AB + '<edge source="a" target="B "/>', "x:11", 'edge a "B ": there is no node "B "; did you mean \'b\'?'),
        (AB + '<edge source="c" target="b"/>', "x:11", "edge c b: there is no node 'c'"),
        (AB + '<edge source="a" target="None"/>', "x:11", "edge a None: there is no node 'None'"),
        (AB + '<edge target="b"/>', "x:11", "edge 1 of 1 has no source"),
        (AB + '<edge source="b"/>', "x:11", "edge 1 of 1 has no target"),
        (AB + '<edge sourc="a" target="b"/>', "x:11", "edge 1 of 1 has an XML attribute 'sourc'; did you mean 'source"),
        (
            AB + '<edge source="a" target="b"/>\n<edge source="b" target="a"/>',
            "x:12",
            "edge b a: these nodes are joined in line 11 already",
        ),
        (
            AB + '<edge source="a" target="b" directed="true"/>\n<edge source="b" target="a"/>',
            "x:12",
            "edge b a: these nodes are joined in line 11 already",
        ),
        (
            AB + '<node id="c"/><edge id="e" source="a" target="b"/>\n<edge id="e" source="b" target="c"/>',
            "x:12",
            "edge b c: id 'e' stands in line 11 already",
        ),
        (AB + '<edge source="a" target="b" directed="yes"/>', "x:11", "edge a b: directed is 'yes'; accepted: true, "),
        (AB + '<edge source="a" target="b" Directed="true"/>', "x:11", "edge a b has an XML attribute 'Directed'; did"),
        (AB + '<edge source="a" target="b" weight="2"/>', "x:11", "edge a b has an XML attribute 'weight'; values st"),
        ('<node id="a" field="1"/>', "x:9", "node a has an XML attribute 'field'; values stand in <data>"),
        ('<node id="a">0.5</node>', "x:9", "node a holds the text '0.5'; values stand in <data>"),
        # Data.
        (AB + WEIGHT.format("d9", 1), "x:11", "edge a b: key 'd9' is not declared"),
        (AB + '<edge source="a" target="b"><data>1</data></edge>', "x:11", "edge a b: data without key"),
        (AB + WEIGHT.format("f", 1), "x:11", "edge a b: key 'f' is for the node"),
        ('<data key="w">1</data>', "x:9", "the graph: key 'w' is for the edge"),
        (AB + WEIGHT.format("w", '1</data>\n<data key="w">-1'), "x:12", "edge a b: 'weight' stands twice"),
        (AB + WEIGHT.format("w", '1</data>\n<data key="t">-1'), "x:12", "edge a b: 'weight' stands twice"),
        ('<node id="a"><data key="c"/><data key="c"/></node>', "x:9", "node a: 'color' stands twice"),
        (AB + WEIGHT.format("w", "<desc/>1"), "x:11", "weight of edge a b holds <desc>, not a value"),
        # Numbers.
        *(
            (AB + WEIGHT.format("w", word), "x:11", f"weight of edge a b: '{word}' is no double (attr.type of its key)")
            for word in ("1_0", "\u0661", "0x10", "1,5", "heavy", "", "1e", "--1")
        ),
        *(
            (AB + WEIGHT.format("w", word), "x:11", f"weight of edge a b: '{word}' is not finite; a finite number is ")
            for word in ("nan", "NaN", "INF", "-inf", "+Infinity")
        ),
        *(
            (AB + WEIGHT.format("w", word), "x:11", f"weight of edge a b: '{word}' is too large for a double; a finite")
            for word in ("1e999", "-0x1p+1024")
        ),
        (AB + WEIGHT.format("w", "1 2"), "x:11", "weight of edge a b: '1 2' is no double (attr.type of its key); se"),
        (AB + WEIGHT.format("b", "true"), "x:11", "weight of edge a b is a boolean (attr.type of its key), expected"),
        (
            '<node id="a"><data key="r">1.0</data></node>',
            "x:9",
            "row of node a: '1.0' is no int (attr.type of",
        ),
        (
            '<node id="a"><data key="r">1_0</data></node>',
            "x:9",
            "row of node a: '1_0' is no int (attr.type of",
        ),
        (
            f'<node id="a"><data key="r">{"9" * 19}</data></node>',
            "x:9",
            "row of node a: '9999999999999999999' is no int (attr.type of its key)",
        ),
    ],
)
def test_a_graph_that_is_refused(inside: str, place: str, message: str) -> None:
    where, found = refusal(document(inside))
    assert where == place
    assert found.startswith(message)


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        ("", "the graph has no edgedefault; accepted: directed, undirected"),
        ('edgedefault="Directed"', "edgedefault is 'Directed'; accepted: directed, undirected"),
        ('edgedefault=""', "edgedefault is ''; accepted: directed, undirected"),
        ('edgedefault="true"', "edgedefault is 'true'; accepted: directed, undirected"),
        ('edgeDefault="directed"', "the graph has an XML attribute 'edgeDefault'; did you mean 'edgedefault'?"),
        ('edgedefault="directed" duration="1"', "the graph has an XML attribute 'duration'; values stand in <data>"),
    ],
)
def test_a_graph_that_does_not_say_its_edges(graph: str, message: str) -> None:
    assert refusal(document(AB, graph)) == ("x:8", message)


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ('<key for="edge" attr.name="weight" attr.type="double"/>', "a key without id"),
        ('<key id="k" for="node"/>\n<key id="k" for="edge"/>', "key 'k' is declared in line 2 already"),
        ('<key id="k" for="nodes"/>', "key 'k' is for 'nodes'; did you mean 'node'?"),
        ('<key id="weight" for="edge" attr.type="double"/>', "key 'weight' has no attr.name; is it weight?"),
        ('<key id="k" attr_name="weight"/>', "key 'k' has an XML attribute 'attr_name'; did you mean 'attr.name'?"),
        (
            '<key id="k" for="edge" attr.name="weight" attr.type="real"/>',
            "key 'k' has attr.type 'real'; accepted: boolean, double, float, int, integer, long, string",
        ),
        (
            '<key id="k" for="edge" attr.name="Weight" attr.type="double"/>',
            "attribute 'Weight' of the edge is not read; did you mean 'weight'?",
        ),
        (
            '<key id="k" attr.name="fields" attr.type="double"/>',
            "attribute 'fields' of the node is not read; did you mean 'field'?",
        ),
        (
            '<key id="k" for="graph" attr.name="Family" attr.type="string"/>',
            "attribute 'Family' of the graph is not read; did you mean 'family'?",
        ),
        (
            '<key id="k" for="edge" attr.name="weight" attr.type="double"><default>1</default><default/></key>',
            "key 'k' has a second default",
        ),
        (
            '<key id="k" for="edge" attr.name="weight" attr.type="double"><default>x</default></key>',
            "default of key 'k': 'x' is no double (attr.type of its key)",
        ),
        (
            '<key id="j" for="edge" attr.name="weight" attr.type="int"><default>0</default></key>\n'
            '<key id="k" for="all" attr.name="weight" attr.type="double"><default>0.5</default></key>',
            "a second, other default of weight of the edge",
        ),
        (
            '<key id="k" for="all" attr.name="weight" attr.type="double"/>\n<data key="k">1</data>',
            "weight stands outside the graph",
        ),
    ],
)
def test_keys_that_are_refused(key: str, message: str) -> None:
    assert refusal(document(AB, keys=key))[1] == message


def test_defaults_of_two_types_may_agree() -> None:
    graph: nx.Graph[str] = nx.Graph(edge_default={"weight": 2})
    graph.add_edge("a", "b", weight=1)
    graph.add_edge("b", "c", weight=0.5)
    graph.add_edge("c", "d")
    found = read_graphml(written(graph), "x")
    assert list(found.edges(data="weight")) == [("a", "b", 1), ("b", "c", 0.5), ("c", "d", 2)]


def test_a_name_like_a_known_one_is_free_beside_it() -> None:
    keys = KEYS + '<key id="W" for="edge" attr.name="Weight" attr.type="string"/>'
    inside = AB + '<edge source="a" target="b"><data key="W">heavy</data><data key="w">3</data></edge>'
    assert list(read(document(inside, keys=keys)).edges(data="weight")) == [("a", "b", 3.0)]


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "x:1", "no XML: no element found, column 1"),
        ("4 3\n1 2 1\n", "x:1", "no XML: syntax error, column 1"),
        ("<graphml/>", "x:1", "no graph in it"),
        ("<gexf/>", "x:1", "the document is <gexf>, not <graphml>"),
        ('<graphml xmlns="urn:other"/>', "x:1", "the document is <graphml>, not <graphml>"),
        ("<graphml>\n<node/></graphml>", "x:2", "the document holds <node>; accepted: <desc>, <key>, <data>, <graph>"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', "x:1", "document types and entities are not read"),
    ],
)
def test_a_document_that_is_none(text: str, place: str, message: str) -> None:
    assert refusal(text) == (place, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (AB + WEIGHT.format("t", "1 2 3"), "weight of edge a b: 3 numbers for 1 chunks"),
        (AB + WEIGHT.format("t", "heavy"), "weight of edge a b: 'heavy' is no number, nor one for each chunk"),
        (AB + WEIGHT.format("w", "1e39"), "weight of edge a b: '1e+39' is more than 1e+30"),
        ('<node id="a"><data key="f">-2e30</data></node>', "field of node a: '-2e+30' is more than 1e+30"),
        ('<node id="c&#10;d"><data key="f">1e31</data></node>', "field of node \"c\\nd\": '1e+31' is more than 1e+30"),
        ("", "no nodes"),
    ],
)
def test_a_graph_that_is_no_model(text: str, message: str) -> None:
    with pytest.raises(OsccError) as caught:
        parse_graphml(document(text).encode(), name="g", where="x")
    assert (caught.value.code, caught.value.where, caught.value.message) == ("problem.graph", "x", message)


@pytest.mark.parametrize("own", ["", ' directed="true"', ' directed="false"'])
@pytest.mark.parametrize("default", ["directed", "undirected"])
def test_a_node_that_is_coupled_with_itself(own: str, default: str) -> None:
    loop = f'<edge source="a" target="a"{own}/>'
    text = document(f'{AB}<edge source="a" target="b" directed="true"/>\n{loop}', f'edgedefault="{default}"')
    assert refusal(text) == ("x:12", "edge a a: a node is coupled with itself")


# What networkx reads alike

NAMES = st.text("ab\u00e9\u4e2d1 <>&\"'\t\n\U0001f600-.", max_size=4)
NUMBERS: list[st.SearchStrategy[float]] = [
    st.floats(-1e6, 1e6).map(lambda number: number + 0.0),
    st.integers(-1000, 1000),
]
OTHER = {"label": st.text("ab<", max_size=3), "color": st.integers(0, 9), "seen": st.booleans()}


@st.composite
def graphs(draw: st.DrawFn) -> nx.Graph[str]:
    graph: nx.Graph[str] = draw(st.sampled_from([nx.Graph, nx.DiGraph]))(duration="1 2")
    values: dict[str, st.SearchStrategy[float | str]] = {}
    for domain, name in (("node", "field"), ("edge", "weight"), ("node", "shil")):
        number = draw(st.sampled_from(NUMBERS))
        values[name] = number
        if name == "shil" or draw(st.booleans()):
            # Values of several types make several keys; a default would have to be of all of them.
            per_chunk = st.builds("{} {}".format, number, number)
            values[name] = st.one_of(*NUMBERS, per_chunk)
        else:
            graph.graph[f"{domain}_default"] = {name: draw(number)}
    nodes = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    of_nodes = st.fixed_dictionaries({}, optional={"field": values["field"], "shil": values["shil"], **OTHER})
    of_edges = st.fixed_dictionaries({}, optional={"weight": values["weight"], **OTHER})
    for node in nodes:
        graph.add_node(node, **draw(of_nodes))
    for one in nodes:
        for other in nodes:
            if one != other and draw(st.booleans()):
                graph.add_edge(one, other, **draw(of_edges))
    return graph


def of_networkx(content: bytes) -> nx.Graph[str]:
    """The graph as networkx reads it, with its defaults applied, and of its attributes those that a model has."""
    found = nx.read_graphml(io.BytesIO(content))
    defaults = {domain: found.graph.pop(f"{domain}_default") for domain in ("node", "edge")}
    graph = found.__class__(**{name: value for name, value in found.graph.items() if name in ATTRIBUTES["graph"]})
    for node, data in found.nodes(data=True):
        graph.add_node(node, **_known({**defaults["node"], **data}, "node"))
    for one, other, data in found.edges(data=True):
        graph.add_edge(one, other, **_known({**defaults["edge"], **data}, "edge"))
    return graph


def _known(values: dict[str, Any], domain: str) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in ATTRIBUTES[domain]}


def same(one: nx.Graph[str], other: nx.Graph[str]) -> bool:
    return (
        one.is_directed() == other.is_directed()
        and one.graph == other.graph
        and list(one.nodes(data=True)) == list(other.nodes(data=True))
        and list(one.edges(data=True)) == list(other.edges(data=True))
    )


@settings(max_examples=60)
@given(graphs())
def test_what_networkx_writes_is_read_as_networkx_reads_it(graph: nx.Graph[str]) -> None:
    content = written(graph)
    assert same(read_graphml(content, "x"), of_networkx(content))


@st.composite
def documents(draw: st.DrawFn) -> bytes:
    """Documents that networkx could have written otherwise: prefixes, blanks, comments, CDATA, order, encodings."""
    directed = draw(st.booleans())
    prefix = draw(st.sampled_from(["", "g:"]))
    blank = st.sampled_from(["", " ", "\n\t", "\r\n", "<!-- no -->"])
    number = st.sampled_from(["0.5", "-1e-3", "+2.", ".25", " 7 ", "<![CDATA[1.5]]>", "&#49;", "3<!-- 4 -->"])
    names = draw(st.lists(NAMES.map(str.strip), min_size=1, max_size=4, unique=True))

    def tag(name: str, attributes: dict[str, str], inside: str | None = None) -> str:
        order = draw(st.permutations(list(attributes)))
        words = "".join(f" {key}={quoteattr(attributes[key], {chr(10): '&#10;'})}" for key in order)
        if inside is None:
            return f"<{prefix}{name}{words}/>{draw(blank)}"
        return f"<{prefix}{name}{words}>{inside}</{prefix}{name}>{draw(blank)}"

    def data(key: str, value: str) -> str:
        return draw(blank) + tag("data", {"key": key}, value) if draw(st.booleans()) else ""

    default = tag("default", {}, draw(number)) if draw(st.booleans()) else ""
    weight = {"id": "w", "for": "edge", "attr.name": "weight", "attr.type": "double"}
    field = {"id": "f", "for": "node", "attr.name": "field", "attr.type": "float"}
    text = {"id": "s", "for": "node", "attr.name": "shil", "attr.type": "string"}
    keys = [tag("key", weight, default), tag("key", field), tag("key", text)]
    parts = [
        tag("node", {"id": name}, data("f", draw(number)) + data("s", escape(draw(st.sampled_from(["1 2", "3"])))))
        for name in names
    ]
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            own = {"directed": str(directed).lower()} if draw(st.booleans()) else {}
            own |= {"id": f"e{len(parts)}"} if draw(st.booleans()) else {}
            parts.append(tag("edge", {"source": one, "target": other, **own}, data("w", draw(number))))
    graph = tag("graph", {"edgedefault": "directed" if directed else "undirected"}, "".join(parts))
    space = "xmlns" if not prefix else "xmlns:g"
    root = f'<{prefix}graphml {space}="http://graphml.graphdrawing.org/xmlns">{"".join(keys)}{graph}</{prefix}graphml>'
    encoding = draw(st.sampled_from(["", "UTF-8", "utf-8-sig", "UTF-16"]))
    declared = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>\n' if encoding else ""
    return (declared + root).encode(encoding or "utf-8")


@settings(max_examples=60)
@given(documents())
def test_documents_are_read_as_networkx_reads_them(content: bytes) -> None:
    ours = read_graphml(content, "x")
    theirs = of_networkx(content)
    # Networkx drops the comments and CDATA sections that it is given here, and keeps blanks around texts.
    assert same(ours, theirs)
