from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.compiler.compile import check_model, compile_model
from oscc.compiler.feasibility.advice.trial import Situation
from oscc.compiler.feasibility.what_if import explore_changes
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.passes.cell_gain import programmed_graph
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_couplings_are_divided_by_the_gain_of_their_units_cell(
    couplings: str, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = make_core(couplings=couplings, defects={"gain": [[2, 3, 0.5], [4, 4, 1.25]]})
    graph = make_graph(core, chunks=2, density=0.7)
    assert graph.position is not None
    made = programmed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    gains = {(2, 3): 0.5, (4, 4): 1.25}
    for edge, (src, dst) in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)):
        source, destination = (tuple(graph.position[node].tolist()) for node in (src, dst))
        # On a reciprocal core the unit sits at the cell that comes first, row by row.
        unit = min(source, destination) if couplings == "reciprocal" else destination
        expected = graph.weight[:, edge].astype(float) / gains.get(unit, 1.0)
        assert made.weight[:, edge] == pytest.approx(expected, rel=1e-6)
    assert made.shil is graph.shil


def test_without_gains_it_is_the_model(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(defects={"cells": [[0, 0]]})
    graph = make_graph(make_core(), chunks=1)
    assert graph.position is not None
    assert programmed_graph(PlacedGraph(graph, core, graph.position, "identity")) is graph


def test_off_the_grid_nothing_is_known(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[4, 4], defects={"gain": [[0, 0, 0.5]]})
    graph = make_graph(make_core(), chunks=1)
    assert graph.position is not None
    made = programmed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    changed = np.any(made.weight != graph.weight, axis=0)
    assert set(map(tuple, graph.position[graph.dst[changed]].tolist())) <= {(0, 0)}


def strongest_cell(graph: CouplingGraph) -> list[int]:
    assert graph.position is not None
    edge = int(np.abs(graph.weight).max(axis=0).argmax())
    cell: list[int] = graph.position[graph.dst[edge]].tolist()
    return cell


def test_a_weak_cell_makes_the_time_scale_longer(make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    core = make_core(cycles_per_sample=100_000)
    graph = make_graph(core, chunks=1, density=0.5)
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, graph)
    weak = core.changed(defects={"gain": [[*strongest_cell(graph), 0.5]]})
    plain, made = (compile_model(read_checkpoint(model), each) for each in (core, weak))
    assert plain.timed is not None
    assert made.timed is not None
    before, after = (each.time_scale.bounds_s["coupling"] for each in (plain.timed, made.timed))
    assert after == pytest.approx(2 * before, rel=1e-6)
    assert made.coded is not None
    assert made.coded.statistics["coupling"].clipped == 0
    # At the tau that was enough for the nominal cell, the check says that this one does not reach it.
    given = ScaleOptions(tau_s=before, clip=("shil", "field", "detuning"))
    codes = [
        [finding.code for finding in check_model(read_checkpoint(model), each, given).findings] for each in (core, weak)
    ]
    assert "S004" not in codes[0]
    assert "S004" in codes[1]


def test_the_largest_of_float32_stays_finite(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(defects={"gain": [[2, 3, 0.5]]})
    graph = make_graph(core, chunks=1)
    graph = dataclasses.replace(graph, weight=np.full_like(graph.weight, 3e38))
    assert graph.position is not None
    made = programmed_graph(PlacedGraph(graph, core, graph.position, "identity"))
    assert np.isfinite(made.weight).all()


def infeasible(make_core: MakeCore, make_graph: MakeGraph, path: Path, **changes: object) -> tuple[Path, CoreSpec]:
    """A model whose couplings decide its time, on a core of weak cells, that lacks something besides."""
    graph = make_graph(make_core(), chunks=1, density=0.5)
    zero = np.zeros_like(graph.shil)
    write_checkpoint(path, dataclasses.replace(graph, shil=zero, field=zero, detuning=zero))
    weak = [[row, col, 0.5] for row in range(8) for col in range(8)]
    return path, make_core(defects={"gain": weak}, **changes)


def test_gain_counts_where_a_model_does_not_fit_for_another_reason(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    model, core = infeasible(make_core, make_graph, tmp_path / "m.safetensors", stencil="king")
    nominal = core.changed(defects={})
    graph = check_model(read_checkpoint(model), nominal).graph
    needed = float(np.abs(graph.weight).max()) / core.coupling_dac.full_scale_rad_s
    # Enough for cells of nominal gain.
    options = ScaleOptions(tau_s=1.5 * needed)
    found = [
        {finding.code for finding in check_model(read_checkpoint(model), each, options).findings}
        for each in (nominal, core)
    ]
    assert "S004" not in found[0]
    assert {"S004", "R001"} <= found[1]


def test_gain_counts_in_what_would_make_a_model_fit(make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    model, core = infeasible(make_core, make_graph, tmp_path / "m.safetensors", stencil="king")
    result = check_model(read_checkpoint(model), core)
    needed = float(np.abs(result.graph.weight).max()) / core.coupling_dac.full_scale_rad_s
    for ratio, needs in ((1.2, True), (2.1, False)):
        options = ScaleOptions(tau_s=ratio * needed)
        what_if = explore_changes(Situation(result.graph, core, result.placed, options, result.findings))
        (entry,) = (entry for entry in what_if.entries if entry.kind == "core")
        # Full scale is what the weakest cell must deliver.
        assert ("coupling_dac" in entry.keys) is needs
        assert entry.cost.get("coupling_full_scale", 1.0) == pytest.approx(2.0 / ratio if needs else 1.0, rel=0.01)
    # Cycles that a wider core needs are those of its weak cells.
    short = core.changed(cycles_per_sample=80)
    what_if = explore_changes(Situation(result.graph, short, result.placed, ScaleOptions(), result.findings))
    found = [entry for entry in what_if.entries if entry.kind == "core"]
    assert "cycles_per_sample" in found[0].keys
    for entry in found:
        assert entry.core is not None
        assert check_model(read_checkpoint(model), entry.core).feasible
