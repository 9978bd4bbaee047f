"""JSON that users or other tools wrote: keys once, numbers that JSON has, and every fault in one line."""

from __future__ import annotations

import json
from typing import Any

from oscc.base.node_labels import printable


class JsonError(ValueError):
    """A text that is no JSON, or JSON that says two things.

    Parameters
    ----------
    message : str
        One line.
    line : int or None
        From 1; None where the fault is of no one line.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def parse_json(text: str) -> Any:
    """Return what a JSON text holds: dict, list, str, int, float, bool or None.

    Parameters
    ----------
    text : str

    Raises
    ------
    JsonError
        When it is no JSON, has a key twice in one object, NaN or an infinity by its name, or numbers or a depth beyond
        what can be read.
    """
    try:
        return json.loads(text, object_pairs_hook=_each_key_once, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonError(error.msg, error.lineno) from None
    except RecursionError:
        raise JsonError("nested too deeply") from None
    except JsonError:
        raise
    except ValueError:
        raise JsonError("an integer in it has too many digits") from None


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise JsonError(f"key '{printable(key)}' stands twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, which Python's reader takes and JSON does not have."""
    raise JsonError(f"JSON has no {name}")
