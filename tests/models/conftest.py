"""What the tests of the models share: small random graphs, training configurations and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from oscc.compiler.ir.graph import NODE_TENSORS, CouplingGraph
from oscc.core.families import family_named
from oscc.core.initial_phases import InitialPhases
from oscc.models.data.datasets import ImageData
from oscc.models.training.training_config import TrainingConfig, parse_training

torch.set_num_threads(1)

INIT = InitialPhases("normal", 0.2, 0.9)
SRC = [1, 2, 3, 4, 5, 0, 3, 0, 4, 1, 2]
DST = [0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 4]


def _small_graph(
    family: str = "kurashil",
    *,
    duration: tuple[float, ...] = (0.5, 0.8),
    seed: int = 0,
    init: InitialPhases = INIT,
) -> CouplingGraph:
    random = np.random.default_rng(seed)
    declared, chunks = family_named(family), len(duration)
    nodes: dict[str, Any] = {name: random.normal(size=(chunks, 6)).astype(np.float32) for name in NODE_TENSORS}
    for name in set(NODE_TENSORS) - set(declared.node_parameters):
        nodes[name] *= 0
    return CouplingGraph(
        name="small",
        family=family,
        image_shape=(1, 3),
        init=init,
        src=np.array(SRC, np.int32),
        dst=np.array(DST, np.int32),
        weight=random.normal(size=(chunks, len(SRC))).astype(np.float32),
        chunk_duration=np.array(duration, np.float32),
        position=None,
        readout=np.array([4, 0, 3], np.int32),
        **nodes,
    )


@pytest.fixture(scope="session")
def small_graph() -> Callable[..., CouplingGraph]:
    """``small_graph(family="kurashil", duration=(0.5, 0.8), seed=0, init=...)``: six nodes, eleven couplings.

    Node 0 has five couplings into it, node 5 has none; all parameters that the family reads are random.
    """
    return _small_graph


POINTS: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "points",
    "seed": 3,
    "data": {"name": "two-moons"},
    "model": {"grid": [3, 4], "stencil": "box-1", "step": [3, 2], "chunks": 2, "duration": [0.5, 0.8]},
    "solver": {"step": 0.25},
    "loss": {"kind": "sliced-wasserstein", "projections": 8},
    "schedule": {"iterations": 6, "batch": 8, "save_every": 2, "sheet_every": 3},
}

IMAGES: dict[str, Any] = {
    "schema": "oscc.train/1",
    "name": "images",
    "seed": 3,
    "data": {"name": "mnist"},
    "model": {"grid": [4, 6], "stencil": "box-1", "step": [2, 2], "chunks": 2, "duration": [0.5, 0.8]},
    "solver": {"step": 0.25},
    "loss": {"critic_channels": 2},
    "schedule": {"iterations": 6, "batch": 4, "save_every": 2, "sheet_every": 3},
}


def _merge(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in changes.items():
        merged[key] = _merge(merged[key], value) if isinstance(value, dict) and key in merged else value
        if value is None:
            del merged[key]
    return merged


@pytest.fixture(scope="session")
def points_text() -> Callable[..., str]:
    """``points_text(**changes)``: YAML of a tiny training on points, sections merged; None takes a key away."""
    return lambda **changes: yaml.safe_dump(_merge(POINTS, changes), sort_keys=False)


@pytest.fixture(scope="session")
def images_text() -> Callable[..., str]:
    """``images_text(**changes)``: YAML of a tiny training on images of 2 x 3 pixels."""
    return lambda **changes: yaml.safe_dump(_merge(IMAGES, changes), sort_keys=False)


@pytest.fixture(scope="session")
def points_config(points_text: Callable[..., str]) -> Callable[..., TrainingConfig]:
    """`points_text`, parsed."""
    return lambda **changes: parse_training(points_text(**changes), where="test")


@pytest.fixture(scope="session")
def images_config(images_text: Callable[..., str]) -> Callable[..., TrainingConfig]:
    """`images_text`, parsed."""
    return lambda **changes: parse_training(images_text(**changes), where="test")


@pytest.fixture(scope="session")
def tiny_images() -> ImageData:
    """40 random images of 2 x 3 pixels to train on, 20 to test with."""
    random = np.random.default_rng(0)
    train, test = (random.uniform(-1, 1, (count, 2, 3)).astype(np.float32) for count in (40, 20))
    return ImageData("mnist", train, test, np.arange(40) % 10, np.arange(20) % 10, sha256="ab" * 32)
