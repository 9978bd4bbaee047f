"""The Johnson code of the phase read-out: the decode table and the sub-phase formula.

A tap word of T bits has bit k = sign(cos(phi + pi k / T)). As phi turns once, it walks through 2 T words.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray


@cache
def johnson_words(taps: int) -> tuple[int, ...]:
    """Return the tap word of each step c, phi in [pi c / T, pi (c + 1) / T).

    Bit k of it is 1 where (c + k) mod 2T lies in the half turn around 0, that is, below T/2 or from 3T/2 on.

    Parameters
    ----------
    taps : int
        T, an even number.
    """
    turn = 2 * taps
    words = []
    for step in range(turn):
        bits = [(step + tap) % turn < taps // 2 or (step + tap) % turn >= turn - taps // 2 for tap in range(taps)]
        words.append(sum(1 << tap for tap, bit in enumerate(bits) if bit))
    return tuple(words)


@cache
def johnson_table(taps: int) -> tuple[int, ...]:
    """Return the step of every tap word: the nearest legal word in Hamming distance, ties to the lower step.

    A flipped bit with at least two taps between it and both edges of the word is thereby restored. With one tap it is a
    tie with the word two steps on; at an edge it gives the neighbouring word. The table is what specifies the decoder.

    Parameters
    ----------
    taps : int

    Returns
    -------
    tuple of int
        2^taps steps, each below 2 taps.
    """
    words = johnson_words(taps)
    return tuple(
        min(range(len(words)), key=lambda step: ((words[step] ^ given).bit_count(), step)) for given in range(2**taps)
    )


def combine_subphases(steps: NDArray[np.integer], taps: int) -> NDArray[np.int64]:
    """Compute the read-out code from the steps of all sub-phases.

    code = S c_0 + sum_s ((c_s - c_0 + T) mod 2T - T), mod 2 T S. Each sub-phase advances at most one step beyond c_0;
    the sum counts how many did. Summing the steps as they are would be wrong where one of them passes 0.

    Parameters
    ----------
    steps : int[..., S]
        Step of each sub-phase.
    taps : int
        T.

    Returns
    -------
    int64[...]
    """
    wide = np.asarray(steps, dtype=np.int64)
    subphases = wide.shape[-1]
    first = wide[..., :1]
    ahead = (wide - first + taps) % (2 * taps) - taps
    code: NDArray[np.int64] = (subphases * wide[..., 0] + ahead.sum(axis=-1)) % (2 * taps * subphases)
    return code
