from __future__ import annotations

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.diffusion.mixture import Mixture, mixture_of
from oscc.models.diffusion.steps import STEPS, follow_flow, noise_levels, rest_point

GAUSSIAN = Mixture(np.zeros((1, 2)), 0.3)
POINTS = np.array([[1.0, -2.0], [0.25, 3.0], [0.0, 0.0]])


def shrink(level, lower):
    """Exact flow of one Gaussian at 0: points keep their number of standard deviations."""
    return np.sqrt((0.09 + lower**2) / (0.09 + level**2))


def test_levels_fall_by_one_fraction():
    levels = noise_levels(1.6, 0.1, 4)
    assert levels == pytest.approx([1.6, 0.8, 0.4, 0.2, 0.1])


@pytest.mark.parametrize(("start", "end", "steps"), [(0.1, 0.1, 2), (1, 0, 2), (1, 0.1, 0), (np.nan, 0.1, 1)])
def test_levels_that_do_not_fall_are_refused(start, end, steps):
    with pytest.raises(OsccError, match="noise levels from"):
        noise_levels(start, end, steps)


@pytest.mark.parametrize(("kind", "order"), [("euler", 1), ("heun", 2), ("implicit", 1)])
def test_the_error_falls_with_the_order_of_the_step(kind, order):
    exact = POINTS * shrink(1.0, 0.1)
    errors = [
        np.abs(follow_flow(kind, GAUSSIAN.denoise, POINTS, noise_levels(1.0, 0.1, steps)) - exact).max()
        for steps in (64, 128)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.1)


def test_steps_of_one_gaussian_are_those_of_a_linear_equation():
    # D(x, s) = x c(s) with c = 0.09 / (0.09 + s s); from 0.8 to 0.4 the ratio r is 1.
    high, low = 0.09 / 0.73, 0.09 / 0.25
    euler = 1 - 0.5 * (1 - high)
    factors = {
        "euler": euler,
        "heun": 1 - 0.4 * ((1 - high) / 0.8 + euler * (1 - low) / 0.4) / 2,
        "implicit": 1 / (2 - low),
    }
    assert set(factors) == set(STEPS)
    for kind, factor in factors.items():
        found = STEPS[kind](GAUSSIAN.denoise, POINTS, 0.8, 0.4)
        assert found == pytest.approx(POINTS * factor, abs=1e-5)


def test_a_rest_point_tells_what_is_left():
    points = np.random.default_rng(0).normal(size=(500, 2))
    mixture = mixture_of("8-gaussians")
    found = rest_point(mixture.denoise, points, 0.5, 0.2)
    assert found.residual.shape == (500,)
    expected = (points + 1.5 * mixture.denoise(found.points, 0.2)) / 2.5
    assert found.residual == pytest.approx(np.linalg.norm(found.points - expected, axis=1))
    assert found.residual.max() < 1e-4
    early = rest_point(mixture.denoise, points, 0.5, 0.2, most=2)
    assert early.residual.max() > 100 * found.residual.max()


def test_no_points_lead_to_none():
    assert rest_point(GAUSSIAN.denoise, np.zeros((0, 2)), 1.0, 0.5).points.shape == (0, 2)
