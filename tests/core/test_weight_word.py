from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.passes.quantize import quantize_values
from oscc.core.spec import CoreSpec, DacSpec
from oscc.core.weight_word import (
    from_sign_magnitude,
    pack_words,
    pattern_values,
    to_sign_magnitude,
    unpack_words,
    word_patterns,
)

MakeCore = Callable[..., CoreSpec]


def nearest_code(value: Fraction, dac: DacSpec) -> int:
    """By exhaustion, in exact arithmetic: nearest, ties to even, then to the one nearer to zero."""
    top = 2 ** (dac.bits - 1) - 1
    allowed = [code for code in range(-top, top + 1) if code not in dac.forbidden]
    return min(allowed, key=lambda code: (abs(min(max(value, -top), top) - code), code % 2, abs(code), code))


@settings(max_examples=300, deadline=None)
@given(
    bits=st.integers(2, 8),
    halves=st.lists(st.integers(-600, 600), min_size=1, max_size=20),
    forbidden=st.sets(st.integers(-127, 127).filter(bool), max_size=6),
)
def test_quantize_is_the_nearest_allowed_code(bits: int, halves: list[int], forbidden: set[int]) -> None:
    top = 2 ** (bits - 1) - 1
    dac = DacSpec(
        bits=bits, full_scale_rad_s=1.0, forbidden=tuple(sorted(code for code in forbidden if abs(code) <= top))
    )
    # Quarters of a step: every second one is a tie, and all are exact in float64.
    values = np.array(halves) / 4
    codes = quantize_values(values * 0.5, 0.5, dac)
    assert codes.dtype == np.int8
    assert codes.tolist() == [nearest_code(Fraction(half, 4), dac) for half in halves]


def test_ties_go_to_even_and_ends_saturate() -> None:
    dac = DacSpec(bits=4, full_scale_rad_s=1.0)
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 6.5, 7.49, 7.5, 1e30, -1e30])
    assert quantize_values(values, 1.0, dac).tolist() == [0, 2, 2, 0, -2, 6, 7, 7, 7, -7]


def test_ties_between_distant_codes_go_to_even_and_then_towards_zero() -> None:
    dac = DacSpec(bits=4, full_scale_rad_s=1.0, forbidden=(-6, -3, -2, 2, 3))
    # Half-way between 1 and 4, between -4 and -1, and between -7 and -5.
    assert quantize_values(np.array([2.5, -2.5, -6.0]), 1.0, dac).tolist() == [4, -4, -5]


def test_lsb_broadcasts_over_chunks() -> None:
    dac = DacSpec(bits=4, full_scale_rad_s=1.0)
    codes = quantize_values(np.ones((2, 3)), np.array([[1.0], [0.25]]), dac)
    assert codes.tolist() == [[1, 1, 1], [4, 4, 4]]


@pytest.mark.parametrize("bits", range(2, 9))
def test_sign_magnitude_of_every_code(bits: int) -> None:
    top = 2 ** (bits - 1) - 1
    codes = np.arange(-top, top + 1).astype(np.int8)
    patterns = to_sign_magnitude(codes, bits)
    assert patterns.tolist() == [abs(code) + (2 ** (bits - 1) if code < 0 else 0) for code in codes.tolist()]
    assert from_sign_magnitude(patterns, bits).tolist() == codes.tolist()


def test_sign_magnitude_never_wraps() -> None:
    with pytest.raises(ValueError, match=r"^codes reach 8, but 4 bits end at 7$"):
        to_sign_magnitude(np.array([3, -8], dtype=np.int8), 4)
    with pytest.raises(ValueError, match=r"^codes reach 128, but 8 bits end at 127$"):
        to_sign_magnitude(np.array([-128], dtype=np.int8), 8)


def test_minus_zero_is_illegal() -> None:
    with pytest.raises(ValueError, match=r"^minus zero is not a code$"):
        from_sign_magnitude(np.array([0b0001, 0b1000], dtype=np.uint8), 4)


def random_codes(core: CoreSpec, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    widths = [core.coupling_dac.bits] * core.slots + [
        d.bits for d in (core.shil_dac, core.field_dac, core.detuning_dac)
    ]
    tops = np.array([2 ** (width - 1) - 1 for width in widths])
    return rng.integers(-tops, tops + 1, (*shape, len(widths))).astype(np.int8)


def word_by_hand(codes: list[int], core: CoreSpec) -> int:
    widths = [core.coupling_dac.bits] * core.slots + [
        d.bits for d in (core.shil_dac, core.field_dac, core.detuning_dac)
    ]
    word, low = 0, 0
    for code, width in zip(codes, widths, strict=True):
        word |= (abs(code) | ((code < 0) << (width - 1))) << low
        low += width
    return word


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"stream_width": 32},
        {"stream_width": 128, "stencil": "king"},
        {"coupling_dac": {"bits": 3}, "shil_dac": {"bits": 8}, "field_dac": {"bits": 2}, "detuning_dac": {"bits": 5}},
    ],
)
def test_words_hold_slot_codes_first_and_pad_to_whole_beats(changes: dict[str, object], make_core: MakeCore) -> None:
    core = make_core(**changes)
    codes = random_codes(core, (5, 3), seed=1)
    words = pack_words(codes, core)
    assert words.shape == (5, 3, core.word_beats * core.stream_width // 8)
    for index in np.ndindex(5, 3):
        expected = word_by_hand(codes[index].tolist(), core)
        assert int.from_bytes(words[index].tobytes(), "little") == expected
    np.testing.assert_array_equal(unpack_words(words, core), codes)


def test_unpack_refuses_padding_and_minus_zero(tiny_core: CoreSpec) -> None:
    words = pack_words(random_codes(tiny_core, (2,), seed=2), tiny_core)
    padded = words.copy()
    padded[1, -1] |= 0x80
    with pytest.raises(ValueError, match="padding bits"):
        unpack_words(padded, tiny_core)
    minus_zero = words.copy()
    minus_zero[0, 0] = 0x08
    with pytest.raises(ValueError, match="minus zero"):
        unpack_words(minus_zero, tiny_core)


def test_pattern_values_are_the_codes_and_minus_zero_acts_as_zero(make_core: MakeCore) -> None:
    core = make_core(coupling_dac={"bits": 3}, shil_dac={"bits": 8})
    codes = random_codes(core, (6,), seed=3)
    bits = np.unpackbits(pack_words(codes, core), axis=-1, bitorder="little")
    patterns = word_patterns(bits, core)
    np.testing.assert_array_equal(pattern_values(patterns, core), codes)
    patterns = np.zeros_like(patterns)
    patterns[:, 0], patterns[:, core.slots] = 0b100, 0x80
    assert not pattern_values(patterns, core).any()
