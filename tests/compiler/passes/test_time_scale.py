from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.base.findings import FindingsError
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.timed import TimeScale
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.scale import ScalePass
from oscc.compiler.passes.time_scale import ScaleOptions, choose_time_scale, full_scale_bounds, whole_cycles
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import load_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]

NONE = ScaleOptions()


def graph_with(
    graph: CouplingGraph, *, coupling: float = 0.0, shil: float = 0.0, field: float = 0.0, detuning: float = 0.0
) -> CouplingGraph:
    """The same graph with one parameter of each group at a given value, and all others at 0."""
    arrays = {}
    for name, value in (("weight", coupling), ("shil", shil), ("field", field), ("detuning", detuning)):
        array = np.zeros_like(getattr(graph, name))
        array[-1, 0] = value
        arrays[name] = array
    return replace(graph, **arrays)


def codes(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions = NONE) -> list[str]:
    return [finding.code for finding in diagnose_time_scale(graph, core, options)]


def runs(scale: TimeScale) -> list[int]:
    listed: list[int] = scale.run_cycles.tolist()
    return listed


def test_the_prototype_needs_214_cycles_per_chunk_for_its_detuning(prototype_path: Path) -> None:
    graph = read_checkpoint(prototype_path)
    core = load_core("ais-56x56")
    placed = ScalePass().run(PlacePass(core).run(graph))
    assert runs(placed.time_scale) == [214] * 4
    assert placed.time_scale.active == "detuning"
    # By hand: 214 cycles of 10 ns for 2 units of model time.
    np.testing.assert_allclose(placed.time_scale.tau_s, 1.07e-6, rtol=1e-12)
    largest = float(np.abs(graph.detuning).max())
    assert placed.time_scale.bounds_s["detuning"] == pytest.approx(largest / 1.2e6, rel=1e-12)


@pytest.mark.parametrize("group", ["coupling", "shil", "field", "detuning"])
def test_each_group_can_decide(group: str, tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    # 1.234 at full scale F for 2.0 units of model time: 1.234 / F * 1e8 * 2 cycles, rounded up.
    graph = graph_with(make_graph(tiny_core), **{group: -1.234})
    full_scale = {"coupling": 1.8e6, "shil": 2.4e6, "field": 2.4e6, "detuning": 1.2e6}[group]
    scale = choose_time_scale(graph, tiny_core, NONE)
    assert scale.active == group
    assert scale.active_by_chunk == (group,) * 4
    value = float(np.float32(1.234))
    assert runs(scale) == [math.ceil(value / full_scale * 1e8 * 2.0)] * 4
    assert scale.bounds_s[group] == pytest.approx(value / full_scale, rel=1e-12)


def test_a_tau_per_chunk_follows_each_chunk(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core), detuning=1.5)
    weak = graph.detuning.copy()
    weak[1, 3], weak[2, 5] = -0.75, 0.003
    graph = replace(graph, detuning=weak)
    scale = choose_time_scale(graph, tiny_core, ScaleOptions(per_chunk=True))
    # 1.5 / 1.2e6 is 1.25e-6 s, or 250 cycles; the weak chunks fall back to a load: 8 rows and 6 cycles.
    assert runs(scale) == [14, 125, 14, 250]
    assert scale.active_by_chunk == ("load", "detuning", "load", "detuning")
    np.testing.assert_allclose(scale.tau_s, [7e-8, 6.25e-7, 7e-8, 1.25e-6], rtol=1e-6)


def test_common_tau_gives_longer_chunks_longer_runs(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core), detuning=0.75)
    graph = replace(graph, chunk_duration=np.array([1.0, 2.0, 0.5, 3.0], dtype=np.float32))
    scale = choose_time_scale(graph, tiny_core, NONE)
    assert runs(scale) == [63, 125, 32, 188]


@given(st.integers(1, 10**6), st.floats(-1e-10, 1e-10))
def test_a_whole_number_with_float_noise_is_that_number(cycles: int, noise: float) -> None:
    assert whole_cycles(np.array([cycles * (1 + noise)])).tolist() == [cycles]


def test_a_number_that_is_not_whole_is_rounded_up() -> None:
    assert whole_cycles(np.array([2.001, 2.999, 1e6 + 0.01])).tolist() == [3, 3, 1000001]


@settings(deadline=None, max_examples=100)
@given(
    largest=st.floats(0.01, 3.0),
    durations=st.lists(st.floats(0.1, 4.0), min_size=4, max_size=4),
    per_chunk=st.booleans(),
)
def test_no_parameter_clips_and_no_cycle_is_wasted(largest: float, durations: list[float], per_chunk: bool) -> None:
    core = load_core("tiny-8x8")
    rng = np.random.default_rng(int(largest * 1e6))
    weights = rng.uniform(-largest, largest, (4, 50)).astype(np.float32)
    zeros = np.zeros((4, 64), dtype=np.float32)
    graph = CouplingGraph(
        name="g",
        family="kurashil",
        image_shape=(1, 1),
        init=None,  # type: ignore[arg-type]
        src=np.zeros(50, dtype=np.int32),
        dst=np.zeros(50, dtype=np.int32),
        weight=weights,
        shil=zeros,
        field=zeros,
        detuning=zeros,
        chunk_duration=np.array(durations, dtype=np.float32),
        position=None,
        readout=np.zeros(1, dtype=np.int32),
    )
    scale = choose_time_scale(graph, core, ScaleOptions(per_chunk=per_chunk))
    exact = [float(duration) for duration in graph.chunk_duration]
    peak = [float(abs(row).max()) for row in weights]
    needed = [value / 1.8e6 for value in (peak if per_chunk else [max(peak)] * 4)]
    least = 14 if per_chunk else max(14, max(14 / d for d in exact) * min(exact))
    for chunk in range(4):
        run = runs(scale)[chunk]
        assert scale.tau_s[chunk] == pytest.approx(run / (1e8 * exact[chunk]), rel=1e-12)
        # Nothing clips, but one cycle less would be too little for something.
        assert scale.tau_s[chunk] >= needed[chunk] * (1 - 2e-9)
        assert run >= least * (1 - 2e-9)
        if scale.active == "coupling" and scale.active_by_chunk[chunk] == "coupling":
            assert run - 1 < needed[chunk] * 1e8 * exact[chunk]


def test_load_bound_holds_in_every_chunk(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[20, 6])
    graph = graph_with(make_graph(core), coupling=0.001)
    graph = replace(graph, chunk_duration=np.array([2.0, 1.0, 2.0, 2.0], dtype=np.float32))
    scale = choose_time_scale(graph, core, NONE)
    assert scale.active == "load"
    # A load takes 20 rows and 6 cycles.
    assert runs(scale) == [52, 26, 52, 52]


def test_a_run_covers_the_fetch_of_what_follows_on_a_core_of_few_rows(make_core: MakeCore) -> None:
    # Five instructions at two cycles and one of latency: more than the load of three rows.
    core = make_core(grid=[3, 8])
    assert core.load_cycles == 3 + 6
    assert core.least_run_cycles == 11
    assert make_core().least_run_cycles == 8 + 6


@pytest.mark.parametrize("per_chunk", [False, True])
def test_a_sample_covers_a_read_out(per_chunk: bool, make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[40, 8], readout={"step": [1, 1]}, init={"cycles": 12}, chunks=2)
    graph = graph_with(make_graph(core), coupling=0.001)
    scale = choose_time_scale(graph, core, ScaleOptions(per_chunk=per_chunk))
    total = core.readout_cycles - 12
    assert scale.active == "readout"
    # A load takes 40 rows and 6 cycles.
    assert runs(scale) == ([46, total - 46] if per_chunk else [-(-total // 2)] * 2)
    assert codes(graph, core, ScaleOptions(per_chunk=per_chunk)) == []


def test_the_models_own_time_scale_is_honoured(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = replace(graph_with(make_graph(tiny_core), detuning=5.0), time_scale_s=(1.07e-6,))
    scale = choose_time_scale(graph, tiny_core, NONE)
    # 1.07e-6 * 1e8 * 2 is 214.00000000000003 in float64.
    assert runs(scale) == [214] * 4
    assert (scale.active, scale.bounds_s["model"]) == ("model", 1.07e-6)
    # A detuning of 5.0 is far beyond 1.2e6 rad/s at that tau; it may saturate only where the user says so.
    assert codes(graph, tiny_core) == ["S004"]
    assert codes(graph, tiny_core, ScaleOptions(clip=("detuning",))) == []
    by_chunk = replace(graph, time_scale_s=(1e-6, 2e-6, 0.5e-6, 1e-7))
    assert runs(choose_time_scale(by_chunk, tiny_core, NONE)) == [200, 400, 100, 20]


def test_a_given_tau_comes_before_the_models(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = replace(graph_with(make_graph(tiny_core), coupling=1.0), time_scale_s=(1e-6,))
    scale = choose_time_scale(graph, tiny_core, ScaleOptions(tau_s=8e-7))
    assert runs(scale) == [160] * 4
    assert (scale.active, scale.bounds_s["given"]) == ("given", 8e-7)


def test_a_given_tau_must_not_clip_unless_it_may(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core), coupling=1.6875, detuning=1.125)
    findings = list(diagnose_time_scale(graph, tiny_core, ScaleOptions(tau_s=5e-7, clip=("detuning",))))
    assert [(finding.code, finding.witness["group"]) for finding in findings] == [("S004", "coupling")]
    assert findings[0].message == (
        "at the given tau (5e-07 s in chunk 3) 1 of 4368 parameters of coupling exceed full scale: "
        "they need 9.375e-07 s"
    )
    assert findings[0].fix == "use a tau of at least 9.375e-07 s, or let them saturate: --clip coupling"
    assert codes(graph, tiny_core, ScaleOptions(tau_s=9.375e-7)) == []


def test_clipping_takes_a_group_out_of_the_choice(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core), coupling=1.125, detuning=1.5)
    assert runs(choose_time_scale(graph, tiny_core, NONE)) == [250] * 4
    scale = choose_time_scale(graph, tiny_core, ScaleOptions(clip=("detuning",)))
    assert (scale.active, runs(scale)) == ("coupling", [125] * 4)


def test_over_budget_says_what_would_fit(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core), coupling=1.8, detuning=1.5)
    with pytest.raises(FindingsError) as caught:
        ScalePass().run(PlacePass(tiny_core).run(graph))
    (finding,) = caught.value.findings
    assert finding.code == "S001"
    assert finding.message == (
        "init (64) and runs (4 x 250) take 1064 cycles, the core's budget is 1000; the active bound is detuning, "
        "tau 1.25e-06 s"
    )
    assert finding.fix == (
        "a tau per chunk (tau 1.25e-06 s, 356 cycles), or let detuning clip (tau 1e-06 s, 864 cycles; 1 of "
        "256 detuning codes clip), or raise cycles_per_sample of the core to 1064"
    )
    assert finding.witness["cycles"] == 1064
    assert finding.witness["bounds_s"]["coupling"] == pytest.approx(1e-6, rel=1e-6)


def test_over_budget_with_a_time_scale_that_was_set(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = make_graph(tiny_core, time_scale_s=(2e-6,))
    (finding,) = diagnose_time_scale(graph, tiny_core, NONE)
    assert finding.fix.startswith("train the model with a smaller time_scale_s")
    (finding,) = diagnose_time_scale(graph, tiny_core, ScaleOptions(tau_s=3e-6))
    assert finding.fix.startswith("give a smaller tau")


def test_a_tau_that_is_too_short_for_the_hardware(make_core: MakeCore, make_graph: MakeGraph) -> None:
    core = make_core(grid=[40, 8], readout={"step": [1, 1]}, init={"cycles": 12}, chunks=2)
    graph = replace(graph_with(make_graph(core)), time_scale_s=(1e-7,))
    findings = list(diagnose_time_scale(graph, core, NONE))
    assert [finding.code for finding in findings] == ["S002", "S003"]
    assert findings[0].message == "the run of chunk 0 takes 20 cycles, but a load takes 46; 2 such chunks"
    assert (
        findings[1].message == f"a sample takes 52 cycles, but reading out the one before takes {core.readout_cycles}"
    )


def test_a_model_of_zeros_has_a_time_scale(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core))
    assert full_scale_bounds(graph, tiny_core)["coupling"].tolist() == [0.0] * 4
    assert choose_time_scale(graph, tiny_core, NONE).active == "load"
    lonely = replace(graph, src=graph.src[:0], dst=graph.dst[:0], weight=graph.weight[:, :0])
    assert runs(choose_time_scale(lonely, tiny_core, NONE)) == [14] * 4


def test_options_are_checked() -> None:
    with pytest.raises(OsccError, match=r"'detunning' is not a DAC group; did you mean 'detuning'\?"):
        ScaleOptions(clip=("detunning",))
    for tau in (0.0, -1e-6, math.nan, math.inf):
        with pytest.raises(OsccError, match="is not a positive number of seconds"):
            ScaleOptions(tau_s=tau)


@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize(("steps", "expected"), [(7.0, []), (7.49, []), (7.51, ["S004"]), (70.0, ["S004"])])
def test_what_rounds_to_the_top_code_is_at_full_scale(
    given: bool, steps: float, expected: list[str], tiny_core: CoreSpec, make_graph: MakeGraph
) -> None:
    # A trainer that clamps to the DAC grid leaves values at its ends; at 1 us a code step is 1.8e6 * 1e-6 / 7.
    graph = graph_with(make_graph(tiny_core), coupling=-steps * 1.8 / 7)
    options = ScaleOptions(tau_s=1e-6) if given else NONE
    graph = graph if given else replace(graph, time_scale_s=(1e-6,))
    assert codes(graph, tiny_core, options) == expected
    assert codes(graph, tiny_core, replace(options, clip=("coupling",))) == []


def test_a_time_scale_of_the_model_that_saturates_is_found_chunk_by_chunk(
    tiny_core: CoreSpec, make_graph: MakeGraph
) -> None:
    graph = graph_with(make_graph(tiny_core))
    shil = np.zeros_like(graph.shil)
    shil[0, :5], shil[2, :3] = 2.0, 2.4
    # Full scale is 2.4 at 1 us and 1.2 at 0.5 us: only chunk 2 is beyond it.
    graph = replace(graph, shil=shil, time_scale_s=(1e-6, 1e-6, 0.5e-6, 1e-6))
    (finding,) = diagnose_time_scale(graph, tiny_core, NONE)
    assert finding.code == "S004"
    assert finding.message == (
        "at the model's time_scale_s (5e-07 s in chunk 2) 3 of 256 parameters of shil exceed full scale: they need "
        "1e-06 s"
    )
    assert finding.fix == "train the model with a time_scale_s of at least 1e-06 s, or let them saturate: --clip shil"
    assert (finding.witness["group"], finding.witness["count"]) == ("shil", 3)
    assert finding.witness["needed_tau_s"] == pytest.approx(1e-6, rel=1e-6)
    # Chunk 0 lacks less of what it needs, but needs the most: tau and need are those of one chunk.
    shil[0, :5] = 3.0
    (finding,) = diagnose_time_scale(replace(graph, shil=shil), tiny_core, NONE)
    assert finding.message == (
        "at the model's time_scale_s (1e-06 s in chunk 0) 8 of 256 parameters of shil exceed full scale: they need "
        "1.25e-06 s"
    )


def test_a_tau_per_chunk_contradicts_one_that_is_given(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    with pytest.raises(OsccError) as caught:
        ScaleOptions(per_chunk=True, tau_s=1e-6)
    assert caught.value.code == "scale.contradiction"
    assert "tau is given as 1e-06 s for all chunks" in caught.value.message
    graph = make_graph(tiny_core, time_scale_s=(1e-6,))
    with pytest.raises(OsccError) as caught:
        list(diagnose_time_scale(graph, tiny_core, ScaleOptions(per_chunk=True)))
    assert caught.value.code == "scale.contradiction"
    assert "its own time_scale_s (1e-06 s), which wins" in caught.value.message
    assert caught.value.hint == "leave out --tau per-chunk, or train the model without time_scale_s"


LONGEST = 2**24 - 1


@pytest.mark.parametrize(
    ("change", "options", "active", "fix"),
    [
        ({"chunk_duration": np.array([2, 2, 1e30, 2], dtype=np.float32)}, NONE, "load", "a tau per chunk"),
        ({"coupling": 3e38}, NONE, "coupling", "let coupling clip (tau 7e-08 s, 120 cycles; 1 of 4368 "),
        ({"time_scale_s": (1e300,)}, NONE, "model", "train the model with a smaller time_scale_s"),
        ({}, ScaleOptions(tau_s=1e300), "given", "give a smaller tau"),
        ({}, ScaleOptions(tau_s=1e308), "given", "give a smaller tau"),
    ],
)
def test_a_run_beyond_24_bits_is_a_finding_of_its_own(
    change: dict[str, Any],
    options: ScaleOptions,
    active: str,
    fix: str,
    tiny_core: CoreSpec,
    make_graph: MakeGraph,
) -> None:
    change = dict(change)
    graph = replace(graph_with(make_graph(tiny_core), coupling=change.pop("coupling", 0.0)), **change)
    scale = choose_time_scale(graph, tiny_core, options)
    assert max(runs(scale)) == LONGEST + 1
    (finding,) = diagnose_time_scale(graph, tiny_core, options)
    assert (finding.code, finding.witness["active"]) == ("S005", active)
    assert f"takes more than {LONGEST} cycles, the most that the 24 bits of a run instruction hold" in finding.message
    assert fix in finding.fix
    assert finding.fix.endswith(", or use shorter chunks")
    json.dumps(finding.as_dict(), allow_nan=False)


def test_the_longest_run_is_no_such_finding(tiny_core: CoreSpec, make_graph: MakeGraph) -> None:
    graph = graph_with(make_graph(tiny_core))
    graph = replace(graph, chunk_duration=np.full(4, 1.0, dtype=np.float32))
    assert codes(graph, tiny_core, ScaleOptions(tau_s=LONGEST * 1e-8)) == ["S001"]
    assert codes(graph, tiny_core, ScaleOptions(tau_s=(LONGEST + 1) * 1e-8)) == ["S005"]


def test_infinite_cycles_do_not_wrap_around() -> None:
    assert whole_cycles(np.array([math.inf, 1e300, 2.0**63, LONGEST + 0.0])).tolist() == [LONGEST + 1] * 3 + [LONGEST]
