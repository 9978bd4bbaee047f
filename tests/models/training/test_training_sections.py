from __future__ import annotations

import pytest
from pydantic import ValidationError

from oscc.models.training.training_sections import HardwareSection, ModelSection, ScheduleSection


@pytest.mark.parametrize(("done", "part"), [(0.0, 1.0), (0.5, 1.0), (0.75, 0.6), (1.0, 0.2)])
def test_rates_fall_over_the_last_half(done, part):
    # Halfway down the cosine is the mean of 1 and 0.2.
    assert ScheduleSection(final_rate=0.2).rate_part(done) == pytest.approx(part)


@pytest.mark.parametrize(("done", "part"), [(0.0, 0.5), (0.25, 0.6), (1.0, 0.9)])
def test_the_part_of_full_scale_changes_linearly(done, part):
    assert HardwareSection(clip_start=0.5, clip=0.9).clip_part(done) == pytest.approx(part)


def test_one_number_is_that_of_every_chunk():
    one, each = ModelSection(chunks=2, duration=0.5), ModelSection(chunks=2, duration=(0.5, 1.5), weight_mean=(1, 2))
    assert (one.chunk_duration, one.weight_means) == ((0.5, 0.5), (0.0, 0.0))
    assert (each.chunk_duration, each.weight_means) == ((0.5, 1.5), (1.0, 2.0))
    with pytest.raises(ValidationError, match="duration: 2 numbers for 3 chunks"):
        ModelSection(chunks=3, duration=(0.5, 1.5))
