from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.model_file import ModelFile
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.output.compile_output import Receipt, write_output
from oscc.core.spec import CoreSpec
from oscc.report.compilation_diff import diff_folders

MakeGraph = Callable[..., CouplingGraph]
MakeCore = Callable[..., CoreSpec]
Compile = Callable[[CouplingGraph, CoreSpec, str], Path]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    def make(graph: CouplingGraph, core: CoreSpec, name: str) -> Path:
        model = ModelFile.of(graph, Path(name))
        options: dict[str, object] = {"tau": "common", "tau_s": None, "clip": []}
        write_output(tmp_path / name, compile_model(model.graph, core), Receipt(model, options))
        return tmp_path / name

    return make


def test_nothing_changed(compiled: Compile, make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core, chunks=2, density=0.5)
    diff = diff_folders(compiled(graph, tiny_core, "a"), compiled(graph, tiny_core, "b"))
    assert diff.same_program
    assert (diff.cells_moved, diff.codes_changed_share) == (0, 0.0)
    assert {measure.change for measure in diff.measures} == {0}


def test_a_changed_weight(compiled: Compile, make_graph: MakeGraph, tiny_core: CoreSpec) -> None:
    graph = make_graph(tiny_core, chunks=2, density=0.5)
    weight = graph.weight.copy()
    # The largest keeps its value, and with it the scale of all codes.
    edge = int(np.argsort(np.abs(weight[1]))[weight.shape[1] // 2])
    weight[1, edge] = -np.sign(weight[1, edge]) * np.abs(weight).max() * 0.9
    other = dataclasses.replace(graph, weight=weight)
    diff = diff_folders(compiled(graph, tiny_core, "a"), compiled(other, tiny_core, "b"))
    assert diff.same_program is False
    assert diff.codes is not None
    changed = {each.group: each.by_chunk for each in diff.codes}
    assert changed == {"coupling": (0, 1, 0, 0), "shil": (0,) * 4, "field": (0,) * 4, "detuning": (0,) * 4}
    assert diff.codes_changed_share == pytest.approx(1 / sum(each.values for each in diff.codes))
    assert diff.as_dict()["codes"]["coupling"]["changed"] == 1


def one_weight(core: CoreSpec, make_graph: MakeGraph, weight: float) -> CouplingGraph:
    """A model on tau 1 us of which one coupling has a weight, and the others none."""
    graph = make_graph(core, chunks=2, density=0.3, time_scale_s=(1e-6,))
    values = np.zeros_like(graph.weight)
    values[0, 5] = weight
    none = np.zeros_like(graph.shil)
    return dataclasses.replace(graph, weight=values, shil=none, field=none, detuning=none)


@pytest.mark.parametrize(
    ("bits", "weight", "changed"),
    [
        # Full scale 1.8e6 rad/s is 1.8 rad per unit of model time at 1 us: steps of 0.6, of 0.6 / 2.33, of 0.0142.
        (3, 1.8, 0),
        (3, 0.6, 1),
        (4, 0.6, 0),
        (8, 0.6, 1),
    ],
)
def test_codes_of_other_widths_are_compared_by_their_worth(
    compiled: Compile, make_graph: MakeGraph, make_core: MakeCore, bits: int, weight: float, changed: int
) -> None:
    core = make_core()
    other = core.with_coupling_bits(bits)
    graph = one_weight(core, make_graph, weight)
    diff = diff_folders(compiled(graph, core, "a"), compiled(graph, other, "b"))
    assert diff.codes is not None
    coupling = diff.codes[0]
    steps = [1.8 / (2 ** (width - 1) - 1) for width in (4, bits)]
    assert coupling.step_before == pytest.approx([steps[0]] * 2)
    assert coupling.step_after == pytest.approx([steps[1]] * 2)
    # Rounded to the nearest step, in each core.
    worth = [round(weight / step) * step for step in steps]
    assert abs(worth[0] - worth[1]) > 1e-6 if changed else worth[0] == pytest.approx(worth[1])
    assert (coupling.values, coupling.changed) == (1, changed)
    assert coupling.by_chunk == (changed, 0, 0, 0)
    assert coupling.same_steps is (bits == 4)
    assert diff.as_dict()["codes"]["coupling"]["step"]["after"] == list(coupling.step_after)


def test_the_same_code_of_another_full_scale_is_a_change(
    compiled: Compile, make_graph: MakeGraph, make_core: MakeCore
) -> None:
    core = make_core()
    half = make_core(coupling_dac={"full_scale_rad_s": 0.9e6})
    folders = [
        compiled(one_weight(core, make_graph, weight), each, name)
        for each, weight, name in ((core, 1.8, "a"), (half, 0.9, "b"), (half, 0.9, "c"))
    ]
    # Code 7 in all three.
    assert diff_folders(folders[0], folders[1]).codes_changed_share == 1
    assert diff_folders(folders[1], folders[2]).codes_changed_share == 0


def test_models_of_other_numbers_of_chunks(compiled: Compile, make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core()
    graphs = [make_graph(core, chunks=chunks, density=0.3, time_scale_s=(1e-6,)) for chunks in (1, 3)]
    diff = diff_folders(*(compiled(graph, core, str(graph.chunks)) for graph in graphs))
    assert diff.codes is not None
    for each in diff.codes:
        assert each.same_steps
        assert (len(each.step_before), len(each.step_after), each.by_chunk[3]) == (1, 3, 0)
        assert min(each.by_chunk[1:3]) > 0


def test_nodes_that_moved(compiled: Compile, make_graph: MakeGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[4, 4])
    graph = make_graph(core, chunks=1, density=0.4)
    assert graph.position is not None
    larger = make_core(grid=[4, 5], readout={"step": [1, 1]})
    moved = dataclasses.replace(graph, position=graph.position + np.array([0, 1], dtype=np.int32))
    diff = diff_folders(compiled(graph, larger, "a"), compiled(moved, larger, "b"))
    assert (diff.cells_moved, diff.cells_moved_share) == (16, 1.0)


def test_one_that_does_not_fit(
    compiled: Compile, make_graph: MakeGraph, tiny_core: CoreSpec, make_core: MakeCore
) -> None:
    graph = make_graph(tiny_core, chunks=1, density=0.5)
    diff = diff_folders(compiled(graph, tiny_core, "a"), compiled(graph, make_core(stencil="king"), "b"))
    assert (diff.codes, diff.same_program) == (None, None)
    measures = {measure.name: measure for measure in diff.measures}
    assert measures["findings"].before == 0
    assert measures["findings"].change == diff.after.findings.total > 0
    assert measures["cycles_per_sample"].change is None
    content = diff.as_dict()
    assert content["verdict"] == {"before": "fits", "after": "does not fit"}
    assert content["findings"]["before"] == {}


def test_cores_of_another_shape_have_no_codes_in_common(
    compiled: Compile, make_graph: MakeGraph, make_core: MakeCore
) -> None:
    graph = make_graph(make_core(grid=[4, 4]), chunks=1, density=0.4)
    one, other = (compiled(graph, make_core(grid=[4, 4 + more]), f"g{more}") for more in (0, 1))
    diff = diff_folders(one, other)
    assert diff.codes is None
    assert diff.same_program is False
    assert diff.cells_moved == 0


def test_slots_of_another_stencil_are_not_compared(
    compiled: Compile, make_graph: MakeGraph, make_core: MakeCore
) -> None:
    box, diamond = make_core(stencil="box-2"), make_core(stencil="diamond-3", tracks_per_boundary=40)
    assert box.slots == diamond.slots
    graph = make_graph(make_core(stencil="king"), chunks=1, density=0.5)
    diff = diff_folders(compiled(graph, box, "a"), compiled(graph, diamond, "b"))
    assert (diff.codes, diff.same_program) == (None, False)
