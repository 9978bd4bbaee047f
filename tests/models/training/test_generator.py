from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.core.families import FAMILIES
from oscc.core.groups import GROUPS
from oscc.core.initial_phases import InitialPhases
from oscc.core.spec_file import load_core
from oscc.models.dynamics.reference import AISModel
from oscc.models.training.dac_grid import DacGrid
from oscc.models.training.generator import FULL_PRECISION, Delivery, Generator, Imperfections, Solver, draw_states

TENSORS = dict(zip(GROUPS, ("weight", "shil", "field", "detuning"), strict=True))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def paired(graph):
    """The graph with couplings 0-1, 1-2 and 2-0 in both directions, in no order."""
    src, dst = np.array([[1, 0, 2, 2, 1, 0], [0, 1, 1, 0, 2, 2]], np.int32)
    return dataclasses.replace(graph, src=src, dst=dst, weight=graph.weight[:, :6])


# The run


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("integrator", ["rk4", "heun", "euler"])
def test_run_is_that_of_the_reference(small_graph, family, integrator):
    graph = small_graph(family, duration=(0.5, 0.8, 0.3))
    generator = Generator(graph, solver=Solver(integrator=integrator, step=0.125))
    start = 0.5 * torch.randn(6, 4, generator=seeded())
    end = generator(start, generator.delivered())
    assert end.dtype == torch.float32
    # No step is longer than 0.125: 4, 7 and 3 of them.
    plan = [np.full(count, duration / count) for count, duration in ((4, 0.5), (7, 0.8), (3, 0.3))]
    expected = AISModel.from_graph(graph, torch.float64).integrate(start.double(), plan, integrator)[-1]
    np.testing.assert_allclose(end.detach(), expected.detach(), rtol=0, atol=5e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_slope_is_the_right_hand_side(small_graph, family):
    graph = small_graph(family)
    generator, state = Generator(graph), 0.5 * torch.randn(6, 3, generator=seeded())
    for chunk in (0, 1):
        slope = generator.slope(state, generator.delivered(), chunk)
        expected = AISModel.from_graph(graph, torch.float64).rhs(state.double(), chunk)
        np.testing.assert_allclose(slope.detach(), expected.detach(), rtol=0, atol=5e-6)


def test_gradients_reach_what_the_family_reads(small_graph):
    for family in FAMILIES.values():
        generator = Generator(small_graph(family.name))
        end = generator(generator.noise(3, seeded()), generator.delivered())
        end.sin().sum().backward()
        for group in GROUPS:
            parameter = generator.get_parameter(group)
            trained = group == "coupling" or group in family.node_parameters
            assert parameter.requires_grad is trained
            assert (parameter.grad is not None) is trained
            if parameter.grad is not None:
                assert (parameter.grad != 0).any(dim=1).all()


def test_unknown_integrator_is_refused(small_graph):
    with pytest.raises(OsccError, match="'rk5' is not an integrator; did you mean 'rk4'"):
        Generator(small_graph(), solver=Solver(integrator="rk5"))


# What is delivered


def test_without_hardware_parameters_act_as_they_are(small_graph):
    graph = small_graph()
    generator = Generator(graph)
    delivered = generator.delivered()
    assert list(delivered) == list(GROUPS)
    for group, name in TENSORS.items():
        np.testing.assert_array_equal(delivered[group].detach(), getattr(graph, name))
    # The graph itself cannot be changed by training.
    with torch.no_grad():
        generator.get_parameter("coupling").add_(1)
    np.testing.assert_array_equal(graph.weight, small_graph().weight)


def test_reciprocal_couplings_are_the_mean_of_both_directions(small_graph):
    graph = paired(small_graph())
    found = Generator(graph, Delivery(reciprocal=True)).delivered()["coupling"]
    weights = {
        pair: graph.weight[:, edge]
        for edge, pair in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True))
    }
    for edge, (src, dst) in enumerate(weights):
        expected = (weights[src, dst] + weights[dst, src]) / 2
        np.testing.assert_allclose(found[:, edge].detach(), expected, rtol=1e-6)
    edge_of = {pair: edge for edge, pair in enumerate(weights)}
    for (src, dst), edge in edge_of.items():
        assert torch.equal(found[:, edge], found[:, edge_of[dst, src]]), "equal bit for bit"


def test_both_directions_learn_alike(small_graph):
    generator = Generator(paired(small_graph()), Delivery(reciprocal=True))
    slope = torch.randn(2, 6, generator=seeded())
    generator.delivered()["coupling"].backward(slope)
    gradient = generator.get_parameter("coupling").grad
    assert gradient is not None
    # Couplings 0 and 1, 2 and 4, 3 and 5 are pairs.
    partner = [1, 0, 4, 5, 2, 3]
    np.testing.assert_allclose(gradient, (slope + slope[:, partner]) / 2, rtol=1e-6)


def test_reciprocal_couplings_need_both_directions(small_graph):
    with pytest.raises(ValueError, match="a coupling has none in the other direction"):
        Generator(small_graph(), Delivery(reciprocal=True))


def test_rounding_is_that_of_the_grid(small_graph):
    graph, grid = small_graph(), DacGrid.of(load_core("tiny-8x8"), (0.5, 0.8))
    for quantizes in (True, False):
        delivered = Generator(graph, Delivery(grid=grid, quantize=quantizes)).delivered()
        for group, name in TENSORS.items():
            values = getattr(graph, name)
            step = grid.lsb[group][:, None]
            expected = np.clip(np.rint(values / step), -7, 7) * step if quantizes else values
            np.testing.assert_allclose(delivered[group].detach(), expected, rtol=1e-6)


@pytest.mark.parametrize("part", [1.0, 0.25])
def test_parameters_are_brought_back_to_within_full_scale(small_graph, part):
    graph = small_graph()
    grid = DacGrid.of(load_core("tiny-8x8"), (0.5, 0.8))
    grid = dataclasses.replace(grid, lsb=grid.lsb.map(lambda lsb: lsb / 50))
    scales = {group: 7 * lsb[:, None] for group, lsb in grid.lsb.items()}
    for generator, limits in (
        (Generator(graph, Delivery(grid=grid)), scales),
        (Generator(graph, Delivery(bound=0.6)), dict.fromkeys(GROUPS, 0.6)),
    ):
        generator.clip(part)
        for group, name in TENSORS.items():
            limit = part * np.asarray(limits[group])
            expected = np.clip(getattr(graph, name), -limit, limit)
            np.testing.assert_allclose(generator.get_parameter(group).detach(), expected, rtol=1e-6)
            assert (np.abs(getattr(graph, name)) > limit).any(), "some were beyond"
        assert generator.get_parameter("coupling").grad_fn is None


def test_without_a_bound_nothing_is_clipped(small_graph):
    generator = Generator(small_graph())
    generator.clip(0.5)
    np.testing.assert_array_equal(generator.get_parameter("coupling").detach(), small_graph().weight)


def many_errors(graph, imperfections, count=400, delivery=FULL_PRECISION):
    """Errors of every group in many draws, float[count, C, n]."""
    generator, random = Generator(graph, delivery), seeded()
    ideal = {group: values.detach() for group, values in generator.delivered().items()}
    drawn = [generator.delivered(imperfections, random) for _ in range(count)]
    return ideal, {group: torch.stack([values[group].detach() - ideal[group] for values in drawn]) for group in GROUPS}


def test_mismatch_is_relative(small_graph):
    graph = small_graph()
    shil = graph.shil.copy()
    shil[0] = 0
    ideal, errors = many_errors(dataclasses.replace(graph, shil=shil), Imperfections(mismatch=0.1))
    assert not errors["shil"][:, 0].any()
    relative = torch.cat([(errors[group] / ideal[group])[:, :, :6].flatten() for group in ("coupling", "field")])
    assert relative.std().item() == pytest.approx(0.1, rel=0.03)
    assert relative.mean().item() == pytest.approx(0, abs=0.003)
    # Each parameter has an error of its own.
    assert abs(np.corrcoef((errors["coupling"] / ideal["coupling"])[:, 0, :2].T)[0, 1]) < 0.2


def test_weight_noise_is_a_part_of_full_scale(small_graph):
    _, errors = many_errors(small_graph("kuramoto"), Imperfections(weight_noise=0.02), delivery=Delivery(bound=1.5))
    for group in ("coupling", "field", "detuning"):
        assert errors[group].std().item() == pytest.approx(0.02 * 1.5, rel=0.05)
    assert not errors["shil"].any(), "a kuramoto model has no SHIL"


def test_errors_follow_from_the_generator_and_gradients_pass(small_graph):
    generator = Generator(small_graph(), Delivery(bound=2.0))
    imperfections = Imperfections(weight_noise=0.1, mismatch=0.1)
    one, same, other = (generator.delivered(imperfections, seeded(seed))["coupling"] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    one.sum().backward()
    gradient = generator.get_parameter("coupling").grad
    assert gradient is not None
    assert gradient.std() > 0.05, "the relative error scales the gradient"
    np.testing.assert_allclose(gradient, 1, atol=0.5)


@pytest.mark.parametrize("imperfections", [Imperfections(mismatch=0.1), Imperfections(weight_noise=0.1)])
def test_a_unit_that_makes_both_directions_has_one_error(small_graph, imperfections):
    graph = paired(small_graph())
    partner = [1, 0, 4, 5, 2, 3]
    equal = dataclasses.replace(graph, weight=(graph.weight + graph.weight[:, partner]) / 2)
    one, own = (Generator(equal, Delivery(bound=2.0, shared_units=shared)) for shared in (True, False))
    shared, apart = (each.delivered(imperfections, seeded(5)) for each in (one, own))
    assert torch.equal(shared["coupling"], shared["coupling"][:, partner])
    assert not (apart["coupling"] == apart["coupling"][:, partner]).any()
    # The first of each pair, and what nodes have, draw as ever.
    assert torch.equal(shared["coupling"][:, [0, 2, 3]], apart["coupling"][:, [0, 2, 3]])
    assert all(torch.equal(shared[group], apart[group]) for group in ("shil", "field", "detuning"))


def test_errors_of_directed_units_are_those_of_the_first_release(small_graph):
    values = Generator(small_graph(), Delivery(bound=2.0)).delivered(Imperfections(0.1, 0.2), seeded(7))
    random = seeded(7)
    for group, name in TENSORS.items():
        ideal = torch.tensor(getattr(small_graph(), name))
        relative = 1 + 0.2 * torch.randn(ideal.shape, generator=random)
        expected = ideal * relative + 0.1 * 2.0 * torch.randn(ideal.shape, generator=random)
        np.testing.assert_allclose(values[group].detach(), expected, rtol=1e-6)


def test_a_free_oscillator_gathers_the_transient_noise(small_graph):
    graph = small_graph("kuramoto")
    zero = {name: 0 * getattr(graph, name) for name in TENSORS.values()}
    generator = Generator(dataclasses.replace(graph, **zero), solver=Solver(step=0.2))
    start = torch.zeros(6, 4000)
    end = generator(start, generator.delivered(), Imperfections(transient_noise=0.3), seeded())
    assert end.std().item() == pytest.approx(0.3, rel=0.02)
    assert abs(np.corrcoef(end.detach()[0], end.detach()[1])[0, 1]) < 0.06
    assert torch.equal(generator(start, generator.delivered()), start)


def test_transient_noise_comes_evenly_along_the_run(small_graph):
    graph = small_graph("tanh_ising")
    zero = {name: 0 * getattr(graph, name) for name in TENSORS.values()}
    # What is left is dx/dt = -x: noise decays by 1 - h in every Euler step that follows it.
    generator = Generator(dataclasses.replace(graph, **zero), solver=Solver(step=0.25, integrator="euler"))
    end = generator(torch.zeros(6, 8000), generator.delivered(), Imperfections(transient_noise=0.5), seeded())
    steps = [0.25] * 2 + [0.2] * 4
    variance = sum(
        0.25 * step / 1.3 * math.prod((1 - later) ** 2 for later in steps[place + 1 :])
        for place, step in enumerate(steps)
    )
    assert end.var().item() == pytest.approx(variance, rel=0.03)


# The beginning and the end


def test_initial_states_are_those_of_the_graph(small_graph):
    generator = Generator(small_graph(init=InitialPhases("normal", -0.5, 0.25)))
    state = generator.noise(4000, seeded())
    assert (state.shape, state.dtype) == ((6, 4000), torch.float32)
    assert state.mean().item() == pytest.approx(-0.5, abs=0.01)
    assert state.std().item() == pytest.approx(0.25, rel=0.02)
    assert (state < -1).any(), "a normal distribution has tails"
    assert torch.equal(state, generator.noise(4000, seeded()))


def test_uniform_states_fill_an_interval():
    state = draw_states(InitialPhases("uniform", 1.0, 0.5), 10, 4000, seeded())
    half = 0.5 * math.sqrt(3)
    assert state.min() >= 1 - half
    assert state.max() <= 1 + half
    np.testing.assert_allclose(np.quantile(state, [0, 0.25, 0.5, 0.75, 1]), 1 + half * np.linspace(-1, 1, 5), atol=0.02)
    assert state.std().item() == pytest.approx(0.5, rel=0.02)


@pytest.mark.parametrize("family", FAMILIES)
def test_pixels_are_cosines_or_states_in_raster_order(small_graph, family):
    graph = dataclasses.replace(small_graph(family), image_shape=(2, 2), readout=np.array([4, 0, 3, 1], np.int32))
    state = torch.arange(12.0).reshape(6, 2)
    pixels = Generator(graph).pixels(state)
    assert pixels.shape == (2, 2, 2)
    for sample in range(2):
        shown = [[8.0 + sample, 0.0 + sample], [6.0 + sample, 2.0 + sample]]
        expected = np.cos(shown) if FAMILIES[family].state == "phase" else shown
        np.testing.assert_allclose(pixels[sample], expected, rtol=0, atol=1e-6)


def test_readout_rounds_phases_to_the_middle_of_a_step(small_graph):
    generator = Generator(small_graph())
    state = (20 * torch.randn(6, 50, generator=seeded())).requires_grad_(True)
    pixels = generator.pixels(state, 16)
    shown = state.detach().double().numpy()[[4, 0, 3]].T
    codes = np.floor(np.mod(shown, 2 * np.pi) / (2 * np.pi / 16))
    middle = (codes + 0.5) * 2 * np.pi / 16
    np.testing.assert_allclose(pixels[:, 0].detach(), np.cos(middle), rtol=0, atol=2e-5)
    assert len(set(np.round(pixels.detach().numpy(), 3).ravel().tolist())) == 8
    # The derivative is that of the cosine, as if there were no steps.
    (slope,) = torch.autograd.grad(pixels.sum(), state)
    np.testing.assert_allclose(slope[[4, 0, 3]].T, -np.sin(middle), rtol=0, atol=2e-5)
    assert not slope[[1, 2, 5]].any()


def test_real_states_are_read_out_without_steps(small_graph):
    generator, state = Generator(small_graph("tanh_ising")), torch.randn(6, 3, generator=seeded())
    assert torch.equal(generator.pixels(state, 16), generator.pixels(state))


# The checkpoint


def test_graph_has_what_was_trained(small_graph):
    graph = dataclasses.replace(small_graph(), model_hash="abc", training={"old": 1}, time_scale_s=(1e-6,))
    generator = Generator(graph)
    with torch.no_grad():
        generator.get_parameter("coupling").add_(1)
        generator.get_parameter("field").mul_(2)
    made = generator.to_graph({"new": 2})
    np.testing.assert_array_equal(made.weight, graph.weight + np.float32(1))
    np.testing.assert_array_equal(made.field, 2 * graph.field)
    np.testing.assert_array_equal(made.shil, graph.shil)
    np.testing.assert_array_equal(made.detuning, graph.detuning)
    assert {made.weight.dtype, made.shil.dtype, made.field.dtype, made.detuning.dtype} == {np.dtype(np.float32)}
    # The time scale of another core would be wrong.
    assert (made.time_scale_s, made.training, made.model_hash) == (None, {"new": 2}, "")
    with torch.no_grad():
        generator.get_parameter("coupling").add_(1)
    np.testing.assert_array_equal(made.weight, graph.weight + np.float32(1))


@pytest.mark.parametrize("quantizes", [True, False])
def test_graph_of_a_model_for_a_core(small_graph, quantizes):
    grid = DacGrid.of(load_core("tiny-8x8"), (0.5, 0.8))
    made = Generator(small_graph(), Delivery(grid=grid, quantize=quantizes)).to_graph({})
    assert made.time_scale_s == grid.time_scale_s
    scaled = made.weight / grid.lsb.coupling[:, None]
    whole = np.abs(scaled - np.rint(scaled)) < 1e-5
    assert whole.all() if quantizes else not whole.all()
