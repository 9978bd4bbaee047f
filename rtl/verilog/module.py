"""Module: a component as Verilog, with the instances of the modules that it uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, ResetSignal, Signal, Value
from amaranth.hdl._ast import Assign, Statement

from oscc.rtl.verilog.drivers import Driver, assigned, drivers, read
from oscc.rtl.verilog.expressions import CLOCK, RESET, Expressions
from oscc.rtl.verilog.layout import folded, literal, vector
from oscc.rtl.verilog.memories import Memories, attributes
from oscc.rtl.verilog.names import Names
from oscc.rtl.verilog.parts import Child, Parts, Port
from oscc.rtl.verilog.processes import STEP, Processes
from oscc.rtl.verilog.scope import Scope, UnsupportedError


@dataclass(frozen=True)
class Body:
    """What stands between ``module`` and ``endmodule``, port list included, without the name of the module.

    Parameters
    ----------
    lines : tuple of str
    clocked, resets : bool
        Whether it has the ports ``clk`` and ``rst``.
    nets : tuple of (str, Signal)
        Every net that comes from a signal, with its name in Verilog.
    used : tuple of (str, Used)
        Every module that it uses, with the name of the instance.
    constant : tuple of Signal
        What nothing in it drives, and so has its initial value.
    """

    lines: tuple[str, ...]
    clocked: bool
    resets: bool
    nets: tuple[tuple[str, Signal], ...]
    used: tuple[tuple[str, Used], ...]
    constant: tuple[Signal, ...]

    @property
    def signals(self) -> Mapping[str, str]:
        """Name that the generator gives a net, by its name in Verilog."""
        return dict(sorted((name, signal.name) for name, signal in self.nets))


@dataclass(frozen=True)
class Used:
    """A module that another one uses.

    Parameters
    ----------
    child : Child
    module : str
        Its name.
    ports : sequence of Port
    clocked, resets : bool
    """

    child: Child
    module: str
    ports: Sequence[Port]
    clocked: bool
    resets: bool


class ModuleWriter:
    """Writes one module.

    Parameters
    ----------
    where : str
        Name of the component, for messages.
    ports : sequence of Port
    parts : Parts
    used : sequence of Used
        The children among the parts.
    initial : bool
        Give registers and memories their initial content by initial blocks, as FPGAs have it.
    """

    def __init__(self, where: str, ports: Sequence[Port], parts: Parts, used: Sequence[Used], *, initial: bool) -> None:
        self._ports, self._parts, self._used, self._initial = ports, parts, used, initial
        names = Names()
        self._scope = Scope(where, names)
        self._expressions = Expressions(self._scope)
        self._processes = Processes(self._scope, self._expressions)
        for name in (CLOCK, RESET):
            names.take(name)
        for port in ports:
            self._scope.add(port.signal, names.take(port.name))
        self._declared = {id(port.signal) for port in ports}
        # An instance may be called as a port is: it gets a number then.
        self._instance_names = {name: names.take(name) for name in self._inner_names()}
        for one in used:
            for port in one.ports:
                self._scope.prefer(port.signal, f"{one.child.name}_{port.name}")
        for identity, prefix in parts.prefixes.items():
            self._scope.prefix(identity, prefix)

    def _inner_names(self) -> list[str]:
        """Return the names of all instances, as they are wanted."""
        return [*(one.child.name for one in self._used), *(name for name, _ in self._parts.instances)]

    def body(self) -> Body:
        """Return the module.

        Raises
        ------
        UnsupportedError
        """
        parts, scope = self._parts, self._scope
        registers = assigned(parts.synchronous)
        reads = [port._data for _, memory in parts.memories for port in memory._read_ports]
        tables = [port._data for _, memory in parts.memories for port in memory._read_ports if port._domain != "comb"]
        state = {id(signal) for signal in [*registers, *tables]}
        combinational, connected = self._connections(self._without_nameless(parts.combinational))
        instances = self._instances(connected) + self._black_boxes()
        driven = drivers(combinational, scope.module)
        self._check_drivers(driven, registers)
        memories = Memories(scope, self._expressions)
        stored = [
            line
            for name, memory in parts.memories
            for line in [*memories.lines(name, memory, cleared=self._initial), ""]
        ]
        processes = self._processes.block(parts.synchronous, CLOCK) if parts.synchronous else []
        assigns = [line for driver in driven for line in self._assign(driver)]
        constant = self._constant([*registers, *reads], driven)
        assigns += [f"assign {scope.name(one)} = {literal(one.init, len(one))};" for one in constant]
        resets = any(not signal.reset_less for signal in registers) or any(one.resets for one in self._used)
        resets |= scope.resets
        clocked = bool(registers or tables) or scope.clocked or any(one.clocked for one in self._used)
        clocked |= any(memory._write_ports for _, memory in parts.memories)
        sections = [
            self._named_constants(),
            self._declarations(state),
            list(scope.intermediate),
            assigns,
            self._initials(registers) if self._initial else [],
            stored,
            processes,
            instances,
        ]
        lines = self._header(clocked=clocked, resets=resets, state=state)
        for section in sections:
            while section and not section[-1]:
                section.pop()
            if section:
                lines += ["", *(line if not line else f"    {line}" for line in _folded(section))]
        nets = tuple((scope.name(signal), signal) for signal in scope.kept)
        placed = tuple((self._instance_names[one.child.name], one) for one in self._used)
        return Body((*lines, "endmodule"), clocked, resets, nets, placed, tuple(constant))

    def _header(self, *, clocked: bool, resets: bool, state: set[int]) -> list[str]:
        """Return the port list."""
        entries = ["input wire clk"] * clocked + ["input wire rst"] * resets
        for port in self._ports:
            kind = "output reg" if id(port.signal) in state and port.output else "output wire"
            extra = attributes(dict(port.signal.attrs)) if port.output else ""
            direction = kind if port.output else "input wire"
            entries.append(f"{extra}{direction} {vector(len(port.signal))}{port.name}")
        return ["(", *(f"    {entry}{',' * (entry is not entries[-1])}" for entry in entries), ");"]

    def _declarations(self, state: set[int]) -> list[str]:
        """Return the declarations of what is no port."""
        lines = []
        for signal in self._scope.kept:
            if id(signal) not in self._declared:
                kind = "reg" if id(signal) in state else "wire"
                name = self._scope.name(signal)
                lines.append(f"{attributes(dict(signal.attrs))}{kind} {vector(len(signal))}{name};")
        return lines

    def _named_constants(self) -> list[str]:
        """Return the states of machines and the members of enumerations."""
        return [f"localparam {name} = {value};" for name, value in self._scope.constants.items()]

    def _initials(self, registers: Sequence[Signal]) -> list[str]:
        """Return the initial contents of registers."""
        if not registers:
            return []
        lines = [f"    {self._scope.name(one)} = {self._processes.initial(one)};" for one in registers]
        return ["initial begin", *lines, "end"]

    def _assign(self, driver: Driver) -> list[str]:
        """Return the assignment of a range of bits."""
        width = driver.stop - driver.start
        place = self._scope.name(driver.signal)
        if width < len(driver.signal):
            place += f"[{driver.start}]" if width == 1 else f"[{driver.stop - 1}:{driver.start}]"
        value = driver.value
        text = self._scope.state(driver.signal, value.value) if isinstance(value, Const) else None
        return [f"assign {place} = {text or self._expressions.text(value, width)};"]

    def _check_drivers(self, driven: Sequence[Driver], registers: Sequence[Signal]) -> None:
        """Check that no signal is driven by both kinds of statements: in Verilog it would be two things."""
        clocked = {id(signal) for signal in registers}
        for driver in driven:
            if id(driver.signal) in clocked:
                raise UnsupportedError(
                    f"signal {driver.signal.name} has bits from registers and others", self._scope.module
                )

    def _constant(self, registers: Sequence[Signal], driven: Sequence[Driver]) -> list[Signal]:
        """Return the signals that nothing drives."""
        known = {id(signal) for signal in registers} | {id(driver.signal) for driver in driven}
        known |= {id(port.signal) for port in self._ports if not port.output}
        known |= {id(port.signal) for one in self._used for port in one.ports if port.output}
        known |= self._boxed() | self._aliased
        found = []
        for signal in [*(port.signal for port in self._ports if port.output), *self._scope.kept]:
            if id(signal) not in known:
                known.add(id(signal))
                found.append(signal)
        return found

    def _connections(self, statements: list[Statement]) -> tuple[list[Statement], dict[int, str]]:
        """Connect ports of children to the values that they are assigned, or that they are assigned to.

        Returns
        -------
        statements : list of Statement
            Without those that have become connections.
        connected : dict of int to str
            What stands in the connection of a port, by its signal's id.
        """
        self._read_by = readers = self._readers(statements)
        writers: dict[int, list[Statement]] = {}
        for statement in statements:
            for signal in assigned([statement]):
                writers.setdefault(id(signal), []).append(statement)
        clocked = {id(signal) for signal in assigned(self._parts.synchronous)}
        inputs = {id(port.signal) for one in self._used for port in one.ports if not port.output}
        outputs = {id(port.signal) for one in self._used for port in one.ports if port.output}
        gone: set[int] = set()
        connected: dict[int, str] = {}
        self._aliased: set[int] = set()
        for statement in statements:
            if not isinstance(statement, Assign) or not isinstance(statement.lhs, Signal):
                continue
            place, value = statement.lhs, statement.rhs
            if len(writers[id(place)]) != 1:
                continue
            if (
                isinstance(value, Signal)
                and id(value) in outputs
                and id(place) not in inputs | clocked
                and len(readers.get(id(value), [])) == 1
                and len(place) == len(value)
                and id(value) not in connected
            ):
                connected[id(value)] = self._scope.name(place)
                self._aliased.add(id(place))
                gone.add(id(statement))
            elif id(place) in inputs and not readers.get(id(place)):
                connected[id(place)] = self._expressions.text(value, len(place))
                gone.add(id(statement))
        return [statement for statement in statements if id(statement) not in gone], connected

    def _without_nameless(self, statements: Sequence[Statement]) -> list[Statement]:
        """Return statements without those that give a signal without a name its only value, which it stands for."""
        writers: dict[int, int] = {}
        for statement in statements:
            for signal in assigned([statement]):
                writers[id(signal)] = writers.get(id(signal), 0) + 1
        kept: list[Statement] = []
        for statement in statements:
            place = statement.lhs if isinstance(statement, Assign) else None
            alone = isinstance(place, Signal) and not place.name and writers[id(place)] == 1
            if alone and isinstance(statement, Assign) and isinstance(place, Signal):
                self._scope.stand_for(place, statement.rhs)
            else:
                kept.append(statement)
        return kept

    def _readers(self, statements: Sequence[Statement]) -> dict[int, list[object]]:
        """Return who reads each signal."""
        readers: dict[int, list[object]] = {}

        def note(values: Any, reader: object) -> None:
            for signal in values:
                readers.setdefault(id(signal), []).append(reader)

        for statement in [*statements, *self._parts.synchronous]:
            note({id(signal): signal for signal in read([statement])}.values(), statement)
        for _, memory in self._parts.memories:
            for port in [*memory._read_ports, *memory._write_ports]:
                values: list[Value] = [port._addr, port._en]
                values += [port._data] if port in memory._write_ports else []
                for value in values:
                    note(value._rhs_signals(), memory)
        for _, instance in self._parts.instances:
            for value, kind in instance.ports.values():
                if kind == "i" and not isinstance(value, ClockSignal | ResetSignal):
                    note(value._rhs_signals(), instance)
        for port in self._ports:
            if port.output:
                note([port.signal], self)
        return readers

    def _instances(self, connected: Mapping[int, str]) -> list[str]:
        """Return the instances of the modules that are used."""
        self_driven = {id(signal) for signal in assigned(self._parts.combinational + self._parts.synchronous)}
        boxed = self._boxed()
        lines: list[str] = []
        for one in self._used:
            pins = [(name, name) for name, has in ((CLOCK, one.clocked), (RESET, one.resets)) if has]
            for port in one.ports:
                signal = port.signal
                if id(signal) in connected:
                    pins.append((port.name, connected[id(signal)]))
                elif port.output:
                    pins.append((port.name, self._scope.name(signal) if self._read_by.get(id(signal)) else ""))
                elif id(signal) in self_driven or id(signal) in boxed:
                    pins.append((port.name, self._scope.name(signal)))
                else:
                    pins.append((port.name, literal(signal.init, len(signal))))
            lines += _instance(one.module, self._instance_names[one.child.name], pins)
        return lines

    def _boxed(self) -> set[int]:
        """Return the ids of the signals that modules drive that are not ours."""
        instances = (instance for _, instance in self._parts.instances)
        return {id(value) for instance in instances for value, kind in instance.ports.values() if kind == "o"}

    def _black_boxes(self) -> list[str]:
        """Return the instances of modules that are not ours."""
        return [line for name, instance in self._parts.instances for line in self._black_box(name, instance)]

    def _black_box(self, name: str, instance: Instance) -> list[str]:
        """Return the instance of a module that is not ours."""
        if instance.parameters:
            raise UnsupportedError(f"instance {name} has parameters", self._scope.module)
        pins = [(pin, self._expressions.text(value)) for pin, (value, _) in instance.ports.items()]
        return _instance(instance.type, self._instance_names[name], pins)


def _instance(module: str, name: str, pins: Sequence[tuple[str, str]]) -> list[str]:
    """Return an instance, a line per pin."""
    lines = [f"{module} {name} ("]
    for number, (pin, value) in enumerate(pins):
        lines.append(f"{' ' * STEP}.{pin}({value}){',' * (number < len(pins) - 1)}")
    return [*lines, ");", ""]


def _folded(lines: Sequence[str]) -> list[str]:
    """Return lines with the long ones broken."""
    found = []
    for line in lines:
        text = line.lstrip(" ")
        # Four columns are for the indentation of the module.
        found += folded(text, len(line) - len(text)) if len(line) > 96 else [line]
    return found
