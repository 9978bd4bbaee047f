from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import dimod
import numpy as np
import pytest

from oscc.compiler.compile import check_model
from oscc.compiler.findings.of_codes import CodeWarning
from oscc.compiler.frontends.bqm import parse_bqm
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.frontends.ising_problem import IsingProblem, max_cut
from oscc.compiler.frontends.lowering import lower_problem
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import SMALLEST_TAU, ScaleOptions
from oscc.compiler.precision.code_limits import (
    CROWD,
    DEAD,
    ENDS,
    MATTERS,
    MERGED,
    ROUGH,
    VANISHED,
    ends_ratio,
    live_share,
    one_code,
)
from oscc.compiler.precision.code_use import GroupValues
from oscc.compiler.precision.code_warnings import code_warnings
from oscc.compiler.precision.coded_problem import coded_problem
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]

TAU = 1e-6
"""Time scale of trained models here: what full scales are worth is easily read off then."""


def coded_of(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> CodedGraph:
    return QuantizePass().run(ScalePass(options).run(RoutePass().run(PlacePass(core).run(graph))))


def warned(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = SMALLEST_TAU) -> dict[str, CodeWarning]:
    """The warnings by their codes, of which each occurs once."""
    found = code_warnings(coded_of(graph, core, options))
    assert len({warning.code for warning in found}) == len(found)
    json.dumps([warning.as_dict() for warning in found], allow_nan=False)
    return {warning.code: warning for warning in found}


def small_core(make_core: MakeCore, **changes: Any) -> CoreSpec:
    return make_core(
        **{"grid": [6, 6], "stencil": "box-2", "readout": {"step": [2, 2]}, "cycles_per_sample": 3000, **changes}
    )


def trained(graph: CouplingGraph, codes: np.ndarray, core: CoreSpec) -> CouplingGraph:
    """A model as training leaves it: couplings that are whole code steps, at a time scale of its own."""
    step = core.coupling_dac.full_scale_rad_s * TAU / core.coupling_dac.top_code
    none = np.zeros_like(graph.shil)
    return replace(
        graph,
        weight=(codes * step).astype(np.float32),
        shil=none,
        field=none,
        detuning=none,
        time_scale_s=(TAU,),
        training={"schema": "oscc.receipt/1"},
    )


def knapsack(penalty: float = 40.0, chosen: int = 1) -> str:
    """Eight items of which so many are taken, worth the more the better: the fields are all but the same."""
    model = dimod.BinaryQuadraticModel("BINARY")
    for item, worth in enumerate([4, 7, 1, 5, 9, 3, 6, 2]):
        model.add_variable(f"item {item}", -worth)
    terms = [(f"item {item}", 1) for item in range(8)]
    model.add_linear_equality_constraint(terms, lagrange_multiplier=penalty, constant=-chosen)
    return json.dumps(model.to_serializable())


def ising_core(make_core: MakeCore, **changes: Any) -> CoreSpec:
    return make_core("ising-56x56", **{"grid": [8, 8], "name": "ising-8x8", **changes})


# Trained models that are nearly dead


def test_a_new_3_bit_core_on_which_training_left_few_couplings(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(coupling_dac={"bits": 3})
    graph = make_graph(core)
    # A normal distribution of a spread of 0.2, as trainings began with, on code steps of 0.6.
    drawn = np.random.default_rng(0).normal(0.0, 0.1, graph.weight.shape)
    codes = np.rint(drawn / (1.8e6 * TAU / 3)).clip(-3, 3)
    codes.flat[:95] = 1
    alive = int(np.count_nonzero(codes))
    coded = coded_of(trained(graph, codes, core), core)
    # What every verb said before: nothing was rounded.
    assert coded.statistics["coupling"].max_lsb < 1e-6
    (warning,) = code_warnings(coded)
    count = graph.weight.size
    assert warning.code == "W001"
    assert warning.message == (
        f"{alive:,} of {count:,} couplings have a code other than 0 ({100 * alive / count:.1f} %): the model hardly "
        "couples"
    )
    assert "couplings of about a code step, 0.6 rad per unit of model time" in warning.advice
    assert warning.numbers["codes_not_zero"] == alive
    assert warning.numbers["share"] == pytest.approx(alive / count)


@pytest.mark.parametrize(("alive", "codes"), [(DEAD - 0.01, ["W001"]), (DEAD + 0.01, [])])
def test_the_edge_of_a_dead_model(alive: float, codes: list[str], make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    order = np.random.default_rng(1).permutation(graph.weight.size).reshape(graph.weight.shape)
    made = np.where(order < alive * graph.weight.size, 1 + order % 7, 0)
    assert list(warned(trained(graph, made, core), core)) == codes


def test_chunks_without_any_coupling_say_nothing_of_the_others(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    codes = np.zeros(graph.weight.shape)
    codes[1] = 1 + np.arange(graph.couplings) % 3
    assert warned(trained(graph, codes, core), core) == {}
    codes[2, :10] = 1
    codes[1] = 0
    assert list(warned(trained(graph, codes, core), core)) == ["W001"]


def test_couplings_that_were_left_out_count_as_dead(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    coded = coded_of(trained(make_graph(core), np.full((4, make_graph(core).couplings), 2.0), core), core)
    edges = coded.placed.graph.couplings
    assert code_warnings(coded, idle=int(edges * (1 / DEAD - 1)) - 1) == ()
    (warning,) = code_warnings(coded, idle=int(edges * (1 / DEAD - 1)) + 2)
    assert warning.code == "W001"
    assert warning.numbers["parameters"] == 4 * (edges + int(edges * (1 / DEAD - 1)) + 2)


def test_a_model_that_rounding_kills_is_told_what_would_help(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core, coupling_dac={"bits": 3})
    graph = make_graph(core)
    weight = np.random.default_rng(2).normal(0.0, 0.1, graph.weight.shape).astype(np.float32)
    # One that is much larger than the others decides the time scale.
    weight[0, 0] = 1.5
    graph = replace(graph, weight=weight, shil=graph.shil * 0, field=graph.field * 0, detuning=graph.detuning * 0)
    (warning,) = warned(graph, core).values()
    assert warning.code == "W001"
    remedies = {each["kind"]: each["value"] for each in warning.numbers["remedies"]}
    assert warning.advice.endswith(f"use a core with coupling_dac: {{bits: {remedies['bits']}}}")
    better = small_core(make_core, coupling_dac={"bits": remedies["bits"]})
    assert "W001" not in warned(graph, better)
    worse = small_core(make_core, coupling_dac={"bits": remedies["bits"] - 1})
    assert "W001" in warned(graph, worse)


# Rounding


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("bits", "codes"), [(3, ["W002"]), (4, []), (6, [])])
def test_normally_distributed_parameters(
    bits: int, codes: list[str], seed: int, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = make_core(grid=[8, 8], coupling_dac={"bits": bits}, cycles_per_sample=4000)
    graph = make_graph(core, seed=seed)
    weight = np.random.default_rng(seed).normal(0.0, 0.3, graph.weight.shape).clip(-1.5, 1.5)
    weight[:, 0] = 1.5
    none = np.zeros_like(graph.shil)
    graph = replace(graph, weight=weight.astype(np.float32), shil=none, field=none, detuning=none)
    assert list(warned(graph, core)) == codes


def test_a_chunk_that_rounding_spoils_and_its_own_tau_helps(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    scale = np.array([[1.0], [1.0], [0.05], [1.0]], np.float32)
    graph = replace(
        graph, weight=graph.weight * scale, shil=graph.shil * 0, field=graph.field * 0, detuning=graph.detuning * 0
    )
    (warning,) = warned(graph, core).values()
    assert warning.code == "W002"
    assert warning.message.startswith("rounding takes 100 % of the norm of the couplings in chunk 2: ")
    assert "give each chunk its own tau: --tau per-chunk, or use a core with coupling_dac: {bits: " in warning.advice
    assert warned(graph, core, ScaleOptions(per_chunk=True)) == {}


def test_a_tau_that_is_too_large(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core, cycles_per_sample=50_000)
    graph = make_graph(core)
    (group,) = {
        warning.numbers["group"]
        for warning in code_warnings(coded_of(graph, core, ScaleOptions(tau_s=4e-6)))
        if warning.numbers["group"] == "coupling"
    }
    assert group == "coupling"
    advice = [
        w.advice
        for w in code_warnings(coded_of(graph, core, ScaleOptions(tau_s=4e-6)))
        if w.numbers["group"] == "coupling"
    ]
    assert advice[0].startswith("leave out --tau-s, for the smallest tau, or ")
    assert warned(graph, core) == {}


def test_a_full_scale_that_another_group_does_not_let_be_used(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    graph = replace(graph, weight=graph.weight * np.float32(0.1), field=graph.field * 0, detuning=graph.detuning * 0)
    warning = warned(graph, core)["W002"]
    remedies = {each["kind"]: each["value"] for each in warning.numbers["remedies"]}
    assert "(shil decided the tau)" in warning.advice
    better = small_core(make_core, coupling_dac={"full_scale_rad_s": remedies["full-scale"] * 1.0001})
    assert warned(graph, better) == {}


@pytest.mark.parametrize(("part", "codes"), [(MATTERS / 2, []), (MATTERS * 2, ["W002"])])
def test_a_group_that_does_not_matter_may_be_lost(
    part: float, codes: list[str], make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = small_core(make_core, detuning_dac={"full_scale_rad_s": 2.4e7})
    graph = make_graph(core)
    none = np.zeros_like(graph.shil)
    detuning = np.ones_like(graph.detuning)
    detuning *= (
        part * np.linalg.norm(graph.weight, axis=1, keepdims=True) / np.linalg.norm(detuning, axis=1, keepdims=True)
    )
    graph = replace(graph, shil=none, field=none, detuning=detuning.astype(np.float32))
    assert list(warned(graph, core)) == codes


# Saturation


def test_what_clips_is_counted(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core, cycles_per_sample=900)
    graph = make_graph(core)
    weight = graph.weight.copy()
    weight[0, :7] = 12.0
    graph = replace(graph, weight=weight)
    options = ScaleOptions(clip=("coupling",))
    coded = coded_of(graph, core, options)
    warning = next(each for each in code_warnings(coded) if each.code == "W004")
    assert (warning.numbers["saturated"], warning.numbers["parameters"]) == (7, graph.weight.size)
    step = float(coded.lsb.coupling[0])
    made = np.rint(weight[0] / step).clip(-7, 7) * step
    error = float(np.linalg.norm(made - weight[0]) / np.linalg.norm(weight[0]))
    assert warning.numbers["error"] == pytest.approx(error, rel=1e-5)
    assert warning.message == (
        f"7 of {graph.weight.size:,} couplings saturate at the top code: the largest is {12 / step / 7:.3g} times full "
        f"scale, and the codes are off by {100 * error:.2g} % of their norm"
    )
    # The advice names the cycles with which nothing clips.
    cycles = warning.numbers["cycles_without_clip"]
    assert warning.advice == (
        f"leave out --clip coupling: a sample takes {cycles:,} cycles then, for which the core needs "
        f"cycles_per_sample: {cycles}"
    )
    assert "W004" not in {
        each.code for each in code_warnings(coded_of(graph, small_core(make_core, cycles_per_sample=cycles)))
    }


@pytest.mark.parametrize(("beyond", "codes"), [(0.4, []), (0.6, ["W004"])])
def test_half_a_step_beyond_the_top_code_is_rounding(
    beyond: float, codes: list[str], make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    made = 1.0 + np.arange(graph.weight.size).reshape(graph.weight.shape) % 7
    made.flat[3] = 7 + beyond
    assert list(warned(trained(graph, made, core), core, ScaleOptions(clip=("coupling",)))) == codes


@pytest.mark.parametrize(("own", "words"), [(True, "train the model with a time_scale_s"), (False, "use a --tau-s")])
def test_a_tau_that_is_too_small(own: bool, words: str, make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    graph = replace(
        graph,
        weight=np.full_like(graph.weight, 1.8),
        shil=graph.shil * 0,
        field=graph.field * 0,
        detuning=graph.detuning * 0,
    )
    graph = replace(graph, time_scale_s=(2.5e-7,)) if own else graph
    options = ScaleOptions(clip=("coupling",), tau_s=None if own else 2.5e-7)
    warning = warned(graph, core, options)["W004"]
    # Full scale is 1.8e6 rad/s: 1.8 rad per unit of model time take a microsecond.
    assert warning.advice == f"{words} of at least 1e-06 s, and leave out --clip coupling"
    assert warning.numbers["needed_tau_s"] == pytest.approx(1e-6)
    assert warning.numbers["times_full_scale"] == pytest.approx(4.0)


def test_fields_that_saturate_while_couplings_do_not_make_another_problem(make_core: MakeCore) -> None:
    core = ising_core(make_core, field_dac={"full_scale_rad_s": 2.4e6})
    first, second = np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32)
    problem = IsingProblem(
        "p", "ising", first, second, np.array([1.0, -1.0, 1.0]), np.array([1.0, 2.0, 9.0, 8.0]), 0.0, tuple("abcd")
    )
    graph = lower_problem(problem, core)
    clip = ScaleOptions(clip=("field", "shil", "detuning"), tau_s=2.5e-7)
    found = code_warnings(coded_of(replace(graph, chunk_duration=graph.chunk_duration), core, clip))
    (warning,) = (each for each in found if each.code == "W004" and each.numbers["group"] == "field")
    assert warning.message.startswith("2 of 4 fields saturate at the top code: ")
    assert "; couplings do not, so that another problem is solved; the energy is off by at most " in warning.message


def test_the_clips_that_only_together_take_energies_away_are_left_out_together(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    first, second = np.array([0, 0, 0, 1, 1, 2], np.int32), np.array([1, 2, 3, 2, 3, 3], np.int32)
    fields = np.array([78.0, 76.5, 79.5, 77.5])
    problem = IsingProblem("p", "ising", first, second, np.full(6, 40.0), fields, 0.0, tuple("abcd"))
    graph = lower_problem(problem, core)
    clip = ScaleOptions(clip=("coupling", "field", "shil", "detuning"), tau_s=3e-7)
    coded = coded_of(graph, core, clip)
    found = {each.numbers["group"]: each for each in code_warnings(coded) if each.code == "W004"}
    needed = found["field"].numbers["needed_tau_s"]
    assert found["coupling"].advice.startswith(
        f"use a --tau-s of at least {needed:.6g} s, and leave out --clip coupling and --clip field (energies off by at "
    )
    # The advice is followed as it is written.
    options = ScaleOptions(clip=("shil", "detuning"), tau_s=float(f"{needed:.6g}"))
    after = coded_problem(coded_of(graph, core, options)).largest_error
    assert after == pytest.approx(found["coupling"].numbers["largest_error_without_clip"], rel=0.05)
    assert after < 0.2 * coded_problem(coded).largest_error


# Problems


def test_a_knapsack_whose_eight_fields_became_one_code(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    problem = parse_bqm(knapsack(), name="knapsack", where="k")
    graph = lower_problem(problem, core)
    coded = coded_of(graph, core)
    assert np.unique(coded.codes.field[-1][coded.codes.field[-1] != 0]).tolist() == [-7]
    found = {warning.code: warning for warning in code_warnings(coded)}
    warning = found["W003"]
    # -worth / 2 + penalty (2 - 2 chosen + 6) / 4 ... : worked out by dimod's own change of variables.
    spin = dimod.BinaryQuadraticModel.from_serializable(json.loads(knapsack())).change_vartype(dimod.SPIN)
    fields = np.array(list(spin.linear.values()))
    spread = float(fields.max() - fields.min())
    step = warning.numbers["code_step"]
    assert step == pytest.approx(fields.max() / 7, rel=1e-3)
    assert warning.message.startswith(
        f"all 8 fields have the same code, -7, although they differ by up to {spread:g} ({fields.min():g} to "
        f"{fields.max():g}); a code step is {step:.3g}; the energy is off by at most "
    )
    assert (warning.numbers["least"], warning.numbers["most"]) == pytest.approx((fields.min(), fields.max()))
    assert warning.advice == (
        "use a core with coupling_dac: {bits: 5}, field_dac: {bits: 8} (energies off by at most 61.6), or use a core "
        "with coupling_dac: {full_scale_rad_s: 402000.0}, field_dac: {bits: 8} (field decided the tau; energies off by "
        "at most 2.56)"
    )
    # The advice is followed, and fewer bits for the fields do not keep them apart.
    (core_keys, _) = (each["core"] for each in warning.numbers["remedies"])
    better = ising_core(make_core, **core_keys)
    assert "W003" not in warned(lower_problem(problem, better), better)
    worse = ising_core(make_core, **{**core_keys, "field_dac": {"bits": core_keys["field_dac"]["bits"] - 1}})
    assert "W003" in warned(lower_problem(problem, worse), worse)


def test_couplings_that_are_small_beside_the_fields(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    problem = parse_bqm(knapsack(), name="knapsack", where="k")
    warning = warned(lower_problem(problem, core), core)["W002"]
    assert warning.message.startswith(
        "rounding takes 28 % of the norm of the couplings in every chunk: the largest is 1.56"
    )
    bits = {each["kind"]: each["value"] for each in warning.numbers["remedies"]}["bits"]
    better = ising_core(make_core, coupling_dac={"bits": bits})
    assert "W002" not in warned(lower_problem(problem, better), better)
    full_scale = {each["kind"]: each["value"] for each in warning.numbers["remedies"]}["full-scale"]
    other = ising_core(make_core, coupling_dac={"full_scale_rad_s": full_scale})
    assert "W002" not in warned(lower_problem(problem, other), other)


def test_a_penalty_that_no_width_resolves_is_said_to_be_so(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    warning = warned(lower_problem(parse_bqm(knapsack(penalty=4000), name="k", where="k"), core), core)["W003"]
    assert warning.numbers["remedies"] == []
    assert warning.advice == (
        "nothing that oscc can change keeps them apart, not 8 bits either, nor do longer runs or copies: make the "
        "largest terms of the problem smaller, such as the weight of a penalty, or solve it in parts"
    )
    # Which helps.
    mild = warned(lower_problem(parse_bqm(knapsack(penalty=1.0, chosen=4), name="k", where="k"), core), core)
    assert "W003" not in mild


def test_weights_that_one_large_weight_drowns(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    first, second = np.array([0, 1, 2, 0], np.int32), np.array([1, 2, 3, 3], np.int32)
    problem = max_cut("p", first, second, np.array([1.0, 1000.0, -1.0, 2.0]), tuple("1234"))
    warning = warned(lower_problem(problem, core), core)["W005"]
    assert warning.message == (
        "3 of 4 weights are lost in the codes: they range from 1 to 1,000 (1,000 : 1), and a code step is 143; the "
        "weight of a cut is off by at most 4"
    )


@pytest.mark.parametrize(("small", "codes"), [(1, []), (2, ["W005"])])
def test_the_edge_of_vanished_weights(small: int, codes: list[str], make_core: MakeCore) -> None:
    core = ising_core(make_core)
    first, second = np.array([0, 1, 2, 0], np.int32), np.array([1, 2, 3, 3], np.int32)
    weight = np.full(4, 7.0)
    # Half of a code step, and a little less.
    weight[:small] = 0.49
    assert small - 1 <= VANISHED * 4 <= 2
    assert list(warned(lower_problem(max_cut("p", first, second, weight, tuple("1234")), core), core)) == codes


@pytest.mark.parametrize(
    ("fields", "codes"),
    [
        # Two on one code are rounding, three are lost.
        ([6.8, 7.0, 1.0, 3.0], []),
        ([6.8, 6.9, 7.0, 1.0], ["W003"]),
        ([6.9, 7.0, 7.0, 7.0], ["W003"]),
        ([7.0, 7.0, 7.0, 7.0], []),
        ([1.0, 3.0, 5.0, 7.0], []),
        ([-7.0, 7.0, -7.0, 7.0], []),
        ([0.0, 0.0, 0.0, 7.0], []),
        ([0.0, 0.0, 6.9, 7.0], ["W003"]),
    ],
)
def test_fields_that_fall_on_one_code(fields: list[float], codes: list[str], make_core: MakeCore) -> None:
    core = ising_core(make_core)
    assert CROWD == 3
    first, second = np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32)
    coupling = np.array([5.25, -5.25, 5.25])
    problem = IsingProblem("p", "ising", first, second, coupling, np.array(fields), 0.0, tuple("abcd"))
    assert list(warned(lower_problem(problem, core), core)) == codes


def test_a_shil_that_no_code_holds(make_core: MakeCore) -> None:
    core = ising_core(make_core, shil_dac={"bits": 2})
    one = np.array([0], np.int32)
    warning = warned(lower_problem(max_cut("p", one, one + 1, np.ones(1), ("1", "2")), core), core)["W001"]
    assert (
        warning.message
        == "all 6 SHIL parameters that are not 0 in the model have code 0: the largest is 0.487 code steps"
    )
    assert warning.advice.startswith("use a core with shil_dac: {bits: 3}")


def test_a_graph_of_a_file_is_given_as_a_problem_is(make_core: MakeCore, tmp_path: Path) -> None:
    from oscc.compiler.frontends.front_end import read_source

    lines = "".join(f'<node id="n{k}"><data key="f">{2 + k / 100}</data></node>' for k in range(4))
    edges = "".join(f'<edge source="n{k}" target="n{k + 1}"/>' for k in range(3))
    text = (
        '<?xml version="1.0"?><graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        f'<key id="f" for="node" attr.name="field" attr.type="double"/><graph edgedefault="undirected">{lines}{edges}'
        "</graph></graphml>"
    )
    path = tmp_path / "g.graphml"
    path.write_text(text)
    core = ising_core(make_core)
    (warning,) = check_model(read_source(path, None, core).model.graph, core).warnings
    assert warning.message == (
        "all 4 fields have the same code, +7, although they differ by up to 0.03 (2 to 2.03 rad per unit of model "
        "time); a code step is 0.291"
    )


@pytest.mark.parametrize("size", [1e-30, 1e-9])
def test_what_no_core_can_hold_is_not_advised_a_full_scale(
    size: float, make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = ising_core(make_core)
    graph = make_graph(small_core(make_core))
    none = np.zeros_like(graph.shil)
    weight = (np.sign(graph.weight) * np.float32(size)).astype(np.float32)
    shil = np.ones_like(graph.shil)
    graph = replace(graph, weight=weight, shil=shil, field=none, detuning=none, training={"graph": {}})
    warning = warned(graph, core)["W001"]
    assert warning.numbers["remedies"] == []
    assert warning.advice == (
        "no core gives them codes, not one of 8 bits either, nor one of a smaller full scale that makes sense: make "
        "the couplings larger or the SHIL parameters smaller, or leave the couplings out where they do not matter"
    )


def test_weights_that_hardly_differ_are_not_told_of_a_penalty(make_core: MakeCore) -> None:
    core = ising_core(make_core)
    first, second = np.array([0, 1, 2, 0], np.int32), np.array([1, 2, 3, 3], np.int32)
    problem = max_cut("p", first, second, np.array([1e6, 1e6 + 5, 1e6 + 9, 1e6 + 2]), tuple("1234"))
    assert warned(lower_problem(problem, core), core)["W003"].advice == (
        "nothing that oscc can change keeps them apart, not 8 bits either, nor do longer runs or copies: where such "
        "small differences matter, the problem is none for this hardware"
    )


def test_advice_leaves_no_other_warning_of_the_group_where_that_can_be(make_core: MakeCore) -> None:
    """Two bits more end W001, and then most fields are 0 (W005): one more bit ends both."""
    core = ising_core(make_core, coupling_dac={"bits": 3}, field_dac={"bits": 3})
    first, second = np.array([0, 1, 2], np.int32), np.array([1, 2, 3], np.int32)
    fields = np.array([0.16, 0.07, -0.08, 0.06]) * 4 / 3
    problem = IsingProblem("p", "ising", first, second, np.array([1.0, -1.0, 1.0]), fields, 0.0, tuple("abcd"))
    warning = warned(lower_problem(problem, core), core)["W001"]
    keys = next(each["core"] for each in warning.numbers["remedies"] if each["kind"] == "bits")
    for less, codes in ((0, []), (1, ["W005"])):
        other = ising_core(make_core, coupling_dac={"bits": 3}, field_dac={"bits": keys["field_dac"]["bits"] - less})
        assert list(warned(lower_problem(problem, other), other)) == codes


# Ends


@pytest.mark.parametrize(("times", "codes"), [(0.9 * ENDS, []), (1.1 * ENDS, ["W006"])])
@pytest.mark.parametrize("bits", [3, 4])
def test_codes_that_training_drove_to_the_ends(
    bits: int, times: float, codes: list[str], make_core: MakeCore, make_graph: MakeGraph
) -> None:
    core = small_core(make_core, coupling_dac={"bits": bits})
    graph = make_graph(core)
    top = core.coupling_dac.top_code
    count = graph.weight.size
    made = 1.0 + np.arange(count) % (top - 1)
    made[: round(count * times / top)] = top
    assert list(warned(trained(graph, made.reshape(graph.weight.shape), core), core)) == codes


def test_codes_of_one_size_are_no_crowd(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core)
    graph = make_graph(core)
    assert warned(trained(graph, np.full(graph.weight.shape, 7.0), core), core) == {}


# No false alarms


@pytest.mark.parametrize(
    ("model", "core"),
    [
        ("kurashil-mnist-56x56", "ais-56x56"),
        ("kurashil-mnist-56x56-diamond", "ais-56x56-diamond"),
        ("kurashil-mnist-28x28", "ais-28x28"),
        ("kurashil-fashion-56x56", "ais-56x56"),
    ],
)
def test_the_models_in_examples(model: str, core: str, example_path: Path) -> None:
    result = check_model(read_checkpoint(example_path.parent / f"{model}.safetensors"), load_core(core))
    assert result.feasible
    assert result.warnings == ()
    assert result.code_use is not None
    shares = {group: use.share for group, use in result.code_use.groups.items()}
    assert 0.77 < shares["coupling"] < 0.83
    assert min(shares.values()) > 0.6
    assert max(ends_ratio(use) for use in result.code_use.groups.values()) <= 0.1


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
def test_max_cut_with_weights_of_one(bits: int, make_core: MakeCore) -> None:
    core = ising_core(make_core, coupling_dac={"bits": bits})
    first, second = (np.array(ends, np.int32) for ends in zip(*combinations(range(6), 2), strict=True))
    weight = np.random.default_rng(3).choice([-1.0, 1.0], first.size)
    assert warned(lower_problem(max_cut("p", first, second, weight, tuple("123456")), core), core) == {}


@pytest.mark.parametrize("seed", range(4))
def test_problems_whose_range_fits_4_bits(seed: int, make_core: MakeCore) -> None:
    random = np.random.default_rng(seed)
    first, second = (np.array(ends, np.int32) for ends in zip(*combinations(range(6), 2), strict=True))
    coupling = random.integers(1, 8, first.size) * random.choice([-1.0, 1.0], first.size)
    coupling[0] = 7.0
    # The core's fields have 4 / 3 of the couplings' full scale: their steps are larger by as much.
    field = random.integers(-7, 8, 6).astype(np.float64) * (4.0 / 3.0)
    problem = IsingProblem("p", "ising", first, second, coupling * 0.1, field * 0.1, 0.0, tuple("abcdef"))
    core = ising_core(make_core)
    assert warned(lower_problem(problem, core), core) == {}


@pytest.mark.parametrize("seed", range(4))
def test_normally_distributed_problems(seed: int, make_core: MakeCore) -> None:
    first, second = (np.array(ends, np.int32) for ends in zip(*combinations(range(9), 2), strict=True))
    weight = np.random.default_rng(seed).normal(size=first.size)
    problem = max_cut("p", first, second, weight, tuple("123456789"))
    assert warned(lower_problem(problem, ising_core(make_core)), ising_core(make_core)) == {}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "changes", [{}, {"couplings": "reciprocal"}, {"defects": {"gain": [[1, 1, 0.8], [2, 3, 1.2]]}}]
)
def test_uniform_models(seed: int, changes: dict[str, Any], make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = small_core(make_core, **changes)
    assert warned(make_graph(core, seed=seed, density=0.7), core) == {}


# The parts


def group_values(own: list[list[float]], codes: list[list[int]], core: CoreSpec) -> GroupValues:
    values = np.array(own, dtype=np.float64)
    return GroupValues(values, values, np.array(codes, dtype=np.int8), core.coupling_dac)


def test_the_live_share_leaves_out_chunks_of_zeros(tiny_core: CoreSpec) -> None:
    values = group_values([[0, 0, 0, 0], [1, 0.1, 0, 0]], [[0, 0, 0, 0], [1, 0, 0, 0]], tiny_core)
    assert live_share(values) == 0.25
    assert live_share(values, idle=4) == 0.125
    assert live_share(group_values([[0, 0]], [[0, 0]], tiny_core)) == 0.0


def test_one_code_is_of_parameters_that_differ(tiny_core: CoreSpec) -> None:
    def chunk(own: list[list[float]], codes: list[list[int]]) -> int | None:
        return one_code(group_values(own, codes, tiny_core))

    assert chunk([[1.0, 1.1, 0.0]], [[1, 1, 0]]) == 0
    assert chunk([[1.0, 1.0, 0.0]], [[1, 1, 0]]) is None
    assert chunk([[1.0, 1.1], [0.0, 0.0]], [[1, 1], [0, 0]]) == 0
    assert chunk([[1.0, 2.0]], [[1, 2]]) is None
    assert chunk([[1.0]], [[1]]) is None


def test_thresholds_are_what_the_manual_says() -> None:
    text = (Path(__file__).resolve().parents[3] / "docs" / "architecture.md").read_text(encoding="utf-8")
    for code, value in (("W001", DEAD), ("W002", ROUGH), ("W002", MATTERS), ("W003", MERGED), ("W006", ENDS)):
        row = next(line for line in text.splitlines() if line.startswith(f"| {code} |"))
        assert f"{value:g}" in row, code
    row = next(line for line in text.splitlines() if line.startswith("| W005 |"))
    assert "a third" in row
    assert pytest.approx(1 / 3) == VANISHED
