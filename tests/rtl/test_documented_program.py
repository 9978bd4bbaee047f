"""docs/formats.md, "A program by hand": its bytes, taken apart by a decoder that shares nothing with the tool."""

from __future__ import annotations

import json
import re
import struct
import zlib

import pytest

from oscc.core.instructions import Instruction
from oscc.core.program_check import diagnose_program
from oscc.core.program_file import decode_program, encode_program
from oscc.rtl.array_port import array_signature
from tests.rtl.documented_pages import SCHEDULE, TINY, WORDS, blocks, page, plain, program_by_hand, program_bytes, table

PAGE = page("formats.md")
SECTION = PAGE[PAGE.index("## A program by hand") : PAGE.index("## Output files")]


def documented_bytes() -> dict[int, int]:
    """Bytes of the program file that the page shows, by their offset."""
    shown = {}
    for lines in blocks(SECTION):
        for line in lines:
            if re.match(r"[0-9a-f]{4}: ", line):
                for number, byte in enumerate(line[6:].split()):
                    shown[int(line[:4], 16) + number] = int(byte, 16)
    return shown


def test_the_bytes_are_those_of_the_program_file() -> None:
    content, shown = encode_program(program_by_hand()), documented_bytes()
    assert shown == {offset: content[offset] for offset in shown}
    (meta,) = next(lines for lines in blocks(SECTION) if lines[0].startswith("{"))
    assert content[256 : 256 + len(meta)] == meta.encode()
    # What is not shown of the weights is zero; the rest of the pixels follows from the first ones.
    assert not any(byte for offset, byte in enumerate(content) if offset >= 0x2B8 and offset not in shown)
    assert f"{len(content):,} bytes" in SECTION


def test_the_program_is_one_that_the_core_takes() -> None:
    assert list(diagnose_program(program_by_hand(), TINY)) == []
    assert decode_program(encode_program(program_by_hand()), "file").stream() == program_bytes(TINY)


def test_an_independent_decoder_finds_what_the_page_says() -> None:
    shown = bytearray(4792)
    for offset, byte in documented_bytes().items():
        shown[offset] = byte
    shown[256:424] = next(lines for lines in blocks(SECTION) if lines[0].startswith("{"))[0].encode()
    # The page shows the first pixels alone.
    shown[0x238:0x2B8] = struct.pack("<32i", *(number for row in range(4) for col in range(4) for number in (row, col)))
    content = bytes(shown)
    magic, version, count, head, size = struct.unpack_from("<8sHHIQ", content)
    assert (magic, version, count, head, size) == (b"OSCCPROG", 1, 5, 252, len(content))
    assert content[24:56].hex() == TINY.hash
    assert not any(content[56:88])
    sections = {}
    for index in range(count):
        name, offset, length, crc, zero = struct.unpack_from("<8sQQII", content, 88 + 32 * index)
        part = content[offset : offset + length]
        assert (zlib.crc32(part), zero) == (crc, 0), name
        sections[name.rstrip(b"\0").decode()] = part
    assert struct.unpack_from("<I", content, 248) == (zlib.crc32(content[:248]),)
    assert list(sections) == ["meta", "schedule", "time", "pixels", "weights"]
    meta = json.loads(sections["meta"])
    assert (meta["cols"], meta["bank_depth"], meta["word_bytes"], meta["image_shape"]) == (8, 32, 16, [4, 4])
    assert struct.unpack("<11I", sections["schedule"]) == SCHEDULE
    time = struct.unpack("<12d", sections["time"])
    assert (time[0], time[1], time[6], time[7]) == pytest.approx((1.0, 160e-9, 1.0, 200e-9))
    steps = [float(number) for number in re.findall(r"0\.0\d{4}", SECTION)]
    assert list(time[2:6]) == pytest.approx(steps, abs=1e-5)
    weights = sections["weights"]
    words = {
        (bank, address): int.from_bytes(weights[start : start + 16], "little")
        for bank in range(8)
        for address in range(32)
        if any(weights[(start := 16 * (32 * bank + address)) : start + 16])
    }
    assert words == WORDS


def test_the_codes_make_the_words() -> None:
    places = {"SHIL": 96, "field": 100, "detuning": 104}
    for row in table(SECTION, "chunk", "codes", "word"):
        word = 0
        for code in row["codes"].split(", "):
            name, value = re.fullmatch(r"(slot \d+|SHIL|field|detuning):? (-?\d)", code).groups()  # type: ignore[union-attr]
            low = 4 * int(name[5:]) if name.startswith("slot") else places[name]
            word |= (8 + abs(int(value)) if int(value) < 0 else int(value)) << low
        assert word == int(plain(row["word"]), 16) == WORDS[2, 8 * int(row["chunk"]) + 3]


def test_beats_and_crc() -> None:
    stream = program_bytes(TINY)
    for row in table(SECTION, "beat", "tdata", "bytes"):
        start = 8 * int(row["beat"])
        assert stream[start : start + 8] == bytes.fromhex(row["bytes"])
        assert int.from_bytes(stream[start : start + 8], "little") == int(row["tdata"], 16)
    assert f"0x{zlib.crc32(stream):08X}" in SECTION
    assert len(stream) == 4096


def test_instructions_as_words() -> None:
    rows = table(SECTION, "address", "word", "instruction")
    assert tuple(int(row["word"], 16) for row in rows) == SCHEDULE
    assert [str(Instruction.decode(int(row["word"], 16))) for row in rows] == [row["instruction"] for row in rows]
    assert [int(row["address"]) for row in rows] == list(range(len(SCHEDULE)))


def test_the_row_on_the_bus_is_that_of_the_macro_page() -> None:
    macro = page("macro.md")
    word = re.search(r"Its word is\n`(0x[0-9a-fA-F]+)`, in bits (\d+):(\d+) of `load_data` for row 3", macro)
    assert word is not None
    assert int(word[1], 16) == WORDS[2, 3]
    assert (int(word[2]), int(word[3])) == (3 * 108 - 1, 2 * 108)
    assert array_signature(TINY).members["load_data"].shape == 8 * 108
