from __future__ import annotations

import random
from typing import Any

import pytest

from oscc.rtl.bench.simulation import simulate
from oscc.rtl.inputs.settle_judge import SettleJudge

CODES = 50


def looks_until_settled(moved: list[int], allowed: int) -> int | None:
    """Looks after which the array counts as settled; the first entry is of the look that has none before it."""
    for last in range(2, len(moved)):
        if moved[last - 1] <= allowed and moved[last] <= allowed:
            return last + 1
    return None


async def settle(context: Any, judge: SettleJudge, moved: list[int], delay: random.Random) -> int | None:
    """Serve looks with these counts until the judge tells that all is at rest; return how many it took."""
    context.set(judge.begin, 1)
    await context.tick()
    context.set(judge.begin, 0)
    context.set(judge.active, 1)
    for number, count in enumerate(moved):
        for _ in range(delay.randrange(3)):
            assert context.get(judge.look)
            await context.tick()
        assert context.get(judge.look)
        assert context.get(judge.compare) == (number > 0)
        context.set(judge.taken, 1)
        await context.tick()
        context.set(judge.taken, 0)
        for _ in range(delay.randrange(4)):
            assert not context.get(judge.look)
            await context.tick()
        context.set(judge.looked, 1)
        context.set(judge.moved, count)
        await context.tick()
        context.set(judge.looked, 0)
        if context.get(judge.settled):
            assert not context.get(judge.look)
            context.set(judge.active, 0)
            await context.tick()
            assert not context.get(judge.settled)
            return number + 1
    return None


@pytest.mark.parametrize("seed", range(8))
def test_two_quiet_looks_in_a_row_settle(seed: int) -> None:
    judge, generator = SettleJudge(CODES), random.Random(seed)

    async def bench(context: Any) -> None:
        for _ in range(12):
            allowed = generator.choice([0, 2, CODES])
            context.set(judge.allowed, allowed)
            moved = [generator.choice([0, 1, 2, 3, CODES]) for _ in range(9)]
            assert await settle(context, judge, moved, generator) == looks_until_settled(moved, allowed)
            # One that has not settled ends all the same.
            context.set(judge.active, 0)
            await context.tick()
            assert not context.get(judge.look)

    simulate(judge, bench)


@pytest.mark.parametrize("walking", [False, True])
def test_a_look_under_way_is_abandoned(walking: bool) -> None:
    judge = SettleJudge(CODES)

    async def bench(context: Any) -> None:
        context.set(judge.begin, 1)
        await context.tick()
        context.set(judge.begin, 0)
        context.set(judge.active, 1)
        context.set(judge.taken, walking)
        await context.tick()
        context.set(judge.taken, 0)
        context.set(judge.active, 0)
        await context.tick()
        context.set(judge.looked, 1)
        for _ in range(4):
            assert not context.get(judge.look)
            assert not context.get(judge.settled)
            await context.tick()
        context.set(judge.looked, 0)
        # The next settle begins as if there had been none.
        assert await settle(context, judge, [0, 0, 0], random.Random(0)) == 3

    simulate(judge, bench)
