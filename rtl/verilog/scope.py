"""Scope: what the statements of one module refer to, and the intermediate nets that its expressions need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Signal, Value

from oscc.base.errors import OsccError
from oscc.rtl.verilog.layout import literal, vector
from oscc.rtl.verilog.names import Names, identifier


class UnsupportedError(OsccError):
    """A construct that has no readable Verilog; the message names it and the component."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__("emit.unsupported", message, where=where, hint="write it with other operators")


class Scope:
    """Names of the signals of a module, its constants with names, and its intermediate nets.

    Parameters
    ----------
    module : str
        For messages.
    names : Names
        Holds the ports already.
    """

    def __init__(self, module: str, names: Names) -> None:
        self.module = module
        self.names = names
        self.signals: dict[int, str] = {}
        """Name of a signal, by its id."""
        self.kept: list[Signal] = []
        """The signals, so that no id is given to another one."""
        self.intermediate: list[str] = []
        """Declarations of the intermediate nets, in the order of their use."""
        self.clocked, self.resets = False, False
        """Whether expressions name the clock and the reset."""
        self.constants: dict[str, str] = {}
        """Value of each named constant, as a literal."""
        self._nets: dict[tuple[str, int], str] = {}
        self._preferred: dict[int, str] = {}
        self._prefixes: dict[int, str] = {}
        self._meanings: dict[int, Value] = {}
        self._states: dict[int, Mapping[int, str]] = {}

    def add(self, signal: Signal, name: str) -> None:
        """Give a signal a name that is taken already."""
        self.signals[id(signal)] = name
        self.kept.append(signal)

    def has(self, signal: Signal) -> bool:
        """Return whether a signal has a name."""
        return id(signal) in self.signals

    def prefer(self, signal: Signal, name: str) -> None:
        """Say how a signal is to be called when it is used; it must outlive the scope."""
        self._preferred[id(signal)] = name

    def prefix(self, identity: int, prefix: str) -> None:
        """Say what is to stand before the name of a signal, given by its id, when it is used."""
        self._prefixes[identity] = prefix

    def stand_for(self, signal: Signal, value: Value) -> None:
        """Say that a signal is to be written as the value that it always has; both must outlive the scope."""
        self._meanings[id(signal)] = value

    def meant(self, signal: Signal) -> Value | None:
        """Return the value that a signal is to be written as, if there is one."""
        return self._meanings.get(id(signal))

    def name(self, signal: Signal) -> str:
        """Return the name of a signal, and give it one where it has none."""
        if id(signal) not in self.signals:
            own = f"{self._prefixes.get(id(signal), '')}{signal.name.strip('$') or 'value'}"
            self.add(signal, self.names.take(self._preferred.get(id(signal), own)))
        return self.signals[id(signal)]

    def net(self, text: str, width: int) -> str:
        """Return the name of an intermediate net with the value of an expression; the same for the same expression."""
        if (text, width) not in self._nets:
            name = self.names.take("partial")
            self._nets[text, width] = name
            self.intermediate.append(f"wire {vector(width)}{name} = {text};")
        return self._nets[text, width]

    def state(self, signal: Signal, value: int) -> str | None:
        """Return the named constant of a value of a signal that enumerates; None where it has no name.

        Parameters
        ----------
        signal : Signal
            With states of an FSM or members of an enumeration.
        value : int
        """
        if id(signal) not in self._states:
            self._states[id(signal)] = self._name_states(signal)
        return self._states[id(signal)].get(value)

    def _name_states(self, signal: Signal) -> Mapping[int, str]:
        """Name the values of a signal that enumerates."""
        named = {}
        for value, word in _words(signal).items():
            name = self.names.take(f"{self.name(signal)}_{identifier(word)}".upper())
            self.constants[name] = literal(value, len(signal))
            named[value] = name
        return named


def _words(signal: Signal) -> Mapping[int, str]:
    """Return what the values of a signal are called: members of an enumeration, or states of an FSM."""
    decoder: Any = signal.decoder
    variants = getattr(signal._format, "_variants", None)
    if variants:
        return dict(variants)
    if decoder is None or isinstance(decoder, type):
        return {}
    words = {}
    for value in range(1 << len(signal)):
        try:
            words[value] = str(decoder(value)).split("/")[0]
        except KeyError:
            break
    return words
