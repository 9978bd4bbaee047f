from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from oscc.core.instructions import Instruction, Operation, Source, decode_schedule, encode_schedule

ENCODED = {
    0x1000_0000: Instruction(Operation.STOP),
    0x2000_0003: Instruction(Operation.LOAD, 3),
    0x3000_0000: Instruction(Operation.COMMIT),
    0x4000_0040: Instruction(Operation.INIT, 64),
    0x5000_00D6: Instruction(Operation.RUN, 214),
    0x6000_0000: Instruction(Operation.SAMPLE),
    0x7000_0001: Instruction(Operation.REPEAT, 1),
    0x7000_0502: Instruction(Operation.REPEAT, 2, 5),
    0x70FF_FF3F: Instruction(Operation.REPEAT, 63, 65535),
    0x50FF_FFFF: Instruction(Operation.RUN, 2**24 - 1),
}


@pytest.mark.parametrize(("word", "instruction"), ENCODED.items())
def test_encoding_is_the_documented_one(word: int, instruction: Instruction) -> None:
    assert instruction.encode() == word
    assert Instruction.decode(word) == instruction


@given(st.integers(0, 2**32 - 1))
def test_a_word_is_refused_or_encodes_back_to_itself(word: int) -> None:
    try:
        instruction = Instruction.decode(word)
    except ValueError:
        return
    assert instruction.encode() == word


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (0x0000_0000, "0x00000000: operation 0 does not exist"),
        (0x8000_0000, "0x80000000: operation 8 does not exist"),
        (0x1000_0001, "stop: 1 is not within 0..0"),
        (0x2000_0100, "load: 256 is not within 0..255"),
        (0x4000_0000, "init: 0 is not within 1..16777215"),
        (0x5100_0000, "run: 16777216 is not within 1..16777215"),
        (0x7000_0040, "repeat: 64 is not within 0..63"),
        (0x7100_0000, "0x71000000: reserved bits are set"),
    ],
)
def test_illegal_words_are_refused_with_the_reason(word: int, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$".replace(".", r"\.")):
        Instruction.decode(word)


def test_operands_are_checked_when_made() -> None:
    with pytest.raises(ValueError, match=r"repeat: count 65536 is not within 0\.\.65535"):
        Instruction(Operation.REPEAT, 0, 65536)
    with pytest.raises(ValueError, match="sample: count 1"):
        Instruction(Operation.SAMPLE, 0, 1)


def test_only_init_and_run_take_time() -> None:
    timed = {instruction.operation for instruction in ENCODED.values() if instruction.is_timed}
    assert timed == {Operation.INIT, Operation.RUN}


def test_listing() -> None:
    assert [str(instruction) for instruction in ENCODED.values()] == [
        "stop",
        "load 3",
        "commit",
        "init 64",
        "run 214",
        "sample",
        "repeat for ever, 1",
        "repeat 5, 2",
        "repeat 65535, 63",
        "run 16777215",
    ]


def test_schedules_encode_and_decode() -> None:
    words = encode_schedule(ENCODED.values())
    assert words.dtype == np.uint32
    assert words.tolist() == list(ENCODED)
    assert decode_schedule(words) == tuple(ENCODED.values())


def test_decoding_names_the_first_bad_instruction() -> None:
    words = np.array([0x3000_0000, 0, 0xFFFF_FFFF], dtype=np.uint32)
    with pytest.raises(ValueError, match=r"^instruction 1: 0x00000000: operation 0 does not exist$"):
        decode_schedule(words)


DRIVEN = {
    0x6000_0001: (Instruction(Operation.SAMPLE, 1), "sample quiet"),
    0x8000_0000: (Instruction.feed(Source.STREAM), "feed stream"),
    0x8000_0301: (Instruction.feed(Source.FEEDBACK, 3), "feed feedback 3"),
    0x8000_0003: (Instruction.feed(Source.AGAIN), "feed again"),
    0x9000_05DC: (Instruction(Operation.SETTLE, 1500), "settle 1500"),
}


@pytest.mark.parametrize(("word", "expected"), DRIVEN.items())
def test_instructions_of_driven_cores(word: int, expected: tuple[Instruction, str]) -> None:
    instruction, text = expected
    assert (instruction.encode(), str(instruction)) == (word, text)
    assert Instruction.decode(word, driven=True) == instruction
    assert instruction.is_driven
    assert instruction.is_timed == (instruction.operation is Operation.SETTLE)
    with pytest.raises(ValueError, match=r"does not exist|is not within 0\.\.0"):
        Instruction.decode(word)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (0x8000_0002, "feed: source 2 is none"),
        (0x8000_0004, "feed: source 4 is none"),
        (0x8000_0100, "feed: chunk 1, but only feedback has tables"),
        (0x8001_0001, "feed: 65537 is not within"),
        (0x9000_0000, "settle: 0 is not within 1"),
        (0x6000_0002, "sample: 2 is not within 0..1"),
        (0xA000_0000, "operation 10 does not exist"),
    ],
)
def test_words_that_are_illegal_on_driven_cores_too(word: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Instruction.decode(word, driven=True)


def test_feed_names_its_source_and_chunk() -> None:
    feed = Instruction.decode(0x8000_0501, driven=True)
    assert (feed.source, feed.chunk, feed.quiet) == (Source.FEEDBACK, 5, False)
    assert Instruction(Operation.LOAD, 7).chunk == 7
