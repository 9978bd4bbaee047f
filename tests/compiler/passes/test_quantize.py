from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oscc.base.findings import is_empty
from oscc.compiler.ir.coded import CodedGraph, diagnose_codes
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass, code_worth, measure_codes
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.core.spec import CoreSpec, DacSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def quantized(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def half_even(value: float, top: int) -> int:
    """Python's own round is half to even."""
    return max(-top, min(top, round(value)))


def test_code_worth_is_full_scale_over_the_top_code(make_core: MakeCore) -> None:
    core = make_core(shil_dac={"bits": 8, "full_scale_rad_s": 3.0e6})
    worth = code_worth(core, np.array([1e-6, 2e-6]))
    expected = {"coupling": 1.8 / 7, "shil": 3.0 / 127, "field": 2.4 / 7, "detuning": 1.2 / 7}
    for group, step in expected.items():
        np.testing.assert_allclose(worth[group], [step, 2 * step], rtol=1e-12)


@pytest.mark.parametrize("options", [ScaleOptions(), ScaleOptions(per_chunk=True)])
def test_every_code_is_its_parameter_in_steps(
    options: ScaleOptions, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = make_core(grid=[5, 6], coupling_dac={"bits": 3}, field_dac={"bits": 6}, defects={"cells": [[2, 2]]})
    graph = make_graph(core, seed=3, density=0.7)
    coded = quantized(graph, core, options)
    scale = coded.placed.time_scale
    assert scale is not None
    assert is_empty(diagnose_codes(coded))
    expected = np.zeros((4, 5, 6, 24), dtype=int)
    offsets = [(dr, dc) for dr in range(-2, 3) for dc in range(-2, 3) if (dr, dc) != (0, 0)]
    assert graph.position is not None
    for chunk in range(4):
        step = 1.8e6 * float(scale.run_cycles[chunk]) / (1e8 * 2.0) / 3
        for edge in range(graph.couplings):
            source, target = graph.position[graph.src[edge]].tolist(), graph.position[graph.dst[edge]].tolist()
            slot = offsets.index((source[0] - target[0], source[1] - target[1]))
            expected[chunk, target[0], target[1], slot] = half_even(float(graph.weight[chunk, edge]) / step, 3)
    np.testing.assert_array_equal(coded.codes.coupling, expected)
    for group, full_scale, top in (("shil", 2.4e6, 7), ("field", 2.4e6, 31), ("detuning", 1.2e6, 7)):
        table = np.zeros((4, 5, 6), dtype=int)
        for chunk in range(4):
            step = full_scale * float(scale.run_cycles[chunk]) / (1e8 * 2.0) / top
            for node, (row, col) in enumerate(graph.position.tolist()):
                table[chunk, row, col] = half_even(float(getattr(graph, group)[chunk, node]) / step, top)
        np.testing.assert_array_equal(coded.codes[group], table)
        # The dead cell holds nothing.
        assert not coded.codes[group][:, 2, 2].any()


def test_a_reciprocal_pair_is_stored_and_counted_once(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[4, 5], couplings="reciprocal", stencil="king")
    graph = make_graph(core, seed=5)
    coded = quantized(graph, core)
    assert coded.codes.coupling.shape == (4, 4, 5, 4)
    assert coded.statistics["coupling"].values == 4 * graph.couplings // 2
    assert is_empty(diagnose_codes(coded))
    # The unit of a vertical pair sits at the upper cell, whose source lies below it.
    assert graph.position is not None
    scale = coded.placed.time_scale
    assert scale is not None
    below = {tuple(place): node for node, place in enumerate(graph.position.tolist())}
    edge = np.flatnonzero((graph.src == below[2, 1]) & (graph.dst == below[1, 1]))[0]
    slot = core.unit_stencil.offsets.index((1, 0))
    step = 1.8e6 * float(scale.tau_s[0]) / 7
    assert coded.codes.coupling[0, 1, 1, slot] == half_even(float(graph.weight[0, edge]) / step, 7)


def test_clipping_is_counted_and_saturates(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(tiny_core)
    strong = graph.detuning.copy()
    strong[1, 5], strong[2, 6] = 9.0, -9.0
    coded = quantized(replace(graph, detuning=strong), tiny_core, ScaleOptions(clip=("detuning",)))
    assert coded.statistics["detuning"].clipped == 2
    assert coded.codes.detuning[1, 0, 5] == 7
    assert coded.codes.detuning[2, 0, 6] == -7
    assert coded.statistics["coupling"].clipped == 0


def test_a_parameter_at_full_scale_is_not_clipped(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(tiny_core)
    detuning = np.full_like(graph.detuning, 1.3)
    coded = quantized(replace(graph, detuning=detuning, time_scale_s=(float(np.float32(1.3)) / 1.2e6,)), tiny_core)
    assert coded.statistics["detuning"].clipped == 0
    assert np.all(coded.codes.detuning == 7)


def test_forbidden_codes_are_avoided(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(coupling_dac={"forbidden": [1, -3, 7]})
    coded = quantized(make_graph(core), core)
    assert not np.isin(coded.codes.coupling, [1, -3, 7]).any()
    assert is_empty(diagnose_codes(coded))


def test_statistics_by_hand() -> None:
    dac = DacSpec(bits=3, full_scale_rad_s=1.0)
    scaled = np.array([[0.25, -0.4, 1.5, 0.0], [3.5, -3.0, -0.9, 2.6]])
    codes = np.array([[0, 0, 2, 0], [3, -3, 1, 3]], dtype=np.int8)
    numbers = measure_codes(codes, scaled, dac)
    errors = [0.25, 0.4, 0.5, 0.0, 0.5, 0.0, 1.9, 0.4]
    assert numbers.values == 8
    assert numbers.rms_lsb == pytest.approx(math.sqrt(sum(error**2 for error in errors) / 8))
    assert numbers.max_lsb == pytest.approx(1.9)
    assert (numbers.clipped, numbers.zeroed, numbers.sign_changed) == (1, 2, 1)
    assert numbers.histogram == (1, 0, 0, 3, 1, 1, 2)


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_full_scale_in_single_precision_is_not_clipped(bits: int) -> None:
    dac = DacSpec(bits=bits, full_scale_rad_s=1.0)
    top = dac.top_code
    lsb = np.random.default_rng(0).uniform(0.1, 1.0, 1000)
    # What a checkpoint holds of a parameter at full scale: half of them are a little beyond.
    scaled = (top * lsb).astype(np.float32).astype(np.float64) / lsb
    assert 300 < np.count_nonzero(scaled > top) < 700
    codes = np.full(1000, top, dtype=np.int8)
    assert measure_codes(codes, scaled, dac).clipped == 0
    assert measure_codes(-codes, -scaled, dac).clipped == 0
    assert measure_codes(codes, scaled * (1 + 1e-6), dac).clipped == 1000


def test_no_couplings_have_no_error(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    coded = quantized(make_graph(tiny_core, density=0.0), tiny_core)
    numbers = coded.statistics["coupling"]
    assert (numbers.values, numbers.rms_lsb, numbers.max_lsb) == (0, 0.0, 0.0)
    assert not coded.codes.coupling.any()
