"""What the tests of the placers share: models of graphs, and cores whose every cell can be read."""

from __future__ import annotations

from collections.abc import Callable

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec import CoreSpec


def _model_of(graph: nx.Graph[int], seed: int = 0, pixels: int | None = None) -> CouplingGraph:
    nodes = len(graph)
    number = dict(zip(graph.nodes, np.random.default_rng(seed).permutation(nodes).tolist(), strict=True))
    edges = np.array([(number[a], number[b]) for a, b in graph.edges], np.int32).reshape(-1, 2)
    src, dst = np.concatenate([edges, edges[:, ::-1]]).T
    zeros = np.zeros((1, nodes), np.float32)
    readout = np.arange(nodes if pixels is None else pixels, dtype=np.int32)
    return CouplingGraph(
        name="graph",
        family="kurashil",
        image_shape=(1, readout.size),
        init=InitialPhases("normal", 0.0, 1.0),
        src=src.copy(),
        dst=dst.copy(),
        weight=np.ones((1, src.size), np.float32),
        shil=zeros,
        field=zeros,
        detuning=zeros,
        chunk_duration=np.ones(1, np.float32),
        position=None,
        readout=readout,
    )


@pytest.fixture(scope="session")
def model_of() -> Callable[..., CouplingGraph]:
    """``model_of(graph, seed=0, pixels=None)``: couplings in both directions along the edges of a networkx graph.

    Nodes are numbered at random and have no positions; all of them are read out, or the first ``pixels``.
    """
    return _model_of


@pytest.fixture
def open_core(make_core: Callable[..., CoreSpec]) -> Callable[..., CoreSpec]:
    """``open_core(rows, cols, ...)``: a box-2 core whose every cell can be read."""

    def make(rows: int, cols: int, **given: object) -> CoreSpec:
        return make_core(
            **{"grid": [rows, cols], "stencil": "box-2", "readout": {"origin": [0, 0], "step": [1, 1]}, **given}
        )

    return make
