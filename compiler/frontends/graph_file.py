"""Graphs of networkx, and GraphML files, as models: nodes and couplings with their parameters as attributes."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ET
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.compiler.families import FAMILIES
from oscc.compiler.frontends.text import as_number, fault
from oscc.compiler.graph import NODE_TENSORS, CouplingGraph, InitialPhases

DURATION = 2.0
"""Of a chunk, where the graph does not say [model time]."""


def parse_graphml(text: str, *, name: str, where: str) -> tuple[CouplingGraph, tuple[str, ...]]:
    """Return the model of a GraphML text, as `graph_model` reads it, and the ids of its nodes.

    Parameters
    ----------
    text : str
    name : str
        Of the model.
    where : str
        Of the text, for errors.

    Raises
    ------
    OsccError
        ``problem.graphml``.
    """
    if re.search(r"<!(DOCTYPE|ENTITY)", text):
        # Entities can grow without bound, and no GraphML that networkx writes has any.
        raise fault("graphml", "document types and entities are not read", where)
    try:
        _check_edges(ET.fromstring(text.encode()), where)
        with warnings.catch_warnings():
            # What networkx only warns of, such as an attribute whose key is not declared, is at fault here.
            warnings.simplefilter("error")
            graph = nx.read_graphml(io.BytesIO(text.encode()))
    except ET.ParseError as error:
        raise fault("graphml", f"no XML: {error}", where) from None
    except (nx.NetworkXError, KeyError, ValueError, AttributeError, TypeError, Warning) as error:
        raise fault("graphml", f"no GraphML that can be read: {_line(error)}", where) from None
    return graph_model(graph, name=name, where=where), tuple(graph.nodes)


def _check_edges(root: ET.Element, where: str) -> None:
    """Refuse edges without ends, which networkx takes for edges of a node `None`."""
    edges = [part for part in root.iter() if part.tag.rpartition("}")[2] == "edge"]
    for place, edge in enumerate(edges, 1):
        for end in ("source", "target"):
            if end not in edge.attrib:
                raise fault("graphml", f"edge {place} of {len(edges)} has no {end}", where)


def graph_model(graph: nx.Graph[Any], *, name: str, where: str = "graph") -> CouplingGraph:
    """The model of a graph.

    An edge of an undirected graph couples both of its nodes to each other, one of a directed graph the second to the
    first. Attributes are a number for all chunks, or a text with a number for each chunk, blanks between them:

    - of the graph: ``duration`` of the chunks (`DURATION`), ``family`` (kurashil);
    - of edges: ``weight``, K (1) [rad per unit of model time], positive where phases draw together;
    - of nodes: ``shil``, ``field``, ``detuning`` (0) [rad per unit of model time]; ``row`` and ``col`` of all nodes, or
      of none; ``pixel``, the place of a node that is read out. Without any ``pixel`` all nodes are, in their order.

    Parameters
    ----------
    graph : networkx.Graph or networkx.DiGraph
        Nodes of any names.
    name : str
    where : str
        For errors.

    Raises
    ------
    OsccError
        ``problem.graph``, with the node or edge at fault.
    """
    if graph.is_multigraph():
        raise fault("graph", "two edges between the same nodes", where, "give one edge with the sum of their weights")
    if len(graph) == 0:
        raise fault("graph", "no nodes", where)
    numbered = {node: place for place, node in enumerate(graph.nodes)}
    family = graph.graph.get("family", "kurashil")
    if family not in FAMILIES:
        raise fault("graph", f"family '{family}'; accepted: {', '.join(FAMILIES)}", where)
    duration = _numbers(graph.graph.get("duration", DURATION), "duration", where)
    chunks = duration.size
    src, dst, weights = [], [], []
    for one, other, given in graph.edges(data="weight", default=1.0):
        at = f"edge {one} {other}"
        if one == other:
            raise fault("graph", f"node {one} is coupled to itself", where)
        weight = _per_chunk(given, chunks, f"weight of {at}", where)
        ends = [(one, other)] if graph.is_directed() else [(one, other), (other, one)]
        for source, destination in ends:
            src.append(numbered[source])
            dst.append(numbered[destination])
            weights.append(weight)
    order = np.lexsort((src, dst))
    per_node: dict[str, Any] = {
        tensor: np.stack(
            [
                _per_chunk(data.get(tensor, 0.0), chunks, f"{tensor} of node {node}", where)
                for node, data in graph.nodes(data=True)
            ],
            axis=1,
        ).astype(np.float32)
        for tensor in NODE_TENSORS
    }
    readout = _readout(graph, where)
    return CouplingGraph(
        name=name,
        family=family,
        image_shape=(1, readout.size),
        init=InitialPhases(),
        src=np.array(src, dtype=np.int32)[order],
        dst=np.array(dst, dtype=np.int32)[order],
        weight=np.array(weights, dtype=np.float32).reshape(-1, chunks)[order].T.copy(),
        chunk_duration=duration.astype(np.float32),
        position=_positions(graph, where),
        readout=readout,
        **per_node,
    )


def _readout(graph: nx.Graph[Any], where: str) -> NDArray[np.int32]:
    pixels = [(data["pixel"], place) for place, (_, data) in enumerate(graph.nodes(data=True)) if "pixel" in data]
    if not pixels:
        return np.arange(len(graph), dtype=np.int32)
    numbers = sorted(pixel for pixel, _ in pixels)
    if numbers != list(range(len(numbers))):
        raise fault("graph", f"pixels {numbers[:5]}...: they must be 0 to {len(numbers) - 1}, each once", where)
    return np.array([place for _, place in sorted(pixels)], dtype=np.int32)


def _positions(graph: nx.Graph[Any], where: str) -> NDArray[np.int32] | None:
    found = [(data.get("row"), data.get("col")) for _, data in graph.nodes(data=True)]
    given = [row is not None and col is not None for row, col in found]
    if not any(given):
        return None
    if not all(given):
        node = list(graph.nodes)[given.index(False)]
        raise fault("graph", f"node {node} has no row and col, others have", where)
    for node, place in zip(graph.nodes, found, strict=True):
        if not all(type(part) is int and 0 <= part < 2**15 for part in place):
            raise fault("graph", f"node {node} is at row {place[0]}, col {place[1]}: whole numbers from 0", where)
    return np.array(found, dtype=np.int32)


def _numbers(given: Any, what: str, where: str) -> NDArray[np.float64]:
    words = given.split() if isinstance(given, str) else [str(given)]
    numbers = [as_number(word) for word in words]
    if not numbers or None in numbers or isinstance(given, bool):
        raise fault("graph", f"{what}: '{given}' is no number, nor one for each chunk", where)
    return np.array(numbers, dtype=np.float64)


def _per_chunk(given: Any, chunks: int, what: str, where: str) -> NDArray[np.float64]:
    numbers = _numbers(given, what, where)
    if numbers.size not in (1, chunks):
        raise fault("graph", f"{what}: {numbers.size} numbers for {chunks} chunks", where)
    return np.broadcast_to(numbers, (chunks,))


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
