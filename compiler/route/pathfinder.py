"""Negotiated congestion: wires that share a boundary with too many others find ways around it.

L. McMurchie and C. Ebeling, PathFinder: a negotiation-based performance-driven router for FPGAs, FPGA 1995: what a
boundary costs grows with the wires on it now and with how often it was too full, so that the wires that can best do
without it leave it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.wire_routes import Cells, WireRoutes, straight_routes
from oscc.compiler.route.cut_bounds import overfull_cuts

_LOG = logging.getLogger(__name__)

ROUNDS = 80

Demand = tuple[NDArray[np.int32], NDArray[np.int32]]


@dataclass(frozen=True, eq=False)
class Negotiated:
    """What negotiation came to.

    Parameters
    ----------
    routes : WireRoutes
    demand : tuple of (int32[rows, cols - 1], int32[rows - 1, cols])
        Wires over every boundary, as `WireRoutes.demand` gives them.
    rounds : int
        That were needed: 0 where all wires run straight.
    excess : int
        Wires too many, over all boundaries; 0 when everything fits.
    """

    routes: WireRoutes
    demand: Demand
    rounds: int
    excess: int


def route_wires(
    start: Cells, end: Cells, grid: tuple[int, int], capacity: int, *, seed: int = 0, rounds: int = ROUNDS
) -> Negotiated:
    """Find ways for all wires, such that no boundary has more than its tracks.

    All wires run straight where that fits, and where a cut shows that nothing does. Otherwise those over full
    boundaries are laid anew, at most ``rounds`` times. The same wires and seed give the same ways.

    Parameters
    ----------
    start, end : int32[W, 2]
        Cells of the source and of the unit of each wire, on the grid.
    grid : tuple of (int, int)
        Rows and columns.
    capacity : int
        Tracks of every boundary.
    seed : int
        Of the order in which wires are laid anew.
    rounds : int
    """
    routes = straight_routes(start, end)
    demand = routes.demand(grid)
    excess = _excess(demand, capacity)
    if excess == 0 or next(overfull_cuts(start, end, grid, capacity), None) is not None:
        _LOG.debug("%d wires run straight: %d too many over all boundaries", len(start), excess)
        return Negotiated(routes, demand, 0, excess)
    # Numba takes seconds to import, and only wires that do not fit straight need it.
    from oscc.compiler.route.pathfinder_kernel import Wires, negotiate_rounds

    wires = Wires(routes.start, routes.end, routes.first, routes.direction)
    first, direction, made = negotiate_rounds(wires, grid, capacity, rounds, seed)
    routes = WireRoutes(routes.start, routes.end, first, direction)
    demand = routes.demand(grid)
    left = _excess(demand, capacity)
    _LOG.info(
        "%d wires, %d tracks over each boundary: %d too many when straight, %d after %d rounds of rip-up and reroute",
        len(start),
        capacity,
        excess,
        left,
        made,
    )
    return Negotiated(routes, demand, made, left)


def _excess(demand: Demand, capacity: int) -> int:
    return sum(int(np.maximum(part - capacity, 0).sum()) for part in demand)
