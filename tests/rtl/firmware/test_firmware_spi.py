"""The SPI bus of the C driver: on a model of the core's frames, and on the pins of the RTL."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.core.program import Program
from oscc.core.program_file import encode_program
from oscc.core.registers import register
from oscc.core.spec import CoreSpec
from oscc.rtl.bench.spi_simulation import SpiHost
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.pysim import PysimBus, PysimCore
from oscc.sim.engines.registry import engine_named
from tests.rtl.firmware.firmware_bench import (
    Bus,
    Core,
    Counters,
    Pause,
    Receive,
    Send,
    Spi,
    Status,
    Transfer,
    identity_of,
    load,
    opened,
)
from tests.rtl.firmware.threaded_bench import Threaded

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")

BURST = 8


class Chip:
    """The core's side of a frame, byte by byte, as docs/architecture.md tells it.

    ``refused[address]`` is the response where it is not OKAY. ``spoil(frame number, bytes)`` changes what MISO gives.
    """

    def __init__(self) -> None:
        self.words: dict[int, int] = {}
        self.refused: dict[int, int] = {}
        self.frames: list[bytes] = []
        self.status = 0
        self.spoil: Callable[[int, bytes], bytes] = lambda _, answer: answer
        self.other: list[Any] = []
        self.spi = Spi(
            None,
            Transfer(self._transfer),
            Send(self._send),
            Receive(lambda _, data, capacity, length, invalid: self._receive(length, invalid)),
            Pause(lambda _: self.other.append("pause")),
        )

    def _send(self, _: Any, data: Any, length: int) -> int:
        self.other.append(bytes(data[:length]))
        return 0

    def _receive(self, length: Any, invalid: Any) -> int:
        length[0], invalid[0] = 7, True
        return int(Status.TIMEOUT)

    def _transfer(self, _: Any, sent: Any, received: Any, length: int) -> int:
        frame = bytes(sent[:length])
        self.frames.append(frame)
        command, address = frame[0], int.from_bytes(frame[1:3], "big")
        answer = [0, 0, 0]
        for at in range(3, length, 6):
            status = 0xA0 | self.refused.get(address, 0)
            if command == 2:
                if status == 0xA0:
                    self.words[address] = int.from_bytes(frame[at : at + 4], "big")
                answer += [0, 0, 0, 0, 0, status]
            else:
                word = self.words.get(address, 0) if status == 0xA0 else 0
                answer += [0, status, *word.to_bytes(4, "big")]
            address = (address + 4) % 2**16
        ctypes.memmove(received, self.spoil(len(self.frames) - 1, bytes(answer)), length)
        return self.status


@pytest.fixture
def chip() -> Chip:
    return Chip()


@pytest.fixture
def bus(driver: ctypes.CDLL, chip: Chip) -> Bus:
    made = Bus()
    assert driver.oscc_spi_bus(ctypes.byref(chip.spi), ctypes.byref(made)) == Status.OK
    return made


def words_of(*words: int) -> Any:
    return (ctypes.c_uint32 * len(words))(*words)


# Single accesses


def test_a_write_is_a_frame_of_nine_bytes(bus: Bus, chip: Chip) -> None:
    assert bus.write32(bus.context, 0x123C, 0x89AB_CDEF) == Status.OK
    assert chip.frames == [bytes([2, 0x12, 0x3C, 0x89, 0xAB, 0xCD, 0xEF, 0, 0])]
    assert chip.spi.answered == 0xA0


def test_a_read_is_a_frame_of_nine_bytes(bus: Bus, chip: Chip) -> None:
    chip.words[0x48] = 0x0123_4567
    word = ctypes.c_uint32()
    assert bus.read32(bus.context, 0x48, ctypes.byref(word)) == Status.OK
    assert (chip.frames, word.value) == ([bytes([3, 0, 0x48]) + bytes(6)], 0x0123_4567)


@pytest.mark.parametrize(("response", "status"), [(2, Status.SLVERR), (3, Status.DECERR), (1, Status.BUS)])
def test_refusals_are_told_from_one_another(bus: Bus, chip: Chip, response: int, status: Status) -> None:
    chip.refused[0x48] = response
    word = ctypes.c_uint32(5)
    assert bus.read32(bus.context, 0x48, ctypes.byref(word)) == status
    assert bus.write32(bus.context, 0x48, 1) == status
    assert (word.value, chip.words) == (5, {})


@pytest.mark.parametrize("answered", [0x00, 0xFF, 0x50, 0xA4, 0x20, 0x80])
def test_a_bus_without_a_status_byte_is_dead(driver: ctypes.CDLL, bus: Bus, chip: Chip, answered: int) -> None:
    driver.oscc_spi_answer_text.restype = ctypes.c_char_p
    chip.spoil = lambda _, answer: bytes([answered] * len(answer))
    word = ctypes.c_uint32(5)
    assert bus.read32(bus.context, 0, ctypes.byref(word)) == Status.BUS
    assert bus.write32(bus.context, 0, 1) == Status.BUS
    assert (word.value, chip.spi.answered) == (5, answered)
    text = driver.oscc_spi_answer_text(ctypes.byref(chip.spi)).decode()
    expected = {0x00: "MISO stays low", 0xFF: "MISO stays high"}.get(answered, "bits are shifted or damaged")
    assert text.startswith(expected)


def test_words_for_the_answers_of_the_core(driver: ctypes.CDLL, chip: Chip) -> None:
    driver.oscc_spi_answer_text.restype = ctypes.c_char_p
    texts = []
    for chip.spi.answered in (0xA0, 0xA2, 0xA3, 0xA1):
        texts.append(driver.oscc_spi_answer_text(ctypes.byref(chip.spi)).decode())
    assert [text.split()[-1] for text in texts[1:3]] == ["(SLVERR)", "(DECERR)"]
    assert "accepted" in texts[0]
    assert "damaged" in texts[3]
    assert driver.oscc_spi_answer_text(None) == b"no SPI host"


def test_what_the_host_says_is_passed_on(bus: Bus, chip: Chip) -> None:
    chip.status = Status.TIMEOUT
    assert bus.read32(bus.context, 0, ctypes.byref(ctypes.c_uint32())) == Status.TIMEOUT
    assert bus.write32(bus.context, 0, 0) == Status.TIMEOUT


# Bursts


def test_long_accesses_are_cut_into_frames(driver: ctypes.CDLL, chip: Chip) -> None:
    sent = [0x1111_1111 * (index % 15 + 1) for index in range(2 * BURST + 3)]
    by = ctypes.byref(chip.spi)
    assert driver.oscc_spi_write(by, 0x100, words_of(*sent), ctypes.c_size_t(len(sent))) == Status.OK
    assert [len(frame) for frame in chip.frames] == [3 + 6 * BURST, 3 + 6 * BURST, 3 + 6 * 3]
    assert chip.words == {0x100 + 4 * index: word for index, word in enumerate(sent)}
    got = words_of(*[0] * len(sent))
    assert driver.oscc_spi_read(by, 0x100, got, ctypes.c_size_t(len(sent))) == Status.OK
    assert list(got) == sent
    assert [frame[:3].hex() for frame in chip.frames[3:]] == ["030100", "030120", "030140"]
    assert driver.oscc_spi_read(by, 0x100, got, ctypes.c_size_t(0)) == Status.OK


def test_a_burst_ends_with_the_first_that_is_refused(driver: ctypes.CDLL, chip: Chip) -> None:
    chip.words = {4 * index: index + 1 for index in range(20)}
    chip.refused = {4 * 10: 2, 4 * 11: 3}
    got, by = words_of(*[99] * 20), ctypes.byref(chip.spi)
    assert driver.oscc_spi_read(by, 0, got, ctypes.c_size_t(20)) == Status.SLVERR
    assert list(got) == [*range(1, 11), *[99] * 10]
    assert len(chip.frames) == 2
    assert driver.oscc_spi_write(by, 0, words_of(*[7] * 20), ctypes.c_size_t(20)) == Status.SLVERR
    assert len(chip.frames) == 4
    assert [chip.words[4 * index] for index in (9, 12, 15, 16)] == [7, 7, 7, 17]


@pytest.mark.parametrize(("address", "count"), [(0x1_0000, 1), (0xFFFC, 2), (0, 0x4001), (0xFFFF_FFFC, 1)])
def test_nothing_is_sent_where_the_address_space_ends(
    driver: ctypes.CDLL, chip: Chip, address: int, count: int
) -> None:
    for access in (driver.oscc_spi_read, driver.oscc_spi_write):
        assert access(ctypes.byref(chip.spi), address, words_of(0, 0), ctypes.c_size_t(count)) == Status.ARGUMENT
    assert chip.frames == []


def test_null_pointers_are_refused(driver: ctypes.CDLL, chip: Chip) -> None:
    by, bus, one = ctypes.byref(chip.spi), Bus(), ctypes.c_size_t(1)
    assert driver.oscc_spi_bus(None, ctypes.byref(bus)) == driver.oscc_spi_bus(by, None) == Status.ARGUMENT
    assert driver.oscc_spi_bus(ctypes.byref(Spi()), ctypes.byref(bus)) == Status.ARGUMENT
    for access in (driver.oscc_spi_read, driver.oscc_spi_write):
        assert access(None, 0, words_of(0), one) == access(by, 0, None, one) == Status.ARGUMENT
        assert access(ctypes.byref(Spi()), 0, words_of(0), one) == Status.ARGUMENT


def test_streams_and_pauses_stay_the_callers(driver: ctypes.CDLL, bus: Bus, chip: Chip) -> None:
    data = (ctypes.c_uint8 * 3)(1, 2, 3)
    length, invalid = ctypes.c_size_t(), ctypes.c_bool()
    assert bus.send(bus.context, data, 3) == Status.OK
    bus.pause(bus.context)
    assert bus.receive(bus.context, data, 3, ctypes.byref(length), ctypes.byref(invalid)) == Status.TIMEOUT
    assert (chip.other, length.value, invalid.value) == ([b"\1\2\3", "pause"], 7, True)
    bare, without = Spi(None, chip.spi.transfer), Bus()
    assert driver.oscc_spi_bus(ctypes.byref(bare), ctypes.byref(without)) == Status.OK
    assert [bool(call) for call in (without.send, without.receive, without.pause)] == [False] * 3


# The driver over it


def test_the_driver_writes_schedules_in_bursts(driver: ctypes.CDLL, bus: Bus, chip: Chip, small_core: CoreSpec) -> None:
    core = Core()
    core.bus, core.identity = bus, identity_of(small_core)
    schedule = bytes(range(4 * 19))
    assert driver.oscc_load_schedule(ctypes.byref(core), schedule, 19) == Status.OK
    first = register("SCHEDULE").address
    assert [chip.words[first + 4 * index] for index in range(19)] == np.frombuffer(schedule, "<u4").tolist()
    assert chip.words[register("SCHEDULE_LENGTH").address] == 19
    assert [len(frame) for frame in chip.frames] == [51, 51, 21, 9]
    # While a schedule runs, the memory is locked: the address is that of the burst.
    chip.refused = {first + 4 * index: 2 for index in range(64)}
    assert driver.oscc_load_schedule(ctypes.byref(core), schedule, 19) == Status.SLVERR
    assert core.fault_address == first


def test_a_dead_bus_is_not_another_core(driver: ctypes.CDLL, bus: Bus, chip: Chip, small_core: CoreSpec) -> None:
    chip.spoil = lambda _, answer: bytes(len(answer))
    status = driver.oscc_identify(ctypes.byref(Core()), ctypes.byref(bus), ctypes.byref(identity_of(small_core)))
    assert status == Status.BUS


def test_the_driver_runs_a_program_through_the_pins(
    driver: ctypes.CDLL, make_core: Callable[..., CoreSpec], compile_on: Callable[..., Any]
) -> None:
    core_spec = make_core(
        name="serial",
        grid=[2, 3],
        stencil="king",
        chunks=1,
        spi=True,
        init={"cycles": 20},
        readout={"origin": [0, 0], "step": [1, 1]},
    )
    program: Program = compile_on(core_spec, duration=0.6).program
    job = CosimJob(core_spec, program, samples=1, seed=5, first_sample=3)
    file, shape = encode_program(program), core_spec.frame_shape

    def firmware() -> dict[str, Any]:
        core, bus, buffer, counters = Core(), Bus(), (ctypes.c_uint8 * 64)(), Counters()
        by = ctypes.byref(core)
        seen: dict[str, Any] = {"bus": driver.oscc_spi_bus(ctypes.byref(threaded.spi), ctypes.byref(bus))}
        seen["identify"] = driver.oscc_identify(by, ctypes.byref(bus), ctypes.byref(identity_of(core_spec)))
        _status, found, _data = opened(driver, file)
        seen["load"] = load(driver, core, found, polls=3)
        seen["read-only"] = bus.write32(bus.context, register("ID").address, 0), threaded.spi.answered
        seen["start"] = driver.oscc_start(by, job.seed, job.first_sample)
        seen["abort"] = driver.oscc_abort(by)
        seen["image"] = driver.oscc_take_image(by, buffer, ctypes.c_size_t(64))
        seen["stopped"] = driver.oscc_wait_stopped(by, 10)
        seen["counters"] = driver.oscc_read_counters(by, ctypes.byref(counters)), counters.samples
        seen["frame"] = np.frombuffer(bytes(buffer), np.uint8)[: shape[0] * shape[1]].reshape(shape)
        return seen

    threaded = Threaded(firmware)
    simulated = PysimCore(core_spec)
    macro = ArrayMacro(core_spec, job.make_array())

    async def host(context: Any) -> None:
        pins = SpiHost(context, simulated.plane, "spi_")
        await pins.idle()
        await threaded.serve(PysimBus(context, simulated.plane, core_spec), pins)

    simulated.run(host, lambda: macro)
    seen = threaded.answer
    codes = seen.pop("frame")
    samples = seen["counters"][1]
    assert seen == {
        **dict.fromkeys(("bus", "identify", "load", "start", "abort", "image", "stopped"), Status.OK),
        "read-only": (Status.SLVERR, 0xA2),
        "counters": (Status.OK, samples),
    }
    # The frames of the check and of the abort take longer than a sample: some were taken by then.
    assert 1 <= samples < 9
    assert threaded.frames < 45
    np.testing.assert_array_equal(codes, engine_named("array").run(job).codes[0])


def test_the_sources_say_what_the_slave_says(sources: Path) -> None:
    from oscc.rtl.host import spi_slave

    text = (sources / "oscc_spi.c").read_text()
    for name, value in (
        ("COMMAND_WRITE", spi_slave.WRITE),
        ("COMMAND_READ", spi_slave.READ),
        ("STATUS_BYTE", spi_slave.STATUS),
    ):
        assert f"#define {name} 0x{value:02X}u\n" in text
    assert spi_slave.SCLK_DIVIDER == 8
    assert "sclk may be at most\n * an eighth of the core's clock" in (sources / "oscc_spi.h").read_text()
