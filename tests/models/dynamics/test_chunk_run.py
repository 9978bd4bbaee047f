from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.core.families import FAMILIES
from oscc.models.dynamics import chunk_run
from oscc.models.dynamics.chunk_run import ChunkKernels, run_chunk
from oscc.models.dynamics.integrators import INTEGRATORS, Steps
from oscc.models.dynamics.reference import AISModel

STEPS = np.array([0.11, 0.06, 0.08])
BATCH = 5


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Two samples at a time: three blocks in a batch of five."""
    monkeypatch.setattr(chunk_run, "BLOCK", 2)


def case(graph, dtype=torch.float64, batch=BATCH, threads=2) -> Any:
    """Kernels of a graph, and its first chunk's state, weights, parameters and noise, all with gradients."""
    setup = ChunkKernels.of(FAMILIES[graph.family], graph.src, graph.dst, graph.nodes, threads)
    random = torch.Generator().manual_seed(1)

    def leaf(tensor):
        return tensor.to(dtype).requires_grad_(True)

    state = leaf(0.7 * torch.randn(graph.nodes, batch, generator=random, dtype=torch.float64))
    noise = leaf(0.1 * torch.randn(len(STEPS), graph.nodes, batch, generator=random, dtype=torch.float64))
    weight = leaf(torch.tensor(graph.weight[0]))
    parameters = leaf(torch.tensor(np.stack([graph.shil[0], graph.field[0], graph.detuning[0]])))
    return setup, state, weight, parameters, noise


def plain(graph, state, weight, parameters, integrator, noise=None):
    """The same by the reference, whose own parameters are replaced by the given tensors."""
    model: Any = AISModel.from_graph(graph, torch.float64)
    for name, value in zip(("weight", "shil", "field", "detuning"), (weight, *parameters), strict=True):
        del model._parameters[name]
        setattr(model, name, value[None])
    model.get_parameter = lambda name: getattr(model, name)
    for number, step in enumerate(STEPS):
        state = model.trace(state, 0, [step], integrator)[-1]
        if noise is not None:
            state = state + noise[number]
    return state


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_state_after_a_chunk_is_that_of_the_reference(small_graph, family, integrator):
    graph = small_graph(family)
    setup, state, weight, parameters, noise = case(graph)
    for given in (None, noise):
        found = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS[integrator]), given)
        expected = plain(graph, state, weight, parameters, integrator, given)
        np.testing.assert_allclose(found.detach(), expected.detach(), rtol=0, atol=1e-13)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_gradients_are_those_of_finite_differences(small_graph, family, integrator):
    setup, *tensors = case(small_graph(family), batch=3)
    torch.autograd.gradcheck(
        lambda state, weight, parameters, noise: run_chunk(
            setup, state, weight, parameters, Steps(STEPS, INTEGRATORS[integrator]), noise
        ),
        tensors,
        eps=1e-6,
        atol=1e-7,
        rtol=1e-5,
    )


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("integrator", INTEGRATORS)
def test_gradients_are_those_of_plain_autograd(small_graph, family, integrator):
    graph = small_graph(family)
    setup, *tensors = case(graph)
    state, weight, parameters, noise = tensors
    out = torch.randn(graph.nodes, BATCH, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    found = torch.autograd.grad(
        run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS[integrator]), noise), tensors, out
    )
    expected = torch.autograd.grad(plain(graph, state, weight, parameters, integrator, noise), tensors, out)
    read = [name in FAMILIES[family].node_parameters for name in ("shil", "field", "detuning")]
    for place, (mine, theirs) in enumerate(zip(found, expected, strict=True)):
        # What a family does not read is no parameter of it.
        rows = torch.tensor(read) if place == 2 else slice(None)
        np.testing.assert_allclose(mine[rows], theirs[rows], rtol=0, atol=1e-12)


def test_gradients_through_two_chunks_add_up(small_graph):
    graph = small_graph("kurashil")
    setup, state, weight, parameters, _ = case(graph)

    def twice(run):
        return run(run(state)).cos().sum()

    method = INTEGRATORS["rk4"]
    found = torch.autograd.grad(
        twice(lambda x: run_chunk(setup, x, weight, parameters, Steps(STEPS, method))), (state, weight)
    )
    expected = torch.autograd.grad(twice(lambda x: plain(graph, x, weight, parameters, "rk4")), (state, weight))
    for mine, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("block", [2, 32])
def test_a_derivative_that_is_handed_over_is_left_as_it_is(small_graph, monkeypatch, block):
    # Autograd gives both terms of a sum the same tensor.
    monkeypatch.setattr(chunk_run, "BLOCK", block)
    setup, state, weight, parameters, _ = case(small_graph("kurashil"), threads=1)
    method = INTEGRATORS["heun"]

    def run(x):
        return run_chunk(setup, x, weight, parameters, Steps(STEPS, method))

    slope = torch.randn(state.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    before = slope.clone()
    (alone,) = torch.autograd.grad(run(state), state, slope)
    assert torch.equal(slope, before)
    other = state.detach().clone().requires_grad_(True)
    both = torch.autograd.grad(run(state) + run(other), (state, other), slope)
    assert torch.equal(both[0], alone)
    assert torch.equal(both[1], alone)


def test_threads_change_nothing_and_blocks_hardly(small_graph, monkeypatch):
    results = []
    for block, threads in ((2, 1), (2, 2), (2, 3), (5, 1)):
        monkeypatch.setattr(chunk_run, "BLOCK", block)
        setup, state, weight, parameters, noise = case(small_graph("kurashil"), threads=threads)
        after = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]), noise)
        slopes = torch.autograd.grad(after.sin().sum(), (state, weight, parameters, noise))
        results.append((after.detach(), *slopes))
    for other in results[1:3]:
        assert all(torch.equal(one, two) for one, two in zip(results[0], other, strict=True))
    for one, two in zip(results[0], results[3], strict=True):
        np.testing.assert_allclose(one, two, rtol=0, atol=1e-13)


@pytest.mark.parametrize("batch", [1, 2, 3, 4, 7])
def test_every_size_of_batch(small_graph, batch):
    graph = small_graph("poly_ising")
    setup, state, weight, parameters, _ = case(graph, batch=batch)
    found = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["euler"]))
    assert found.shape == (6, batch)
    expected = plain(graph, state, weight, parameters, "euler").detach()
    np.testing.assert_allclose(found.detach(), expected, rtol=0, atol=1e-13)


def test_a_state_of_any_stride(small_graph):
    graph = small_graph("kurashil")
    setup, state, weight, parameters, _ = case(graph)
    turned = state.detach().T.contiguous().T.requires_grad_(True)
    assert not turned.is_contiguous()
    runs = [run_chunk(setup, x, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"])) for x in (state, turned)]
    assert torch.equal(*runs)
    slope = torch.ones(()).double().expand(6, BATCH)
    first, second = (torch.autograd.grad(end, x, slope)[0] for end, x in zip(runs, (state, turned), strict=True))
    assert torch.equal(first, second)


def test_single_precision_stays_single(small_graph):
    graph = small_graph("kurashil")

    def run(setup, state, weight, parameters, noise):
        return run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]), noise)

    setup, *tensors = case(graph, torch.float32)
    after = run(setup, *tensors)
    slopes = torch.autograd.grad(after.sum(), tensors)
    assert {tensor.dtype for tensor in (after, *slopes)} == {torch.float32}
    setup, *wide = case(graph)
    expected = run(setup, *wide)
    np.testing.assert_allclose(after.detach(), expected.detach(), rtol=0, atol=2e-6)
    for mine, theirs in zip(slopes, torch.autograd.grad(expected.sum(), wide), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=2e-5)


def test_noise_that_is_given_needs_no_gradient(small_graph):
    setup, state, weight, parameters, noise = case(small_graph("kurashil"))
    drawn = noise.detach()
    after = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]), drawn)
    with_gradient = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]), noise)
    assert torch.equal(after, with_gradient)
    after.sum().backward()
    assert drawn.grad is None
    assert state.grad is not None


def test_what_runs_without_gradients_leaves_none(small_graph):
    setup, state, weight, parameters, _ = case(small_graph("kurashil"))
    with torch.no_grad():
        after = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]))
    assert not after.requires_grad


def test_a_run_that_diverged_does_not_spoil_the_next(small_graph):
    setup, state, weight, parameters, _ = case(small_graph("poly_ising"), threads=1)

    def run(start):
        after = run_chunk(setup, start, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]))
        return after.detach(), *torch.autograd.grad(after.sum(), (start, weight, parameters))

    before = run(state)
    lost = run((1e200 * state.detach()).requires_grad_(True))
    assert not any(torch.isfinite(values).all() for values in lost)
    assert all(torch.equal(one, two) for one, two in zip(before, run(state), strict=True))


def test_a_sample_that_diverges_leaves_the_others_alone(small_graph):
    setup, state, weight, parameters, _ = case(small_graph("poly_ising"))
    wild = state.detach().clone()
    wild[:, 0] = 1e200
    after = run_chunk(setup, wild, weight, parameters, Steps(STEPS, INTEGRATORS["heun"]))
    alone = run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["heun"]))
    assert not torch.isfinite(after[:, 0]).all()
    assert torch.equal(after[:, 1:], alone[:, 1:])


def test_other_precisions_are_refused(small_graph):
    setup, state, weight, parameters, _ = case(small_graph("kurashil"), torch.float16)
    with pytest.raises(OsccError, match="phases cannot be float16; accepted: float32, float64"):
        run_chunk(setup, state, weight, parameters, Steps(STEPS, INTEGRATORS["rk4"]))


def test_a_family_without_kernels_is_refused(small_graph):
    graph = small_graph()
    odd = dataclasses.replace(FAMILIES["tanh_ising"], self_term="shil")
    with pytest.raises(OsccError, match="no kernels for interaction 'tanh-linear' with self term 'shil'"):
        ChunkKernels.of(odd, graph.src, graph.dst, graph.nodes)
