from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from oscc.base.errors import OsccError
from oscc.core.families import FAMILIES, TANH_ISING
from oscc.models.dynamics.form import form_of
from oscc.models.dynamics.node_kernels import combine
from oscc.models.dynamics.sincos import sincos_constants

NODES, BATCH = 4, 3
SIGNALS = {"kurashil": 2, "kuramoto": 2, "poly_ising": 1, "tanh_ising": 1}


def slope_of(family, x, sums, parameters):
    """The equation of a family with what comes from the neighbours as sums, in PyTorch's own operations."""
    shil, field, detuning = (row[:, None] for row in parameters)
    return {
        "kurashil": lambda: (
            detuning
            + (torch.cos(x) * sums[0] - torch.sin(x) * sums[1])
            - shil * torch.sin(2 * x)
            - field * torch.sin(x)
        ),
        "kuramoto": lambda: detuning + (torch.cos(x) * sums[0] - torch.sin(x) * sums[1]) - field * torch.sin(x),
        "poly_ising": lambda: shil * x - x**3 + sums[0] + field,
        "tanh_ising": lambda: -x + torch.tanh(sums[0] + field),
    }[family]()


def signals_of(family, x):
    return torch.stack([torch.sin(x), torch.cos(x)]) if SIGNALS[family] == 2 else x[None]


def drawn(family, dtype=np.float64):
    """State, sums, parameters (zero where the family does not read them) and a derivative."""
    random = np.random.default_rng(7)
    parameters = random.normal(size=(3, NODES)).astype(dtype)
    for place, name in enumerate(("shil", "field", "detuning")):
        parameters[place] *= name in FAMILIES[family].node_parameters
    state = (2 * random.normal(size=(NODES, BATCH))).astype(dtype)
    sums = random.normal(size=(SIGNALS[family], NODES, BATCH)).astype(dtype)
    return state, sums, parameters, random.normal(size=(NODES, BATCH)).astype(dtype)


def as_tensor(array):
    return torch.tensor(array, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("family", SIGNALS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-13), (np.float32, 1e-5)])
def test_signals_and_slope_are_those_of_the_equation(family, dtype, tolerance):
    state, sums, parameters, step = drawn(family, dtype)
    kernels = form_of(FAMILIES[family]).kernels
    assert kernels.signals == SIGNALS[family]
    signals = np.full((SIGNALS[family], NODES, BATCH), np.nan, dtype)
    kernels.show(state, step, dtype(0.25), sincos_constants(np.dtype(dtype)), signals)
    reached = torch.tensor(state.astype(float) + 0.25 * step.astype(float))
    np.testing.assert_allclose(signals, signals_of(family, reached), rtol=0, atol=tolerance)

    slope, total = np.full_like(state, np.nan), np.ones_like(state)
    kernels.slope(signals, sums, parameters, dtype(0.5), slope, total)
    expected = slope_of(family, reached, torch.tensor(sums).double(), torch.tensor(parameters).double())
    np.testing.assert_allclose(slope, expected, rtol=0, atol=8 * tolerance)
    np.testing.assert_allclose(total, 1 + 0.5 * expected, rtol=0, atol=8 * tolerance)


@pytest.mark.parametrize("family", SIGNALS)
@pytest.mark.parametrize("in_place", [False, True], ids=["apart", "in place"])
def test_gradient_of_the_slope_is_that_of_autograd(family, in_place):
    state, sums, parameters, given = drawn(family)
    x, pulls, values = as_tensor(state), as_tensor(sums), as_tensor(parameters)
    slope_of(family, x, pulls, values).backward(torch.tensor(given))
    assert x.grad is not None
    assert pulls.grad is not None
    assert values.grad is not None

    kernels = form_of(FAMILIES[family]).kernels
    signals = signals_of(family, torch.tensor(state)).numpy()
    sum_slopes = sums if in_place else np.full_like(sums, np.nan)
    own, of_parameters = np.full_like(state, np.nan), np.ones_like(parameters)
    kernels.slope_vjp(signals, sums, parameters, given, sum_slopes, own, of_parameters)
    np.testing.assert_allclose(sum_slopes, pulls.grad, rtol=0, atol=1e-13)
    np.testing.assert_allclose(own, x.grad, rtol=0, atol=1e-12)
    # Those of the parameters are added to what stood there.
    for place, name in enumerate(("shil", "field", "detuning")):
        if name in FAMILIES[family].node_parameters:
            np.testing.assert_allclose(of_parameters[place], 1 + values.grad[place], rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", SIGNALS)
def test_gradient_through_the_signals_is_that_of_autograd(family):
    state, signal_slopes, _, own = drawn(family)
    x = as_tensor(state)
    signals = signals_of(family, x)
    signals.backward(torch.tensor(signal_slopes))
    assert x.grad is not None
    expected = own + x.grad.numpy()
    added = np.full_like(state, 2.0)
    form_of(FAMILIES[family]).kernels.state_vjp(signals.detach().numpy(), signal_slopes, own, added)
    np.testing.assert_allclose(own, expected, rtol=0, atol=1e-13)
    np.testing.assert_allclose(added, 2 + expected, rtol=0, atol=1e-13)


def test_combine():
    x, y = np.random.default_rng(0).normal(size=(2, NODES, BATCH))
    total = np.full_like(x, np.nan)
    combine(0.5, x, -3.0, y, total)
    np.testing.assert_allclose(total, 0.5 * x - 3 * y, rtol=0, atol=1e-15)


def test_a_family_without_kernels_is_refused():
    odd = dataclasses.replace(TANH_ISING, interaction="linear")
    with pytest.raises(
        OsccError, match=r"^no kernels for interaction 'linear' with self term 'leak' in form 'leak' of "
    ):
        form_of(odd)
