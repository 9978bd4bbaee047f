"""Advice on what to change after a training step that is not finite."""

from __future__ import annotations

from oscc.models.training.divergence import DivergedError
from oscc.models.training.training_config import TrainingConfig

RATES = {"wgan-gp": "schedule.rate or loss.critic_rate"}
"""Keys of the learning rates, by the kind of loss; ``schedule.rate`` alone for the others."""


def divergence_advice(config: TrainingConfig, number: int, found: DivergedError) -> str:
    """Return what to change in a configuration whose training has diverged.

    Parameters
    ----------
    config : TrainingConfig
    number : int
        The iteration that is not finite, from 1.
    found : DivergedError
    """
    rates = RATES.get(config.loss.kind, "schedule.rate")
    if found.cause == "loss" or number > 1:
        advice = f"begin anew (--fresh) with a smaller {rates}"
        return advice + {"loss": "", "gradient": " or a shorter model.duration", "run": " or solver.step"}[found.cause]
    if found.cause == "run":
        return "use a smaller solver.step"
    if config.loss.kind in RATES:
        return f"use a smaller {rates} or a shorter model.duration"
    # No step was taken before: it is the model as training begins that amplifies.
    couplings = "another model.start" if config.model.start else "a smaller model.weight_std"
    return f"its runs amplify too much before any training: use {couplings} or model.duration"
