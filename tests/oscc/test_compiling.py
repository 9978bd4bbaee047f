from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import dimod
import networkx as nx
import numpy as np
import pytest

import oscc
from oscc.cli.main import main
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

SQUARE = "4 4\n1 2 1\n2 3 1\n3 4 1\n1 4 1\n"


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def without_times(content: dict[str, Any]) -> dict[str, Any]:
    names = [record["name"] for record in content["passes"]]
    return {**content, "passes": names}


def test_a_core_by_name_by_path_and_as_it_is(tmp_path: Path, tiny_core: CoreSpec) -> None:
    (tmp_path / "mine.yaml").write_text(dump_core(tiny_core))
    assert oscc.load_core("tiny-8x8") == oscc.load_core(tmp_path / "mine.yaml") == oscc.load_core(tiny_core)
    (tmp_path / "die.yaml").write_text("schema: oscc.die/1\ncore: tiny-8x8\ncells:\n- [0, 1]\n")
    assert (0, 1) in oscc.load_core("tiny-8x8", die=tmp_path / "die.yaml").defects.cells
    with pytest.raises(oscc.OsccError, match="did you mean 'tiny-8x8'"):
        oscc.load_core("tiny-8x9")


def test_the_folder_is_that_of_the_command(
    tmp_path: Path, tiny_graph: CouplingGraph, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "m.safetensors"
    write_checkpoint(path, tiny_graph)
    words = ["compile", str(path), "--core", "tiny-8x8", "--clip", "shil", "-o", str(tmp_path / "a")]
    assert main([*words, "--dump-ir", "after:place", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    compiled = oscc.compile(path, "tiny-8x8", clip=["shil"])
    assert compiled.save(tmp_path / "b", dump_ir=["after:place"]) == tmp_path / "b"
    assert contents(tmp_path / "b") == contents(tmp_path / "a")
    del printed["program"]
    assert without_times(compiled.to_dict()) == without_times(printed)


def test_a_check_says_what_the_command_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    graph = nx.complete_graph(6)
    nx.write_graphml(graph, tmp_path / "k6.graphml")
    # More neighbours than a king's move reaches; what would help is said, too.
    assert main(["check", str(tmp_path / "k6.graphml"), "--core", "king-48x41", "--json"]) == 3
    printed = json.loads(capsys.readouterr().out)
    checked = oscc.check(tmp_path / "k6.graphml", "king-48x41")
    assert without_times(checked.to_dict()) == without_times(printed)
    assert (checked.feasible, checked.findings[0].code) == (False, printed["findings"][0]["code"])
    compiled = oscc.compile(graph, "king-48x41")
    with pytest.raises(oscc.OsccError) as caught:
        compiled.program  # noqa: B018
    assert caught.value.code == "compile.infeasible"
    assert caught.value.message == f"the model does not fit: {checked.findings[0].message}"
    assert repr(compiled) == f"<Compiled: graph on king-48x41 does not fit: {checked.findings[0].message}>"
    html = compiled._repr_html_()
    assert checked.findings[0].code in html
    assert "does not fit" in html


def test_models_come_as_graphs_of_all_kinds(tiny_graph: CouplingGraph, tmp_path: Path) -> None:
    back = oscc.read_model(tiny_graph.to_networkx())
    for name in ("src", "dst", "weight", "shil", "field", "detuning", "chunk_duration", "position", "readout"):
        np.testing.assert_array_equal(getattr(back, name), getattr(tiny_graph, name))
    assert back.init == tiny_graph.init
    # As a GraphML file is read: an undirected edge couples both ways.
    ring = oscc.read_model(nx.cycle_graph(5))
    assert (ring.nodes, ring.couplings, set(ring.weight.ravel().tolist())) == (5, 10, {1.0})
    labelled = oscc.check(nx.relabel_nodes(nx.star_graph(40), {0: "hub"}), "king-48x41")
    assert "hub" in labelled.findings[0].message


def test_a_torch_module_is_a_model(tiny_graph: CouplingGraph) -> None:
    torch = pytest.importorskip("torch")
    from oscc.models.dynamics.reference import AISModel

    module = AISModel.from_graph(tiny_graph)
    with torch.no_grad():
        module.weight.mul_(0.5)
    np.testing.assert_allclose(oscc.read_model(module).weight, tiny_graph.weight / 2)
    assert oscc.compile(module, "tiny-8x8").feasible
    with pytest.raises(oscc.OsccError, match=r"a torch\.nn\.modules\.linear\.Linear is no model"):
        oscc.read_model(torch.nn.Linear(2, 2))


def test_a_generator_is_a_model(tiny_graph: CouplingGraph) -> None:
    pytest.importorskip("torch")
    from oscc.models.training.generator import Generator

    np.testing.assert_array_equal(oscc.read_model(Generator(tiny_graph)).weight, tiny_graph.weight)


def test_a_quadratic_model_is_lowered_for_the_core(square: dimod.BinaryQuadraticModel, tmp_path: Path) -> None:
    (tmp_path / "bqm.json").write_text(json.dumps(square.to_serializable()))
    from_file = oscc.read_model(tmp_path / "bqm.json", core="ising-56x56")
    np.testing.assert_array_equal(oscc.read_model(square, core="ising-56x56").weight, from_file.weight)
    with pytest.raises(oscc.OsccError) as caught:
        oscc.read_model(square)
    assert caught.value.code == "model.core"


WRONG_OPTIONS: tuple[dict[str, Any], ...] = (
    {"clip": 3},
    {"clip": [[]]},
    {"tau_s": "x"},
    {"tau_s": True},
    {"placer": 3},
    {"progress": 3},
    {"die": 3},
    {"frontend": 3},
    {"prune": 0},
    {"copies": "no"},
    {"copies": True, "chain_strength": 0},
)


@pytest.mark.parametrize(
    ("give", "code", "words"),
    [
        (
            lambda: oscc.read_model(3),  # type: ignore[arg-type]
            "model.kind",
            "a int is no model",
        ),
        (lambda: oscc.read_model(dimod.BinaryQuadraticModel), "model.kind", "a abc.ABCMeta is no model"),  # type: ignore[arg-type]
        (lambda: oscc.read_model("a\0b"), "file.not-found", "a NUL in its name"),
        (lambda: oscc.load_core(None), "core.kind", "a NoneType is no core"),  # type: ignore[arg-type]
        (lambda: oscc.check(nx.path_graph(2), b"tiny-8x8"), "core.kind", "a bytes is no core"),  # type: ignore[arg-type]
        (lambda: oscc.read_model("nowhere.safetensors"), "file.not-found", "nowhere"),
        (lambda: oscc.read_model(nx.Graph([(0, 1, {"J": -1.0})])), "model.networkx", "not as an Ising problem"),
        (lambda: oscc.read_model(nx.DiGraph(chunk_duration=[1.0])), "model.networkx", "KeyError"),
        (lambda: oscc.read_model(nx.path_graph(2), frontend="gset"), "model.frontend", "no front end"),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", placer="anneel"), "placer.unknown", "did you mean 'anneal'"),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", seed=-1), "argument.value", "-1 is no whole number from 0"),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", timeout_s=-1.0), "argument.value", "-1.0 is no number of"),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", timeout_s=math.nan), "argument.value", "nan is no number of"),
        (
            lambda: oscc.check(nx.path_graph(2), "tiny-8x8", tau="own"),  # type: ignore[arg-type]
            "compile.tau",
            "'own' is not one of common",
        ),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", clip=["all"]), "scale.unknown-group", "no"),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", clip="theta"), "scale.unknown-group", "'theta'"),
        *(
            (partial(oscc.check, nx.path_graph(2), "tiny-8x8", **given), "argument.value", "")
            for given in WRONG_OPTIONS
        ),
        (lambda: oscc.check(nx.path_graph(2), "tiny-8x8", chain_strength=2.0), "copies.strength", "copies=True"),
    ],
)
def test_what_is_wrong_is_an_oscc_error(give: Callable[[], object], code: str, words: str) -> None:
    with pytest.raises(oscc.OsccError) as caught:
        give()
    assert caught.value.code == code
    assert words in str(caught.value)


def test_a_malformed_graph_is_refused(tiny_graph: CouplingGraph) -> None:
    broken = dataclasses.replace(tiny_graph, weight=np.full_like(tiny_graph.weight, np.nan))
    with pytest.raises(oscc.OsccError, match="values are NaN or infinite") as caught:
        oscc.compile(broken, "tiny-8x8")
    assert caught.value.code == "problem.graph"


def test_an_unknown_keyword_is_a_type_error() -> None:
    with pytest.raises(TypeError, match=r"compile\(\) got an unexpected keyword argument 'placr'"):
        oscc.compile(nx.path_graph(2), "tiny-8x8", placr="anneal")  # type: ignore[call-arg]


def test_a_result_shows_its_verdict_and_maps(tiny_compiled: oscc.Compiled) -> None:
    assert repr(tiny_compiled) == f"<Compiled: {tiny_compiled.model.name} on tiny-8x8 fits>"
    html = tiny_compiled._repr_html_()
    assert '<td style="text-align:left">fits</td>' in html
    assert html.count("<svg") >= 2
    assert "Couplings into each node" in html


def test_copies_are_measured_in_memory_too(tmp_path: Path, make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(name="small", grid=[6, 6], stencil="king", readout={"origin": [0, 0], "step": [1, 1]})
    compiled = oscc.compile(nx.star_graph(10), core, copies=True)
    assert compiled.feasible
    content = compiled.to_dict()
    assert content["copies"]["samples"] == 16
    assert "copies" in {path.stem for path in (compiled.save(tmp_path / "x") / "reports").iterdir()}
