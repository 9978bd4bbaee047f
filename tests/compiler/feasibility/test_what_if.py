from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult, check_model
from oscc.compiler.feasibility.advice.entry import WhatIfEntry
from oscc.compiler.feasibility.advice.trial import Situation, Trials, annealed
from oscc.compiler.feasibility.what_if import WhatIf, explore_changes, pruned_graph
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph, without_couplings
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.place.anneal import Annealing
from oscc.compiler.place.fit import diagnose_fit, diagnose_model
from oscc.compiler.place.placer import identity_placement
from oscc.compiler.route.routing import diagnose_route, routed_graph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
Explored = tuple[CompileResult, WhatIf]


@pytest.fixture
def explore(tmp_path: Path) -> Callable[[CouplingGraph, CoreSpec], Explored]:
    def run(graph: CouplingGraph, core: CoreSpec) -> Explored:
        write_checkpoint(tmp_path / "m.safetensors", graph)
        result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
        assert not result.feasible
        return result, explore_changes(Situation(result.graph, core, result.placed, ScaleOptions(), result.findings))

    return run


def entries(what_if: WhatIf) -> dict[str, WhatIfEntry]:
    found = {entry.kind: entry for entry in what_if.entries}
    assert len(found) == len(what_if.entries)
    return found


def with_few_far(graph: CouplingGraph, share: float = 0.1) -> CouplingGraph:
    """The model with but some of its couplings to cells that are not next to each other."""
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    gone = far & (np.random.default_rng(3).random(graph.couplings) > share)
    return without_couplings(graph, np.flatnonzero(gone).astype(np.int32))


def fits(graph: CouplingGraph, core: CoreSpec, tmp_path: Path) -> bool:
    write_checkpoint(tmp_path / "again.safetensors", dataclasses.replace(graph, model_hash=""))
    return check_model(read_checkpoint(tmp_path / "again.safetensors"), core).feasible


def test_couplings_outside_the_stencil(explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    box, king = (make_core(stencil=stencil, tracks_per_boundary=40) for stencil in ("box-2", "king"))
    graph = with_few_far(make_graph(box, chunks=2, density=0.6))
    result, what_if = explore(graph, king)
    assert graph.position is not None
    offset = graph.position[graph.src] - graph.position[graph.dst]
    far = np.flatnonzero(np.abs(offset).max(axis=1) > 1)
    found = entries(what_if)
    drop = found["drop"]
    assert drop.dropped.tolist() == far.tolist()
    weight = graph.weight.astype(float)
    assert drop.cost == {
        "couplings": far.size,
        "share_of_couplings": pytest.approx(far.size / graph.couplings, abs=1e-6),
        "relative_norm": pytest.approx(np.sqrt((weight[:, far] ** 2).sum() / (weight**2).sum()), abs=1e-6),
        "largest_weight": pytest.approx(np.abs(weight[:, far]).max(), abs=1e-6),
    }
    pruned, receipt = pruned_graph(what_if, list(what_if.entries).index(drop) + 1)
    assert pruned.couplings == graph.couplings - far.size
    assert receipt["dropped"]["count"] == far.size
    assert fits(pruned, king, tmp_path)
    wider = found["core"].core
    assert wider is not None
    assert wider.stencil == "box-2"
    assert found["core"].keys == {"stencil": "box-2"}
    assert found["core"].change == "use a core with stencil: box-2"
    assert fits(graph, wider, tmp_path)
    assert found["core"].cost["units_per_cell"] == len(wider.model_stencil) - 8
    assert found["split"].cost["spare_cells"] == 0 if "split" in found else True
    assert result.graph.couplings == graph.couplings


def test_couplings_over_full_boundaries(explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    graph = make_graph(make_core(stencil="box-2"), chunks=1)
    tight = make_core(stencil="box-2", tracks_per_boundary=22)
    _, what_if = explore(graph, tight)
    found = entries(what_if)
    drop = found["drop"]
    assert 0 < drop.dropped.size < graph.couplings / 2
    assert fits(without_couplings(graph, drop.dropped), tight, tmp_path)
    # Small weights go first: what is dropped is smaller than what stays, on average.
    size = np.abs(graph.weight[0])
    assert size[drop.dropped].mean() < size.mean()
    wider = found["core"].core
    assert wider is not None
    assert wider.tracks_per_boundary > 22
    assert wider.model_copy(update={"tracks_per_boundary": 22}).grid == tight.grid
    assert fits(graph, wider, tmp_path)


def test_a_grid_that_is_too_small(explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    graph = make_graph(make_core(grid=[8, 8]), chunks=2, density=0.4)
    _, what_if = explore(graph, make_core(grid=[6, 7]))
    found = entries(what_if)
    assert "drop" not in found, "no number of couplings makes a model smaller"
    wider = found["core"].core
    assert wider is not None
    assert wider.grid == (8, 8)
    assert found["core"].cost["cells"] == 64 - 42
    assert fits(graph, wider, tmp_path)


def test_chunks_and_reciprocal_couplings(explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    graph = make_graph(make_core(stencil="king"), chunks=3, density=0.9)
    _, what_if = explore(graph, make_core(stencil="king", chunks=2))
    assert entries(what_if)["core"].change == "use a core with chunks: 3"
    _, what_if = explore(graph, make_core(stencil="king", couplings="reciprocal"))
    assert "couplings: directed" in entries(what_if)["core"].change


def test_a_model_that_no_search_placed(explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    import networkx as nx

    from oscc.compiler.frontends.graph_file import graph_model

    tangled = nx.random_regular_graph(10, 24, seed=1)
    for one, other in tangled.edges:
        tangled.edges[one, other]["weight"] = 1.0
    graph = graph_model(tangled, name="g", where="g")
    core = make_core(grid=[5, 5], readout={"step": [1, 1]})
    result, what_if = explore(graph, core)
    assert result.placed is not None
    assert result.placed.transform == "anneal, does not fit"
    pruned, _ = pruned_graph(what_if, 1)
    assert pruned.position is not None
    assert fits(pruned, core, tmp_path)


def test_an_entry_that_cannot_be_applied(explore, make_core: MakeCore, make_graph: MakeGraph) -> None:
    graph = make_graph(make_core(grid=[8, 8]), chunks=2, density=0.4)
    _, what_if = explore(graph, make_core(grid=[6, 7]))
    with pytest.raises(OsccError, match="1 is no entry that drops couplings"):
        pruned_graph(what_if, 1)
    with pytest.raises(OsccError, match="9 is no entry"):
        pruned_graph(what_if, 9)


def test_its_json_lists_some(explore, make_core: MakeCore, make_graph: MakeGraph) -> None:
    graph = with_few_far(make_graph(make_core(grid=[40, 40]), chunks=1))
    _, what_if = explore(graph, make_core(grid=[40, 40], stencil="king", tracks_per_boundary=40))
    content = what_if.as_dict(graph)
    assert content["schema"] == "oscc.whatif/1"
    dropped = content["entries"][0]["dropped"]
    assert len(dropped["listed"]) == 200 < dropped["count"]
    src, dst = dropped["listed"][0]
    first = what_if.entries[0].dropped[0]
    assert (src, dst) == (graph.src[first], graph.dst[first])


def test_nodes_to_split_are_named(explore, make_core: MakeCore) -> None:
    import networkx as nx

    from oscc.compiler.frontends.graph_file import graph_model

    star = nx.star_graph(12)
    star.add_edges_from((13 + node, 14 + node) for node in range(5))
    graph = graph_model(star, name="g", where="g")
    core = make_core(grid=[10, 10], stencil="king", readout={"step": [1, 1]}, cycles_per_sample=600)
    _, what_if = explore(graph, core)
    split = entries(what_if)["split"]
    # Node 0 has twelve neighbours, a cell eight: no other needs copies, however the rest is placed.
    assert 0 in split.split.tolist()
    assert split.change.endswith("; 1 with more couplings than slots")
    assert split.cost["spare_cells"] == 100 - graph.nodes
    assert split.cost["extra_cells"] >= 1
    # Chains couple strongly, so that the time scale is longer: that is said, and how much.
    assert split.keys.keys() == {"cycles_per_sample"}
    assert what_if.as_dict(graph)["entries"][-1]["split"] == {
        "count": split.split.size,
        "listed": split.split.tolist(),
    }


def test_copies_of_large_models_are_not_tried(explore, make_core: MakeCore) -> None:
    import networkx as nx

    from oscc.compiler.frontends.graph_file import graph_model

    star = nx.star_graph(12)
    star.add_edges_from((13 + node, 14 + node) for node in range(60))
    core = make_core(grid=[12, 12], stencil="king", readout={"step": [1, 1]})
    _, what_if = explore(graph_model(star, name="g", where="g"), core)
    split = entries(what_if)["split"]
    assert "--copies" in split.change
    assert not split.tried
    assert split.cost == {"extra_cells_here": 1, "spare_cells": 144 - 74}


def test_dead_units_are_those_of_the_wider_stencil(
    explore, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    graph = make_graph(make_core(stencil="box-2"), chunks=1, density=0.5)
    assert graph.position is not None
    used = {
        (*graph.position[dst].tolist(), *(graph.position[src] - graph.position[dst]).tolist())
        for src, dst in zip(graph.src.tolist(), graph.dst.tolist(), strict=True)
    }
    king, box = make_core(stencil="king", tracks_per_boundary=40), make_core(stencil="box-2")
    # A unit of the King's stencil that the model does not use, and whose number is that of one of box-2 that it does.
    row, col, slot = next(
        (row, col, slot)
        for row in range(2, 6)
        for col in range(2, 6)
        for slot, offset in enumerate(king.unit_stencil.offsets)
        if (row, col, *offset) not in used and (row, col, *box.unit_stencil.offsets[slot]) in used
    )
    core = king.changed(defects={"slots": [[row, col, slot]]})
    _, what_if = explore(graph, core)
    wider = entries(what_if)["core"].core
    assert wider is not None
    assert fits(graph, wider, tmp_path)
    assert wider.unit_stencil.offsets[wider.defects.slots[0][2]] == king.unit_stencil.offsets[slot]


def labelled(graph: CouplingGraph) -> tuple[str, ...]:
    """Names of which none is the number of a node."""
    return tuple(f"v{node + 1}" for node in range(graph.nodes))


def test_nodes_are_called_as_the_file_calls_them(make_core: MakeCore, make_graph: MakeGraph) -> None:
    box, king = (make_core(stencil=stencil, tracks_per_boundary=40) for stencil in ("box-2", "king"))
    graph = with_few_far(make_graph(box, chunks=2, density=0.6))
    placed = identity_placement(graph, king)
    assert placed is not None
    findings = tuple(diagnose_route(routed_graph(placed)))
    situation = Situation(graph, king, placed, ScaleOptions(), findings, labels=labelled(graph))
    what_if = explore_changes(situation, ("drop",))
    _, receipt = pruned_graph(what_if, 1)
    (content,) = what_if.as_dict(graph)["entries"]
    first = int(what_if.entries[0].dropped[0])
    src, dst = int(graph.src[first]), int(graph.dst[first])
    assert content["dropped"]["listed"][0] == [f"v{src + 1}", f"v{dst + 1}"]
    assert content["nodes"][str(src)] == f"v{src + 1}"
    assert set(content["nodes"].values()) == {name for pair in content["dropped"]["listed"] for name in pair}
    assert receipt == {"entry": 1, **content}


def test_nodes_to_move_are_called_as_the_file_calls_them(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(readout={"step": [1, 1]})
    graph = make_graph(core, density=0.6)
    assert graph.position is not None
    position = graph.position.copy()
    position[18] = (99, 1)
    graph = dataclasses.replace(graph, position=position)
    placed = identity_placement(graph, core)
    assert placed is not None
    findings = (*diagnose_route(routed_graph(placed)), *diagnose_fit(placed))
    situation = Situation(graph, core, placed, ScaleOptions(), findings, labels=labelled(graph))
    what_if = explore_changes(situation, ("position",))
    assert [entry.change for entry in what_if.entries] == ["give node v19 the position (2, 2)"]
    (content,) = what_if.as_dict(graph)["entries"]
    assert (content["positions"], content["nodes"]) == ([["v19", 2, 2]], {"18": "v19"})


def test_an_interrupt_leaves_what_was_found(
    tiny_core: CoreSpec, make_graph: MakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = WhatIfEntry("core", "one", {})
    asked: list[str] = []

    def interrupted(situation: Situation) -> Iterator[WhatIfEntry]:
        yield entry
        raise KeyboardInterrupt

    def later(situation: Situation) -> Iterator[WhatIfEntry]:
        asked.append("later")
        yield entry

    monkeypatch.setattr("oscc.compiler.feasibility.what_if.core_entries", interrupted)
    monkeypatch.setattr("oscc.compiler.feasibility.what_if.split_entries", later)
    what_if = explore_changes(Situation(make_graph(tiny_core), tiny_core, None, ScaleOptions()), ("core", "split"))
    assert (what_if.entries, asked) == ((entry,), [])


def test_annealing_of_trials_is_counted(
    make_core: MakeCore, make_graph: MakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    core = make_core(readout={"step": [1, 1]})
    graph = make_graph(core, density=0.1)
    moves: list[int] = []

    def counted(*args: object, attempts: int, moves: int, counts: list[int] = moves) -> Annealing:
        counts.append(attempts * moves)
        return Annealing(None, 1, attempts, True)

    monkeypatch.setattr("oscc.compiler.feasibility.advice.trial.anneal", counted)
    # As many attempts as a million moves are enough for.
    each = (1_000_000 // (2_500 * graph.nodes)) * 2_500 * graph.nodes
    trials = Trials(moves_left=3 * each - 1)
    for _ in range(5):
        assert annealed(graph, core, trials) is None
    assert moves == [each, each], "the third needs more than is left"
    assert trials.moves_left == each - 1


def test_copies_of_most_nodes_are_not_offered_untried(explore, make_core: MakeCore) -> None:
    import networkx as nx

    from oscc.compiler.frontends.graph_file import graph_model

    crowded = nx.random_regular_graph(12, 64, seed=1)
    core = make_core(grid=[40, 40], stencil="king", readout={"step": [1, 1]})
    for one, other in crowded.edges:
        crowded.edges[one, other]["weight"] = 0.1
    _, what_if = explore(graph_model(crowded, name="g", where="g"), core)
    assert "split" not in entries(what_if)


@pytest.mark.parametrize("of_die", [False, True])
def test_a_preset_is_used_without_the_die(of_die: bool, make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(chunks=1)
    graph = make_graph(make_core(), chunks=2)
    findings = tuple(diagnose_model(graph, core))
    what_if = explore_changes(Situation(graph, core, None, ScaleOptions(), findings, of_die=of_die), ("preset",))
    (entry,) = what_if.entries
    assert entry.change == "use --core tiny-8x8" + (" without --die" if of_die else "")
