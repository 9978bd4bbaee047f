"""Layout of Verilog: literals, ranges, long lines."""

from __future__ import annotations

LINE = 100
"""Columns after which a line is broken."""

_DECIMAL_BELOW = 1 << 12
"""Constants from here on are written in hexadecimal."""


def literal(value: int, width: int) -> str:
    """Return a constant with its width: ``4'd9``, ``1'b1``, ``32'hedb88320``.

    Parameters
    ----------
    value : int
        Taken modulo 2^width.
    width : int
        At least 1.
    """
    value &= (1 << width) - 1
    if width == 1:
        return f"1'b{value}"
    return f"{width}'d{value}" if value < _DECIMAL_BELOW else f"{width}'h{value:x}"


def vector(width: int) -> str:
    """Return the range of a declaration with the space behind it, nothing for a single bit: ``[7:0] ``."""
    return f"[{width - 1}:0] " if width > 1 else ""


def folded(text: str, indent: int) -> list[str]:
    """Return a statement as lines of at most `LINE` columns, where it has spaces at which it can be broken.

    A line is broken where as few parentheses as possible are open, and behind the last such place.

    Parameters
    ----------
    text : str
        Without line breaks.
    indent : int
        Spaces before the first line; the others get four more.
    """
    lines, margin = [], indent
    while margin + len(text) > LINE:
        place = _break(text, LINE - margin)
        if place is None:
            break
        lines.append(" " * margin + text[:place].rstrip())
        text, margin = text[place + 1 :], indent + 4
    return [*lines, " " * margin + text]


def _break(text: str, room: int) -> int | None:
    """Find the space at which a text is best broken; the first one beyond the room where none lies within it."""
    depth, best = 0, None
    for place, character in enumerate(text):
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == " " and place:
            if place > room:
                return best[1] if best else place
            rank = (depth, _reluctance(text[place - 1]))
            # A line of a few characters helps nobody.
            if place > room // 3 and (best is None or rank <= best[0]):
                best = (rank, place)
    return best[1] if best else None


def _reluctance(before: str) -> int:
    """Return how little a line should be broken behind a character: least behind the end of a choice or of an item."""
    if before in ":,;":
        return 0
    return 1 if before in "?&|^" else 2
