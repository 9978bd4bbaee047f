from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult, check_model, compile_model
from oscc.compiler.copies.splitting import CopyOptions, Splitting, split_nodes
from oscc.compiler.feasibility.changes import Changed, ChangeOptions, compile_with_changes
from oscc.compiler.frontends.checkpoint import parse_checkpoint, read_checkpoint, write_checkpoint
from oscc.compiler.frontends.front_end import Source
from oscc.compiler.frontends.graph_file import graph_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph, without_couplings
from oscc.compiler.passes.place import PlaceOptions
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def source_of(model: Path, labels: tuple[str, ...] = ()) -> Source:
    return Source(model, ModelFile.read(model), labels=labels)


def changed(model: Path, core: CoreSpec, wanted: ChangeOptions, placing: PlaceOptions | None = None) -> Changed:
    def compile_it(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return check_model(graph, core, placing=placing)

    found = compile_with_changes(source_of(model), core, ScaleOptions(), placing or PlaceOptions(), wanted, compile_it)
    kept = parse_checkpoint(found.model.content, found.model.name)
    assert kept.model_hash == found.model.graph.model_hash == found.result.graph.model_hash
    return found


def written(graph: Any, path: Path) -> Path:
    """The checkpoint of a graph, all of whose couplings are 1."""
    for one, other in graph.edges:
        graph.edges[one, other]["weight"] = 1.0
    write_checkpoint(path, graph_model(graph, name=path.stem, where="x"))
    return path


def star(rays: int, path: Path) -> Path:
    return written(nx.star_graph(rays), path)


def test_what_fits_is_not_changed(tiny_model: Path, tiny_core: CoreSpec) -> None:
    found = changed(tiny_model, tiny_core, ChangeOptions(copies=CopyOptions()))
    assert found.result.feasible
    assert (found.changes, found.copies, found.what_if) == ({}, None, None)
    assert (found.model.name, found.model.content) == (tiny_model.name, tiny_model.read_bytes())
    with pytest.raises(OsccError, match="fits as it is"):
        changed(tiny_model, tiny_core, ChangeOptions(prune=1))


def test_what_does_not_fit_is_explored(tmp_path: Path, make_core: MakeCore, make_graph: MakeGraph) -> None:
    king = make_core(stencil="king", tracks_per_boundary=40)
    graph = make_graph(make_core(), chunks=2, density=0.6)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    far[np.flatnonzero(far)[::10]] = False
    sparse = tmp_path / "sparse.safetensors"
    write_checkpoint(sparse, without_couplings(graph, np.flatnonzero(far).astype(np.int32)))
    found = changed(sparse, king, ChangeOptions())
    assert not found.result.feasible
    assert found.what_if is not None
    assert found.changes == {}
    pruned = changed(sparse, king, ChangeOptions(prune=1))
    assert pruned.result.feasible
    assert pruned.changes["original"] == {
        "file": sparse.name,
        "sha256": hashlib.sha256(sparse.read_bytes()).hexdigest(),
    }
    assert pruned.changes["pruned"]["entry"] == 1
    assert (
        pruned.result.graph.couplings
        == read_checkpoint(sparse).couplings - pruned.changes["pruned"]["cost"]["couplings"]
    )


def test_the_search_for_changes_is_told(tiny_model: Path, tiny_core: CoreSpec, make_core: MakeCore) -> None:
    told: list[str] = []
    placing = PlaceOptions(report=lambda what, done: told.append(what))
    changed(tiny_model, tiny_core, ChangeOptions(), placing)
    assert "looking for what would make it fit" not in told
    changed(tiny_model, make_core(grid=[8, 7]), ChangeOptions(), placing)
    assert told[-1] == "looking for what would make it fit"


def test_nodes_are_split_where_nothing_else_helps(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=100_000)
    path = star(12, tmp_path / "star.safetensors")
    assert not changed(path, core, ChangeOptions()).result.feasible
    found = changed(path, core, ChangeOptions(copies=CopyOptions()))
    assert found.result.feasible
    assert found.copies is not None
    assert found.changes["copies"]["extra"] == found.copies.extra > 0
    assert found.placing.placer == "identity"
    assert found.model.name == "star.safetensors"


def test_a_failed_split_says_so_first(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[4, 4], stencil="king", readout={"step": [1, 1]})
    path = written(nx.complete_graph(14), tmp_path / "clique.safetensors")
    found = changed(path, core, ChangeOptions(copies=CopyOptions()))
    # Fourteen nodes of thirteen neighbours need two cells each, and there are sixteen.
    assert [finding.code for finding in found.result.findings][:2] == ["C003", "L010"]
    assert found.result.findings[0].witness == {"needed": 28, "usable": 16, "nodes": 14}
    assert found.witnesses is not None
    assert found.witnesses.disagreeing == ()
    assert "C003" not in found.witnesses.without_check


def test_what_is_offered_is_of_the_model_that_prune_counts(tmp_path: Path, make_core: MakeCore) -> None:
    # Splitting works, but one track is too few for the wires: those that cross could be dropped, if that cut no chain.
    core = make_core(
        grid=[10, 10], stencil="king", readout={"step": [1, 1]}, tracks_per_boundary=1, cycles_per_sample=10**6
    )
    path = star(12, tmp_path / "star.safetensors")
    found = changed(path, core, ChangeOptions(copies=CopyOptions()))
    assert not found.result.feasible
    assert found.copies is not None
    assert found.what_if is not None
    kinds = [entry.kind for entry in found.what_if.entries]
    assert "core" in kinds
    assert not {"split", "drop"} & set(kinds)


def test_after_a_failed_split_none_is_advised(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[3, 4], stencil="king", readout={"step": [1, 1]}, chunks=1)
    # The star has eleven leaves, which takes two cells for its middle, and there is none to spare.
    path = written(nx.star_graph(11), tmp_path / "star.safetensors")
    before = changed(path, core, ChangeOptions())
    assert any("--copies" in finding.fix for finding in before.result.findings)
    found = changed(path, core, ChangeOptions(copies=CopyOptions()))
    assert found.result.findings[0].code == "C003"
    assert not any("--copies" in finding.fix for finding in found.result.findings)
    assert found.what_if is not None
    assert all(entry.kind != "split" for entry in found.what_if.entries)


def test_what_no_splitting_helps_is_said_once(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[3, 3], stencil="king", readout={"step": [1, 1]})
    found = changed(star(12, tmp_path / "star.safetensors"), core, ChangeOptions(copies=CopyOptions()))
    codes = [finding.code for finding in found.result.findings]
    assert codes.count("F005") == 1


def test_one_limit_of_time_is_for_all_searches(
    tmp_path: Path, make_core: MakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=100_000)
    limits: list[float | None] = []

    def compile_it(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        limits.append(placing.timeout_s)
        return check_model(graph, core, placing=placing)

    path = star(12, tmp_path / "star.safetensors")
    asked: list[float | None] = []

    def recorded(graph: CouplingGraph, core: CoreSpec, options: CopyOptions, search: Search) -> Splitting:
        asked.append(search.seconds_left())
        return split_nodes(graph, core, options, search)

    monkeypatch.setattr("oscc.compiler.feasibility.changes.split_nodes", recorded)
    for timeout_s in (60.0, None):
        wanted = ChangeOptions(copies=CopyOptions())
        placing = PlaceOptions(timeout_s=timeout_s)
        found = compile_with_changes(source_of(path), core, ScaleOptions(), placing, wanted, compile_it)
        assert found.copies is not None
        assert found.placing.timeout_s == timeout_s, "what was asked for is what is recorded"
    assert limits[0] == 30.0
    assert limits[-1] is None
    assert asked[0] is not None
    assert 0 < asked[0] < 60.0, "the first search took some of it"
    assert asked[1] is None


def test_chains_that_leave_nothing_of_the_model_are_found(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=1_000_000)
    path = star(12, tmp_path / "star.safetensors")
    found = changed(path, core, ChangeOptions(copies=CopyOptions(strength=100.0)))
    # L010, which stood in the way of one cell for each node, does not count for chains.
    assert [finding.code for finding in found.result.findings] == ["C002"]
    assert "all couplings of the model round to code 0" in found.result.findings[0].message
    assert found.copies is None
    assert found.result.program is None
    # The strength that is offered leaves something of it, and more bits would, too.
    assert found.what_if is not None
    weaker = found.what_if.entries[0]
    assert weaker.options[:2] == ("--copies", "--chain-strength")
    assert changed(path, core, ChangeOptions(copies=CopyOptions(strength=float(weaker.options[2])))).result.feasible
    assert not any("--copies" in finding.fix for finding in found.result.findings)


def test_chains_that_may_clip_are_left(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=1_000_000)
    path = star(12, tmp_path / "star.safetensors")
    clipping = ScaleOptions(clip=("coupling",))

    def compile_it(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return compile_model(graph, core, clipping, placing=placing)

    wanted = ChangeOptions(copies=CopyOptions(strength=100.0))
    found = compile_with_changes(source_of(path), core, clipping, PlaceOptions(), wanted, compile_it)
    assert found.result.feasible
    assert found.result.coded is not None
    assert np.abs(found.result.coded.codes.coupling).max() > 0


@pytest.mark.parametrize("strength", [1.0, 2.0, 3.0, 4.0, 6.0, 10.0])
def test_chains_are_too_strong_when_all_other_codes_are_0(strength: float, tmp_path: Path, make_core: MakeCore) -> None:
    """With full scale at the chains: where C002 is found nothing is left, and where enough is left it is not found."""
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=10_000_000)
    graph = read_checkpoint(star(12, tmp_path / "star.safetensors"))
    split = split_nodes(graph, core, CopyOptions(strength=strength, may_clip=True))
    assert split.graph is not None
    assert split.copies is not None
    coded = compile_model(split.graph, core, placing=PlaceOptions("identity")).coded
    assert coded is not None
    codes = coded.codes.coupling[0][(*coded.placed.route.unit_cell.T, coded.placed.route.slot)]
    own = split.copies.owner[coded.placed.graph.src] != split.copies.owner[coded.placed.graph.dst]
    refused = split_nodes(graph, core, CopyOptions(strength=strength)).graph is None
    size, step = np.abs(split.graph.weight), np.abs(split.graph.weight).max() / core.coupling_dac.top_code
    if refused:
        assert not codes[own].any()
    if size[:, own].max() > 0.51 * step:
        assert codes[own].any()
        assert not refused
    # Where a top code and a half would not help, it is found.
    assert refused == (size[:, own].max() < 0.5 * size.max() / (core.coupling_dac.top_code + 0.5))


def test_passes_tell_of_the_search_for_chains(tmp_path: Path, make_core: MakeCore) -> None:
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=100_000)
    path = star(12, tmp_path / "star.safetensors")
    found = changed(path, core, ChangeOptions(copies=CopyOptions()))
    names = [record.name for record in found.result.records]
    assert names == ["conditions", "copies", "place", "route", "scale", "quantize"]


def test_copies_are_called_by_the_node_that_they_are_of(tmp_path: Path, make_core: MakeCore) -> None:
    # One track is too few: what is said is about a model with copies.
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, tracks_per_boundary=1, chunks=1)
    path = star(12, tmp_path / "star.safetensors")
    names = tuple("abcdefghijklm")

    def check(graph: CouplingGraph, placing: PlaceOptions) -> CompileResult:
        return check_model(graph, core, placing=placing)

    wanted = ChangeOptions(copies=CopyOptions())
    found = compile_with_changes(source_of(path, names), core, ScaleOptions(), PlaceOptions(), wanted, check)
    assert found.copies is not None
    labels = found.result.labels
    assert labels[:13] == names
    owner = found.copies.owner.tolist()
    assert len(labels) == len(owner) > 13
    for node in range(13, len(owner)):
        assert labels[node].startswith(f"{names[owner[node]]} (copy ")
    assert len(set(labels)) == len(labels)
