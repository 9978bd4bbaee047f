"""The state of a training: everything that the next iteration depends on, as one file that is written whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from oscc.base.errors import OsccError
from oscc.base.tensor_file import read_tensors, write_tensors
from oscc.models.training.divergence import not_finite
from oscc.models.training.training_config import TrainingConfig
from oscc.models.training.training_key import different_keys, earlier_key, listed, training_keys

SCHEMA = "oscc.training-state/2"

EARLIER_SCHEMA = "oscc.training-state/1"
"""Of the first release: such states tell their configuration by a hash, and a core by its name."""


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


@dataclass(frozen=True)
class SavedState:
    """A state that was loaded, beside its tensors.

    Parameters
    ----------
    progress : Progress
    planned : int or None
        Iterations that the training was to have when the state was saved; states of the first release do not say it.
    remark : str
        What a user should know of the state, or empty.
    """

    progress: Progress
    planned: int | None = None
    remark: str = ""


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
        ``file.write`` when the disk is full, for example, and ``training.diverged`` when a tensor is not finite; the
        state before is still there then.
    """
    for name, tensor in _tensors(modules, optimizers):
        if wrong := not_finite(tensor):
            raise OsccError("training.diverged", f"{_wrong(name, wrong)}; it is not saved", where=str(path))
    tensors = {name: _array(tensor) for name, tensor in _tensors(modules, optimizers)}
    described = {
        "schema": SCHEMA,
        "keys": training_keys(config, data),
        "planned": config.schedule.iterations,
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
) -> SavedState:
    """Go on from a state that `save_state` wrote; modules and optimizers take its tensors.

    Parameters
    ----------
    path : Path
    config : TrainingConfig
    modules, optimizers
        As for `save_state`.
    data : str, optional
        SHA-256 of the images that are trained on. Some states of the first release do not have theirs.

    Raises
    ------
    OsccError
        What `read_tensors` raises; ``training.state`` when the file is no such state, or holds numbers that are not
        finite; ``training.other`` when it is that of another configuration, core, start or set of images.
    """
    where = str(path)
    file = read_tensors(path)
    try:
        described = json.loads(file.metadata["oscc.training"])
        found = _saved(described)
        kept = {key: described[key] for key in ("keys", "config", "data") if key in described}
        if not ("config" in kept if described["schema"] == EARLIER_SCHEMA else isinstance(kept["keys"], dict)):
            raise KeyError("config")
    except (KeyError, ValueError, TypeError):
        raise OsccError("training.state", "not the state of a training", where=where) from None
    if differences := _differences(kept, config, data):
        raise OsccError(
            "training.other",
            f"the state of a training with another configuration{differences}",
            where=where,
            hint="use another output folder, or --fresh to begin anew",
        )
    for name, array in file.tensors.items():
        if wrong := int(np.count_nonzero(~np.isfinite(array))):
            hint = "nothing can go on from it; --fresh begins anew"
            raise OsccError("training.state", _wrong(name, wrong), where=where, hint=hint)
    for optimizer in optimizers.values():
        _prepare(optimizer)
    for name, tensor in _tensors(modules, optimizers):
        if name not in file.tensors or file.tensors[name].shape != tuple(tensor.shape):
            raise OsccError("training.state", f"tensor '{name}' is missing or of another shape", where=where)
        with torch.no_grad():
            tensor.copy_(torch.from_numpy(file.tensors[name].copy()))
    if "keys" not in kept and (config.core is not None or config.model.start is not None):
        unknown = "whether core and start have changed is unknown"
        return replace(found, remark=f"{where} is of an earlier version: {unknown}")
    return found


def _saved(described: dict[str, Any]) -> SavedState:
    """Return what the metadata of a state say.

    Raises
    ------
    KeyError, ValueError, TypeError
        Where they are those of no state.
    """
    if described["schema"] not in (SCHEMA, EARLIER_SCHEMA):
        raise KeyError("schema")
    progress = Progress(int(described["iteration"]), float(described["seconds"]), list(described["history"]))
    return SavedState(progress, int(described["planned"]) if described["schema"] == SCHEMA else None)


def _differences(kept: dict[str, Any], config: TrainingConfig, data: str | None) -> str:
    """Return what differs, as the rest of a sentence; empty where nothing does."""
    if "keys" in kept:
        differences = different_keys(kept["keys"], config, data)
        return f": {listed(differences)}" if differences else ""
    if kept["config"] != earlier_key(config):
        return " (a state of an earlier version, which does not say by which key)"
    if data is not None and kept.get("data") not in (None, data):
        return ": data.images: other images under the same name"
    return ""


def _wrong(name: str, count: int) -> str:
    return f"tensor '{name}' has {count} values that are NaN or infinite"


def _tensors(
    modules: dict[str, torch.nn.Module], optimizers: dict[str, torch.optim.Optimizer]
) -> Iterator[tuple[str, Tensor]]:
    """Yield every tensor of a state by name."""
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
