from __future__ import annotations

import builtins
import dataclasses
import re
from collections.abc import Callable
from itertools import permutations, product
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.findings import is_empty
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.exact import ExactPlacer
from oscc.compiler.place.search import Search
from oscc.compiler.route.routing import diagnose_route
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
ModelOf = Callable[..., CouplingGraph]

pytest.importorskip("ortools", reason="placer exact needs OR-tools")


@pytest.mark.parametrize(
    ("graph", "shape"),
    [
        (nx.complete_graph(9), (3, 3)),
        (nx.grid_2d_graph(4, 5, periodic=True), (4, 5)),
        (nx.petersen_graph(), (4, 4)),
        (nx.empty_graph(4), (2, 2)),
    ],
    ids=["clique", "torus", "Petersen", "no couplings"],
)
def test_a_placement_that_exists_is_found(
    graph: nx.Graph[int], shape: tuple[int, int], open_core: MakeCore, model_of: ModelOf
) -> None:
    placing = ExactPlacer().place(model_of(graph), open_core(*shape))
    assert placing.findings == ()
    assert placing.placed is not None
    assert placing.placed.transform == "exact"
    assert is_empty(diagnose_route(placing.placed))


def test_that_none_exists_is_proved(open_core: MakeCore, model_of: ModelOf) -> None:
    # Nine cells at most are near each other.
    placing = ExactPlacer().place(model_of(nx.complete_graph(10)), open_core(5, 5))
    assert placing.placed is None
    (finding,) = placing.findings
    assert (finding.code, finding.proof) == ("L008", True)
    assert finding.witness["nodes"] == 10
    assert finding.witness["choices"] == 250


def fits_somewhere(graph: CouplingGraph, core: CoreSpec) -> bool:
    """By trying every placement."""
    cells = [one for one in product(range(core.rows), range(core.cols)) if one not in set(core.defects.cells)]
    offsets, dead = core.model_stencil.offsets, set(core.defects.slots)
    pairs = list(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    for chosen in permutations(cells, graph.nodes):
        if any(chosen[pixel][0] % core.readout.step[0] for pixel in graph.readout.tolist()):
            continue
        for source, destination in pairs:
            (row, col), (to_row, to_col) = chosen[source], chosen[destination]
            offset = (row - to_row, col - to_col)
            if offset not in offsets or (to_row, to_col, offsets.index(offset)) in dead:
                break
        else:
            return True
    return False


@pytest.mark.parametrize("seed", range(25))
def test_the_answer_is_that_of_trying_every_placement(seed: int, open_core: MakeCore, model_of: ModelOf) -> None:
    random = np.random.default_rng(seed)
    graph = nx.gnp_random_graph(5, 0.7, seed=seed)
    model = model_of(graph, seed, pixels=1)
    kept = random.random(model.src.size) < 0.7
    model = dataclasses.replace(model, src=model.src[kept], dst=model.dst[kept], weight=model.weight[:, kept])
    core = open_core(
        2,
        4,
        # Not symmetric: what one cell receives from another may not go back.
        stencil=[[0, 1], [0, -1], [1, 0], [1, 1], [-1, 0], [-1, -1], [0, 2]],
        readout={"origin": [0, 0], "step": [2, 1]},
        defects={"cells": [[1, 3]], "slots": [[0, 1, 3], [1, 1, 0], [0, 0, 4]]},
    )
    placing = ExactPlacer().place(model, core)
    assert (placing.placed is not None) == fits_somewhere(model, core)
    if placing.placed is not None:
        assert is_empty(diagnose_route(placing.placed))
        assert placing.placed.cell[0, 0] == 0
    else:
        assert placing.findings[0].proof


def test_both_answers_occur_above(open_core: MakeCore, model_of: ModelOf) -> None:
    core = open_core(2, 4, stencil=[[0, 1], [0, -1]])
    assert ExactPlacer().place(model_of(nx.path_graph(4)), core).placed is not None
    assert ExactPlacer().place(model_of(nx.star_graph(3)), core).placed is None


def test_time_that_runs_out_is_no_proof(open_core: MakeCore, model_of: ModelOf) -> None:
    graph = nx.random_regular_graph(6, 60, seed=1)
    placing = ExactPlacer(Search.within(0.01)).place(model_of(graph), open_core(8, 8))
    (finding,) = placing.findings
    assert (finding.code, finding.proof) == ("L009", False)
    assert re.fullmatch(r"no placement found, and none excluded, within 0(\.0\d*)? s of CP-SAT", finding.message)


def test_what_the_core_cannot_run_is_not_searched(open_core: MakeCore, model_of: ModelOf) -> None:
    placing = ExactPlacer().place(model_of(nx.path_graph(10)), open_core(3, 3))
    assert [finding.code for finding in placing.findings] == ["F005"]


def test_a_model_that_is_too_large_is_refused(open_core: MakeCore, model_of: ModelOf) -> None:
    with pytest.raises(OsccError) as caught:
        ExactPlacer().place(model_of(nx.path_graph(400)), open_core(20, 20))
    assert caught.value.code == "placer.exact"
    assert str(caught.value).splitlines() == [
        "--placer: 400 nodes on 20 x 20 cells are 160000 choices; placer exact takes at most 100000",
        "use --placer anneal, or a smaller core",
    ]


def test_without_the_solver(open_core: MakeCore, model_of: ModelOf, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.startswith("ortools"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(OsccError, match=r"placer exact needs OR-tools\npip install 'oscc\[exact\]'"):
        ExactPlacer().place(model_of(nx.path_graph(2)), open_core(2, 2))
