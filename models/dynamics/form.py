"""A form of dynamics, and which one a family has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from torch import Tensor

from oscc.core.families import Family
from oscc.models.dynamics.node_kernels import NodeKernels
from oscc.models.dynamics.torch_sums import TorchCouplings

TorchSlope = Callable[[Tensor, Tensor, Tensor, TorchCouplings], Tensor]
"""``slope(state, weight, parameters, couplings)``: the right-hand side, Tensor[N, B], in PyTorch's own operations.

Of states, Tensor[N, B], couplings, Tensor[E], and shil, field and detuning, Tensor[3, N], per unit of model time.
"""


@dataclass(frozen=True)
class Form:
    """The right-hand side of an equation, computed in two ways.

    Parameters
    ----------
    terms : tuple of (str, str)
        Every pair of interaction and self term, as families declare them, for which it holds. Parameters that a family
        does not read are zero.
    kernels : NodeKernels
        For the CPU.
    torch_slope : callable
        A `TorchSlope`, for other devices.
    """

    terms: tuple[tuple[str, str], ...]
    kernels: NodeKernels
    torch_slope: TorchSlope


def form_of(family: Family) -> Form:
    """Return the form of dynamics of a family.

    Parameters
    ----------
    family : Family
        Its ``form`` names a module of `oscc.models.dynamics.forms` that holds a ``FORM``, or ``module:name``.

    Raises
    ------
    ValueError
        When the form is not one of the family's interaction and self term.
    """
    module, _, name = family.form.partition(":")
    found = getattr(import_module(module if name else f"{__package__}.forms.{module}"), name or "FORM")
    if not isinstance(found, Form):
        raise ValueError(f"form '{family.form}' of family '{family.name}' is a {type(found).__name__}, not a Form")
    if (family.interaction, family.self_term) not in found.terms:
        raise ValueError(f"no kernels for interaction '{family.interaction}' with self term '{family.self_term}'")
    return found
