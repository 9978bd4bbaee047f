"""The weight word: where the codes of a cell stand in it, as sign-magnitude patterns; nothing else knows their order.

From bit 0 up: the coupling units in slot order, then SHIL, field and detuning. As an array, the codes of a cell are the
last axis, in the same order.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from oscc.core.groups import GROUPS, Groups
from oscc.core.spec import CoreSpec

FIELD_PLACE = 1
"""Place of the field code behind the coupling units."""

Code = TypeVar("Code", bound=np.generic)


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


def codes_per_cell(core: CoreSpec) -> int:
    """Return how many codes a weight word holds.

    Parameters
    ----------
    core : CoreSpec
    """
    return core.slots + len(GROUPS) - 1


def code_name(place: int, core: CoreSpec) -> str:
    """Return what a code of a word is called: ``slot 3``, or the name of its group.

    Parameters
    ----------
    place : int
        From 0 to `codes_per_cell` - 1.
    core : CoreSpec
    """
    return f"slot {place}" if place < core.slots else GROUPS[1 + place - core.slots]


def field_place(core: CoreSpec) -> tuple[int, int]:
    """Return the lowest bit of the field code in a word, and the bit behind its highest one.

    Parameters
    ----------
    core : CoreSpec
    """
    first = core.slots * core.coupling_dac.bits + core.shil_dac.bits
    return first, first + core.field_dac.bits


def split_word(codes: NDArray[Code], core: CoreSpec) -> Groups[NDArray[Code]]:
    """Return the codes of words by group.

    Parameters
    ----------
    codes : array[..., codes per cell]
    core : CoreSpec

    Returns
    -------
    Groups of array
        ``coupling`` [..., slots], the others [...].

    Raises
    ------
    ValueError
        When a word has not as many codes.
    """
    if codes.shape[-1] != codes_per_cell(core):
        raise ValueError(f"a word of {core.name} has {codes_per_cell(core)} codes, not {codes.shape[-1]}")
    shil, field, detuning = np.moveaxis(codes[..., core.slots :], -1, 0)
    return Groups(codes[..., : core.slots], shil, field, detuning)


def join_word(codes: Groups[NDArray[Code]]) -> NDArray[Code]:
    """Return the codes of words, array[..., codes per cell]: the inverse of `split_word`.

    Parameters
    ----------
    codes : Groups of array
    """
    return np.concatenate([codes.coupling, np.stack(codes.nodes(), axis=-1)], axis=-1)


def pack_words(
    codes: Groups[NDArray[np.int8]], core: CoreSpec, marked: NDArray[np.bool_] | None = None
) -> NDArray[np.uint8]:
    """Return the weight words of many cells, as little-endian bytes.

    Parameters
    ----------
    codes : Groups of int8
        ``coupling`` [..., slots], the others [...].
    core : CoreSpec
    marked : bool[...], optional
        Cells that take their field code from the input memory: their word holds minus zero in its place. Driven cores
        only.

    Returns
    -------
    uint8[..., word_beats * stream_width / 8]
        Each word padded with zeros to whole beats.

    Raises
    ------
    ValueError
        When a code does not fit its DAC, or cells of a core without inputs are marked.
    """
    if marked is not None and marked.any() and not core.driven:
        raise ValueError(f"{core.name} has no inputs: minus zero is not a code")
    size = core.word_beats * core.stream_width
    bits = np.zeros((*codes.shil.shape, size), dtype=np.uint8)
    low = 0
    for place, (code, width) in enumerate(zip(np.moveaxis(join_word(codes), -1, 0), _widths(core), strict=True)):
        pattern = to_sign_magnitude(code, width)
        if marked is not None and place == core.slots + FIELD_PLACE:
            pattern = np.where(marked, np.uint8(1 << (width - 1)), pattern)
        for bit in range(width):
            bits[..., low + bit] = (pattern >> bit) & 1
        low += width
    return np.packbits(bits, axis=-1, bitorder="little")


def unpack_words(words: NDArray[np.uint8], core: CoreSpec) -> Groups[NDArray[np.int8]]:
    """Return the codes of weight words: the inverse of `pack_words`.

    Parameters
    ----------
    words : uint8[..., n]
        Little-endian words of at least ``word_bits`` bits.
    core : CoreSpec

    Returns
    -------
    Groups of int8
        ``coupling`` [..., slots], the others [...]; the field code of a marked cell is 0.

    Raises
    ------
    ValueError
        When padding bits are set or a code is minus zero, but for the field code of a driven core.
    """
    bits = np.unpackbits(words, axis=-1, bitorder="little")
    if np.any(bits[..., core.word_bits :]):
        raise ValueError("padding bits of a weight word are set")
    patterns = word_patterns(bits, core)
    if core.driven:
        field = patterns[..., core.slots + FIELD_PLACE]
        field[field == 1 << (core.field_dac.bits - 1)] = 0
    codes = [from_sign_magnitude(patterns[..., place], width) for place, width in enumerate(_widths(core))]
    return split_word(np.stack(codes, axis=-1), core)


def marked_cells(words: NDArray[np.uint8], core: CoreSpec) -> NDArray[np.bool_]:
    """Return which words mark their cell: its field code comes from the input memory.

    Parameters
    ----------
    words : uint8[..., n]
        As `pack_words` gives them.
    core : CoreSpec

    Returns
    -------
    bool[...]
    """
    if not core.driven:
        return np.zeros(words.shape[:-1], dtype=np.bool_)
    patterns = word_patterns(np.unpackbits(words, axis=-1, bitorder="little"), core)
    return np.asarray(patterns[..., core.slots + FIELD_PLACE] == 1 << (core.field_dac.bits - 1), dtype=np.bool_)


def word_patterns(bits: NDArray[np.uint8], core: CoreSpec) -> NDArray[np.uint8]:
    """Return the bit patterns of the codes of many cells, uint8[..., codes per cell].

    Parameters
    ----------
    bits : uint8[..., n]
        Bits of a word, the lowest first; at least ``word_bits`` of them.
    core : CoreSpec
    """
    patterns, low = [], 0
    for width in _widths(core):
        weights = (1 << np.arange(width)).astype(np.uint8)
        patterns.append((bits[..., low : low + width] * weights).sum(axis=-1, dtype=np.uint8))
        low += width
    return np.stack(patterns, axis=-1)


def pattern_values(patterns: NDArray[np.uint8], core: CoreSpec) -> Groups[NDArray[np.int8]]:
    """Return what the DACs make of bit patterns; minus zero, which is illegal, acts as zero.

    Parameters
    ----------
    patterns : uint8[..., codes per cell]
        As `word_patterns` gives them.
    core : CoreSpec

    Returns
    -------
    Groups of int8
        ``coupling`` [..., slots], the others [...].
    """
    widths = np.array(_widths(core), dtype=np.uint8)
    magnitude = (patterns & ((1 << (widths - 1)) - 1)).astype(np.int8)
    values: NDArray[np.int8] = np.where((patterns >> (widths - 1)) & 1, -magnitude, magnitude).astype(np.int8)
    return split_word(values, core)


def _widths(core: CoreSpec) -> list[int]:
    """Return the widths of the codes in a word, from bit 0 up."""
    return [core.coupling_dac.bits] * core.slots + [dac.bits for dac in core.dacs.nodes()]
