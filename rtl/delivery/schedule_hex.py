"""A schedule as the stand-alone bench reads it, `schedule.hex`: read back, after somebody has edited it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from oscc.base.errors import OsccError
from oscc.core.instructions import Instruction

ACCEPTED = "a line holds an instruction: up to 8 hexadecimal digits, then perhaps // and a remark"


class ScheduleLine(NamedTuple):
    """An instruction of a file.

    Parameters
    ----------
    number : int
        Of its line, from 1.
    instruction : Instruction
    """

    number: int
    instruction: Instruction


def read_schedule_hex(text: str, where: str) -> tuple[ScheduleLine, ...]:
    """Read the instructions of a schedule.hex; what stands behind ``//`` means nothing.

    Parameters
    ----------
    text : str
        Words as ``$readmemh`` reads them, one on a line; empty lines are left out.
    where : str
        Name of the file, for messages.

    Raises
    ------
    OsccError
        ``bench.schedule``, with file and line, for what is no word or no instruction.
    """
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("//")[0].strip().replace("_", "")
        if not word:
            continue
        if not re.fullmatch(r"[0-9a-fA-F]{1,8}", word):
            raise OsccError("bench.schedule", f"{word!r} is no instruction", where=f"{where}:{number}", hint=ACCEPTED)
        try:
            instruction = Instruction.decode(int(word, 16))
        except ValueError as error:
            raise OsccError(
                "bench.schedule", str(error), where=f"{where}:{number}", hint="docs/formats.md has the encoding"
            ) from None
        lines.append(ScheduleLine(number, instruction))
    return tuple(lines)


def line_of(lines: Sequence[ScheduleLine], address: object) -> str:
    """Return ``:LINE`` of an instruction by its address; empty where there is no such instruction.

    Parameters
    ----------
    lines : sequence of ScheduleLine
    address : object
        As the witness of a finding has it: an int, or None.
    """
    return f":{lines[address].number}" if isinstance(address, int) and 0 <= address < len(lines) else ""
