"""Random pauses on the streams and buses of a core, the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator

LONGEST_GO = 16
"""Cycles for which a channel goes on at most before it pauses."""

LONGEST_SHORT = 4
"""Cycles of a short pause at most."""

LONG_SHARE = 0.1
"""Share of long pauses on a channel that has any."""

SLACK = 4
"""How many times the cycles of an undisturbed run a host has to wait at most."""


def bursts(seed: int, channel: str, longest: int = LONGEST_SHORT) -> Iterator[tuple[int, int]]:
    """Yield cycles for which a channel goes on, and pauses after them, for ever.

    Both are drawn log-uniformly, so that single cycles are as likely as long spells. A tenth of the pauses are longer
    than `LONGEST_SHORT`, where ``longest`` is.

    Parameters
    ----------
    seed : int
    channel : str
        Channels of the same seed pause independently.
    longest : int
        Of a pause [clock cycles].
    """
    draw = random.Random(f"{seed}/{channel}")

    def up_to(limit: int) -> int:
        return int((limit + 1) ** draw.random())

    while True:
        long = longest > LONGEST_SHORT and draw.random() < LONG_SHARE
        yield up_to(LONGEST_GO), up_to(longest) if long else up_to(LONGEST_SHORT)


def pauses(seed: int | None, channel: str, longest: int = LONGEST_SHORT) -> Iterator[bool]:
    """Yield whether a channel pauses, cycle by cycle, for ever; never without a seed.

    Parameters
    ----------
    seed : int or None
    channel : str
    longest : int
        Of a pause [clock cycles].
    """
    if seed is None:
        while True:
            yield False
    for going, pausing in bursts(seed, channel, longest):
        yield from [False] * going
        yield from [True] * pausing
