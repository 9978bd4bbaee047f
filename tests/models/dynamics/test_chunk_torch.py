from __future__ import annotations

import numpy as np
import pytest
import torch

from oscc.core.families import FAMILIES, family_named
from oscc.models.dynamics.chunk_run import ChunkKernels, run_chunk
from oscc.models.dynamics.chunk_torch import TorchChunk, run_chunk_torch
from oscc.models.dynamics.coupling_sums import tabulate
from oscc.models.dynamics.form import form_of
from oscc.models.dynamics.integrators import INTEGRATORS, Steps
from oscc.models.dynamics.torch_sums import TorchCouplings

NODES, BATCH = 9, 4
ROWS = ("shil", "field", "detuning")


@pytest.fixture
def pairs():
    """Couplings of a graph in which one node has none, and no two have as many."""
    random = np.random.default_rng(5)
    src, dst = np.nonzero(random.random((NODES, NODES)) < 0.4)
    kept = (src != dst) & (src != 3) & (dst != 3)
    return src[kept].astype(np.int32), dst[kept].astype(np.int32)


def made(pairs):
    src, dst = pairs
    return TorchCouplings.of(tabulate(dst, src, NODES), tabulate(src, dst, NODES), src, dst, torch.device("cpu"))


def inputs(family, pairs, seed=0):
    random = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=random, dtype=torch.float64)

    read = torch.tensor([[float(name in family.node_parameters)] for name in ROWS], dtype=torch.float64)
    return normal(NODES, BATCH), 0.4 * normal(len(pairs[0])), normal(3, NODES) * read


def plain_slope(family, state, weight, parameters, pairs):
    """The equation as the family declares it, coupling by coupling."""
    shil, field, detuning = parameters[:, :, None]
    pull = np.zeros_like(state)
    for source, destination, strength in zip(*pairs, weight, strict=True):
        difference = state[source] - state[destination]
        phases = family.interaction == "sin-difference"
        pull[destination] += strength * (np.sin(difference) if phases else state[source])
    if family.name == "kurashil":
        return detuning + pull - shil * np.sin(2 * state) - field * np.sin(state)
    if family.name == "kuramoto":
        return detuning + pull - field * np.sin(state)
    if family.name == "poly_ising":
        return shil * state - state**3 + pull + field
    return -state + np.tanh(pull + field)


@pytest.mark.parametrize("name", ["kurashil", "kuramoto", "poly_ising", "tanh_ising"])
def test_the_slope_is_that_of_the_equation(name, pairs):
    family = family_named(name)
    state, weight, parameters = inputs(family, pairs)
    expected = plain_slope(family, state.numpy(), weight.numpy(), parameters.numpy(), pairs)
    found = form_of(family).torch_slope(state, weight, parameters, made(pairs))
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-13)


@pytest.mark.parametrize("integrator", INTEGRATORS.values(), ids=INTEGRATORS)
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_gradients(family, integrator, pairs):
    state, weight, parameters = (values.requires_grad_() for values in inputs(family, pairs))
    noise = 0.1 * torch.ones(2, NODES, BATCH, dtype=torch.float64)
    setup, steps = TorchChunk(form_of(family), made(pairs), compiled=False), Steps(np.array([0.2, 0.1]), integrator)

    def run(state, weight, parameters):
        given = (state, weight, parameters, steps, noise)
        return run_chunk_torch(setup, *given)

    assert torch.autograd.gradcheck(run, (state, weight, parameters))


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_the_end_of_a_chunk_is_that_of_the_compiled_kernels(family, pairs):
    given = (*inputs(family, pairs), Steps(np.array([0.2, 0.1]), INTEGRATORS["heun"]))
    src, dst = pairs
    expected = run_chunk(ChunkKernels.of(family, src, dst, NODES), *given)
    found = run_chunk_torch(TorchChunk(form_of(family), made(pairs), compiled=False), *given)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), atol=1e-13)


def test_noise_is_added_after_each_step(pairs):
    family, euler = family_named("kurashil"), INTEGRATORS["euler"]
    state, weight, parameters = (values.numpy() for values in inputs(family, pairs))
    noise = np.random.default_rng(1).normal(size=(2, NODES, BATCH))
    expected = state
    for step, kick in zip((0.2, 0.1), noise, strict=True):
        expected = expected + step * plain_slope(family, expected, weight, parameters, pairs) + kick
    begin, strengths, rows, kicks = (torch.from_numpy(values) for values in (state, weight, parameters, noise))
    given = (begin, strengths, rows, Steps(np.array([0.2, 0.1]), euler), kicks)
    found = run_chunk_torch(TorchChunk(form_of(family), made(pairs), compiled=False), *given)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_compiled_step_on_a_gpu(pairs):
    family = family_named("kurashil")
    state, weight, parameters = (values.cuda() for values in inputs(family, pairs))
    src, dst = pairs
    tables = tabulate(dst, src, NODES), tabulate(src, dst, NODES)
    couplings = TorchCouplings.of(*tables, src, dst, torch.device("cuda"))
    given = (state, weight, parameters, Steps(np.array([0.2, 0.1]), INTEGRATORS["rk4"]))
    compiled, plain = (run_chunk_torch(TorchChunk(form_of(family), couplings, each), *given) for each in (True, False))
    torch.testing.assert_close(compiled, plain, atol=1e-12, rtol=0)
