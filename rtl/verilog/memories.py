"""Memories: arrays of words with synchronous ports, and tables of constants."""

from __future__ import annotations

from typing import Any

from oscc.rtl.verilog.expressions import Expressions
from oscc.rtl.verilog.layout import folded, literal, vector
from oscc.rtl.verilog.scope import Scope, UnsupportedError


def attributes(values: dict[str, Any]) -> str:
    """Return attributes for synthesis as they stand before a declaration, nothing where there are none."""
    if not values:
        return ""
    shown = (f'{name} = "{value}"' if isinstance(value, str) else f"{name} = {value}" for name, value in values.items())
    return f"(* {', '.join(shown)} *) "


class Memories:
    """Writes memories of a module.

    Parameters
    ----------
    scope : Scope
    expressions : Expressions
    """

    def __init__(self, scope: Scope, expressions: Expressions) -> None:
        self._scope = scope
        self._expressions = expressions

    def lines(self, name: str, memory: Any, *, cleared: bool) -> list[str]:
        """Return a memory: its array, and a clocked block for every port.

        A word that is read and written in one cycle is read as it was before, or as it will be where the port was
        declared transparent.

        Parameters
        ----------
        name : str
        memory : amaranth.hdl._mem.MemoryInstance
        cleared : bool
            Let every word begin with 0, by an initial block.

        Raises
        ------
        UnsupportedError
            For a memory that is written and begins with other content than zeros.
        """
        content = list(memory._data._init._raw)
        if not memory._write_ports:
            return [line for port in memory._read_ports for line in self._table(port, content)]
        if any(content):
            raise UnsupportedError(f"memory {name} must begin with zeros", self._scope.module)
        array = self._scope.names.take(name)
        width, depth = len(memory._write_ports[0]._data), memory._data.depth
        lines = [f"{attributes(dict(memory._attrs))}reg {vector(width)}{array} [0:{depth - 1}];"]
        if cleared:
            index = self._scope.names.take(f"{name}_index")
            lines += [
                f"integer {index};",
                "initial begin",
                f"    for ({index} = 0; {index} < {depth}; {index} = {index} + 1) begin",
                f"        {array}[{index}] = {literal(0, width)};",
                "    end",
                "end",
            ]
        for port in memory._write_ports:
            lines += ["always @(posedge clk) begin", *self._write(array, port), "end"]
        for port in memory._read_ports:
            lines += self._read(array, port, memory._write_ports)
        return lines

    def _write(self, array: str, port: Any) -> list[str]:
        """Return the body of a write port: a condition per lane."""
        address, lane = self._expressions.text(port._addr), port._granularity
        lines = []
        for number in range(len(port._en)):
            low, high = number * lane, (number + 1) * lane
            place = "" if len(port._en) == 1 else f"[{high - 1}:{low}]" if lane > 1 else f"[{low}]"
            value = self._expressions.text(port._data[low:high])
            lines += folded(f"if ({self._expressions.text(port._en[number])}) begin", 4)
            lines += [*folded(f"{array}[{address}]{place} <= {value};", 8), "    end"]
        return lines

    def _read(self, array: str, port: Any, writes: list[Any]) -> list[str]:
        """Return a read port."""
        data, address = self._scope.name(port._data), self._expressions.text(port._addr)
        if port._domain == "comb":
            return [f"assign {data} = {array}[{address}];"]
        body = [f"{data} <= {array}[{address}];"]
        for number in port._transparent_for:
            write, lane = writes[number], writes[number]._granularity
            for index in range(len(write._en)):
                low, high = index * lane, (index + 1) * lane
                place = "" if len(write._en) == 1 else f"[{high - 1}:{low}]" if lane > 1 else f"[{low}]"
                enable = self._expressions.text(write._en[index])
                same = f"{self._expressions.text(write._addr)} == {address}"
                value = self._expressions.text(write._data[low:high])
                body += [f"if ({enable} & ({same})) begin", f"    {data}{place} <= {value};", "end"]
        return self._clocked(port, body)

    def _table(self, port: Any, content: list[int]) -> list[str]:
        """Return a read port of a memory that nothing writes: a choice among constants."""
        data, width = self._scope.name(port._data), len(port._data)
        body = [f"case ({self._expressions.text(port._addr)})"]
        bits = len(port._addr)
        body += [f"    {literal(place, bits)}: {data} <= {literal(word, width)};" for place, word in enumerate(content)]
        if len(content) < 1 << bits:
            body.append(f"    default: {data} <= {literal(0, width)};")
        body.append("endcase")
        return self._clocked(port, body)

    def _clocked(self, port: Any, body: list[str]) -> list[str]:
        """Return what a port does on an edge on which it is enabled."""
        enable = self._expressions.text(port._en)
        if enable == "1'b1":
            return ["always @(posedge clk) begin", *(f"    {line}" for line in body), "end"]
        return [
            "always @(posedge clk) begin",
            *folded(f"if ({enable}) begin", 4),
            *(f"        {line}" for line in body),
            "    end",
            "end",
        ]
