"""What the tests of `oscc train` share: configurations and data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

torch.set_num_threads(1)

POINTS: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "points",
    "data": {"name": "spiral"},
    "model": {"grid": [3, 4], "stencil": "box-1", "step": [3, 2], "chunks": 2, "duration": [0.5, 0.8]},
    "solver": {"step": 0.25},
    "loss": {"kind": "sliced-wasserstein", "projections": 8},
    "schedule": {"iterations": 6, "batch": 8, "save_every": 2},
}

IMAGES: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "images",
    "data": {"name": "mnist"},
    "model": {"grid": [4, 6], "stencil": "box-1", "step": [2, 2], "chunks": 1},
    "solver": {"step": 0.25},
    "loss": {"critic_channels": 2},
    "schedule": {"iterations": 5, "batch": 4, "save_every": 2, "sheet_every": 2},
}


BASES = {"points": POINTS, "images": IMAGES}


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Path]:
    """``configured(base, section={...})``: a configuration file, sections merged; None takes a key away.

    The base is ``points``, ``images``, or a configuration.
    """

    def write(base: str | dict[str, Any], **changes: Any) -> Path:
        described = dict(BASES[base] if isinstance(base, str) else base)
        for key, value in changes.items():
            merged = {**described[key], **value} if isinstance(value, dict) and key in described else value
            described[key] = {k: v for k, v in merged.items() if v is not None} if isinstance(merged, dict) else merged
        path = tmp_path / "train.yaml"
        path.write_text(yaml.safe_dump(described))
        return path

    return write


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with mnist.npz, whose images have 2 x 3 pixels."""
    folder = tmp_path / "data"
    folder.mkdir()
    images = np.random.default_rng(0).integers(0, 256, (30, 2, 3)).astype(np.uint8)
    labels = np.arange(30) % 10
    np.savez(folder / "mnist.npz", x_train=images, y_train=labels, x_test=images[:10], y_test=labels[:10])
    return folder
