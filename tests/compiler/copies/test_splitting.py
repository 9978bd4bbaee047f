from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.copies.splitting import split_nodes
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.frontends.ising_problem import max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


@pytest.fixture
def core(make_core: MakeCore) -> CoreSpec:
    return make_core(grid=[12, 12], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=20_000)


def problem(graph: Any, core: CoreSpec) -> CouplingGraph:
    edges = np.array(sorted(graph.edges), np.int32)
    labels = tuple(map(str, range(graph.number_of_nodes())))
    return lower_problem(max_cut("p", edges[:, 0].copy(), edges[:, 1].copy(), np.ones(len(edges)), labels), core)


def compiled(graph: CouplingGraph, core: CoreSpec, path: Path) -> bool:
    write_checkpoint(path, graph)
    return compile_model(read_checkpoint(path), core, placing=PlaceOptions("identity")).feasible


def test_a_problem_keeps_its_time_and_compiles(core: CoreSpec, tmp_path: Path) -> None:
    graph = problem(nx.star_graph(12), core)
    split = split_nodes(graph, core)
    assert split.graph is not None
    assert split.copies is not None
    assert split.findings == ()
    assert split.graph.chunk_duration.tolist() == graph.chunk_duration.tolist()
    assert np.abs(split.graph.weight).max() == pytest.approx(np.abs(graph.weight).max(), rel=1e-6)
    assert compiled(split.graph, core, tmp_path / "m.safetensors")
    # One number divides all parameters: couplings between nodes keep their ratio to SHIL of single nodes.
    single = np.flatnonzero(split.copies.lengths() == 1)[0]
    ratio = split.graph.shil[1, single] / graph.shil[1, single]
    own = split.copies.owner[split.graph.src] == split.copies.owner[split.graph.dst]
    assert np.abs(split.graph.weight[1, ~own]) == pytest.approx(ratio * np.abs(graph.weight).max(), rel=1e-5)


def test_a_trained_model_moves_as_it_did(core: CoreSpec, tmp_path: Path) -> None:
    star = nx.star_graph(12)
    for one, other in star.edges:
        star.edges[one, other]["weight"] = 1.0
    graph = graph_model(star, name="g", where="g")
    split = split_nodes(graph, core)
    assert split.graph is not None
    assert split.copies is not None
    middle = split.copies.lengths()[0]
    assert middle > 1
    into = (split.copies.owner[split.graph.dst] == 0) & (split.copies.owner[split.graph.src] != 0)
    # Twelve couplings of 1, times the copies.
    assert split.graph.weight[0, into].sum() == pytest.approx(12 * middle)


def test_what_cannot_be_split(core: CoreSpec, make_core: MakeCore) -> None:
    small = make_core(grid=[4, 4], stencil="king", readout={"step": [1, 1]})
    split = split_nodes(problem(nx.complete_graph(9), small), small)
    assert (split.graph, split.copies) == (None, None)
    (finding,) = split.findings
    assert (finding.code, finding.proof) == ("C001", False)
    assert finding.witness["at_fault"] > 0
    (finding,) = split_nodes(problem(nx.complete_graph(14), small), small).findings
    assert (finding.code, finding.proof) == ("C003", True)
    assert finding.message.startswith("copies need 28 cells at least, of which the core has 16: 14 nodes have more ")
    (finding,) = split_nodes(problem(nx.path_graph(20), small), small).findings
    assert (finding.code, finding.proof) == ("F005", True)
    out = split_nodes(problem(nx.complete_graph(12), core), core, search=Search.within(0.0))
    assert "ended by time" in out.findings[0].message
