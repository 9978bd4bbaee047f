"""When an array is at rest, by definition: what the looks of a settle find, and what feedback makes of a sample.

Whoever checks the gateware compares it with these functions, which share nothing with it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

RESTING_LOOKS = 2
"""Looks in a row that must find the array at rest."""


def moved_cells(
    before: NDArray[np.integer], now: NDArray[np.integer], watched: NDArray[np.bool_], tolerance: int, steps: int
) -> int:
    """Return how many watched cells moved from one look to the next, the shorter way round the circle.

    Parameters
    ----------
    before, now : int[rows, cols]
        Read-out codes of the two looks, 0 to ``steps`` - 1.
    watched : bool[rows, cols]
    tolerance : int
        Steps by which a cell may differ and not have moved.
    steps : int
        Read-out codes of a turn.
    """
    turned = (now.astype(np.int64) - before.astype(np.int64)) % steps
    distance = np.minimum(turned, steps - turned)
    return int(np.count_nonzero(watched & (distance > tolerance)))


def looks_until_rest(moved: Iterable[int], allowed: int) -> int:
    """Return the look after which a settle ends because the array rests; 0 where no look finds it at rest.

    Parameters
    ----------
    moved : iterable of int
        What the second look and each later one found moved, against the look before it; the first look has none.
    allowed : int
        Cells that may have moved in an array at rest.
    """
    resting = 0
    for look, count in enumerate(moved, start=2):
        resting = resting + 1 if count <= allowed else 0
        if resting == RESTING_LOOKS:
            return look
    return 0


def feed_back(
    vector: NDArray[np.uint8], frame: NDArray[np.integer], pixel: NDArray[np.int32], table: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return an input vector after a feed of feedback.

    Parameters
    ----------
    vector : uint8[I]
        Field codes before it, sign-magnitude.
    frame : int[frame rows, frame cols]
        Read-out codes of the last sample.
    pixel : int32[I, 2]
        (row, column) in the frame of what is fed back to each input; -1 where nothing is.
    table : uint8[steps]
        Field code for each read-out code.

    Returns
    -------
    uint8[I]
        Inputs to which nothing is fed back keep their codes.
    """
    fed = pixel[:, 0] >= 0
    codes = vector.copy()
    codes[fed] = table[frame[pixel[fed, 0], pixel[fed, 1]]]
    return codes
