"""Kinds of findings about synthesis (codes Y)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.rtl.synthesis.fpga"
UNCHECKED = "the figure is that of the tools, and others pack and time otherwise"


class ResourceNeed(TypedDict):
    """What a core needs of a resource, and what the device has."""

    resource: str
    needed: int
    available: int


class ClockReached(TypedDict):
    """The clock that was reached and the one that was asked for [MHz], and the longest path [ns]."""

    achieved_mhz: float
    target_mhz: float
    critical_path_ns: float


TOO_LARGE = FindingKind(
    "Y001", "the core does not fit the device", PLACE, (ResourceNeed,), proof=False, unchecked=UNCHECKED
)
TOO_SLOW = FindingKind(
    "Y002", "the clock is slower than asked for", PLACE, (ClockReached,), proof=False, unchecked=UNCHECKED
)
