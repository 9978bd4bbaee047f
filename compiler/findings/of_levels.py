"""Kinds of findings about a level that contradicts itself (codes L003 to L005, Q): faults of the compiler."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

UNCHECKED = "it ends the compilation: no report is made of it"


class WrongLevelArray(TypedDict):
    """An array of a level, and the shape that it should have."""

    array: str
    dtype: str
    shape: list[int]
    expected: list[int]


class UnitAstray(TypedDict):
    """A coupling, the cells of its source and destination, and its unit."""

    coupling: int
    source: list[int]
    destination: list[int]
    cell: list[int]
    slot: int


class WrongDemand(TypedDict):
    """Wires over a boundary: as recorded, and as traced."""

    index: list[int]
    given: int
    traced: int


class FirstCode(TypedDict):
    """The first of several codes of a DAC group."""

    group: str
    index: list[int]
    count: int


class StrayUnitCode(TypedDict):
    """The first of several codes of coupling units that no coupling uses."""

    cell: list[int]
    slot: int
    chunk: int
    count: int


class StrayNodeCode(TypedDict):
    """The first of several codes of cells that have no node."""

    cell: list[int]
    group: str
    chunk: int
    count: int


WRONG_LEVEL_ARRAY = FindingKind(
    "L003",
    "a placed level has an array of another shape or type",
    "oscc.compiler.ir.placed",
    (WrongLevelArray,),
    unchecked=UNCHECKED,
)
UNIT_ASTRAY = FindingKind(
    "L004",
    "a placed level has a unit that does not join the cells of its coupling",
    "oscc.compiler.ir.routed",
    (UnitAstray,),
    unchecked=UNCHECKED,
)
WRONG_DEMAND = FindingKind(
    "L005",
    "a placed level has a wire demand that its wires do not explain",
    "oscc.compiler.ir.routed",
    (WrongDemand,),
    unchecked=UNCHECKED,
)
ILLEGAL_CODE = FindingKind(
    "Q001",
    "a code that is none of the DAC's, or forbidden",
    "oscc.compiler.ir.coded",
    (FirstCode,),
    unchecked=UNCHECKED,
)
STRAY_CODE: FindingKind[StrayUnitCode | StrayNodeCode] = FindingKind(
    "Q002",
    "an unused unit whose code is not 0",
    "oscc.compiler.ir.coded",
    (StrayUnitCode, StrayNodeCode),
    unchecked=UNCHECKED,
)
