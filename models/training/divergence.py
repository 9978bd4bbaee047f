"""Steps of a training that must stay finite: what is no number any more is found before the step counts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

MOMENTS = {"exp_avg": "first moment", "exp_avg_sq": "second moment"}
"""Tensors that Adam keeps of each parameter, and what they are called."""


class DivergedError(Exception):
    """A quantity of a training is not finite any more.

    Parameters
    ----------
    quantity : str
        What, with its values or their number.
    cause : {"loss", "gradient", "run"}
        ``gradient``: losses were finite, but small changes of parameters change them beyond all bounds. ``run``: a
        state of the model did not stay finite.
    """

    def __init__(self, quantity: str, cause: Literal["loss", "gradient", "run"]) -> None:
        super().__init__(quantity)
        self.cause = cause


def descend(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    losses: Mapping[str, Tensor],
    prefix: str = "",
) -> None:
    """Take a step down a loss, if everything about it is finite.

    Parameters
    ----------
    module : Module
        Whose parameters the optimizer has.
    optimizer : Optimizer
        Of Adam's kind.
    loss : Tensor[]
        What to go down.
    losses : mapping of str to Tensor[]
        What it is made of, for the message.
    prefix : str
        Before the names of the module's parameters in a message.

    Raises
    ------
    DivergedError
        When a loss, a gradient, a parameter or a moment is NaN or infinite. Moments of a gradient above some 1e19
        overflow; the step of such a parameter is zero from then on, which no loss would tell.
    """
    check_losses({**losses, "loss": loss})
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    named = module.named_parameters()
    trained = [(f"{prefix}{name}", parameter) for name, parameter in named if parameter.requires_grad]
    check_finite((f"the gradient of {name}", each.grad) for name, each in trained if each.grad is not None)
    optimizer.step()
    check_finite((f"parameter {name}", parameter) for name, parameter in trained)
    check_finite(
        (f"the {what} of the gradient of {name}", optimizer.state[parameter][key])
        for name, parameter in trained
        for key, what in MOMENTS.items()
        if key in optimizer.state[parameter]
    )


def check_losses(losses: Mapping[str, Tensor]) -> None:
    """Check that losses, Tensor[] each, are finite.

    Raises
    ------
    DivergedError
        With all of them.
    """
    values = {name: loss.item() for name, loss in losses.items()}
    if not all(math.isfinite(value) for value in values.values()):
        raise DivergedError(", ".join(f"{name} {value:g}" for name, value in values.items()), "loss")


def check_finite(tensors: Iterable[tuple[str, Tensor]]) -> None:
    """Check that all values of named tensors are finite.

    Raises
    ------
    DivergedError
        With the first that is not, and how many of its values are not.
    """
    for name, tensor in tensors:
        if wrong := not_finite(tensor):
            raise DivergedError(f"{name} has {wrong} of {tensor.numel()} values that are NaN or infinite", "gradient")


def not_finite(tensor: Tensor) -> int:
    """Return how many values of a tensor are NaN or infinite."""
    return tensor.numel() - int(torch.isfinite(tensor).sum())
