"""The state of a training: everything that the next iteration depends on, as one file that is written whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.compiler.errors import OsccError
from oscc.compiler.tensor_file import read_tensors, write_tensors
from oscc.models.training_config import TrainingConfig

SCHEMA = "oscc.training-state/1"

KEPT_FREE = {"schedule": ("iterations", "save_every", "sheet_every"), "data": ("folder",)}
"""What may differ between a saved state and the configuration that goes on from it."""


@dataclass
class Progress:
    """Where a training is.

    Parameters
    ----------
    iteration : int
        Iterations that are done.
    seconds : float
        Wall time that they took, in all processes together.
    history : list of dict
        Losses, now and then.
    """

    iteration: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def config_key(config: TrainingConfig) -> str:
    """SHA-256 of what a saved state depends on, in hexadecimal.

    Defaults do not count: a state stays good when a later version has more keys.
    """
    described = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for section, keys in KEPT_FREE.items():
        for key in keys:
            described.get(section, {}).pop(key, None)
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def save_state(
    path: Path,
    config: TrainingConfig,
    progress: Progress,
    modules: dict[str, torch.nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    *,
    data: str | None = None,
) -> None:
    """Write a state beside its place and move it there: a training that is killed leaves the one before.

    Parameters
    ----------
    path : Path
    config : TrainingConfig
    progress : Progress
    modules : dict of str to Module
    optimizers : dict of str to Optimizer
        Of Adam's kind.
    data : str, optional
        SHA-256 of the images that are trained on.

    Raises
    ------
    OsccError
        ``file.write`` when the disk is full, for example; the state before is still there then.
    """
    tensors = {name: _array(tensor) for name, tensor in _tensors(modules, optimizers)}
    described = {
        "schema": SCHEMA,
        "config": config_key(config),
        "data": data,
        "iteration": progress.iteration,
        "seconds": progress.seconds,
        "history": progress.history,
    }
    write_tensors(path, tensors, {"oscc.training": json.dumps(described, allow_nan=False)})


def load_state(
    path: Path,
    config: TrainingConfig,
    modules: dict[str, torch.nn.Module],
    optimizers: dict[str, torch.optim.Optimizer],
    *,
    data: str | None = None,
) -> Progress:
    """Go on from a state that `save_state` wrote; modules and optimizers take its tensors.

    Parameters
    ----------
    path : Path
    config : TrainingConfig
    modules, optimizers
        As for `save_state`.
    data : str, optional
        SHA-256 of the images that are trained on. States of earlier versions do not have theirs.

    Raises
    ------
    OsccError
        What `read_tensors` raises; ``training.state`` when the file is no such state, ``training.other`` when it is
        that of another configuration, or of other images.
    """
    where = str(path)
    file = read_tensors(path)
    try:
        described = json.loads(file.metadata["oscc.training"])
        if described["schema"] != SCHEMA:
            raise KeyError("schema")
        progress = Progress(int(described["iteration"]), float(described["seconds"]), list(described["history"]))
        key = described["config"]
    except (KeyError, ValueError, TypeError):
        raise OsccError("training.state", "not the state of a training", where=where) from None
    if key != config_key(config):
        raise OsccError(
            "training.other",
            "the state of a training with another configuration",
            where=where,
            hint="use another output folder, or --fresh to begin anew",
        )
    if data is not None and described.get("data") not in (None, data):
        raise OsccError(
            "training.other",
            "the state of a training with other images under the same name",
            where=where,
            hint="give the data that it began with, use another output folder, or --fresh to begin anew",
        )
    for optimizer in optimizers.values():
        _prepare(optimizer)
    for name, tensor in _tensors(modules, optimizers):
        if name not in file.tensors or file.tensors[name].shape != tuple(tensor.shape):
            raise OsccError("training.state", f"tensor '{name}' is missing or of another shape", where=where)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(file.tensors[name].copy()))
    return progress


def _tensors(
    modules: dict[str, torch.nn.Module], optimizers: dict[str, torch.optim.Optimizer]
) -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a state by name."""
    for owner, module in modules.items():
        yield from ((f"{owner}.{name}", parameter) for name, parameter in module.named_parameters())
    for owner, optimizer in optimizers.items():
        for place, parameter in enumerate(_parameters(optimizer)):
            for name, value in sorted(optimizer.state.get(parameter, {}).items()):
                yield f"{owner}.{place}.{name}", value


def _parameters(optimizer: torch.optim.Optimizer) -> Iterable[Tensor]:
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _prepare(optimizer: torch.optim.Optimizer) -> None:
    """Give an optimizer of Adam's kind the tensors that it makes at its first step."""
    for parameter in _parameters(optimizer):
        optimizer.state[parameter] = {
            "step": torch.tensor(0.0),
            "exp_avg": torch.zeros_like(parameter),
            "exp_avg_sq": torch.zeros_like(parameter),
        }


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = tensor.detach().cpu().numpy()
    return array
