"""Tracks: which of a boundary's tracks every wire has."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from oscc.compiler.ir.wire_routes import LEFT, RIGHT, UP, WireRoutes


def assign_tracks(routes: WireRoutes) -> NDArray[np.int32]:
    """Choose a track for every step of every wire, int32[L]; a wire keeps its track for as long as it runs straight.

    A straight part is an interval of boundaries along a row or a column. Taken by where they begin, intervals get the
    lowest free track, so that a row or column needs as many tracks as its busiest boundary has wires, and no more (the
    left-edge algorithm: A. Hashimoto and J. Stevens, Wire routing by optimizing channel assignment within large
    apertures, DAC 1971).

    Parameters
    ----------
    routes : WireRoutes
    """
    direction = routes.direction
    track = np.zeros(direction.size, dtype=np.int32)
    if direction.size == 0:
        return track
    begins = np.flatnonzero(_begins(routes))
    ends = np.append(begins[1:], direction.size)
    cell = routes.cells_before()[begins].astype(np.int64)
    way = direction[begins].astype(np.int64)
    sideways = (way == RIGHT) | (way == LEFT)
    backward = (way == LEFT) | (way == UP)
    length = ends - begins
    # Boundary b of a line lies between cells b and b + 1.
    along = np.where(sideways, cell[:, 1], cell[:, 0])
    low = np.where(backward, along - length, along)
    line = np.where(sideways, cell[:, 0], cell[:, 1])
    order = np.lexsort((begins, low, line, sideways))
    given = np.zeros(len(begins), dtype=np.int32)
    current: tuple[bool, int] | None = None
    free: list[int] = []
    running: list[tuple[int, int]] = []
    count = 0
    for part, is_sideways, at, from_, reach in zip(
        order.tolist(),
        sideways[order].tolist(),
        line[order].tolist(),
        low[order].tolist(),
        (low + length)[order].tolist(),
        strict=True,
    ):
        if current != (is_sideways, at):
            current, free, running, count = (is_sideways, at), [], [], 0
        while running and running[0][0] <= from_:
            heapq.heappush(free, heapq.heappop(running)[1])
        if free:
            chosen = heapq.heappop(free)
        else:
            chosen, count = count, count + 1
        given[part] = chosen
        heapq.heappush(running, (reach, chosen))
    track[:] = np.repeat(given, length)
    return track


def _begins(routes: WireRoutes) -> NDArray[np.bool_]:
    """Return which steps begin a straight part, bool[L]."""
    direction = routes.direction
    begins = np.ones(direction.size, dtype=bool)
    begins[1:] = direction[1:] != direction[:-1]
    starts = routes.first[:-1]
    begins[starts[starts < direction.size]] = True
    return begins
