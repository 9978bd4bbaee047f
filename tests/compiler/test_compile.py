from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult, check_model, compile_model, pass_names
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.ir.scheduled import ScheduledGraph
from oscc.compiler.passes.place import PlaceOptions, PlacePass
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.route.pathfinder import Negotiated, route_wires
from oscc.core.program_file import decode_program, encode_program
from oscc.core.spec import CoreSpec, InitSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


@pytest.fixture(scope="module")
def prototype(prototype_path: Path) -> CompileResult:
    return compile_model(read_checkpoint(prototype_path), load_core("ais-56x56"))


def test_the_prototype_compiles_to_the_known_numbers(prototype: CompileResult) -> None:
    summary = prototype.summary()
    assert summary["feasible"] is True
    assert summary["findings"] == []
    known = {"nodes": 3136, "couplings": 71940, "max_degree": 24, "chunks": 4, "weight_bits": 1_354_752}
    assert {key: summary[key] for key in known} == known
    assert summary["run_cycles"] == [214] * 4
    assert summary["cycles_per_sample"] == 64 + 4 * 214
    assert summary["tau_s"] == pytest.approx(1.07e-6, rel=1e-12)
    assert summary["tau_s_per_chunk"] == pytest.approx([1.07e-6] * 4, rel=1e-12)
    assert summary["tau_active_bound"] == "detuning"
    numbers = summary["quantization"]
    assert numbers["values"] == 4 * 71940
    # An error that is spread evenly over a step has 1 / sqrt(12) of it.
    assert numbers["rms_lsb"] == pytest.approx(12**-0.5, abs=0.01)
    assert 0.49 < numbers["max_lsb"] <= 0.5
    assert (numbers["clipped"], numbers["sign_changed"]) == (0, 0)
    assert set(numbers["groups"]) == {"coupling", "shil", "field", "detuning"}


def test_the_codes_of_the_prototype_are_its_weights_in_steps(prototype: CompileResult) -> None:
    assert prototype.program is not None
    graph, core = prototype.graph, prototype.core
    codes = prototype.program.codes(core)
    assert graph.position is not None
    rng = np.random.default_rng(0)
    offsets = [(dr, dc) for dr in range(-2, 3) for dc in range(-2, 3) if (dr, dc) != (0, 0)]
    for edge in rng.integers(0, graph.couplings, 300).tolist():
        (row, col), source = graph.position[graph.dst[edge]].tolist(), graph.position[graph.src[edge]].tolist()
        slot = offsets.index((source[0] - row, source[1] - col))
        for chunk in range(4):
            steps = float(graph.weight[chunk, edge]) / (1.8e6 * 1.07e-6 / 7)
            assert codes.coupling[chunk, row, col, slot] == round(steps)


def test_all_levels_are_kept_and_all_passes_recorded(prototype: CompileResult) -> None:
    assert tuple(prototype.levels()) == pass_names()
    assert tuple(record.name for record in prototype.records) == pass_names()[1:]
    assert isinstance(prototype.coded, ScheduledGraph)
    assert prototype.placed is prototype.timed is prototype.coded.placed


@pytest.fixture
def wirings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The grids that wires were routed on from now on, one for each time."""
    grids: list[tuple[int, int]] = []

    def counted(start: np.ndarray, end: np.ndarray, grid: tuple[int, int], capacity: int, **more: Any) -> Negotiated:
        grids.append(grid)
        return route_wires(start, end, grid, capacity, **more)

    for user in ("route.routing", "place.symmetry"):
        monkeypatch.setattr(f"oscc.compiler.{user}.route_wires", counted)
    return grids


@pytest.mark.parametrize("positions", [True, False], ids=["with positions", "without"])
@pytest.mark.parametrize("grid", [[8, 8], [10, 11]], ids=["same grid", "larger grid"])
def test_wires_are_routed_once(
    positions: bool,
    grid: list[int],
    make_core: MakeCore,
    make_graph: MakeGraph,
    wirings: list[tuple[int, int]],
) -> None:
    open_readout = {"origin": [0, 0], "step": [1, 1]}
    small = make_core(stencil="king", readout=open_readout)
    core = make_core(grid=grid, stencil="box-2", readout=open_readout, cycles_per_sample=5000)
    graph = make_graph(small, chunks=1, density=0.3, positions=positions)
    placing = PlaceOptions("auto")
    result = compile_model(graph, core, placing=placing)
    assert result.program is not None
    assert len(wirings) == 1
    # What was found then is what there is at the end.
    assert result.routed is not None
    assert result.routed.route.wires.wires == graph.couplings
    assert result.coded is not None
    assert result.coded.placed.route is result.routed.route


def test_wires_around_others_are_routed_once_where_the_model_fills_the_core(
    make_core: MakeCore, make_graph: MakeGraph, wirings: list[tuple[int, int]]
) -> None:
    core = make_core(grid=[6, 5], tracks_per_boundary=14)
    result = compile_model(make_graph(core, chunks=1, density=0.5, seed=3), core)
    assert result.routed is not None
    assert result.routed.route.rounds > 0
    assert wirings == [(6, 5)]


def test_compiling_twice_gives_equal_programs(tiny_result: CompileResult, tiny_model: Path) -> None:
    again = compile_model(read_checkpoint(tiny_model), tiny_result.core)
    assert tiny_result.program is not None
    assert again.program is not None
    content = encode_program(again.program)
    assert encode_program(tiny_result.program) == content
    assert decode_program(content, "x").model_hash == again.graph.model_hash


def test_a_check_stops_before_the_program(tiny_model: Path, tiny_core: CoreSpec, tiny_result: CompileResult) -> None:
    result = check_model(read_checkpoint(tiny_model), tiny_core)
    assert result.feasible
    assert list(result.levels()) == ["load", "place", "route", "scale", "quantize"]
    assert result.program is None
    summary, compiled = result.summary(), tiny_result.summary()
    assert summary["cycles_per_sample"] == 64 + sum(summary["run_cycles"])
    # What it says of the codes is what compiling says.
    for key in ("quantization", "code_use", "warnings"):
        assert summary[key] == compiled[key]


def test_what_does_not_fit_has_findings_and_no_warnings(tiny_model: Path, make_core: MakeCore) -> None:
    result = check_model(read_checkpoint(tiny_model), make_core(cycles_per_sample=200))
    assert not result.feasible
    assert (result.coded, result.code_use, result.warnings) == (None, None, ())
    assert not {"code_use", "warnings", "quantization"} & result.summary().keys()


def test_couplings_of_weight_zero_that_were_left_out_are_said_of_what_compiles(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    box, king = make_core(), make_core(stencil="king")
    graph = make_graph(box, chunks=2)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    weight = np.where(far, 0.0, graph.weight).astype(np.float32)
    write_checkpoint(tmp_path / "m.safetensors", replace(graph, weight=weight))
    for run in (check_model, compile_model):
        result = run(read_checkpoint(tmp_path / "m.safetensors"), king)
        assert result.feasible
        assert result.summary()["idle_couplings"] == np.count_nonzero(far)


@pytest.mark.parametrize("run", [check_model, compile_model])
def test_every_cheap_finding_comes_at_once(
    run: Callable[..., CompileResult], make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    # Stencil, pixels, initial phases, chunks and time scale are all wrong.
    graph = make_graph(make_core())
    graph = replace(graph, detuning=graph.detuning * 10)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    core = make_core(stencil="king", readout={"origin": [1, 1]}, init={"std_rad": 2.0}, chunks=2)
    result = run(read_checkpoint(tmp_path / "m.safetensors"), core)
    assert not result.feasible
    assert {finding.code for finding in result.findings} >= {"R001", "F001", "F002", "F003", "S001"}
    assert result.program is None
    summary = result.summary()
    assert summary["feasible"] is False
    assert [finding["code"] for finding in summary["findings"]] == ["F003", "F002", "S001", "R001", "F001"]
    totals = sum((cause.totals() for cause in result.causes), Counter())
    assert totals == Counter(finding.code for finding in result.findings)
    assert summary["nodes"] == 64
    # The placement that the model was trained at can still be shown.
    assert result.placed is not None
    assert result.placed.transform == "identity"


@pytest.mark.parametrize("run", [check_model, compile_model])
def test_a_schedule_that_would_wait_is_a_finding(
    run: Callable[..., CompileResult], make_core: MakeCore, tiny_model: Path
) -> None:
    core = make_core().model_copy(update={"init": InitSpec.model_construct(kind="normal", std_rad=1.0, cycles=1)})
    result = run(read_checkpoint(tiny_model), core)
    assert [finding.code for finding in result.findings] == ["T007"]
    assert result.program is None


def test_a_family_without_hardware_is_a_finding_and_has_no_time_scale(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    core = make_core()
    graph = make_graph(core, family="tanh_ising")
    # Strong enough to exceed any budget of cycles.
    write_checkpoint(tmp_path / "m.safetensors", replace(graph, weight=graph.weight * 100))
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
    assert [finding.code for finding in result.findings] == ["F004"]


def test_options_reach_the_time_scale(tiny_model: Path, tiny_core: CoreSpec) -> None:
    result = compile_model(read_checkpoint(tiny_model), tiny_core, ScaleOptions(tau_s=2e-6))
    assert result.summary()["run_cycles"] == [400, 400]
    assert result.summary()["tau_active_bound"] == "given"


def test_a_model_without_places_that_does_not_fill_the_core(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    core = make_core(stencil="king", defects={"cells": [[3, 3]]})
    trained = make_core(defects={"cells": [[3, 3]]})
    write_checkpoint(tmp_path / "m.safetensors", make_graph(trained, positions=False))
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), core)
    assert "L010" in {finding.code for finding in result.findings}
    assert result.placed is None


def test_bad_checkpoints_are_errors(tmp_path: Path, tiny_core: CoreSpec) -> None:
    with pytest.raises(OsccError, match="cannot be read"):
        compile_model(read_checkpoint(tmp_path / "absent.safetensors"), tiny_core)


def idle_far(make_core: MakeCore, make_graph: MakeGraph, **parts: Any) -> CouplingGraph:
    """A model with couplings of weight zero outside the King's stencil."""
    graph = make_graph(make_core(), chunks=2)
    assert graph.position is not None
    far = np.abs(graph.position[graph.src] - graph.position[graph.dst]).max(axis=1) > 1
    return replace(graph, weight=np.where(far, 0.0, graph.weight).astype(np.float32), **parts)


def test_a_second_run_without_idle_couplings_is_one_compilation(
    make_core: MakeCore, make_graph: MakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []
    place = PlacePass.run

    def slow(self: PlacePass, level: CouplingGraph) -> RoutedGraph:
        assert self.options.timeout_s is not None
        limits.append(self.options.timeout_s)
        time.sleep(0.02)
        return place(self, level)

    monkeypatch.setattr(PlacePass, "run", slow)
    graph = idle_far(make_core, make_graph)
    result = compile_model(graph, make_core(stencil="king"), placing=PlaceOptions(timeout_s=50.0))
    assert result.feasible
    assert tuple(result.levels()) == pass_names()
    assert [record.name for record in result.records] == ["place", *pass_names()[1:]]
    assert limits[0] == 50.0
    assert limits[1] < 50.0 - 0.02, "what the first search took is gone"


def test_findings_that_idle_couplings_do_not_change_are_found_once(
    make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path
) -> None:
    graph = make_graph(make_core(), chunks=2)
    weight = graph.weight.copy()
    weight[:, :5] = 0.0
    write_checkpoint(tmp_path / "m.safetensors", replace(graph, weight=weight))
    result = check_model(read_checkpoint(tmp_path / "m.safetensors"), make_core(chunks=1))
    assert [finding.code for finding in result.findings] == ["F003"]
    assert [record.name for record in result.records] == ["conditions"]
    assert result.idle == 0
