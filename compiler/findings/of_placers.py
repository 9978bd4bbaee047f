"""Kinds of findings of placers that found nothing, or excluded everything (codes L), and of chains of copies (C)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind
from oscc.compiler.findings.of_fit import SizeCount

PLACER = "oscc.compiler.place.placer"
EXACT = "oscc.compiler.place.exact"
SPLITTING = "oscc.compiler.copies.splitting"
UNCHECKED = "a search that found nothing has nothing to re-compute"


class GrowthCount(TypedDict):
    """What growth came to: the most nodes that it placed, and attempts."""

    nodes: int
    cells: int
    placed: int
    attempts: int


class SymmetricSearch(TypedDict):
    """What was searched, and by which condition how many placements were refused."""

    box: list[int]
    grid: list[int]
    orientations: int
    placements: int
    refused: dict[str, int]
    spread: list[int]


class BestAnnealed(TypedDict):
    """The best that annealing came to: its couplings outside the stencil, and the cell of each node."""

    couplings: int
    cost: int
    attempts: int
    complete: bool
    seed: int
    cells: list[list[int]]


class ExactEffort(TypedDict):
    """What CP-SAT was given."""

    nodes: int
    cells: int
    choices: int
    seed: int


class ExactProof(TypedDict):
    """What CP-SAT was given, and the conflicts of its proof."""

    nodes: int
    cells: int
    choices: int
    seed: int
    conflicts: int


class RepairLeft(TypedDict):
    """What is left of a placement in which single nodes were moved: cells too far in all, and codes of findings."""

    nodes: int
    cost: int
    findings: list[str]
    complete: bool


class ChainSearch(TypedDict):
    """The best chains that were found."""

    nodes: int
    at_fault: int
    cells: int
    rounds: int
    complete: bool
    seed: int


class WeakModel(TypedDict):
    """The largest coupling of a model, those of its chains, and a code step [rad per unit of model time]."""

    couplings: int
    largest: float
    chain: float
    step: float


class CopyCount(TypedDict):
    """Cells that copies need at least, and how many there are."""

    needed: int
    usable: int
    nodes: int


NOT_PLACED: FindingKind[SizeCount | GrowthCount] = FindingKind(
    "L001",
    "a model without positions got none: nothing was grown or folded",
    PLACER,
    (SizeCount, GrowthCount),
    proof=False,
    unchecked=UNCHECKED,
)
NO_SYMMETRIC_PLACEMENT = FindingKind(
    "L002",
    "no shift, mirror or rotation of the positions fits",
    "oscc.compiler.place.symmetry",
    (SymmetricSearch,),
    proof=False,
    unchecked=UNCHECKED,
)
NOT_ANNEALED = FindingKind(
    "L006", "annealing found no placement", PLACER, (BestAnnealed,), proof=False, unchecked=UNCHECKED
)
ALL_EXCLUDED = FindingKind(
    "L008", "CP-SAT has excluded every placement", EXACT, (ExactProof,), unchecked="the proof is CP-SAT's own"
)
EXACT_ENDED = FindingKind(
    "L009", "the time of CP-SAT ended without an answer", EXACT, (ExactEffort,), proof=False, unchecked=UNCHECKED
)
NOT_REPAIRED = FindingKind(
    "L014",
    "no placement by moving single nodes off what they cannot use",
    "oscc.compiler.place.repair",
    (RepairLeft,),
    proof=False,
    unchecked=UNCHECKED,
)
NO_CHAINS = FindingKind(
    "C001",
    "no chains of copies were found (`--copies`)",
    SPLITTING,
    (ChainSearch,),
    proof=False,
    unchecked=UNCHECKED,
)
WEAK_MODEL = FindingKind(
    "C002",
    "beside chains of `--chain-strength` all couplings of the model round to code 0",
    SPLITTING,
    (WeakModel,),
    unchecked="it is about chains that nothing keeps",
)
TOO_MANY_COPIES = FindingKind(
    "C003",
    "copies need more cells, by the neighbours of each node, than there are",
    SPLITTING,
    (CopyCount,),
    check="oscc.compiler.feasibility.witnesses.of_models:copies",
)
