from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from oscc.rtl.bench.recorder import Recorder
from oscc.rtl.bench.simulation import simulate
from oscc.rtl.schedule.watchdog import Watchdog


def expirations(waiting: list[bool], limits: list[int]) -> list[int]:
    """Cycles in which a watchdog expires."""
    watchdog = Watchdog()
    record = Recorder(expired=watchdog.expired)

    async def bench(context: Any) -> None:
        for level, limit in zip(waiting, limits, strict=True):
            context.set(watchdog.waiting, level)
            context.set(watchdog.limit, limit)
            await context.tick()
        context.set(watchdog.waiting, 0)
        await context.tick().repeat(2)

    simulate(watchdog, bench, background=[record.watch])
    return record.cycles("expired")


def expected(waiting: list[bool], limits: list[int]) -> list[int]:
    """In plain Python: once per wait, after the first cycle by which it has lasted its limit."""
    found, lasted, told = [], 0, False
    for cycle, (level, limit) in enumerate(zip(waiting, limits, strict=True)):
        if not level:
            lasted, told = 0, False
            continue
        lasted += 1
        if limit and lasted >= limit and not told:
            found.append(cycle + 1)
            told = True
    return found


def test_it_expires_after_the_limit_and_once_per_wait() -> None:
    waiting = [False, *[True] * 9, False, *[True] * 3, False, *[True] * 4]
    assert expirations(waiting, [4] * len(waiting)) == [5, 19]


def test_without_a_limit_it_never_expires() -> None:
    assert expirations([True] * 50, [0] * 50) == []


def test_a_limit_that_is_lowered_during_a_wait_counts_from_its_begin() -> None:
    assert expirations([True] * 20, [15] * 10 + [5] * 10) == [11]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), max_size=40))
def test_any_waits_and_limits(steps: list[tuple[bool, int]]) -> None:
    waiting, limits = [level for level, _ in steps], [limit for _, limit in steps]
    assert expirations(waiting, limits) == expected(waiting, limits)
