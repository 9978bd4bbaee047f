from __future__ import annotations

import dataclasses
import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from oscc.compiler.feasibility.advice.entry import WhatIfEntry
from oscc.compiler.frontends.checkpoint import write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph, without_couplings
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core

Run = Callable[..., tuple[int, str, str]]
MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]
RunJson = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def king(tmp_path: Path, make_core: Callable[..., CoreSpec]) -> Path:
    """A core whose stencil is too small."""
    path = tmp_path / "king.yaml"
    path.write_text(dump_core(make_core(name="tiny-king", stencil="king")))
    return path


def test_a_model_that_fits_exits_0(oscc: Run, tiny_checkpoint: Path) -> None:
    status, out, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, err) == (0, "")
    assert out.startswith("synthetic-tiny-8x8 on tiny-8x8: fits\n")
    assert "cycles per sample" in out
    # How far codes are off is known without making a program.
    assert "\n  coupling in use        " in out
    assert "warning" not in out


def test_a_model_that_does_not_fit_exits_3_with_its_causes(oscc: Run, tiny_checkpoint: Path, king: Path) -> None:
    status, out, err = oscc("check", tiny_checkpoint, "--core", king)
    assert (status, err) == (3, "")
    first = (
        "stencil: the model has offsets of box-2, the core has king: 331 of 523 couplings have 16 offsets that it lacks"
    )
    lines = out.splitlines()
    assert lines[0] == f"synthetic-tiny-8x8 on tiny-king: does not fit: {first}"
    cause = lines.index(f"R001: {first}")
    assert lines[cause + 1] == "    use a core with stencil: box-2, or train the model with the stencil of the core"
    assert lines[cause + 2].startswith("    such as: coupling into (0, 0) from (0, 2): displacement [0, 2] is not in")
    assert sum(line.startswith("    such as: ") for line in lines) == 3
    assert any(re.fullmatch(r"    from it follow \d+ of R003", line) for line in lines)
    assert lines[-1].startswith("    L002 (not a proof): no placement found among 8 ")


def test_json_has_causes_with_witness_fix_and_examples(oscc_json: RunJson, tiny_checkpoint: Path, king: Path) -> None:
    status, content = oscc_json("check", tiny_checkpoint, "--core", king)
    assert (status, content["feasible"]) == (3, False)
    (cause,) = content["findings"]
    assert set(cause) == {"code", "message", "fix", "witness", "proof", "count", "consequences", "examples"}
    assert (cause["code"], cause["count"], cause["proof"]) == ("R001", 331, True)
    assert cause["consequences"].keys() == {"R003", "L002"}
    assert cause["witness"]["couplings"] == 331
    far = [example["witness"] for example in cause["examples"] if example["code"] == "R001"]
    assert len({(*witness["source"], *witness["destination"]) for witness in far}) == 20
    assert [record["name"] for record in content["passes"]] == ["load", "place"]


def test_three_causes_and_not_thousands_of_findings(
    oscc_json: RunJson, tmp_path: Path, make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph]
) -> None:
    write_checkpoint(tmp_path / "m.safetensors", make_graph(make_core(grid=[28, 28], readout={"step": [1, 1]})))
    core = make_core(grid=[16, 16], stencil="king", chunks=2, readout={"step": [1, 1]})
    (tmp_path / "king.yaml").write_text(dump_core(core))
    status, content = oscc_json("check", tmp_path / "m.safetensors", "--core", tmp_path / "king.yaml")
    assert status == 3
    assert [cause["code"] for cause in content["findings"]] == ["F005", "F003", "R001"]
    assert content["findings"][0]["message"] == "the model has 784 nodes; the core has 256 cells (16 x 16)"
    assert content["findings"][0]["consequences"] == {"R009": 784 - 256, "L002": 1}
    assert content["witnesses"]["findings"] > 12_000
    assert content["witnesses"]["disagreeing"] == []
    assert len(json.dumps(content)) < 20_000
    # Nothing was searched: what counting tells is told at once.
    assert [record["name"] for record in content["passes"]] == ["load", "conditions"]


def test_one_node_off_the_grid_is_one_cause(
    oscc_json: RunJson, tmp_path: Path, make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph]
) -> None:
    core = make_core(readout={"step": [1, 1]})
    graph = make_graph(core)
    assert graph.position is not None
    position = graph.position.copy()
    position[27] = (99, 0)
    write_checkpoint(tmp_path / "m.safetensors", dataclasses.replace(graph, position=position))
    (tmp_path / "core.yaml").write_text(dump_core(core))
    _, content = oscc_json("check", tmp_path / "m.safetensors", "--core", tmp_path / "core.yaml")
    (cause,) = content["findings"]
    assert cause["message"] == "node 27 at (99, 0) lies outside the 8 x 8 grid"
    # Node 27 is at (3, 3): 24 couplings into it and as many out of it.
    assert cause["consequences"] == {"R001": 48, "L002": 1}


def test_causes_name_nodes_as_the_file_does(oscc: Run, oscc_json: RunJson, tmp_path: Path, king: Path) -> None:
    # A star of twelve, numbered from 1: king cells have eight neighbours.
    (tmp_path / "star.gset").write_text("13 12\n" + "".join(f"1 {leaf} 1\n" for leaf in range(2, 14)))
    status, out, _ = oscc("check", tmp_path / "star.gset", "--core", king)
    assert status == 3
    assert "L010: node 1 is coupled with 12 others" in out
    _, content = oscc_json("check", tmp_path / "star.gset", "--core", king)
    assert content["findings"][0]["nodes"] == {"0": "1"}
    assert content["findings"][0]["witness"]["node"] == 0


@pytest.mark.parametrize(("more", "where"), [(("--tau-s", "1e-6"), "tau_s"), ((), "synthetic-tiny-8x8")])
def test_a_tau_per_chunk_contradicts_a_tau_that_is_given(
    more: tuple[str, ...],
    where: str,
    oscc: Run,
    tmp_path: Path,
    tiny_core: CoreSpec,
    make_graph: Callable[..., CouplingGraph],
) -> None:
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, make_graph(tiny_core, time_scale_s=(1e-6,)))
    status, out, err = oscc("check", model, "--core", "tiny-8x8", "--tau", "per-chunk", *more)
    assert (status, out) == (1, "")
    assert f"{where}: a tau per chunk is " in err
    assert len(err.splitlines()) <= 2


def test_a_time_scale_of_the_model_at_which_groups_saturate(
    oscc: Run, oscc_json: RunJson, tmp_path: Path, tiny_core: CoreSpec, make_graph: Callable[..., CouplingGraph]
) -> None:
    model = tmp_path / "m.safetensors"
    write_checkpoint(model, make_graph(tiny_core, time_scale_s=(2e-7,)))
    status, out, _ = oscc("check", model, "--core", "tiny-8x8")
    assert status == 3
    assert "saturate: --clip coupling --clip shil --clip field --clip detuning\n" in out
    groups = [part for group in ("coupling", "shil", "field", "detuning") for part in ("--clip", group)]
    status, content = oscc_json("check", model, "--core", "tiny-8x8", *groups)
    assert (status, content["run_cycles"], content["tau_active_bound"]) == (0, [40] * 4, "model")


def test_json_of_a_model_that_fits(oscc_json: RunJson, tiny_checkpoint: Path) -> None:
    status, content = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert (status, content["feasible"], content["findings"]) == (0, True, [])
    assert content["nodes"] == 64
    assert [record["name"] for record in content["passes"]] == ["load", "place", "route", "scale", "quantize"]
    assert "program" not in content


def test_a_check_writes_nothing(
    oscc: Run, tiny_checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    oscc("check", tiny_checkpoint, "--core", "tiny-8x8")
    assert list(tmp_path.iterdir()) == []


def test_time_scale_options(oscc_json: RunJson, tiny_checkpoint: Path) -> None:
    _, common = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8")
    _, per_chunk = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau", "per-chunk")
    assert max(per_chunk["run_cycles"]) == max(common["run_cycles"])
    assert sum(per_chunk["run_cycles"]) <= sum(common["run_cycles"])
    status, given = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau-s", "1e-7")
    assert status == 3
    assert {finding["code"] for finding in given["findings"]} == {"S004"}
    groups = [part for group in ("coupling", "shil", "field", "detuning") for part in ("--clip", group)]
    status, clipped = oscc_json("check", tiny_checkpoint, "--core", "tiny-8x8", "--tau-s", "1e-7", *groups)
    assert (status, clipped["run_cycles"]) == (0, [20] * 4)


def test_a_placer_can_be_chosen(oscc: Run, tiny_checkpoint: Path) -> None:
    assert oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--placer", "identity")[0] == 0
    status, _, err = oscc("check", tiny_checkpoint, "--core", "tiny-8x8", "--placer", "idenity")
    assert (status, err) == (1, "oscc: --placer: 'idenity' is no placer; did you mean 'identity'?\n")


def test_what_if_is_listed_and_applied(
    oscc: Run, oscc_json: RunJson, tmp_path: Path, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    graph = make_graph(make_core(), density=0.6)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    far[np.flatnonzero(far)[::10]] = False
    write_checkpoint(tmp_path / "m.safetensors", without_couplings(graph, np.flatnonzero(far).astype(np.int32)))
    (tmp_path / "king.yaml").write_text(dump_core(make_core(name="tiny-king", stencil="king")))
    arguments = ("check", tmp_path / "m.safetensors", "--core", tmp_path / "king.yaml")
    status, out, _ = oscc(*arguments)
    assert status == 3
    lines = out.splitlines()
    table = lines.index("what would make it fit")
    assert re.match(r"  1  drop \d+ of \d+ couplings: \d+\.\d% of the couplings, ", lines[table + 1])
    assert lines[table + 2].startswith("  2  use --core tiny-8x8: +16 coupling units per cell, ")
    assert lines[table + 3].startswith("  3  use a core with these keys: +16 coupling units per cell, ")
    # What helps comes before the causes; keys stand as in a file.
    end = next(place for place, line in enumerate(lines) if line.startswith("R001: "))
    assert lines[table + 4].strip() == "stencil: box-2"
    keys = yaml.safe_load("\n".join(line.strip() for line in lines[table + 4 : end]))
    status, content = oscc_json(*arguments)
    assert [entry["kind"] for entry in content["what_if"]] == ["drop", "preset", "core"]
    assert content["what_if"][2]["keys"] == keys
    changed = {**yaml.safe_load((tmp_path / "king.yaml").read_text()), **keys}
    (tmp_path / "wider.yaml").write_text(yaml.safe_dump(changed))
    assert oscc("check", tmp_path / "m.safetensors", "--core", tmp_path / "wider.yaml")[0] == 0
    assert oscc("check", tmp_path / "m.safetensors", *content["what_if"][1]["options"])[0] == 0
    status, content = oscc_json(*arguments, "--prune", "1")
    assert status == 0
    assert content["changes"]["pruned"]["kind"] == "drop"
    status, _, err = oscc(*arguments, "--prune", "2")
    assert status == 1
    assert "--prune takes 1" in err


def test_an_interrupt_of_the_advice_leaves_the_findings(
    oscc: Run, tiny_checkpoint: Path, king: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(situation: object) -> Iterator[WhatIfEntry]:
        yield WhatIfEntry("core", "use a core with x: 1", {}, keys={"x": 1})
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("oscc.compiler.feasibility.what_if.core_entries", interrupted)
    status, out, err = oscc("check", tiny_checkpoint, "--core", king)
    assert (status, err) == (3, "")
    assert "use a core with these keys: no more hardware\n     x: 1\n" in out
    assert "\nR001: stencil: " in out
