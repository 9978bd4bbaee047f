from __future__ import annotations

import json
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oscc.base.errors import OsccError
from oscc.compiler.compile import CompileResult
from oscc.core.groups import GROUPS
from oscc.core.initial_phases import InitialPhases
from oscc.core.program import Program
from oscc.core.program_file import SECTIONS, decode_program, encode_program, read_program, write_program

HEADER = 8 + 2 + 2 + 4 + 8 + 32 + 32
ENTRY = 8 + 8 + 8 + 4 + 4
ARRAYS = ("pixel", "chunk_duration", "tau_s", "schedule", "words")


@pytest.fixture(scope="module")
def content(tiny_program: Program) -> bytes:
    return encode_program(tiny_program)


def entry(content: bytes, name: str) -> tuple[int, int, int, int]:
    """Position of a table entry, offset, length and CRC, read as the documentation says."""
    place = HEADER + SECTIONS.index(name) * ENTRY
    offset, length, crc = struct.unpack_from("<QQI", content, place + 8)
    return place, offset, length, crc


def sealed(content: bytearray) -> bytes:
    """The same bytes with the CRC of header and table made right again."""
    end = HEADER + len(SECTIONS) * ENTRY
    struct.pack_into("<I", content, end, zlib.crc32(bytes(content[:end])))
    return bytes(content)


def with_section(content: bytes, name: str, part: bytes) -> bytes:
    """A section replaced by one of the same length, its CRC made right."""
    place, offset, length, _ = entry(content, name)
    assert len(part) == length
    changed = bytearray(content)
    changed[offset : offset + length] = part
    struct.pack_into("<I", changed, place + 24, zlib.crc32(part))
    return sealed(changed)


def refused(content: bytes, code: str) -> str:
    with pytest.raises(OsccError) as caught:
        decode_program(content, "x.bin")
    assert caught.value.code == f"program.{code}"
    assert caught.value.where == "x.bin"
    assert len(str(caught.value).splitlines()) <= 2
    return caught.value.message


def assert_equal(one: Program, other: Program) -> None:
    for name in ("name", "family", "core_name", "spec_hash", "model_hash", "init", "image_shape"):
        assert getattr(one, name) == getattr(other, name)
    arrays = [(getattr(one, name), getattr(other, name)) for name in ARRAYS]
    for ours, theirs in (*arrays, *((one.lsb[group], other.lsb[group]) for group in GROUPS)):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_round_trip(content: bytes, tiny_program: Program, tmp_path: Path) -> None:
    assert_equal(decode_program(content, "x"), tiny_program)
    write_program(tmp_path / "p.bin", tiny_program)
    assert (tmp_path / "p.bin").read_bytes() == content
    assert_equal(read_program(tmp_path / "p.bin"), tiny_program)


def test_round_trip_of_unusual_values(tiny_program: Program) -> None:
    unusual = replace(
        tiny_program,
        name='a "name" \u2713',
        model_hash="",
        init=InitialPhases("uniform", -0.1, 1.0 / 3.0),
        tau_s=np.array([1.0 / 3.0, 5e-324]),
    )
    assert_equal(decode_program(encode_program(unusual), "x"), unusual)


def test_layout_is_the_documented_one(content: bytes, tiny_program: Program) -> None:
    magic, version, sections, head, size, spec_hash, model_hash = struct.unpack_from("<8sHHIQ32s32s", content)
    assert (magic, version, sections) == (b"OSCCPROG", 1, 5)
    assert head == HEADER + 5 * ENTRY + 4
    assert size == len(content)
    assert (spec_hash.hex(), model_hash.hex()) == (tiny_program.spec_hash, tiny_program.model_hash)
    assert struct.unpack_from("<I", content, head - 4)[0] == zlib.crc32(content[: head - 4])
    end = head
    for name in ("meta", "schedule", "time", "pixels", "weights"):
        place, offset, length, crc = entry(content, name)
        assert content[place : place + 8] == name.encode().ljust(8, b"\0")
        assert offset % 8 == 0
        assert 0 <= offset - end < 8
        assert not any(content[end:offset])
        assert crc == zlib.crc32(content[offset : offset + length])
        end = offset + length
    assert end == len(content)


def test_sections_hold_little_endian_numbers(content: bytes, tiny_program: Program) -> None:
    _, offset, length, _ = entry(content, "schedule")
    assert struct.unpack_from(f"<{length // 4}I", content, offset) == tuple(tiny_program.schedule.tolist())
    _, offset, length, _ = entry(content, "time")
    first = struct.unpack_from("<6d", content, offset)
    lsb = tiny_program.lsb
    steps = (lsb.coupling[0], lsb.shil[0], lsb.field[0], lsb.detuning[0])
    assert first == (2.0, tiny_program.tau_s[0], *steps)
    assert length == 2 * 6 * 8
    _, offset, _, _ = entry(content, "pixels")
    assert struct.unpack_from("<4i", content, offset) == (0, 0, 0, 1)
    _, offset, length, _ = entry(content, "weights")
    assert content[offset : offset + length] == tiny_program.stream()


def test_equal_programs_give_equal_bytes(content: bytes, tiny_result: CompileResult, tiny_program: Program) -> None:
    copies = {name: getattr(tiny_program, name).copy() for name in ARRAYS}
    again = replace(tiny_program, lsb=tiny_program.lsb.map(np.copy), **copies)
    assert encode_program(again) == content


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_every_flipped_bit_is_noticed(data: st.DataObject, tiny_program: Program) -> None:
    content = bytearray(encode_program(tiny_program))
    place = data.draw(st.one_of(st.integers(0, 400), st.integers(0, len(content) - 1)))
    content[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(OsccError, match=r"\S"):
        decode_program(bytes(content), "x")


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_every_truncation_is_noticed(data: st.DataObject, tiny_program: Program) -> None:
    content = encode_program(tiny_program)
    length = data.draw(st.one_of(st.integers(0, 300), st.integers(0, len(content) - 1)))
    with pytest.raises(OsccError) as caught:
        decode_program(content[:length], "x")
    assert caught.value.code == ("program.truncated" if length else "program.magic")


def test_other_files_are_no_programs(content: bytes) -> None:
    assert refused(b"PK\x03\x04" + content[4:], "magic") == "not a program: it does not begin with OSCCPROG"
    assert refused(b"", "magic").startswith("not a program")


def test_another_version(content: bytes) -> None:
    changed = bytearray(content)
    changed[8] = 2
    assert refused(bytes(changed), "version") == "program format version 2; this oscc reads version 1"


def test_truncation_says_how_much_is_missing(content: bytes) -> None:
    assert refused(content[:-100], "truncated") == f"truncated: {len(content) - 100} of {len(content)} bytes"


def test_trailing_bytes(content: bytes) -> None:
    assert refused(content + b"\0\0", "trailing") == "2 bytes follow the end of the program"


@pytest.mark.parametrize("name", SECTIONS)
def test_a_damaged_section_is_named(content: bytes, name: str) -> None:
    _, offset, _, _ = entry(content, name)
    changed = bytearray(content)
    changed[offset] ^= 1
    assert refused(bytes(changed), "crc") == f"the CRC-32 of section '{name}' does not match"


def test_a_damaged_header_is_named(content: bytes) -> None:
    changed = bytearray(content)
    changed[40] ^= 1
    assert refused(bytes(changed), "crc") == "the CRC-32 of the header does not match"


def test_sections_that_are_missing_or_out_of_order(content: bytes) -> None:
    place, *_ = entry(content, "time")
    missing = bytearray(content)
    missing[place : place + 4] = b"tome"
    assert refused(sealed(missing), "sections") == "section 'time' is missing"
    swapped = bytearray(content)
    one, two = HEADER + ENTRY, HEADER + 2 * ENTRY
    swapped[one : one + 8], swapped[two : two + 8] = content[two : two + 8], content[one : one + 8]
    assert refused(sealed(swapped), "sections").startswith("sections meta, time, schedule, pixels, weights; expected")


def test_sections_that_overlap_or_leave_gaps(content: bytes) -> None:
    place, offset, length, _ = entry(content, "time")
    overlapping = bytearray(content)
    struct.pack_into("<Q", overlapping, place + 8, offset - 8)
    assert "section 'time' at byte" in refused(sealed(overlapping), "sections")
    assert "overlaps what is before it" in refused(sealed(overlapping), "sections")
    gap = bytearray(content)
    struct.pack_into("<Q", gap, place + 8, offset + 8)
    assert "does not follow what is before it" in refused(sealed(gap), "sections")
    beyond = bytearray(content)
    struct.pack_into("<Q", beyond, place + 16, length + 10**6)
    assert refused(sealed(beyond), "sections") == "section 'time' reaches beyond the end of the file"
    place, _, length, _ = entry(content, "weights")
    short = bytearray(content)
    struct.pack_into("<QI", short, place + 16, length - 8, zlib.crc32(content[-length:-8]))
    assert refused(sealed(short), "sections") == "8 bytes belong to no section"


def test_padding_must_be_zero(content: bytes) -> None:
    _, offset, length, _ = entry(content, "meta")
    assert length % 8, "the test needs a gap"
    changed = bytearray(content)
    changed[offset + length] = 1
    assert refused(bytes(changed), "sections") == "the bytes before section 'schedule' are not zero"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"cols":8', b'"cols":7', "section 'weights': 4096 bytes, expected 7 banks x 32 words x 16 bytes"),
        (b'"cols":8', b'"cols":0', "section 'meta': cols is not a positive integer"),
        (b'"cols":8', b'"kols":8', "section 'meta': expected an object with bank_depth, cols, "),
        (b'"kind":"normal"', b'"kind":"abnorm"', "section 'meta': init is not an object with kind, mean and std"),
        (b'"image_shape":[4,4]', b'"image_shape":[4,5]', "section 'pixels': 16 pixels for an image of 4 x 5"),
        (b'"image_shape":[4,4]', b'"image_shape":"4x4"', "section 'meta': image_shape is not a pair of integers"),
        (b'"family":"kurashil"', b'"family":0123456789', "section 'meta': not JSON"),
        (b'"family":"kurashil"', b'"family":1234567890', "section 'meta': family is not one line of text"),
        (b'"family":"kurashil"', b'"family":"kurashli"', "section 'meta': 'kurashli' is not a family; did you mean"),
        (b'"name":"synth', b'"name":"\\nnth', "section 'meta': name is not one line of text"),
        (b'"mean":0.0', b'"mean":NaN', "section 'meta': init is not an object with kind, mean and std"),
    ],
)
def test_meta_that_is_not_what_it_should_be(content: bytes, old: bytes, new: bytes, message: str) -> None:
    _, offset, length, _ = entry(content, "meta")
    meta = content[offset : offset + length]
    assert old in meta
    assert refused(with_section(content, "meta", meta.replace(old, new)), "content").startswith(message)


def test_an_illegal_instruction_is_named(content: bytes) -> None:
    _, offset, length, _ = entry(content, "schedule")
    words = bytearray(content[offset : offset + length])
    words[8:12] = bytes(4)
    message = refused(with_section(content, "schedule", bytes(words)), "content")
    assert message == "section 'schedule': instruction 2: 0x00000000: operation 0 does not exist"


def test_a_section_of_half_a_row(content: bytes) -> None:
    place, _, length, _ = entry(content, "schedule")
    changed = bytearray(content)
    _, offset, _, _ = entry(content, "schedule")
    struct.pack_into("<QI", changed, place + 16, length - 2, zlib.crc32(content[offset : offset + length - 2]))
    # The last instruction is a stop, 0x10000000: cut in two, its upper half lands in the padding.
    changed[offset + length - 2 : offset + length] = bytes(2)
    assert refused(sealed(changed), "content") == f"section 'schedule': {length - 2} bytes are not rows of 4"


def test_files_that_cannot_be_read_or_written(tmp_path: Path, tiny_program: Program) -> None:
    with pytest.raises(OsccError, match=r"absent\.bin: cannot be read: No such file") as caught:
        read_program(tmp_path / "absent.bin")
    assert caught.value.code == "program.not-found"
    with pytest.raises(OsccError, match="a folder; the output is a file") as caught:
        write_program(tmp_path, tiny_program)
    assert caught.value.code == "output.is-folder"
    with pytest.raises(OsccError, match="there is no folder") as caught:
        write_program(tmp_path / "no" / "a.bin", tiny_program)
    assert caught.value.code == "program.write"


def test_a_number_that_float64_does_not_hold_is_no_mean(tiny_program: Program) -> None:
    huge = replace(tiny_program, init=InitialPhases("normal", 10**400, 1.0))
    assert refused(encode_program(huge), "content") == "section 'meta': init is not an object with kind, mean and std"


def test_meta_that_is_nested_without_end(tiny_program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json, "dumps", lambda *_, **__: "[" * 100_000)
    assert refused(encode_program(tiny_program), "content") == "section 'meta': not JSON"
