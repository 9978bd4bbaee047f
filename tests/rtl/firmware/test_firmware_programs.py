"""The C driver of rtl/firmware on a model of the registers: programs found in files, and loaded."""

from __future__ import annotations

import ctypes
import shutil
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.core.program import Program
from oscc.core.program_file import encode_program
from oscc.core.spec import CoreSpec
from tests.rtl.firmware.firmware_bench import (
    ALL_ERRORS,
    LOADING,
    OPENED,
    PROGRAMMED,
    Core,
    CProgram,
    Registers,
    Send,
    Status,
    load,
    mask,
    opened,
)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")


# Programs


def test_a_program_is_found_in_its_file(driver: ctypes.CDLL, program: Program, small_core: CoreSpec) -> None:
    status, found, _data = opened(driver, encode_program(program))
    assert status == Status.OK
    assert found.spec_hash == int(small_core.hash[:8], 16)
    assert bytes(found.stream[: found.stream_bytes]) == program.stream()
    assert found.stream_crc == program.stream_crc()
    length = found.schedule_length
    assert bytes(found.schedule[: 4 * length]) == program.schedule.astype("<u4").tobytes()


def test_a_damaged_program_file_is_refused(driver: ctypes.CDLL, program: Program) -> None:
    file = encode_program(program)
    head = 252
    schedule = int.from_bytes(file[88 + 32 + 8 : 88 + 32 + 16], "little")
    for place in (*range(head), *range(schedule, schedule + 4 * len(program.schedule))):
        damaged = bytearray(file)
        damaged[place] ^= 1 << place % 8
        assert opened(driver, bytes(damaged))[0] == Status.PROGRAM_FILE, place
    for length in (0, 8, head - 1, head, schedule + 4, len(file) - 1):
        assert opened(driver, file[:length])[0] == Status.PROGRAM_FILE, length
    assert opened(driver, file + b"\0")[0] == Status.PROGRAM_FILE
    assert driver.oscc_program_open(None, None, ctypes.c_size_t(0)) == Status.ARGUMENT


def resealed(file: bytes, place: int, value: bytes) -> bytes:
    """A file with other bytes in its header and a CRC-32 that matches."""
    changed = file[:place] + value + file[place + len(value) : 248]
    return changed + zlib.crc32(changed).to_bytes(4, "little") + file[252:]


def entry_of(section: int) -> int:
    """Where the line of a section stands in the table."""
    return 88 + 32 * section


@pytest.mark.parametrize(
    ("place", "change"),
    [
        (entry_of(4), lambda name: name ^ 1),
        (entry_of(4) + 8, lambda offset: offset + 8),
        (entry_of(4) + 8, lambda offset: offset + 2**32),
        (entry_of(4) + 8, lambda _: 2**31),
        (entry_of(4) + 8, lambda _: 16),
        (entry_of(4) + 16, lambda size: size + 4),
        (entry_of(4) + 16, lambda size: size + 2**32),
        (entry_of(4) + 16, lambda _: 2**32 - 1),
    ],
)
def test_sections_that_are_not_where_they_say_are_refused(
    driver: ctypes.CDLL, program: Program, place: int, change: Callable[[int], int]
) -> None:
    file = encode_program(program)
    value = int.from_bytes(file[place : place + 8], "little")
    assert opened(driver, resealed(file, place, value.to_bytes(8, "little")))[0] == Status.OK
    assert opened(driver, resealed(file, place, change(value).to_bytes(8, "little")))[0] == Status.PROGRAM_FILE


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (4, Status.OK),
        (4 * 64, Status.OK),
        *((size, Status.PROGRAM_FILE) for size in (0, 6, 4 * 65)),
    ],
)
def test_a_schedule_in_a_file_must_fit(driver: ctypes.CDLL, program: Program, size: int, expected: Status) -> None:
    file, entry = encode_program(program), entry_of(1)
    offset = int.from_bytes(file[entry + 8 : entry + 16], "little")
    crc = zlib.crc32(file[offset : offset + size])
    changed = resealed(file, entry + 16, size.to_bytes(8, "little") + crc.to_bytes(4, "little"))
    assert opened(driver, changed)[0] == expected


@given(data=st.binary(max_size=64), cut=st.integers(0, 64))
def test_the_crc_is_that_of_zlib(driver: ctypes.CDLL, data: bytes, cut: int) -> None:
    first, second = data[:cut], data[cut:]
    before = driver.oscc_crc32(first, len(first), 0)
    assert driver.oscc_crc32(second, len(second), before) == zlib.crc32(data)


def test_load(driver: ctypes.CDLL, model: Registers, core: Core, image: Any, program: Program) -> None:
    model.answers["STATUS"] = deque([LOADING, LOADING, LOADING, 0, PROGRAMMED])
    assert load(driver, core, image[0]) == Status.OK
    schedule = program.schedule.tolist()
    assert model.traffic == [
        ("write", "PROGRAM_CRC", zlib.crc32(program.stream())),
        ("write", "ERROR", ALL_ERRORS),
        ("write", "CONTROL", mask("CONTROL", "load")),
        *OPENED,
        ("send", program.stream()),
        ("read", "STATUS"),
        ("pause",),
        ("read", "STATUS"),
        ("pause",),
        ("read", "STATUS"),
        ("read", "ERROR"),
        ("read", "STATUS"),
        *(("write", f"SCHEDULE[{index}]", word) for index, word in enumerate(schedule)),
        ("write", "SCHEDULE_LENGTH", len(schedule)),
    ]


@pytest.mark.parametrize("cause", ["program_crc", "program_length"])
def test_a_stream_that_arrives_damaged(
    driver: ctypes.CDLL, model: Registers, core: Core, image: Any, cause: str
) -> None:
    model.answers["STATUS"] = deque([LOADING, 0])
    model.answers["ERROR"] = deque([0, mask("ERROR", cause)])
    assert load(driver, core, image[0]) == Status.CORE
    assert core.causes == mask("ERROR", cause)
    assert driver.oscc_error_name(core.causes).decode() == cause
    assert not any(entry[1].startswith("SCHEDULE") for entry in model.traffic if entry[0] == "write")


def test_a_stream_that_is_too_short_times_out(driver: ctypes.CDLL, model: Registers, core: Core, image: Any) -> None:
    model.answers["STATUS"] = deque([LOADING])
    assert load(driver, core, image[0], polls=4) == Status.TIMEOUT
    sent = next(index for index, entry in enumerate(model.traffic) if entry[0] == "send")
    poll = ("read", "STATUS")
    assert model.traffic[sent + 1 :] == [poll, ("pause",), poll, ("pause",), poll, ("pause",), poll]


def test_no_polls_are_one(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    model.answers["STATUS"] = deque([LOADING])
    assert driver.oscc_load_finish(ctypes.byref(core), 0) == Status.TIMEOUT
    assert model.traffic == [("read", "STATUS")]


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        ([LOADING, 0, 0], [0], Status.REFUSED),
        ([0], [0], Status.REFUSED),
        ([0], [mask("ERROR", "busy")], Status.CORE),
    ],
)
def test_a_load_that_is_not_taken(
    driver: ctypes.CDLL, model: Registers, core: Core, image: Any, status: list[int], error: list[int], expected: Status
) -> None:
    model.answers["STATUS"], model.answers["ERROR"] = deque(status), deque(error)
    assert load(driver, core, image[0]) == expected


def test_a_stream_that_is_not_accepted(driver: ctypes.CDLL, model: Registers, core: Core, image: Any) -> None:
    model.answers["STATUS"], model.send_status = deque([LOADING]), Status.BUS
    assert load(driver, core, image[0]) == Status.BUS
    model.answers["ERROR"] = deque([0, mask("ERROR", "program_length")])
    assert load(driver, core, image[0]) == Status.CORE


def test_a_program_for_another_core_is_refused_before_anything_is_touched(
    driver: ctypes.CDLL, model: Registers, core: Core, image: Any
) -> None:
    other = CProgram.from_buffer_copy(image[0])
    other.spec_hash ^= 1
    assert load(driver, core, other) == Status.SPEC_HASH
    for length in (image[0].stream_bytes - 4, image[0].stream_bytes + 1):
        other = CProgram.from_buffer_copy(image[0])
        other.stream_bytes = length
        assert load(driver, core, other) == Status.PROGRAM_BEATS
    core.bus.send = Send()
    assert load(driver, core, image[0]) == Status.ARGUMENT
    assert model.traffic == []


def test_every_byte_of_an_instruction_counts(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    data = (ctypes.c_uint8 * 8)(0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF)
    assert driver.oscc_load_schedule(ctypes.byref(core), data, 2) == Status.OK
    assert model.traffic == [
        ("write", "SCHEDULE[0]", 0x6745_2301),
        ("write", "SCHEDULE[1]", 0xEFCD_AB89),
        ("write", "SCHEDULE_LENGTH", 2),
    ]


@pytest.mark.parametrize("length", [0, 65])
def test_a_schedule_must_fit(driver: ctypes.CDLL, model: Registers, core: Core, length: int) -> None:
    data = (ctypes.c_uint8 * 260)()
    assert driver.oscc_load_schedule(ctypes.byref(core), data, length) == Status.ARGUMENT
    assert model.traffic == []
