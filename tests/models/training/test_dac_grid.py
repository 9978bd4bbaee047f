from __future__ import annotations

import dataclasses
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.passes.quantize import quantize_values
from oscc.core.families import KURASHIL
from oscc.core.groups import GROUPS
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import load_core
from oscc.models.training.dac_grid import DacGrid
from oscc.models.training.generator import Delivery, Generator
from oscc.models.training.topology import GridLayout, grid_graph

TINY = load_core("tiny-8x8")
DURATIONS = [(2.0, 2.0, 2.0, 2.0), (1.0, 3.0), (0.3, 0.7, 1.1, 0.5), (1.7,)]


def random_graph(core, duration, spread=1.0):
    """A model on the whole core, with parameters of ``spread`` times full scale, of which many are beyond it."""
    graph = grid_graph(
        "trained",
        KURASHIL,
        GridLayout((core.rows, core.cols), core.model_stencil, core.readout.origin, core.readout.step),
        chunk_duration=duration,
        init=InitialPhases(),
    )
    random, grid = np.random.default_rng(0), DacGrid.of(core, duration)
    values = {
        name: (spread * grid.full_scale(group) * random.normal(size=getattr(graph, name).shape)).astype(np.float32)
        for name, group in zip(("weight", "shil", "field", "detuning"), GROUPS, strict=True)
    }
    return dataclasses.replace(graph, **values)


@pytest.mark.parametrize("duration", DURATIONS)
def test_cycles_are_shared_out_by_duration(duration):
    grid = DacGrid.of(TINY, duration)
    # The preset has 1000 cycles per sample, 64 of them for init, at 100 MHz.
    exact = [Fraction(float(np.float32(length))) for length in duration]
    assert grid.run_cycles.tolist() == [math.floor(936 * length / sum(exact)) for length in exact]
    for length, cycles, tau in zip(exact, grid.run_cycles.tolist(), grid.tau_s.tolist(), strict=True):
        assert tau == pytest.approx(float(cycles / (10**8 * length)), rel=1e-15)
    # A code step is full scale x tau / top code.
    scales = [1.8e6, 2.4e6, 2.4e6, 1.2e6]
    for place, group in enumerate(GROUPS):
        expected = [scales[place] * tau / 7 for tau in grid.tau_s.tolist()]
        np.testing.assert_allclose(grid.lsb[group], expected, rtol=1e-15)
        np.testing.assert_allclose(grid.full_scale(group), scales[place] * grid.tau_s[:, None], rtol=1e-14)
        np.testing.assert_allclose(grid.step(group), scales[place] * grid.tau_s[:, None] / 7, rtol=1e-14)


def test_equal_chunks_have_one_time_scale():
    assert DacGrid.of(TINY, (2.0, 2.0)).time_scale_s == (468 / (1e8 * 2.0),)
    # 936 cycles are 156, 468 and 312: all chunks have the same time scale.
    assert DacGrid.of(TINY, (1.0, 3.0, 2.0)).time_scale_s == (156 / 1e8,)
    # 936 x 0.3 and 936 x 0.7 are no whole cycles.
    short, long = (float(np.float32(length)) for length in (0.3, 0.7))
    assert DacGrid.of(TINY, (0.3, 0.7)).time_scale_s == (280 / (1e8 * short), 655 / (1e8 * long))


def test_fewer_cycles_make_the_codes_finer():
    # 464 cycles less 64 for init in place of 1000: each of two chunks has 200 in place of 468.
    full, half = DacGrid.of(TINY, (2.0, 2.0)), DacGrid.of(TINY, (2.0, 2.0), 464)
    assert (full.run_cycles.tolist(), half.run_cycles.tolist()) == ([468, 468], [200, 200])
    for group in GROUPS:
        np.testing.assert_allclose(half.step(group), full.step(group) * 200 / 468, rtol=1e-14)
    assert DacGrid.of(TINY, (2.0, 2.0), 1000).time_scale_s == full.time_scale_s
    with pytest.raises(OsccError) as caught:
        DacGrid.of(TINY, (2.0, 2.0), 1001)
    assert (caught.value.code, caught.value.where) == ("training.cycles", "hardware.cycles")
    assert caught.value.message == "1001 cycles, a sample of core tiny-8x8 may take 1000"
    # Init and two loads: 64 + 2 x 14.
    for budget, has in ((91, 13), (10, 0)):
        with pytest.raises(OsccError) as caught:
            DacGrid.of(TINY, (2.0, 2.0), budget)
        assert (caught.value.where, caught.value.hint) == ("hardware.cycles", "92 cycles are enough")
        assert caught.value.message == f"the shortest chunk would take {has} cycles of {budget}, core tiny-8x8 needs 14"
    assert DacGrid.of(TINY, (2.0, 2.0), 92).run_cycles.tolist() == [14, 14]
    # Where not even all cycles are enough, they are not what to change.
    with pytest.raises(OsccError) as caught:
        DacGrid.of(TINY, (1.0, 80.0), 900)
    assert caught.value.where == "model.chunks"


def test_more_chunks_than_the_core_holds_are_refused():
    with pytest.raises(OsccError) as caught:
        DacGrid.of(TINY, (1.0,) * 5)
    assert (caught.value.code, caught.value.where) == ("training.chunks", "model.chunks")
    assert caught.value.message == "the model has 5 chunks, core tiny-8x8 holds 4"


def test_a_chunk_shorter_than_a_load_is_refused():
    # A load takes 14 cycles; 936 x 1 / 67 are 13.97 and 936 x 1 / 66 are 14.2.
    assert DacGrid.of(TINY, (1.0, 65.0)).run_cycles.min() == 14
    with pytest.raises(OsccError) as caught:
        DacGrid.of(TINY, (66.0, 1.0))
    assert (caught.value.code, caught.value.where) == ("training.cycles", "model.chunks")
    assert caught.value.message == "the shortest chunk would take 13 cycles of 1000, core tiny-8x8 needs 14", (
        "the numbers are those of the chunk"
    )
    assert caught.value.hint.startswith("use fewer chunks, chunks of more even duration")


def test_a_sample_shorter_than_its_readout_is_refused(make_core):
    # 32 x 8 readable cells take 32 x (1 + 3) + 1 = 129 cycles; init and a load of 38 need 102.
    core = make_core(grid=[32, 8], readout={"step": [1, 1]}, cycles_per_sample=120)
    with pytest.raises(OsccError) as caught:
        DacGrid.of(core, (1.0,))
    assert caught.value.code == "training.cycles"
    assert caught.value.message == "a sample would take 120 cycles of 120, core tiny-8x8 needs 129"
    assert DacGrid.of(core.model_copy(update={"cycles_per_sample": 129}), (1.0,)).run_cycles.tolist() == [65]


@given(
    group=st.sampled_from(GROUPS),
    scaled=st.lists(st.floats(-12, 12, width=32), min_size=1, max_size=8),
    halves=st.booleans(),
    bits=st.sampled_from([2, 4, 7]),
)
def test_codes_are_those_of_the_compiler(group, scaled, halves, bits):
    core = TINY.with_coupling_bits(bits)
    grid = DacGrid.of(core, (1.0, 2.5))
    steps = np.round(2 * np.array(scaled)) / 2 if halves else np.array(scaled)
    values = torch.tensor((steps * grid.step(group)).astype(np.float32))
    found = grid.quantize(group, values)
    assert found.dtype == torch.float32
    codes = quantize_values(values.numpy().astype(np.float64), grid.step(group), core.dac(group))
    assert found.numpy().tobytes() == (codes * grid.step(group)).astype(np.float32).tobytes()
    # The same by Python's own rounding, half to even, saturated.
    top = core.dac(group).top_code
    for chunk in range(2):
        for value, code in zip(values[chunk].tolist(), codes[chunk].tolist(), strict=True):
            assert code == min(top, max(-top, round(value / float(grid.step(group)[chunk, 0]))))


@given(scaled=st.lists(st.floats(-9, 9), min_size=1, max_size=8))
def test_rounding_twice_is_rounding_once(scaled):
    grid = DacGrid.of(TINY, (1.0,))
    once = grid.quantize("field", torch.tensor([scaled], dtype=torch.float32) * grid.step("field").item())
    assert torch.equal(grid.quantize("field", once), once)


def test_forbidden_codes_are_avoided(make_core):
    core = make_core(field_dac={"forbidden": [2, -7]})
    grid = DacGrid.of(core, (1.0,))
    step = grid.step("field").item()
    values = torch.tensor([[2.1, 1.9, -6.9, -50.0, 5.0]], dtype=torch.float64) * step
    np.testing.assert_allclose(grid.quantize("field", values) / step, [[3, 1, -6, -6, 5]], rtol=1e-14)


def test_gradients_pass_within_full_scale_and_stop_beyond():
    grid = DacGrid.of(TINY, (1.0, 3.0))
    # Up to half a step beyond the top code a value is rounded to it, not clipped.
    steps = np.array([0.0, 0.3, -6.9, 7.0, 7.4, -7.4, 7.6, -7.6, 30.0, -30.0])
    inside = [1.0] * 6 + [0.0] * 4
    for group in GROUPS:
        values = torch.tensor(steps * grid.step(group), dtype=torch.float32, requires_grad=True)
        slope = torch.tensor(np.random.default_rng(0).normal(size=(2, 10)), dtype=torch.float32)
        (found,) = torch.autograd.grad(grid.quantize(group, values), values, slope)
        assert torch.equal(found, slope * torch.tensor(inside))


@pytest.mark.parametrize("duration", DURATIONS)
@pytest.mark.parametrize("bits", [2, 4])
def test_compiling_finds_the_very_grid_that_was_trained_on(tmp_path, duration, bits):
    core = TINY.with_coupling_bits(bits)
    grid = DacGrid.of(core, duration)
    model = Generator(random_graph(core, duration), Delivery(grid=grid, quantize=True))
    model.clip(1.0)
    graph = model.to_graph({})
    write_checkpoint(tmp_path / "model.safetensors", graph)
    result = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core)
    assert result.findings == ()
    summary = result.summary()
    assert summary["run_cycles"] == grid.run_cycles.tolist()
    assert summary["tau_active_bound"] == "model"
    assert summary["cycles_per_sample"] == 64 + grid.run_cycles.sum() <= 1000
    for group, numbers in summary["quantization"]["groups"].items():
        assert numbers["rms_lsb"] < 1e-6, group
        # A third of the parameters are at full scale: none is beyond.
        assert numbers["clipped"] == 0, group
    assert result.coded is not None
    for group in GROUPS:
        np.testing.assert_array_equal(result.coded.lsb[group], grid.lsb[group])
    used = np.abs(result.coded.codes.coupling) == core.coupling_dac.top_code
    assert used.sum() > 0.3 * graph.weight.size


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_reciprocal_couplings_compile_on_a_core_of_either_kind(tmp_path, make_core, couplings):
    core = make_core(couplings=couplings)
    grid = DacGrid.of(core, (1.0, 2.0))
    model = Generator(random_graph(core, (1.0, 2.0), spread=0.5), Delivery(grid=grid, quantize=True, reciprocal=True))
    graph = model.to_graph({})
    weights = {
        pair: graph.weight[:, edge].tolist()
        for edge, pair in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    }
    assert all(values == weights[dst, src] for (src, dst), values in weights.items())
    assert len({tuple(values) for values in weights.values()}) > 20
    write_checkpoint(tmp_path / "model.safetensors", graph)
    result = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core)
    assert result.findings == ()
    quantization = result.summary()["quantization"]
    assert (quantization["clipped"], quantization["rms_lsb"] < 1e-6) == (0, True)
    assert quantization["values"] == 2 * graph.couplings // (2 if couplings == "reciprocal" else 1)


def test_couplings_that_differ_do_not_compile_on_a_reciprocal_core(tmp_path, make_core):
    core = make_core(couplings="reciprocal")
    model = Generator(random_graph(core, (1.0,)), Delivery(grid=DacGrid.of(core, (1.0,)), quantize=True))
    write_checkpoint(tmp_path / "model.safetensors", model.to_graph({}))
    assert not compile_model(read_checkpoint(tmp_path / "model.safetensors"), core).feasible
