from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import check_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlaceOptions, PlacePass
from oscc.compiler.place import placer as module
from oscc.compiler.place.placer import AnnealPlacer, GrowthPlacer, IdentityPlacer, SymmetryPlacer
from oscc.compiler.place.placers import PLACERS
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]
ModelOf = Callable[..., CouplingGraph]


def test_identity_keeps_positions_and_moves_nothing(make_graph: MakeGraph, make_core: MakeCore) -> None:
    graph = make_graph(make_core(grid=[4, 4]))
    placing = IdentityPlacer().place(graph, make_core())
    assert placing.placed is not None
    assert graph.position is not None
    assert np.array_equal(placing.placed.cell, graph.position)
    dead = make_core(defects={"cells": [[0, 0]]})
    assert [finding.code for finding in IdentityPlacer().place(graph, dead).findings] == ["R004"]
    moved = SymmetryPlacer().place(graph, dead).placed
    assert moved is not None
    assert moved.transform != "identity"


@pytest.mark.parametrize("placer", [IdentityPlacer(), SymmetryPlacer()])
def test_without_positions_nodes_must_fill_the_core(
    placer: IdentityPlacer | SymmetryPlacer, model_of: ModelOf, open_core: MakeCore
) -> None:
    model = model_of(nx.path_graph(5))
    (finding,) = placer.place(model, open_core(4, 4)).findings
    assert (finding.code, finding.proof) == ("L001", False)
    assert finding.message == "the model has no node.position, and its 5 nodes do not fill the 16 cells of the core"


def test_what_annealing_could_not_place(model_of: ModelOf, open_core: MakeCore) -> None:
    model, core = model_of(nx.random_regular_graph(10, 24, seed=1)), open_core(5, 5)
    (finding,) = AnnealPlacer(Search(3)).place(model, core).findings
    assert (finding.code, finding.proof, finding.witness["seed"]) == ("L006", False, 3)
    cells = finding.witness["cells"]
    apart = [
        max(abs(cells[a][0] - cells[b][0]), abs(cells[a][1] - cells[b][1]))
        for a, b in zip(model.src.tolist(), model.dst.tolist(), strict=True)
    ]
    far = sum(cells > 2 for cells in apart)
    assert far == finding.witness["couplings"] > 0
    assert finding.message == (
        f"no placement found: the best that annealing came to has {far} couplings outside the stencil, together "
        f"{sum(cells - 2 for cells in apart if cells > 2)} cells too far (5 attempts)"
    )


def test_too_many_neighbours_are_a_proof_and_not_searched_for(model_of: ModelOf, open_core: MakeCore) -> None:
    star = model_of(nx.star_graph(25))
    (finding,) = AnnealPlacer().place(star, open_core(8, 8)).findings
    assert (finding.code, finding.proof) == ("L010", True)
    assert finding.message.endswith("is coupled with 25 others; only 24 cells are near a cell")
    assert AnnealPlacer().place(model_of(nx.star_graph(24)), open_core(8, 8)).placed is not None


def test_annealing_says_when_time_ended_it(model_of: ModelOf, open_core: MakeCore) -> None:
    placing = AnnealPlacer(Search.within(0.0)).place(model_of(nx.random_regular_graph(10, 24, seed=1)), open_core(5, 5))
    assert placing.findings[0].message.endswith("(1 attempt, ended by time or an interrupt)")


def test_too_few_cells(model_of: ModelOf, open_core: MakeCore) -> None:
    core = open_core(3, 3, defects={"cells": [[0, 0], [1, 1]]})
    (finding,) = AnnealPlacer().place(model_of(nx.path_graph(8)), core).findings
    assert (finding.code, finding.proof, finding.witness["cause"]) == ("L007", True, "defects")
    assert [one.code for one in AnnealPlacer().place(model_of(nx.path_graph(10)), core).findings] == ["F005"]


def test_automatic_placing_tries_one_placer_after_the_other(
    make_graph: MakeGraph, make_core: MakeCore, model_of: ModelOf, open_core: MakeCore
) -> None:
    def names(graph: CouplingGraph, core: CoreSpec) -> list[str]:
        return [placer.name for placer in PlaceOptions().placers(graph, core)]

    trained = make_graph(make_core())
    assert names(trained, make_core()) == ["repair"]
    assert names(dataclasses.replace(trained, position=None), make_core()) == ["symmetry", "torus", "growth", "anneal"]
    assert names(model_of(nx.path_graph(5)), open_core(3, 3)) == ["torus", "growth", "anneal"]
    torus = model_of(nx.grid_2d_graph(6, 6, periodic=True))
    assert PlacePass(open_core(8, 8)).run(torus).transform.split()[0] == "torus"
    assert PlacePass(open_core(8, 8)).run(model_of(nx.grid_2d_graph(7, 8))).transform == "growth"
    assert PlacePass(open_core(8, 8)).run(model_of(nx.random_regular_graph(3, 30, seed=1))).transform == "anneal"


@pytest.mark.parametrize("name", PLACERS.own)
def test_a_placer_can_be_chosen(name: str, model_of: ModelOf, open_core: MakeCore) -> None:
    if name == "exact":
        pytest.importorskip("ortools", reason="placer exact needs OR-tools")
    cells = nx.Graph(
        (12 * one[0] + one[1], 12 * other[0] + other[1])
        for one in np.ndindex(12, 12)
        for other in np.ndindex(12, 12)
        if one < other and max(abs(one[0] - other[0]), abs(one[1] - other[1])) <= 2
    )
    whole = model_of(cells)
    core, options = open_core(12, 12), PlaceOptions(name)
    if name in ("identity", "symmetry", "repair", "exact"):
        whole = model_of(nx.path_graph(6))
        core = open_core(2, 3)
    if name == "torus":
        whole = model_of(nx.grid_2d_graph(7, 9, periodic=True))
    (placer,) = options.placers(whole, core)
    assert placer.name == name
    placed = PlacePass(core, options).run(whole)
    assert placed.transform.split()[0] in (name, "row-major")


def test_seed_and_time_reach_the_search(
    model_of: ModelOf, open_core: MakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Search] = []

    def record(_: object, __: object, search: Search) -> object:
        given.append(search)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "anneal", record)
    monkeypatch.setattr("oscc.compiler.place.search.time.monotonic", lambda: 100.0)
    with pytest.raises(KeyboardInterrupt):
        PlacePass(open_core(4, 4), PlaceOptions("anneal", 7, 2.5, print)).run(model_of(nx.path_graph(5)))
    assert given == [Search(7, 102.5, print)]
    assert given[0].progress is print


def test_growth_takes_its_seed(model_of: ModelOf, open_core: MakeCore) -> None:
    found = GrowthPlacer(Search(1)).place(model_of(nx.grid_2d_graph(6, 6, periodic=True)), open_core(8, 8))
    assert [finding.code for finding in found.findings] == ["L001"]


def test_an_unknown_placer() -> None:
    with pytest.raises(OsccError) as caught:
        PlaceOptions("aneal")
    assert str(caught.value) == "--placer: 'aneal' is no placer; did you mean 'anneal'?"


def test_what_is_impossible_is_named_before_anything_is_placed(
    model_of: ModelOf, open_core: MakeCore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def placed(*_: object) -> None:
        raise AssertionError("placed")

    monkeypatch.setattr(PlacePass, "_place", placed)
    write_checkpoint(tmp_path / "path.safetensors", model_of(nx.path_graph(10)))
    # What counting tells is not searched for.
    result = check_model(read_checkpoint(tmp_path / "path.safetensors"), open_core(3, 3))
    assert [cause.code for cause in result.causes] == ["F005"]
