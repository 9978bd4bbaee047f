"""Numbers as a person writes them: few digits, and no exponent where none is needed."""

from __future__ import annotations

import math

PLAIN_FROM, PLAIN_TO = 1e-4, 1e9
"""Sizes that are written without an exponent."""

LEAST_PERCENT = 0.001
"""Percent below which it no longer matters how much it is."""


def short(value: float, digits: int = 3) -> str:
    """Return a number with few significant digits, such as ``1,230``, ``0.5`` or ``1.2e-07``.

    Parameters
    ----------
    value : float
    digits : int
        Significant digits at most; of a whole part that has more the rest is 0.
    """
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = float(f"{value:.{digits}g}")
    if not PLAIN_FROM <= abs(rounded) < PLAIN_TO:
        return f"{rounded:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    text = f"{rounded:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def percent(part: float) -> str:
    """Return a part as percent, without the sign: ``100``, ``22``, ``3.1``, ``0.05`` or ``less than 0.001``.

    Parameters
    ----------
    part : float
        Of 1; not negative.
    """
    value = 100 * part
    if 0 < value < LEAST_PERCENT:
        return f"less than {LEAST_PERCENT:g}"
    return short(value, 3 if value >= 100 else 2)


def ratio(most: float, least: float) -> str:
    """Return how one number compares with a smaller one, such as ``1,000 : 1``.

    Parameters
    ----------
    most, least : float
        Positive.
    """
    return f"{short(most / least)} : 1"
