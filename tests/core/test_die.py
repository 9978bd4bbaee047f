from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.base.text_file import read_user_file
from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.coded import CodedGraph
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.die import MOST_FAULTS, PLACES, READ, DieSpec, parse_die, read_die, with_die
from oscc.core.spec import CoreSpec
from oscc.core.spec_file import dump_core, parse_core

MakeCore = Callable[..., CoreSpec]
MakeGraph = Callable[..., CouplingGraph]


@pytest.fixture
def die_of(tmp_path: Path) -> Callable[[str, CoreSpec], CoreSpec]:
    def make(text: str, core: CoreSpec) -> CoreSpec:
        path = tmp_path / "die.yaml"
        path.write_text(f"schema: oscc.die/1\ncore: {core.name}\n{text}")
        return with_die(core, parse_die(read_user_file(path, READ), core), "die.yaml")

    return make


def test_defects_are_added_to_those_of_the_core(die_of, make_core: MakeCore) -> None:
    core = make_core(defects={"cells": [[7, 7]], "slots": [[0, 0, 1]]})
    left = die_of("cells: [[1, 2], [7, 7]]\nslots: [[3, 3, 5]]\ngain: [[2, 2, 1.25]]\nname: lot 7\n", core)
    assert left.defects.cells == ((1, 2), (7, 7))
    assert left.defects.slots == ((0, 0, 1), (3, 3, 5))
    assert left.unit_gain[2, 2] == 1.25
    assert left.unit_gain.sum() == 63 + 1.25
    assert left != core
    assert parse_core(dump_core(left), where="x") == left


def test_stuck_codes(die_of, make_core: MakeCore) -> None:
    core = make_core(stencil="king")
    slot = core.unit_stencil.offsets.index((0, 1))
    left = die_of(
        f"stuck_slots: [[1, 1, {slot}, 0], [2, 2, {slot}, -3]]\nstuck_dacs: [[4, 4, shil, 0]]\n",
        core,
    )
    assert left.defects.slots == ((1, 1, slot), (2, 2, slot))
    assert left.defects.cells == ((2, 2), (4, 4))
    # The other end of a reciprocal unit hears of it, too.
    shared = make_core(stencil="king", couplings="reciprocal")
    slot = shared.unit_stencil.offsets.index((0, 1))
    left = die_of(f"stuck_slots: [[2, 2, {slot}, 5]]\n", shared)
    assert left.defects.cells == ((2, 2), (2, 3))


def test_a_core_without_gain_is_what_it_was(make_core: MakeCore) -> None:
    core = make_core()
    assert "gain" not in dump_core(core)
    assert "gain" not in core.canonical_json()
    assert np.all(core.unit_gain == 1)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cells: [[8, 0]]", r"cells: \[8, 0\] lies outside the 8 x 8 grid"),
        ("slots: [[0, 0, 99]]", "slots: slot 99; a cell has slots 0 to 23"),
        ("gain: [[0, 9, 1.1]]", r"gain: \[0, 9\] lies outside"),
        ("gain: [[0, 0, 0.2]]", "greater than or equal to 0.5"),
        ("gain: [[0, 0, .nan]]", "gain"),
        ("stuck_slots: [[0, 9, 0, 1]]", r"stuck_slots: \[0, 9\] lies outside"),
        ("stuck_slots: [[0, 0, 24, 1]]", "slot 24; a cell has slots 0 to 23"),
        ("stuck_slots: [[0, 0, 0, 8]]", "coupling code 8; codes are -7 to 7"),
        ("stuck_dacs: [[0, 0, field, -8]]", "field code -8; codes are -7 to 7"),
        ("stuck_dacs: [[0, 0, shill, 1]]", "'shil', 'field' or 'detuning'"),
        ("stuck_dacs: [[9, 0, shil, 1]]", r"stuck_dacs: \[9, 0\] lies outside"),
        ("dead: [[0, 0]]", "dead: unknown key"),
        ("cells: [[0, 0.5]]", "cells"),
        ("cells: {", "not YAML"),
    ],
)
def test_bad_files(text: str, message: str, die_of, tiny_core: CoreSpec) -> None:
    with pytest.raises(OsccError, match=message) as error:
        die_of(text, tiny_core)
    assert "\n" not in error.value.message
    assert error.value.where.endswith("die.yaml")


def test_every_fault_is_said(die_of, tiny_core: CoreSpec) -> None:
    with pytest.raises(OsccError) as error:
        die_of("cells: [[8, 0], [0, 0]]\nslots: [[0, 0, 24]]\nstuck_dacs: [[0, 9, shil, 8]]\n", tiny_core)
    assert error.value.message == (
        "cells: [8, 0] lies outside the 8 x 8 grid; stuck_dacs: [0, 9] lies outside the 8 x 8 grid; "
        "slots: slot 24; a cell has slots 0 to 23; stuck_dacs: shil code 8; codes are -7 to 7"
    )
    with pytest.raises(OsccError, match=r"; and 12 more$"):
        die_of(f"cells: [{', '.join(['[9, 9]'] * 20)}]\n", tiny_core)


@pytest.mark.parametrize(
    ("text", "code", "faults"),
    [
        (
            "gain: [[0, 0, 0.2], [0, 9, 1.1]]\ncells: [[8, 0]]\n",
            "die.invalid",
            [
                "gain.0.2: Input should be greater than or equal to 0.5 (was 0.2)",
                "cells: [8, 0] lies outside the 8 x 8 grid",
                "gain: [0, 9] lies outside the 8 x 8 grid",
            ],
        ),
        (
            "stuck_dacs: [[0, 0, shill, 1], [0, 0, field, -8]]\nslots: [[0, 0, 99]]\n",
            "die.invalid",
            ["stuck_dacs.0.2", "slots: slot 99; a cell has slots 0 to 23", "stuck_dacs: field code -8"],
        ),
        (
            "dead: [[0, 0]]\nstuck_slots: [[0, 0, 0, 8]]\n",
            "die.unknown-key",
            ["dead: unknown key", "stuck_slots: coupling code 8; codes are -7 to 7"],
        ),
        ("cells: 3\nslots: [[9, 0, 0]]\n", "die.invalid", ["cells: ", "slots: [9, 0] lies outside"]),
    ],
)
def test_faults_of_the_file_and_of_the_core_are_said_together(
    text: str, code: str, faults: list[str], die_of, tiny_core: CoreSpec
) -> None:
    with pytest.raises(OsccError) as error:
        die_of(text, tiny_core)
    assert error.value.code == code
    said = error.value.message.lower()
    assert [fault for fault in faults if fault.lower() not in said] == []
    assert [said.index(fault.lower()) for fault in faults] == sorted(said.index(fault.lower()) for fault in faults)


def test_a_faulty_file_of_another_core(tmp_path: Path, tiny_core: CoreSpec) -> None:
    path = tmp_path / "die.yaml"
    path.write_text("schema: oscc.die/1\ncore: other\ncells: [[80, 0]]\ngain: [[0, 0, 0.2]]\n")
    with pytest.raises(OsccError, match=r"0\.5 \(was 0\.2\); core 'other' was tested, not 'tiny-8x8'$"):
        parse_die(read_user_file(path, READ), tiny_core)


def test_many_faults_of_a_faulty_file_are_counted(die_of, tiny_core: CoreSpec) -> None:
    with pytest.raises(OsccError, match=rf"; and {20 - MOST_FAULTS} more$"):
        die_of(f"gain: [[0, 0, 0.2]]\ncells: [{', '.join(['[9, 9]'] * 20)}]\n", tiny_core)


def test_all_keys_that_name_places_are_looked_at() -> None:
    assert {*DieSpec.model_fields} - {*PLACES} == {"schema_", "core", "name"}


def test_another_core_and_no_file(tmp_path: Path, make_core: MakeCore, tiny_core: CoreSpec) -> None:
    (tmp_path / "die.yaml").write_text("schema: oscc.die/1\ncore: other\n")
    with pytest.raises(OsccError, match="core 'other' was tested, not 'tiny-8x8'"):
        with_die(tiny_core, read_die(tmp_path / "die.yaml"), "die.yaml")
    with pytest.raises(OsccError, match="cannot be read"):
        read_die(tmp_path / "none.yaml")
    (tmp_path / "die.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(OsccError, match="cannot be read: UTF-16, as its first bytes say; expected UTF-8"):
        read_die(tmp_path / "die.yaml")


def test_placement_goes_around_a_die(die_of, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    core = make_core(grid=[8, 9], readout={"step": [1, 1]})
    graph = make_graph(make_core(readout={"step": [1, 1]}), chunks=1, density=0.5)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    assert compile_model(read_checkpoint(tmp_path / "m.safetensors"), core).summary()["placement"] == "identity"
    left = die_of("stuck_slots: [[3, 0, 0, 2]]\n", core)
    result = compile_model(read_checkpoint(tmp_path / "m.safetensors"), left)
    assert result.feasible
    assert result.placed is not None
    assert (3, 0) not in {tuple(cell) for cell in result.placed.cell.tolist()}
    assert not compile_model(
        read_checkpoint(tmp_path / "m.safetensors"), die_of("cells: [[3, 0], [3, 8]]\n", core)
    ).feasible


def test_codes_make_up_for_gain(die_of, make_core: MakeCore, make_graph: MakeGraph, tmp_path: Path) -> None:
    core = make_core(coupling_dac={"bits": 8})
    graph = make_graph(core, chunks=1, density=0.5)
    write_checkpoint(tmp_path / "m.safetensors", graph)
    gains = {(row, col): 1 + 0.05 * ((row + col) % 10) for row in range(8) for col in range(8)}
    listed = ", ".join(f"[{row}, {col}, {gain:.4f}]" for (row, col), gain in gains.items())
    left = die_of(f"gain: [{listed}]\n", core)
    plain, made = (compile_model(read_checkpoint(tmp_path / "m.safetensors"), each).coded for each in (core, left))
    assert plain is not None
    assert made is not None
    assert graph.position is not None

    position = graph.position

    def errors(coded: CodedGraph, gained: bool) -> np.ndarray:
        """What the array delivers, less what the model asks for, in the model's unit."""
        found = []
        for edge, (src, dst) in enumerate(zip(graph.src.tolist(), graph.dst.tolist(), strict=True)):
            cell, far = position[dst].tolist(), position[src].tolist()
            slot = core.unit_stencil.offsets.index((far[0] - cell[0], far[1] - cell[1]))
            code = int(coded.codes.coupling[0, cell[0], cell[1], slot])
            gain = left.unit_gain[tuple(cell)] if gained else 1.0
            found.append(code * coded.lsb.coupling[0] * gain - graph.weight[0, edge])
        return np.array(found)

    found = (errors(plain, False), errors(plain, True), errors(made, True))
    ideal, spoilt, mended = (float(np.sqrt(np.mean(error**2))) for error in found)
    assert spoilt > 10 * ideal
    assert mended < 2 * ideal
