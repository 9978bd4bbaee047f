from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.compile import check_model, compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes import place
from oscc.compiler.passes.conditions import diagnose_conditions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def codes(graph: CouplingGraph, core: CoreSpec) -> list[str]:
    return [finding.code for finding in diagnose_conditions(graph, core, ScaleOptions())]


def test_what_fits_meets_all_conditions(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core()
    assert codes(make_graph(core), core) == []
    assert codes(make_graph(core, positions=False), core) == []


def test_a_star_is_too_crowded_before_anything_is_searched(make_core: MakeCore) -> None:
    star = graph_model(nx.star_graph(9), name="star")
    core = make_core(stencil="king", readout={"step": [1, 1]}, cycles_per_sample=6000)
    assert codes(star, core) == ["L010"]
    # Together with what has nothing to do with it.
    assert sorted(codes(star, core.changed(init={"kind": "uniform"}))) == ["F002", "L010"]


def test_times_of_weak_cells_depend_on_the_placement(make_core: MakeCore, make_graph: MakeGraph) -> None:
    short = make_core(cycles_per_sample=90)
    weak = make_core(cycles_per_sample=90, defects={"gain": [[0, 0, 0.5]]})
    graph = make_graph(make_core())
    assert codes(graph, short) == ["S001"]
    assert codes(graph, weak) == []


def test_no_search_is_made_where_a_condition_is_not_met(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(chunks=1)
    graph = make_graph(make_core(), chunks=2)
    shuffled = np.random.default_rng(0).permutation(64).astype(np.int32)
    lost = dataclasses.replace(
        graph, src=shuffled[graph.src], dst=shuffled[graph.dst], readout=shuffled[graph.readout], position=None
    )

    def none(*_: object) -> None:
        raise AssertionError("a placer was asked")

    monkeypatch.setattr(place.PlacePass, "run", none)
    for each in (graph, lost):
        write_checkpoint(tmp_path / "m.safetensors", each)
        result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
        assert [finding.code for finding in result.findings] == ["F003"]
    assert [record.name for record in result.records] == ["conditions"]


def test_positions_that_fit_elsewhere_are_not_blamed(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    small = make_core(grid=[6, 6])
    graph = make_graph(small, chunks=2)
    assert graph.position is not None
    away = dataclasses.replace(graph, position=graph.position + np.int32(20))
    write_checkpoint(tmp_path / "m.safetensors", away)
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), make_core(chunks=1))
    assert [finding.code for finding in result.findings] == ["F003"]


def test_couplings_of_weight_zero_are_left_out_where_they_are_in_the_way(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    core = make_core()
    graph = make_graph(core, chunks=2, density=0.5)
    more = np.array([0, 1, 2], np.int32), np.array([63, 62, 61], np.int32)
    src, dst = (np.concatenate([own, new]) for own, new in zip((graph.src, graph.dst), more, strict=True))
    idle = np.concatenate([graph.weight, np.zeros((2, 3), np.float32)], axis=1)
    write_checkpoint(tmp_path / "m.safetensors", dataclasses.replace(graph, src=src, dst=dst, weight=idle))
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
    assert (result.feasible, result.idle) == (True, 3)
    assert result.summary()["idle_couplings"] == 3
    assert compile_model(read_checkpoint(tmp_path / "m.safetensors"), core).summary()["idle_couplings"] == 3
    idle[1, -1] = 1e-3
    write_checkpoint(tmp_path / "m.safetensors", dataclasses.replace(graph, src=src, dst=dst, weight=idle))
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
    assert (result.feasible, result.idle) == (False, 2)
    assert [finding.witness["src"] for finding in result.findings if finding.code == "R001"] == [2]
