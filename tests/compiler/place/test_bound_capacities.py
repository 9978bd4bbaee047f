from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.place import bound_capacities as module
from oscc.compiler.place.bound_capacities import cells_within, largest_near_set, most_near, pairs_across


def near_of(offsets: list[tuple[int, int]]) -> np.ndarray:
    radius = max(max(abs(row), abs(col)) for row, col in offsets)
    near = np.zeros((2 * radius + 1, 2 * radius + 1), dtype=bool)
    for row, col in offsets:
        near[row + radius, col + radius] = near[radius - row, radius - col] = True
    near[radius, radius] = False
    return near


def moves_of(near: np.ndarray) -> list[tuple[int, int]]:
    radius = near.shape[0] // 2
    return [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]


OFFSETS = st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)).filter(any), min_size=1, max_size=8)


@settings(max_examples=60)
@given(offsets=OFFSETS, rows=st.integers(1, 5), cols=st.integers(1, 5), steps=st.integers(1, 3))
def test_cells_within_steps_by_walking(offsets: list[tuple[int, int]], rows: int, cols: int, steps: int) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    grid = set(itertools.product(range(1 - rows, rows), range(1 - cols, cols)))
    moves = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    reached = {(0, 0)}
    for _ in range(steps):
        reached |= {(row + a, col + b) for row, col in reached for a, b in moves} & grid
    # All cells as the start, the steps free to leave the grid, but not its length: what a cell reaches at most.
    most = max(
        sum(0 <= row + a < rows and 0 <= col + b < cols for a, b in reached)
        for row, col in itertools.product(range(rows), range(cols))
    )
    everywhere = np.ones((rows, cols), dtype=bool)
    assert next(itertools.islice(cells_within(near, everywhere, everywhere), steps, None)) == most


@settings(max_examples=30)
@given(offsets=OFFSETS)
def test_largest_near_set_by_trying_all(offsets: list[tuple[int, int]]) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    cells = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    joined = set(cells)
    best = 1
    for size in range(2, 6):
        for some in itertools.combinations(cells, size - 1):
            if all((a[0] - b[0], a[1] - b[1]) in joined for a, b in itertools.combinations(some, 2)):
                best = size
                break
    assert min(largest_near_set(near), 5) == best


@settings(max_examples=30)
@given(offsets=OFFSETS, rows=st.integers(1, 6))
def test_pairs_across_a_line_by_counting(offsets: list[tuple[int, int]], rows: int) -> None:
    near = near_of(offsets)
    radius = near.shape[0] // 2
    moves = [(int(row) - radius, int(col) - radius) for row, col in np.argwhere(near)]
    count = sum(
        0 <= row + a < rows and col + b > 3 for row, col in itertools.product(range(rows), range(4)) for a, b in moves
    )
    assert pairs_across(near, rows) == count


@settings(max_examples=40)
@given(data=st.data(), offsets=OFFSETS, rows=st.integers(1, 5), cols=st.integers(1, 5))
def test_cells_with_room_are_counted_from_those_to_start_from(
    data: st.DataObject, offsets: list[tuple[int, int]], rows: int, cols: int
) -> None:
    near = near_of(offsets)
    cells = list(itertools.product(range(rows), range(cols)))
    room, start = (
        np.array(data.draw(st.lists(st.booleans(), min_size=len(cells), max_size=len(cells)))).reshape(rows, cols)
        for _ in range(2)
    )
    moves, held = moves_of(near), {(0, 0)}
    for steps, count in zip(range(3), cells_within(near, room, start), strict=False):
        found = [
            sum(0 <= row + a < rows and 0 <= col + b < cols and room[row + a, col + b] for a, b in held)
            for row, col in cells
            if start[row, col]
        ]
        assert count == max(found, default=0), steps
        held |= {(row + a, col + b) for row, col in held for a, b in moves}
        held = {(row, col) for row, col in held if abs(row) < rows and abs(col) < cols}
    beside = [
        sum((row + a, col + b) in set(cells) and room[row + a, col + b] for a, b in moves)
        for row, col in cells
        if start[row, col]
    ]
    assert most_near(near, room, start) == max(beside, default=0)


def test_each_cell_may_have_cells_near_it_of_its_own() -> None:
    near = np.zeros((2, 3, 3, 3), dtype=bool)
    near[:, :, 1, 2] = True
    near[0, 0, 1, 2] = False
    room = np.ones((2, 3), dtype=bool)
    assert most_near(near, room, np.eye(2, 3, dtype=bool)) == 1
    assert most_near(near, room, np.array([[1, 0, 0], [0, 0, 0]], dtype=bool)) == 0


def test_what_reaches_no_further_cell_has_the_same_number_for_ever() -> None:
    everywhere = np.ones((4, 4), dtype=bool)
    assert list(itertools.islice(cells_within(near_of([(0, 2)]), everywhere, everywhere), 6)) == [1, 2, 2, 2, 2, 2]
    assert list(itertools.islice(cells_within(near_of([(0, 1)]), everywhere, everywhere), 5)) == [1, 3, 4, 4, 4]


def test_large_grids_are_looked_at_as_far_as_time_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_POINTS", 3 * 81)
    everywhere = np.ones((5, 5), dtype=bool)
    assert list(cells_within(near_of([(0, 1)]), everywhere, everywhere)) == [1, 3, 5, 5]
