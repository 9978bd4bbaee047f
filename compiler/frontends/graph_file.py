"""Graphs of networkx as models: nodes and couplings with their parameters as attributes."""

from __future__ import annotations

import re
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.base.node_labels import printable
from oscc.compiler.frontends.text import MOST_SPINS, as_exact, fault, number_fault, quoted
from oscc.compiler.ir.graph import MAX_POSITION, NODE_TENSORS, CouplingGraph
from oscc.core.families import FAMILIES
from oscc.core.initial_phases import InitialPhases

DURATION = 2.0
"""Of a chunk, where the graph does not say [model time]."""

ATTRIBUTES = {"graph": ("duration", "family"), "node": (*NODE_TENSORS, "row", "col", "pixel"), "edge": ("weight",)}
"""What is read of a graph, of its nodes and of its edges."""

LARGEST = 1e30
"""Of any parameter: a checkpoint holds float32, whose sums and multiples must stay finite."""

SMALLEST = 1e-30
"""Of any parameter that is not 0: smaller ones would lose digits in float32, and below 1e-45 become 0."""


def graph_model(graph: nx.Graph[Any], *, name: str, where: str = "graph") -> CouplingGraph:
    """Return the model of a graph.

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
    if len(graph) > MOST_SPINS:
        raise fault("graph", f"{len(graph)} nodes; at most {MOST_SPINS}", where)
    numbered = {node: place for place, node in enumerate(graph.nodes)}
    family = graph.graph.get("family", "kurashil")
    if not isinstance(family, str) or family not in FAMILIES:
        raise fault("graph", f"family {quoted(str(family))}; accepted: {', '.join(FAMILIES)}", where)
    duration = _numbers(graph.graph.get("duration", DURATION), "duration", where).astype(np.float32)
    if not np.all(duration > 0):
        # Of what float32 holds: a smaller one is 0 there.
        raise fault("graph", f"duration: {quoted(str(graph.graph['duration']))} is not positive, or too small", where)
    chunks = duration.size
    src, dst, weights = [], [], []
    for one, other, given in graph.edges(data="weight", default=1.0):
        if one == other:
            raise fault("graph", f"node {_shown(one)} is coupled to itself", where)
        weight = _per_chunk(given, chunks, f"weight of edge {_shown(one)} {_shown(other)}", where)
        ends = [(one, other)] if graph.is_directed() else [(one, other), (other, one)]
        for source, destination in ends:
            src.append(numbered[source])
            dst.append(numbered[destination])
            weights.append(weight)
    order = np.lexsort((src, dst))
    per_node: dict[str, Any] = {
        tensor: np.stack(
            [
                _per_chunk(data.get(tensor, 0.0), chunks, f"{tensor} of node {_shown(node)}", where)
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
        chunk_duration=duration,
        position=_positions(graph, where),
        readout=readout,
        **per_node,
    )


def _readout(graph: nx.Graph[Any], where: str) -> NDArray[np.int32]:
    node_of: dict[int, Any] = {}
    for node, data in graph.nodes(data=True):
        if "pixel" not in data:
            continue
        pixel = _whole(data["pixel"])
        if pixel is None:
            message = f"node {_shown(node)} is pixel {_shown(data['pixel'])}: an integer from 0"
            raise fault("graph", message, where)
        if pixel in node_of:
            raise fault("graph", f"nodes {_shown(node_of[pixel])} and {_shown(node)} are pixel {pixel}", where)
        node_of[pixel] = node
    if not node_of:
        return np.arange(len(graph), dtype=np.int32)
    missing = next((pixel for pixel in range(len(node_of)) if pixel not in node_of), None)
    if missing is not None:
        message = f"no node is pixel {missing}; the {len(node_of)} pixels must be 0 to {len(node_of) - 1}"
        raise fault("graph", message, where)
    place = {node: index for index, node in enumerate(graph.nodes)}
    return np.array([place[node_of[pixel]] for pixel in range(len(node_of))], dtype=np.int32)


def _positions(graph: nx.Graph[Any], where: str) -> NDArray[np.int32] | None:
    found = [(node, data.get("row"), data.get("col")) for node, data in graph.nodes(data=True)]
    if all(row is None and col is None for _, row, col in found):
        return None
    position = np.zeros((len(graph), 2), dtype=np.int32)
    for place, (node, *at) in enumerate(found):
        lacking = [name for name, part in zip(("row", "col"), at, strict=True) if part is None]
        if lacking:
            raise fault("graph", f"node {_shown(node)} has no {' and '.join(lacking)}, others have", where)
        row, col = (_whole(part) for part in at)
        if row is None or col is None or max(row, col) > MAX_POSITION:
            message = f"node {_shown(node)} is at row {_shown(at[0])}, col {_shown(at[1])}: integers from 0"
            raise fault("graph", f"{message} to {MAX_POSITION}", where)
        position[place] = row, col
    return position


def _whole(given: Any) -> int | None:
    """Return a number as a whole one from 0; None when it is none. Tools that have only floats write 3.0 for 3."""
    if isinstance(given, bool):
        return None
    if isinstance(given, float | np.floating):
        return int(given) if given >= 0 and float(given).is_integer() else None
    return int(given) if isinstance(given, int | np.integer) and given >= 0 else None


def _numbers(given: Any, what: str, where: str) -> NDArray[np.float64]:
    words = [word for word in re.split("[ \t\r\n]", given) if word] if isinstance(given, str) else [str(given)]
    numbers = [as_exact(word) for word in words]
    if not numbers or None in numbers or isinstance(given, bool):
        if why := next(filter(None, map(number_fault, words)), ""):
            raise fault("graph", f"{what}: {why}; finite numbers are needed", where)
        raise fault("graph", f"{what}: {quoted(str(given))} is no number, nor one for each chunk", where)
    found = np.array(numbers, dtype=np.float64)
    if np.abs(found).max() > LARGEST:
        raise fault("graph", f"{what}: {quoted(str(given))} is more than {LARGEST:g}", where)
    if np.any((found != 0) & (np.abs(found) < SMALLEST)):
        raise fault("graph", f"{what}: {quoted(str(given))} is not 0, and less than {SMALLEST:g} in size", where)
    return found


def _per_chunk(given: Any, chunks: int, what: str, where: str) -> NDArray[np.float64]:
    numbers = _numbers(given, what, where)
    if numbers.size not in (1, chunks):
        raise fault("graph", f"{what}: {numbers.size} numbers for {chunks} chunks", where)
    return np.broadcast_to(numbers, (chunks,))


def _shown(label: Any) -> str:
    return printable(str(label))
