from __future__ import annotations

from collections.abc import Callable

import pytest

from oscc.compiler.copies.host_graph import HostGraph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]


def edges(host: HostGraph) -> set[tuple[int, int]]:
    return set(zip(*(end.tolist() for end in host.pairs()), strict=True))


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_cells_that_can_be_coupled_in_both_directions(couplings: str, make_core: MakeCore) -> None:
    core = make_core(grid=[4, 5], stencil="king", couplings=couplings)
    cells = [(row, col) for row in range(4) for col in range(5)]
    expected = {
        (4 * 0 + a[0] * 5 + a[1], b[0] * 5 + b[1])
        for a in cells
        for b in cells
        if a != b and max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1
    }
    host = HostGraph.of(core)
    assert edges(host) == expected
    assert (host.cells, host.most_neighbours) == (20, 8)
    assert host.usable.all()
    assert host.positions(host.adjacency.neighbour[:1]).tolist() == [[0, 1]]


def test_an_offset_without_its_opposite_makes_no_edge(make_core: MakeCore) -> None:
    host = HostGraph.of(make_core(grid=[3, 3], stencil=[[0, 1], [0, -1], [1, 0]]))
    assert edges(host) == {(a, b) for a in range(9) for b in (a - 1, a + 1) if 0 <= b < 9 and a // 3 == b // 3}


def test_dead_cells_and_units_are_left_out(make_core: MakeCore) -> None:
    core = make_core(grid=[3, 3], stencil="king", defects={"cells": [[1, 1]], "slots": [[0, 0, 0]]})
    drow, dcol = core.unit_stencil.offsets[0]
    assert (drow, dcol) == (-1, -1), "the unit at (0, 0) would need a cell off the grid: no edge is lost by it"
    host = HostGraph.of(core)
    assert not host.usable[4]
    assert all(4 not in edge for edge in edges(host))
    slot = core.unit_stencil.offsets.index((0, 1))
    less = HostGraph.of(make_core(grid=[3, 3], stencil="king", defects={"slots": [[0, 0, slot]]}))
    whole = HostGraph.of(make_core(grid=[3, 3], stencil="king"))
    assert edges(whole) - edges(less) == {(0, 1), (1, 0)}


def test_readable_cells(make_core: MakeCore) -> None:
    core = make_core(grid=[4, 4], readout={"origin": [1, 0], "step": [2, 3]}, defects={"cells": [[3, 3]]})
    readable = HostGraph.of(core).readable.reshape(4, 4)
    assert [[int(row), int(col)] for row, col in zip(*readable.nonzero(), strict=True)] == [[1, 0], [1, 3], [3, 0]]
