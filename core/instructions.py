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
sample     6        quiet in 0                   latch the phases; quiet: no frame for the host
repeat     7        count in 23:8, target 7:0    jump to target count times; count 0: for ever
feed       8        source 1:0, chunk in 15:8    the next load merges the inputs from there
settle     9        most cycles in 23:0, not 0   let the array evolve until it rests, at most that long
=========  =======  ===========================  ==========================================================

``feed``, ``settle`` and a quiet ``sample`` exist on driven cores only; elsewhere their words are illegal. Operation 0
is illegal, so that memory that nobody wrote cannot run.
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
    FEED = 8
    SETTLE = 9


class Source(IntEnum):
    """Where a ``feed`` takes inputs from. 2 is kept for cores with a conditioner and illegal on all others."""

    STREAM = 0
    """The next vector of the input stream."""
    FEEDBACK = 1
    """Read-out codes of the last sample, through the table of a chunk; other inputs stay."""
    AGAIN = 3
    """The codes of the load before."""


_TIMED = (Operation.INIT, Operation.RUN, Operation.SETTLE)


@dataclass(frozen=True)
class Instruction:
    """One instruction of a schedule.

    Parameters
    ----------
    operation : Operation
    operand : int
        Chunk of ``load``; cycles of ``init`` and ``run``, the most of ``settle``; target of ``repeat``; 1 of a quiet
        ``sample``; source and, 8 bits up, chunk of ``feed``; else 0.
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
            Operation.SAMPLE: 1,
            Operation.FEED: MAX_CHUNK << 8 | max(Source),
            Operation.SETTLE: MAX_CYCLES,
        }.get(self.operation, 0)
        least = 1 if self.is_timed else 0
        if not least <= self.operand <= limit:
            raise ValueError(f"{self.operation.name.lower()}: {self.operand} is not within {least}..{limit}")
        if not 0 <= self.count <= (MAX_COUNT if self.operation is Operation.REPEAT else 0):
            raise ValueError(f"{self.operation.name.lower()}: count {self.count} is not within 0..{MAX_COUNT}")
        if self.operation is Operation.FEED:
            source, chunk = self.operand & 0xFF, self.operand >> 8
            if source not in tuple(Source):
                accepted = ", ".join(f"{each.value} ({each.name.lower()})" for each in Source)
                raise ValueError(f"feed: source {source} is none; accepted: {accepted}")
            if chunk and source != Source.FEEDBACK:
                raise ValueError(f"feed: chunk {chunk}, but only feedback has tables")

    @classmethod
    def feed(cls, source: Source, chunk: int = 0) -> Instruction:
        """Return a ``feed``.

        Parameters
        ----------
        source : Source
        chunk : int
            Whose table feedback takes; 0 for every other source.
        """
        return cls(Operation.FEED, chunk << 8 | source)

    @property
    def is_timed(self) -> bool:
        """Whether it takes time: ``init``, ``run`` and ``settle`` do."""
        return self.operation in _TIMED

    @property
    def is_driven(self) -> bool:
        """Whether it exists on driven cores only."""
        return self.operation in (Operation.FEED, Operation.SETTLE) or self.quiet

    @property
    def quiet(self) -> bool:
        """Whether it is a ``sample`` without a frame for the host."""
        return self.operation is Operation.SAMPLE and self.operand == 1

    @property
    def source(self) -> Source:
        """Source of a ``feed``."""
        return Source(self.operand & 0xFF)

    @property
    def chunk(self) -> int:
        """Chunk of a ``load``, or of the table of a ``feed``."""
        return self.operand >> 8 if self.operation is Operation.FEED else self.operand

    def encode(self) -> int:
        """Return the 32-bit word."""
        return (self.operation << 28) | (self.count << 8 if self.operation is Operation.REPEAT else 0) | self.operand

    @classmethod
    def decode(cls, word: int, driven: bool = False) -> Instruction:
        """Return the instruction of a word.

        Parameters
        ----------
        word : int
        driven : bool
            Whether it is for a driven core.

        Raises
        ------
        ValueError
            When the operation does not exist, an operand is out of range, or a reserved bit is set.
        """
        try:
            operation = Operation(word >> 28)
        except ValueError:
            raise ValueError(f"0x{word:08x}: operation {word >> 28} does not exist") from None
        if not driven and operation in (Operation.FEED, Operation.SETTLE):
            raise ValueError(f"0x{word:08x}: operation {word >> 28} does not exist")
        is_repeat = operation is Operation.REPEAT
        operand = word & 0xFF if is_repeat else word & 0x0FFF_FFFF
        instruction = cls(operation, operand, (word >> 8) & MAX_COUNT if is_repeat else 0)
        if instruction.encode() != word:
            raise ValueError(f"0x{word:08x}: reserved bits are set")
        if instruction.quiet and not driven:
            raise ValueError(f"0x{word:08x}: sample: 1 is not within 0..0")
        return instruction

    def __str__(self) -> str:
        name = self.operation.name.lower()
        if self.quiet:
            return f"{name} quiet"
        if self.operation is Operation.FEED:
            source = self.source.name.lower()
            return f"{name} {source} {self.chunk}" if self.source is Source.FEEDBACK else f"{name} {source}"
        if self.operation is Operation.REPEAT:
            return f"{name} {self.count or 'for ever'}, {self.operand}"
        return f"{name} {self.operand}" if self.is_timed or self.operation is Operation.LOAD else name


def encode_schedule(instructions: Iterable[Instruction]) -> NDArray[np.uint32]:
    """Return a schedule as words, uint32[n]."""
    return np.array([instruction.encode() for instruction in instructions], dtype=np.uint32)


def decode_schedule(words: NDArray[np.uint32], driven: bool = False) -> tuple[Instruction, ...]:
    """Return the schedule of words uint32[n].

    Parameters
    ----------
    words : uint32[n]
    driven : bool
        Whether it is for a driven core.

    Raises
    ------
    ValueError
        Naming the first word that is not an instruction.
    """
    decoded = []
    for address, word in enumerate(words.tolist()):
        try:
            decoded.append(Instruction.decode(word, driven))
        except ValueError as error:
            raise ValueError(f"instruction {address}: {error}") from None
    return tuple(decoded)
