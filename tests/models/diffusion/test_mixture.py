from __future__ import annotations

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.data.datasets import draw_points
from oscc.models.diffusion.mixture import MIXTURES, Mixture, mixture_of


@pytest.mark.parametrize("name", MIXTURES)
@pytest.mark.parametrize("noise", [0.1, 0.5])
def test_no_linear_change_of_the_denoiser_is_better_on_drawn_points(name, noise):
    # The mean given the noisy point is the projection: its error is uncorrelated with any function of that point.
    random = np.random.default_rng(3)
    clean = draw_points(name, random, 40_000).astype(float)
    noisy = clean + noise * random.standard_normal(clean.shape)
    found = mixture_of(name).denoise(noisy, noise)
    error = clean - found
    for function in (np.ones_like(noisy), noisy, noisy**3, found, np.sin(9 * noisy)):
        product = error * function
        assert np.abs(product.mean(axis=0)).max() < 5 * product.std(axis=0).max() / 200
    assert np.square(error).mean() < np.square(noisy - clean).mean()


def test_one_gaussian_has_a_linear_denoiser():
    points = np.array([[1.0, -2.0], [0.25, 3.0]])
    centre = np.array([[0.5, 1.0]])
    expected = (0.09 * points + 0.16 * centre) / 0.25
    assert Mixture(centre, 0.3).denoise(points, 0.4) == pytest.approx(expected)


def test_no_noise_changes_nothing_and_far_points_are_finite():
    points = np.array([[0.7, 0.0], [-40.0, 90.0]])
    mixture = mixture_of("8-gaussians")
    assert mixture.denoise(points, 0.0) == pytest.approx(points)
    assert np.isfinite(mixture.denoise(1e3 * points, 0.01)).all()


def test_other_sets_are_refused():
    with pytest.raises(OsccError) as caught:
        mixture_of("two-moon")
    assert str(caught.value).startswith("'two-moon' is no mixture of Gaussians")
    assert "two-moons" in str(caught.value)
