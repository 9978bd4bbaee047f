from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from oscc.base.errors import OsccError
from oscc.models.dynamics.sincos import sincos, sincos_constants


@pytest.mark.parametrize(("dtype", "reach"), [(np.float32, 1e4), (np.float64, 1e6)])
def test_sincos_is_good_to_a_unit_in_the_last_place_of_one(dtype, reach):
    constants = sincos_constants(np.dtype(dtype))
    rng = np.random.default_rng(0)
    angles = np.concatenate([rng.uniform(-10, 10, 3000), rng.uniform(-reach, reach, 3000)]).astype(dtype)
    found = np.array([sincos(angle, constants) for angle in angles], dtype=np.longdouble)
    exact = np.stack([np.sin(angles.astype(np.longdouble)), np.cos(angles.astype(np.longdouble))], axis=-1)
    assert np.abs(found - exact).max() < np.finfo(dtype).eps


@settings(max_examples=300, deadline=None)
@given(quarter=st.integers(-4000, 4000), off=st.floats(-0.8, 0.8))
def test_sincos_knows_its_quadrant(quarter, off):
    angle = np.float64(quarter * math.pi / 2 + off)
    found = sincos(angle, sincos_constants(np.dtype(np.float64)))
    assert found == pytest.approx((math.sin(angle), math.cos(angle)), abs=3e-16)


def test_other_dtypes_are_refused():
    with pytest.raises(OsccError, match="phases cannot be int32; accepted: float32, float64"):
        sincos_constants(np.dtype(np.int32))


@njit(fastmath=True)
def _within_a_fast_kernel(angles, constants, found):
    for i in range(angles.shape[0]):
        found[i] = sincos(angles[i], constants)[0]


def test_a_kernel_with_fast_math_does_not_spoil_it():
    angles = np.linspace(-20, 20, 1001)
    found = np.empty_like(angles)
    _within_a_fast_kernel(angles, sincos_constants(angles.dtype), found)
    np.testing.assert_allclose(found, np.sin(angles), atol=3e-16)
