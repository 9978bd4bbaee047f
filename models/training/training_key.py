"""The keys that a saved training depends on, so that a resume can say which of them has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from oscc.compiler.frontends.checkpoint import read_checkpoint
from oscc.models.training.ignored_keys import FIRST_RELEASE_SPREADS
from oscc.models.training.training_config import TrainingConfig

KEPT_FREE = {"schedule": ("iterations", "save_every", "sheet_every"), "data": ("folder",)}
"""Keys that may differ between a saved state and the configuration that goes on from it."""

LISTED = 3
"""Differences that a message names; the others are counted."""


def training_keys(config: TrainingConfig, data: str | None) -> dict[str, Any]:
    """Return all that the next iterations follow from, by name: the configuration with its defaults, and contents.

    A core and a checkpoint to start from count by what they hold, not by the name of their file; images by their hash.

    Parameters
    ----------
    config : TrainingConfig
    data : str or None
        SHA-256 of the images that are trained on; None for points.

    Returns
    -------
    dict
        JSON values by dotted keys, such as ``schedule.batch`` and ``hardware.core.clock_hz``.

    Raises
    ------
    OsccError
        As `load_core` and `read_checkpoint` do.
    """
    return _described(config, exclude_defaults=False) | {"data.images": data}


def different_keys(saved: Mapping[str, Any], config: TrainingConfig, data: str | None) -> list[str]:
    """Return what differs between the keys of a saved training and those of a configuration, as texts.

    A key that the saved training does not know, because a later version added it, must have its default; what was saved
    is compared whether or not it was a default, so that a default that changes between versions is found.

    Parameters
    ----------
    saved : mapping
        From `training_keys`.
    config, data
        As `training_keys` takes them.
    """
    now, chosen = training_keys(config, data), _described(config, exclude_defaults=True)
    found = [key for key, value in saved.items() if now.get(key) != value]
    found += [key for key in now if key not in saved and key in chosen]
    if "hardware.core" in found:
        # With a core instead of none, its keys say nothing more.
        found = [key for key in found if not key.startswith("hardware.core.")]
    return [_difference(key, saved.get(key), now.get(key)) for key in sorted(found)]


def listed(differences: list[str]) -> str:
    """Return the first `LISTED` differences as one text, the others counted."""
    more = len(differences) - LISTED
    return ", ".join(differences[:LISTED]) + (f", and {more} more" if more > 0 else "")


def earlier_key(config: TrainingConfig) -> str:
    """Return the SHA-256, in hexadecimal, by which states of the first release tell configurations apart.

    It counts a core by its name, and leaves out defaults: those of that release, which knew no other spreads.
    """
    described = config.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for section, keys in KEPT_FREE.items():
        for key in keys:
            described.get(section, {}).pop(key, None)
    model = described.get("model", {})
    for key, default in FIRST_RELEASE_SPREADS.items():
        if model.get(key) == default:
            del model[key]
    if "model" in described and not model:
        del described["model"]
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def _described(config: TrainingConfig, *, exclude_defaults: bool) -> dict[str, Any]:
    flat = _flat(config.model_dump(mode="json", by_alias=True, exclude_defaults=exclude_defaults))
    for section, keys in KEPT_FREE.items():
        for key in keys:
            flat.pop(f"{section}.{key}", None)
    if config.core is not None:
        core = config.core.model_dump(mode="json", by_alias=True, exclude_defaults=exclude_defaults)
        flat |= {"hardware.core": "a core"} | _flat(core, "hardware.core.")
    if config.model.start is not None:
        flat["model.start"] = read_checkpoint(config.model.start).model_hash
    return flat


def _flat(described: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in described.items():
        flat |= _flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return flat


def _difference(key: str, before: Any, now: Any) -> str:
    if key == "data.images":
        return "data.images: other images under the same name"
    return f"{key} is {_text(now)}, was {_text(before)}"


def _text(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
