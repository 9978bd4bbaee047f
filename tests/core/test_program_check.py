from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from oscc.base.findings import Finding, FindingError, is_empty
from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.instructions import Instruction, Operation, encode_schedule
from oscc.core.program import Program
from oscc.core.program_check import diagnose_program, verify_program
from oscc.core.spec import CoreSpec


def only(program: Program, core: CoreSpec) -> Finding:
    findings = list(diagnose_program(program, core))
    assert len(findings) == 1, findings
    assert not is_empty(diagnose_program(program, core))
    with pytest.raises(FindingError, match=f"^{findings[0].code}: "):
        verify_program(program, core)
    return findings[0]


def with_byte(program: Program, index: tuple[int, int, int], value: int) -> Program:
    words = program.words.copy()
    words[index] = value
    return replace(program, words=words)


def with_instruction(program: Program, address: int, instruction: Instruction) -> Program:
    instructions = list(program.instructions())
    instructions[address] = instruction
    return replace(program, schedule=encode_schedule(instructions))


def test_a_compiled_program_is_valid(tiny_program: Program, tiny_core: CoreSpec) -> None:
    assert list(diagnose_program(tiny_program, tiny_core)) == []
    verify_program(tiny_program, tiny_core)


def test_another_core(tiny_program: Program, make_core: Callable[..., CoreSpec]) -> None:
    other = make_core(name="tiny-two", reference_hz=2e8)
    finding = only(tiny_program, other)
    assert finding.code == "B001"
    assert finding.message.startswith("the program is for core tiny-8x8 (")
    assert "not for tiny-two (" in finding.message


def test_wrong_shapes_end_the_check(tiny_program: Program, tiny_core: CoreSpec) -> None:
    narrow = replace(tiny_program, words=tiny_program.words[:7], spec_hash=tiny_core.hash)
    finding = only(narrow, tiny_core)
    assert (finding.code, finding.message) == ("B002", "words: shape [7, 32, 16], expected [8, 32, 16]")
    five = np.ones(5)
    long = replace(tiny_program, tau_s=five, chunk_duration=five, lsb=Groups(five, five, five, five))
    assert only(long, tiny_core).message == "the program has 5 chunks; the core holds 4"
    steps = replace(tiny_program.lsb, field=np.ones(3))
    finding = only(replace(tiny_program, lsb=steps), tiny_core)
    assert (finding.code, finding.message) == ("B002", "lsb.field: shape [3], expected [2]")


def test_illegal_and_forbidden_codes(
    tiny_program: Program, tiny_core: CoreSpec, make_core: Callable[..., CoreSpec]
) -> None:
    finding = only(with_byte(tiny_program, (2, 0, 0), 0x08), tiny_core)
    assert (finding.code, finding.message) == ("B003", "bank 2: minus zero is not a code")
    strict = make_core(shil_dac={"forbidden": [1]})
    findings = list(diagnose_program(replace(tiny_program, spec_hash=strict.hash), strict))
    assert {finding.code for finding in findings} == {"B003"}
    assert "shil code 1 is forbidden" in findings[0].message


def test_memory_beyond_the_model_must_be_zero(tiny_program: Program, tiny_core: CoreSpec) -> None:
    finding = only(with_byte(tiny_program, (5, 16, 0), 0x01), tiny_core)
    assert (finding.code, finding.message) == ("B004", "bank 5: words beyond the 2 chunks of the model are not zero")


def test_pixels_must_lie_in_the_frame(tiny_program: Program, tiny_core: CoreSpec) -> None:
    pixel = tiny_program.pixel.copy()
    pixel[3] = (0, 4)
    finding = only(replace(tiny_program, pixel=pixel), tiny_core)
    assert (finding.code, finding.message) == ("B005", "pixel 3 is at [0, 4] of the read-out frame, which has [4, 4]")


def test_a_wrong_tau_contradicts_steps_and_runs(tiny_program: Program, tiny_core: CoreSpec) -> None:
    wrong = replace(tiny_program, tau_s=tiny_program.tau_s * [1.0, 1.001])
    findings = list(diagnose_program(wrong, tiny_core))
    assert [finding.code for finding in findings] == ["B006"] * 4 + ["B007"]
    assert findings[0].message.startswith("coupling, chunk 1: a code step is worth ")
    # Steps that follow the wrong tau leave the runs as its witness.
    consistent = replace(wrong, lsb=tiny_program.lsb.map(lambda lsb: lsb * [1.0, 1.001]))
    assert only(consistent, tiny_core).code == "B007"


def test_a_run_that_is_a_cycle_longer(tiny_program: Program, tiny_core: CoreSpec) -> None:
    address, run = next((a, i) for a, i in enumerate(tiny_program.instructions()) if i.operation is Operation.RUN)
    moved = with_instruction(tiny_program, address, Instruction(Operation.RUN, run.operand + 1))
    assert only(moved, tiny_core).code == "B007"


def test_an_init_of_another_length(tiny_program: Program, tiny_core: CoreSpec) -> None:
    finding = only(with_instruction(tiny_program, 3, Instruction(Operation.INIT, 63)), tiny_core)
    assert (finding.code, finding.message) == ("B008", "instruction 3 (init 63): the core's init takes 64 cycles")


def test_a_lost_commit_shows_in_the_schedule(tiny_program: Program, tiny_core: CoreSpec) -> None:
    instructions = [step for step in tiny_program.instructions() if step.operation is not Operation.COMMIT]
    lost = replace(tiny_program, schedule=encode_schedule(instructions))
    assert {"T010"} <= {finding.code for finding in diagnose_program(lost, tiny_core)}


def test_a_core_name_that_contradicts_the_hash(tiny_program: Program, tiny_core: CoreSpec) -> None:
    finding = only(replace(tiny_program, core_name="huge"), tiny_core)
    assert finding.code == "B011"
    assert finding.message == "the program names core 'huge', but its hash is that of 'tiny-8x8'"


@pytest.mark.parametrize("family", ["poly_ising", "tanh_ising", "no-family"])
def test_a_family_without_hardware(family: str, tiny_program: Program, tiny_core: CoreSpec) -> None:
    finding = only(replace(tiny_program, family=family), tiny_core)
    assert finding.code == "B009"
    assert finding.message == f"the program is of family '{family}'; the core runs kurashil and kuramoto"


@pytest.mark.parametrize(
    "init",
    [InitialPhases("normal", 0.0, 2.0), InitialPhases("normal", 0.1, 1.0), InitialPhases("uniform", 0.0, 1.0)],
)
def test_initial_phases_that_the_core_does_not_offer(
    init: InitialPhases, tiny_program: Program, tiny_core: CoreSpec
) -> None:
    finding = only(replace(tiny_program, init=init), tiny_core)
    assert finding.code == "B010"
    assert finding.message.startswith(f"the program starts from phases {init.kind} with mean {init.mean:.9g} ")


def test_an_image_without_pixels(tiny_program: Program, tiny_core: CoreSpec) -> None:
    finding = only(replace(tiny_program, image_shape=(-4, -4)), tiny_core)
    assert (finding.code, finding.message) == ("B002", "image_shape: [-4, -4] is no image")
    finding = only(replace(tiny_program, image_shape=(4, 5)), tiny_core)
    assert (finding.code, finding.message) == ("B002", "pixel: shape [16, 2], expected [20, 2]")


def test_a_unit_over_the_border(tiny_program: Program, tiny_core: CoreSpec) -> None:
    # Slot 0 of box-2 is offset (-2, -2): at cell (1, 5) it points to row -1. It stands in bits 3:0 of byte 0.
    address = 1 * tiny_core.rows + 1
    assert tiny_program.words[5, address, 0] & 0xF == 0
    changed = with_byte(tiny_program, (5, address, 0), int(tiny_program.words[5, address, 0]) | 0x9)
    finding = only(changed, tiny_core)
    assert finding.code == "B012"
    assert finding.message.startswith("cell (1, 5), slot 0: code -1 in chunk 1, but the unit points over the border")


@pytest.mark.parametrize(
    ("defects", "cell", "unit"),
    [
        ({"cells": [[4, 4]]}, [4, 4], "slot 0"),
        ({"slots": [[4, 4, 5]]}, [4, 4], "slot 5"),
        # The source of slot 23, offset (2, 2), of cell (2, 2) is (4, 4); bank 2 is also where slot 13 lies, (0, 2).
        ({"cells": [[4, 4]]}, [2, 2], "slot 23"),
    ],
)
def test_dead_cells_and_slots_hold_code_0(
    defects: dict[str, object],
    cell: list[int],
    unit: str,
    tiny_program: Program,
    make_core: Callable[..., CoreSpec],
) -> None:
    core = make_core(defects=defects)
    words = np.zeros_like(tiny_program.words)
    program = replace(tiny_program, words=words, spec_hash=core.hash)
    assert is_empty(diagnose_program(program, core))
    slot = int(unit.removeprefix("slot "))
    program = with_byte(program, (cell[1], cell[0], slot // 2), 0x1 << 4 * (slot % 2))
    finding = only(program, core)
    assert (finding.code, finding.witness["cell"], finding.witness["unit"]) == ("B012", cell, unit)


def test_a_node_dac_of_a_dead_cell_holds_code_0(tiny_program: Program, make_core: Callable[..., CoreSpec]) -> None:
    core = make_core(defects={"cells": [[4, 4]]})
    program = replace(tiny_program, words=np.zeros_like(tiny_program.words), spec_hash=core.hash)
    # After 24 slots of 4 bits: SHIL in the low half of byte 12, field in its high half.
    finding = only(with_byte(program, (4, 4, 12), 0x20), core)
    assert finding.message.startswith("cell (4, 4), field: code 2 in chunk 0")
    assert is_empty(diagnose_program(with_byte(program, (4, 3, 12), 0x20), core))


def test_a_schedule_without_a_sample(tiny_program: Program, tiny_core: CoreSpec) -> None:
    kept = [step for step in tiny_program.instructions() if step.operation is not Operation.SAMPLE]
    finding = only(replace(tiny_program, schedule=encode_schedule(kept)), tiny_core)
    assert (finding.code, finding.message) == ("T012", "the schedule never samples: no image comes out of the core")
