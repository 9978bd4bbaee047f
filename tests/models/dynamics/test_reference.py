from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from oscc.base.errors import OsccError
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.initial_phases import InitialPhases
from oscc.models.dynamics.reference import AISModel

torch.set_num_threads(1)

GOLDEN = Path(__file__).parents[2] / "sim" / "data" / "golden-prototype-56x56.npz"
SRC, DST = [1, 2, 0, 3, 0, 4, 1], [0, 0, 1, 1, 2, 3, 4]


def drawn_graph(family, *, chunks=2, duration=1.0, src=SRC, dst=DST, nodes=5):
    """Random parameters for everything, also for what the family does not read."""
    rng = np.random.default_rng(11)

    def values(count):
        return rng.normal(size=(chunks, count)).astype(np.float32)

    return CouplingGraph(
        name="drawn",
        family=family,
        image_shape=(1, 2),
        init=InitialPhases(),
        src=np.array(src, dtype=np.int32),
        dst=np.array(dst, dtype=np.int32),
        weight=values(len(src)),
        shil=values(nodes),
        field=values(nodes),
        detuning=values(nodes),
        chunk_duration=np.full(chunks, duration, dtype=np.float32),
        position=None,
        readout=np.array([1, 0], dtype=np.int32),
        model_hash="abc",
    )


def slope_of(graph, chunk):
    """Right-hand side of a chunk as scipy calls it."""
    return lambda _, x: plain_slope(graph, chunk, x)


def plain_slope(graph, chunk, x):
    """The equation of the family as its documentation writes it, node by node."""
    K, S, h, w = (getattr(graph, name)[chunk].astype(float) for name in ("weight", "shil", "field", "detuning"))
    slope = []
    for i, own in enumerate(x):
        into = [(K[e], x[graph.src[e]]) for e in range(graph.couplings) if graph.dst[e] == i]
        linear = sum(k * other for k, other in into)
        pull = sum(k * math.sin(other - own) for k, other in into)
        slope.append(
            {
                "kurashil": w[i] + pull - S[i] * math.sin(2 * own) - h[i] * math.sin(own),
                "kuramoto": w[i] + pull - h[i] * math.sin(own),
                "poly_ising": S[i] * own - own**3 + linear + h[i],
                "tanh_ising": -own + math.tanh(linear + h[i]),
            }[graph.family]
        )
    return np.array(slope)


def as_batch(x):
    return torch.tensor(np.asarray(x, dtype=np.float64)).reshape(len(x), -1)


@pytest.mark.parametrize("family", ["kurashil", "kuramoto", "poly_ising", "tanh_ising"])
@pytest.mark.parametrize("chunk", [0, 1])
def test_right_hand_side_is_the_equation_of_the_family(family, chunk):
    graph = drawn_graph(family)
    x = np.random.default_rng(5).normal(size=(5, 3)) * 2
    slope = AISModel.from_graph(graph, torch.float64).rhs(as_batch(x), chunk).detach().numpy()
    for sample in range(3):
        np.testing.assert_allclose(slope[:, sample], plain_slope(graph, chunk, x[:, sample]), rtol=0, atol=1e-13)


@pytest.mark.parametrize("family", ["kurashil", "poly_ising"])
def test_run_agrees_with_scipy(family):
    graph = drawn_graph(family, duration=0.75)
    model = AISModel.from_graph(graph, torch.float64)
    start = np.linspace(-1, 1, 5)
    states = model.integrate(as_batch(start), model.even_steps(0.01)).detach().numpy()
    expected = start
    for chunk in range(2):
        run = solve_ivp(slope_of(graph, chunk), (0, 0.75), expected, rtol=1e-11, atol=1e-12)
        expected = run.y[:, -1]
        np.testing.assert_allclose(states[chunk + 1, :, 0], expected, rtol=0, atol=1e-7)


def test_coupling_pulls_its_destination_towards_its_source():
    graph = drawn_graph("kurashil", chunks=1, src=[0], dst=[1], nodes=2)
    zero = np.zeros((1, 2), dtype=np.float32)
    graph = dataclasses.replace(graph, weight=np.array([[0.8]], np.float32), shil=zero, field=zero, detuning=zero)
    model = AISModel.from_graph(graph, torch.float64)
    end = model.integrate(as_batch([1.0, 0.2]), model.even_steps(0.01))[-1, :, 0].tolist()
    # d(delta)/dt = -K sin(delta) has the solution tan(delta / 2) = tan(delta_0 / 2) exp(-K t).
    delta = 2 * math.atan(math.tan(-0.8 / 2) * math.exp(-float(np.float32(0.8))))
    assert end == pytest.approx([1.0, 1.0 + delta], abs=1e-9)


@pytest.mark.parametrize(
    ("integrator", "factor"),
    [
        ("euler", lambda h: 1 - h),
        ("heun", lambda h: 1 - h + h**2 / 2),
        ("rk4", lambda h: 1 - h + h**2 / 2 - h**3 / 6 + h**4 / 24),
    ],
)
def test_step_of_a_method_is_its_part_of_the_exponential_series(integrator, factor):
    graph = drawn_graph("tanh_ising", chunks=1, src=[0], dst=[1], nodes=2)
    zero = np.zeros((1, 2), dtype=np.float32)
    model = AISModel.from_graph(dataclasses.replace(graph, weight=zero[:, :1], field=zero), torch.float64)
    # What remains is dx/dt = -x.
    end = model.integrate(as_batch([1.0, -2.0]), [[0.3, 0.5]], integrator)[-1, :, 0].tolist()
    assert end == pytest.approx([factor(0.3) * factor(0.5), -2 * factor(0.3) * factor(0.5)], abs=1e-14)


def test_states_are_those_before_the_run_and_after_each_chunk():
    model = AISModel.from_graph(drawn_graph("kurashil"), torch.float64)
    start = torch.randn(5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plan = model.even_steps(0.25)
    states = model.integrate(start, plan)
    assert states.shape == (3, 5, 3)
    assert torch.equal(states[0], start)
    first = model.trace(start, 0, plan[0])
    second = model.trace(states[1], 1, plan[1])
    assert first.shape == (5, 5, 3)
    assert torch.equal(first[0], start)
    assert torch.equal(first[-1], states[1])
    assert torch.equal(second[-1], states[2])
    assert torch.equal(model.trace(start, 0, plan[0][:2])[-1], first[2])


def test_even_steps_fill_a_chunk():
    model = AISModel.from_graph(drawn_graph("kurashil", duration=1.0))
    assert [len(steps) for steps in model.even_steps(0.3)] == [4, 4]
    assert [len(steps) for steps in model.even_steps(0.1)] == [10, 10]
    assert model.even_steps(7.0)[0].tolist() == [1.0]
    assert sum(model.even_steps(0.3)[1]) == pytest.approx(1.0)


def test_precision_is_that_of_the_model():
    graph = drawn_graph("kurashil")
    start = torch.ones(5, 1)
    assert AISModel.from_graph(graph).rhs(start, 0).dtype == torch.float32
    assert AISModel.from_graph(graph, torch.float64).rhs(start.double(), 0).dtype == torch.float64


def test_plan_must_have_every_chunk():
    model = AISModel.from_graph(drawn_graph("kurashil"))
    with pytest.raises(ValueError, match="the plan has 1 chunks, the model 2"):
        model.integrate(torch.zeros(5, 1), [[0.1]])


def test_unknown_integrator_is_refused():
    model = AISModel.from_graph(drawn_graph("kurashil"))
    with pytest.raises(OsccError, match="'rk45' is not an integrator; did you mean 'rk4'"):
        model.integrate(torch.zeros(5, 1), model.even_steps(0.5), "rk45")


def test_gradients_reach_what_the_family_reads():
    model = AISModel.from_graph(drawn_graph("kurashil"), torch.float64)
    model.integrate(torch.ones(5, 2, dtype=torch.float64), model.even_steps(0.25))[-1].cos().sum().backward()
    for name in ("weight", "shil", "field", "detuning"):
        gradient = model.get_parameter(name).grad
        assert gradient is not None
        assert torch.isfinite(gradient).all()
        assert (gradient != 0).any(dim=1).all()


def test_images_are_cosines_in_raster_order():
    model = AISModel.from_graph(drawn_graph("kurashil"), torch.float64)
    theta = torch.arange(10, dtype=torch.float64).reshape(5, 2)
    images = model.images(theta)
    assert images.shape == (2, 1, 2)
    # Pixels are nodes 1 and 0; sample b of node n has the phase 2 n + b.
    assert images[:, 0].tolist() == [pytest.approx([math.cos(2 + b), math.cos(b)]) for b in range(2)]


@pytest.mark.parametrize("family", ["kurashil", "kuramoto", "poly_ising", "tanh_ising"])
def test_images_of_real_states_are_the_states(family):
    model = AISModel.from_graph(drawn_graph(family))
    theta = torch.linspace(-4, 4, 15).reshape(5, 3)
    images = model.images(theta)
    assert images.shape == (3, 1, 2)
    for sample in range(3):
        shown = [theta[1, sample].item(), theta[0, sample].item()]
        phases = family in ("kurashil", "kuramoto")
        assert images[sample, 0].tolist() == pytest.approx([math.cos(x) for x in shown] if phases else shown, abs=1e-6)


def test_checkpoint_keeps_the_model(tmp_path, make_core, make_graph):
    graph = make_graph(make_core(), time_scale_s=(2e-6,))
    AISModel.from_graph(graph, torch.float64).save(tmp_path / "a.safetensors")
    AISModel.from_checkpoint(tmp_path / "a.safetensors").save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    again = read_checkpoint(tmp_path / "b.safetensors")
    for name in ("src", "dst", "weight", "shil", "field", "detuning", "chunk_duration", "position", "readout"):
        np.testing.assert_array_equal(getattr(again, name), getattr(graph, name))
    assert (again.name, again.family, again.init, again.time_scale_s) == (
        graph.name,
        graph.family,
        graph.init,
        graph.time_scale_s,
    )


def test_graph_of_a_changed_model_has_no_hash_and_the_new_values():
    model = AISModel.from_graph(drawn_graph("kurashil"))
    with torch.no_grad():
        model.weight.add_(1.0)
    graph = model.to_graph()
    assert graph.model_hash == ""
    np.testing.assert_array_equal(graph.weight, drawn_graph("kurashil").weight + np.float32(1.0))


def test_other_parameters_are_not_rounded():
    graph = drawn_graph("kurashil")
    model = AISModel.from_graph(graph, torch.float64)
    weight = graph.weight + 1e-12
    other = model.with_parameters(weight=weight)
    np.testing.assert_array_equal(other.weight.detach().numpy(), weight)
    assert torch.equal(other.shil, model.shil)
    np.testing.assert_array_equal(model.weight.detach().numpy(), graph.weight)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wieght": np.zeros((2, 7))}, "'wieght' is not a parameter; did you mean 'weight'"),
        ({"shil": np.zeros((2, 4))}, r"shil has shape \[2, 4\], expected \[2, 5\]"),
    ],
)
def test_other_parameters_must_fit(values, message):
    with pytest.raises(ValueError, match=message):
        AISModel.from_graph(drawn_graph("kurashil")).with_parameters(**values)


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_coded_model_has_the_worth_of_its_codes(tmp_path, make_core, make_graph, couplings):
    core = make_core(couplings=couplings)
    graph = make_graph(core, density=0.7, duration=1.0, time_scale_s=(1e-6, 1.5e-6, 2e-6, 1e-6))
    AISModel.from_graph(graph).save(tmp_path / "model.safetensors")
    coded = compile_model(read_checkpoint(tmp_path / "model.safetensors"), core).coded
    assert coded is not None
    model = AISModel.from_coded(coded)
    assert model.weight.dtype == torch.float64
    # One code step is F tau / top in model units, and no parameter of this model is beyond the top code.
    for name, group in (("weight", "coupling"), ("shil", "shil"), ("field", "field"), ("detuning", "detuning")):
        dac = core.dac(group)
        lsb = dac.full_scale_rad_s * coded.placed.time_scale.tau_s[:, None] / dac.top_code
        expected = np.rint(getattr(graph, name) / lsb) * lsb
        np.testing.assert_allclose(model.get_parameter(name).detach().numpy(), expected, rtol=1e-12, atol=0)


def test_golden_phases_of_the_first_chunk(prototype_path):
    golden = np.load(GOLDEN)["theta"]
    model = AISModel.from_checkpoint(prototype_path, torch.float64)
    with torch.no_grad():
        found = model.trace(torch.from_numpy(golden[0]), 0, model.even_steps(0.01)[0])[-1].numpy()
    # The golden phases come from the same method at the same step, so rounding is all that may differ.
    assert np.abs(found - golden[1]).max() < 1e-9


def test_golden_phases_of_every_chunk(prototype_path):
    golden = np.load(GOLDEN)["theta"]
    model = AISModel.from_checkpoint(prototype_path, torch.float64)
    with torch.no_grad():
        for chunk, steps in enumerate(model.even_steps(0.05)):
            found = model.trace(torch.from_numpy(golden[chunk]), chunk, steps)[-1].numpy()
            error = np.abs(found - golden[chunk + 1])
            assert np.percentile(error, 99) < 1e-3
            assert np.median(error) < 1e-5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interaction": "squares"}, "the reference knows no interaction 'squares' of family 'kurashil'"),
        ({"self_term": "quartic"}, "the reference knows no self term 'quartic' of family 'kurashil'"),
    ],
)
def test_terms_that_the_reference_does_not_know_are_refused(change, message):
    model = AISModel.from_graph(drawn_graph("kurashil"))
    model.family = dataclasses.replace(model.family, **change)
    with pytest.raises(OsccError) as caught:
        model.rhs(torch.zeros(5, 1), 0)
    assert (caught.value.code, caught.value.message) == ("reference.family", message)
