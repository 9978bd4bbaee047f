"""Sine and cosine as kernels that LLVM turns into vector instructions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from oscc.base.errors import OsccError
from oscc.base.kernels import kernel


class SincosConstants(NamedTuple):
    """Constants of `sincos` in one precision; a plain literal in a kernel would make everything double.

    Parameters
    ----------
    one, half, quarter, four : float
        Numbers of that name.
    turns : float
        2 / pi: quarter turns per radian.
    rounder : float
        1.5 x 2^(bits of the fraction): adding it and taking it away again rounds to the nearest integer.
    right_angle : tuple of float
        pi / 2 in three parts, the first two so short that their product with a count of turns is exact.
    sine, cosine : tuple of float
        Polynomials in r^2, highest power first.
    """

    one: Any
    half: Any
    quarter: Any
    four: Any
    turns: Any
    rounder: Any
    right_angle: tuple[Any, ...]
    sine: tuple[Any, ...]
    cosine: tuple[Any, ...]


def _constants(
    dtype: type[np.floating[Any]],
    fraction_bits: int,
    right_angle: tuple[float, ...],
    sine: tuple[float, ...],
    cosine: tuple[float, ...],
) -> SincosConstants:
    return SincosConstants(
        one=dtype(1.0),
        half=dtype(0.5),
        quarter=dtype(0.25),
        four=dtype(4.0),
        turns=dtype(2 / np.pi),
        rounder=dtype(1.5 * 2**fraction_bits),
        right_angle=tuple(dtype(value) for value in right_angle),
        sine=tuple(dtype(value) for value in sine),
        cosine=tuple(dtype(value) for value in cosine),
    )


# Right angle and polynomials: double from fdlibm (e_rem_pio2.c) and Cephes (sin.c), single from Cephes (sinf.c).
_CONSTANTS = {
    np.dtype(np.float64): _constants(
        np.float64,
        52,
        (1.57079632673412561417, 6.07710050630396597660e-11, 2.02226624871116645580e-21),
        (
            1.58962301576546568060e-10,
            -2.50507477628578072866e-8,
            2.75573136213857245213e-6,
            -1.98412698295895385996e-4,
            8.33333333332211858878e-3,
            -1.66666666666666307295e-1,
        ),
        (
            -1.13585365213876817300e-11,
            2.08757008419747316778e-9,
            -2.75573141792967388112e-7,
            2.48015872888517045348e-5,
            -1.38888888888730564116e-3,
            4.16666666666665929218e-2,
        ),
    ),
    np.dtype(np.float32): _constants(
        np.float32,
        23,
        (1.5703125, 4.837512969970703125e-4, 7.549789948768648e-8),
        (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1),
        (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2),
    ),
}


def sincos_constants(dtype: np.dtype[Any]) -> SincosConstants:
    """Return the constants that the kernels need for phases of a dtype.

    Parameters
    ----------
    dtype : numpy.dtype
        float32 or float64.

    Raises
    ------
    OsccError
        ``array.dtype`` for any other.
    """
    if dtype not in _CONSTANTS:
        raise OsccError("array.dtype", f"phases cannot be {dtype}; accepted: float32, float64")
    return _CONSTANTS[dtype]


# Kernels with fast-math options would hand them on to what they call, and rounding by adding a number and taking it
# away again would be optimised away: hence an explicit False.
@kernel(nogil=True, fastmath=False)
def _polynomial(z, coefficients):  # type: ignore[no-untyped-def]
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = value * z + coefficient
    return value


@kernel(nogil=True, fastmath=False)
def sincos(x, constants):  # type: ignore[no-untyped-def]
    """Return sine and cosine of a phase, in a form that LLVM turns into vector instructions; library calls are not.

    The argument is reduced to within pi / 4 of the nearest multiple of pi / 2 (Cody and Waite), where two polynomials
    apply; the quadrant decides which is which and the signs. The absolute error is below one unit in the last place of
    1 for phases up to 10^4 rad (float32) or 10^6 rad (float64), which no run approaches.

    Parameters
    ----------
    x : float
        [rad]
    constants : SincosConstants
        Of the precision of ``x``.
    """
    k = constants
    turns = (x * k.turns + k.rounder) - k.rounder
    r = ((x - turns * k.right_angle[0]) - turns * k.right_angle[1]) - turns * k.right_angle[2]
    z = r * r
    sine = r + r * z * _polynomial(z, k.sine)
    cosine = k.one - k.half * z + z * z * _polynomial(z, k.cosine)
    # -2 to 2; -2 and 2 are the same quadrant.
    quadrant = turns - k.four * ((turns * k.quarter + k.rounder) - k.rounder)
    odd = abs(quadrant) == k.one
    first = cosine if odd else sine
    second = sine if odd else cosine
    return (
        -first if quadrant < -k.half or quadrant > k.one else first,
        -second if quadrant > k.half or quadrant < -k.one else second,
    )
