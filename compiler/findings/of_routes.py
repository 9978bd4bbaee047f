"""Kinds of findings about the units and wires of a placement as it stands (codes R)."""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.compiler.route.routing"
CHECKS = "oscc.compiler.feasibility.witnesses.of_placements"


class CouplingEnds(TypedDict):
    """A coupling, its two nodes, and their cells."""

    coupling: int
    src: int
    dst: int
    source: list[int]
    destination: list[int]


class FarCoupling(CouplingEnds):
    """A coupling whose displacement is not in the stencil."""

    displacement: list[int]
    stencil: str | list[list[int]]


class FarCouplings(TypedDict):
    """Couplings outside the stencil, of how many, the offsets that they have, and the nodes that are astray."""

    couplings: int
    of: int
    offsets: int
    listed: list[list[int]]
    stencil: str | list[list[int]]
    needed: str | None
    nodes: list[int]


class SharedUnit(TypedDict):
    """A unit, and the couplings that use it."""

    cell: list[int]
    slot: int
    offset: list[int]
    couplings: list[int]


class SharedUnits(TypedDict):
    """How many units are used by several couplings, and by how many in all."""

    units: int
    couplings: int


class CrowdedNode(TypedDict):
    """A node, the couplings into it, and the slots of a cell."""

    node: int
    cell: list[int]
    degree: int
    slots: int


class CrowdedNodes(TypedDict):
    """How many nodes receive too many couplings, and the one that receives the most."""

    nodes: int
    node: int
    degree: int
    slots: int


class NodeCell(TypedDict):
    """A node and its cell."""

    node: int
    cell: list[int]


class NodesOnDefects(TypedDict):
    """How many nodes are on defective cells, and how many of these there are."""

    nodes: int
    defective: int


class DeadUnit(CouplingEnds):
    """A coupling, and the dead unit that it needs."""

    cell: list[int]
    slot: int


class DeadUnits(TypedDict):
    """How many couplings need dead units, and how many of these there are."""

    couplings: int
    defective: int


class UnequalPair(CouplingEnds):
    """A coupling, its opposite, and the weights of both in a chunk where they differ."""

    opposite: int
    chunk: int
    weights: list[float]


class UnevenPairs(TypedDict):
    """How many pairs are ``unequal``, or of ``one direction``."""

    couplings: int
    kind: str


class SharedCell(TypedDict):
    """A cell, and its nodes."""

    cell: list[int]
    nodes: list[int]


class SharedCells(TypedDict):
    """How many cells hold several nodes, and how many in all."""

    cells: int
    nodes: int


class FullBoundary(TypedDict):
    """Two cells, and the wires over the boundary between them."""

    cells: list[list[int]]
    demand: int
    capacity: int
    rounds: int


class FullBoundaries(TypedDict):
    """How many boundaries are crossed by too many wires, and the most."""

    boundaries: int
    demand: int
    capacity: int
    rounds: int


class NodeOutside(TypedDict):
    """A node that is not on the grid."""

    node: int
    cell: list[int]
    grid: list[int]


class NodesOutside(TypedDict):
    """How many nodes are not on the grid, and the rows and columns of all."""

    nodes: int
    low: list[int]
    high: list[int]
    grid: list[int]


class FullCut(TypedDict):
    """First and last of some cells, wires that must leave them, and tracks around them."""

    cells: list[list[int]]
    wires: int
    tracks: int


FAR_COUPLING: FindingKind[FarCoupling | FarCouplings] = FindingKind(
    "R001",
    "a displacement outside the stencil",
    PLACE,
    (FarCoupling, FarCouplings),
    of_placement=True,
    check=f"{CHECKS}:far_coupling",
    count=f"{CHECKS}:count_far",
)
SHARED_UNIT: FindingKind[SharedUnit | SharedUnits] = FindingKind(
    "R002",
    "several couplings need one unit",
    PLACE,
    (SharedUnit, SharedUnits),
    of_placement=True,
    check=f"{CHECKS}:slot_twice",
    count=f"{CHECKS}:count_slots_twice",
)
CROWDED_NODE: FindingKind[CrowdedNode | CrowdedNodes] = FindingKind(
    "R003",
    "more couplings into a node than slots",
    PLACE,
    (CrowdedNode, CrowdedNodes),
    of_placement=True,
    check=f"{CHECKS}:crowded_node",
    count=f"{CHECKS}:count_crowded",
)
DEAD_CELL: FindingKind[NodeCell | NodesOnDefects] = FindingKind(
    "R004",
    "a node on a dead cell",
    PLACE,
    (NodeCell, NodesOnDefects),
    of_placement=True,
    check=f"{CHECKS}:dead_cell",
    count=f"{CHECKS}:count_dead_cells",
)
DEAD_SLOT: FindingKind[DeadUnit | DeadUnits] = FindingKind(
    "R005",
    "a coupling that needs a dead slot",
    PLACE,
    (DeadUnit, DeadUnits),
    of_placement=True,
    check=f"{CHECKS}:dead_slot",
    count=f"{CHECKS}:count_dead_slots",
)
UNEVEN_PAIR: FindingKind[CouplingEnds | UnequalPair | UnevenPairs] = FindingKind(
    "R006",
    "a pair of couplings that one reciprocal unit cannot make",
    PLACE,
    (CouplingEnds, UnequalPair, UnevenPairs),
    of_placement=True,
    check=f"{CHECKS}:no_pair",
    count=f"{CHECKS}:count_pairs",
)
SHARED_CELL: FindingKind[SharedCell | SharedCells] = FindingKind(
    "R007",
    "several nodes on one cell",
    PLACE,
    (SharedCell, SharedCells),
    of_placement=True,
    check=f"{CHECKS}:shared_cell",
    count=f"{CHECKS}:count_shared_cells",
)
FULL_BOUNDARY: FindingKind[FullBoundary | FullBoundaries] = FindingKind(
    "R008",
    "wires found no ways within the rounds of negotiation",
    PLACE,
    (FullBoundary, FullBoundaries),
    proof=False,
    of_placement=True,
    unchecked="a search that found nothing has nothing to re-compute",
)
NODE_OUTSIDE: FindingKind[NodeOutside | NodesOutside] = FindingKind(
    "R009",
    "a node off the grid",
    PLACE,
    (NodeOutside, NodesOutside),
    of_placement=True,
    check=f"{CHECKS}:outside",
    count=f"{CHECKS}:count_outside",
)
FULL_CUT = FindingKind(
    "R010",
    "more wires must leave some cells than there are tracks around them",
    PLACE,
    (FullCut,),
    of_placement=True,
    check=f"{CHECKS}:cut",
)
