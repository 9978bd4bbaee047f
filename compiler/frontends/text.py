"""What readers of problem files share: their lines and numbers, and what they say of a fault."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence

from oscc.base.errors import OsccError
from oscc.base.node_labels import printable

MOST_SPINS = 512 * 512
"""Cells of the largest core that there can be: a larger problem is refused before anything of its size is made."""

MOST_WEIGHT = 1e150
"""Sum of the magnitudes of all weights of a problem: values of configurations, and squares of them, stay finite."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+")
"""As ``printf("%a")`` writes it, always with an exponent: ``0x10`` could be meant as anything."""

_NOT_FINITE = re.compile(r"[+-]?(?:inf|infinity|nan)", re.IGNORECASE)


def fault(code: str, message: str, where: str, hint: str = "") -> OsccError:
    """Return the error of a malformed file.

    Parameters
    ----------
    code : str
        Such as ``gset``.
    message, where, hint : str
    """
    return OsccError(f"problem.{code}", message, where=where, hint=hint)


def numbered_lines(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number, from 1, and the words of every line that is not empty; words stand between blanks and tabs.

    Parameters
    ----------
    text : str
        With the line ends of `oscc.base.text_file.UserFile.text`, which alone count: Python knows others that no
        other reader does.
    """
    for number, line in enumerate(text.split("\n"), 1):
        if words := [word for word in re.split("[ \t]", line) if word]:
            yield number, words


def quoted(text: str) -> str:
    """Return a part of a file as a message quotes it: on one line, shortened, what cannot be printed escaped.

    Parameters
    ----------
    text : str
    """
    shown = printable(text) if text else ""
    # What cannot be printed has quotes already.
    return shown if shown.startswith('"') and not text.startswith('"') else f"'{shown}'"


def quoted_json(value: object) -> str:
    """Return a value of JSON as a message quotes it: on one line, shortened.

    Parameters
    ----------
    value : JSON value
    """
    try:
        return printable(json.dumps(value))
    except RecursionError:
        return "a value that is nested too deeply"


def as_whole(word: str) -> int | None:
    """Return a word as an integer without sign and of at most 18 digits; None when it is none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 18 else None


def as_number(word: str) -> float | None:
    """Return a word as a finite number in decimal digits; None when it is none.

    Python's own float takes more, such as ``1_0``, ``nan`` and digits of other scripts, which files do not mean.
    """
    if not _NUMBER.fullmatch(word):
        return None
    number = float(word)
    return number if math.isfinite(number) else None


def as_exact(word: str) -> float | None:
    """Return a word as a finite number in decimal digits, or in hexadecimal ones of C99, such as ``0x1.8p+1``.

    graph-tool writes the numbers of its files so, which loses nothing of them.
    """
    if not _HEXADECIMAL.fullmatch(word):
        return as_number(word)
    try:
        return float.fromhex(word)
    except OverflowError:
        return None


def number_fault(word: str) -> str:
    """Return what is wrong with a word that is meant as a number, but is not finite; empty for any other word.

    Parameters
    ----------
    word : str
    """
    if _NOT_FINITE.fullmatch(word):
        return f"{quoted(word)} is not finite"
    is_number = _NUMBER.fullmatch(word) or _HEXADECIMAL.fullmatch(word)
    return f"{quoted(word)} is too large for a double" if is_number and as_exact(word) is None else ""


def whole_fault(words: Sequence[str]) -> str:
    """Return what is wrong with the first word that is a number, but not one that `as_whole` takes; empty for no such.

    Parameters
    ----------
    words : sequence of str
    """
    for word in words:
        if as_whole(word) is not None:
            continue
        if word.isascii() and word.isdigit():
            return f"{quoted(word)} is too large: a number of {len(word)} digits"
        if word[:1] in ("-", "+") and word[1:].isascii() and word[1:].isdigit():
            return f"{quoted(word)} is negative" if word[0] == "-" else f"{quoted(word)} has a sign"
        if (number := as_number(word)) is not None:
            written = f"; write {number:.0f}" if number.is_integer() and 0 <= number < 1e15 else ""
            return f"{quoted(word)} is no integer{written}"
    return ""


def added_weight(total: float, weight: float, code: str, where: str) -> float:
    """Return a sum of magnitudes with one more weight in it.

    Parameters
    ----------
    total : float
    weight : float
    code, where : str
        Of the error.

    Raises
    ------
    OsccError
        ``problem.<code>``, when the sum exceeds `MOST_WEIGHT`.
    """
    total += abs(weight)
    if total <= MOST_WEIGHT:
        return total
    message = f"with weight {weight:g}, weights come to {total:g} in all; at most {MOST_WEIGHT:g} can be computed with"
    raise fault(code, message, where, "scale all weights down: solutions stay the same")
