"""The course of rates and limits when a training gets another number of iterations than was planned."""

from __future__ import annotations

from oscc.models.training.training_config import TrainingConfig

JUMP = 0.01
"""Difference of a schedule's parts, between what was planned and what follows, from which it is worth a line."""


def schedule_remark(config: TrainingConfig, done: int, planned: int | None) -> str:
    """Return how a training goes on whose number of iterations has changed; empty where it goes on as it was.

    Parameters
    ----------
    config : TrainingConfig
        With the new number.
    done : int
        Iterations that are done.
    planned : int or None
        The number before; None where nobody knows.
    """
    schedule, hardware = config.schedule, config.hardware
    if planned is None or planned == schedule.iterations:
        return ""
    if done > schedule.iterations:
        return f"{done} iterations are done, {schedule.iterations} are asked for: none follows"
    if done == schedule.iterations:
        return ""
    following, jumps = done + 1, []
    for what, part in (("learning rate", schedule.rate_part), ("clip", hardware.clip_part)):
        before, after = part(done / planned), part(following / schedule.iterations)
        if abs(after - part(min(1.0, following / planned))) > JUMP:
            jumps.append(f"the {what} goes from {before:.3g} to {after:.3g} of full")
    if not jumps:
        return ""
    return f"{schedule.iterations} iterations instead of {planned}: at iteration {following} {', '.join(jumps)}"
