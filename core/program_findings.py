"""Kinds of findings about a program and the core that it is for (codes B), and about initial phases (F002)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.core.program_check"
UNCHECKED = "it is about a program file, of which `oscc verify` computes everything anew"


class ModelPhases(TypedDict):
    """Initial phases of a model [rad]."""

    kind: str
    mean: float
    std: float


class CorePhases(TypedDict):
    """Initial phases that a core offers [rad]."""

    kind: str
    mean_rad: float
    std_rad: float


class OtherPhases(TypedDict):
    """Two distributions that differ."""

    model: ModelPhases
    core: CorePhases


class TwoCores(TypedDict):
    """What a program says of its core, and what is so of the core: hashes, or names."""

    program: str
    core: str


class NoShape(TypedDict):
    """An array whose shape can be none."""

    array: str
    shape: list[int]


class WrongShape(TypedDict):
    """An array of another shape than expected."""

    array: str
    shape: list[int]
    expected: list[int]


class ChunkCount(TypedDict):
    """Chunks of a model or program, and how many the core holds."""

    chunks: int
    capacity: int


class InBank(TypedDict):
    """A bank."""

    column: int


class CodeInBank(TypedDict):
    """The first of several codes in a bank."""

    column: int
    address: int
    group: str
    count: int


class BankChunks(TypedDict):
    """A bank, and the chunks of the model."""

    column: int
    chunks: int


class PixelPosition(TypedDict):
    """The first of several pixels that are off the frame."""

    pixel: int
    position: list[int]
    frame: list[int]
    count: int


class CodeStep(TypedDict):
    """Worth of a code step [rad per unit of model time], and what follows from tau."""

    group: str
    chunk: int
    lsb: float
    expected: float


class Runs(TypedDict):
    """Cycles of runs, and what follows from tau."""

    runs: list[int]
    expected: list[float]


class InitCycles(TypedDict):
    """Cycles of an init, and those of the core's."""

    instruction: int
    cycles: int
    expected: int


class FamilyName(TypedDict):
    """A family, and those that have hardware."""

    family: str
    accepted: list[str]


class CodeOnUnit(TypedDict):
    """The first of several codes on units that cannot be used."""

    cell: list[int]
    unit: str
    chunk: int
    count: int


OTHER_PHASES = FindingKind(
    "F002",
    "the model starts from phases that the core does not offer",
    "oscc.core.initial_phases",
    (OtherPhases,),
    check="oscc.compiler.feasibility.witnesses.of_models:other_phases",
)
OTHER_CORE = FindingKind("B001", "the program is for another core", PLACE, (TwoCores,), unchecked=UNCHECKED)
WRONG_ARRAY: FindingKind[NoShape | WrongShape | ChunkCount] = FindingKind(
    "B002", "an array of another shape", PLACE, (NoShape, WrongShape, ChunkCount), unchecked=UNCHECKED
)
ILLEGAL_BANK_CODE: FindingKind[InBank | CodeInBank] = FindingKind(
    "B003", "a code that is none, or forbidden", PLACE, (InBank, CodeInBank), unchecked=UNCHECKED
)
UNUSED_MEMORY = FindingKind("B004", "unused memory that is not zero", PLACE, (BankChunks,), unchecked=UNCHECKED)
PIXEL_OUTSIDE = FindingKind("B005", "a pixel outside the frame", PLACE, (PixelPosition,), unchecked=UNCHECKED)
WRONG_STEP = FindingKind("B006", "a code step that does not follow from tau", PLACE, (CodeStep,), unchecked=UNCHECKED)
WRONG_RUNS = FindingKind("B007", "runs that do not follow from tau", PLACE, (Runs,), unchecked=UNCHECKED)
WRONG_INIT = FindingKind("B008", "an init of another length than the core's", PLACE, (InitCycles,), unchecked=UNCHECKED)
OTHER_FAMILY = FindingKind("B009", "a family without hardware", PLACE, (FamilyName,), unchecked=UNCHECKED)
PROGRAM_PHASES = FindingKind(
    "B010", "initial phases that the core does not offer", PLACE, (OtherPhases,), unchecked=UNCHECKED
)
OTHER_CORE_NAME = FindingKind(
    "B011", "another core's name with this core's hash", PLACE, (TwoCores,), unchecked=UNCHECKED
)
UNUSABLE_UNIT = FindingKind(
    "B012", "a code on a unit that cannot be used: over the border, or dead", PLACE, (CodeOnUnit,), unchecked=UNCHECKED
)
OF_TIME = (WRONG_STEP, WRONG_RUNS, WRONG_INIT)
"""Kinds of which tau, or the core's init, is what does not agree."""
