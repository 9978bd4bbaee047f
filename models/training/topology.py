"""The graph of a model that is to be trained: every coupling that the stencil allows, and which nodes are visible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.families import Family
from oscc.core.initial_phases import InitialPhases
from oscc.core.stencil import Stencil


@dataclass(frozen=True)
class GridLayout:
    """A grid of nodes with open borders: which of them are coupled, and which are visible.

    Parameters
    ----------
    grid : tuple of (int, int)
        Rows and columns.
    stencil : Stencil
        Offsets source - destination.
    origin, step : tuple of (int, int)
        The visible nodes are those at (origin + k step), by row and by column.
    """

    grid: tuple[int, int]
    stencil: Stencil
    origin: tuple[int, int] = (0, 0)
    step: tuple[int, int] = (1, 1)


def grid_graph(
    name: str, family: Family, layout: GridLayout, *, chunk_duration: tuple[float, ...], init: InitialPhases
) -> CouplingGraph:
    """Return a grid on which every coupling of a stencil exists; all parameters are zero.

    Parameters
    ----------
    name : str
    family : Family
    layout : GridLayout
    chunk_duration : tuple of float
        [model time]
    init : InitialPhases

    Returns
    -------
    CouplingGraph
        Nodes in row-major order; couplings by destination, then by slot.
    """
    rows, cols = layout.grid
    row, col = (axis.ravel() for axis in np.indices(layout.grid))
    offsets = layout.stencil.array
    from_row, from_col = row[:, None] + offsets[:, 0], col[:, None] + offsets[:, 1]
    inside = (from_row >= 0) & (from_row < rows) & (from_col >= 0) & (from_col < cols)
    destination = np.broadcast_to(np.arange(rows * cols)[:, None], inside.shape)
    source = from_row * cols + from_col
    origin, step = layout.origin, layout.step
    visible_rows, visible_cols = range(origin[0], rows, step[0]), range(origin[1], cols, step[1])
    readout = [r * cols + c for r in visible_rows for c in visible_cols]
    chunks, edges = len(chunk_duration), int(inside.sum())
    return CouplingGraph(
        name=name,
        family=family.name,
        image_shape=(len(visible_rows), len(visible_cols)),
        init=init,
        src=source[inside].astype(np.int32),
        dst=destination[inside].astype(np.int32),
        weight=np.zeros((chunks, edges), np.float32),
        shil=np.zeros((chunks, rows * cols), np.float32),
        field=np.zeros((chunks, rows * cols), np.float32),
        detuning=np.zeros((chunks, rows * cols), np.float32),
        chunk_duration=np.array(chunk_duration, np.float32),
        position=np.stack([row, col], axis=1).astype(np.int32),
        readout=np.array(readout, np.int32),
    )


def reverse_couplings(graph: CouplingGraph) -> NDArray[np.int64]:
    """Return, for each coupling, the number of the one in the other direction, int64[E].

    Parameters
    ----------
    graph : CouplingGraph

    Raises
    ------
    ValueError
        When one has none: then couplings cannot be reciprocal.
    """
    forward = graph.dst.astype(np.int64) * graph.nodes + graph.src
    backward = graph.src.astype(np.int64) * graph.nodes + graph.dst
    order = np.argsort(forward)
    places = np.minimum(np.searchsorted(forward[order], backward), len(order) - 1)
    partner: NDArray[np.int64] = order[places]
    if np.any(forward[partner] != backward):
        raise ValueError("a coupling has none in the other direction: the stencil is not symmetric")
    return partner
