"""`CouplingGraph`: a trained model as a graph of couplings, before any hardware is in sight."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.findings import Finding, Node, raise_first
from oscc.compiler.findings.of_graphs import (
    BAD_DURATION,
    BAD_INDEX,
    BAD_POSITION,
    NO_NODES,
    NOT_FINITE,
    REPEATED_COUPLING,
    SELF_COUPLING,
    SHARED_NODE,
    WRONG_TENSOR,
)
from oscc.core.initial_phases import InitialPhases

NODE_TENSORS = ("shil", "field", "detuning")
INDEX_TENSORS = ("coupling.src", "coupling.dst", "node.position", "readout.node")

MAX_POSITION = 2**15 - 1
"""Largest row or column of a position: far beyond any grid, and safe to add and subtract in int32."""


@dataclass(frozen=True, eq=False)
class CouplingGraph:
    """A trained model: N nodes, E directed couplings, C chunks, P pixels. Arrays are read-only.

    Parameters
    ----------
    name : str
    family : str
        A name of `oscc.core.families.FAMILIES`.
    image_shape : tuple of (int, int)
        Rows and columns of the image; their product is P.
    init : InitialPhases
    src, dst : int32[E]
        Coupling into ``dst`` from ``src``.
    weight : float32[C, E]
        K [rad per unit of model time].
    shil, field, detuning : float32[C, N]
        S, h, w [rad per unit of model time].
    chunk_duration : float32[C]
        [model time]
    position : int32[N, 2] or None
        (row, col) at which the model was trained.
    readout : int32[P]
        Node of each pixel, raster order.
    time_scale_s : tuple of float, or None
        Seconds per unit of model time that the model was trained for: one, or one per chunk.
    model_hash : str
        SHA-256 of the file that the model came from, or of its arrays.
    training : JSON value
        Whatever the trainer recorded; not interpreted.
    """

    name: str
    family: str
    image_shape: tuple[int, int]
    init: InitialPhases
    src: NDArray[np.int32]
    dst: NDArray[np.int32]
    weight: NDArray[np.float32]
    shil: NDArray[np.float32]
    field: NDArray[np.float32]
    detuning: NDArray[np.float32]
    chunk_duration: NDArray[np.float32]
    position: NDArray[np.int32] | None
    readout: NDArray[np.int32]
    time_scale_s: tuple[float, ...] | None = None
    model_hash: str = ""
    training: Any = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        freeze(self)

    @property
    def recorded(self) -> dict[str, Any]:
        """What is recorded by name in ``training``: nothing, where that is no object."""
        return self.training if isinstance(self.training, dict) else {}

    @property
    def nodes(self) -> int:
        """N."""
        return int(self.shil.shape[1])

    @property
    def couplings(self) -> int:
        """E."""
        return int(self.src.size)

    @property
    def chunks(self) -> int:
        """C."""
        return int(self.chunk_duration.size)

    def in_degree(self) -> NDArray[np.int64]:
        """Count the couplings into each node, int64[N]."""
        return np.bincount(self.dst, minlength=self.nodes)

    def to_networkx(self) -> nx.DiGraph[int]:
        """Return the graph with every parameter as an attribute; `from_networkx` is the inverse.

        Edges carry ``weight`` and nodes ``shil``, ``field`` and ``detuning``, each a list of C floats; nodes also
        ``position`` and ``pixel`` where they have one.
        """
        graph: nx.DiGraph[int] = nx.DiGraph(
            name=self.name,
            family=self.family,
            image_shape=list(self.image_shape),
            init={"kind": self.init.kind, "mean": self.init.mean, "std": self.init.std},
            chunk_duration=self.chunk_duration.tolist(),
            time_scale_s=None if self.time_scale_s is None else list(self.time_scale_s),
            model_hash=self.model_hash,
            training=self.training,
        )
        columns = {name: getattr(self, name).T.tolist() for name in NODE_TENSORS}
        for node in range(self.nodes):
            graph.add_node(node, **{name: column[node] for name, column in columns.items()})
        if self.position is not None:
            for node, place in enumerate(self.position.tolist()):
                graph.nodes[node]["position"] = place
        for pixel, node in enumerate(self.readout.tolist()):
            graph.nodes[node]["pixel"] = pixel
        weights = self.weight.T.tolist()
        graph.add_edges_from(
            (src, dst, {"weight": weights[edge]})
            for edge, (src, dst) in enumerate(zip(self.src.tolist(), self.dst.tolist(), strict=True))
        )
        return graph

    @classmethod
    def from_networkx(cls, graph: nx.DiGraph[int]) -> CouplingGraph:
        """Return the model that `to_networkx` wrote; couplings come out sorted by (dst, src).

        Parameters
        ----------
        graph : networkx.DiGraph
            Nodes are 0..N-1 with ``shil``, ``field``, ``detuning``; edges have ``weight``; the attributes of the graph
            are those of `to_networkx`.

        Raises
        ------
        ValueError
            When the nodes are not 0..N-1.
        """
        if sorted(graph.nodes) != list(range(len(graph))):
            raise ValueError(f"nodes must be 0..{len(graph) - 1}")
        nodes = range(len(graph))
        edges: list[tuple[int, int, list[float]]] = sorted(
            graph.edges(data="weight"), key=lambda edge: (edge[1], edge[0])
        )
        chunks = len(graph.graph["chunk_duration"])
        pixels = {data["pixel"]: node for node, data in graph.nodes(data=True) if "pixel" in data}
        placed = all("position" in graph.nodes[node] for node in nodes)
        time_scale = graph.graph.get("time_scale_s")
        image_rows, image_cols = graph.graph["image_shape"]
        per_node = {
            name: np.array([graph.nodes[node][name] for node in nodes], dtype=np.float32).T for name in NODE_TENSORS
        }
        return cls(
            name=graph.graph["name"],
            family=graph.graph["family"],
            image_shape=(image_rows, image_cols),
            init=InitialPhases(**graph.graph["init"]),
            src=np.array([edge[0] for edge in edges], dtype=np.int32),
            dst=np.array([edge[1] for edge in edges], dtype=np.int32),
            weight=np.array([edge[2] for edge in edges], dtype=np.float32).reshape(len(edges), chunks).T,
            chunk_duration=np.array(graph.graph["chunk_duration"], dtype=np.float32),
            position=np.array([graph.nodes[n]["position"] for n in nodes], dtype=np.int32) if placed else None,
            readout=np.array([pixels[pixel] for pixel in sorted(pixels)], dtype=np.int32),
            time_scale_s=None if time_scale is None else tuple(time_scale),
            model_hash=graph.graph.get("model_hash", ""),
            training=graph.graph.get("training", {}),
            **per_node,
        )


def without_couplings(graph: CouplingGraph, dropped: NDArray[np.int32]) -> CouplingGraph:
    """Return a model without some of its couplings.

    Parameters
    ----------
    graph : CouplingGraph
    dropped : int32[k]
    """
    kept = np.ones(graph.couplings, dtype=bool)
    kept[dropped] = False
    return dataclasses.replace(graph, src=graph.src[kept], dst=graph.dst[kept], weight=graph.weight[:, kept])


def idle_couplings(graph: CouplingGraph) -> NDArray[np.int32]:
    """Return the couplings whose weight is zero in all chunks, int32[k]: they have no effect.

    Parameters
    ----------
    graph : CouplingGraph
    """
    return np.flatnonzero(~graph.weight.any(axis=0)).astype(np.int32)


def diagnose_graph(graph: CouplingGraph) -> Iterator[Finding]:
    """Yield every way in which a graph is not well formed (codes G001 to G009).

    Wrong shapes or types (G001) end the check, since nothing else can be said about such arrays.

    Parameters
    ----------
    graph : CouplingGraph
    """
    wrong = False
    for finding in _diagnose_arrays(graph):
        wrong = True
        yield finding
    if wrong:
        return
    yield from _diagnose_values(graph)
    yield from _diagnose_indices(graph)
    yield from _diagnose_duplicates(graph)
    yield from _diagnose_positions(graph)


def _diagnose_arrays(graph: CouplingGraph) -> Iterator[Finding]:
    shapes = {
        "coupling.src": (graph.src.shape, (graph.couplings,)),
        "coupling.dst": (graph.dst.shape, (graph.couplings,)),
        "coupling.weight": (graph.weight.shape, (graph.chunks, graph.couplings)),
        **{name: (getattr(graph, name).shape, (graph.chunks, graph.nodes)) for name in NODE_TENSORS},
        "readout.node": (graph.readout.shape, (graph.image_shape[0] * graph.image_shape[1],)),
    }
    if graph.position is not None:
        shapes["node.position"] = (graph.position.shape, (graph.nodes, 2))
    for name, (given, wanted) in shapes.items():
        if given != wanted:
            yield WRONG_TENSOR.finding(
                f"{name}: shape {list(given)}, expected {list(wanted)}",
                "write the tensor with one entry per chunk, node, coupling or pixel",
                {"tensor": name, "shape": list(given), "expected": list(wanted)},
            )
    for name, array in _tensors_of(graph).items():
        wanted_type = "int32" if name in INDEX_TENSORS else "float32"
        if array.dtype != wanted_type:
            yield WRONG_TENSOR.finding(
                f"{name}: type {array.dtype}, expected {wanted_type}",
                "convert the tensor",
                {"tensor": name, "dtype": str(array.dtype), "expected": wanted_type},
            )


def _tensors_of(graph: CouplingGraph) -> dict[str, NDArray[Any]]:
    """Return the arrays of a graph by the names that they have in a checkpoint."""
    tensors: dict[str, NDArray[Any]] = {
        "coupling.src": graph.src,
        "coupling.dst": graph.dst,
        "coupling.weight": graph.weight,
        **{name: getattr(graph, name) for name in NODE_TENSORS},
        "chunk_duration": graph.chunk_duration,
        "readout.node": graph.readout,
    }
    return tensors if graph.position is None else {**tensors, "node.position": graph.position}


def _diagnose_values(graph: CouplingGraph) -> Iterator[Finding]:
    for name, tensor in _tensors_of(graph).items():
        if name in INDEX_TENSORS:
            continue
        bad = np.argwhere(~np.isfinite(tensor))
        if len(bad):
            first = bad[0].tolist()
            yield NOT_FINITE.finding(
                f"{name}: {len(bad)} values are NaN or infinite, the first at {first}",
                "train again or repair the checkpoint; only finite numbers can be programmed",
                {"tensor": name, "index": first, "count": len(bad)},
            )
    if graph.nodes == 0:
        yield NO_NODES.finding("the model has no nodes", "train a model with at least one node", {"nodes": 0})
    if graph.chunks == 0 or np.any(graph.chunk_duration <= 0):
        yield BAD_DURATION.finding(
            f"chunk_duration: {graph.chunk_duration.tolist()} must be one positive number per chunk",
            "give every chunk a positive duration",
            {"chunk_duration": graph.chunk_duration.tolist()},
        )


def _diagnose_indices(graph: CouplingGraph) -> Iterator[Finding]:
    for name, index in (("coupling.src", graph.src), ("coupling.dst", graph.dst), ("readout.node", graph.readout)):
        bad = np.flatnonzero((index < 0) | (index >= graph.nodes))
        if bad.size:
            yield BAD_INDEX.finding(
                f"{name}: {bad.size} indices out of range, the first {int(index[bad[0]])} at [{int(bad[0])}]; "
                f"nodes are 0..{graph.nodes - 1}",
                "use node indices below the number of nodes",
                {"tensor": name, "index": int(bad[0]), "value": int(index[bad[0]]), "count": int(bad.size)},
            )
    own = np.flatnonzero(graph.src == graph.dst)
    if own.size:
        node = int(graph.src[own[0]])
        yield SELF_COUPLING.finding(
            (f"coupling [{int(own[0])}] couples node ", Node(node), f" to itself; {own.size} such couplings"),
            "leave self-couplings out: sin(0) is 0, they have no effect",
            {"coupling": int(own[0]), "node": node, "count": int(own.size)},
        )


def _diagnose_duplicates(graph: CouplingGraph) -> Iterator[Finding]:
    keys = graph.dst.astype(np.int64) << 32 | graph.src.astype(np.uint32)
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    doubled = np.flatnonzero(counts > 1)
    if doubled.size:
        edge = int(first[doubled[0]])
        yield REPEATED_COUPLING.finding(
            f"coupling into {int(graph.dst[edge])} from {int(graph.src[edge])} is given {int(counts[doubled[0]])} "
            f"times; {doubled.size} couplings are repeated",
            "add the weights of repeated couplings and keep one",
            {"dst": int(graph.dst[edge]), "src": int(graph.src[edge]), "count": int(doubled.size)},
        )
    pixels, uses = np.unique(graph.readout, return_counts=True)
    shared = np.flatnonzero(uses > 1)
    if shared.size:
        node, count = int(pixels[shared[0]]), int(uses[shared[0]])
        yield SHARED_NODE.finding(
            ("readout.node: node ", Node(node), f" stands for {count} pixels; {shared.size} nodes stand for several"),
            "give every pixel a node of its own",
            {"node": node, "pixels": count, "count": int(shared.size)},
        )


def _diagnose_positions(graph: CouplingGraph) -> Iterator[Finding]:
    if graph.position is None:
        return
    bad = np.flatnonzero(np.any((graph.position < 0) | (graph.position > MAX_POSITION), axis=1))
    if bad.size:
        node, place = int(bad[0]), graph.position[bad[0]].tolist()
        yield BAD_POSITION.finding(
            (
                f"node.position: {bad.size} positions out of range, the first {place} of node ",
                Node(node),
                f"; rows and columns are 0..{MAX_POSITION}",
            ),
            "count rows and columns of the model's own grid from 0",
            {"node": node, "position": place, "count": int(bad.size)},
        )


def verify_graph(graph: CouplingGraph) -> None:
    """Raise the first finding of `diagnose_graph`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_graph(graph))
