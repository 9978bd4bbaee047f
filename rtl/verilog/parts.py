"""Parts of a component: its statements, memories, and the modules that it uses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from amaranth.hdl import Fragment, Instance, Signal
from amaranth.hdl._ast import Statement
from amaranth.hdl._mem import MemoryInstance
from amaranth.lib import wiring

from oscc.rtl.verilog.drivers import assigned
from oscc.rtl.verilog.names import identifier
from oscc.rtl.verilog.scope import UnsupportedError

PACKAGE = "oscc."
"""Components of this package become modules; those of a library become part of what uses them."""

SYNC = "sync"


@dataclass(frozen=True)
class Port:
    """A port of a component.

    Parameters
    ----------
    name : str
        Path of the member, joined by underscores; a keyword has one more behind it.
    output : bool
    signal : Signal
    """

    name: str
    output: bool
    signal: Signal


@dataclass(frozen=True)
class Child:
    """A component that another one uses.

    Parameters
    ----------
    name : str
        Of the instance.
    component : wiring.Component
    fragment : Fragment
    """

    name: str
    component: wiring.Component
    fragment: Fragment


@dataclass
class Parts:
    """All that a component consists of; parts of libraries, which become no modules, are among its own.

    Parameters
    ----------
    combinational, synchronous : list of Statement
    memories : list of (str, MemoryInstance)
        With the name of each.
    children : list of Child
    instances : list of (str, Instance)
        Black boxes, with the name of each instance.
    prefixes : dict of int to str
        Prefix of the name of a signal that belongs to a part of a library, by the signal's id.
    """

    combinational: list[Statement] = field(default_factory=list)
    synchronous: list[Statement] = field(default_factory=list)
    memories: list[tuple[str, Any]] = field(default_factory=list)
    children: list[Child] = field(default_factory=list)
    instances: list[tuple[str, Instance]] = field(default_factory=list)
    prefixes: dict[int, str] = field(default_factory=dict)


def owner_of(fragment: Fragment) -> wiring.Component | None:
    """Return the component of this package that a fragment was made from; None where it was another one."""
    for origin in fragment.origins or ():
        if isinstance(origin, wiring.Component) and type(origin).__module__.startswith(PACKAGE):
            return origin
    return None


def ports_of(component: wiring.Component) -> list[Port]:
    """Return the ports of a component in the order of its signature.

    Parameters
    ----------
    component : wiring.Component
    """
    found = []
    for path, member, value in component.signature.flatten(component):
        signal = value if isinstance(value, Signal) else value.as_value()
        found.append(Port(identifier("_".join(map(str, path))), member.flow == wiring.Out, signal))
    return found


def parts_of(fragment: Fragment, where: str) -> Parts:
    """Return what a fragment consists of.

    Parameters
    ----------
    fragment : Fragment
        Elaborated.
    where : str
        For messages.

    Raises
    ------
    UnsupportedError
        For other clock domains than ``sync``.
    """
    parts = Parts()
    _gather(fragment, "", parts, where)
    return parts


def _gather(fragment: Fragment, prefix: str, parts: Parts, where: str) -> None:
    """Add what a fragment consists of."""
    for domain, statements in fragment.statements.items():
        if domain not in ("comb", SYNC):
            raise UnsupportedError(f"clock domain {domain} cannot be written, only {SYNC}", where)
        (parts.combinational if domain == "comb" else parts.synchronous).extend(statements)
        if prefix:
            parts.prefixes.update((id(signal), prefix) for signal in assigned(statements))
    for number, (inner, name, _) in enumerate(fragment.subfragments):
        called = f"{prefix}{name or f'part_{number}'}"
        owner = owner_of(inner)
        if isinstance(inner, MemoryInstance):
            parts.memories.append((called, inner))
        elif isinstance(inner, Instance):
            parts.instances.append((called, inner))
        elif owner is not None:
            parts.children.append(Child(called, owner, inner))
        else:
            _gather(inner, f"{called}_", parts, where)
