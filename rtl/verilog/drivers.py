"""Drivers: what combinational statements assign to each signal, as one value per range of bits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from amaranth.hdl import Cat, ClockSignal, Const, ResetSignal, Signal, Value
from amaranth.hdl._ast import Assign, Concat, Operator, Part, Slice, Statement, Switch, SwitchValue

from oscc.rtl.verilog.scope import UnsupportedError


class Target(NamedTuple):
    """Bits of a signal that an assignment changes, and where they are in what is assigned.

    Parameters
    ----------
    signal : Signal
    start, stop : int
    low : int
        Bit of the assigned value that ``start`` gets.
    """

    signal: Signal
    start: int
    stop: int
    low: int


class Driver(NamedTuple):
    """A range of bits of a signal and the value that drives it.

    Parameters
    ----------
    signal : Signal
    start, stop : int
    value : Value
        Of ``stop`` - ``start`` bits, or to be extended to them.
    """

    signal: Signal
    start: int
    stop: int
    value: Value


def targets(place: Value, where: str, start: int = 0, stop: int | None = None, low: int = 0) -> list[Target]:
    """Return the bits of signals that the left side of an assignment names, the lowest ones first.

    Parameters
    ----------
    place : Value
    where : str
        For messages.
    start, stop : int
        Bits of the place that count.
    low : int
        Bit of the assigned value that the first of them gets.

    Raises
    ------
    UnsupportedError
        For a place that is known at run time only.
    """
    stop = len(place) if stop is None else stop
    if isinstance(place, Signal):
        return [Target(place, start, stop, low)] if stop > start else []
    if isinstance(place, Slice):
        return targets(place.value, where, place.start + start, place.start + stop, low)
    if isinstance(place, Operator) and place.operator in ("u", "s"):
        return targets(place.operands[0], where, start, stop, low)
    if isinstance(place, Concat):
        found, base = [], 0
        for part in place.parts:
            first, last = max(start - base, 0), min(stop - base, len(part))
            if first < last:
                found += targets(part, where, first, last, low + base + first - start)
            base += len(part)
        return found
    raise UnsupportedError(f"{type(place).__name__} cannot stand at the left of a combinational assignment", where)


def assigned(statements: Iterable[Statement]) -> list[Signal]:
    """Return the signals that statements assign to, each once, in the order in which they come."""
    found: dict[int, Signal] = {}
    for statement in statements:
        for signal in _in_order(statement):
            found.setdefault(id(signal), signal)
    return list(found.values())


def _in_order(statement: Statement) -> list[Signal]:
    """Return the signals that a statement assigns to, in the order in which they come."""
    if isinstance(statement, Assign):
        return _places(statement.lhs)
    if isinstance(statement, Switch):
        return [signal for _, body, _ in statement.cases for inner in body for signal in _in_order(inner)]
    return []


def _places(place: Value) -> list[Signal]:
    """Return the signals at the left of an assignment."""
    if isinstance(place, Signal):
        return [place]
    if isinstance(place, Concat):
        return [signal for part in place.parts for signal in _places(part)]
    if isinstance(place, Slice | Part):
        return _places(place.value)
    if isinstance(place, Operator):
        return _places(place.operands[0])
    if isinstance(place, SwitchValue):
        return [signal for _, case in place.cases for signal in _places(case)]
    return []


def read(statements: Iterable[Statement]) -> Iterator[Signal]:
    """Yield the signals that statements read, in conditions too; one of them may come several times."""
    for statement in statements:
        if isinstance(statement, Assign):
            yield from _read_in(statement.rhs)
            yield from _read_at(statement.lhs)
        elif isinstance(statement, Switch):
            yield from _read_in(statement.test)
            for _, body, _ in statement.cases:
                yield from read(body)


def _read_in(value: Value) -> Iterable[Signal]:
    """Return the signals that a value consists of."""
    return () if isinstance(value, ClockSignal | ResetSignal) else value._rhs_signals()


def _read_at(place: Value) -> Iterator[Signal]:
    """Yield the signals that say where an assignment goes."""
    if isinstance(place, Part):
        yield from _read_in(place.offset)
        yield from _read_at(place.value)
    elif isinstance(place, Slice):
        yield from _read_at(place.value)
    elif isinstance(place, Concat):
        for part in place.parts:
            yield from _read_at(part)


def drivers(statements: Sequence[Statement], where: str) -> list[Driver]:
    """Return what combinational statements drive: for each signal its ranges of bits, from the lowest on.

    A range that no branch assigns to has the initial value of the signal there.

    Parameters
    ----------
    statements : sequence of Statement
        Of the domain ``comb``.
    where : str
        For messages.

    Raises
    ------
    UnsupportedError
    """
    cuts: dict[int, set[int]] = {}
    relevant: dict[int, list[Statement]] = {}
    signals = assigned(statements)
    for statement in statements:
        for signal in {id(one): one for one in _in_order(statement)}.values():
            relevant.setdefault(id(signal), []).append(statement)
        for target in _targets_in(statement, where):
            cuts.setdefault(id(target.signal), {0, len(target.signal)}).update((target.start, target.stop))
    found = []
    for signal in signals:
        edges = sorted(cuts[id(signal)])
        for start, stop in pairwise(edges):
            initial = Const(signal.init >> start, stop - start)
            named: list[Driver] = []
            value = _Driven(Target(signal, start, stop, 0), where, named).after(relevant[id(signal)], initial)
            found += [*named, Driver(signal, start, stop, value)]
    return found


def _targets_in(statement: Statement, where: str) -> list[Target]:
    """Return all that a statement may assign to."""
    if isinstance(statement, Assign):
        return targets(statement.lhs, where)
    if isinstance(statement, Switch):
        return [target for _, body, _ in statement.cases for inner in body for target in _targets_in(inner, where)]
    raise UnsupportedError(f"{type(statement).__name__} cannot be written as Verilog", where)


class _Driven:
    """Follows the value of a range of bits through statements.

    Parameters
    ----------
    wanted : Target
    where : str
    named : list of Driver
        Gets a signal for every value that later ones need several times: written out each time, they would grow with
        the power of their number.
    """

    def __init__(self, wanted: Target, where: str, named: list[Driver]) -> None:
        self._wanted, self._where, self._named = wanted, where, named

    def after(self, statements: Iterable[Statement], before: Value) -> Value:
        """Return the value behind statements, given the one before them."""
        for statement in statements:
            if isinstance(statement, Assign):
                before = self._assigned(statement, before)
            elif isinstance(statement, Switch):
                count = len(self._named)
                chosen = self._chosen(statement, before)
                if isinstance(before, SwitchValue) and _occurrences(chosen, before) > 1:
                    # What the discarded choice has named is not needed.
                    del self._named[count:]
                    before = self._name(before)
                    chosen = self._chosen(statement, before)
                before = chosen
        return before

    def _assigned(self, statement: Assign, before: Value) -> Value:
        """Return the value behind an assignment."""
        wanted = self._wanted
        for target in targets(statement.lhs, self._where):
            if target.signal is wanted.signal and target.start <= wanted.start and wanted.stop <= target.stop:
                low = target.low + wanted.start - target.start
                before = _bits(statement.rhs, low, wanted.stop - wanted.start)
        return before

    def _chosen(self, statement: Switch, before: Value) -> Value:
        """Return the value behind a choice."""
        cases = [
            (patterns, self.after(body, before))
            for patterns, body, _ in statement.cases
            if patterns is None or patterns
        ]
        if all(value is before for _, value in cases):
            return before
        if all(patterns is not None for patterns, _ in cases):
            cases.append((None, before))
        return SwitchValue(statement.test, cases)

    def _name(self, value: Value) -> Signal:
        """Return a signal of its own for a value."""
        width = self._wanted.stop - self._wanted.start
        signal = Signal(width, name=f"{self._wanted.signal.name}_before")
        self._named.append(Driver(signal, 0, width, value))
        return signal


def _occurrences(value: Value, wanted: Value) -> int:
    """Count how often a value is among the choices of another one."""
    if value is wanted:
        return 1
    if isinstance(value, SwitchValue):
        return sum(_occurrences(case, wanted) for _, case in value.cases)
    return 0


def _bits(value: Value, low: int, width: int) -> Value:
    """Return bits of what is assigned, which is extended where it ends before them."""
    if low == 0:
        # The writer of expressions cuts or extends it.
        return value
    if low + width <= len(value):
        return value[low : low + width]
    missing = low + width - len(value)
    fill = value[-1].replicate(missing) if value.shape().signed and len(value) else Const(0, missing)
    return Cat(value, fill)[low : low + width]
