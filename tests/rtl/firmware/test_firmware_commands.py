"""The C driver of rtl/firmware on a model of the registers: running, errors, interrupts and care."""

from __future__ import annotations

import ctypes
import shutil
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest

from oscc.core.spec import CoreSpec
from tests.rtl.firmware.firmware_bench import (
    ALL_ERRORS,
    LOADING,
    PROGRAMMED,
    Bus,
    Core,
    Counters,
    CProgram,
    Identity,
    Registers,
    SelfTest,
    Status,
    identity_of,
    mask,
    name_of,
)

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")


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
        ("write", "IRQ_STATUS", done | mask("IRQ_STATUS", "cut_short")),
        ("write", "ERROR", mask("ERROR", "busy", "unprogrammed")),
        ("write", "CONTROL", mask("CONTROL", "scrub")),
        ("read", "ERROR"),
        *(poll, ("pause",), poll, ("pause",), poll),
        # Whether a load had ended it.
        poll,
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


def test_a_scrub_and_a_self_test_that_a_load_ended_have_no_result(
    driver: ctypes.CDLL, model: Registers, core: Core
) -> None:
    for done in ("scrubbed", "self_tested"):
        model.answers["IRQ_STATUS"] = deque([0, mask("IRQ_STATUS", done, "cut_short")])
        result = SelfTest(failures=77)
        if done == "scrubbed":
            status = driver.oscc_scrub(ctypes.byref(core), 3)
        else:
            status = driver.oscc_self_test(ctypes.byref(core), 3, ctypes.byref(result))
        assert (status, result.failures) == (Status.CUT_SHORT, 77), done
    driver.oscc_status_text.restype = ctypes.c_char_p
    assert driver.oscc_status_text(Status.CUT_SHORT) == (
        b"a program load ended the scrub or the self-test: give the command again"
    )


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
        model.answers["IRQ_STATUS"] = deque([0xFFFF_FFFF ^ mask("IRQ_STATUS", "cut_short")])
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
