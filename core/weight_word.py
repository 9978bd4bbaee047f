"""Sign-magnitude DAC codes: rounding, packing into weight words and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oscc.core.spec import GROUPS, CoreSpec


def to_sign_magnitude(codes: NDArray[np.int8], bits: int) -> NDArray[np.uint8]:
    """Return signed codes as bit patterns: sign in bit ``bits - 1``, magnitude below.

    Parameters
    ----------
    codes : int8[...]
        Within -(2^(bits - 1) - 1) .. 2^(bits - 1) - 1.
    bits : int

    Raises
    ------
    ValueError
        When a code does not fit: nothing ever wraps.
    """
    top = 2 ** (bits - 1) - 1
    wide = codes.astype(np.int16)
    if np.any(np.abs(wide) > top):
        raise ValueError(f"codes reach {int(np.abs(wide).max())}, but {bits} bits end at {top}")
    patterns: NDArray[np.uint8] = (np.abs(wide) | ((wide < 0).astype(np.int16) << (bits - 1))).astype(np.uint8)
    return patterns


def from_sign_magnitude(patterns: NDArray[np.uint8], bits: int) -> NDArray[np.int8]:
    """Return the signed codes of bit patterns: the inverse of `to_sign_magnitude`.

    Raises
    ------
    ValueError
        On minus zero, which is illegal.
    """
    sign = (patterns >> (bits - 1)) & 1
    magnitude = (patterns & (2 ** (bits - 1) - 1)).astype(np.int16)
    if np.any((sign == 1) & (magnitude == 0)):
        raise ValueError("minus zero is not a code")
    codes: NDArray[np.int8] = np.where(sign == 1, -magnitude, magnitude).astype(np.int8)
    return codes


def _field_widths(core: CoreSpec) -> list[int]:
    """Return the widths of the codes in a word, from bit 0 up: the slots, then SHIL, field, detuning."""
    return [core.coupling_dac.bits] * core.slots + [core.dac(group).bits for group in GROUPS[1:]]


def pack_words(codes: NDArray[np.int8], core: CoreSpec) -> NDArray[np.uint8]:
    """Return the weight words of many cells, as little-endian bytes.

    Parameters
    ----------
    codes : int8[..., slots + 3]
        Slot codes, then SHIL, field and detuning.
    core : CoreSpec

    Returns
    -------
    uint8[..., word_beats * stream_width / 8]
        Each word padded with zeros to whole beats.
    """
    widths = _field_widths(core)
    size = core.word_beats * core.stream_width
    bits = np.zeros((*codes.shape[:-1], size), dtype=np.uint8)
    low = 0
    for position, width in enumerate(widths):
        pattern = to_sign_magnitude(codes[..., position], width)
        for bit in range(width):
            bits[..., low + bit] = (pattern >> bit) & 1
        low += width
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack_words(words: NDArray[np.uint8], core: CoreSpec) -> NDArray[np.int8]:
    """Return the codes of weight words, int8[..., slots + 3]: the inverse of `pack_words`.

    Parameters
    ----------
    words : uint8[..., n]
        Little-endian words of at least ``word_bits`` bits.
    core : CoreSpec

    Raises
    ------
    ValueError
        When padding bits are set or a code is minus zero.
    """
    bits = np.unpackbits(words, axis=-1, bitorder="little")
    if np.any(bits[..., core.word_bits :]):
        raise ValueError("padding bits of a weight word are set")
    patterns = word_patterns(bits, core)
    codes = [from_sign_magnitude(patterns[..., i], width) for i, width in enumerate(_field_widths(core))]
    return np.stack(codes, axis=-1)


def word_patterns(bits: NDArray[np.uint8], core: CoreSpec) -> NDArray[np.uint8]:
    """Return the bit patterns of the codes of many cells, uint8[..., slots + 3].

    Parameters
    ----------
    bits : uint8[..., n]
        Bits of a word, the lowest first; at least ``word_bits`` of them.
    core : CoreSpec
    """
    patterns, low = [], 0
    for width in _field_widths(core):
        weights = (1 << np.arange(width)).astype(np.uint8)
        patterns.append((bits[..., low : low + width] * weights).sum(axis=-1, dtype=np.uint8))
        low += width
    return np.stack(patterns, axis=-1)


def pattern_values(patterns: NDArray[np.uint8], core: CoreSpec) -> NDArray[np.int8]:
    """Return what the DACs make of bit patterns, int8[..., slots + 3]; minus zero, which is illegal, acts as zero.

    Parameters
    ----------
    patterns : uint8[..., slots + 3]
        As `word_patterns` gives them.
    core : CoreSpec
    """
    widths = np.array(_field_widths(core), dtype=np.uint8)
    magnitude = (patterns & ((1 << (widths - 1)) - 1)).astype(np.int8)
    return np.where((patterns >> (widths - 1)) & 1, -magnitude, magnitude).astype(np.int8)
