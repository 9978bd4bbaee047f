"""A form of dynamics, and which one a family has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from torch import Tensor

from oscc.base.errors import OsccError
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
    OsccError
        ``family.form`` when it cannot be imported, or is not one of the family's interaction and self term.
    """
    module, _, name = family.form.partition(":")
    called = f"form '{family.form}' of family '{family.name}'"
    try:
        found = getattr(import_module(module if name else f"{__package__}.forms.{module}"), name or "FORM")
    except Exception as error:
        # Whatever the module of another package does when it is imported.
        raise OsccError("family.form", f"{called} cannot be imported: {type(error).__name__}: {error}") from error
    if not isinstance(found, Form):
        raise OsccError("family.form", f"{called} is a {type(found).__name__}, not a Form")
    if (family.interaction, family.self_term) not in found.terms:
        terms = f"interaction '{family.interaction}' with self term '{family.self_term}'"
        raise OsccError("family.form", f"no kernels for {terms} in {called}")
    return found
