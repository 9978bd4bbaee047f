"""Keys of a training that have no effect beside its other keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from oscc.models.data.datasets import IMAGE_FILES

if TYPE_CHECKING:
    from oscc.models.training.training_config import TrainingConfig

FIRST_RELEASE_SPREADS = {"weight_std": 0.2, "field_std": 0.1}
"""Standard deviations before training [rad per unit of model time], the defaults of the first release.

They still hold where codes do not ask for more; receipts of the first release write them out.
"""

OF_LOSS = {
    "wgan-gp": ("critic_channels", "critic_pack", "critic_steps", "gradient_penalty", "critic_rate"),
    "sliced-wasserstein": ("projections",),
    "flow-matching": (),
}
"""Keys of section ``loss`` that only one kind reads."""


def first_ignored(config: TrainingConfig) -> str | None:
    """Return what to say of the first key that was given though nothing would come of it; None where all have effect.

    A key that is written out at its default, of this version or the first release, asks for nothing: receipts name
    every key.
    """
    for section, keys, reason in _without_effect(config):
        given = getattr(config, section)
        for key in keys:
            if getattr(given, key) not in _defaults(given, section, key):
                return f"{section}.{key}: would be ignored, {reason}; leave it out"
    return None


def _defaults(given: Any, section: str, key: str) -> tuple[Any, ...]:
    default = type(given).model_fields[key].default
    if section == "model" and key in FIRST_RELEASE_SPREADS:
        return default, FIRST_RELEASE_SPREADS[key]
    return (default,)


def _without_effect(config: TrainingConfig) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """Yield sections, keys and reasons of what has no effect beside the other keys."""
    if config.data.name not in IMAGE_FILES:
        yield "data", ("folder",), f"'{config.data.name}' has no file"
    if config.hardware.core is not None:
        yield "model", ("origin", "step"), "hardware.core has its own read-out"
        yield "hardware", ("bound",), "hardware.core has full scales of its own"
    if config.model.start is not None:
        begun = ("weight_mean", "weight_std", "field_std", "shil")
        yield "model", begun, "training begins with the parameters of model.start"
    for kind, keys in OF_LOSS.items():
        if kind != config.loss.kind:
            yield "loss", keys, f"it belongs to kind '{kind}'"
    if config.loss.kind == "flow-matching":
        yield "loss", ("sensitivity",), "nothing is run to its end with kind 'flow-matching'"
        yield "hardware", ("transient_noise",), "nothing is run to its end with kind 'flow-matching'"
