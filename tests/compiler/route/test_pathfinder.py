from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.compiler.ir.wire_routes import STEPS, straight_routes
from oscc.compiler.route.cut_bounds import overfull_cuts
from oscc.compiler.route.pathfinder import route_wires
from oscc.compiler.route.tracks import assign_tracks

Cell = tuple[int, int]


def arrays(wires: list[tuple[Cell, Cell]]) -> tuple[np.ndarray, np.ndarray]:
    ends = np.array(wires, np.int32).reshape(-1, 2, 2)
    return ends[:, 0].copy(), ends[:, 1].copy()


def followed(routes) -> tuple[Counter[tuple[Cell, Cell]], list[list[Cell]]]:
    """Crossings of every boundary, and the cells of every wire, step by step."""
    crossings: Counter[tuple[Cell, Cell]] = Counter()
    cells = []
    for wire in range(routes.wires):
        at = tuple(routes.start[wire].tolist())
        seen = [at]
        for way in routes.direction[routes.first[wire] : routes.first[wire + 1]].tolist():
            beside = (at[0] + int(STEPS[way][0]), at[1] + int(STEPS[way][1]))
            crossings[min(at, beside), max(at, beside)] += 1
            at = beside
            seen.append(at)
        assert at == tuple(routes.end[wire].tolist())
        cells.append(seen)
    return crossings, cells


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[tuple[Cell, Cell]], tuple[int, int], int]:
    grid = (draw(st.integers(1, 6)), draw(st.integers(1, 6)))
    cell = st.tuples(st.integers(0, grid[0] - 1), st.integers(0, grid[1] - 1))
    near = st.tuples(cell, cell).filter(
        lambda ends: max(abs(ends[0][0] - ends[1][0]), abs(ends[0][1] - ends[1][1])) <= 3
    )
    return draw(st.lists(near, max_size=40)), grid, draw(st.integers(0, 8))


@settings(deadline=None, max_examples=100)
@given(problems())
def test_wires_arrive_on_the_grid_and_demand_and_tracks_are_what_they_add_up_to(problem) -> None:
    wires, grid, capacity = problem
    found = route_wires(*arrays(wires), grid, capacity)
    crossings, cells = followed(found.routes)
    assert all(0 <= row < grid[0] and 0 <= col < grid[1] for one in cells for row, col in one)
    for demand, (down, right) in zip(found.demand, ((0, 1), (1, 0)), strict=True):
        for (row, col), count in np.ndenumerate(demand):
            assert crossings[(row, col), (row + down, col + right)] == count
    assert found.excess == sum(max(0, count - capacity) for count in crossings.values())
    tracks = assign_tracks(found.routes)
    taken = set()
    for wire, one in enumerate(cells):
        low = found.routes.first[wire]
        ways = found.routes.direction[low : low + len(one) - 1].tolist()
        own = tracks[low : low + len(one) - 1].tolist()
        for step, (at, beside) in enumerate(pairwise(one)):
            place = (min(at, beside), max(at, beside), own[step])
            assert place not in taken
            taken.add(place)
            if step and ways[step] == ways[step - 1]:
                assert own[step] == own[step - 1]
    assert len(tracks) == 0 or tracks.max() + 1 <= max(crossings.values())
    if found.rounds == 0:
        straight = straight_routes(*arrays(wires)).demand(grid)
        assert [part.tolist() for part in straight] == [part.tolist() for part in found.demand]
    # A cut is a proof: where there is one, no ways were found.
    cuts = list(overfull_cuts(*arrays(wires), grid, capacity))
    assert not cuts or found.excess > 0
    for cut in cuts:
        inside = [
            [cut.top <= row <= cut.bottom and cut.left <= col <= cut.right for row, col in ends] for ends in wires
        ]
        assert cut.wires == sum(one != other for one, other in inside) > cut.tracks
        edges = sum(
            (cut.top <= r <= cut.bottom and cut.left <= c <= cut.right)
            != (cut.top <= r + dr <= cut.bottom and cut.left <= c + dc <= cut.right)
            for r in range(grid[0])
            for c in range(grid[1])
            for dr, dc in ((0, 1), (1, 0))
            if r + dr < grid[0] and c + dc < grid[1]
        )
        assert cut.tracks == edges * capacity


def test_negotiation_finds_ways_where_straight_wires_do_not_fit() -> None:
    # Five wires along one row of five; three tracks, and rows above and below.
    wires = [((2, 0), (2, 4))] * 5
    found = route_wires(*arrays(wires), (5, 5), 3)
    assert (found.excess, found.rounds > 0) == (0, True)
    assert max(int(part.max()) for part in found.demand) == 3
    # Two of them go round: two boundaries more each, where they leave and where they come back.
    assert int(found.routes.lengths().sum()) == 5 * 4 + 2 * 2


def test_without_room_nothing_is_negotiated() -> None:
    found = route_wires(*arrays([((0, 0), (0, 2))] * 3), (1, 3), 2)
    assert (found.rounds, found.excess) == (0, 2)


def test_the_same_seed_gives_the_same_ways() -> None:
    random = np.random.default_rng(0)
    start = random.integers(0, 8, (120, 2)).astype(np.int32)
    end = np.clip(start + random.integers(-2, 3, (120, 2)), 0, 7).astype(np.int32)
    first, again, other = (route_wires(start, end, (8, 8), 4, seed=seed).routes for seed in (1, 1, 2))
    assert first.direction.tolist() == again.direction.tolist()
    assert first.direction.tolist() != other.direction.tolist()


def test_straight_wires_run_along_the_row_first() -> None:
    routes = straight_routes(*arrays([((2, 1), (0, 3)), ((0, 2), (1, 0)), ((1, 1), (1, 1))]))
    assert routes.direction.tolist() == [1, 1, 0, 0, 3, 3, 2]
    assert routes.first.tolist() == [0, 4, 7, 7]


def test_no_wires() -> None:
    found = route_wires(*arrays([]), (3, 4), 0)
    assert (found.routes.wires, found.excess, assign_tracks(found.routes).tolist()) == (0, 0, [])
    with pytest.raises(ValueError, match="read-only"):
        found.routes.first[0] = 1
