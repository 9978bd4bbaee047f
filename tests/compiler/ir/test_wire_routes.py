from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.ir.wire_routes import straight_routes
from oscc.compiler.route.routing import wire_ends
from oscc.core.spec import CoreSpec
from oscc.core.stencil import Stencil, named_stencil

ROWS, COLS = 5, 7
CELL = st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLS - 1))


def _walk(wires: list[tuple[tuple[int, int], tuple[int, int]]], rows: int, cols: int) -> tuple[list[list[int]], ...]:
    """Demand by walking along every wire, cell by cell: first along the row of the source, then along the column."""
    columns = [[0] * (cols - 1) for _ in range(rows)]
    vertical = [[0] * cols for _ in range(rows - 1)]
    for (row, col), (end_row, end_col) in wires:
        while col != end_col:
            step = 1 if end_col > col else -1
            columns[row][min(col, col + step)] += 1
            col += step
        while row != end_row:
            step = 1 if end_row > row else -1
            vertical[min(row, row + step)][col] += 1
            row += step
    return columns, vertical


def _arrays(wires: list[tuple[tuple[int, int], tuple[int, int]]]) -> tuple[np.ndarray, np.ndarray]:
    both = np.array(wires, dtype=np.int32).reshape(-1, 2, 2)
    return both[:, 0], both[:, 1]


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL), max_size=40))
def test_demand_is_what_a_walk_along_every_wire_counts(wires: list[tuple[tuple[int, int], tuple[int, int]]]) -> None:
    across_columns, across_rows = straight_routes(*_arrays(wires)).demand((ROWS, COLS))
    columns, rows = _walk(wires, ROWS, COLS)
    assert across_columns.tolist() == columns
    assert across_rows.tolist() == rows


def test_wire_runs_along_the_row_of_the_source_first() -> None:
    across_columns, across_rows = straight_routes(*_arrays([((0, 0), (2, 1))])).demand((3, 2))
    assert across_columns.tolist() == [[1], [0], [0]]
    assert across_rows.tolist() == [[0, 1], [0, 1]]


def test_shapes_and_type() -> None:
    across_columns, across_rows = straight_routes(*_arrays([])).demand((ROWS, COLS))
    assert across_columns.shape == (ROWS, COLS - 1)
    assert across_rows.shape == (ROWS - 1, COLS)
    assert across_columns.dtype == across_rows.dtype == np.int32
    assert not across_columns.any()
    assert not across_rows.any()


@pytest.mark.parametrize("shape", [(1, 6), (6, 1), (1, 1)])
def test_grid_of_one_line(shape: tuple[int, int]) -> None:
    last = (shape[0] - 1, shape[1] - 1)
    across_columns, across_rows = straight_routes(*_arrays([((0, 0), last), (last, (0, 0))])).demand(shape)
    assert across_columns.tolist() == [[2] * (shape[1] - 1)] * shape[0]
    assert across_rows.tolist() == [[2] * shape[1]] * (shape[0] - 1)


def _full(stencil: Stencil, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Source and destination of every coupling of a full square grid, int32[E, 2] each."""
    pairs = [
        ((row + drow, col + dcol), (row, col))
        for row in range(side)
        for col in range(side)
        for drow, dcol in stencil.offsets
        if 0 <= row + drow < side and 0 <= col + dcol < side
    ]
    return _arrays(pairs)


@pytest.mark.parametrize(
    ("name", "couplings", "peak"),
    [
        ("box-2", "directed", 30),
        ("box-2", "reciprocal", 15),
        ("diamond-3", "directed", 28),
        ("king", "directed", 6),
        ("king", "reciprocal", 3),
        ("box-3", "directed", 84),
    ],
)
def test_peak_demand_of_full_stencils(make_core: Callable[..., CoreSpec], name: str, couplings: str, peak: int) -> None:
    stencil = named_stencil(name)
    side = 4 * stencil.radius + 2
    core = make_core(grid=[side, side], stencil=name, couplings=couplings)
    start, end = wire_ends(*_full(stencil, side), core)
    demand = straight_routes(start, end).demand(core.grid)
    assert max(int(boundaries.max()) for boundaries in demand) == peak
    assert core.tracks_per_boundary == peak
    wires = [(tuple(a), tuple(b)) for a, b in zip(start.tolist(), end.tolist(), strict=True)]
    assert [boundaries.tolist() for boundaries in demand] == list(_walk(wires, side, side))
