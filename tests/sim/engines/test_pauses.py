from __future__ import annotations

from itertools import groupby, islice

import pytest

from oscc.sim.engines.pauses import bursts, pauses


def lengths(seed: int, channel: str, longest: int, count: int = 20_000) -> dict[bool, list[int]]:
    """Lengths of the spells of going on and of pausing; the last one, which may be cut, is left out."""
    spells = [(value, len(list(group))) for value, group in groupby(islice(pauses(seed, channel, longest), count))]
    return {value: [length for each, length in spells[:-1] if each == value] for value in (False, True)}


def test_without_a_seed_nothing_pauses() -> None:
    assert not any(islice(pauses(None, "r"), 1000))


def test_short_pauses_stay_short_and_single_cycles_are_common() -> None:
    spells = lengths(1, "program", 4)
    assert set(spells[False]) == set(range(1, 17))
    assert set(spells[True]) == {1, 2, 3, 4}
    assert spells[True].count(1) > len(spells[True]) // 3
    # Most cycles are left to the transfers.
    assert sum(spells[True]) < sum(spells[False])


@pytest.mark.parametrize("longest", [50, 700])
def test_some_pauses_are_long_where_they_may_be(longest: int) -> None:
    spells = lengths(7, "images", longest)
    assert longest // 2 < max(spells[True]) <= longest
    assert 0.02 < sum(length > 4 for length in spells[True]) / len(spells[True]) < 0.12


def test_seed_and_channel_decide() -> None:
    def first(seed: int, channel: str) -> list[tuple[int, int]]:
        return list(islice(bursts(seed, channel, 100), 40))

    assert first(3, "aw") == first(3, "aw")
    assert first(3, "aw") != first(4, "aw")
    assert first(3, "aw") != first(3, "w")


def test_bursts_and_cycles_are_the_same_spells() -> None:
    cycles = [value for going, pausing in islice(bursts(5, "b"), 9) for value in [False] * going + [True] * pausing]
    assert list(islice(pauses(5, "b"), len(cycles))) == cycles
