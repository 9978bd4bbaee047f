from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.sim.array.phase_readout import (
    code_to_phase,
    code_to_pixel,
    decode_taps,
    expected_codes,
    pack_taps,
    readable_cells,
    tap_bits,
)

READOUTS = [(8, 4), (8, 1), (4, 2), (2, 16), (2, 1), (8, 16)]


def core_with(make_core, taps, subphases):
    return make_core(readout={"taps": taps, "subphases": subphases})


def wrapped_code(theta, steps):
    """floor(steps theta / 2 pi) mod steps in plain Python."""
    return math.floor(steps * theta / (2 * math.pi)) % steps


@pytest.mark.parametrize(("taps", "subphases"), READOUTS)
def test_latched_bits_decode_to_the_quantized_phase(make_core, taps, subphases):
    core = core_with(make_core, taps, subphases)
    theta = np.random.default_rng(0).uniform(-40, 40, 10_000)
    expected = [wrapped_code(angle, 2 * taps * subphases) for angle in theta.tolist()]
    assert decode_taps(tap_bits(theta, core), core).tolist() == expected
    assert expected_codes(theta, core).tolist() == expected


@settings(max_examples=200, deadline=None)
@given(step=st.integers(-200, 200), part=st.floats(1e-9, 1 - 1e-9))
def test_code_is_constant_within_its_step(tiny_core, step, part):
    theta = np.array((step + part) * 2 * math.pi / 64)
    assert int(expected_codes(theta, tiny_core)) == step % 64
    assert int(decode_taps(tap_bits(theta, tiny_core), tiny_core)) == step % 64


def test_bits_are_signs_of_shifted_cosines(tiny_core):
    theta = 0.7
    bits = tap_bits(np.array([theta]), tiny_core)
    assert bits.shape == (1, 4, 8)
    for subphase in range(4):
        for tap in range(8):
            assert bits[0, subphase, tap] == (math.cos(theta + math.pi * tap / 8 + math.pi * subphase / 32) >= 0)


def test_phases_beside_zero_get_the_first_and_the_last_code(tiny_core):
    assert decode_taps(tap_bits(np.array([1e-9, -1e-9]), tiny_core), tiny_core).tolist() == [0, 63]


def test_a_cosine_of_zero_counts_as_positive(tiny_core):
    # cos(0 + pi / 2), tap 4 of the first sub-phase, is positive as computed; so the tap still holds its bit at 0.
    assert tap_bits(np.array(0.0), tiny_core)[0].tolist() == [True] * 5 + [False] * 3
    assert int(decode_taps(tap_bits(np.array(0.0), tiny_core), tiny_core)) == 63


def test_single_precision_phases_are_read_like_double(tiny_core):
    theta = np.random.default_rng(1).normal(size=500).astype(np.float32)
    expected = [wrapped_code(float(angle), 64) for angle in theta]
    assert decode_taps(tap_bits(theta, tiny_core), tiny_core).tolist() == expected


def test_flipped_bit_away_from_an_edge_is_restored(tiny_core):
    bits = tap_bits(np.array(0.1), tiny_core)
    # At 0.1 rad the word of every sub-phase has ones in taps 0 to 3: taps 1 and 6 lie inside.
    for tap in (1, 6):
        flipped = bits.copy()
        flipped[2, tap] ^= True
        assert int(decode_taps(flipped, tiny_core)) == wrapped_code(0.1, 64)
    everything = ~bits
    assert int(decode_taps(everything, tiny_core)) != wrapped_code(0.1, 64)


@pytest.mark.parametrize(("taps", "subphases"), READOUTS)
def test_a_code_stands_for_the_middle_of_its_step(make_core, taps, subphases):
    core = core_with(make_core, taps, subphases)
    steps = 2 * taps * subphases
    codes = np.arange(steps)
    phases = code_to_phase(codes, core)
    assert expected_codes(phases, core).tolist() == codes.tolist()
    assert phases[0] == pytest.approx(math.pi / steps)
    np.testing.assert_allclose(np.diff(phases), 2 * math.pi / steps)
    np.testing.assert_allclose(code_to_pixel(codes, core), [math.cos((c + 0.5) * 2 * math.pi / steps) for c in codes])


def test_pixel_of_a_code_is_within_half_a_step_of_the_phase(tiny_core):
    theta = np.random.default_rng(2).normal(size=5000) * 3
    pixel = code_to_pixel(expected_codes(theta, tiny_core), tiny_core)
    assert np.abs(pixel - np.cos(theta)).max() <= math.pi / 64
    assert np.abs(pixel - np.cos(theta)).mean() > 0.005


def test_readable_cells_start_at_the_origin(make_core):
    core = make_core(grid=[5, 6], readout={"origin": [1, 0], "step": [2, 3]})
    grid = np.arange(30).reshape(5, 6)
    assert readable_cells(grid, core).tolist() == [[6, 9], [18, 21]]
    assert readable_cells(np.zeros((5, 6, 7)), core).shape == (*core.frame_shape, 7)


def test_row_word_places_columns_subphases_and_taps(tiny_core):
    taps, subphases = 8, 4
    bits = np.random.default_rng(3).random((5, subphases, taps)) < 0.5
    word = pack_taps(bits)
    for column in range(5):
        for subphase in range(subphases):
            for tap in range(taps):
                place = column * taps * subphases + subphase * taps + tap
                assert (word >> place) & 1 == bits[column, subphase, tap]
    assert word < 2**bits.size


def test_row_word_of_few_bits_is_not_padded_into():
    assert pack_taps(np.array([[[True, False, True]]])) == 0b101
    assert pack_taps(np.zeros((2, 1, 2), dtype=bool)) == 0
