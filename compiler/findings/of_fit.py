"""Kinds of findings about sizes of a model and a core (F003 to F005, L007), and about pixels (F001)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind
from oscc.core.program_findings import ChunkCount, FamilyName

PLACE = "oscc.compiler.place.fit"
MODELS = "oscc.compiler.feasibility.witnesses.of_models"
PLACEMENTS = "oscc.compiler.feasibility.witnesses.of_placements"


class UnreadablePixel(TypedDict):
    """A pixel, where it is, and which cells can be read."""

    pixel: int
    node: int
    cell: list[int]
    origin: list[int]
    step: list[int]


class UnreadablePixels(TypedDict):
    """How many pixels of all cannot be read, and which cells can."""

    pixels: int
    of: int
    origin: list[int]
    step: list[int]


class SizeCount(TypedDict):
    """Nodes, and cells."""

    nodes: int
    cells: int


class CellCount(TypedDict):
    """Nodes and pixels, and cells for them; ``cause`` is ``defects`` or ``readout``."""

    nodes: int
    pixels: int
    usable: int
    readable: int
    cause: str


UNREADABLE_PIXEL: FindingKind[UnreadablePixel | UnreadablePixels] = FindingKind(
    "F001",
    "a pixel is on a cell that cannot be read",
    PLACE,
    (UnreadablePixel, UnreadablePixels),
    of_placement=True,
    check=f"{PLACEMENTS}:unreadable",
    count=f"{PLACEMENTS}:count_unreadable",
)
TOO_MANY_CHUNKS = FindingKind(
    "F003", "the model has more chunks than the core holds", PLACE, (ChunkCount,), check=f"{MODELS}:chunks"
)
NO_HARDWARE = FindingKind(
    "F004", "the family has no hardware", PLACE, (FamilyName,), unchecked="it is a name in a table"
)
TOO_MANY_NODES = FindingKind(
    "F005", "the model has more nodes than the core has cells", PLACE, (SizeCount,), check=f"{MODELS}:nodes"
)
TOO_FEW_CELLS = FindingKind(
    "L007", "too few cells that are usable, or readable", PLACE, (CellCount,), check=f"{MODELS}:too_many"
)
