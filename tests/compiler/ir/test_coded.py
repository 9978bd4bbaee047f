from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from oscc.base.findings import FindingError, is_empty
from oscc.compiler.ir.coded import CodedGraph, diagnose_codes, verify_codes
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.place import PlacePass
from oscc.compiler.passes.quantize import QuantizePass
from oscc.compiler.passes.route import RoutePass
from oscc.compiler.passes.scale import ScalePass
from oscc.core.spec import CoreSpec


@pytest.fixture
def coded(make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph]) -> CodedGraph:
    core = make_core(coupling_dac={"forbidden": [-5]}, field_dac={"bits": 3})
    graph = make_graph(core, density=0.5)
    return QuantizePass().run(ScalePass().run(RoutePass().run(PlacePass(core).run(graph))))


def changed(coded: CodedGraph, group: str, index: tuple[int, ...], code: int) -> CodedGraph:
    """With another code of a group."""
    copy = coded.codes[group].copy()
    copy[index] = code
    return replace(coded, codes=replace(coded.codes, **{group: copy}))


def a_used_unit(coded: CodedGraph) -> tuple[int, int, int]:
    assert coded.placed.route is not None
    row, col = coded.placed.route.unit_cell[0].tolist()
    return row, col, int(coded.placed.route.slot[0])


def test_quantized_codes_are_valid(coded: CodedGraph) -> None:
    assert list(diagnose_codes(coded)) == []
    verify_codes(coded)


def test_levels_are_read_only(coded: CodedGraph) -> None:
    with pytest.raises(ValueError, match="read-only"):
        coded.codes.coupling[0, 0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        coded.lsb.detuning[0] = 1


def test_codes_of_a_group(coded: CodedGraph) -> None:
    assert coded.codes["field"] is coded.codes.field
    assert coded.chunks == 4
    with pytest.raises(KeyError):
        coded.codes["weights"]


@pytest.mark.parametrize("code", [-5, 8, -8])
def test_codes_that_the_dac_does_not_take(coded: CodedGraph, code: int) -> None:
    unit = a_used_unit(coded)
    bad = changed(coded, "coupling", (2, *unit), code)
    (finding,) = diagnose_codes(bad)
    assert finding.code == "Q001"
    assert finding.message == f"coupling: code {code} at {[2, *unit]} is no code of 4 bits, or is forbidden"
    assert finding.witness == {"group": "coupling", "index": [2, *unit], "count": 1}
    assert not is_empty(diagnose_codes(bad))


def test_each_group_is_held_to_its_own_bits(coded: CodedGraph) -> None:
    (finding,) = diagnose_codes(changed(coded, "field", (0, 1, 2), 4))
    assert finding.message == "field: code 4 at [0, 1, 2] is no code of 3 bits, or is forbidden"
    assert is_empty(diagnose_codes(changed(coded, "shil", (0, 1, 2), 4)))


def test_unused_units_must_hold_zero(coded: CodedGraph) -> None:
    # Slot 0 of the first cell points over the border.
    bad = changed(coded, "coupling", (1, 0, 0, 0), 2)
    with pytest.raises(FindingError, match="cell \\(0, 0\\) slot 0 has no coupling but code 2 in chunk 1"):
        verify_codes(bad)


@pytest.mark.parametrize("group", ["shil", "field", "detuning"])
def test_node_dacs_of_an_empty_cell_must_hold_zero(
    group: str, make_core: Callable[..., CoreSpec], make_graph: Callable[..., CouplingGraph]
) -> None:
    core = make_core(defects={"cells": [[3, 5]]})
    graph = make_graph(core)
    coded = QuantizePass().run(ScalePass().run(RoutePass().run(PlacePass(core).run(graph))))
    assert is_empty(diagnose_codes(coded))
    bad = changed(coded, group, (1, 3, 5), -2)
    (finding,) = diagnose_codes(bad)
    assert finding.code == "Q002"
    assert finding.message == f"cell (3, 5) has no node but {group} code -2 in chunk 1; 1 such codes"


def test_statistics_as_json_leave_the_histogram_out(coded: CodedGraph) -> None:
    numbers = coded.statistics["coupling"]
    assert set(numbers.as_dict()) == {"values", "rms_lsb", "max_lsb", "clipped", "zeroed", "sign_changed"}
    assert len(numbers.histogram) == 15
    assert sum(numbers.histogram) == numbers.values
