from __future__ import annotations

import math

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.models.dynamics.integrators import INTEGRATORS, even_steps, integrator_named


@pytest.mark.parametrize("method", INTEGRATORS.values(), ids=INTEGRATORS.keys())
def test_weights_of_a_method_add_up(method):
    assert math.fsum(method.weight) == pytest.approx(1.0, abs=1e-15)
    assert method.reach[0] == 0
    table = method.coefficients(np.array([0.5, 0.25]))
    assert table.shape == (2, len(method.weight), 2)
    np.testing.assert_allclose(table[1, :, 1], 0.25 * np.array(method.weight))


def test_unknown_method_is_refused():
    with pytest.raises(OsccError, match="'rk5' is not an integrator; did you mean 'rk4'") as caught:
        integrator_named("rk5")
    assert caught.value.code == "array.integrator"


@pytest.mark.parametrize(
    ("duration", "longest", "count"),
    [(1.0, 0.3, 4), (1.0, 0.25, 4), (2.0, 0.1, 20), (0.05, 1.0, 1), (1.0, 0.7, 2), (0.3, 0.1, 3)],
)
def test_even_steps(duration, longest, count):
    steps = even_steps(duration, longest)
    assert steps.tolist() == [pytest.approx(duration / count)] * count
    assert steps.max() <= longest * (1 + 1e-9)
