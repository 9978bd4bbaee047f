"""`PlacedGraph`: a cell for every node of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.base.arrays import freeze
from oscc.base.findings import Finding, raise_first
from oscc.compiler.findings.of_levels import WRONG_LEVEL_ARRAY
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec


@dataclass(frozen=True, eq=False)
class PlacedGraph:
    """A model on the cells of a core. Arrays are read-only.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    cell : int32[N, 2]
        (row, col) of each node.
    transform : str
        How the cells follow from the model's own positions: ``identity``, or such as ``rotate-90 mirror shift(0, 3)``.
    """

    graph: CouplingGraph
    core: CoreSpec
    cell: NDArray[np.int32]
    transform: str

    def __post_init__(self) -> None:
        freeze(self)

    def node_map(self) -> NDArray[np.int32]:
        """Return the node at each cell, int32[rows, cols]; -1 where there is none."""
        table = np.full((self.core.rows, self.core.cols), -1, dtype=np.int32)
        table[self.cell[:, 0], self.cell[:, 1]] = np.arange(self.graph.nodes, dtype=np.int32)
        return table

    def displacement(self) -> NDArray[np.int32]:
        """Return source minus destination of each coupling, int32[E, 2], in cells."""
        return self.cell[self.graph.src] - self.cell[self.graph.dst]


def diagnose_placed(placed: PlacedGraph) -> Iterator[Finding]:
    """Yield every way in which a placed model contradicts itself: L003, an array of the wrong shape or type.

    Whether the placement fits the core is another question: `diagnose_route` and `diagnose_fit` answer it.

    Parameters
    ----------
    placed : PlacedGraph
    """
    yield from diagnose_shapes({"cell": (placed.cell, (placed.graph.nodes, 2))})


def diagnose_shapes(arrays: Mapping[str, tuple[NDArray[np.int32], tuple[int, ...]]]) -> Iterator[Finding]:
    """Yield L003 for every array of a level that has not the shape, or the type int32, that it should have.

    Parameters
    ----------
    arrays : mapping of str to (array, shape)
    """
    for name, (array, shape) in arrays.items():
        if array.shape != shape or array.dtype != np.int32:
            yield WRONG_LEVEL_ARRAY.finding(
                f"{name}: {array.dtype} {list(array.shape)}, expected int32 {list(shape)}",
                "place and route the model again",
                {"array": name, "dtype": str(array.dtype), "shape": list(array.shape), "expected": list(shape)},
            )


def verify_placed(placed: PlacedGraph) -> None:
    """Raise the first finding of `diagnose_placed`.

    Raises
    ------
    FindingError
    """
    raise_first(diagnose_placed(placed))
