"""Signals that end the command: each becomes an exception, so that children are ended and half-made files removed."""

from __future__ import annotations

import signal
import time
import warnings
from types import FrameType

_REPEAT_S = 2.0
"""Time after a signal in which others are the same request: a terminal that closes sends several, and so does
``timeout``, and what removes files must not be interrupted by them."""


class TerminatedError(BaseException):
    """The process was asked to end.

    Parameters
    ----------
    number : int
        Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by signal {number} ({signal.strsignal(number) or 'unknown'})")
        self.number = number

    @property
    def status(self) -> int:
        """Exit status, as shells report it."""
        return 128 + self.number


class _Terminator:
    """Handler of the signals."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._last < _REPEAT_S:
            return
        self._last = now
        warnings.simplefilter("ignore")
        raise TerminatedError(number)


def handle_signals() -> None:
    """Let an interrupt, a request to end and a closed terminal raise, where they are not ignored, as by ``nohup``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    terminate = _Terminator()
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, terminate)


def termination_behind(error: BaseException) -> TerminatedError | None:
    """Return the request to end that an error is due to: a compiled function makes a system error of it.

    Parameters
    ----------
    error : BaseException
    """
    if isinstance(error, TerminatedError):
        return error
    behind = error.__cause__ or error.__context__
    return behind if isinstance(error, SystemError) and isinstance(behind, TerminatedError) else None


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Raise the interrupt, without what libraries have to say about work that is thrown away half done."""
    warnings.simplefilter("ignore")
    signal.default_int_handler(number, frame)
