"""What the command logs, and where to: ``-v``, ``-q`` and ``--log-file``, which stand before the verb.

Modules log to the logger of their own name, such as ``oscc.compiler.passes.place``: INFO what was tried and what came
of it, DEBUG the steps on the way. Nothing is configured when `oscc` is imported; handlers exist only while a command
runs that asked for them.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from oscc.base.errors import OsccError, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

VerboseOption = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        metavar="",
        help="Print what is tried, on standard error; -vv also each step.",
        show_default=False,
    ),
]
QuietOption = Annotated[
    bool, typer.Option("-q", "--quiet", help="Print errors and the object of --json, and nothing else.")
]
LogFileOption = Annotated[
    Path | None,
    typer.Option("--log-file", metavar="FILE", help="Add all that is tried to a log.", show_default=False),
]

GLOBAL_OPTIONS = ("-v", "-vv", "--verbose", "-q", "--quiet", "--log-file")
"""Options that stand before the verb."""

ROOT = "oscc"
"""Name of the logger above all others."""

_OURS = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:?\d\d [A-Z]+ oscc[\w.]*: ")
"""Begin of a line of a log."""


class _Lines(logging.Formatter):
    """Records as lines that begin alike, also those of a traceback; no message can make a line of its own.

    Parameters
    ----------
    timed : bool
        Whether time and date come first.
    """

    def __init__(self, *, timed: bool) -> None:
        super().__init__()
        self._timed = timed

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line; more for one with a traceback."""
        texts = [one_line(record.getMessage())]
        if record.exc_info:
            texts += map(one_line, self.formatException(record.exc_info).splitlines())
        start = f"{record.levelname} {record.name}: "
        if self._timed:
            start = f"{self._time_of(record)} {start}"
        return "\n".join(start + text for text in texts)

    def _time_of(self, record: logging.LogRecord) -> str:
        from datetime import datetime

        return datetime.fromtimestamp(record.created).astimezone().isoformat(timespec="milliseconds")


class _ErrorStream(logging.Handler):
    """Standard error as it is when a record comes: a bar of progress stands in for it for a while."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a record, unless the command prints what it says anyway."""
        if not getattr(record, "printed", False):
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()


class _File(logging.Handler):
    """A log of which every line is whole.

    Parameters
    ----------
    path : Path

    Raises
    ------
    OsccError
        ``log.foreign`` for a file that is no log, and what `check_file_beside` and `open_lines` raise.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        from oscc.base.file_output import open_lines
        from oscc.base.output_folder import check_file_beside

        check_file_beside(path)
        _check_log(path)
        self.failure: OsccError | None = None
        self._path = path
        self._descriptor = open_lines(path)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; after the first that cannot be written there are no more."""
        from oscc.base.file_output import write_line

        if self.failure is not None:
            return
        try:
            write_line(self._descriptor, self.format(record))
        except OSError as error:
            self.failure = OsccError(
                "output.unwritable", f"the log cannot be written: {error.strerror}", where=str(self._path)
            )

    def close(self) -> None:
        """Close the file."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        super().close()


class Log:
    """The handlers of one command; without any until it is asked for some."""

    def __init__(self) -> None:
        self._handlers: list[logging.Handler] = []
        self._level_before = logging.getLogger(ROOT).level

    def begin(self, verbose: int, path: Path | None) -> None:
        """Add the handlers that are wanted.

        Parameters
        ----------
        verbose : int
            0 for none on standard error, 1 for INFO, more for DEBUG.
        path : Path or None
            Of a log, which takes DEBUG.

        Raises
        ------
        OsccError
            When the log cannot be written.
        """
        if path is not None:
            self._add(_File(path), logging.DEBUG, timed=True)
        if verbose:
            self._add(_ErrorStream(), logging.INFO if verbose == 1 else logging.DEBUG, timed=False)

    def _add(self, handler: logging.Handler, level: int, *, timed: bool) -> None:
        handler.setLevel(level)
        handler.setFormatter(_Lines(timed=timed))
        self._handlers.append(handler)
        root = logging.getLogger(ROOT)
        root.addHandler(handler)
        root.setLevel(min(each.level for each in self._handlers))

    def end(self) -> OsccError | None:
        """Remove the handlers, and return why a log is not whole; None where it is."""
        root = logging.getLogger(ROOT)
        root.setLevel(self._level_before)
        for handler in self._handlers:
            root.removeHandler(handler)
            handler.close()
        failures = [each.failure for each in self._handlers if isinstance(each, _File)]
        self._handlers = []
        return failures[0] if failures else None


@contextmanager
def open_log() -> Iterator[Log]:
    """Provide the log of a command, whose handlers are removed when the block ends, however it ends.

    Yields
    ------
    Log
    """
    log = Log()
    try:
        yield log
    finally:
        log.end()


def global_options_after(arguments: Sequence[str], wrong: str) -> str:
    """Return what to do about a global option that stands behind the verb; empty for any other option.

    Parameters
    ----------
    arguments : sequence of str
        Words of the command, such as ``["oscc", "check"]``.
    wrong : str
        The option that the verb does not know.
    """
    if wrong not in GLOBAL_OPTIONS or len(arguments) < 2:
        return ""
    value = " FILE" if wrong == "--log-file" else ""
    return f"it stands before the verb: {arguments[0]} {wrong}{value} {' '.join(arguments[1:])}"


def _check_log(path: Path) -> None:
    """Refuse a regular file that holds something else: a log is added to, and would damage it."""
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            start = file.read(100)
    except OSError:
        # Whether it can be written decides; who may not read it cannot know.
        return
    if start and not _OURS.match(start):
        raise OsccError(
            "log.foreign", "holds something else than a log of oscc", where=str(path), hint="name a new file"
        )
