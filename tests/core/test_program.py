from __future__ import annotations

import zlib
from dataclasses import replace

import numpy as np
import pytest

from oscc.core.groups import Groups
from oscc.core.instructions import Operation
from oscc.core.program import Program
from oscc.core.spec import CoreSpec


def test_stream_goes_bank_by_bank_and_address_by_address(tiny_program: Program) -> None:
    stream = tiny_program.stream()
    assert len(stream) == 8 * 32 * 16
    for col, address in [(0, 0), (0, 31), (3, 5), (7, 31)]:
        start = (col * 32 + address) * 16
        assert stream[start : start + 16] == tiny_program.words[col, address].tobytes()


def test_crc_is_zlibs_over_exactly_the_stream(tiny_program: Program) -> None:
    # Bit by bit: the reflected polynomial of CRC-32.
    crc = 0xFFFFFFFF
    for byte in tiny_program.stream():
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 if crc & 1 else 0)
    assert tiny_program.stream_crc() == crc ^ 0xFFFFFFFF == zlib.crc32(tiny_program.words.tobytes())


def test_one_flipped_bit_changes_the_crc(tiny_program: Program) -> None:
    words = tiny_program.words.copy()
    words[4, 7, 3] ^= 0x10
    assert replace(tiny_program, words=words).stream_crc() != tiny_program.stream_crc()


def test_codes_are_by_chunk_row_and_column(tiny_program: Program, tiny_core: CoreSpec) -> None:
    codes = tiny_program.codes(tiny_core)
    assert codes.map(np.shape) == Groups((4, 8, 8, 24), (4, 8, 8), (4, 8, 8), (4, 8, 8))
    word = int.from_bytes(tiny_program.words[6, 1 * 8 + 3].tobytes(), "little")
    nibbles = [(word >> (4 * place)) & 15 for place in range(27)]
    expected = [(-1 if nibble & 8 else 1) * (nibble & 7) for nibble in nibbles]
    assert codes.coupling[1, 3, 6].tolist() == expected[:24]
    assert [int(node[1, 3, 6]) for node in (codes.shil, codes.field, codes.detuning)] == expected[24:]
    assert tiny_program.chunks == 2
    assert not any(group[2:].any() for group in codes.values())


def test_illegal_words_have_no_codes(tiny_program: Program, tiny_core: CoreSpec) -> None:
    words = tiny_program.words.copy()
    words[0, 0, 0] = 0x08
    with pytest.raises(ValueError, match="minus zero"):
        replace(tiny_program, words=words).codes(tiny_core)


def test_images_pick_their_pixels_from_frames(tiny_program: Program) -> None:
    swapped = tiny_program.pixel[::-1]
    program = replace(tiny_program, pixel=swapped)
    frames = np.arange(2 * 3 * 16).reshape(2, 3, 4, 4)
    images = program.image_of(frames)
    assert images.shape == (2, 3, 4, 4)
    np.testing.assert_array_equal(images, frames[..., ::-1, ::-1])


def test_schedule_decodes(tiny_program: Program) -> None:
    instructions = tiny_program.instructions()
    assert instructions[-1].operation is Operation.STOP
    assert [step.operand for step in instructions if step.operation is Operation.LOAD] == [0, 1, 0]


def test_programs_are_read_only(tiny_program: Program) -> None:
    with pytest.raises(ValueError, match="read-only"):
        tiny_program.words[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        tiny_program.lsb.field[0] = 1
