"""Text of expressions: Verilog with the strength of its outermost operator, and how two are joined."""

from __future__ import annotations

from typing import NamedTuple

PRIMARY, UNARY, PRODUCT, SUM, SHIFT, RELATION, EQUALITY, AND, XOR, OR, TERNARY = range(11, 0, -1)
"""How strongly the operators of Verilog bind, from names down to ``? :``."""


class Text(NamedTuple):
    """Verilog of an expression.

    Its width, determined by itself, is the one that was asked for, and so is that of every operand whose width Verilog
    would take from its surroundings: an expression means the same wherever it stands.

    Parameters
    ----------
    text : str
    strength : int
        How strongly its outermost operator binds.
    """

    text: str
    strength: int

    def within(self, strength: int) -> str:
        """Return the text as an operand of an operator that binds so strongly, in parentheses where it needs them."""
        return self.text if self.strength > strength else f"({self.text})"


def choice(condition: Text, one: Text, other: Text, width: int) -> Text:
    """Return one expression where a condition holds, and another one elsewhere."""
    if condition.text == "1'b1":
        return one
    if width == 1 and one.text == "1'b1":
        return condition if other.text == "1'b0" else either(condition, other)
    if width == 1 and other.text == "1'b0":
        shown = one.text if one.strength == AND else one.within(SHIFT)
        return Text(f"{condition.within(SHIFT)} & {shown}", AND)
    return Text(f"{condition.within(TERNARY)} ? {one.within(TERNARY)} : {other.text}", TERNARY)


def either(one: Text, other: Text) -> Text:
    """Return whether one of two flags is set."""
    shown = other.text if other.strength == OR else other.within(SHIFT)
    return Text(f"{one.within(SHIFT)} | {shown}", OR)
