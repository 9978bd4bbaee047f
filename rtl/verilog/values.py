"""Values of Amaranth taken apart: bits of values side by side, neighbours joined, choices that exclude one another."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Signal, Value
from amaranth.hdl._ast import Concat, Operator, Slice, SwitchValue


def sliced(value: Value, start: int, stop: int) -> Value | None:
    """Return bits of a value whose bits do not depend on one another, as such a value of fewer bits; else None."""
    if isinstance(value, Operator) and value.operator in ("&", "|", "^", "~"):
        if all(len(operand) == len(value) for operand in value.operands):
            return Operator(value.operator, [operand[start:stop] for operand in value.operands])
    elif isinstance(value, SwitchValue) and all(len(case) == len(value) for _, case in value.cases):
        return SwitchValue(value.test, [(patterns, case[start:stop]) for patterns, case in value.cases])
    return None


def disjoint(choices: Sequence[Sequence[str]]) -> bool:
    """Return whether no value can match two of several choices."""
    patterns = [pattern for choice in choices for pattern in choice]
    return len(set(patterns)) == len(patterns) and not any("-" in pattern for pattern in patterns)


def flat(parts: Sequence[Value]) -> list[Value]:
    """Return the parts of a concatenation, with those of concatenations among them in their place."""
    found: list[Value] = []
    for part in parts:
        if isinstance(part, Concat):
            found += flat(part.parts)
        elif isinstance(part, Slice) and isinstance(part.value, Concat):
            found += flat(cut(part.value.parts, part.start, part.stop))
        elif len(part):
            found.append(part)
    return found


def cut(parts: Sequence[Value], start: int, stop: int) -> list[Value]:
    """Return the bits from start to stop of values side by side."""
    found, low = [], 0
    for part in parts:
        first, last = max(start - low, 0), min(stop - low, len(part))
        if first < last:
            found.append(part if (first, last) == (0, len(part)) else part[first:last])
        low += len(part)
    return found


def merged(parts: Sequence[Value]) -> list[Value]:
    """Return values side by side with neighbouring bits of a signal, and neighbouring constants, as one."""
    found: list[Value] = []
    for part in parts:
        before = found[-1] if found else None
        if isinstance(part, Const) and isinstance(before, Const):
            value = (before.value & ((1 << len(before)) - 1)) | (part.value & ((1 << len(part)) - 1)) << len(before)
            found[-1] = Const(value, len(before) + len(part))
        elif (
            isinstance(part, Slice)
            and isinstance(before, Slice)
            and part.value is before.value
            and isinstance(part.value, Signal)
            and part.start == before.stop
        ):
            found[-1] = part.value[before.start : part.stop]
        else:
            found.append(part)
    return found
