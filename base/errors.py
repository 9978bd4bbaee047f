"""The one exception that a user may see, and helpers that phrase it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class OsccError(Exception):
    """An error in what the user gave or in the environment.

    The command prints it as one or two lines (or as the ``error`` object of ``--json``) and exits 1; nothing
    else that is raised is meant for a user.

    Parameters
    ----------
    code : str
        Stable, machine-readable name, such as ``spec.unknown-key``.
    message : str
        What is wrong, naming what was given and what would be accepted.
    where : str
        File, tensor, key or field that the message is about; may be empty.
    hint : str
        What to do about it; may be empty.
    """

    def __init__(self, code: str, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        text = one_line(f"{self.where}: {self.message}" if self.where else self.message)
        return f"{text}\n{one_line(self.hint)}" if self.hint else text

    def as_dict(self) -> dict[str, str]:
        """Return the ``error`` object that ``--json`` prints."""
        return {"code": self.code, "message": self.message, "where": self.where, "hint": self.hint}


def one_line(text: str) -> str:
    """Return a text on one line of characters that can be shown; all others, such as a line end, as escapes.

    Parameters
    ----------
    text : str
        Bytes of a file's name that are no characters stand in it as Python gives them.
    """
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    is_byte = "\udc80" <= char <= "\udcff"
    return f"\\x{ord(char) - 0xDC00:02x}" if is_byte else char.encode("unicode_escape").decode("ascii")


def did_you_mean(given: str, accepted: Iterable[str]) -> str:
    """Return a suggestion such as ``; did you mean 'box-2'?``, or the list of what is accepted.

    Parameters
    ----------
    given : str
        What the user wrote.
    accepted : iterable of str
        Every spelling that would have been accepted.
    """
    names = sorted(accepted)
    close = difflib.get_close_matches(given, names, n=1)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; accepted: {', '.join(names)}"
