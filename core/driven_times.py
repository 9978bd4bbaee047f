"""How long the looks of a settle and a feed of feedback take: what software counts with on a driven core."""

from __future__ import annotations

from typing import NamedTuple

from oscc.core.latencies import FEEDBACK_LATENCY, LEAST_LOOKS, LOOK_LATENCY, READOUT_ROW_CYCLES
from oscc.core.spec import CoreSpec


class DriveTimes(NamedTuple):
    """What the times of looks and of feedback follow from.

    Parameters
    ----------
    inputs : int
        Inputs of the program.
    rows : int
        Rows of the frame that a look reads.
    """

    inputs: int
    rows: int


UNDRIVEN = DriveTimes(0, 1)
"""Those of a program without inputs and without looks."""


def look_cycles(core: CoreSpec, rows: int) -> int:
    """Return the cycles from one look of a settle to the next: the walk over the watched rows, and its judgement.

    Parameters
    ----------
    core : CoreSpec
    rows : int
        Rows of the frame that a look reads.
    """
    return rows * (core.row_beats + READOUT_ROW_CYCLES) + LOOK_LATENCY


def least_settle_cycles(core: CoreSpec, rows: int) -> int:
    """Return the fewest cycles after which a settle ends because the array rests.

    Parameters
    ----------
    core : CoreSpec
    rows : int
        Rows of the frame that a look reads.
    """
    return decided_after(core, rows, LEAST_LOOKS)


def decided_after(core: CoreSpec, rows: int, looks: int) -> int:
    """Return the cycles from the begin of a settle to its end, where the last of some looks decided it.

    The first look is latched at the begin, and a decision falls where the next look would be latched. A settle that has
    to wait for the latches, because an earlier frame is still being walked, takes that much longer.

    Parameters
    ----------
    core : CoreSpec
    rows : int
        Rows of the frame that a look reads.
    looks : int
        At least `LEAST_LOOKS`.
    """
    return looks * look_cycles(core, rows)


def feedback_cycles(inputs: int) -> int:
    """Return the cycles from the begin of a feed of feedback until a load may follow.

    Parameters
    ----------
    inputs : int
        Inputs of the program.
    """
    return inputs + FEEDBACK_LATENCY


def settled_at_once(number: int) -> int:
    """Return the looks of a settle that ends as early as it can, whichever it is."""
    return LEAST_LOOKS


def never_settled(number: int) -> int:
    """Return 0: no look ever decides a settle, whichever it is."""
    return 0
