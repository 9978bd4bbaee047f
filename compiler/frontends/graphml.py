"""GraphML: one check of the whole document, and the graph that is in it.

What a document may hold is written at http://graphml.graphdrawing.org/specification.html. Whatever would be lost on the
way to a model is refused by its name; attributes that no model has, such as colours, are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.near_names import near_name
from oscc.base.node_labels import printable
from oscc.compiler.frontends.graph_file import ATTRIBUTES, graph_model
from oscc.compiler.frontends.text import as_exact, fault, number_fault, quoted
from oscc.compiler.frontends.xml_tree import Element, XmlError, parse_xml
from oscc.compiler.ir.graph import CouplingGraph

SPACES = ("http://graphml.graphdrawing.org/xmlns", "http://graphml.graphdrawing.org/xmlns/graphml", "")
"""Namespaces of GraphML: that of today, an older one, and none, as networkx reads it."""

DOMAINS = ("all", "graphml", "graph", "node", "edge", "hyperedge", "port", "endpoint")

TYPES = {
    "boolean": "boolean",
    "int": "whole",
    "integer": "whole",
    "long": "whole",
    "float": "number",
    "double": "number",
    "string": "text",
}
"""What a value of each ``attr.type`` is; ``integer`` is networkx's own."""

_XML_ATTRIBUTES = {
    "graphml": (),
    "key": ("id", "for", "attr.name", "attr.type"),
    "graph": ("id", "edgedefault"),
    "node": ("id",),
    "edge": ("id", "source", "target", "directed"),
    "data": ("id", "key"),
}
_CHILDREN = {
    "graphml": ("desc", "key", "data", "graph"),
    "key": ("desc", "default"),
    "graph": ("desc", "data", "node", "edge"),
    "node": ("desc", "data"),
    "edge": ("desc", "data"),
}
_NOT_READ = {
    "graph": "nested graphs are not read",
    "hyperedge": "hyperedges are not read",
    "port": "ports are not read",
    "endpoint": "hyperedges are not read",
    "locator": "nothing outside the file is read",
}

_BLANKS = " \t\r\n"


@dataclass(frozen=True)
class _Key:
    """A declared attribute; of those that a model has, the type of its values and its default."""

    domain: str
    name: str
    kind: str
    type: str
    default: Any
    line: int

    def is_for(self, domain: str) -> bool:
        return self.domain in ("all", domain)


@dataclass(frozen=True)
class _Keys:
    """The attributes of a document: by id, and the defaults of those that a model has by domain and name."""

    declared: dict[str, _Key]
    defaults: dict[str, dict[str, Any]]


def parse_graphml(content: bytes, *, name: str, where: str) -> tuple[CouplingGraph, tuple[str, ...]]:
    """Return the model of a GraphML document, as `graph_model` makes it, and the ids of its nodes.

    Parameters
    ----------
    content : bytes
        Of the file; in any encoding that the XML parser knows.
    name : str
        Of the model.
    where : str
        Of the file, for errors.

    Raises
    ------
    OsccError
        ``problem.graphml`` with the line at fault, or ``problem.graph``.
    """
    graph = read_graphml(content, where)
    return graph_model(graph, name=name, where=where), tuple(graph.nodes)


def read_graphml(content: bytes, where: str) -> nx.Graph[str]:
    """Return the graph of a GraphML document, with the attributes that a model has (`ATTRIBUTES`), defaults applied.

    It is an ``nx.DiGraph`` where any edge is directed; edges that are not then stand in it in both directions.

    Parameters
    ----------
    content : bytes
    where : str
        Of the file, for errors.

    Raises
    ------
    OsccError
        ``problem.graphml``: no XML, no GraphML, more than one graph, nodes or edges without what they need, keys that
        are not declared or twice, values that are not of their type, or anything that would be lost.
    """
    try:
        root = parse_xml(content)
    except XmlError as error:
        raise fault("graphml", error.message, f"{where}:{error.line}") from None
    return _Reader(where).graph_of(root)


@dataclass(frozen=True)
class _Reader:
    where: str

    def graph_of(self, root: Element) -> nx.Graph[str]:
        if root.name != "graphml" or root.space not in SPACES:
            raise self._fault(root, f"the document is {_named(root)}, not <graphml>")
        self._check_content(root, "graphml", "the document")
        keys = self._keys(root)
        graphs = list(root.named("graph"))
        if not graphs:
            raise self._fault(root, "no graph in it")
        if len(graphs) > 1:
            named = f" {quoted(graphs[1].attributes['id'])}" if "id" in graphs[1].attributes else ""
            raise self._fault(graphs[1], f"a second graph{named}; a file with one is read")
        if lost := self._values(root, "graphml", "the document", keys):
            raise self._fault(root, f"{next(iter(lost))} stands outside the graph")
        return self._graph(graphs[0], keys)

    def _keys(self, root: Element) -> _Keys:
        keys: dict[str, _Key] = {}
        for element in root.named("key"):
            given = element.attributes
            if "id" not in given:
                raise self._fault(element, "a key without id")
            at = f"key {quoted(given['id'])}"
            self._check_content(element, "key", at)
            if given["id"] in keys:
                raise self._fault(element, f"{at} is declared in line {keys[given['id']].line} already")
            keys[given["id"]] = self._key(element, at)
        self._check_names(list(keys.values()))
        defaults: dict[str, dict[str, Any]] = {domain: {} for domain in ATTRIBUTES}
        for key in keys.values():
            for domain in filter(key.is_for, ATTRIBUTES):
                if key.default and key.name in ATTRIBUTES[domain]:
                    # Networkx gives one to the key of each type that values of an attribute have.
                    default = defaults[domain].setdefault(key.name, key.default[0])
                    if default != key.default[0]:
                        raise self._fault(key, f"a second, other default of {key.name} of the {domain}")
        return _Keys(keys, defaults)

    def _key(self, element: Element, at: str) -> _Key:
        given = element.attributes
        domain = given.get("for", "all")
        if domain not in DOMAINS:
            raise self._fault(element, f"{at} is for {quoted(domain)}{did_you_mean(domain, DOMAINS)}")
        is_graphical = "yfiles.type" in given
        name = given.get("attr.name", "")
        if not name and not is_graphical and (meant := near_name(given["id"], _names(domain))):
            raise self._fault(element, f"{at} has no attr.name; is it {meant}?")
        kind = given.get("attr.type", "string")
        key = _Key(domain, "" if is_graphical else name, TYPES.get(kind, ""), kind, None, element.line)
        defaults = list(element.named("default"))
        if len(defaults) > 1:
            raise self._fault(defaults[1], f"{at} has a second default")
        if name not in _names(domain) or is_graphical:
            return key
        if not key.kind:
            raise self._fault(element, f"{at} has attr.type {quoted(kind)}{did_you_mean(kind, TYPES)}")
        if not defaults:
            return key
        # In a tuple, so that a default of 0 is one.
        default = (self._value(defaults[0], key, f"default of {at}"),)
        return _Key(domain, name, key.kind, kind, default, element.line)

    def _check_names(self, keys: list[_Key]) -> None:
        """Refuse attributes that a slip made: their values would be passed over."""
        for key in keys:
            if key.name in _names(key.domain):
                continue
            for domain in filter(key.is_for, ATTRIBUTES):
                taken = {other.name for other in keys if other.is_for(domain)}
                if meant := near_name(key.name, [name for name in ATTRIBUTES[domain] if name not in taken]):
                    message = f"attribute {quoted(key.name)} of the {domain} is not read; did you mean '{meant}'?"
                    raise self._fault(key, message, "rename the attribute, or remove its key and data")

    def _graph(self, element: Element, keys: _Keys) -> nx.Graph[str]:
        self._check_content(element, "graph", "the graph")
        default = element.attributes.get("edgedefault")
        if default not in ("directed", "undirected"):
            given = "the graph has no edgedefault" if default is None else f"edgedefault is {quoted(default)}"
            raise self._fault(element, f"{given}; accepted: directed, undirected")
        nodes = self._nodes(element, keys)
        edges = list(self._edges(element, keys, default == "directed", nodes))
        directed = default == "directed" or any(edge.directed for edge in edges)
        graph: nx.Graph[str] = nx.DiGraph() if directed else nx.Graph()
        lines: dict[tuple[str, str], int] = {}
        graph.graph |= self._values(element, "graph", "the graph", keys)
        graph.add_nodes_from(nodes.items())
        for edge in edges:
            both = graph.is_directed() and not edge.directed
            for ends in [(edge.source, edge.target), (edge.target, edge.source)][: 1 + both]:
                if graph.has_edge(*ends):
                    line = lines[ends] if ends in lines else lines[ends[::-1]]
                    message = f"{edge.shown}: these nodes are joined in line {line} already"
                    raise self._fault(edge, message, "give one edge with the sum of their weights")
                lines[ends] = edge.line
                graph.add_edge(*ends, **edge.values)
        return graph

    def _nodes(self, element: Element, keys: _Keys) -> dict[str, dict[str, Any]]:
        nodes: dict[str, dict[str, Any]] = {}
        lines: dict[str, int] = {}
        for place, node in enumerate(element.named("node"), 1):
            label = node.attributes.get("id")
            at = f"node {place}" if label is None else f"node {printable(label)}"
            self._check_content(node, "node", at)
            if label is None:
                raise self._fault(node, f"{at} has no id")
            if label in nodes:
                raise self._fault(node, f"{at} is declared in line {lines[label]} already")
            nodes[label], lines[label] = self._values(node, "node", at, keys), node.line
        return nodes

    def _edges(
        self, element: Element, keys: _Keys, directed: bool, nodes: dict[str, dict[str, Any]]
    ) -> Iterator[_Edge]:
        lines: dict[str, int] = {}
        edges = list(element.named("edge"))
        for place, edge in enumerate(edges, 1):
            given = edge.attributes
            source, target = given.get("source"), given.get("target")
            if source is None or target is None:
                at = f"edge {place} of {len(edges)}"
                self._check_content(edge, "edge", at)
                raise self._fault(edge, f"{at} has no {'source' if source is None else 'target'}")
            at = f"edge {printable(source)} {printable(target)}"
            self._check_content(edge, "edge", at)
            for label in (source, target):
                if label not in nodes:
                    like = next(
                        (other for other in nodes if other.strip().casefold() == label.strip().casefold()), None
                    )
                    guess = "" if like is None else f"; did you mean {quoted(like)}?"
                    raise self._fault(edge, f"{at}: there is no node {quoted(label)}{guess}")
            if source == target:
                hint = "remove the edge; what pulls on a node alone is its field, shil or detuning"
                raise self._fault(edge, f"{at}: a node is coupled with itself", hint)
            if (identity := given.get("id")) is not None:
                if identity in lines:
                    raise self._fault(edge, f"{at}: id {quoted(identity)} stands in line {lines[identity]} already")
                lines[identity] = edge.line
            own = given.get("directed", "true" if directed else "false")
            if own not in ("true", "false", "1", "0"):
                raise self._fault(edge, f"{at}: directed is {quoted(own)}; accepted: true, false")
            yield _Edge(source, target, own in ("true", "1"), self._values(edge, "edge", at, keys), at, edge.line)

    def _values(self, element: Element, domain: str, at: str, keys: _Keys) -> dict[str, Any]:
        """Return the values of an element's data that a model has, and the defaults of those that it lacks."""
        names = ATTRIBUTES.get(domain, ())
        seen: set[str] = set()
        values: dict[str, Any] = {}
        for data in element.named("data"):
            identity = data.attributes.get("key")
            if identity is None:
                raise self._fault(data, f"{at}: data without key")
            key = keys.declared.get(identity)
            if key is None:
                raise self._fault(data, f"{at}: key {quoted(identity)} is not declared")
            if not key.is_for(domain):
                raise self._fault(data, f"{at}: key {quoted(identity)} is for the {key.domain}")
            if identity in seen or key.name in values:
                raise self._fault(data, f"{at}: {quoted(key.name or identity)} stands twice")
            seen.add(identity)
            if key.name in names or (domain == "graphml" and key.name in _names(key.domain)):
                values[key.name] = self._value(data, key, f"{key.name} of {at}")
        return {**keys.defaults.get(domain, {}), **values}

    def _value(self, element: Element, key: _Key, at: str) -> Any:
        if element.children:
            raise self._fault(element, f"{at} holds {_named(element.children[0])}, not a value")
        text = element.text.strip(_BLANKS)
        if key.kind == "text":
            return text
        if key.kind == "whole" and re.fullmatch(r"[+-]?[0-9]{1,18}", text):
            return int(text)
        if key.kind == "number" and (number := as_exact(text)) is not None:
            return number
        if key.kind == "boolean":
            raise self._fault(element, f"{at} is a boolean (attr.type of its key), expected a number or a text")
        if key.kind == "number" and (why := number_fault(text)):
            raise self._fault(element, f"{at}: {why}; a finite number is needed")
        more = "; several numbers are a string" if len(text.split()) > 1 else ""
        raise self._fault(element, f"{at}: {quoted(text)} is no {key.type} (attr.type of its key){more}")

    def _check_content(self, element: Element, kind: str, at: str) -> None:
        """Refuse what is in an element, or among its XML attributes, and would be lost."""
        accepted = _CHILDREN[kind]
        for child in element.children:
            if child.space == element.space and child.name in accepted:
                continue
            why = _NOT_READ.get(child.name, "accepted: " + ", ".join(f"<{name}>" for name in accepted))
            raise self._fault(child, f"{at} holds {_named(child)}; {why}")
        if text := element.text.strip(_BLANKS):
            raise self._fault(element, f"{at} holds the text {quoted(text)}; values stand in <data>")
        for name in element.attributes:
            if name in ("sourceport", "targetport"):
                raise self._fault(element, f"{at} has a {name}; ports are not read")
            if name in _XML_ATTRIBUTES[kind]:
                continue
            if name in ATTRIBUTES.get(kind, ()):
                raise self._fault(element, f"{at} has an XML attribute '{name}'; values stand in <data>")
            if meant := near_name(name, _XML_ATTRIBUTES[kind]):
                raise self._fault(element, f"{at} has an XML attribute {quoted(name)}; did you mean '{meant}'?")

    def _fault(self, part: Element | _Key | _Edge, message: str, hint: str = "") -> OsccError:
        return fault("graphml", message, f"{self.where}:{part.line}", hint)


@dataclass(frozen=True)
class _Edge:
    source: str
    target: str
    directed: bool
    values: dict[str, Any]
    shown: str
    line: int


def _names(domain: str) -> Iterable[str]:
    """Return the attributes that a model has of a domain."""
    if domain == "all":
        return tuple(name for names in ATTRIBUTES.values() for name in names)
    return ATTRIBUTES.get(domain, ())


def _named(element: Element) -> str:
    return f"<{printable(element.name)}>"
