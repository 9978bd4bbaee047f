from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from oscc.base.arrays import freeze


@dataclass(frozen=True)
class Level:
    numbers: NDArray[np.int64]
    name: str = "level"

    def __post_init__(self) -> None:
        freeze(self)


def test_array_is_read_only() -> None:
    level = Level(np.arange(4))
    with pytest.raises(ValueError, match="read-only"):
        level.numbers[0] = 1


def test_giver_cannot_change_it_afterwards() -> None:
    given = np.arange(4)
    level = Level(given)
    given[0] = 9
    assert level.numbers.tolist() == [0, 1, 2, 3]


def test_read_only_view_of_writable_memory_is_copied() -> None:
    memory = np.arange(4)
    view = memory[:]
    view.flags.writeable = False
    level = Level(view)
    memory[0] = 9
    assert level.numbers[0] == 0


def test_view_of_a_mutable_buffer_is_copied() -> None:
    buffer = bytearray(np.arange(4).tobytes())
    view = np.frombuffer(buffer, dtype=np.int64)
    view.flags.writeable = False
    level = Level(view)
    buffer[0] = 9
    assert level.numbers[0] == 0


def test_strided_array_becomes_contiguous() -> None:
    level = Level(np.arange(6).reshape(2, 3).T)
    assert level.numbers.flags.c_contiguous
    assert level.numbers.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_read_only_strided_array_becomes_contiguous() -> None:
    given = np.array([[0, 1, 2], [3, 4, 5]])
    given.flags.writeable = False
    level = Level(given.T)
    assert level.numbers.flags.c_contiguous
    assert level.numbers.tolist() == [[0, 3], [1, 4], [2, 5]]


@pytest.mark.parametrize("source", ["frozen", "bytes"])
def test_immutable_array_is_kept_without_a_copy(source: str) -> None:
    if source == "frozen":
        given = np.arange(4)
        given.flags.writeable = False
    else:
        given = np.frombuffer(np.arange(4).tobytes(), dtype=np.int64)
    assert Level(given).numbers is given


def test_other_fields_are_left_alone() -> None:
    assert Level(np.arange(2), "kept").name == "kept"


@dataclass(frozen=True)
class Pair:
    """Freezes nothing itself."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]


@dataclass(frozen=True)
class Holder:
    pair: Pair
    deeper: Level
    kind: type[Pair] = Pair

    def __post_init__(self) -> None:
        freeze(self)


def make_holder(*arrays: NDArray[np.int64]) -> Holder:
    one, other, numbers = arrays
    return Holder(Pair(one, other), Level(numbers))


def test_arrays_of_records_in_a_record_are_read_only() -> None:
    holder = make_holder(np.arange(2), np.arange(3), np.arange(4))
    for array in (holder.pair.one, holder.pair.other, holder.deeper.numbers):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_giver_cannot_change_arrays_of_records_in_a_record() -> None:
    given = np.arange(4)
    holder = make_holder(given, given[::2], given)
    given[0] = 9
    assert holder.pair.one.tolist() == [0, 1, 2, 3]
    assert holder.pair.other.tolist() == [0, 2]
    assert holder.pair.other.flags.c_contiguous
    assert holder.deeper.numbers.tolist() == [0, 1, 2, 3]


def test_a_record_two_levels_down_is_frozen() -> None:
    @dataclass(frozen=True)
    class Outer:
        middle: Middle

    @dataclass(frozen=True)
    class Middle:
        pair: Pair

    outer = Outer(Middle(Pair(np.arange(2), np.arange(2))))
    freeze(outer)
    with pytest.raises(ValueError, match="read-only"):
        outer.middle.pair.other[1] = 5


def test_immutable_arrays_of_records_in_a_record_are_kept() -> None:
    given = np.frombuffer(np.arange(4).tobytes(), dtype=np.int64)
    holder = make_holder(given, given, given)
    assert holder.pair.one is given
    assert holder.deeper.numbers is given


def test_a_class_of_records_is_no_record() -> None:
    assert make_holder(np.arange(1), np.arange(1), np.arange(1)).kind is Pair
