"""Progress bars: on a terminal only, on standard error, for whatever takes more than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0 to 1; 0 for as long as nobody knows."""


@contextmanager
def progress_bar() -> Iterator[Report | None]:
    """A progress bar while the block runs.

    Yields
    ------
    callable or None
        To be called from time to time; None where standard error is no terminal, so that nothing is computed in vain.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        shown: tuple[str, TaskID] | None = None

        def report(what: str, done: float) -> None:
            nonlocal shown
            if shown is None or shown[0] != what:
                if shown is not None:
                    bar.remove_task(shown[1])
                shown = (what, bar.add_task(what, total=None))
            if done > 0:
                bar.update(shown[1], total=1.0, completed=done)

        yield report
