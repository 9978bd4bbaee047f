from __future__ import annotations

from collections.abc import Callable
from itertools import product

import networkx as nx
import numpy as np
import pytest

from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.cell_rules import CellRules, lost_units
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.problem import PlacementProblem, near_cells
from oscc.core.spec import CoreSpec
from oscc.core.stencil import named_stencil

MakeCore = Callable[..., CoreSpec]
ModelOf = Callable[..., CouplingGraph]


@pytest.mark.parametrize(("origin", "step"), [((0, 0), (2, 2)), ((1, 2), (2, 1)), ((3, 0), (3, 2)), ((0, 0), (1, 1))])
def test_what_a_lattice_takes_of_a_core(origin: tuple[int, int], step: tuple[int, int], make_core: MakeCore) -> None:
    core = make_core(grid=[9, 11], stencil="box-3", readout={"origin": origin, "step": step})
    lattice = Lattice.readable(core)
    readable = [(row, col) for row in range(origin[0], 9, step[0]) for col in range(origin[1], 11, step[1])]
    places = np.array(list(product(*map(range, lattice.grid))))
    assert [tuple(cell) for cell in lattice.cells(places).tolist()] == readable
    table = np.zeros((9, 11), dtype=bool)
    lattice.part(table)[...] = True
    assert [(row, col) for row, col in np.argwhere(table).tolist()] == readable
    # Two places are near each other where their cells are.
    near, radius = near_cells(core, lattice), near_cells(core, lattice).shape[0] // 2
    for (one, cell), (other, far) in product(zip(places.tolist(), readable, strict=True), repeat=2):
        away = (other[0] - one[0], other[1] - one[1])
        is_near = max(map(abs, away)) <= radius and near[away[0] + radius, away[1] + radius]
        assert is_near == (0 < max(abs(far[0] - cell[0]), abs(far[1] - cell[1])) <= 3)


def test_stencils_of_readable_cells(make_core: MakeCore) -> None:
    lattice = Lattice((0, 0), (2, 2), (4, 4))
    assert lattice.stencil(named_stencil("box-2")) == named_stencil("king")
    assert lattice.stencil(named_stencil("diamond-3")) == named_stencil("diamond-1")
    assert lattice.stencil(named_stencil("king")) is None
    rows = Lattice((0, 0), (2, 1), (4, 8)).stencil(named_stencil("box-2"))
    assert rows is not None
    assert rows.offsets == tuple((row, col) for row in (-1, 0, 1) for col in range(-2, 3) if (row, col) != (0, 0))
    assert not near_cells(make_core(stencil="king"), lattice).any()


def test_which_lattice_a_model_is_placed_on(make_core: MakeCore, model_of: ModelOf) -> None:
    core = make_core(stencil="box-2", readout={"step": [2, 2]})
    assert Lattice.of(model_of(nx.path_graph(4)), core) == Lattice.readable(core)
    assert Lattice.of(model_of(nx.path_graph(4), pixels=3), core) == Lattice.whole(core)
    king = make_core(stencil="king", readout={"step": [2, 2]})
    assert Lattice.of(model_of(nx.path_graph(4)), king) == Lattice.whole(king)


@pytest.mark.parametrize("couplings", ["directed", "reciprocal"])
def test_dead_units_between_readable_cells(couplings: str, make_core: MakeCore, model_of: ModelOf) -> None:
    slots = [list(unit) for unit in product(range(8), range(8), range(12)) if sum(unit) % 5 == 0]
    core = make_core(
        stencil="box-2",
        couplings=couplings,
        readout={"origin": [1, 0], "step": [2, 1]},
        defects={"slots": slots, "cells": [[3, 3], [2, 2]]},
    )
    lattice = Lattice.readable(core)
    model = model_of(nx.path_graph(5))
    problem = PlacementProblem.of(model, core, lattice)
    rules = CellRules.of(model, core, problem, lattice)
    whole = lost_units(core, Lattice.whole(core))
    stencil = lattice.stencil(core.model_stencil)
    assert stencil is not None
    reach = stencil.radius
    for row, col in product(*map(range, lattice.grid)):
        assert rules.usable[:, row, col].tolist() == [(1 + 2 * row, col) != (3, 3)] * 2
        for drow, dcol in stencil.offsets:
            assert rules.lost[row, col, drow + reach, dcol + reach] == whole[1 + 2 * row, col, 2 * drow + 2, dcol + 2]
    assert rules.lost.any()
    assert problem.grid == rules.usable.shape[1:] == (4, 8)
