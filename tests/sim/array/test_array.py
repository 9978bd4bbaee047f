from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from oscc.base.errors import OsccError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.timed import TimedGraph, TimeScale
from oscc.compiler.route.routing import routed_graph
from oscc.core.families import FAMILIES
from oscc.core.groups import Groups
from oscc.core.spec_file import load_core
from oscc.models.dynamics.reference import AISModel
from oscc.sim.array.array import Integration, OscillatorArray, Rates, code_rates, expand_units, model_rates
from oscc.sim.array.array_steps import program_step, step_cycles_for, step_plan

torch.set_num_threads(1)

GOLDEN = Path(__file__).parents[1] / "data" / "golden-prototype-56x56.npz"
CYCLES_PER_UNIT = 100
"""Clock cycles per unit of model time in the golden runs."""


def empty_codes(core):
    """Codes by group that can still be written."""
    grid = (core.rows, core.cols)
    shapes = {"coupling": (*grid, core.slots), "shil": grid, "field": grid, "detuning": grid}
    return {group: np.zeros(shape, dtype=np.int8) for group, shape in shapes.items()}


def compiled(tmp_path, core, graph):
    write_checkpoint(tmp_path / "model.safetensors", graph)
    result = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core)
    assert result.feasible, result.findings
    return result


def run_one(core, codes, theta, cycles):
    array = OscillatorArray(core)
    array.set_phases(theta)
    array.set_codes(Groups(**codes))
    array.advance(cycles)
    return array.phases()[..., 0]


# What a code is worth


def test_detuning_turns_at_its_share_of_the_full_scale(make_core):
    core = make_core(detuning_dac={"bits": 4, "full_scale_rad_s": 1.4e6}, clock_hz=50e6)
    codes = empty_codes(core)
    codes["detuning"][2, 3], codes["detuning"][4, 5] = 7, -2
    end = run_one(core, codes, np.zeros((8, 8)), 100)
    # 100 cycles of 20 ns are 2 us.
    assert end[2, 3] == pytest.approx(1.4e6 * 2e-6, rel=1e-12)
    assert end[4, 5] == pytest.approx(-2 / 7 * 1.4e6 * 2e-6, rel=1e-12)
    assert np.count_nonzero(end) == 2


def test_field_pulls_to_the_reference_phase(tiny_core):
    codes = empty_codes(tiny_core)
    codes["field"][1, 1] = 3
    end = run_one(tiny_core, codes, np.full((8, 8), 2.0), 150)[1, 1]
    rate = 3 / 7 * tiny_core.field_dac.full_scale_rad_s
    # d theta/dt = -h sin(theta): tan(theta / 2) decays exponentially.
    assert end == pytest.approx(2 * math.atan(math.tan(1.0) * math.exp(-rate * 1.5e-6)), abs=1e-9)


def test_shil_pulls_to_the_nearer_of_two_phases(tiny_core):
    codes = empty_codes(tiny_core)
    codes["shil"][1, 1] = 5
    end = run_one(tiny_core, codes, np.full((8, 8), 0.9), 100)[1, 1]
    rate = 5 / 7 * tiny_core.shil_dac.full_scale_rad_s
    # d theta/dt = -S sin(2 theta): tan(theta) decays at twice the rate.
    assert end == pytest.approx(math.atan(math.tan(0.9) * math.exp(-2 * rate * 1e-6)), abs=1e-8)


def test_slot_couples_the_cell_at_its_offset_into_its_own(tiny_core):
    slot = tiny_core.unit_stencil.offsets.index((-1, 2))
    codes = empty_codes(tiny_core)
    codes["coupling"][4, 3, slot], codes["detuning"][3, 5] = -6, 4
    theta = np.zeros((8, 8))
    theta[4, 3], theta[3, 5] = 0.4, 1.1
    end = run_one(tiny_core, codes, theta, 120)
    K = -6 / 7 * tiny_core.coupling_dac.full_scale_rad_s
    w = 4 / 7 * tiny_core.detuning_dac.full_scale_rad_s
    run = solve_ivp(lambda t, x: [K * math.sin(1.1 + w * t - x[0])], (0, 1.2e-6), [0.4], rtol=1e-11, atol=1e-12)
    assert end[4, 3] == pytest.approx(run.y[0, -1], abs=1e-8)
    assert end[3, 5] == pytest.approx(1.1 + w * 1.2e-6, abs=1e-12)
    assert np.count_nonzero(end) == 2


def test_border_is_open(tiny_core):
    codes = empty_codes(tiny_core)
    codes["coupling"][0, :, tiny_core.unit_stencil.offsets.index((-1, 0))] = 7
    codes["coupling"][:, 7, tiny_core.unit_stencil.offsets.index((0, 1))] = 7
    theta = np.random.default_rng(0).normal(size=(8, 8))
    np.testing.assert_array_equal(run_one(tiny_core, codes, theta, 50), theta)


def test_rates_of_codes_are_frozen_and_exact(tiny_core):
    codes = empty_codes(tiny_core)
    codes["coupling"][0, 0] = np.arange(24) % 8
    for place, group in enumerate(("shil", "field", "detuning"), start=24):
        codes[group][0, 0] = place % 8
    rates = code_rates(tiny_core, Groups(**codes))
    step = tiny_core.coupling_dac.full_scale_rad_s / 7
    np.testing.assert_allclose(rates.coupling[0, 0], np.arange(24) % 8 * step, rtol=1e-15)
    with pytest.raises(ValueError, match="read-only"):
        rates.shil[0, 0] = 1.0


# Reciprocal cores


def test_reciprocal_unit_makes_both_couplings(make_core):
    core = make_core(grid=[4, 5], couplings="reciprocal")
    units = np.random.default_rng(0).normal(size=(4, 5, core.slots))
    full = expand_units(core, units)
    expected = np.zeros((4, 5, 24))
    for row in range(4):
        for col in range(5):
            for unit, (drow, dcol) in enumerate(core.unit_stencil.offsets):
                expected[row, col, core.model_stencil.offsets.index((drow, dcol))] = units[row, col, unit]
                if 0 <= row + drow < 4 and 0 <= col + dcol < 5:
                    back = core.model_stencil.offsets.index((-drow, -dcol))
                    expected[row + drow, col + dcol, back] = units[row, col, unit]
    np.testing.assert_array_equal(full, expected)


def test_offsets_wider_than_the_grid_reach_nowhere(make_core):
    core = make_core(grid=[2, 9], stencil="box-3", couplings="reciprocal")
    units = np.ones((2, 9, core.slots))
    backwards = expand_units(core, units)[..., core.model_stencil.offsets.index((-3, 0))]
    assert not backwards.any()


def test_reciprocal_core_behaves_like_a_directed_one_with_equal_codes(make_core):
    reciprocal, directed = make_core(couplings="reciprocal"), make_core()
    codes = empty_codes(reciprocal)
    codes["coupling"][:] = np.random.default_rng(1).integers(-7, 8, (8, 8, 12))
    both = empty_codes(directed)
    both["coupling"][:] = expand_units(reciprocal, codes["coupling"].astype(float))
    theta = np.random.default_rng(2).normal(size=(8, 8))
    one, other = (run_one(core, c, theta, 40) for core, c in ((reciprocal, codes), (directed, both)))
    np.testing.assert_array_equal(one, other)
    assert np.abs(one - theta).max() > 0.1


# Running


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_run_comes_out_the_same_however_it_is_advanced(tiny_core, dtype):
    rng = np.random.default_rng(3)
    codes = empty_codes(tiny_core)
    for group in codes.values():
        group[:] = rng.integers(-7, 8, group.shape)
    theta = rng.normal(size=(8, 8, 3))
    ends = []
    for parts in ([101], [1] * 101, [40, 0, 61]):
        array = OscillatorArray(tiny_core, batch=3, integration=Integration(dtype=dtype, step_cycles=4))
        array.set_codes(Groups(**codes))
        array.set_phases(theta)
        for cycles in parts:
            array.advance(cycles)
        ends.append(array.phases())
    assert ends[0].dtype == dtype
    np.testing.assert_array_equal(ends[0], ends[1])
    np.testing.assert_array_equal(ends[0], ends[2])


def test_codes_act_from_their_commit_on(tiny_core):
    codes = empty_codes(tiny_core)
    codes["detuning"][0, 0] = 7
    array = OscillatorArray(tiny_core)
    array.advance(30)
    array.set_codes(Groups(**codes))
    array.advance(20)
    array.set_codes(Groups(**empty_codes(tiny_core)))
    array.advance(50)
    assert array.phases()[0, 0, 0] == pytest.approx(tiny_core.detuning_dac.full_scale_rad_s * 20e-8, rel=1e-12)


def test_new_phases_replace_what_was_running(tiny_core):
    codes = empty_codes(tiny_core)
    codes["detuning"][:] = 7
    array = OscillatorArray(tiny_core, batch=2)
    array.set_codes(Groups(**codes))
    array.advance(100)
    array.set_phases(np.full((8, 8), 0.5))
    np.testing.assert_array_equal(array.phases(), np.full((8, 8, 2), 0.5))


def test_active_codes_can_be_read_back_and_are_a_copy(tiny_core):
    codes = empty_codes(tiny_core)
    array = OscillatorArray(tiny_core)
    codes["coupling"][0, 0, 0] = 5
    array.set_codes(Groups(**codes))
    codes["coupling"][0, 0, 0] = 1
    assert array.codes is not None
    assert array.codes.coupling[0, 0, 0] == 5
    with pytest.raises(ValueError, match="read-only"):
        array.codes.coupling[0, 0, 0] = 1
    array.set_rates(code_rates(tiny_core, Groups(**codes)))
    assert array.codes is None


def test_phases_are_a_copy(tiny_core):
    array = OscillatorArray(tiny_core)
    array.phases()[:] = 9.0
    assert not array.phases().any()


def test_progress_adds_up_to_the_run(tiny_core):
    seen: list[float] = []
    array = OscillatorArray(tiny_core, progress=seen.append, integration=Integration(step_cycles=2))
    array.advance(101)
    array.phases()
    assert len(seen) > 1
    assert sum(seen) == pytest.approx(101)


@pytest.mark.parametrize("name", ["poly_ising", "tanh_ising"])
def test_family_without_oscillators_is_refused(tiny_core, name):
    with pytest.raises(OsccError, match=f"^no array exists for family '{name}'") as caught:
        OscillatorArray(tiny_core, family=FAMILIES[name])
    assert caught.value.code == "array.family"
    assert caught.value.hint == "families with an array: kurashil, kuramoto"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"step_cycles": 0}, "a step of 0 cycles is not positive"),
        ({"integrator": "huen"}, "'huen' is not an integrator; did you mean 'heun'"),
        ({"dtype": np.float16}, "phases cannot be float16"),
    ],
)
def test_bad_options_are_refused(tiny_core, options, message):
    with pytest.raises(OsccError, match=message):
        OscillatorArray(tiny_core, integration=Integration(**options))


def test_wrong_shapes_and_times_are_refused(tiny_core):
    array = OscillatorArray(tiny_core, batch=2)
    codes = Groups(**empty_codes(tiny_core))
    with pytest.raises(ValueError, match=r"^coupling has shape \[8, 8, 23\], expected \[8, 8, 24\]$"):
        array.set_codes(dataclasses.replace(codes, coupling=codes.coupling[..., 1:]))
    with pytest.raises(ValueError, match=r"^detuning has shape \[8, 7\], expected \[8, 8\]$"):
        array.set_codes(dataclasses.replace(codes, detuning=codes.detuning[:, 1:]))
    with pytest.raises(ValueError, match=r"phases have shape \[8, 8, 3\], expected \[8, 8, 2\]"):
        array.set_phases(np.zeros((8, 8, 3)))
    grid = np.zeros((8, 8))
    with pytest.raises(ValueError, match=r"coupling has shape \[8, 8, 12\], expected \[8, 8, 24\]"):
        array.set_rates(Rates(np.zeros((8, 8, 12)), grid, grid, grid))
    with pytest.raises(ValueError, match=r"field has shape \[7, 8\], expected \[8, 8\]"):
        array.set_rates(Rates(np.zeros((8, 8, 24)), grid, grid[1:], grid))
    with pytest.raises(ValueError, match="the array cannot go back by 1 cycles"):
        array.advance(-1)


# Against the reference and the golden phases


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
@pytest.mark.parametrize("integrator", ["rk4", "heun", "euler"])
def test_array_agrees_with_the_reference_at_the_same_codes_and_steps(
    tmp_path, make_core, make_graph, couplings, integrator
):
    core = make_core(grid=[7, 8], couplings=couplings, defects={"cells": [[2, 3]]})
    graph = make_graph(core, density=0.8, duration=1.0, time_scale_s=(1e-6, 1.5e-6, 2e-6, 1e-6))
    result = compiled(tmp_path, core, graph)
    theta = np.random.default_rng(4).normal(size=(7, 8, 2))
    cell = result.placed.cell
    with torch.no_grad():
        expected = AISModel.from_coded(result.coded).integrate(
            torch.from_numpy(theta[cell[:, 0], cell[:, 1]]), step_plan(core, result.program), integrator
        )
    step = program_step(core, result.program)
    array = OscillatorArray(core, batch=2, integration=Integration(integrator=integrator, step_cycles=step))
    array.set_phases(theta)
    for chunk, run in enumerate(result.placed.time_scale.run_cycles.tolist()):
        array.set_codes(result.program.codes(core).map(lambda codes, chunk=chunk: codes[chunk]))
        array.advance(run)
        found = array.phases()[cell[:, 0], cell[:, 1]]
        np.testing.assert_allclose(found, expected[chunk + 1].numpy(), rtol=0, atol=1e-9)


def timed(placed, scale):
    return TimedGraph.at(routed_graph(placed), scale)


@pytest.fixture(scope="module")
def prototype(prototype_path):
    """The prototype on its core at the time scale of the golden runs, and the golden phases."""
    graph, core = read_checkpoint(prototype_path), load_core("ais-56x56")
    scale = TimeScale(
        np.full(4, CYCLES_PER_UNIT * core.clock_s), np.full(4, 2 * CYCLES_PER_UNIT), {}, "given", ("given",) * 4
    )
    assert graph.position is not None
    return timed(PlacedGraph(graph, core, graph.position, "identity"), scale), np.load(GOLDEN)["theta"]


def run_prototype(placed, theta, chunks, **options):
    core = placed.core
    array = OscillatorArray(core, batch=theta.shape[-1], integration=Integration(**options))
    array.set_phases(theta.reshape(core.rows, core.cols, -1))
    for chunk in range(chunks):
        array.set_rates(model_rates(placed, chunk))
        array.advance(2 * CYCLES_PER_UNIT)
    return array.phases().reshape(core.cells, -1)


def test_golden_phases_of_the_first_chunk(prototype):
    placed, golden = prototype
    assert np.abs(run_prototype(placed, golden[0], 1) - golden[1]).max() < 1e-9
    assert np.abs(run_prototype(placed, golden[0], 1, step_cycles=Fraction(1, 2)) - golden[1]).max() < 1e-6


def test_golden_phases_at_the_end_of_the_run(prototype):
    placed, golden = prototype
    error = np.abs(run_prototype(placed, golden[0], 4) - golden[4])
    assert np.percentile(error, 99) < 1e-9
    single = np.abs(run_prototype(placed, golden[0], 4, dtype=np.float32) - golden[4])
    assert np.median(single) < 1e-5
    assert np.percentile(single, 99) < 1e-3


def test_default_step_keeps_its_promise_and_a_coarser_one_does_not(prototype):
    placed, golden = prototype

    def error_at(step, integrator="rk4"):
        run = run_prototype(placed, golden[0], 4, step_cycles=step, integrator=integrator)
        return float(np.percentile(np.abs(run - golden[4]), 99))

    default = step_cycles_for(CYCLES_PER_UNIT * placed.core.clock_s, placed.core.clock_hz)
    assert error_at(default) < 1e-3
    assert error_at(5 * default) > 1e-3
    assert error_at(default, "heun") > 1e-3


def test_array_agrees_with_the_reference_on_the_prototype(prototype, prototype_path):
    placed, golden = prototype
    found = run_prototype(placed, golden[0][:, :1], 1, step_cycles=5)
    with torch.no_grad():
        model = AISModel.from_checkpoint(prototype_path, torch.float64)
        expected = model.trace(torch.from_numpy(golden[0][:, :1]), 0, [0.05] * 40)[-1].numpy()
    assert np.abs(found - expected).max() < 1e-9


def test_rates_of_a_model_need_the_stencil(prototype, make_core):
    placed, _ = prototype
    king = make_core("ais-56x56", stencil="king")
    with pytest.raises(ValueError, match="couplings reach beyond the stencil"):
        model_rates(timed(PlacedGraph(placed.graph, king, placed.cell, "identity"), placed.time_scale), 0)
