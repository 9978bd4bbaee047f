from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oscc.compiler.copies.splitting import split_nodes
from oscc.compiler.frontends.bqm import parse_bqm
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.precision.code_limits import is_merged
from oscc.compiler.precision.code_remedies import Remedies, listed_remedies, remedies
from oscc.compiler.precision.code_use import GroupUse, GroupValues, group_values
from oscc.compiler.precision.code_warnings import code_warnings
from oscc.compiler.precision.coded_problem import coded_problem
from oscc.compiler.precision.remedy_trials import Remedy
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


def coded_of(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def found(coded: CodedGraph, still: Callable[[GroupUse, GroupValues], bool], group: str = "coupling") -> list[Remedy]:
    return list(remedies(coded, group, dict(group_values(coded))[group], still).found)


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
    assert remedy.words == "use a core with coupling_dac: {full_scale_rad_s: 477000.0} (shil decided the tau)"
    assert remedy.core == {"coupling_dac": {"full_scale_rad_s": 477000.0}}


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
    assert listed_remedies(Remedies(ways), "nothing", "smaller terms") == "more bits, or another tau"
    assert listed_remedies(Remedies(()), "nothing", "smaller terms") == "nothing: smaller terms"
    assert listed_remedies(Remedies(()), "", "smaller terms") == "smaller terms"
    vain = Remedies((), Remedy("bits", 7, "use a core with field_dac: {bits: 7} (energies off by at most 16.4)"))
    assert listed_remedies(vain, "nothing", "make terms smaller") == (
        "no change of DACs or tau brings the energies nearer; what ends the warning alone: use a core with field_dac: "
        "{bits: 7} (energies off by at most 16.4); better make terms smaller"
    )


# What helps a problem


def problem_core(make_core: MakeCore, **bits: int) -> CoreSpec:
    dacs = {f"{group}_dac": {"bits": count} for group, count in bits.items()}
    return make_core("ising-56x56", **{"grid": [6, 6], "name": "ising-6x6", **dacs})


def items(penalty: float = 160.0) -> IsingProblem:
    """One of four items, as the manual has it (docs/problems.md)."""
    pairs = [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    lines = [f"{item} {item} {-worth - penalty / 2}" for item, worth in enumerate([4, 7, 1, 5])]
    lines += [f"{one} {other} {penalty}" for one, other in pairs]
    return parse_bqm("\n".join(["# vartype=BINARY", *lines, ""]), name="items", where="items.coo")


def followed(problem: IsingProblem, core: CoreSpec, remedy: Remedy) -> tuple[float, set[tuple[str, str]]]:
    """Return the error of the energy, and the warnings, of the problem lowered and coded anew for the advised core."""
    keys = {}
    for key, change in remedy.core.items():
        keys[key] = {**core.dac(key.removesuffix("_dac")).model_dump(mode="json"), "forbidden": [], **change}
    coded = coded_of(lower_problem(problem, core.changed(**keys)), core.changed(**keys))
    found = {(warning.code, warning.numbers["group"]) for warning in code_warnings(coded)}
    return coded_problem(coded).largest_error, found


def test_the_example_of_the_manual_is_helped_by_both_dacs_together(make_core: MakeCore) -> None:
    core = problem_core(make_core)
    coded = coded_of(lower_problem(items(), core), core)
    before = coded_problem(coded).largest_error
    # More bits for the fields alone end the warning, and take the energies further away.
    alone = Remedy("bits", 7, "", {"field_dac": {"bits": 7}})
    error, warned = followed(items(), core, alone)
    assert ("W003", "field") not in warned
    assert error > 1.3 * before
    both, rescaled = found(coded, is_merged, "field")
    assert both.core == {"coupling_dac": {"bits": 5}, "field_dac": {"bits": 7}}
    assert both.words == "use a core with coupling_dac: {bits: 5}, field_dac: {bits: 7} (energies off by at most 2.63)"
    # Fewer bits, with a full scale for the couplings that they use.
    assert rescaled.core["field_dac"] == {"bits": 7}
    assert list(rescaled.core["coupling_dac"]) == ["full_scale_rad_s"]
    for remedy in (both, rescaled):
        error, warned = followed(items(), core, remedy)
        assert error == pytest.approx(remedy.largest_error, rel=1e-2)
        assert error < before
        assert ("W003", "field") not in warned


@pytest.mark.parametrize("seed", range(12))
def test_advice_that_is_followed_brings_the_energies_nearer(seed: int, make_core: MakeCore) -> None:
    random = np.random.default_rng(seed)
    pairs = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], np.int32)
    coupling = random.normal(size=6) * np.exp(random.choice([0.1, 1.0, 2.0]) * random.normal(size=6))
    fields = 10.0 ** random.uniform(-3, 2) * (random.choice([0.0, 5.0]) + random.normal(size=4))
    problem = IsingProblem("p", "ising", pairs[:, 0].copy(), pairs[:, 1].copy(), coupling, fields, 0.0, tuple("abcd"))
    core = problem_core(make_core, coupling=int(random.integers(2, 7)), field=int(random.integers(2, 7)))
    coded = coded_of(lower_problem(problem, core), core)
    before = coded_problem(coded).largest_error
    for warning in code_warnings(coded):
        group = warning.numbers["group"]
        for each in warning.numbers["remedies"]:
            if group in ("shil", "detuning") or "core" not in each:
                continue
            error, warned = followed(problem, core, Remedy(each["kind"], each["value"], "", each["core"]))
            # Runs of other whole cycles may round a term the other way.
            assert error == pytest.approx(each["largest_error"], rel=5e-2)
            assert error < before
            assert (warning.code, group) not in warned


@pytest.mark.parametrize("size", [1e-30, 1e-9, 1e-6])
def test_a_full_scale_stays_in_sight_of_the_others(size: float, make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small(make_core)
    graph = make_graph(core, chunks=2)
    none = np.zeros_like(graph.shil)
    weight = (np.sign(graph.weight) * np.float32(size)).astype(np.float32)
    graph = replace(graph, weight=weight, shil=np.ones_like(graph.shil), field=none, detuning=none)
    made = found(coded_of(graph, core), lambda use, _: not use.codes_not_zero)
    assert made == []
    # A step of eight bits of the largest is offered, and no less.
    graph = replace(graph, weight=np.sign(weight) * np.float32(0.005))
    made = found(coded_of(graph, core), lambda use, _: not use.codes_not_zero)
    (remedy,) = (each for each in made if each.kind == "full-scale")
    assert remedy.value == pytest.approx(2.4e6 / 127, rel=1e-2)
