"""The images that a training asks for."""

from __future__ import annotations

from pathlib import Path

from oscc.models.data.datasets import ImageData, load_images, pooled
from oscc.models.training.training_config import TrainingConfig


def load_data(config: TrainingConfig, folder: Path | None) -> ImageData | None:
    """Load the images that a configuration asks for; None for points.

    Parameters
    ----------
    config : TrainingConfig
    folder : Path or None
        Comes before the configuration's own.

    Raises
    ------
    OsccError
        As `load_images` and `pooled` do.
    """
    if config.data.has_points:
        return None
    chosen = folder if folder is not None else (Path(config.data.folder) if config.data.folder else None)
    return pooled(load_images(config.data.name, chosen), config.data.pool)
