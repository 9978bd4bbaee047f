"""Progress bars: on a terminal only, on standard error, for whatever takes more than two seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

Report = Callable[[str, float], None]
"""Called with what is being done and how far it is, 0 to 1; 0 for as long as nobody knows."""


LINE_EVERY = 50
"""Iterations of a training between two lines where there is no terminal."""


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


@contextmanager
def training_progress(name: str, done: int, total: int) -> Iterator[Callable[[int, Mapping[str, float]], None]]:
    """How far a training is, with its losses: a bar on a terminal, a line now and then elsewhere, on standard error.

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

        def line(iteration: int, losses: Mapping[str, float]) -> None:
            if iteration % LINE_EVERY == 0 or iteration == total:
                sys.stderr.write(f"{name}: {iteration}/{total}  {_listed(losses)}\n")
                sys.stderr.flush()

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[losses]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=total, completed=done, losses="")
        yield lambda iteration, losses: bar.update(task, completed=iteration, losses=_listed(losses))


def _listed(losses: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {loss:.3f}" for name, loss in losses.items())
