"""Standard output and standard error of the command: the one place where they fail."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast


class StandardOutputError(Exception):
    """Standard output does not take what is printed; the message says why. It is no error in what was given."""


class _Stream:
    """What both streams tell of the one behind them.

    Parameters
    ----------
    stream : TextIO or None
        None where it was closed when the process began.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:
        """The encoding of the stream, by which libraries choose the signs that they draw with."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def __getattr__(self, name: str) -> Any:
        # What prints past this object, byte by byte, would fail in another way.
        if name == "buffer" or self._stream is None:
            raise AttributeError(name)
        return getattr(self._stream, name)


class _Output(_Stream):
    """Standard output, of which every failure is a `StandardOutputError`, but for a reader that went away.

    Parameters
    ----------
    stream : TextIO or None
        None where standard output was closed when the process began.
    """

    def write(self, text: str) -> int:
        """Print a text; characters that the encoding lacks are printed as escapes.

        Raises
        ------
        StandardOutputError, BrokenPipeError
        """
        with self._told():
            if self._stream is None:
                raise StandardOutputError("standard output is closed")
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was printed on its way.

        Raises
        ------
        StandardOutputError, BrokenPipeError
        """
        with self._told():
            if self._stream is not None:
                self._stream.flush()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            raise StandardOutputError(f"standard output cannot be written: {error.strerror}") from None
        except ValueError:
            raise StandardOutputError("standard output is closed") from None


class _Error(_Stream):
    """Standard error; where it fails nothing more can be said, and nothing is.

    Parameters
    ----------
    stream : TextIO or None
    """

    def write(self, text: str) -> int:
        """Print a text, where that is possible."""
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was printed on its way, where that is possible."""
        with suppress(OSError, ValueError):
            if self._stream is not None:
                self._stream.flush()


@contextmanager
def checked_streams() -> Iterator[None]:
    """Let failures of standard output be told from all others while the block runs."""
    before = sys.stdout, sys.stderr
    with suppress(AttributeError, OSError, ValueError):
        cast(Any, sys.stdout).reconfigure(errors="backslashreplace")
    sys.stdout, sys.stderr = _Output(before[0]), _Error(before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Nothing(io.TextIOBase):
    """A stream that nobody sees."""

    def write(self, text: str) -> int:
        """Take a text, and print nothing."""
        return len(text)


@contextmanager
def quiet_streams(*, keep_output: bool) -> Iterator[None]:
    """Print nothing while the block runs; what is raised is printed behind it.

    Parameters
    ----------
    keep_output : bool
        Whether standard output is left as it is, for a result that was asked for.
    """
    before = sys.stdout, sys.stderr
    sys.stderr = _Nothing()
    if not keep_output:
        sys.stdout = _Nothing()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def discard_output() -> None:
    """Let what was printed and not yet written vanish: the interpreter would try again when it ends."""
    with suppress(OSError, ValueError, AttributeError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def open_standard_descriptors() -> None:
    """Occupy those of the descriptors 0, 1 and 2 that are closed.

    The next file that is opened would get the number, and what a library or a child prints would go into it.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            # The lowest free number is the one that was just found free.
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
