"""The sequencer's instruction set: encoding, decoding and listing.

An instruction has 32 bits: the operation in 31:28, operands below, every other bit zero.

=========  =======  ===========================  ==========================================================
operation  31:28    operands                     effect
=========  =======  ===========================  ==========================================================
stop       1        none                         end of the schedule
load       2        chunk in 7:0                 start loading a chunk into the shadow latches
commit     3        none                         wait for the load, swap shadow and active
init       4        cycles in 23:0, not 0        hold the array in noise
run        5        cycles in 23:0, not 0        let the array evolve for exactly that long
sample     6        none                         latch the phases
repeat     7        count in 23:8, target 7:0    jump to target count times; count 0: for ever
=========  =======  ===========================  ==========================================================

Operation 0 is illegal, so that memory that nobody wrote cannot run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

SCHEDULE_DEPTH = 64
"""Instructions that the schedule memory holds."""

INSTRUCTIONS_PER_CHUNK = 3
"""Instructions that a chunk needs in a schedule of several chunks: commit, load, run."""

INSTRUCTIONS_PER_SAMPLE = 5
"""Instructions besides these: load 0, init, sample, repeat, stop."""

MAX_SAMPLE_CHUNKS = (SCHEDULE_DEPTH - INSTRUCTIONS_PER_SAMPLE) // INSTRUCTIONS_PER_CHUNK
"""Chunks of the longest schedule of the schedule pass that the schedule memory holds."""

MAX_UNTIMED = 4
"""Instructions without duration that may stand between two with one."""

MAX_CYCLES = 2**24 - 1
MAX_CHUNK = 2**8 - 1
MAX_COUNT = 2**16 - 1


class Operation(IntEnum):
    """Operation codes."""

    STOP = 1
    LOAD = 2
    COMMIT = 3
    INIT = 4
    RUN = 5
    SAMPLE = 6
    REPEAT = 7


@dataclass(frozen=True)
class Instruction:
    """One instruction of a schedule.

    Parameters
    ----------
    operation : Operation
    operand : int
        Chunk of ``load``; cycles of ``init`` and ``run``; target of ``repeat``; else 0.
    count : int
        Jumps of ``repeat``; 0 is for ever.
    """

    operation: Operation
    operand: int = 0
    count: int = 0

    def __post_init__(self) -> None:
        limit = {
            Operation.LOAD: MAX_CHUNK,
            Operation.INIT: MAX_CYCLES,
            Operation.RUN: MAX_CYCLES,
            Operation.REPEAT: SCHEDULE_DEPTH - 1,
        }.get(self.operation, 0)
        least = 1 if self.is_timed else 0
        if not least <= self.operand <= limit:
            raise ValueError(f"{self.operation.name.lower()}: {self.operand} is not within {least}..{limit}")
        if not 0 <= self.count <= (MAX_COUNT if self.operation is Operation.REPEAT else 0):
            raise ValueError(f"{self.operation.name.lower()}: count {self.count} is not within 0..{MAX_COUNT}")

    @property
    def is_timed(self) -> bool:
        """Whether it takes time: ``init`` and ``run`` do."""
        return self.operation in (Operation.INIT, Operation.RUN)

    def encode(self) -> int:
        """Return the 32-bit word."""
        return (self.operation << 28) | (self.count << 8 if self.operation is Operation.REPEAT else 0) | self.operand

    @classmethod
    def decode(cls, word: int) -> Instruction:
        """Return the instruction of a word.

        Raises
        ------
        ValueError
            When the operation does not exist, an operand is out of range, or a reserved bit is set.
        """
        try:
            operation = Operation(word >> 28)
        except ValueError:
            raise ValueError(f"0x{word:08x}: operation {word >> 28} does not exist") from None
        is_repeat = operation is Operation.REPEAT
        operand = word & 0xFF if is_repeat else word & 0x0FFF_FFFF
        instruction = cls(operation, operand, (word >> 8) & MAX_COUNT if is_repeat else 0)
        if instruction.encode() != word:
            raise ValueError(f"0x{word:08x}: reserved bits are set")
        return instruction

    def __str__(self) -> str:
        name = self.operation.name.lower()
        if self.operation is Operation.REPEAT:
            return f"{name} {self.count or 'for ever'}, {self.operand}"
        return f"{name} {self.operand}" if self.operation in (Operation.LOAD, Operation.INIT, Operation.RUN) else name


def encode_schedule(instructions: Iterable[Instruction]) -> NDArray[np.uint32]:
    """Return a schedule as words, uint32[n]."""
    return np.array([instruction.encode() for instruction in instructions], dtype=np.uint32)


def decode_schedule(words: NDArray[np.uint32]) -> tuple[Instruction, ...]:
    """Return the schedule of words uint32[n].

    Raises
    ------
    ValueError
        Naming the first word that is not an instruction.
    """
    decoded = []
    for address, word in enumerate(words.tolist()):
        try:
            decoded.append(Instruction.decode(word))
        except ValueError as error:
            raise ValueError(f"instruction {address}: {error}") from None
    return tuple(decoded)
