"""The C driver of rtl/firmware on a model of the registers: images."""

from __future__ import annotations

import ctypes
import shutil
from collections import deque

import numpy as np
import pytest

from tests.rtl.firmware.firmware_bench import Core, Receive, Registers, Status, mask

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a C compiler: Debian package gcc")


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
