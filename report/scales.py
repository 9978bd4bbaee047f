"""Classes of values: what a map's colours mean, the same in the page and in the pictures.

A class is a number from 0 (nothing) to `OVER` (more than there is). Colours differ in lightness from class to class, so
that they stay apart for every kind of colour vision and in grey; `OVER` has another hue besides, and `NONE` is hatched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NONE = -1
"""Class of what has no value: a cell without a node, a dead cell."""

STEPS = 6
"""Classes from nothing (0) to full (5)."""

FULL = STEPS - 1
OVER = STEPS
"""Class of what is beyond its limit."""

LIGHT = ("#eef2f6", "#cfe1f2", "#93c3df", "#4b97c9", "#1c64a5", "#08306b", "#d55e00")
"""Colours of classes 0 to 6 on a light page (single-hue blues; vermilion of the palette of Okabe and Ito)."""

DARK = ("#20282f", "#17405f", "#1f6296", "#3f8cc4", "#86bee3", "#dcebf7", "#ff9245")
"""Colours of classes 0 to 6 on a dark page."""


@dataclass(frozen=True, eq=False)
class Classes:
    """Values sorted into classes.

    Parameters
    ----------
    index : int8[...]
        The class of each value.
    legend : tuple of (int, str)
        Classes that can occur, and what each says, from the lowest up.
    """

    index: NDArray[np.int8]
    legend: tuple[tuple[int, str], ...]

    def counted(self) -> list[tuple[int, str, int]]:
        """Return the legend with the number of values in each class; `OVER` and `NONE` only where they occur."""
        counts = [(step, text, int(np.count_nonzero(self.index == step))) for step, text in self.legend]
        return [entry for entry in counts if entry[2] or entry[0] not in (OVER, NONE)]


def classify(values: NDArray[np.integer], limit: int, unit: str, none: str = "") -> Classes:
    """Sort values into five equal steps up to a limit, with classes of their own for zero, the limit and beyond.

    Parameters
    ----------
    values : int[...]
        Negative values are `NONE`.
    limit : int
        What there is; at least 0.
    unit : str
        Of the values, for the legend.
    none : str
        What a negative value means, for the legend.
    """
    limit = max(limit, 1)
    # Values 1 to limit - 1 in FULL - 1 steps; small limits leave some of them empty, and those have no legend.
    table = np.zeros(limit + 1, dtype=np.int8)
    inner = np.arange(1, limit)
    table[1:limit] = 1 + (inner - 1) * (FULL - 1) // max(limit - 1, 1)
    table[limit] = FULL
    index = np.where(values > limit, OVER, table[np.clip(values, 0, limit)])
    legend: list[tuple[int, str]] = [(NONE, none)] if none else []
    for step in range(STEPS):
        members = np.flatnonzero(table == step)
        if members.size:
            low, high = int(members[0]), int(members[-1])
            span = f"{low}" if low == high else f"{low} to {high}"
            legend.append((step, f"{span} {unit}" + (" (all)" if step == FULL else "")))
    legend.append((OVER, f"more than {limit} {unit}"))
    return Classes(np.where(values < 0, NONE, index).astype(np.int8), tuple(legend))
