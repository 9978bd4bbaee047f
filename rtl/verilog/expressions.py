"""Expressions: values of Amaranth as Verilog, each as wide as it is wanted."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth.hdl import Cat, ClockSignal, Const, ResetSignal, Signal, Value
from amaranth.hdl._ast import Concat, Operator, Part, Slice, SwitchValue

from oscc.rtl.verilog.layout import literal
from oscc.rtl.verilog.scope import Scope, UnsupportedError
from oscc.rtl.verilog.text import (
    AND,
    EQUALITY,
    OR,
    PRIMARY,
    PRODUCT,
    RELATION,
    SHIFT,
    SUM,
    UNARY,
    XOR,
    Text,
    choice,
)
from oscc.rtl.verilog.values import cut, disjoint, flat, merged, sliced

CLOCK, RESET = "clk", "rst"
"""Ports of every module that has registers."""

_BINARY = {
    "+": SUM,
    "-": SUM,
    "*": PRODUCT,
    "&": AND,
    "^": XOR,
    "|": OR,
}
_COMPARISONS = {"==": EQUALITY, "!=": EQUALITY, "<": RELATION, "<=": RELATION, ">": RELATION, ">=": RELATION}
_REDUCTIONS = {"b": "|", "r|": "|", "r&": "&", "r^": "^"}


class Expressions:
    """Writes values as expressions of a module.

    Parameters
    ----------
    scope : Scope
    """

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def text(self, value: Value, width: int | None = None) -> str:
        """Return a value as Verilog.

        Parameters
        ----------
        value : Value
        width : int, optional
            Bits that are wanted: the lowest ones of the value, which is extended by its sign where it has fewer.
            Without it, all that it has.

        Raises
        ------
        UnsupportedError
        """
        return self.write(value, len(value) if width is None else width).text

    def write(self, value: Value, width: int) -> Text:
        """Return a value as Verilog of a width, with the strength of its outermost operator.

        Raises
        ------
        UnsupportedError
        """
        if isinstance(value, Const):
            return Text(literal(value.value, width), PRIMARY)
        if isinstance(value, Signal) and self._scope.meant(value) is not None:
            return self._extended_orcut(value, width)
        if isinstance(value, Operator):
            return self._operator(value, width)
        if isinstance(value, SwitchValue):
            return self._switch(value, width)
        if len(value) == 0:
            return Text(literal(0, width), PRIMARY)
        if width > len(value):
            return self._extended(self.write(value, len(value)), value.shape(), width)
        if isinstance(value, Signal):
            return Text(self._bits(value, 0, width), PRIMARY)
        if isinstance(value, ClockSignal):
            self._scope.clocked = True
            return Text(CLOCK, PRIMARY)
        if isinstance(value, ResetSignal):
            self._scope.resets = True
            return Text(RESET, PRIMARY)
        if isinstance(value, Slice):
            return self._slice(value.value, value.start, value.start + width)
        if isinstance(value, Part):
            return self._part(value, width)
        if isinstance(value, Concat):
            return self._concat(value.parts, width)
        raise UnsupportedError(f"{type(value).__name__} cannot be written as Verilog", self._scope.module)

    def _extended_orcut(self, signal: Signal, width: int) -> Text:
        """Return what a signal without a name of its own stands for."""
        meaning = self._scope.meant(signal)
        assert meaning is not None
        if len(meaning) == len(signal):
            return self.write(meaning, width)
        whole = self.write(meaning, len(signal))
        if width > len(signal):
            return self._extended(whole, signal.shape(), width)
        return whole if width == len(signal) else Text(f"{self._scope.net(whole.text, len(signal))}[{width - 1}:0]", 11)

    def _extended(self, narrow: Text, shape: object, width: int) -> Text:
        """Return an expression extended by its sign, or by zeros."""
        bits, signed = shape.width, shape.signed  # type: ignore[attr-defined]
        missing = width - bits
        if not signed:
            return Text(f"{{{literal(0, missing)}, {narrow.text}}}", PRIMARY)
        name = narrow.text if narrow.text.isidentifier() else self._scope.net(narrow.text, bits)
        top = name if bits == 1 else f"{name}[{bits - 1}]"
        return Text(f"{{{{{missing}{{{top}}}}}, {name}}}", PRIMARY)

    def _bits(self, signal: Signal, start: int, stop: int) -> str:
        """Return bits of a signal."""
        return self._select(self._scope.name(signal), len(signal), start, stop)

    def _select(self, name: str, width: int, start: int, stop: int) -> str:
        """Return bits of a net."""
        if (start, stop) == (0, width):
            return name
        return f"{name}[{start}]" if stop == start + 1 else f"{name}[{stop - 1}:{start}]"

    def _slice(self, value: Value, start: int, stop: int) -> Text:
        """Return bits of a value that may be no net."""
        while True:
            if isinstance(value, Slice):
                start, stop, value = start + value.start, stop + value.start, value.value
            elif isinstance(value, Operator) and value.operator in ("u", "s") and stop <= len(value.operands[0]):
                (value,) = value.operands
            else:
                break
        if isinstance(value, Signal) and self._scope.meant(value) is None:
            return Text(self._bits(value, start, stop), PRIMARY)
        if isinstance(value, Const):
            return Text(literal(value.value >> start, stop - start), PRIMARY)
        if isinstance(value, Concat):
            return self._concat(cut(value.parts, start, stop), stop - start)
        if start == 0:
            return self.write(value, stop)
        inner = sliced(value, start, stop)
        if inner is not None:
            return self.write(inner, stop - start)
        return Text(self._select(self._scope.net(self.text(value, stop), stop), stop, start, stop), PRIMARY)

    def _part(self, value: Part, width: int) -> Text:
        """Return bits from a place that is known at run time; beyond the end there are zeros, or the sign."""
        source, offset, stride = value.value, value.offset, value.stride
        within = ((1 << len(offset)) - 1) * stride + value.width <= len(source)
        if within and isinstance(source, Signal):
            name, place = self._scope.name(source), self.text(offset)
            if stride != 1:
                bits = (stride * ((1 << len(offset)) - 1)).bit_length()
                place = f"{self.write(offset, bits).within(PRODUCT)} * {literal(stride, bits)}"
            return Text(f"{name}[{place}]" if width == 1 else f"{name}[{place} +: {width}]", PRIMARY)
        place = self.write(offset, len(offset)).within(SHIFT)
        reach = ((1 << len(offset)) - 1) * stride + value.width
        if stride != 1:
            bits = (stride * ((1 << len(offset)) - 1)).bit_length()
            place = f"({self.write(offset, bits).within(PRODUCT)} * {literal(stride, bits)})"
        # Beyond the end of a value with a sign stands its sign.
        whole = max(len(source), reach if source.shape().signed else width)
        shifted = f"{self.write(source, whole).within(PRODUCT)} >> {place}"
        return Text(self._select(self._scope.net(shifted, whole), whole, 0, width), PRIMARY)

    def _concat(self, parts: Sequence[Value], width: int) -> Text:
        """Return values side by side, the first one in the lowest bits."""
        pieces: list[tuple[Value, int]] = []
        for part in merged(flat(parts)):
            if width == 0:
                break
            taken = min(len(part), width)
            pieces.append((part, taken))
            width -= taken
        if len(pieces) == 1:
            return self.write(*pieces[0])
        texts = [self.text(part, taken) for part, taken in reversed(pieces)]
        runs: list[tuple[str, int]] = []
        for text in texts:
            if runs and runs[-1][0] == text:
                runs[-1] = (text, runs[-1][1] + 1)
            else:
                runs.append((text, 1))
        shown = [text if count == 1 else f"{{{count}{{{text}}}}}" for text, count in runs]
        return Text(shown[0] if len(shown) == 1 else f"{{{', '.join(shown)}}}", PRIMARY)

    def _operator(self, value: Operator, width: int) -> Text:
        """Return the application of an operator."""
        operator, operands = value.operator, value.operands
        if operator in _REDUCTIONS:
            return self._reduction(_REDUCTIONS[operator], operands[0], width)
        if operator in _COMPARISONS:
            return self._flag(self._comparison(operator, *operands), width)
        if operator in ("u", "s"):
            (operand,) = operands
            if width <= len(operand):
                return self.write(operand, width)
            return self._extended(self.write(operand, len(operand)), value.shape(), width)
        if operator == "~":
            if width > len(value):
                return self._extended(self._operator(value, len(value)), value.shape(), width)
            return Text(f"~{self.write(operands[0], width).within(UNARY)}", UNARY)
        if operator == "-" and len(operands) == 1:
            return Text(f"-{self.write(operands[0], width).within(UNARY)}", UNARY)
        if operator == ">>":
            return self._shifted_right(value, width)
        if operator == "<<":
            place = self.write(operands[1], len(operands[1])).within(SHIFT)
            return Text(f"{self.write(operands[0], width).within(PRODUCT)} << {place}", SHIFT)
        if operator in _BINARY:
            strength = _BINARY[operator]
            first, second = (self.write(operand, width) for operand in operands)
            # An operator of the same strength may stand at the left without parentheses. Few readers know which of &,
            # ^, | and == binds more strongly.
            weakest = SHIFT if strength <= AND else strength
            shown = first.text if first.strength == strength else first.within(weakest)
            return Text(f"{shown} {operator} {second.within(weakest)}", strength)
        raise UnsupportedError(f"operator {operator} cannot be written as Verilog", self._scope.module)

    def _reduction(self, operator: str, operand: Value, width: int) -> Text:
        """Return a reduction of all bits to one."""
        if len(operand) == 0:
            return Text(literal(operator == "&", width), PRIMARY)
        whole = self.write(operand, len(operand))
        one = whole if len(operand) == 1 else Text(f"{operator}{whole.within(UNARY)}", UNARY)
        return self._flag(one, width)

    def _flag(self, one: Text, width: int) -> Text:
        """Return an expression of one bit with zeros above it."""
        return one if width == 1 else Text(f"{{{literal(0, width - 1)}, {one.text}}}", PRIMARY)

    def _comparison(self, operator: str, first: Value, second: Value) -> Text:
        """Return a comparison, both sides as wide as the wider one."""
        strength = _COMPARISONS[operator]
        named = self._named_comparison(operator, first, second)
        if named is not None:
            return named
        signed = first.shape().signed or second.shape().signed
        width = max(_room(first, signed), _room(second, signed), 1)
        texts = [self.write(side, width) for side in (first, second)]
        if signed and operator not in ("==", "!="):
            return Text(f"$signed({texts[0].text}) {operator} $signed({texts[1].text})", strength)
        return Text(f"{texts[0].within(strength)} {operator} {texts[1].within(strength)}", strength)

    def _named_comparison(self, operator: str, first: Value, second: Value) -> Text | None:
        """Return a comparison of a signal that enumerates with one of its values by name."""
        if not (isinstance(first, Signal) and isinstance(second, Const) and operator in ("==", "!=")):
            return None
        name = self._scope.state(first, second.value)
        return None if name is None else Text(f"{self._scope.name(first)} {operator} {name}", EQUALITY)

    def _shifted_right(self, value: Operator, width: int) -> Text:
        """Return a shift to the right, which needs all bits of what is shifted."""
        source, amount = value.operands
        if source.shape().signed:
            raise UnsupportedError("a signed shift to the right cannot be written as Verilog", self._scope.module)
        whole = max(width, len(source))
        place = self.write(amount, len(amount)).within(SHIFT)
        shifted = Text(f"{self.write(source, whole).within(PRODUCT)} >> {place}", SHIFT)
        if width == whole:
            return shifted
        return Text(self._select(self._scope.net(shifted.text, whole), whole, 0, width), PRIMARY)

    def _switch(self, value: SwitchValue, width: int) -> Text:
        """Return a choice as ``condition ? value : ...``; zero where nothing matches."""
        last = value.cases[-1] if value.cases else ((), Const(0, width))
        cases = list(value.cases[:-1] if last[0] is None else value.cases)
        tail = self.write(last[1], width) if last[0] is None else Text(literal(0, width), PRIMARY)
        chosen = [(patterns or (), self.write(case, width)) for patterns, case in cases]
        if disjoint([patterns for patterns, _ in chosen]):
            # Their order does not matter: those that are as the rest can go.
            chosen = _joined([(patterns, one) for patterns, one in chosen if one.text != tail.text])
        for patterns, one in reversed(chosen):
            if not patterns or one.text == tail.text:
                continue
            if len(value.test) == 1 and patterns == ("0",):
                # `Mux` says first what holds where the test is zero.
                tail = choice(self.write(value.test, 1), tail, one, width)
            else:
                tail = choice(self.condition(value.test, patterns), one, tail, width)
        return tail

    def condition(self, test: Value, patterns: Sequence[str]) -> Text:
        """Return whether a value matches one of some patterns.

        Parameters
        ----------
        test : Value
        patterns : sequence of str
            Of 0, 1 and - for any, highest bit first.
        """
        if not patterns:
            return Text("1'b0", PRIMARY)
        matches = [self._match(test, pattern) for pattern in patterns]
        if len(matches) == 1:
            return matches[0]
        return Text(" | ".join(f"({match.text})" for match in matches), OR)

    def _match(self, test: Value, pattern: str) -> Text:
        """Return whether a value matches a pattern: one bit, all bits, or those that matter."""
        bits = [place for place, character in enumerate(reversed(pattern)) if character != "-"]
        if not bits:
            return Text("1'b1", PRIMARY)
        if len(bits) == 1:
            one = self._slice(test, bits[0], bits[0] + 1)
            wanted = pattern[len(pattern) - 1 - bits[0]] == "1"
            return one if wanted else Text(f"~{one.within(UNARY)}", UNARY)
        if len(bits) == len(pattern):
            wanted_value = Const(int(pattern, 2), len(pattern))
            return self._comparison("==", test, wanted_value)
        chosen = Cat(test[place] for place in bits)
        value = sum((pattern[len(pattern) - 1 - place] == "1") << index for index, place in enumerate(bits))
        return self._comparison("==", chosen, Const(value, len(bits)))


def _joined(choices: Sequence[tuple[Sequence[str], Text]]) -> list[tuple[Sequence[str], Text]]:
    """Return choices with those that come to the same as one; none of them may match what another does."""
    found: dict[Text, list[str]] = {}
    for patterns, one in choices:
        found.setdefault(one, []).extend(patterns)
    return [(tuple(patterns), one) for one, patterns in found.items()]


def _room(value: Value, signed: bool) -> int:
    """Return the bits that a side of a comparison needs."""
    return len(value) + (signed and not value.shape().signed)
