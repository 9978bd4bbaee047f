from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from oscc.base.findings import is_empty
from oscc.compiler.copies.chains import Embedding
from oscc.compiler.copies.copied_graph import CopyMap, copied_graph, copy_map_of
from oscc.compiler.copies.embedder import embed
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph, diagnose_graph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
Case = tuple[CouplingGraph, CoreSpec, Embedding]


def random_model(graph: Any, seed: int = 0) -> CouplingGraph:
    """Every parameter at random, in two chunks."""
    rng = np.random.default_rng(seed)
    numbered = nx.convert_node_labels_to_integers(graph)
    for one, other in numbered.edges:
        numbered.edges[one, other]["weight"] = 1.0
    made = graph_model(numbered, name="g", where="g")
    shape = (2, made.nodes)
    return dataclasses.replace(
        made,
        weight=rng.normal(size=(2, made.couplings)).astype(np.float32),
        shil=rng.uniform(0, 1, shape).astype(np.float32),
        field=rng.normal(size=shape).astype(np.float32),
        detuning=rng.normal(size=shape).astype(np.float32),
        chunk_duration=np.array([0.5, 0.7], np.float32),
    )


@pytest.fixture(scope="module")
def case(make_core: MakeCore) -> Case:
    """A star of twelve rays on a king's core: its middle needs copies."""
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]})
    graph = random_model(nx.star_graph(12))
    return graph, core, embed(graph, core)


def derivative(graph: CouplingGraph, chunk: int, x: np.ndarray) -> np.ndarray:
    """KuraSHIL in plain numpy."""
    found: np.ndarray = (
        graph.detuning[chunk].astype(float) - graph.shil[chunk] * np.sin(2 * x) - graph.field[chunk] * np.sin(x)
    )
    np.add.at(found, graph.dst, graph.weight[chunk] * np.sin(x[graph.src] - x[graph.dst]))
    return found


def at_end(graph: CouplingGraph, x: np.ndarray) -> np.ndarray:
    for chunk, duration in enumerate(graph.chunk_duration):

        def rate(_: float, state: np.ndarray, chunk: int = chunk) -> np.ndarray:
            return derivative(graph, chunk, state)

        x = solve_ivp(rate, (0, duration), x, rtol=1e-9, atol=1e-9).y[:, -1]
    return x


def test_the_graph_is_well_formed_and_routes(case: Case) -> None:
    graph, core, embedding = case
    made, copies = copied_graph(graph, core, embedding, embedding.lengths())
    assert list(diagnose_graph(made)) == []
    assert made.position is not None
    assert is_empty(diagnose_route(routed_graph(PlacedGraph(made, core, made.position, "identity"))))
    assert made.nodes == embedding.cell.size > graph.nodes
    assert copies.owner[: graph.nodes].tolist() == list(range(graph.nodes))
    assert copies.extra == made.nodes - graph.nodes
    assert copies.lengths().tolist() == embedding.lengths().tolist()
    assert copies.summary()["longest"] == embedding.lengths().max()


def test_sums_over_copies_are_those_of_the_node(case: Case) -> None:
    """If copies agree, the mean of their right-hand sides is f / m of the node's own: exactly."""
    graph, core, embedding = case
    lengths = embedding.lengths()
    x = np.random.default_rng(5).uniform(-3, 3, graph.nodes)
    for factor in (lengths, np.ones_like(lengths)):
        made, copies = copied_graph(graph, core, embedding, factor)
        for chunk in range(2):
            whole = np.zeros(graph.nodes)
            np.add.at(whole, copies.owner, derivative(made, chunk, x[copies.owner]))
            assert whole / lengths == pytest.approx(factor / lengths * derivative(graph, chunk, x), abs=2e-5)


def test_strong_chains_follow_the_node(case: Case) -> None:
    graph, core, embedding = case
    x = np.random.default_rng(6).normal(size=graph.nodes)
    reference = at_end(graph, x)
    errors = []
    for strength in (2.0, 20.0):
        made, copies = copied_graph(graph, core, embedding, embedding.lengths(), strength)
        end = at_end(made, x[copies.owner])
        errors.append(np.abs(end[: graph.nodes] - reference).max())
        spread = max(np.ptp(end[copies.owner == node]) for node in range(graph.nodes))
        assert spread < 2.5 / strength
    # Ten times as stiff, ten times as near.
    assert errors[1] < errors[0] / 5
    assert errors[1] < 0.1


def test_strength_follows_what_pulls(case: Case) -> None:
    graph, core, embedding = case
    made, copies = copied_graph(graph, core, embedding, np.ones(graph.nodes, np.int32), 3.0)
    own = copies.owner[made.src] == copies.owner[made.dst]
    pulls = np.zeros((2, made.nodes))
    for chunk in range(2):
        np.add.at(pulls[chunk], made.dst[~own], made.weight[chunk, ~own].astype(float) ** 2)
    largest = np.sqrt(pulls.max(axis=0))
    for node in np.flatnonzero(embedding.lengths() > 1):
        mine = copies.owner == node
        assert copies.strength[node] == pytest.approx(3.0 * largest[mine].max(), rel=1e-5)
        links = made.weight[:, own & (copies.owner[made.dst] == node)]
        assert np.all(links == copies.strength[node])
    assert np.all(copies.strength[embedding.lengths() == 1] == 0)


def test_reciprocal_cores_keep_pairs_equal(make_core: MakeCore) -> None:
    core = make_core(grid=[10, 10], stencil="king", couplings="reciprocal", readout={"step": [1, 1]})
    graph = random_model(nx.star_graph(12))
    forth = {(s, d): e for e, (s, d) in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))}
    weight = graph.weight.copy()
    for (s, d), edge in forth.items():
        weight[:, edge] = weight[:, forth[min(s, d), max(s, d)]]
    graph = dataclasses.replace(graph, weight=weight)
    embedding = embed(graph, core)
    made, _ = copied_graph(graph, core, embedding, np.ones(graph.nodes, np.int32))
    assert made.position is not None
    assert is_empty(diagnose_route(routed_graph(PlacedGraph(made, core, made.position, "identity"))))
    with pytest.raises(ValueError, match="one weight for both directions"):
        copied_graph(graph, core, embedding, embedding.lengths())


def test_what_is_read_out(case: Case) -> None:
    graph, core, embedding = case
    made, copies = copied_graph(graph, core, embedding, embedding.lengths())
    # All nodes in a row, all cells readable: every copy is read.
    assert made.image_shape == (1, made.nodes)
    picture = dataclasses.replace(graph, readout=graph.readout[:4], image_shape=(2, 2))
    kept, _ = copied_graph(picture, core, embedding, embedding.lengths())
    assert (kept.image_shape, kept.readout.tolist()) == ((2, 2), graph.readout[:4].tolist())
    owner = copy_map_of(made)
    assert owner is not None
    assert owner.tolist() == copies.owner.tolist()
    assert copy_map_of(graph) is None


def test_what_is_no_embedding_is_refused(case: Case) -> None:
    graph, core, embedding = case
    with pytest.raises(ValueError, match="3 nodes are at fault"):
        copied_graph(graph, core, dataclasses.replace(embedding, at_fault=3), embedding.lengths())
    lengths = embedding.lengths()
    cell = embedding.cell.copy()
    # A leaf in the far corner meets nobody.
    leaf = int(np.flatnonzero(lengths == 1)[-1])
    free = next(cell for cell in (99, 9, 90, 0) if cell not in embedding.cell)
    cell[embedding.first[leaf]] = free
    with pytest.raises(ValueError, match="has no pair of cells"):
        copied_graph(graph, core, dataclasses.replace(embedding, cell=cell), lengths)


def test_the_map_is_json() -> None:
    copies = CopyMap(np.array([0, 1, 2, 1, 1], np.int32), np.array([0, 2.5, 0], np.float32))
    assert copies.as_dict() == {"nodes": 3, "owner": [1, 1]}
    assert copies.summary() == {"nodes": 3, "split": 1, "extra": 2, "longest": 3, "strength": [2.5, 2.5]}
