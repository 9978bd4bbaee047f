from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from oscc.sim.array.noise import initial_phases, initial_phases_batch, noise_generator

MASK = 2**64 - 1


def philox_block(key, counter):
    """Philox4x64-10 in plain Python (Salmon et al., SC11): four outputs of a key and a counter, low word first."""
    (k0, k1), (c0, c1, c2, c3) = key, counter
    for _ in range(10):
        left, right = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (right >> 64) ^ c1 ^ k0, right & MASK, (left >> 64) ^ c3 ^ k1, left & MASK
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & MASK, (k1 + 0xBB67AE8584CAA73B) & MASK
    return [c0, c1, c2, c3]


def repeats_when_shifted(stream_of, cells=400, longest=32):
    """The largest correlation between samples 0 and 1, 2, 3 over all shifts up to ``longest`` cells."""
    first = stream_of(0)[:cells]
    found = 0.0
    for sample in (1, 2, 3):
        other = stream_of(sample)[:cells]
        for shift in range(longest):
            pairs = ((first[shift:], other[: cells - shift]), (other[shift:], first[: cells - shift]))
            found = max(found, *(abs(np.corrcoef(a, b)[0, 1]) for a, b in pairs))
    return found


@pytest.mark.parametrize(("seed", "sample"), [(0, 0), (1, 2), (2**32 - 1, 2**32 - 1), (2**64 - 1, 5)])
def test_stream_is_philox_with_the_sample_in_the_second_counter_word(seed, sample):
    found = noise_generator(seed, sample).bit_generator.random_raw(8).tolist()
    # numpy counts before it computes, so the first block has 1 in the lowest word.
    assert found == [*philox_block((seed, 0), (1, sample, 0, 0)), *philox_block((seed, 0), (2, sample, 0, 0))]


def test_samples_are_not_shifted_copies_of_each_other(make_core):
    core = make_core(grid=[20, 20])
    assert repeats_when_shifted(lambda sample: initial_phases(core, 7, sample).ravel()) < 0.3


def test_sample_as_the_counter_itself_would_repeat():
    def naive(sample):
        return np.random.Generator(np.random.Philox(key=7, counter=sample)).standard_normal(400)

    assert repeats_when_shifted(naive) > 0.9


def test_normal_phases_have_mean_zero_and_the_spread_of_the_core(make_core):
    core = make_core("ais-56x56", init={"std_rad": 0.5})
    phases = initial_phases_batch(core, 3, range(8))
    assert phases.shape == (56, 56, 8)
    assert phases.dtype == np.float64
    assert stats.kstest(phases.ravel() / 0.5, "norm").pvalue > 0.01


def test_the_mean_is_added_to_the_same_noise(make_core):
    about_zero, moved = make_core(), make_core(init={"mean_rad": -1.25})
    assert np.array_equal(initial_phases(moved, 3, 5), initial_phases(about_zero, 3, 5) - 1.25)


def test_uniform_phases_cover_the_circle(make_core):
    core = make_core("ais-56x56", init={"kind": "uniform"})
    phases = initial_phases_batch(core, 3, range(8)).ravel()
    assert phases.min() >= -math.pi
    assert phases.max() < math.pi
    assert stats.kstest(phases, "uniform", args=(-math.pi, 2 * math.pi)).pvalue > 0.01


def test_cells_are_drawn_row_by_row(make_core):
    core = make_core(grid=[3, 2], init={"kind": "uniform"}, readout={"origin": [0, 0], "step": [1, 1]})
    raw = noise_generator(9, 4).bit_generator.random_raw(6).tolist()
    expected = [[((raw[2 * row + col] >> 11) * 2.0**-53 * 2 - 1) * math.pi for col in range(2)] for row in range(3)]
    np.testing.assert_array_equal(initial_phases(core, 9, 4), expected)


def test_batch_is_its_samples_beside_each_other(tiny_core):
    batch = initial_phases_batch(tiny_core, 5, [4, 0, 9])
    for place, sample in enumerate([4, 0, 9]):
        np.testing.assert_array_equal(batch[..., place], initial_phases(tiny_core, 5, sample))
    assert not np.array_equal(batch[..., 0], batch[..., 1])
    assert not np.array_equal(batch[..., 0], initial_phases(tiny_core, 6, 4))


@pytest.mark.parametrize(("seed", "sample", "message"), [(-1, 0, "seed -1"), (0, 2**64, "sample 18446744073709551616")])
def test_numbers_out_of_range_are_refused(seed, sample, message):
    with pytest.raises(ValueError, match=f"{message} is not within 0..2\\^64 - 1"):
        noise_generator(seed, sample)
