"""What is wrong with the words of a command line, before any verb reads them: one rule for every path in all verbs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from oscc.base.errors import OsccError

_OPTION = re.compile(r"(?:(?P<long>--[a-z][a-z-]*)=|(?P<short>-[a-z]))(?P<value>.*)", re.DOTALL)
"""An option and its value in one word; of others, the whole word is the value."""


def refused_argument(arguments: Sequence[str]) -> OsccError | None:
    """Return the error for the first word that would be a path nobody means; None where there is none.

    An empty one would be the folder where the shell stands, one that begins with ``~`` a file of that name in it, since
    shells put a home folder only for words of their own, and ``-``, which other tools take for their standard input or
    output, a file, too.

    Parameters
    ----------
    arguments : sequence of str
        Without the name of the command.
    """
    for word in arguments:
        parts = _OPTION.fullmatch(word)
        value = word if parts is None else parts["value"]
        if not word or (parts is not None and parts["long"] and not value):
            return _refused("an argument is empty", "is a variable of your shell not set?")
        if value.startswith("~"):
            option = "" if parts is None else f"{parts['long'] or parts['short']} "
            return _refused(
                f"{value} is no home folder: the shell left it as it is",
                f"write '{option}{value}' without quotes, '~' at the beginning of a word; or ./{value} for that name",
            )
        if value == "-":
            return _refused(
                "'-' is neither standard input nor standard output",
                "write /dev/stdin or /dev/stdout, or ./- for a file of that name",
            )
    return None


def _refused(message: str, hint: str) -> OsccError:
    return OsccError("usage", message, where="oscc", hint=hint)
