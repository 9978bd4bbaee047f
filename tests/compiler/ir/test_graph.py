from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.findings import Finding, FindingError, is_empty
from oscc.compiler.ir.graph import CouplingGraph, diagnose_graph, verify_graph
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]


@pytest.fixture(scope="module")
def graph(make_graph: MakeGraph, tiny_core: CoreSpec) -> CouplingGraph:
    return make_graph(tiny_core, density=0.5, time_scale_s=(1e-6,))


def _changed(graph: CouplingGraph, name: str, index: Any, value: float) -> CouplingGraph:
    array = getattr(graph, name).copy()
    array[index] = value
    return dataclasses.replace(graph, **{name: array})


def _only(graph: CouplingGraph) -> Finding:
    findings = list(diagnose_graph(graph))
    assert len(findings) == 1, findings
    assert not is_empty(diagnose_graph(graph))
    with pytest.raises(FindingError, match=findings[0].code):
        verify_graph(graph)
    return findings[0]


def _same(one: CouplingGraph, other: CouplingGraph) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(CouplingGraph)]
    return all(np.array_equal(a, b) and a.dtype == b.dtype if isinstance(a, np.ndarray) else a == b for a, b in pairs)


def test_synthetic_graph_is_valid(graph: CouplingGraph) -> None:
    assert list(diagnose_graph(graph)) == []
    assert is_empty(diagnose_graph(graph))
    verify_graph(graph)


def test_sizes(graph: CouplingGraph) -> None:
    assert (graph.nodes, graph.chunks, graph.couplings) == (64, 4, len(graph.src))


def test_in_degree_counts_couplings_into_each_node(graph: CouplingGraph) -> None:
    expected = [0] * graph.nodes
    for dst in graph.dst.tolist():
        expected[dst] += 1
    assert graph.in_degree().tolist() == expected


def test_arrays_cannot_be_changed(graph: CouplingGraph) -> None:
    with pytest.raises(ValueError, match="read-only"):
        graph.weight[0, 0] = 1.0


# networkx


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), density=st.sampled_from([0.0, 0.1, 1.0]), positions=st.booleans())
def test_networkx_round_trip(
    make_graph: MakeGraph, tiny_core: CoreSpec, seed: int, density: float, positions: bool
) -> None:
    graph = make_graph(tiny_core, seed=seed, density=density, positions=positions)
    assert _same(CouplingGraph.from_networkx(graph.to_networkx()), graph)


def test_networkx_keeps_metadata(graph: CouplingGraph) -> None:
    given = dataclasses.replace(
        graph,
        init=InitialPhases("uniform", 0.5, 1.5),
        time_scale_s=(1e-6, 2e-6, 3e-6, 4e-6),
        model_hash="abc",
        training={"seed": 3},
    )
    assert _same(CouplingGraph.from_networkx(given.to_networkx()), given)


def test_networkx_edges_run_from_source_to_destination(graph: CouplingGraph) -> None:
    exported = graph.to_networkx()
    src, dst = int(graph.src[7]), int(graph.dst[7])
    assert exported.edges[src, dst]["weight"] == graph.weight[:, 7].tolist()
    assert exported.in_degree(dst) == graph.in_degree()[dst]


def test_networkx_nodes_carry_their_parameters(graph: CouplingGraph) -> None:
    exported = graph.to_networkx()
    node = int(graph.readout[5])
    assert exported.nodes[node]["pixel"] == 5
    assert exported.nodes[node]["shil"] == graph.shil[:, node].tolist()
    assert exported.nodes[node]["position"] == graph.position[node].tolist()  # type: ignore[index]


def test_networkx_couplings_come_out_sorted(graph: CouplingGraph) -> None:
    order = np.random.default_rng(1).permutation(graph.couplings)
    shuffled = dataclasses.replace(graph, src=graph.src[order], dst=graph.dst[order], weight=graph.weight[:, order])
    assert _same(CouplingGraph.from_networkx(shuffled.to_networkx()), graph)


def test_networkx_nodes_must_be_numbered_from_0(graph: CouplingGraph) -> None:
    renamed: nx.DiGraph[int] = nx.relabel_nodes(graph.to_networkx(), {0: 64})
    with pytest.raises(ValueError, match=r"^nodes must be 0\.\.63$"):
        CouplingGraph.from_networkx(renamed)


# findings


@pytest.mark.parametrize(
    ("name", "tensor", "cut", "given", "wanted"),
    [
        ("weight", "coupling.weight", np.s_[:3], "[3, {E}]", "[4, {E}]"),
        ("dst", "coupling.dst", np.s_[:-1], "[{E1}]", "[{E}]"),
        ("field", "field", np.s_[:, :63], "[4, 63]", "[4, 64]"),
        ("detuning", "detuning", np.s_[:2], "[2, 64]", "[4, 64]"),
        ("position", "node.position", np.s_[:, :1], "[64, 1]", "[64, 2]"),
        ("readout", "readout.node", np.s_[:5], "[5]", "[16]"),
    ],
)
def test_wrong_shape(graph: CouplingGraph, name: str, tensor: str, cut: Any, given: str, wanted: str) -> None:
    finding = _only(dataclasses.replace(graph, **{name: getattr(graph, name)[cut]}))
    sizes = {"E": graph.couplings, "E1": graph.couplings - 1}
    assert finding.code == "G001"
    assert finding.message == f"{tensor}: shape {given.format(**sizes)}, expected {wanted.format(**sizes)}"


@pytest.mark.parametrize(
    ("name", "tensor", "dtype"),
    [
        ("weight", "coupling.weight", "float64"),
        ("src", "coupling.src", "int64"),
        ("readout", "readout.node", "uint32"),
        ("chunk_duration", "chunk_duration", "int32"),
        ("position", "node.position", "float32"),
    ],
)
def test_wrong_type(graph: CouplingGraph, name: str, tensor: str, dtype: str) -> None:
    finding = _only(dataclasses.replace(graph, **{name: getattr(graph, name).astype(dtype)}))
    expected = "int32" if tensor in ("coupling.src", "node.position", "readout.node") else "float32"
    assert (finding.code, finding.message) == ("G001", f"{tensor}: type {dtype}, expected {expected}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("name", "tensor", "index"),
    [("weight", "coupling.weight", (2, 9)), ("shil", "shil", (3, 7)), ("field", "field", (0, 0))],
)
def test_nan_or_infinite(graph: CouplingGraph, name: str, tensor: str, index: tuple[int, int], value: float) -> None:
    finding = _only(_changed(graph, name, index, value))
    assert finding.code == "G002"
    assert finding.message == f"{tensor}: 1 values are NaN or infinite, the first at {list(index)}"
    assert finding.witness == {"tensor": tensor, "index": list(index), "count": 1}


@pytest.mark.parametrize("duration", [0.0, -1.0])
def test_duration_must_be_positive(graph: CouplingGraph, duration: float) -> None:
    finding = _only(_changed(graph, "chunk_duration", 1, duration))
    assert finding.code == "G003"
    assert finding.message == f"chunk_duration: [2.0, {duration}, 2.0, 2.0] must be one positive number per chunk"


def test_no_chunks(graph: CouplingGraph) -> None:
    cut = {name: getattr(graph, name)[:0] for name in ("weight", "shil", "field", "detuning", "chunk_duration")}
    assert _only(dataclasses.replace(graph, **cut)).code == "G003"


@pytest.mark.parametrize("value", [-1, 64, 2**31 - 1])
@pytest.mark.parametrize(
    ("name", "tensor"), [("src", "coupling.src"), ("dst", "coupling.dst"), ("readout", "readout.node")]
)
def test_index_out_of_range(graph: CouplingGraph, name: str, tensor: str, value: int) -> None:
    finding = _only(_changed(graph, name, 3, value))
    assert finding.code == "G004"
    assert finding.message == f"{tensor}: 1 indices out of range, the first {value} at [3]; nodes are 0..63"


def test_self_coupling(graph: CouplingGraph) -> None:
    node = int(graph.dst[4])
    finding = _only(_changed(graph, "src", 4, node))
    assert finding.code == "G005"
    assert finding.message == f"coupling [4] couples node {node} to itself; 1 such couplings"


def test_duplicate_coupling(graph: CouplingGraph) -> None:
    twice = _changed(_changed(graph, "src", 0, int(graph.src[50])), "dst", 0, int(graph.dst[50]))
    finding = _only(twice)
    src, dst = int(graph.src[50]), int(graph.dst[50])
    assert finding.code == "G006"
    assert finding.message == f"coupling into {dst} from {src} is given 2 times; 1 couplings are repeated"


def test_opposite_couplings_are_no_duplicates(make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    full = make_graph(tiny_core)
    pairs = set(zip(full.src.tolist(), full.dst.tolist(), strict=True))
    assert all((dst, src) in pairs for src, dst in pairs)
    assert is_empty(diagnose_graph(full))


def test_node_for_two_pixels(graph: CouplingGraph) -> None:
    finding = _only(_changed(graph, "readout", 0, int(graph.readout[2])))
    node = int(graph.readout[2])
    assert finding.code == "G007"
    assert finding.message == f"readout.node: node {node} stands for 2 pixels; 1 nodes stand for several"


@pytest.mark.parametrize("place", [-1, 2**15])
def test_position_out_of_range(graph: CouplingGraph, place: int) -> None:
    finding = _only(_changed(graph, "position", (9, 1), place))
    assert finding.code == "G008"
    assert f"the first [1, {place}] of node 9; rows and columns are 0..32767" in finding.message


def test_no_nodes(graph: CouplingGraph) -> None:
    none: dict[str, Any] = {
        "shil": graph.shil[:, :0],
        "field": graph.field[:, :0],
        "detuning": graph.detuning[:, :0],
        "src": graph.src[:0],
        "dst": graph.dst[:0],
        "weight": graph.weight[:, :0],
        "readout": graph.readout[:0],
        "position": graph.position[:0],  # type: ignore[index]
        "image_shape": (0, 0),
    }
    assert _only(dataclasses.replace(graph, **none)).code == "G009"


def test_every_fault_is_found(graph: CouplingGraph) -> None:
    faulty = _changed(_changed(graph, "weight", (0, 0), np.nan), "src", 3, 99)
    faulty = _changed(faulty, "chunk_duration", 0, 0.0)
    assert [finding.code for finding in diagnose_graph(faulty)] == ["G002", "G003", "G004"]
