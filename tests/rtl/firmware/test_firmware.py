"""The C driver of rtl/firmware, as a shared library under ctypes: on a model of the registers, and on the RTL."""

from __future__ import annotations

import ctypes
import enum
import re
import shutil
import subprocess
import threading
import zlib
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from queue import Queue
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.compiler.compile import compile_model
from oscc.compiler.frontends.checkpoint import read_checkpoint, write_checkpoint
from oscc.compiler.ir.graph import CouplingGraph
from oscc.core.program import Program
from oscc.core.program_file import encode_program
from oscc.core.registers import CORE_ID, ERROR_CAUSES, IRQ_CAUSES, MAP_VERSION, register
from oscc.core.spec import CoreSpec
from oscc.rtl.delivery.register_exports import c_header
from oscc.rtl.firmware.firmware_files import firmware_files
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.pysim import PysimBus, PysimCore
from oscc.sim.engines.registry import engine_named

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")

Status = enum.IntEnum(
    "Status",
    "OK ARGUMENT BUS SLVERR DECERR ID VERSION SPEC_HASH PROGRAM_BEATS PROGRAM_FILE TIMEOUT REFUSED CORE SELF_TEST "
    "FRAME_INVALID",
    start=0,
)

BYTES = ctypes.POINTER(ctypes.c_uint8)
WORD = ctypes.POINTER(ctypes.c_uint32)
Read = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, WORD)
Write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
Send = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, BYTES, ctypes.c_size_t)
Receive = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    BYTES,
    ctypes.c_size_t,
    ctypes.POINTER(ctypes.c_size_t),
    ctypes.POINTER(ctypes.c_bool),
)
Pause = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def words(*names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_uint32) for name in names]


class Bus(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read32", Read),
        ("write32", Write),
        ("send", Send),
        ("receive", Receive),
        ("pause", Pause),
    )


class Identity(ctypes.Structure):
    _fields_ = words("spec_hash", "program_beats", "beat_bytes")


class Core(ctypes.Structure):
    _fields_ = (
        ("bus", Bus),
        ("identity", Identity),
        *words("rows", "cols", "frame_rows", "frame_cols", "causes", "fault_address"),
    )


class CProgram(ctypes.Structure):
    _fields_ = (
        ("spec_hash", ctypes.c_uint32),
        ("stream", BYTES),
        ("stream_bytes", ctypes.c_size_t),
        ("stream_crc", ctypes.c_uint32),
        ("schedule", BYTES),
        ("schedule_length", ctypes.c_uint32),
    )


class Counters(ctypes.Structure):
    _fields_ = words(
        "samples", "period", "stalled", "corrected", "uncorrectable", "scrubbed", "fault_address", "fault_column"
    )


class SelfTest(ctypes.Structure):
    _fields_ = words("failures", "address", "column")


# Building

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wmissing-prototypes"]
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("gcc", "clang")
]


@pytest.fixture(scope="module")
def sources(small_core: CoreSpec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The driver as it is delivered, with the generated headers."""
    folder = tmp_path_factory.mktemp("firmware")
    for name, text in firmware_files(small_core).items():
        (folder / Path(name).name).write_text(text)
    (folder / "oscc_registers.h").write_text(c_header())
    return folder


@pytest.fixture(scope="module")
def driver(sources: Path) -> ctypes.CDLL:
    """The driver as a shared library; linked without any library, so that it can need none."""
    files = sorted(str(path) for path in sources.glob("*.c"))
    flags = ["-std=c99", "-ffreestanding", "-O1", "-fPIC", "-shared", "-nostdlib", "-Wl,-z,defs", "-Werror", *WARNINGS]
    subprocess.run(["gcc", *flags, *files, "-o", "driver.so"], cwd=sources, check=True, capture_output=True)
    library = ctypes.CDLL(str(sources / "driver.so"))
    for name in ("oscc_status_text", "oscc_error_name", "oscc_error_text", "oscc_irq_name"):
        getattr(library, name).restype = ctypes.c_char_p
    for name in ("oscc_frame_bytes", "oscc_image_codes"):
        getattr(library, name).restype = ctypes.c_size_t
    library.oscc_crc32.restype = ctypes.c_uint32
    library.oscc_crc32.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32)
    return library


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("options", [["-std=c99", "-O2"], ["-std=c11", "-Os", "-m32"], ["-x", "c++", "-std=c++11"]])
def test_it_compiles_without_a_warning(sources: Path, compiler: str, options: list[str]) -> None:
    warnings = [flag for flag in WARNINGS if "c++" not in options or flag != "-Wmissing-prototypes"]
    for path in sorted(sources.glob("*.c")):
        command = [compiler, *options, "-ffreestanding", "-Werror", *warnings, "-fsyntax-only", str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_the_statuses_are_those_of_the_header(sources: Path) -> None:
    listed = re.search(r"typedef enum oscc_status \{(.*?)\}", (sources / "oscc.h").read_text(), re.DOTALL)
    assert listed is not None
    assert re.findall(r"OSCC_(?:E_)?(\w+)\b(?= =|,| )", re.sub(r"/\*.*?\*/", "", listed[1])) == [
        status.name for status in Status
    ]


# A model of the registers


class Registers:
    """Words behind addresses, with a record of every access and pause, and streams.

    ``answers[name]`` are what the next reads of a register give; the last one stays. ``faults[n]`` is the status of
    access n, where it is not OK.
    """

    def __init__(self, core: CoreSpec) -> None:
        frame_rows, frame_cols = core.frame_shape
        self.answers: defaultdict[str, deque[int]] = defaultdict(lambda: deque([0]))
        for name, word in (
            ("ID", CORE_ID),
            ("VERSION", MAP_VERSION),
            ("SPEC_HASH", int(core.hash[:8], 16)),
            ("PROGRAM_BEATS", core.program_beats),
            ("GRID", core.cols << 16 | core.rows),
            ("FRAME", frame_cols << 16 | frame_rows),
        ):
            self.answers[name] = deque([word])
        self.traffic: list[tuple[Any, ...]] = []
        self.faults: dict[int, int] = {}
        self.accesses = 0
        self.send_status = self.receive_status = 0
        self.frames: deque[tuple[bytes, bool]] = deque()
        # The structure keeps no reference to what it calls.
        self.bus = Bus(
            None, Read(self.read), Write(self.write), Send(self.send), Receive(self.receive), Pause(self.pause)
        )

    def _status(self) -> int:
        self.accesses += 1
        return self.faults.get(self.accesses - 1, 0)

    def read(self, _: Any, address: int, word: Any) -> int:
        name = name_of(address)
        self.traffic.append(("read", name))
        status = self._status()
        if not status:
            queue = self.answers[name]
            word[0] = queue.popleft() if len(queue) > 1 else queue[0]
        return status

    def write(self, _: Any, address: int, word: int) -> int:
        self.traffic.append(("write", name_of(address), word))
        return self._status()

    def send(self, _: Any, data: Any, length: int) -> int:
        self.traffic.append(("send", bytes(data[:length])))
        return self.send_status

    def receive(self, _: Any, data: Any, capacity: int, length: Any, invalid: Any) -> int:
        self.traffic.append(("receive",))
        if self.receive_status:
            return self.receive_status
        frame, invalid[0] = self.frames.popleft()
        for index, byte in enumerate(frame[:capacity]):
            data[index] = byte
        length[0] = len(frame)
        return 0

    def pause(self, _: Any) -> None:
        self.traffic.append(("pause",))


def name_of(address: int) -> str:
    schedule = register("SCHEDULE")
    if schedule.address <= address:
        return f"SCHEDULE[{(address - schedule.address) // 4}]"
    return next(entry.name for entry in (register(name) for name in PLAIN) if entry.address == address)


PLAIN = [
    *("ID", "VERSION", "GRID", "WORD", "FRAME", "SPEC_HASH", "PROGRAM_BEATS", "CONTROL", "STATUS", "ERROR"),
    *("ERROR_INFO", "IRQ_STATUS", "IRQ_ENABLE", "PROGRAM_CRC", "SCHEDULE_LENGTH", "SEED", "FIRST_SAMPLE", "SAMPLES"),
    *("PERIOD", "STALLED", "CORRECTED", "UNCORRECTABLE", "SCRUBBED", "FAULT_WORD", "SELF_TEST_FAILURES"),
    *("SELF_TEST_WORD", "WATCHDOG"),
]


def mask(name: str, *fields: str) -> int:
    return sum(register(name).field(field).mask for field in fields)


ALL_ERRORS = mask("ERROR", *(cause.name for cause in ERROR_CAUSES))


@pytest.fixture(scope="module")
def small_core(make_core: Callable[..., CoreSpec]) -> CoreSpec:
    """A core of 3 x 5 cells, every one readable, whose rows of 5 codes are padded to beats of 4 bytes."""
    return make_core(
        name="small",
        grid=[3, 5],
        stencil="king",
        chunks=2,
        stream_width=32,
        init={"cycles": 20},
        readout={"origin": [0, 0], "step": [1, 1]},
    )


@pytest.fixture(scope="module")
def program(
    small_core: CoreSpec, make_graph: Callable[..., CouplingGraph], tmp_path_factory: pytest.TempPathFactory
) -> Program:
    """A synthetic model, compiled."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    write_checkpoint(path, make_graph(small_core, duration=0.6))
    result = compile_model(read_checkpoint(path), small_core)
    assert result.program is not None
    return result.program


def identity_of(core: CoreSpec) -> Identity:
    return Identity(int(core.hash[:8], 16), core.program_beats, core.stream_width // 8)


@pytest.fixture
def model(small_core: CoreSpec) -> Registers:
    return Registers(small_core)


@pytest.fixture
def core(driver: ctypes.CDLL, model: Registers, small_core: CoreSpec) -> Core:
    """The small core, identified, with nothing on record."""
    core = Core()
    assert driver.oscc_identify(ctypes.byref(core), ctypes.byref(model.bus), ctypes.byref(identity_of(small_core))) == 0
    model.traffic.clear()
    model.accesses = 0
    return core


@pytest.fixture
def image(driver: ctypes.CDLL, program: Program) -> tuple[CProgram, ctypes.Array[ctypes.c_uint8]]:
    """The program, found in its file."""
    return opened(driver, encode_program(program))[1:]


def opened(driver: ctypes.CDLL, file: bytes) -> tuple[int, CProgram, ctypes.Array[ctypes.c_uint8]]:
    data = (ctypes.c_uint8 * len(file)).from_buffer_copy(file)
    found = CProgram()
    return driver.oscc_program_open(ctypes.byref(found), data, ctypes.c_size_t(len(file))), found, data


# Identification


def test_identify_reads_who_and_how_large(driver: ctypes.CDLL, model: Registers, small_core: CoreSpec) -> None:
    core = Core()
    status = driver.oscc_identify(ctypes.byref(core), ctypes.byref(model.bus), ctypes.byref(identity_of(small_core)))
    assert status == Status.OK
    order = ("ID", "VERSION", "SPEC_HASH", "PROGRAM_BEATS", "GRID", "FRAME")
    assert model.traffic == [("read", name) for name in order]
    assert (core.rows, core.cols, core.frame_rows, core.frame_cols) == (3, 5, 3, 5)
    assert driver.oscc_frame_bytes(ctypes.byref(core)) == 3 * 8
    assert driver.oscc_image_codes(ctypes.byref(core)) == 15


@pytest.mark.parametrize("name", ["ID", "VERSION", "SPEC_HASH", "PROGRAM_BEATS"])
def test_another_core_is_refused(driver: ctypes.CDLL, model: Registers, small_core: CoreSpec, name: str) -> None:
    model.answers[name] = deque([model.answers[name][0] ^ 1])
    core = Core()
    status = driver.oscc_identify(ctypes.byref(core), ctypes.byref(model.bus), ctypes.byref(identity_of(small_core)))
    assert status == Status[name]
    assert model.traffic[-1] == ("read", name)


def test_identify_wants_a_bus_and_beats_of_a_known_size(
    driver: ctypes.CDLL, model: Registers, small_core: CoreSpec
) -> None:
    core, identity = Core(), identity_of(small_core)
    arguments = [ctypes.byref(core), ctypes.byref(model.bus), ctypes.byref(identity)]
    for position in range(3):
        without = [None if index == position else argument for index, argument in enumerate(arguments)]
        assert driver.oscc_identify(*without) == Status.ARGUMENT
    for missing in ("read32", "write32"):
        bus = Bus.from_buffer_copy(model.bus)
        setattr(bus, missing, type(getattr(bus, missing))())
        assert driver.oscc_identify(arguments[0], ctypes.byref(bus), arguments[2]) == Status.ARGUMENT
    identity.beat_bytes = 5
    assert driver.oscc_identify(*arguments) == Status.ARGUMENT
    assert model.traffic == []


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


def load(driver: ctypes.CDLL, core: Core, found: CProgram, polls: int = 5) -> int:
    return int(driver.oscc_load(ctypes.byref(core), ctypes.byref(found), polls))


LOADING, PROGRAMMED = mask("STATUS", "loading"), mask("STATUS", "programmed")
OPENED = [("read", "ERROR"), ("read", "STATUS")]


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


# Running


def test_start(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    assert driver.oscc_start(ctypes.byref(core), 0xFEDC_BA98, 7) == Status.OK
    assert model.traffic == [
        ("write", "SEED", 0xFEDC_BA98),
        ("write", "FIRST_SAMPLE", 7),
        ("write", "ERROR", ALL_ERRORS),
        ("write", "CONTROL", mask("CONTROL", "start")),
        ("read", "ERROR"),
    ]
    model.answers["ERROR"] = deque([mask("ERROR", "unprogrammed")])
    assert driver.oscc_start(ctypes.byref(core), 0, 0) == Status.CORE
    assert driver.oscc_error_name(core.causes) == b"unprogrammed"


def test_abort_and_wait(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    running = mask("STATUS", "running")
    model.answers["STATUS"] = deque([running, running | PROGRAMMED, PROGRAMMED])
    assert driver.oscc_abort(ctypes.byref(core)) == Status.OK
    assert driver.oscc_wait_stopped(ctypes.byref(core), 9) == Status.OK
    poll = ("read", "STATUS")
    assert model.traffic == [
        ("write", "CONTROL", mask("CONTROL", "abort")),
        *(poll, ("pause",), poll, ("pause",), poll),
        ("read", "ERROR"),
    ]
    model.answers["ERROR"] = deque([mask("ERROR", "illegal_instruction")])
    assert driver.oscc_wait_stopped(ctypes.byref(core), 9) == Status.CORE
    model.answers["ERROR_INFO"] = deque([0xFFFF_FF05])
    address = ctypes.c_uint32()
    assert driver.oscc_illegal_instruction(ctypes.byref(core), ctypes.byref(address)) == Status.OK
    assert address.value == 5
    model.answers["STATUS"] = deque([running])
    assert driver.oscc_wait_stopped(ctypes.byref(core), 3) == Status.TIMEOUT


@pytest.mark.parametrize(("function", "field"), [("oscc_is_running", "running"), ("oscc_has_image", "frame")])
def test_a_flag_of_status(driver: ctypes.CDLL, model: Registers, core: Core, function: str, field: str) -> None:
    flag = ctypes.c_bool()
    for word, expected in ((mask("STATUS", field), True), (0xFFFF_FFFF & ~mask("STATUS", field), False)):
        model.answers["STATUS"] = deque([word])
        assert getattr(driver, function)(ctypes.byref(core), ctypes.byref(flag)) == Status.OK
        assert flag.value is expected


def test_counters(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    names = ("SAMPLES", "PERIOD", "STALLED", "CORRECTED", "UNCORRECTABLE", "SCRUBBED")
    for number, name in enumerate(names):
        model.answers[name] = deque([0xFFFF_FFF0 + number])
    model.answers["FAULT_WORD"] = deque([0x0012_8034])
    counters = Counters()
    assert driver.oscc_read_counters(ctypes.byref(core), ctypes.byref(counters)) == Status.OK
    assert [getattr(counters, name.lower()) for name in names] == [0xFFFF_FFF0 + number for number in range(6)]
    assert (counters.fault_address, counters.fault_column) == (0x8034, 0x12)


# Errors, interrupts, care


def test_errors_and_interrupts(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    model.answers["ERROR"], model.answers["IRQ_STATUS"] = deque([0x81]), deque([0x11])
    word, by = ctypes.c_uint32(), ctypes.byref(core)
    assert (driver.oscc_read_errors(by, ctypes.byref(word)), word.value) == (Status.OK, 0x81)
    assert (driver.oscc_check_errors(by), core.causes) == (Status.CORE, 0x81)
    assert driver.oscc_clear_errors(by, 0x80) == Status.OK
    assert (driver.oscc_read_irq(by, ctypes.byref(word)), word.value) == (Status.OK, 0x11)
    assert driver.oscc_clear_irq(by, 0x10) == Status.OK
    assert driver.oscc_enable_irq(by, 0x05) == Status.OK
    assert [entry for entry in model.traffic if entry[0] == "write"] == [
        ("write", "ERROR", 0x80),
        ("write", "IRQ_STATUS", 0x10),
        ("write", "IRQ_ENABLE", 0x05),
    ]


def test_the_watchdog_has_24_bits(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    for cycles in (0, 2**24 - 1):
        assert driver.oscc_set_watchdog(ctypes.byref(core), cycles) == Status.OK
    assert driver.oscc_set_watchdog(ctypes.byref(core), 2**24) == Status.ARGUMENT
    assert model.traffic == [("write", "WATCHDOG", 0), ("write", "WATCHDOG", 2**24 - 1)]


def test_scrub_waits_for_its_end_and_leaves_the_errors_of_a_schedule(
    driver: ctypes.CDLL, model: Registers, core: Core
) -> None:
    done = mask("IRQ_STATUS", "scrubbed")
    model.answers["IRQ_STATUS"] = deque([0, mask("IRQ_STATUS", "sample"), done])
    model.answers["ERROR"] = deque([mask("ERROR", "watchdog")])
    assert driver.oscc_scrub(ctypes.byref(core), 3) == Status.OK
    poll = ("read", "IRQ_STATUS")
    assert model.traffic == [
        ("write", "IRQ_STATUS", done),
        ("write", "ERROR", mask("ERROR", "busy", "unprogrammed")),
        ("write", "CONTROL", mask("CONTROL", "scrub")),
        ("read", "ERROR"),
        *(poll, ("pause",), poll, ("pause",), poll),
        ("read", "ERROR"),
    ]
    model.answers["ERROR"] = deque([mask("ERROR", "watchdog"), mask("ERROR", "uncorrectable")])
    assert (driver.oscc_scrub(ctypes.byref(core), 3), core.causes) == (Status.CORE, mask("ERROR", "uncorrectable"))
    model.answers["ERROR"] = deque([mask("ERROR", "busy")])
    assert (driver.oscc_scrub(ctypes.byref(core), 3), core.causes) == (Status.CORE, mask("ERROR", "busy"))
    model.answers["IRQ_STATUS"], model.answers["ERROR"] = deque([0]), deque([0])
    assert driver.oscc_scrub(ctypes.byref(core), 3) == Status.TIMEOUT


@pytest.mark.parametrize(("failures", "expected"), [(0, Status.OK), (3, Status.SELF_TEST)])
def test_self_test_says_where(
    driver: ctypes.CDLL, model: Registers, core: Core, failures: int, expected: Status
) -> None:
    model.answers["IRQ_STATUS"] = deque([mask("IRQ_STATUS", "self_tested")])
    model.answers["SELF_TEST_FAILURES"] = deque([failures])
    model.answers["SELF_TEST_WORD"] = deque([0x0007_0123])
    result = SelfTest()
    assert driver.oscc_self_test(ctypes.byref(core), 1, ctypes.byref(result)) == expected
    assert (result.failures, result.address, result.column) == (failures, 0x123, 7)
    assert ("write", "CONTROL", mask("CONTROL", "self_test")) in model.traffic
    model.answers["ERROR"] = deque([mask("ERROR", "busy")])
    assert driver.oscc_self_test(ctypes.byref(core), 1, ctypes.byref(result)) == Status.CORE


# Whatever access fails, its status comes back and nothing follows.

CALLS: dict[str, Callable[[ctypes.CDLL, Core, CProgram], int]] = {
    "identify": lambda driver, core, _: driver.oscc_identify(
        ctypes.byref(core),
        ctypes.byref(Bus.from_buffer_copy(core.bus)),
        ctypes.byref(Identity.from_buffer_copy(core.identity)),
    ),
    "load": lambda driver, core, program: driver.oscc_load(ctypes.byref(core), ctypes.byref(program), 3),
    "start": lambda driver, core, _: driver.oscc_start(ctypes.byref(core), 1, 2),
    "abort": lambda driver, core, _: driver.oscc_abort(ctypes.byref(core)),
    "wait_stopped": lambda driver, core, _: driver.oscc_wait_stopped(ctypes.byref(core), 3),
    "is_running": lambda driver, core, _: driver.oscc_is_running(ctypes.byref(core), ctypes.byref(ctypes.c_bool())),
    "counters": lambda driver, core, _: driver.oscc_read_counters(ctypes.byref(core), ctypes.byref(Counters())),
    "scrub": lambda driver, core, _: driver.oscc_scrub(ctypes.byref(core), 3),
    "self_test": lambda driver, core, _: driver.oscc_self_test(ctypes.byref(core), 3, ctypes.byref(SelfTest())),
    "watchdog": lambda driver, core, _: driver.oscc_set_watchdog(ctypes.byref(core), 3),
    "enable_irq": lambda driver, core, _: driver.oscc_enable_irq(ctypes.byref(core), 3),
    "illegal": lambda driver, core, _: driver.oscc_illegal_instruction(
        ctypes.byref(core), ctypes.byref(ctypes.c_uint32())
    ),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", [Status.SLVERR, Status.DECERR, Status.BUS])
def test_a_failed_access_is_reported(
    driver: ctypes.CDLL, small_core: CoreSpec, image: Any, call: str, fault: Status
) -> None:
    def run(faults: dict[int, int]) -> tuple[int, Registers, Core]:
        model, core = Registers(small_core), Core()
        identity = ctypes.byref(identity_of(small_core))
        assert driver.oscc_identify(ctypes.byref(core), ctypes.byref(model.bus), identity) == 0
        model.traffic.clear()
        model.accesses, model.faults = 0, faults
        model.answers["STATUS"] = deque([LOADING, PROGRAMMED]) if call == "load" else deque([0])
        model.answers["IRQ_STATUS"] = deque([0xFFFF_FFFF])
        return CALLS[call](driver, core, image[0]), model, core

    status, whole, _core = run({})
    assert status == Status.OK
    accesses = [entry for entry in whole.traffic if entry[0] in ("read", "write")]
    assert accesses
    for number, (_kind, name, *_) in enumerate(accesses):
        status, model, core = run({number: fault})
        assert status == fault
        assert model.accesses == number + 1
        assert name_of(core.fault_address) == name


# Images


def test_padding_is_taken_out(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    frame = np.full((3, 8), 0xEE, dtype=np.uint8)
    frame[:, :5] = np.arange(15).reshape(3, 5)
    data = (ctypes.c_uint8 * 24).from_buffer_copy(frame.tobytes())
    codes = (ctypes.c_uint8 * 16)(*[0xAA] * 16)
    unpack = driver.oscc_unpack_frame
    assert unpack(ctypes.byref(core), data, ctypes.c_size_t(24), False, codes) == Status.OK
    assert bytes(codes) == bytes([*range(15), 0xAA])
    for length, invalid in ((24, True), (23, False), (25, False), (4, True)):
        codes = (ctypes.c_uint8 * 16)(*[0xAA] * 16)
        assert unpack(ctypes.byref(core), data, ctypes.c_size_t(length), invalid, codes) == Status.FRAME_INVALID
        assert bytes(codes) == bytes([0xAA] * 16)
    assert unpack(ctypes.byref(core), None, ctypes.c_size_t(24), False, codes) == Status.ARGUMENT
    assert model.traffic == []


def test_an_image_is_taken(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    buffer = (ctypes.c_uint8 * 24)()

    def take(capacity: int = 24) -> int:
        return int(driver.oscc_take_image(ctypes.byref(core), buffer, ctypes.c_size_t(capacity)))

    model.frames.append((bytes(range(24)), False))
    assert take() == Status.OK
    assert bytes(buffer[:15]) == bytes([*range(5), *range(8, 13), *range(16, 21)])
    assert model.traffic == [("receive",)]

    model.frames.append((bytes(4), True))
    assert take() == Status.FRAME_INVALID
    model.frames.append((bytes(4), True))
    model.answers["ERROR"] = deque([mask("ERROR", "uncorrectable")])
    assert (take(), core.causes) == (Status.CORE, mask("ERROR", "uncorrectable"))
    model.receive_status, model.answers["ERROR"] = Status.TIMEOUT, deque([0])
    assert take() == Status.TIMEOUT
    assert take(capacity=23) == Status.ARGUMENT
    core.bus.receive = Receive()
    assert take() == Status.ARGUMENT


def test_what_is_left_is_discarded(driver: ctypes.CDLL, model: Registers, core: Core) -> None:
    frame, buffer = mask("STATUS", "frame"), (ctypes.c_uint8 * 24)()

    def discard(images: int) -> int:
        return int(driver.oscc_discard_images(ctypes.byref(core), buffer, ctypes.c_size_t(24), images))

    model.answers["STATUS"] = deque([frame, frame, 0])
    model.frames.extend([(bytes(24), False), (bytes(4), True)])
    assert discard(2) == Status.OK
    assert not model.frames
    model.answers["STATUS"] = deque([frame])
    model.frames.extend([(bytes(24), False)] * 3)
    assert discard(2) == Status.TIMEOUT
    assert len(model.frames) == 1


# Words


def test_words_for_every_status_and_cause(driver: ctypes.CDLL) -> None:
    texts = [driver.oscc_status_text(status).decode() for status in Status]
    assert len(set(texts)) == len(texts)
    assert driver.oscc_status_text(99) == b"unknown status"
    assert "unknown status" not in texts
    for cause in ERROR_CAUSES:
        higher = 0xFFFF_FFFF << cause.low & 0xFFFF_FFFF
        assert driver.oscc_error_name(higher).decode() == cause.name
        assert driver.oscc_error_text(higher).decode() == cause.description
    for cause in IRQ_CAUSES:
        assert driver.oscc_irq_name(cause.mask).decode() == cause.name
    for name in ("oscc_error_name", "oscc_error_text", "oscc_irq_name"):
        assert getattr(driver, name)(0) == getattr(driver, name)(1 << 31) == b""


# On the RTL


class Threaded:
    """A bus of C callbacks, called in a thread, that a coroutine of the simulator serves."""

    def __init__(self, work: Callable[[Bus], Any]) -> None:
        self._asked: Queue[tuple[Any, ...]] = Queue()
        self._answers: Queue[Any] = Queue()
        self.answer: Any = None
        bus = Bus(
            None,
            Read(lambda _, address, word: self._ask("read", address, word)),
            Write(lambda _, address, word: self._ask("write", address, word)),
            Send(lambda _, data, length: self._ask("send", bytes(data[:length]))),
            Receive(lambda _, data, capacity, length, invalid: self._ask("receive", data, length, invalid)),
            Pause(lambda _: self._ask("pause")),
        )

        def run() -> None:
            self.answer = work(bus)
            self._asked.put(("end",))

        self._thread = threading.Thread(target=run)

    def _ask(self, *request: Any) -> int:
        self._asked.put(request)
        return int(self._answers.get())

    async def serve(self, bus: PysimBus) -> None:
        """Do what the thread asks for, until it ends. The simulation stands still while C code runs."""
        self._thread.start()
        while (request := self._asked.get())[0] != "end":
            match request:
                case "read", address, word:
                    word[0] = await bus.read(address)
                case "write", address, word:
                    await bus.write(address, word)
                case "send", stream:
                    await bus.send(stream)
                case "receive", data, length, invalid:
                    frame = await bus.receive(4000)
                    ctypes.memmove(data, frame, len(frame))
                    length[0], invalid[0] = len(frame), False
                case _:
                    await bus.wait(16)
            self._answers.put(0)
        self._thread.join()


def test_the_driver_runs_a_program_on_the_rtl(driver: ctypes.CDLL, small_core: CoreSpec, program: Program) -> None:
    job = CosimJob(small_core, program, samples=2, seed=5, first_sample=3)
    file = encode_program(program)
    shape = small_core.frame_shape

    def firmware(bus: Bus) -> dict[str, Any]:
        core, buffer, counters = Core(), (ctypes.c_uint8 * 24)(), Counters()
        by, result = ctypes.byref(core), SelfTest()
        seen: dict[str, Any] = {"images": []}
        seen["identify"] = driver.oscc_identify(by, ctypes.byref(bus), ctypes.byref(identity_of(small_core)))
        seen["too early"] = driver.oscc_start(by, job.seed, job.first_sample), core.causes
        seen["self-test"] = driver.oscc_self_test(by, 1000, ctypes.byref(result)), result.failures
        _status, found, _data = opened(driver, file)
        other = CProgram.from_buffer_copy(found)
        other.stream_crc ^= 1
        seen["damaged"] = load(driver, core, other), core.causes
        seen["load"] = load(driver, core, found)
        seen["scrub"] = driver.oscc_scrub(by, 1000)
        seen["start"] = driver.oscc_start(by, job.seed, job.first_sample)
        for number in range(job.samples):
            if number == job.samples - 1:
                driver.oscc_abort(by)
            seen[f"take {number}"] = driver.oscc_take_image(by, buffer, ctypes.c_size_t(24))
            seen["images"].append(np.frombuffer(bytes(buffer), np.uint8)[: shape[0] * shape[1]].reshape(shape))
        seen["stopped"] = driver.oscc_wait_stopped(by, 1000)
        seen["counters"] = driver.oscc_read_counters(by, ctypes.byref(counters)), counters.samples, counters.corrected
        return seen

    core_under_test = PysimCore(small_core)
    macro = ArrayMacro(small_core, job.make_array())
    threaded = Threaded(firmware)

    async def host(context: Any) -> None:
        await threaded.serve(PysimBus(context, core_under_test.plane, small_core))

    core_under_test.run(host, lambda: macro)
    seen = threaded.answer
    images = seen.pop("images")
    assert seen == {
        "identify": Status.OK,
        "too early": (Status.CORE, mask("ERROR", "unprogrammed")),
        "self-test": (Status.OK, 0),
        "damaged": (Status.CORE, mask("ERROR", "program_crc")),
        "load": Status.OK,
        "scrub": Status.OK,
        "start": Status.OK,
        "take 0": Status.OK,
        "take 1": Status.OK,
        "stopped": Status.OK,
        "counters": (Status.OK, 2, 0),
    }
    np.testing.assert_array_equal(np.stack(images), engine_named("array").run(job).codes)
