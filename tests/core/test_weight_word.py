from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oscc.compiler.passes.quantize import quantize_values
from oscc.core.groups import GROUPS, Groups
from oscc.core.spec import CoreSpec, DacSpec
from oscc.core.weight_word import (
    code_name,
    codes_per_cell,
    field_place,
    from_sign_magnitude,
    join_word,
    pack_words,
    pattern_values,
    split_word,
    to_sign_magnitude,
    unpack_words,
    word_patterns,
)

MakeCore = Callable[..., CoreSpec]

CORES = tuple(product(("box-2", "king"), ("directed", "reciprocal")))
CELLS = ((0, 1, 2), (3, 4, 5))


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


WIDTHS = {"coupling_dac": {"bits": 3}, "shil_dac": {"bits": 8}, "field_dac": {"bits": 2}, "detuning_dac": {"bits": 5}}
"""Another width for every group: a code of one that is taken for one of another does not go unnoticed."""


def random_codes(core: CoreSpec, shape: tuple[int, ...], seed: int) -> Groups[NDArray[np.int8]]:
    rng = np.random.default_rng(seed)

    def draw(dac: DacSpec, *last: int) -> NDArray[np.int8]:
        top = 2 ** (dac.bits - 1) - 1
        return rng.integers(-top, top + 1, (*shape, *last)).astype(np.int8)

    return Groups(
        draw(core.coupling_dac, core.slots), draw(core.shil_dac), draw(core.field_dac), draw(core.detuning_dac)
    )


def assert_same(found: Groups[NDArray[np.int8]], expected: Groups[NDArray[np.int8]]) -> None:
    for group in ("coupling", "shil", "field", "detuning"):
        assert found[group].dtype == np.int8
        np.testing.assert_array_equal(found[group], expected[group], err_msg=group)


def codes_by_hand(codes: Groups[NDArray[np.int8]], cell: tuple[int, ...]) -> list[int]:
    """The codes of a cell, from bit 0 of its word up, as documented."""
    nodes = (codes.shil, codes.field, codes.detuning)
    return [*codes.coupling[cell].tolist(), *(int(node[cell]) for node in nodes)]


def bits_by_hand(codes: Groups[NDArray[np.int8]], cell: tuple[int, ...], core: CoreSpec) -> list[int]:
    """The bits of the word of a cell, the lowest first: of every code its magnitude, then its sign."""
    widths = [core.coupling_dac.bits] * core.slots
    widths += [core.shil_dac.bits, core.field_dac.bits, core.detuning_dac.bits]
    bits: list[int] = []
    for code, width in zip(codes_by_hand(codes, cell), widths, strict=True):
        bits += [int(digit) for digit in reversed(f"{abs(code):0{width - 1}b}")] + [int(code < 0)]
    assert len(bits) == core.word_bits
    return bits


@pytest.mark.parametrize(
    "changes", [{}, {"stream_width": 32}, {"stream_width": 128, "stencil": "king"}, WIDTHS, {"couplings": "reciprocal"}]
)
def test_words_hold_slot_codes_first_and_pad_to_whole_beats(changes: dict[str, object], make_core: MakeCore) -> None:
    core = make_core(**changes)
    codes = random_codes(core, (5, 3), seed=1)
    words = pack_words(codes, core)
    assert words.dtype == np.uint8
    assert words.shape == (5, 3, core.word_beats * core.stream_width // 8)
    for cell in np.ndindex(5, 3):
        bits = bits_by_hand(codes, cell, core)
        expected = sum(bit << place for place, bit in enumerate(bits))
        assert int.from_bytes(words[cell].tobytes(), "little") == expected
    assert_same(unpack_words(words, core), codes)


def test_one_code_moves_the_bits_of_its_place_only(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(grid=[4, 4], stencil="king", **WIDTHS)
    # 8 slots of 3 bits, then 8, 2 and 5.
    places: list[tuple[str, tuple[int, ...], int, int]] = [("coupling", (slot,), 3 * slot, 3) for slot in range(8)]
    places += [("shil", (), 24, 8), ("field", (), 32, 2), ("detuning", (), 34, 5)]
    assert core.word_bits == 39
    for group, index, low, width in places:
        arrays = {"coupling": np.zeros(8, np.int8), **{node: np.zeros((), np.int8) for node in GROUPS[1:]}}
        arrays[group][index] = -1
        word = int.from_bytes(pack_words(Groups(**arrays), core).tobytes(), "little")
        assert word == (1 | 1 << (width - 1)) << low, (group, index)


@pytest.mark.parametrize("group", ["coupling", "shil", "field", "detuning"])
def test_a_code_that_is_too_large_for_its_group_is_not_packed(group: str, make_core: MakeCore) -> None:
    core = make_core(**WIDTHS)
    bits = WIDTHS[f"{group}_dac"]["bits"]
    top = 2 ** (bits - 1) - 1
    codes = random_codes(core, (2, 3), seed=5)
    large = codes[group].copy()
    large[(1, 2) if group != "coupling" else (1, 2, 7)] = -top - 1
    with pytest.raises(ValueError, match=rf"^codes reach {top + 1}, but {bits} bits end at {top}$"):
        pack_words(replace(codes, **{group: large}), core)


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


def test_pattern_values_are_the_codes_and_minus_zero_acts_as_zero(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(**WIDTHS)
    codes = random_codes(core, (6,), seed=3)
    bits = np.unpackbits(pack_words(codes, core), axis=-1, bitorder="little")
    patterns = word_patterns(bits, core)
    assert_same(pattern_values(patterns, core), codes)
    # Minus zero in the first slot, in SHIL, field and detuning.
    patterns = np.zeros_like(patterns)
    patterns[:, 0], patterns[:, 24:] = 0b100, [0x80, 0b10, 0b10000]
    assert not any(values.any() for values in pattern_values(patterns, core).values())


def test_patterns_are_cut_out_of_the_bits_without_a_sign(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(**WIDTHS)
    bits = np.random.default_rng(4).integers(0, 2, (3, core.word_bits + 9), dtype=np.uint8)
    patterns = word_patterns(bits, core)
    assert patterns.shape == (3, 27)
    assert patterns.dtype == np.uint8
    for row, found in zip(bits.tolist(), patterns.tolist(), strict=True):
        text = "".join(map(str, row))
        parts = [text[3 * slot : 3 * slot + 3] for slot in range(24)] + [text[72:80], text[80:82], text[82:87]]
        assert found == [int(part[::-1], 2) for part in parts]


# The order of the codes


def test_codes_per_cell_are_those_of_the_slots_and_of_the_nodes(make_core: Callable[..., CoreSpec]) -> None:
    counts = {(stencil, kind): codes_per_cell(make_core(stencil=stencil, couplings=kind)) for stencil, kind in CORES}
    assert counts == {
        ("box-2", "directed"): 27,
        ("box-2", "reciprocal"): 15,
        ("king", "directed"): 11,
        ("king", "reciprocal"): 7,
    }


def test_codes_have_the_names_of_their_places(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(stencil="king")
    names = [code_name(place, core) for place in range(11)]
    assert names == [*(f"slot {slot}" for slot in range(8)), "shil", "field", "detuning"]
    reciprocal = make_core(stencil="king", couplings="reciprocal")
    assert [code_name(place, reciprocal) for place in (3, 4)] == ["slot 3", "shil"]


def test_a_word_is_split_by_group(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(stencil="king")
    word = np.arange(2 * 3 * 11).reshape(2, 3, 11)
    codes = split_word(word, core)
    assert codes.coupling.tolist() == [[list(range(11 * cell, 11 * cell + 8)) for cell in row] for row in CELLS]
    assert codes.shil.tolist() == [[11 * cell + 8 for cell in row] for row in CELLS]
    assert codes.field.tolist() == [[11 * cell + 9 for cell in row] for row in CELLS]
    assert codes.detuning.tolist() == [[11 * cell + 10 for cell in row] for row in CELLS]


@settings(max_examples=60, deadline=None)
@given(
    shape=st.lists(st.integers(0, 4), max_size=3),
    dtype=st.sampled_from([np.int8, np.uint8, np.float64]),
    stencil=st.sampled_from(["king", "box-2"]),
    seed=st.integers(0, 2**32 - 1),
)
def test_splitting_and_joining_are_inverse(
    shape: list[int], dtype: type[Any], stencil: str, seed: int, make_core: MakeCore
) -> None:
    core = make_core(stencil=stencil)
    slots = {"king": 8, "box-2": 24}[stencil]
    word = np.random.default_rng(seed).integers(0, 128, (*shape, slots + 3)).astype(dtype)
    codes = split_word(word, core)
    assert codes.map(np.shape) == Groups((*shape, slots), *[tuple(shape)] * 3)
    joined = join_word(codes)
    assert joined.dtype == word.dtype
    np.testing.assert_array_equal(joined, word)
    again = split_word(joined, core)
    for group, array in codes.items():
        np.testing.assert_array_equal(again[group], array)


@pytest.mark.parametrize("codes", [0, 10, 12, 27])
def test_a_word_of_another_width_is_refused(codes: int, make_core: MakeCore) -> None:
    core = make_core(stencil="king")
    with pytest.raises(ValueError, match=rf"^a word of tiny-8x8 has 11 codes, not {codes}$"):
        split_word(np.zeros((2, codes), dtype=np.int8), core)


def test_the_field_code_is_where_the_word_has_it(make_core: Callable[..., CoreSpec]) -> None:
    core = make_core()
    first, behind = field_place(core)
    zero = [np.zeros(core.slots, np.int8), *[np.zeros((), np.int8)] * 3]
    for code in (1, -core.field_dac.top_code, core.field_dac.top_code):
        codes = Groups(zero[0], zero[1], np.array(code, np.int8), zero[3])
        word = int.from_bytes(pack_words(codes, core).tobytes(), "little")
        sign = (code < 0) << (core.field_dac.bits - 1)
        assert word == (abs(code) | sign) << first
        assert word < 1 << behind
