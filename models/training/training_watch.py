"""The follower of a training: it is given lines, figures and images while the training runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Show = Callable[[int, Mapping[str, float]], None]
"""Called after each iteration with its number and its figures by name: losses, and the fraction of codes in use."""


def _say_nothing(_text: str) -> None:
    pass


def _draw_nothing(_images: NDArray[np.float32], _path: Path) -> None:
    pass


def _show_nothing(_name: str, _done: int, _total: int) -> AbstractContextManager[Show]:
    def show(_iteration: int, _figures: Mapping[str, float]) -> None:
        pass

    return nullcontext(show)


@dataclass(frozen=True)
class TrainingWatch:
    """Functions that a training calls while it runs; by default they do nothing.

    Parameters
    ----------
    say : callable
        ``say(text)``: a line for the user, such as how a schedule goes on.
    progress : callable
        ``progress(name, done, total)``: a context manager around the iterations that yields a `Show`; ``done`` of
        ``total`` iterations were made before.
    draw : callable
        ``draw(images, path)``: writes a sheet of images, float32[n, rows, columns] within -1 and 1.
    """

    say: Callable[[str], None] = _say_nothing
    progress: Callable[[str, int, int], AbstractContextManager[Show]] = _show_nothing
    draw: Callable[[NDArray[np.float32], Path], None] = _draw_nothing


SILENT = TrainingWatch()
