"""The figures of a training for TensorBoard, where it is installed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from oscc.models.training.training_watch import Show


@contextmanager
def tensorboard_log(folder: Path | None) -> Iterator[Show]:
    """Lend a function that logs the figures of an iteration, while the block runs.

    Parameters
    ----------
    folder : Path or None
        Made by TensorBoard; without one, or without TensorBoard, nothing is logged.

    Yields
    ------
    callable
    """
    if folder is None or importlib.util.find_spec("tensorboard") is None:
        yield _log_nothing
        return
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(iteration: int, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            writer.add_scalar(name, value, iteration)

    try:
        yield log
    finally:
        writer.close()


def _log_nothing(_iteration: int, _figures: Mapping[str, float]) -> None:
    pass
