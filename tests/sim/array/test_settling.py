from __future__ import annotations

import numpy as np
import pytest

from oscc.core.latencies import LEAST_LOOKS
from oscc.sim.array.settling import feed_back, looks_until_rest, moved_cells

EVERY = np.ones((1, 1), dtype=np.bool_)


def code(value: int) -> np.ndarray:
    return np.array([[value]], dtype=np.uint8)


@pytest.mark.parametrize(
    ("before", "now", "tolerance", "moved"),
    [(5, 5, 0, 0), (5, 6, 0, 1), (5, 6, 1, 0), (63, 0, 1, 0), (0, 63, 1, 0), (62, 0, 1, 1), (0, 32, 31, 1)],
)
def test_distance_is_the_shorter_way_round(before: int, now: int, tolerance: int, moved: int) -> None:
    assert moved_cells(code(before), code(now), EVERY, tolerance, 64) == moved


def test_only_watched_cells_count() -> None:
    before, now = np.zeros((2, 2), dtype=np.uint8), np.full((2, 2), 9, dtype=np.uint8)
    watched = np.array([[True, False], [False, True]])
    assert moved_cells(before, now, watched, 8, 64) == 2
    assert moved_cells(before, now, np.zeros((2, 2), dtype=np.bool_), 8, 64) == 0


@pytest.mark.parametrize(
    ("moved", "looks"),
    [([0, 0], LEAST_LOOKS), ([9, 2, 0], 4), ([0, 3, 0, 3, 0], 0), ([0, 9, 1, 2, 9], 5), ([2], 0), ([], 0)],
)
def test_two_looks_in_a_row_must_find_it_at_rest(moved: list[int], looks: int) -> None:
    assert looks_until_rest(moved, allowed=2) == looks


def test_feedback_writes_only_its_inputs() -> None:
    table = np.arange(64, dtype=np.uint8)[::-1].copy()
    frame = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8)
    pixel = np.array([[1, 2], [-1, -1], [0, 0]], dtype=np.int32)
    given = np.array([7, 8, 9], dtype=np.uint8)
    assert feed_back(given, frame, pixel, table).tolist() == [63 - 6, 8, 63 - 1]
    assert given.tolist() == [7, 8, 9]
