"""Processes: synchronous statements as the body of one clocked block."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Const, Signal, Value
from amaranth.hdl._ast import Assign, Concat, Operator, Part, Slice, Statement, Switch

from oscc.rtl.verilog.drivers import assigned
from oscc.rtl.verilog.expressions import RESET, Expressions
from oscc.rtl.verilog.layout import folded, literal
from oscc.rtl.verilog.scope import Scope, UnsupportedError
from oscc.rtl.verilog.text import TERNARY

STEP = 4
"""Spaces by which a block is indented."""


class Processes:
    """Writes the statements of a clock domain.

    Parameters
    ----------
    scope : Scope
    expressions : Expressions
    """

    def __init__(self, scope: Scope, expressions: Expressions) -> None:
        self._scope = scope
        self._expressions = expressions

    def block(self, statements: Sequence[Statement], clock: str) -> list[str]:
        """Return the clocked block of some statements: what they do, and then what a reset does.

        Parameters
        ----------
        statements : sequence of Statement
        clock : str

        Raises
        ------
        UnsupportedError
        """
        lines = [f"always @(posedge {clock}) begin", *self._body(statements, STEP)]
        reset = [signal for signal in assigned(statements) if not signal.reset_less]
        if reset:
            lines.append(f"{' ' * STEP}if ({RESET}) begin")
            lines += [f"{' ' * 2 * STEP}{self._scope.name(one)} <= {self.initial(one)};" for one in reset]
            lines.append(f"{' ' * STEP}end")
        return [*lines, "end"]

    def initial(self, signal: Signal) -> str:
        """Return the content of a signal after reset."""
        return self._scope.state(signal, signal.init) or literal(signal.init, len(signal))

    def _body(self, statements: Sequence[Statement], indent: int) -> list[str]:
        """Return statements one after another."""
        lines = []
        for statement in statements:
            if isinstance(statement, Assign):
                lines += self._assignment(statement, indent)
            elif isinstance(statement, Switch):
                lines += self._conditional(statement, indent)
            else:
                raise UnsupportedError(f"{type(statement).__name__} cannot be written as Verilog", self._scope.module)
        return lines

    def _assignment(self, statement: Assign, indent: int) -> list[str]:
        """Return an assignment."""
        place, value = statement.lhs, statement.rhs
        width = len(place)
        text = None
        if isinstance(place, Signal) and isinstance(value, Const):
            text = self._scope.state(place, value.value)
        if text is None:
            text = self._expressions.text(value, width)
        return folded(f"{self._place(place)} <= {text};", indent)

    def _place(self, place: Value) -> str:
        """Return the left side of an assignment."""
        if isinstance(place, Operator) and place.operator in ("u", "s"):
            return self._place(place.operands[0])
        if isinstance(place, Concat):
            parts = [self._place(part) for part in reversed(place.parts) if len(part)]
            return parts[0] if len(parts) == 1 else f"{{{', '.join(parts)}}}"
        if isinstance(place, Signal):
            return self._scope.name(place)
        if isinstance(place, Slice) and isinstance(place.value, Signal | Slice):
            return self._expressions.text(place)
        if isinstance(place, Part) and isinstance(place.value, Signal):
            # A place beyond the end is not written to, in Verilog as in Amaranth.
            offset = self._expressions.write(place.offset, len(place.offset))
            at = offset.text
            if place.stride != 1:
                bits = (place.stride * ((1 << len(place.offset)) - 1)).bit_length()
                wide = self._expressions.write(place.offset, bits).within(TERNARY)
                at = f"{wide} * {literal(place.stride, bits)}"
            name = self._scope.name(place.value)
            return f"{name}[{at}]" if place.width == 1 else f"{name}[{at} +: {place.width}]"
        raise UnsupportedError(f"{place!r} cannot stand at the left of an assignment", self._scope.module)

    def _conditional(self, statement: Switch, indent: int) -> list[str]:
        """Return a choice: as ``if`` where each case looks at one bit of its own, else as ``case``."""
        cases = [(patterns, body) for patterns, body, _ in statement.cases if patterns is None or patterns]
        while cases and not cases[-1][1]:
            cases.pop()
        if not cases:
            return []
        if all(patterns is None or (len(patterns) == 1 and _one_bit(patterns[0])) for patterns, _ in cases):
            return self._if(statement.test, cases, indent)
        return self._case(statement.test, cases, indent)

    def _if(
        self, test: Value, cases: Sequence[tuple[tuple[str, ...] | None, Sequence[Statement]]], indent: int
    ) -> list[str]:
        """Return a chain of conditions."""
        lines: list[str] = []
        margin = " " * indent
        for patterns, body in cases:
            lead = f"{margin}end else " if lines else margin
            if patterns is None:
                lines.append(f"{margin}end else begin" if lines else f"{margin}begin")
            else:
                head = f"{lead.strip()} if ({self._expressions.condition(test, patterns).text}) begin".strip()
                lines += folded(head, indent)
            lines += self._body(body, indent + STEP)
            if patterns is None:
                break
        return [*lines, f"{margin}end"]

    def _case(
        self, test: Value, cases: Sequence[tuple[tuple[str, ...] | None, Sequence[Statement]]], indent: int
    ) -> list[str]:
        """Return a choice among values."""
        margin = " " * indent
        wild = any("-" in pattern for patterns, _ in cases for pattern in patterns or ())
        lines = folded(f"{'casez' if wild else 'case'} ({self._expressions.text(test)})", indent)
        for patterns, body in cases:
            labels = "default" if patterns is None else ", ".join(self._label(test, pattern) for pattern in patterns)
            inner = self._body(body, indent + 2 * STEP)
            if len(inner) <= 1:
                line = f"{labels}: {inner[0].strip() if inner else 'begin end'}"
                lines += folded(line, indent + STEP)
            else:
                lines += [*folded(f"{labels}: begin", indent + STEP), *inner, f"{margin}{' ' * STEP}end"]
            if patterns is None:
                break
        else:
            if not _covers(test, cases):
                lines.append(f"{margin}{' ' * STEP}default: ;")
        return [*lines, f"{margin}endcase"]

    def _label(self, test: Value, pattern: str) -> str:
        """Return a pattern of a case."""
        if "-" in pattern:
            return f"{len(pattern)}'b{pattern.replace('-', '?')}"
        value = int(pattern, 2)
        named = self._scope.state(test, value) if isinstance(test, Signal) else None
        return named or literal(value, len(pattern))


def _covers(test: Value, cases: Sequence[tuple[tuple[str, ...] | None, Sequence[Statement]]]) -> bool:
    """Return whether there is a case for every value; False where patterns with wild cards may overlap."""
    patterns = {pattern for labels, _ in cases for pattern in labels or ()}
    return not any("-" in pattern for pattern in patterns) and len(patterns) == 1 << len(test)


def _one_bit(pattern: str) -> bool:
    """Return whether a pattern looks at one bit."""
    return len(pattern) - pattern.count("-") == 1
