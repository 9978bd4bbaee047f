"""Text files of a user: read whole, or refused in one line."""

from __future__ import annotations

from pathlib import Path

from oscc.compiler.errors import OsccError


def read_text_file(path: Path, code: str, hint: str = "") -> str:
    """The content of a UTF-8 text file.

    Parameters
    ----------
    path : Path
    code : str
        Of the error.
    hint : str
        What would be accepted.

    Raises
    ------
    OsccError
        ``code``, when the file cannot be read or holds something else.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        raise OsccError(code, f"cannot be read: {reason}", where=str(path), hint=hint) from None
