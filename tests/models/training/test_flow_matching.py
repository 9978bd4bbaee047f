from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from oscc.core.initial_phases import InitialPhases
from oscc.models.training.flow_matching import flow_matching_loss
from oscc.models.training.generator import Generator

VISIBLE = [4, 0, 3]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def plain_slope(graph, chunk, x):
    """The equation of kurashil or poly_ising, node by node."""
    K, S, h, w = (getattr(graph, name)[chunk].astype(float) for name in ("weight", "shil", "field", "detuning"))
    slope = np.zeros_like(x)
    for i in range(len(x)):
        for edge in np.flatnonzero(graph.dst == i):
            other = x[graph.src[edge]]
            slope[i] += K[edge] * (np.sin(other - x[i]) if graph.family == "kurashil" else other)
        if graph.family == "kurashil":
            slope[i] += w[i] - S[i] * np.sin(2 * x[i]) - h[i] * np.sin(x[i])
        else:
            slope[i] += S[i] * x[i] - x[i] ** 3 + h[i]
    return slope


def plain_loss(graph, start, targets, longest):
    """Visible nodes are held on straight lines, hidden ones follow the equation by Euler steps."""
    end = targets.T.copy()
    if graph.family == "kurashil":
        for index in np.ndindex(*end.shape):
            angle = math.acos(min(0.999, max(-0.999, end[index])))
            x = start[VISIBLE][index]
            end[index] = angle if abs(x - angle) <= abs(x + angle) else -angle
    total, passed, state, errors = float(graph.chunk_duration.sum()), 0.0, start.copy(), []
    for chunk, duration in enumerate(graph.chunk_duration.tolist()):
        count = math.ceil(duration / longest - 1e-9)
        for _ in range(count):
            state[VISIBLE] = start[VISIBLE] + passed / total * (end - start[VISIBLE])
            slope = plain_slope(graph, chunk, state)
            # Model time runs from 0 to the total while the line runs from 0 to 1.
            errors.append(((slope[VISIBLE] * total - (end - start[VISIBLE])) ** 2).mean())
            state = state + duration / count * slope
            passed += duration / count
    return np.mean(errors)


@pytest.mark.parametrize("family", ["kurashil", "poly_ising"])
@pytest.mark.parametrize("step", [0.2, 0.35, 5.0])
def test_loss_is_that_of_a_plain_loop(small_graph, family, step):
    graph = small_graph(family, init=InitialPhases("normal", 0.1, 0.5))
    generator = Generator(graph)
    targets = 2 * torch.rand(5, 3, generator=seeded(1)) - 1
    targets[0, 0], targets[1, 1] = 1.0, -1.0
    loss = flow_matching_loss(generator, generator.delivered(), targets, step, seeded(2))
    start = generator.noise(5, seeded(2)).double().numpy()
    expected = plain_loss(graph, start, targets.double().numpy(), step)
    assert loss.item() == pytest.approx(expected, rel=2e-5)


def alone(graph, **values):
    """The graph without couplings, all parameters zero but those given, alike in all chunks."""
    zero = {name: 0 * getattr(graph, name) for name in ("weight", "shil", "field", "detuning")}
    given = {name: np.broadcast_to(np.float32(value), getattr(graph, name).shape) for name, value in values.items()}
    return dataclasses.replace(graph, **{**zero, **given})


def test_loss_is_zero_where_every_phase_turns_as_fast_as_it_should(small_graph):
    # All begin at 0.3, and all pixels are those of phase 1.6: nothing but a detuning of 1.3 / 1.3 is needed.
    graph = alone(small_graph(init=InitialPhases("normal", 0.3, 0.0)), detuning=1.0)
    generator = Generator(graph)
    targets = torch.full((4, 3), math.cos(1.6))
    loss = flow_matching_loss(generator, generator.delivered(), targets, 0.1, seeded())
    assert loss.item() < 1e-10
    slower = Generator(alone(graph, detuning=0.5))
    assert flow_matching_loss(slower, slower.delivered(), targets, 0.1, seeded()).item() == pytest.approx(
        (0.5 * 1.3) ** 2, rel=1e-5
    )


@pytest.mark.parametrize(("mean", "end"), [(1.0, 1.6), (-1.0, -1.6), (0.2, 1.6), (-0.2, -1.6)])
def test_of_two_phases_that_show_a_pixel_the_nearer_one_is_the_target(small_graph, mean, end):
    generator = Generator(alone(small_graph(init=InitialPhases("normal", mean, 0.0))))
    loss = flow_matching_loss(generator, generator.delivered(), torch.full((2, 3), math.cos(1.6)), 0.5, seeded())
    # Nothing moves: the error is the whole way.
    assert loss.item() == pytest.approx((end - mean) ** 2, rel=1e-5)


def test_extreme_pixels_have_a_phase_with_a_slope(small_graph):
    generator = Generator(alone(small_graph(init=InitialPhases("normal", 0.0, 0.0))))
    targets = torch.ones(2, 3, requires_grad=True)
    loss = flow_matching_loss(generator, generator.delivered(), targets, 0.5, seeded())
    assert loss.item() == pytest.approx(math.acos(0.999) ** 2, rel=1e-3)
    loss.backward()
    gradient = generator.get_parameter("coupling").grad
    assert gradient is not None
    assert torch.isfinite(gradient).all()


def test_real_states_are_their_own_targets(small_graph):
    generator = Generator(alone(small_graph("poly_ising", init=InitialPhases("normal", 0.0, 0.0)), field=0.5))
    # The gain is zero; by one step over the whole chunk from 0 the slope is the field.
    targets = torch.full((2, 3), 0.8)
    loss = flow_matching_loss(generator, generator.delivered(), targets, 9.0, seeded())
    second = 0.5 - (0.5 / 1.3 * 0.8) ** 3
    expected = ((0.5 * 1.3 - 0.8) ** 2 + (second * 1.3 - 0.8) ** 2) / 2
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_gradients_are_those_of_finite_differences(small_graph):
    graph = small_graph()
    targets = 2 * torch.rand(4, 3, generator=seeded(1)) - 1
    generator = Generator(graph)
    flow_matching_loss(generator, generator.delivered(), targets, 0.3, seeded(2)).backward()
    start = generator.noise(4, seeded(2)).double().numpy()
    for name, group in (("weight", "coupling"), ("field", "field"), ("shil", "shil"), ("detuning", "detuning")):
        gradient = generator.get_parameter(group).grad
        assert gradient is not None
        for index in ((0, 1), (1, 3)):
            ends = []
            for sign in (-1, 1):
                moved = getattr(graph, name).astype(np.float64)
                moved[index] += sign * 1e-5
                ends.append(plain_loss(dataclasses.replace(graph, **{name: moved}), start, targets.numpy(), 0.3))
            assert gradient[index].item() == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=1e-3, abs=1e-5)
