from __future__ import annotations

import math

import numpy as np
import pytest

from oscc.core.stencil import Stencil, named_stencil
from oscc.models.dynamics.integrators import integrator_named
from oscc.sim.array.dynamics import NodeRates, integrate_phases, list_couplings

STENCIL = Stencil(((-1, 0), (0, -2), (1, 1)))
"""Neither symmetric nor square, so that a transposed or negated offset shows."""


def plain_slope(theta, rates, offsets):
    """The equation, cell by cell and coupling by coupling, with the library's sine."""
    coupling, shil, field, detuning = rates
    rows, cols = shil.shape
    slope = np.zeros((rows, cols))
    for row in range(rows):
        for col in range(cols):
            own = theta[row, col]
            total = detuning[row, col] - shil[row, col] * math.sin(2 * own) - field[row, col] * math.sin(own)
            for slot, (drow, dcol) in enumerate(offsets):
                if 0 <= row + drow < rows and 0 <= col + dcol < cols:
                    total += coupling[row, col, slot] * math.sin(theta[row + drow, col + dcol] - own)
            slope[row, col] = total
    return slope


def plain_step(method, slope_of, theta, step):
    """Textbook forms of the three methods."""
    k1 = slope_of(theta)
    if method == "euler":
        return theta + step * k1
    if method == "heun":
        return theta + step / 2 * (k1 + slope_of(theta + step * k1))
    k2 = slope_of(theta + step / 2 * k1)
    k3 = slope_of(theta + step / 2 * k2)
    k4 = slope_of(theta + step * k3)
    return theta + step / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def drawn_rates(rows, cols, slots, seed=0):
    rng = np.random.default_rng(seed)
    coupling = rng.normal(size=(rows, cols, slots))
    coupling[rng.random(coupling.shape) < 0.3] = 0
    return coupling, *(rng.normal(size=(rows, cols)) for _ in range(3))


def run_kernel(theta, rates, stencil, steps, method, dtype=np.float64):
    coupling, *nodes = rates
    rows, cols = nodes[0].shape
    dtype = np.dtype(dtype)
    state = theta.astype(dtype).reshape(rows * cols, -1)
    integrate_phases(
        state,
        list_couplings(coupling, stencil, dtype),
        NodeRates(*(node.ravel().astype(dtype) for node in nodes)),
        np.asarray(steps, dtype=np.float64),
        integrator_named(method),
    )
    return state.reshape(rows, cols, -1)


@pytest.mark.parametrize("method", ["euler", "heun", "rk4"])
def test_kernel_follows_the_plain_equation(method):
    rates = drawn_rates(3, 4, len(STENCIL))
    theta = np.random.default_rng(1).normal(size=(3, 4, 2)) * 3
    steps = [0.1, 0.1, 0.03]
    found = run_kernel(theta, rates, STENCIL, steps, method)
    for sample in range(2):
        expected = theta[..., sample]
        for step in steps:
            expected = plain_step(method, lambda x: plain_slope(x, rates, STENCIL.offsets), expected, step)
        np.testing.assert_allclose(found[..., sample], expected, rtol=0, atol=1e-13)


def test_methods_differ_on_the_same_run():
    rates = drawn_rates(3, 4, len(STENCIL))
    theta = np.random.default_rng(1).normal(size=(3, 4, 1))
    ends = [run_kernel(theta, rates, STENCIL, [0.1] * 3, method) for method in ("euler", "heun", "rk4")]
    assert np.abs(ends[0] - ends[2]).max() > 1e-3
    assert np.abs(ends[1] - ends[2]).max() > 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float32, 1e-5), (np.float64, 1e-13)])
def test_dtype_of_the_state_decides_the_precision(dtype, tolerance):
    rates = drawn_rates(6, 5, 24)
    theta = np.random.default_rng(2).normal(size=(6, 5, 3))
    stencil = named_stencil("box-2")
    found = run_kernel(theta, rates, stencil, [0.02] * 10, "rk4", dtype)
    assert found.dtype == dtype
    expected = theta[..., 1]
    for _ in range(10):
        expected = plain_step("rk4", lambda x: plain_slope(x, rates, stencil.offsets), expected, 0.02)
    error = np.abs(found[..., 1] - expected).max()
    assert error < tolerance
    assert dtype is np.float64 or error > 1e-10


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sample_does_not_depend_on_the_batch(dtype):
    rates = drawn_rates(6, 5, 24)
    theta = np.random.default_rng(3).normal(size=(6, 5, 67)).astype(dtype)
    together = run_kernel(theta, rates, named_stencil("box-2"), [0.05] * 8, "rk4", dtype)
    for sample in (0, 15, 16, 63, 64, 66):
        alone = run_kernel(theta[..., [sample]], rates, named_stencil("box-2"), [0.05] * 8, "rk4", dtype)
        np.testing.assert_array_equal(together[..., [sample]], alone)


def test_listing_leaves_out_zeros_and_what_lies_over_the_border():
    coupling = np.arange(1.0, 13.0).reshape(2, 2, 3)
    coupling[1, 0, 0] = 0
    lists = list_couplings(coupling, STENCIL, np.dtype(np.float64))
    found = {
        cell: list(zip(lists.source[cell, :n].tolist(), lists.strength[cell, :n].tolist(), strict=True))
        for cell, n in enumerate(lists.counts.tolist())
    }
    # Cells are 0 1 / 2 3. Offset (-1, 0) reaches from the lower row up, (1, 1) from cell 0 to cell 3.
    assert found == {0: [(3, 3.0)], 1: [], 2: [], 3: [(1, 10.0)]}


def test_listing_keeps_slot_order():
    stencil = named_stencil("box-2")
    coupling = np.random.default_rng(0).normal(size=(5, 5, 24))
    coupling[2, 2, [0, 7, 23]] = 0
    lists = list_couplings(coupling, stencil, np.dtype(np.float64))
    expected = [(2 + dr) * 5 + 2 + dc for slot, (dr, dc) in enumerate(stencil.offsets) if slot not in (0, 7, 23)]
    assert lists.counts[12] == 21
    assert lists.source[12, :21].tolist() == expected
