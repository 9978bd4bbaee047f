from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import binomtest

from oscc.base.errors import OsccError
from oscc.compiler.feasibility.yield_study import Die, YieldOptions, YieldStudy, study_yield
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.spec import CoreSpec

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


@pytest.fixture(scope="module")
def model(make_core: MakeCore, make_graph: MakeGraph) -> CouplingGraph:
    return make_graph(make_core(readout={"step": [1, 1]}), chunks=1, density=0.4)


def test_a_model_without_room_needs_every_cell(model: CouplingGraph, make_core: MakeCore) -> None:
    core = make_core(readout={"step": [1, 1]})
    study = study_yield(model, core, YieldOptions(cell_rate=0.01, slot_rate=0.0, dies=300, seed=1))
    assert all((die.dead_cells == 0) == (not die.refused_by) for die in study.dies)
    assert {die.refused_by for die in study.dies} == {"", "dead cells"}
    # 64 cells, each alive with 0.99.
    low, high = study.interval()
    assert low < 0.99**64 < high
    assert np.mean([die.dead_cells for die in study.dies]) == pytest.approx(0.64, abs=0.15)


def test_room_helps(model: CouplingGraph, make_core: MakeCore) -> None:
    tight, roomy = (
        study_yield(
            model, make_core(grid=grid, readout={"step": [1, 1]}), YieldOptions(cell_rate=0.01, slot_rate=0.0, dies=60)
        )
        for grid in ([8, 8], [11, 11])
    )
    assert roomy.good > tight.good
    assert sum(dies for _, dies, _ in roomy.by_defects()) == 60
    assert sum(good for _, _, good in roomy.by_defects()) == roomy.good


def test_dead_slots_that_are_not_used_do_no_harm(model: CouplingGraph, make_core: MakeCore) -> None:
    core = make_core(readout={"step": [1, 1]})
    study = study_yield(model, core, YieldOptions(cell_rate=0.0, slot_rate=0.002, dies=40))
    assert {die.dead_cells for die in study.dies} == {0}
    harmed = [die for die in study.dies if die.refused_by]
    assert all(die.dead_slots > 0 and "dead slots" in die.refused_by for die in harmed)
    assert any(die.dead_slots > 0 and not die.refused_by for die in study.dies)


def test_die_n_is_the_same_however_many_there_are(model: CouplingGraph, make_core: MakeCore) -> None:
    core = make_core(grid=[9, 9], readout={"step": [1, 1]})
    few, many = (
        study_yield(model, core, YieldOptions(cell_rate=0.02, slot_rate=0.001, dies=dies, seed=4)) for dies in (3, 6)
    )
    assert many.dies[:3] == few.dies
    other = study_yield(model, core, YieldOptions(cell_rate=0.02, slot_rate=0.001, dies=6, seed=5))
    assert other.dies != many.dies


@pytest.mark.parametrize(("good", "dies"), [(0, 20), (20, 20), (7, 200), (1, 3)])
def test_the_interval_is_wilsons(good: int, dies: int) -> None:
    study = YieldStudy("m", "c", 0.1, 0.0, 0, tuple(Die(0, 0, "" if n < good else "x") for n in range(dies)))
    expected = binomtest(good, dies).proportion_ci(method="wilson")
    assert study.interval() == pytest.approx((expected.low, expected.high), abs=1e-6)
    content = study.as_dict()
    assert content["yield"] == round(good / dies, 6)
    assert content["refused_by"] == ({"x": dies - good} if good < dies else {})


def test_a_model_that_never_fits(model: CouplingGraph, make_core: MakeCore) -> None:
    with pytest.raises(OsccError, match="does not fit tiny-8x8 even without further defects"):
        study_yield(model, make_core(stencil="king"), YieldOptions(cell_rate=0.1, slot_rate=0.0, dies=2))


def test_moving_single_nodes_helps_where_there_is_room(make_core: MakeCore, make_graph: MakeGraph) -> None:
    # Couplings to the next cells only, on a core that has units for those two away.
    graph = make_graph(make_core(stencil="king", readout={"step": [1, 1]}), chunks=1, density=0.3)
    core = make_core(grid=[8, 9], stencil="box-2", readout={"step": [1, 1]}, cycles_per_sample=100_000)
    plain, repaired = (
        study_yield(graph, core, YieldOptions(0.02, slot_rate=0.0, dies=20, seed=2, repairing=repairing))
        for repairing in (False, True)
    )
    assert repaired.good > plain.good
    assert sum(die.repaired for die in repaired.dies) == repaired.good - plain.good == repaired.as_dict()["repaired"]
    assert plain.as_dict()["repaired"] == 0
    # More dead cells than spare ones cannot be made up for.
    assert all(die.refused_by for die in repaired.dies if die.dead_cells > 8)
