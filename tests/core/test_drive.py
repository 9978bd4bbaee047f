from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.base.errors import OsccError
from oscc.core.drive import PLAIN, Drive
from oscc.core.groups import Groups
from oscc.core.initial_phases import InitialPhases
from oscc.core.input_codes import quantize_inputs, vector_chunks
from oscc.core.instructions import Instruction, Operation, Source, encode_schedule
from oscc.core.program import Program
from oscc.core.program_file import decode_program, encode_program, read_program, write_program
from oscc.core.spec_file import load_core
from oscc.core.weight_word import pack_words

CORE = load_core("driven-8x8")


def drive(**changes: Any) -> Drive:
    table = np.zeros((2, 64), dtype=np.uint8)
    table[1, 3] = 0x85
    watched = np.zeros((8, 8), dtype=np.bool_)
    watched[2, 7] = watched[4, 0] = True
    made = Drive(
        64,
        8,
        8,
        np.array([[1, 2], [3, 4]], dtype=np.int32),
        np.array([[-1, -1], [5, 6]], dtype=np.int32),
        np.array([[0.0, 1.0], [0.0, 1.0]]),
        np.array([[2.0, 1.0], [0.0, 1.0]]),
        table,
        watched,
        1,
        3,
    )
    return dataclasses.replace(made, **changes)


def program(**changes: Any) -> Program:
    marked = np.zeros((8, 16), dtype=np.bool_)
    marked[2, 1] = marked[4, 3] = marked[4, 8 + 3] = True
    codes = Groups(
        np.zeros((8, 16, 8), dtype=np.int8), *(np.full((8, 16), value, dtype=np.int8) for value in (1, 5, 2))
    )
    schedule = [
        Instruction.feed(Source.STREAM),
        Instruction(Operation.LOAD, 0),
        Instruction(Operation.COMMIT),
        Instruction.feed(Source.FEEDBACK, 1),
        Instruction(Operation.LOAD, 1),
        Instruction(Operation.STOP),
    ]
    made = Program(
        name="two inputs",
        family="kurashil",
        core_name=CORE.name,
        spec_hash=CORE.hash,
        model_hash="",
        init=InitialPhases("normal", CORE.init.mean_rad, CORE.init.std_rad),
        image_shape=(1, 1),
        pixel=np.zeros((1, 2), dtype=np.int32),
        chunk_duration=np.ones(2),
        tau_s=np.full(2, 1e-6),
        lsb=Groups(*(np.full(2, 0.5) for _ in range(4))),
        schedule=encode_schedule(schedule),
        words=pack_words(codes, CORE, marked).reshape(8, 16, -1),
        drive=drive(),
    )
    return dataclasses.replace(made, **changes)


def test_sections_of_the_stream_bit_by_bit() -> None:
    sections = drive().sections()
    assert len(sections) == 8 * sum(CORE.section_beats)
    entries = np.frombuffer(sections, dtype="<u8")
    # Row 1, column 2, nothing fed back; row 3, column 4, fed back from byte 5 x 8 + 6 of the frame.
    assert entries[0] == 0x0000_0000_0002_0001
    assert entries[1] == 1 << 63 | 46 << 32 | 4 << 16 | 3
    assert not entries[2:64].any()
    table = entries[64 : 64 + 128]
    assert (np.flatnonzero(table).tolist(), int(table[64 + 3])) == ([64 + 3], 0x85)
    assert entries[192:].tolist() == [0, 0, 0x80, 0, 0x01, 0, 0, 0]


def test_entries_are_padded_to_beats_of_any_width() -> None:
    narrow, wide = drive(beat_bytes=4).sections(), drive(beat_bytes=16).sections()
    assert len(narrow) == 4 * sum(CORE.changed(stream_width=32).section_beats)
    assert len(wide) == 16 * sum(CORE.changed(stream_width=128).section_beats)
    # Rows of 8 codes are two beats of four; the second code row 2, lane 3 of its second beat.
    assert np.frombuffer(narrow, dtype="<u4")[-16:].tolist() == [0, 0, 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert np.frombuffer(wide, dtype="<u8")[:4].tolist() == [0x20001, 0, 1 << 63 | (5 * 16 + 6) << 32 | 0x40003, 0]


def test_register_words_and_rows() -> None:
    made = drive()
    assert (made.settle_word(), made.settle_rows_word()) == (0x0003_0001, 0x0004_0002)
    assert made.times == (2, 3)
    assert drive(watched=np.zeros((8, 8), dtype=np.bool_)).rows == (0, 0)
    assert (PLAIN.driven, PLAIN.sections()) == (False, b"")
    unused = Drive.unused(CORE, 2)
    assert len(unused.sections()) == 8 * sum(CORE.section_beats)
    assert not any(unused.sections())


def test_marks_stand_in_the_banks_as_minus_zero() -> None:
    made = program()
    marked = made.marked(CORE)
    assert np.argwhere(marked).tolist() == [[0, 1, 2], [0, 3, 4], [1, 3, 4]]
    field = made.codes(CORE).field
    assert np.array_equal(field, np.where(marked, 0, 5))
    plain = load_core("tiny-8x8")
    with pytest.raises(ValueError, match="no inputs"):
        pack_words(Groups(np.zeros((1, 24), np.int8), *(np.zeros(1, np.int8),) * 3), plain, np.ones(1, np.bool_))


def test_the_file_brings_everything_back(tmp_path: Path) -> None:
    made = program()
    write_program(tmp_path / "p", made)
    read = read_program(tmp_path / "p")
    assert read.stream() == made.stream()
    assert read.instructions() == made.instructions()
    for field in dataclasses.fields(Drive):
        assert np.array_equal(getattr(read.drive, field.name), getattr(made.drive, field.name)), field.name
    assert encode_program(read) == encode_program(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drive": drive(tolerance=256)}, "tolerance is 256, expected an integer from 0 to 255"),
        ({"drive": drive(base=np.full((2, 2), np.nan))}, "NaN"),
        ({"drive": drive(gain=np.zeros((3, 2)))}, "bytes, expected"),
    ],
)
def test_damaged_drives_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(OsccError, match=message) as caught:
        decode_program(encode_program(program(**changes)), "p")
    assert caught.value.code == "program.content"


def test_a_plain_program_may_not_hold_driven_instructions() -> None:
    with pytest.raises(OsccError, match="section 'schedule': instruction 0: 0x80000000: operation 8 does not exist"):
        decode_program(encode_program(program(drive=PLAIN)), "p")


def test_inputs_become_codes_half_to_even_and_what_saturates_is_counted() -> None:
    assert vector_chunks(program()) == (0,)
    # Input 0: 2 x / 0.5; input 1: (1 + x) / 0.5, so that 2.5 steps of x = 0.25 are 2 and 3.5 of 0.75 are 4.
    codes, saturated = quantize_inputs(program(), np.array([[-0.3, 0.25], [0.0, 0.75], [1.5, -1.0]]))
    assert codes.dtype == np.uint8
    assert codes.tolist() == [[[0x81, 2]], [[0, 4]], [[4, 0]]]
    assert saturated == 1
    large = dataclasses.replace(program(), lsb=Groups(*(np.full(2, 0.01) for _ in range(4))))
    codes, saturated = quantize_inputs(large, np.array([[-1.0, 0.25]]))
    assert (codes.tolist(), saturated) == ([[[0xFF, 125]]], 1)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (np.array([[0.0, np.nan]]), "inputs.nan"),
        (np.array([[np.inf, 0.0]]), "inputs.nan"),
        (np.zeros((3, 3)), "inputs.shape"),
        (np.zeros(2), "inputs.shape"),
        (np.array([["a", "b"]]), "inputs.type"),
        (np.array([[True, False]]), "inputs.type"),
    ],
)
def test_inputs_that_are_refused(given: Any, code: str) -> None:
    with pytest.raises(OsccError) as caught:
        quantize_inputs(program(), given)
    assert caught.value.code == code


def test_a_program_without_inputs_takes_none() -> None:
    with pytest.raises(OsccError, match="takes no inputs"):
        quantize_inputs(dataclasses.replace(program(), drive=Drive.unused(CORE, 2)), np.zeros((1, 0)))
