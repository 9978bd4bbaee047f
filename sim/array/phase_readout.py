"""The phase read-out, behaviourally: what the latches of the array take, and what a code means.

Whoever checks the read-out compares two computations: the tap bits, made from cosines and decoded by the Johnson table,
and the expected codes, made from the phase itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from oscc.core.johnson import combine_subphases, johnson_table
from oscc.core.spec import CoreSpec


def readable_cells(grid: NDArray[Any], core: CoreSpec) -> NDArray[Any]:
    """Return the readable cells of a grid, [frame rows, frame cols, ...].

    Parameters
    ----------
    grid : array[rows, cols, ...]
    core : CoreSpec
    """
    (row0, col0), (drow, dcol) = core.readout.origin, core.readout.step
    return grid[row0::drow, col0::dcol]


def tap_bits(theta: NDArray[Any], core: CoreSpec) -> NDArray[np.bool_]:
    """Return latched bits: sign(cos(theta + pi k / taps + pi s / (taps subphases))) of tap k in sub-phase s.

    A phase exactly on the edge of a step, to which noise gives no chance, may thereby count as the step below.

    Parameters
    ----------
    theta : float[...]
        Phases [rad].
    core : CoreSpec

    Returns
    -------
    bool[..., subphases, taps]
        True where the cosine is not negative.
    """
    taps, subphases = core.readout.taps, core.readout.subphases
    shift = np.pi * np.arange(taps) / taps + np.pi * np.arange(subphases)[:, None] / (taps * subphases)
    bits: NDArray[np.bool_] = np.cos(np.asarray(theta, dtype=np.float64)[..., None, None] + shift) >= 0
    return bits


def decode_taps(bits: NDArray[np.bool_], core: CoreSpec) -> NDArray[np.int64]:
    """Return read-out codes of latched bits: the Johnson table per sub-phase, then their combination.

    Parameters
    ----------
    bits : bool[..., subphases, taps]
    core : CoreSpec

    Returns
    -------
    int64[...]
        0 to phase_steps - 1.
    """
    taps = core.readout.taps
    words = (bits.astype(np.int64) << np.arange(taps)).sum(axis=-1)
    return combine_subphases(np.array(johnson_table(taps))[words], taps)


def expected_codes(theta: NDArray[Any], core: CoreSpec) -> NDArray[np.int64]:
    """Return read-out codes by definition: floor(steps theta / 2 pi) mod steps.

    Parameters
    ----------
    theta : float[...]
        Phases [rad].
    core : CoreSpec
    """
    steps = core.readout.phase_steps
    turned = np.floor(np.asarray(theta, dtype=np.float64) * (steps / (2 * np.pi)))
    return turned.astype(np.int64) % steps


def code_to_phase(code: NDArray[Any], core: CoreSpec) -> NDArray[np.float64]:
    """Return the phase that a code stands for: the middle of its step [rad], within 0 and 2 pi.

    Parameters
    ----------
    code : int[...]
    core : CoreSpec
    """
    return (np.asarray(code, dtype=np.float64) + 0.5) * (2 * np.pi / core.readout.phase_steps)


def code_to_pixel(code: NDArray[Any], core: CoreSpec) -> NDArray[np.float64]:
    """Return the pixel that a code stands for: the cosine of its phase, within -1 and 1.

    Parameters
    ----------
    code : int[...]
    core : CoreSpec
    """
    return np.cos(code_to_phase(code, core))


def pack_taps(bits: NDArray[np.bool_]) -> int:
    """Return latched bits as a word: those of one readable row as on the tap bus, or rows one above the other.

    Parameters
    ----------
    bits : bool[..., frame cols, subphases, taps]
        The first row is in the lowest bits. In a row, column j occupies taps x subphases bits from bit
        j taps subphases upwards, in it sub-phase s occupies taps bits from bit s taps upwards, and in those tap k is
        bit k.
    """
    return int.from_bytes(np.packbits(bits.ravel(), bitorder="little").tobytes(), "little")
