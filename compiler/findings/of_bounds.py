"""Kinds of findings about bounds on any placement of one cell for each node (codes L010 to L013).

Each is looked at for all nodes, and for those that are read out: ``view`` says which, and ``cause`` why: ``stencil``,
``readout`` or ``defects``.
"""

from __future__ import annotations

from typing import TypedDict

from oscc.base.findings import FindingKind

PLACE = "oscc.compiler.place.bounds"
CHECKS = "oscc.compiler.feasibility.witnesses.of_bounds"


class CrowdedNode(TypedDict):
    """A node, its neighbours, and the cells near a cell."""

    cause: str
    view: str
    node: int
    neighbours: int
    near: int


class DenseRegion(TypedDict):
    """Nodes within some couplings of a node, and cells within as many steps of a cell."""

    cause: str
    view: str
    node: int
    steps: int
    nodes: int
    cells: int


class CoupledNodes(TypedDict):
    """Nodes that are all coupled with each other, and the most cells that are all near each other."""

    cause: str
    view: str
    nodes: list[int]
    cells: int


class CutLine(TypedDict):
    """Couplings that must cross a line between ``columns`` or ``rows``, and pairs of near cells across it."""

    cause: str
    view: str
    line: str
    eigenvalue: float
    couplings: int
    pairs: int


DEGREE_BOUND = FindingKind(
    "L010",
    "a node has more neighbours than there are cells near a cell; or more that must be read out than readable cells "
    "are near it",
    PLACE,
    (CrowdedNode,),
    check=f"{CHECKS}:degree",
)
DENSITY_BOUND = FindingKind(
    "L011",
    "more nodes are within d couplings of a node than cells are within d steps of a cell",
    PLACE,
    (DenseRegion,),
    check=f"{CHECKS}:density",
)
CLIQUE_BOUND = FindingKind(
    "L012",
    "more nodes are all coupled with each other than cells can be all near each other (9 for box-2; 4 readable ones "
    "where they are 2 rows and columns apart)",
    PLACE,
    (CoupledNodes,),
    check=f"{CHECKS}:clique",
)
CUT_BOUND = FindingKind(
    "L013",
    "every placement has a line between two columns (or rows) that more couplings must cross than pairs of near cells "
    "lie across it: by the second-smallest eigenvalue of the graph's Laplacian, up to 1,200 nodes",
    PLACE,
    (CutLine,),
    check=f"{CHECKS}:line",
)
BOUNDS = (DEGREE_BOUND, DENSITY_BOUND, CLIQUE_BOUND, CUT_BOUND)
"""All of them."""
