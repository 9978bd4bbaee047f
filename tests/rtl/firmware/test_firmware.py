"""The C driver of rtl/firmware, as a shared library under ctypes: on a model of the registers, and on the RTL."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from collections import deque
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from oscc.core.program import Program
from oscc.core.program_file import encode_program
from oscc.core.registers import ERROR_CAUSES, IRQ_CAUSES
from oscc.core.spec import CoreSpec
from oscc.sim.array.macro import ArrayMacro
from oscc.sim.engines.job import CosimJob
from oscc.sim.engines.pysim import PysimBus, PysimCore
from oscc.sim.engines.registry import engine_named
from tests.rtl.firmware.firmware_bench import (
    WARNINGS,
    Bus,
    Core,
    Counters,
    CProgram,
    Registers,
    SelfTest,
    Status,
    identity_of,
    load,
    mask,
    opened,
)
from tests.rtl.firmware.threaded_bench import Threaded

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")
COMPILERS = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed"))
    for name in ("gcc", "clang")
]


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


def test_the_driver_runs_a_program_on_the_rtl(driver: ctypes.CDLL, small_core: CoreSpec, program: Program) -> None:
    job = CosimJob(small_core, program, samples=2, seed=5, first_sample=3)
    file = encode_program(program)
    shape = small_core.frame_shape

    def firmware() -> dict[str, Any]:
        core, buffer, counters = Core(), (ctypes.c_uint8 * 24)(), Counters()
        by, result = ctypes.byref(core), SelfTest()
        seen: dict[str, Any] = {"images": []}
        seen["identify"] = driver.oscc_identify(by, ctypes.byref(threaded.bus), ctypes.byref(identity_of(small_core)))
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
