from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oscc.compiler.compile import SMALLEST_TAU
from oscc.compiler.copies.splitting import split_nodes
from oscc.compiler.frontends.ising_problem import max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.time_scale import ScaleOptions, ScalePass
from oscc.compiler.precision.code_remedies import Remedy, listed_remedies, remedies
from oscc.compiler.precision.code_use import GroupUse, GroupValues, group_values
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def coded_of(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def found(coded: CodedGraph, still: Callable[[GroupUse, GroupValues], bool], group: str = "coupling") -> list[Remedy]:
    return list(remedies(coded, group, dict(group_values(coded))[group], still))


def rough(error: float) -> Callable[[GroupUse, GroupValues], bool]:
    return lambda use, _: max(use.error) > error


@pytest.fixture
def graph(make_core: MakeCore, make_graph: MakeGraph) -> CouplingGraph:
    """Couplings alone, those of the second chunk a tenth of those of the first."""
    graph = make_graph(make_core(grid=[4, 4], stencil="king"), chunks=2)
    none = np.zeros_like(graph.shil)
    weight = graph.weight * np.array([[1.0], [0.1]], np.float32)
    weight[:, 0] = [1.0, 0.1]
    return replace(graph, weight=weight, shil=none, field=none, detuning=none)


def small(make_core: MakeCore, **changes: object) -> CoreSpec:
    return make_core(**{"grid": [4, 4], "stencil": "king", "chunks": 2, "cycles_per_sample": 3000, **changes})


def test_each_way_is_tried_and_the_fewest_bits_are_told(graph: CouplingGraph, make_core: MakeCore) -> None:
    core = small(make_core)
    coded = coded_of(graph, core)
    made = found(coded, rough(0.2))
    assert [remedy.kind for remedy in made] == ["per-chunk", "bits"]
    bits = made[1].value
    assert isinstance(bits, int)
    # As compiling with them has it.
    errors = {}
    for width in (bits - 1, bits):
        other = small(make_core, coupling_dac={"bits": width})
        values = dict(group_values(coded_of(graph, other)))["coupling"]
        errors[width] = max(
            np.linalg.norm(values.codes - values.scaled, axis=1) / np.linalg.norm(values.scaled, axis=1)
        )
    assert errors[bits] <= 0.2 < errors[bits - 1]


def test_what_does_not_help_is_not_told(graph: CouplingGraph, make_core: MakeCore) -> None:
    assert found(coded_of(graph, small(make_core)), rough(1e-6)) == []


def test_a_tau_that_was_given_can_be_left_out(graph: CouplingGraph, make_core: MakeCore) -> None:
    core = small(make_core, cycles_per_sample=20_000)
    graph = replace(graph, weight=np.repeat(graph.weight[:1], 2, axis=0))
    # Full scale is worth 7.2, so that the largest coupling is not a whole code step.
    made = found(coded_of(graph, core, ScaleOptions(tau_s=4e-6)), rough(0.3))
    assert [remedy.kind for remedy in made] == ["tau", "bits", "full-scale"]
    # The model's own cannot.
    own = coded_of(replace(graph, time_scale_s=(4e-6,)), core)
    assert [remedy.kind for remedy in found(own, rough(0.3))] == ["bits", "full-scale"]


def test_a_tau_per_chunk_that_breaks_the_budget_is_not_told(graph: CouplingGraph, make_core: MakeCore) -> None:
    coded = coded_of(graph, small(make_core))
    assert found(coded, rough(0.2))[0].kind == "per-chunk"
    # Runs that no sample has room for any more.
    tight = replace(coded.placed, core=small(make_core, cycles_per_sample=100))
    assert [remedy.kind for remedy in found(replace(coded, placed=tight), rough(0.2))] == ["bits"]


def test_a_smaller_full_scale_is_as_small_as_the_largest_parameter(graph: CouplingGraph, make_core: MakeCore) -> None:
    core = small(make_core)
    graph = replace(graph, weight=np.repeat(graph.weight[:1] * 0.2, 2, axis=0), shil=np.ones_like(graph.shil))
    coded = coded_of(graph, core)
    (remedy,) = (each for each in found(coded, rough(0.2)) if each.kind == "full-scale")
    # SHIL takes 1 / 2.4e6 s, in which 0.2 is a strength of 0.48e6 rad/s.
    assert remedy.value == pytest.approx(0.2 * 2.4e6, rel=1e-2)
    assert (
        remedy.words == f"use a core with coupling_dac: {{full_scale_rad_s: {remedy.value:.4g}}} (shil decided the tau)"
    )


def test_chains_are_not_made_to_clip(make_core: MakeCore) -> None:
    core = make_core("king-48x41", grid=[8, 8], name="king-8x8")
    first, second = np.zeros(9, np.int32), np.arange(1, 10, dtype=np.int32)
    problem = max_cut("star", first, second, np.ones(9), tuple(map(str, range(10))))
    split = split_nodes(lower_problem(problem, core), core)
    assert split.graph is not None
    coded = coded_of(split.graph, core)
    values = dict(group_values(coded))["coupling"]
    # The couplings take a part of full scale, what holds the chain all of it.
    assert np.abs(values.scaled).max() < 6.5
    assert "full-scale" not in {remedy.kind for remedy in found(coded, lambda use, _: use.largest_lsb < 6.5)}


def test_advice_is_what_helps_or_what_is_left() -> None:
    ways = (Remedy("bits", 5, "more bits"), Remedy("tau", None, "another tau"))
    assert listed_remedies(ways, "nothing") == "more bits, or another tau"
    assert listed_remedies((), "nothing") == "nothing"
