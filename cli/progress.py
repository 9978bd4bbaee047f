"""How far long work is: a bar on a terminal, a plain line now and then elsewhere; on standard error, in every verb."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oscc.base.progress import Report

LINE_EVERY_S = 10.0
"""Seconds before the first line, and between two lines, where there is no terminal."""

BAR_WIDTH = 20


@contextmanager
def progress_bar(what: str = "working") -> Iterator[Report]:
    """Show what is being done, how far it is and for how long, while the block runs.

    On a terminal it is a bar that is gone afterwards. Elsewhere it is a line every `LINE_EVERY_S` seconds, so that work
    that is short says nothing. Standard output is left alone.

    Parameters
    ----------
    what : str
        Until the first report says more.

    Yields
    ------
    callable
        To be called from time to time, from any thread.
    """
    if not sys.stderr.isatty():
        with _lines(what) as report:
            yield report
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
    from rich.table import Column

    columns = (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        BarColumn(BAR_WIDTH),
        TaskProgressColumn(),
        TimeElapsedColumn(),
    )
    # Were standard output, which may be a file, redirected, what is printed meanwhile would come out on standard error.
    with Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(what, total=None)

        def report(doing: str, done: float) -> None:
            bar.update(task, description=doing, completed=done)
            # No total, which an update cannot take back by None, is a bar that only moves.
            bar.tasks[0].total = 1.0 if done > 0 else None

        yield report


@contextmanager
def training_progress(name: str, done: int, total: int) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """Show how far a training is, with its losses, while the block runs.

    It is a bar on a terminal, which stays, and a line now and then elsewhere.

    Parameters
    ----------
    name : str
    done, total : int
        Iterations.

    Yields
    ------
    callable
        To be called after each iteration, with its number and its losses.
    """
    if not sys.stderr.isatty():
        with _lines(name) as report:
            yield lambda iteration, losses: report(f"{name}, {iteration}/{total}  {_listed(losses)}", 0.0)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR_WIDTH),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=Console(stderr=True), redirect_stdout=sys.stdout.isatty()) as bar:
        task = bar.add_task(name, total=total, completed=done, losses="")
        yield lambda iteration, losses: bar.update(task, completed=iteration, losses=_listed(losses))


def progress_line(what: str, done: float, seconds: float) -> str:
    """Return a line of progress, such as ``oscc: annealing, 3 cells too far: 40 %, 20 s``.

    Parameters
    ----------
    what : str
    done : float
        0 to 1; 0 where nobody knows.
    seconds : float
        Since the work began.
    """
    share = f": {100 * min(done, 1.0):.0f} %" if done > 0 else ""
    return f"oscc: {what}{share}, {seconds:.0f} s\n"


@contextmanager
def _lines(what: str) -> Iterator[Report]:
    """Print lines on standard error from a thread of their own, so that they come while nothing is reported, too."""
    latest = (what, 0.0)
    started, ended = time.monotonic(), threading.Event()

    def report(doing: str, done: float) -> None:
        nonlocal latest
        latest = (doing, done)

    def tell() -> None:
        while not ended.wait(LINE_EVERY_S):
            try:
                sys.stderr.write(progress_line(*latest, time.monotonic() - started))
                sys.stderr.flush()
            except (OSError, ValueError):
                # Nobody reads it any more; the work goes on.
                return

    thread = threading.Thread(target=tell, name="oscc-progress", daemon=True)
    thread.start()
    try:
        yield report
    finally:
        ended.set()
        thread.join()


def _listed(losses: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
