"""Hierarchy: a tree of components as modules, each once however often it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from amaranth.hdl import Fragment, Signal
from amaranth.lib import wiring

from oscc.rtl.verilog.comments import description
from oscc.rtl.verilog.drivers import assigned
from oscc.rtl.verilog.module import Body, ModuleWriter, Used
from oscc.rtl.verilog.parts import Child, parts_of, ports_of
from oscc.rtl.verilog.scope import UnsupportedError


@dataclass(frozen=True)
class VerilogModule:
    """A module in Verilog.

    Parameters
    ----------
    name : str
    component : str
        Class that it was written from, with its package.
    text : str
        From its comment to ``endmodule``.
    instances : tuple of (str, str)
        Name and module of each component that it uses, in their order.
    signals : mapping of str to str
        Name that the generator gives a net, by its name in Verilog.
    """

    name: str
    component: str
    text: str
    instances: tuple[tuple[str, str], ...]
    signals: Mapping[str, str]


def verilog_modules(
    component: wiring.Component, prefix: str, top: str, *, initial: bool = False
) -> dict[str, VerilogModule]:
    """Return a component and all that it uses as modules, those that are used before those that use them.

    A module is called after its component: ``<prefix>_<class in snake case>``, or ``<prefix>_<module_suffix>`` where
    the component has an attribute of that name. Components of one class that differ get numbers.

    Parameters
    ----------
    component : wiring.Component
    prefix : str
        Of the names of all modules, so that two cores can stand in one design.
    top : str
        Name of the module of the component itself.
    initial : bool
        Give registers and memories their initial content by initial blocks, as FPGAs have it.

    Returns
    -------
    dict of str to VerilogModule
        By name.

    Raises
    ------
    UnsupportedError
        For what has no readable Verilog.
    """
    return Hierarchy(prefix, initial=initial).written(component, top)


class Hierarchy:
    """The modules that have been written.

    Parameters
    ----------
    prefix : str
    initial : bool
    """

    def __init__(self, prefix: str, *, initial: bool) -> None:
        self._prefix, self._initial = prefix, initial
        self._modules: dict[str, VerilogModule] = {}
        self._named: dict[tuple[str, tuple[str, ...]], str] = {}
        self._driver: dict[int, str] = {}
        """Component that drives a signal, by the signal's id."""
        self._constant: list[tuple[str, Signal]] = []
        """Signals that nothing in their component drives."""

    def written(self, component: wiring.Component, top: str) -> dict[str, VerilogModule]:
        """Write a component and all that it uses."""
        fragment = Fragment.get(component, None)
        self._write(Child("", component, fragment), top)
        for kind, signal in self._constant:
            if id(signal) in self._driver:
                raise UnsupportedError(
                    f"signal {signal.name} is driven by {self._driver[id(signal)]} and is no port of it", kind
                )
        return self._modules

    def _write(self, child: Child, name: str | None = None) -> tuple[str, Body]:
        """Write the module of a component, unless there is one like it; return its name and what it is."""
        component = child.component
        kind = f"{type(component).__module__}.{type(component).__qualname__}"
        parts = parts_of(child.fragment, kind)
        for signal in assigned([*parts.combinational, *parts.synchronous]):
            self._driver[id(signal)] = kind
        used = []
        for inner in parts.children:
            module, body = self._write(inner)
            used.append(Used(inner, module, ports_of(inner.component), body.clocked, body.resets))
        body = ModuleWriter(kind, ports_of(component), parts, used, initial=self._initial).body()
        self._constant += [(kind, signal) for signal in body.constant]
        key = (kind, body.lines)
        if key not in self._named:
            self._named[key] = name or self._name(component)
            chosen = self._named[key]
            head = [*description(component), f"module {chosen} {body.lines[0]}"]
            self._modules[chosen] = VerilogModule(
                chosen,
                kind,
                "\n".join([*head, *body.lines[1:], ""]),
                tuple((placed, one.module) for placed, one in body.used),
                body.signals,
            )
        return self._named[key], body

    def _name(self, component: wiring.Component) -> str:
        """Return a name that no other module has."""
        suffix = getattr(component, "module_suffix", _snake_case(type(component).__name__))
        base = f"{self._prefix}_{suffix}"
        name, number = base, 1
        while name in self._modules:
            number += 1
            name = f"{base}_{number}"
        return name


def _snake_case(name: str) -> str:
    """Return a class name as words in lower case with underscores between them."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
