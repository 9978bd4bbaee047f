"""What long work says about how far it is, and how work that another program does is watched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str, float], None]
"""Called with what is being done, the best so far included, and how far it is, 0 to 1; 0 while nobody knows."""

LOOK_EVERY_S = 1.0
"""Seconds between two looks at work that another program does."""


def tell_stage(report: Report | None, what: str) -> None:
    """Tell that a stage begins of which nobody knows how far it is, so that no earlier one seems to go on.

    Parameters
    ----------
    report : callable or None
    what : str
    """
    if report is not None:
        report(what, 0.0)


def labelled(report: Report | None, stage: str) -> Report | None:
    """Return a report whose words follow the name of a stage; None where nobody listens.

    Parameters
    ----------
    report : callable or None
    stage : str
    """
    if report is None:
        return None

    def tell(what: str, done: float) -> None:
        report(f"{stage}: {what}", done)

    return tell


@contextmanager
def watched(report: Report | None, look: Callable[[], tuple[str, float]]) -> Iterator[None]:
    """Report on work that says nothing itself, such as a compiler's: at once, again and again, and when it is done.

    Parameters
    ----------
    report : callable or None
        Nothing is looked at where it is None.
    look : callable
        Returns what `Report` takes; it is called from a thread of its own while the block runs. What it raises of
        `OSError`, since files come and go, counts as nothing new.
    """
    if report is None:
        yield
        return
    ended = threading.Event()

    def tell() -> None:
        try:
            seen = look()
        except OSError:
            return
        report(*seen)

    def keep_telling() -> None:
        while not ended.wait(LOOK_EVERY_S):
            tell()

    tell()
    thread = threading.Thread(target=keep_telling, name="oscc-watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    tell()
