"""What readers of problem files share: their numbers, and what they say of a fault."""

from __future__ import annotations

import math

from oscc.compiler.errors import OsccError

MOST_SPINS = 512 * 512
"""Cells of the largest core that there can be: a larger problem is refused before anything of its size is made."""


def fault(code: str, message: str, where: str, hint: str = "") -> OsccError:
    """The error of a malformed file.

    Parameters
    ----------
    code : str
        Such as ``gset``.
    message, where, hint : str
    """
    return OsccError(f"problem.{code}", message, where=where, hint=hint)


def as_whole(word: str) -> int | None:
    """A word as a whole number without sign and of at most 18 digits; None when it is none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 18 else None


def as_number(word: str) -> float | None:
    """A word as a finite number in decimal digits; None when it is none."""
    if not word.isascii() or "_" in word:
        # Python's own float takes these, files do not mean them.
        return None
    try:
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
