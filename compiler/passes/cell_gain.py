"""What DACs must be set to: the parameters of a model, less what the gain of its cells makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.route.routing import coupling_units


def programmed_graph(placed: PlacedGraph) -> CouplingGraph:
    """Return a model whose couplings are those that the units must be programmed for.

    Where the units of a cell are stronger than their codes say, couplings are programmed weaker, and vice versa: each
    is divided by the gain of the cell that holds its unit. So a gain below 1 can bring a coupling beyond full scale.

    Parameters
    ----------
    placed : PlacedGraph
        Routed or not, and whether it fits or not; a coupling whose unit would be off the grid stays as it is.

    Returns
    -------
    CouplingGraph
        The model itself, where no gain was measured.
    """
    graph, core = placed.graph, placed.core
    if not core.defects.gain:
        return graph
    unit_cell, _ = coupling_units(placed.cell[graph.src], placed.cell[graph.dst], core)
    on_grid = np.all((unit_cell >= 0) & (unit_cell < core.grid), axis=1)
    gain = np.ones(graph.couplings)
    gain[on_grid] = core.unit_gain[unit_cell[on_grid, 0], unit_cell[on_grid, 1]]
    most = float(np.finfo(np.float32).max)
    return replace(graph, weight=np.clip(graph.weight / gain, -most, most).astype(np.float32))
