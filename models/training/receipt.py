"""The training receipt: what a checkpoint says of its own making."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from oscc.models.data.datasets import ImageData
from oscc.models.training.trainer import Trainer

PACKAGES = ("oscc", "torch", "numpy", "numba")
"""Packages whose versions a receipt names."""

MAX_HISTORY = 50
"""Losses that a receipt keeps, evenly spaced."""


def training_receipt(trainer: Trainer) -> dict[str, Any]:
    """Return configuration, data, seed, time, device and versions of a training, as JSON.

    Parameters
    ----------
    trainer : Trainer
        After its last iteration.
    """
    config, progress = trainer.config, trainer.progress
    history = progress.history
    kept = history[:: -(-len(history) // MAX_HISTORY)] if history else []
    return {
        "schema": "oscc.receipt/1",
        "config": config.model_dump(mode="json", by_alias=True, exclude={"data": {"folder"}}),
        "core_hash": None if config.core is None else config.core.hash,
        "data": _data(config.data.name, trainer.data),
        "seed": config.seed,
        "iterations": progress.iteration,
        "wall_s": round(progress.seconds, 1),
        "device": {"kind": trainer.device.type, "machine": platform.machine(), "threads": trainer.threads},
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "parameters": {"kept": "exponential moving average", "decay": config.schedule.average},
        "losses": kept,
        "figures_are": "simulated",
    }


def _data(name: str, images: ImageData | None) -> dict[str, Any]:
    if images is None:
        return {"name": name, "kind": "points, drawn anew in every iteration"}
    return {"name": name, "images": len(images.train), "train_sha256": images.sha256}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
