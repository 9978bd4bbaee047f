"""VCD files of the signals that are worth keeping, in a window of clock cycles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from oscc.base.errors import OsccError
from oscc.sim.waves.save_files import write_save_files
from oscc.sim.waves.signals import (
    ADDED,
    CONTROL,
    DOING,
    FETCHED,
    MACRO,
    WaveSignal,
    activity_text,
    group_of,
    instruction_text,
    plain_name,
)

PERIOD_NS = 10
"""Clock period in a wave file [ns]; rising edge k is at k periods."""

TEXTS = "texts"
"""Scope of the signals that are added."""


@dataclass(frozen=True)
class Waves:
    """Which waves are wanted, and where.

    Parameters
    ----------
    path : Path
        Of the VCD file.
    first : int
        First clock cycle that is kept.
    last : int or None
        Last clock cycle that is kept; None for the end of the simulation.
    """

    path: Path
    first: int = 0
    last: int | None = None

    def holds(self, cycle: float) -> bool:
        """Return whether what happens at a time is kept.

        Parameters
        ----------
        cycle : float
            Time in clock cycles.
        """
        return self.last is None or cycle < self.last + 1


class WaveWriter:
    """Writes values of signals into a VCD file, and instructions and activities as text.

    Times are clock cycles; what changes before the window only gives the values with which it begins.

    Parameters
    ----------
    file : text file
    waves : Waves
    signals : iterable of WaveSignal
    """

    def __init__(self, file: IO[str], waves: Waves, signals: Iterable[WaveSignal]) -> None:
        from vcd import VCDWriter

        self._waves = waves
        self._writer = VCDWriter(file, timescale="1 ns", date="-", version="oscc", check_values=False)
        self.signals = list(signals)
        top = self.signals[0].scope[0]
        self._variables: list[Any] = [
            self._writer.register_var(".".join(signal.scope), signal.name, "wire", signal.width, init="x")
            for signal in self.signals
        ]
        self._texts = {name: self._writer.register_var(f"{top}.{TEXTS}", name, "string", init="none") for name in ADDED}
        self.signals += [WaveSignal((top, TEXTS), name, 0, group) for name, group in ADDED.items()]
        # The instruction at hand, and what the macro is told, by the place of the signal.
        self._roles: dict[int, str] = {}
        for place, signal in enumerate(self.signals):
            if signal.scope[1:] == (MACRO,):
                self._roles[place] = signal.name
            elif signal.scope[1:] == (CONTROL, "sequencer", "fetch") and signal.name == "fetch_word":
                self._roles[place] = FETCHED
        self._levels: dict[str, int] = {}
        self._pending: dict[int, str | int] = {}
        self._began = False

    def write(self, cycle: float, changes: Iterable[tuple[int, str | int]]) -> None:
        """Take values that change at a time; times never fall.

        Parameters
        ----------
        cycle : float
        changes : iterable of (int, value)
            Places of signals, and their values: whole numbers, or bits as text.
        """
        if cycle < self._waves.first:
            self._pending.update(changes)
            return
        if not self._waves.holds(cycle):
            return
        if not self._began:
            self._began = True
            begun = dict(self._pending)
            self._put(self._waves.first, begun.items())
        self._put(cycle, changes)

    def _put(self, cycle: float, changes: Iterable[tuple[int, str | int]]) -> None:
        time, told = round(cycle * PERIOD_NS), set()
        for place, value in changes:
            self._writer.change(self._variables[place], time, value)
            role = self._roles.get(place)
            if role is None:
                continue
            number = _number(value)
            if role == FETCHED:
                self._writer.change(self._texts[FETCHED], time, instruction_text(number))
            else:
                self._levels[role] = number
                told.add(DOING)
        if told:
            self._writer.change(self._texts[DOING], time, activity_text(self._levels))

    def close(self) -> None:
        """Write what is left."""
        if not self._began:
            self._put(self._waves.first, self._pending.items())
        self._writer.close()


def _number(value: str | int) -> int:
    if isinstance(value, int):
        return value
    return int(value, 2) if value and set(value) <= {"0", "1"} else 0


def cut_waves(traced: Path, waves: Waves) -> list[WaveSignal]:
    """Write the signals that are kept of what a simulator traced, and return them.

    Parameters
    ----------
    traced : Path
        VCD file of a simulator, in which the core is at the top, or below a scope without signals of its own.
    waves : Waves

    Raises
    ------
    OsccError
        ``waves.unreadable`` when it is no VCD file with signals of a core.
    """
    with traced.open(encoding="utf-8", errors="replace") as source, waves.path.open("w", encoding="utf-8") as target:
        unit, kept = _header(source)
        if not kept:
            raise OsccError("waves.unreadable", "the simulator traced no signal of the core", where=str(traced))
        places: dict[str, list[int]] = {}
        signals = [signal for _, signal in kept]
        for place, (code, _) in enumerate(kept):
            places.setdefault(code, []).append(place)
        writer = WaveWriter(target, waves, signals)
        for time, changes in _changes(source, places):
            writer.write(time * unit / PERIOD_NS, changes)
            if not waves.holds(time * unit / PERIOD_NS):
                break
        writer.close()
    write_save_files(waves.path, writer.signals)
    return writer.signals


def _header(source: IO[str]) -> tuple[float, list[tuple[str, WaveSignal]]]:
    """Read the header of a VCD file: nanoseconds of a time step, and code and signal of what is kept."""
    units = {"s": 1e9, "ms": 1e6, "us": 1e3, "ns": 1.0, "ps": 1e-3, "fs": 1e-6}
    unit, scope = 1.0, []
    kept: list[tuple[str, WaveSignal]] = []
    seen: set[str] = set()
    for words in _sections(source):
        kind, *rest = words
        if kind == "$timescale":
            text = "".join(rest)
            number = text.rstrip("smunpf")
            unit = float(number) * units[text[len(number) :]]
        elif kind == "$scope":
            scope.append(rest[1])
        elif kind == "$upscope":
            scope.pop()
        elif kind == "$var":
            width, code, name = int(rest[1]), rest[2], plain_name(rest[3])
            # Some simulators put scopes of their own around the design.
            inside = scope[next((at for at, each in enumerate(scope) if each.endswith("_core")), len(scope)) :]
            group = group_of(inside, name) if inside else None
            signal = WaveSignal(tuple(inside), name, width, group or "")
            if group is not None and signal.path not in seen:
                seen.add(signal.path)
                kept.append((code, signal))
        elif kind == "$enddefinitions":
            break
    return unit, kept


def _sections(source: IO[str]) -> Iterator[list[str]]:
    """Yield the words of each section of the header, without its end."""
    words: list[str] = []
    for line in source:
        for word in line.split():
            if word == "$end":
                if words:
                    yield words
                    if words[0] == "$enddefinitions":
                        return
                words = []
            else:
                words.append(word)


def _changes(source: IO[str], places: dict[str, list[int]]) -> Iterator[tuple[int, list[tuple[int, str | int]]]]:
    """Yield each time with the changes at it, of the signals with a place."""
    time = 0
    changes: list[tuple[int, str | int]] = []
    for line in source:
        if line[0] == "#":
            yield time, changes
            time, changes = int(line[1:]), []
        elif line[0] in "bB":
            value, _, code = line[1:].strip().partition(" ")
            changes += [(place, value) for place in places.get(code, ())]
        elif line[0] in "01xXzZ":
            changes += [(place, line[0]) for place in places.get(line[1:].strip(), ())]
    yield time, changes
