"""What readers of problem files share: their lines and numbers, and what they say of a fault."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from oscc.base.errors import OsccError
from oscc.base.node_labels import printable

MOST_SPINS = 512 * 512
"""Cells of the largest core that there can be: a larger problem is refused before anything of its size is made."""

MOST_WEIGHT = 1e150
"""Sum of the magnitudes of all weights of a problem: values of configurations, and squares of them, stay finite."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


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
    """Return a word as a whole number without sign and of at most 18 digits; None when it is none."""
    return int(word) if word.isascii() and word.isdigit() and len(word) <= 18 else None


def as_number(word: str) -> float | None:
    """Return a word as a finite number in decimal digits; None when it is none.

    Python's own float takes more, such as ``1_0``, ``nan`` and digits of other scripts, which files do not mean.
    """
    if not _NUMBER.fullmatch(word):
        return None
    number = float(word)
    return number if math.isfinite(number) else None


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
