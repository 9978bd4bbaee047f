from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.core.johnson import combine_subphases, johnson_table, johnson_words

TAPS = [2, 4, 8]


def tap_word(phi: float, taps: int) -> int:
    """The taps as the design defines them: bit k is sign(cos(phi + pi k / taps))."""
    return sum(1 << k for k in range(taps) if math.cos(phi + math.pi * k / taps) >= 0)


@pytest.mark.parametrize("taps", TAPS)
def test_words_are_what_the_taps_show_in_the_middle_of_each_step(taps: int) -> None:
    middles = [math.pi * (step + 0.5) / taps for step in range(2 * taps)]
    assert johnson_words(taps) == tuple(tap_word(phi, taps) for phi in middles)


@pytest.mark.parametrize("taps", TAPS)
def test_neighbouring_words_differ_in_one_bit(taps: int) -> None:
    words = johnson_words(taps)
    assert all((one ^ other).bit_count() == 1 for one, other in zip(words, (*words[1:], words[0]), strict=True))


@pytest.mark.parametrize("taps", TAPS)
def test_table_restores_legal_words(taps: int) -> None:
    table = johnson_table(taps)
    assert len(table) == 2**taps
    assert [table[word] for word in johnson_words(taps)] == list(range(2 * taps))


def test_flipped_bits_are_restored_away_from_the_edges() -> None:
    taps = 8
    words, table = johnson_words(taps), johnson_table(taps)
    for step, word in enumerate(words):
        # Continued by its complement, a word is a ring with two edges, where neighbouring taps differ.
        ring = [(word >> k) & 1 for k in range(taps)]
        ring += [1 - bit for bit in ring]
        edges = [k for k in range(2 * taps) if ring[k] != ring[k - 1]]
        for bit in range(taps):
            # Taps between the flipped one and the nearest edge.
            between = min(min((bit - edge) % 16, (edge - 1 - bit) % 16) for edge in edges)
            decoded = table[word ^ (1 << bit)]
            off = min((decoded - step) % 16, (step - decoded) % 16)
            if between >= 2:
                assert off == 0, (step, bit)
            elif between == 1:
                assert off in (0, 2), (step, bit)
            else:
                assert off == 1, (step, bit)


def test_ties_go_to_the_lower_step() -> None:
    taps = 8
    words, table = johnson_words(taps), johnson_table(taps)
    ties = 0
    for given_word in range(2**taps):
        distances = [(word ^ given_word).bit_count() for word in words]
        nearest = [step for step, distance in enumerate(distances) if distance == min(distances)]
        ties += len(nearest) > 1
        assert table[given_word] == nearest[0]
    assert ties > 0


@settings(max_examples=500, deadline=None)
@given(
    theta=st.floats(-50, 50),
    taps=st.sampled_from(TAPS),
    subphases=st.sampled_from([1, 2, 4, 8, 16]),
)
def test_the_code_is_the_floor_of_the_phase(theta: float, taps: int, subphases: int) -> None:
    steps = 2 * taps * subphases
    turn = (theta / (2 * math.pi)) % 1.0
    if abs(turn * steps - round(turn * steps)) < 1e-6:
        return  # too near to a border for float64 to be certain
    table = johnson_table(taps)
    shifts = [math.pi * s / (taps * subphases) for s in range(subphases)]
    decoded = np.array([table[tap_word(theta + shift, taps)] for shift in shifts])
    assert int(combine_subphases(decoded, taps)) == math.floor(turn * steps) % steps


def test_combining_works_on_arrays_and_around_zero() -> None:
    # c_0 = 15 of 16; three of four sub-phases have gone over to 0.
    assert combine_subphases(np.array([[15, 0, 0, 0], [0, 0, 0, 1]]), taps=8).tolist() == [63, 1]
    # Plain summing would give the middle of the turn for the first.
    assert sum([15, 0, 0, 0]) == 15
