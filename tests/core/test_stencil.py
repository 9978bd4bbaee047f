from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.core.stencil import MAX_RADIUS, Stencil, listed_stencil, named_stencil

NAMES = ["king", "box-1", "box-2", "box-8", "diamond-1", "diamond-3", "diamond-8"]
OFFSETS = st.lists(
    st.tuples(st.integers(-MAX_RADIUS, MAX_RADIUS), st.integers(-MAX_RADIUS, MAX_RADIUS)).filter(lambda o: o != (0, 0)),
    min_size=1,
    max_size=30,
    unique=True,
)


def _members(shape: str, radius: int) -> set[tuple[int, int]]:
    """The offsets by their definition: a walk over a larger square than needed."""
    found = set()
    for drow in range(-10, 11):
        for dcol in range(-10, 11):
            distance = max(abs(drow), abs(dcol)) if shape == "box" else abs(drow) + abs(dcol)
            if 0 < distance <= radius:
                found.add((drow, dcol))
    return found


@pytest.mark.parametrize("shape", ["box", "diamond"])
@pytest.mark.parametrize("radius", [1, 2, 3, 8])
def test_named_stencils_hold_exactly_their_offsets(shape: str, radius: int) -> None:
    stencil = named_stencil(f"{shape}-{radius}")
    assert set(stencil.offsets) == _members(shape, radius)
    assert stencil.radius == radius
    assert stencil.is_symmetric


def test_box_2_and_diamond_3_have_24_offsets_and_king_8() -> None:
    assert [len(named_stencil(name)) for name in ("box-2", "diamond-3", "king")] == [24, 24, 8]


def test_slots_are_ordered_by_row_then_column() -> None:
    offsets = named_stencil("box-2").offsets
    assert offsets[0] == (-2, -2)
    assert offsets[11] == (0, -1)
    assert offsets[12] == (0, 1)
    assert offsets[23] == (2, 2)


@pytest.mark.parametrize("name", NAMES)
def test_peak_wires_is_the_sum_of_reaches(name: str) -> None:
    stencil = named_stencil(name)
    assert stencil.peak_wires() == max(sum(abs(o[0]) for o in stencil.offsets), sum(abs(o[1]) for o in stencil.offsets))


@pytest.mark.parametrize(("name", "directed", "reciprocal"), [("box-2", 30, 15), ("diamond-3", 28, 14), ("king", 6, 3)])
def test_peak_wires_of_the_presets(name: str, directed: int, reciprocal: int) -> None:
    assert named_stencil(name).peak_wires() == directed
    assert named_stencil(name).half().peak_wires() == reciprocal


@given(OFFSETS)
def test_half_and_its_opposite_make_a_symmetric_stencil(offsets: list[tuple[int, int]]) -> None:
    both = sorted({*offsets, *((-dr, -dc) for dr, dc in offsets)})
    half = Stencil(tuple(both)).half()
    assert sorted([*half.offsets, *((-dr, -dc) for dr, dc in half.offsets)]) == both
    assert all(dr > 0 or (dr == 0 and dc > 0) for dr, dc in half.offsets)


@given(OFFSETS)
def test_slots_of_is_the_position_in_the_list(offsets: list[tuple[int, int]]) -> None:
    stencil = listed_stencil(offsets)
    asked = [(dr, dc) for dr in range(-MAX_RADIUS - 2, MAX_RADIUS + 3) for dc in range(-MAX_RADIUS - 2, MAX_RADIUS + 3)]
    pairs = np.array(asked, dtype=np.int32)
    expected = [stencil.offsets.index(pair) if pair in stencil.offsets else -1 for pair in asked]
    assert stencil.slots_of(pairs[:, 0], pairs[:, 1]).tolist() == expected


def test_array_holds_the_offsets_in_slot_order() -> None:
    stencil = named_stencil("king")
    assert stencil.array.dtype == np.int32
    assert [tuple(row) for row in stencil.array.tolist()] == list(stencil.offsets)


def test_asymmetric_stencil_says_so() -> None:
    assert not listed_stencil([[0, 1], [0, -1], [1, 0]]).is_symmetric


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("box2", r"^'box2' is not a stencil; did you mean 'box-2'\?$"),
        ("kings", r"^'kings' is not a stencil; did you mean 'king'\?$"),
        ("box-9", r"did you mean 'box-"),
        ("hexagon", r"accepted: box-R, diamond-R \(R from 1 to 8\), king, or a list of \[drow, dcol\]$"),
    ],
)
def test_unknown_name_is_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        named_stencil(name)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ([], "at least one offset"),
        ([[0, 1], [0, 0]], "would couple a cell to itself"),
        ([[0, 1], [0, 1]], r"offset \[0, 1\] stands in the list twice"),
        ([[0, 1, 2]], r"\[0, 1, 2\] is not an offset"),
        ([[0, 1.5]], r"\[0, 1.5\] is not an offset"),
        ([[0, 9]], "reaches 9 cells; at most 8 are supported"),
    ],
)
def test_bad_lists_are_refused(offsets: list[list[int]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        listed_stencil(offsets)


def test_order_of_a_list_does_not_matter() -> None:
    assert listed_stencil([[1, 0], [0, -1]]) == listed_stencil([[0, -1], [1, 0]])


def test_unsorted_offsets_are_refused_where_slots_would_depend_on_them() -> None:
    with pytest.raises(ValueError, match="not in"):
        Stencil(((1, 0), (0, 1)))
