"""Kinds of findings of the independent checker of finished routes (codes K): faults of the router."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.compiler.route.route_checker"
UNCHECKED = "it is found by an independent check"


class CheckedNode(TypedDict):
    """A node and its cell."""

    node: int
    cell: list[int]


class CheckedUnit(TypedDict):
    """A coupling and its unit."""

    coupling: int
    cell: list[int]
    slot: int


CheckedEnds = TypedDict("CheckedEnds", {"from": list[int], "to": list[int]})
"""Where a wire begins and ends."""


class CheckedWire(TypedDict):
    """A wire, and where it goes wrong."""

    wire: int
    cell: list[int]


class CheckedBoundary(TypedDict):
    """Two cells, and the wires over the boundary between them."""

    cells: list[list[int]]
    wires: int


class CheckedDemand(TypedDict):
    """Two cells, the wires over the boundary between them, and what the route says."""

    cells: list[list[int]]
    wires: int
    given: int


class CheckedTrack(TypedDict):
    """A wire, and its track at the boundary between two cells."""

    wire: int
    track: int
    cells: list[list[int]]


class ChangedTrack(TypedDict):
    """A wire, and its tracks before and behind a cell."""

    wire: int
    tracks: list[int]


WRONG_CELL = FindingKind(
    "K001", "a node off the grid, on a dead cell or on another's", PLACE, (CheckedNode,), unchecked=UNCHECKED
)
WRONG_UNIT = FindingKind(
    "K002", "a unit that does not join the cells of its coupling", PLACE, (CheckedUnit,), unchecked=UNCHECKED
)
USED_UNIT = FindingKind("K003", "a unit that is dead or used twice", PLACE, (CheckedUnit,), unchecked=UNCHECKED)
LONE_WIRE = FindingKind(
    "K004", "a coupling without a wire, or a wire without a coupling", PLACE, (CheckedEnds,), unchecked=UNCHECKED
)
WIRE_ASTRAY = FindingKind(
    "K005", "a wire that leaves the grid or ends elsewhere", PLACE, (CheckedWire,), unchecked=UNCHECKED
)
TOO_MANY_WIRES = FindingKind(
    "K006", "more wires over a boundary than tracks", PLACE, (CheckedBoundary,), unchecked=UNCHECKED
)
OTHER_DEMAND = FindingKind(
    "K007", "a demand that is not what the wires add up to", PLACE, (CheckedDemand,), unchecked=UNCHECKED
)
WRONG_TRACK = FindingKind(
    "K008", "a track that does not exist or is used twice", PLACE, (CheckedTrack,), unchecked=UNCHECKED
)
CHANGED_TRACK = FindingKind(
    "K009", "a wire that changes its track on a straight part", PLACE, (ChangedTrack,), unchecked=UNCHECKED
)
