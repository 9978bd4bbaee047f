from __future__ import annotations

import pytest

from oscc.compiler.place.search import UNLIMITED, Search


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which a test sets."""
    now = [100.0]
    monkeypatch.setattr("oscc.compiler.place.search.time.monotonic", lambda: now[0])
    return now


def test_one_deadline_is_for_all_that_is_asked(clock: list[float]) -> None:
    search = Search.within(2.5, 7)
    assert search == Search(7, 102.5)
    assert (search.is_over(), search.seconds_left()) == (False, 2.5)
    clock[0] = 102.0
    assert (search.is_over(), search.seconds_left()) == (False, 0.5)
    clock[0] = 102.5
    assert (search.is_over(), search.seconds_left()) == (True, 0.0)
    clock[0] = 103.0
    assert search.seconds_left() == 0.0


def test_without_a_limit_it_is_never_over(clock: list[float]) -> None:
    clock[0] = 1e12
    assert Search.within(None) == UNLIMITED
    assert (UNLIMITED.is_over(), UNLIMITED.seconds_left()) == (False, None)


def test_somebody_is_told_unless_it_is_silent() -> None:
    heard: list[tuple[str, float]] = []
    search = Search(3, 5.0, lambda what, done: heard.append((what, done)))
    search.tell("growing", 0.25)
    search.silent().tell("growing", 0.5)
    UNLIMITED.tell("growing", 0.75)
    assert heard == [("growing", 0.25)]
    assert search.silent() == search, "who is told makes no other search"
