"""The stream window: registers through which a bus without streams loads programs and takes images."""

from __future__ import annotations

from oscc.core.registers import ADDRESS_BITS, Field, Register

WINDOW_BASE = 1 << ADDRESS_BITS
"""Byte address of the window: behind the registers of the core."""

WRAPPED_ADDRESS_BITS = ADDRESS_BITS + 1
"""Width of the byte address of a wrapped core: 4 KiB of registers, 4 KiB of window."""


def _word(description: str) -> tuple[Field, ...]:
    """Return the one field of a register that holds a word."""
    return (Field("value", 0, 32, description),)


STREAM_STATUS = Register(
    "STREAM_STATUS",
    WINDOW_BASE + 0x00,
    "read",
    "State of both streams.",
    (
        Field("program_room", 0, 1, "the core accepts a program, and a word can be written to it"),
        Field("image_valid", 1, 1, "a beat of an image can be read; the bits below are about this beat"),
        Field("image_last", 2, 1, "it is the last beat of its frame (TLAST)"),
        Field("image_invalid", 3, 1, "the frame is not an image: cut short or discarded (TUSER)"),
        Field("image_keep", 16, 16, "one bit per byte of the beat: it holds a code (TKEEP)"),
    ),
)

STREAM_RESTART = Register(
    "STREAM_RESTART",
    WINDOW_BASE + 0x04,
    "pulse",
    "Forget where in a beat the window is.",
    (
        Field("program", 0, 1, "forget the words of a beat that is not complete"),
        Field("image", 1, 1, "read the present beat from its first word again"),
    ),
)

PROGRAM_DATA = Register(
    "PROGRAM_DATA",
    WINDOW_BASE + 0x08,
    "pulse",
    "Next word of the program stream; refused without program_room.",
    _word("the lowest word of a beat first"),
)

PROGRAM_LAST = Register(
    "PROGRAM_LAST",
    WINDOW_BASE + 0x0C,
    "pulse",
    "Last word of the program stream (TLAST); refused where it does not complete a beat.",
    _word("the highest word of the last beat"),
)

IMAGE_DATA = Register(
    "IMAGE_DATA",
    WINDOW_BASE + 0x10,
    "read",
    "Next word of the present beat, which is taken with its last word; refused without image_valid.",
    _word("the lowest word of a beat first"),
)

WINDOW_REGISTERS = (STREAM_STATUS, STREAM_RESTART, PROGRAM_DATA, PROGRAM_LAST, IMAGE_DATA)
"""All of the window; other addresses in it are refused."""
