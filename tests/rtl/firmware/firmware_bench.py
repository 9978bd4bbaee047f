"""The C driver called from Python, and a model of the registers under it, for the tests of several files."""

from __future__ import annotations

import ctypes
import enum
from collections import defaultdict, deque
from typing import Any

from oscc.core.registers import CORE_ID, ERROR_CAUSES, MAP_VERSION, register
from oscc.core.spec import CoreSpec

Status = enum.IntEnum(
    "Status",
    "OK ARGUMENT BUS SLVERR DECERR ID VERSION SPEC_HASH PROGRAM_BEATS PROGRAM_FILE TIMEOUT REFUSED CORE SELF_TEST "
    "FRAME_INVALID CUT_SHORT",
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
WriteWords = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, WORD, ctypes.c_size_t)
Transfer = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, BYTES, BYTES, ctypes.c_size_t)


def words(*names: str) -> list[tuple[str, Any]]:
    return [(name, ctypes.c_uint32) for name in names]


class Bus(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("read32", Read),
        ("write32", Write),
        ("write_words", WriteWords),
        ("send", Send),
        ("receive", Receive),
        ("pause", Pause),
    )


class Spi(ctypes.Structure):
    _fields_ = (
        ("context", ctypes.c_void_p),
        ("transfer", Transfer),
        ("send", Send),
        ("receive", Receive),
        ("pause", Pause),
        ("answered", ctypes.c_uint8),
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
            None,
            Read(self.read),
            Write(self.write),
            WriteWords(),
            Send(self.send),
            Receive(self.receive),
            Pause(self.pause),
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


def identity_of(core: CoreSpec) -> Identity:
    return Identity(int(core.hash[:8], 16), core.program_beats, core.stream_width // 8)


def opened(driver: ctypes.CDLL, file: bytes) -> tuple[int, CProgram, ctypes.Array[ctypes.c_uint8]]:
    data = (ctypes.c_uint8 * len(file)).from_buffer_copy(file)
    found = CProgram()
    return driver.oscc_program_open(ctypes.byref(found), data, ctypes.c_size_t(len(file))), found, data


def load(driver: ctypes.CDLL, core: Core, found: CProgram, polls: int = 5) -> int:
    return int(driver.oscc_load(ctypes.byref(core), ctypes.byref(found), polls))


LOADING, PROGRAMMED = mask("STATUS", "loading"), mask("STATUS", "programmed")
OPENED = [("read", "ERROR"), ("read", "STATUS")]
