"""The families of analog interaction systems, each declared once.

Reference, array, quantizer and receipts read these declarations; none of them knows a family by its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oscc.base.errors import did_you_mean


@dataclass(frozen=True)
class Family:
    """A family of dynamics dx_i/dt on a coupling graph.

    Parameters
    ----------
    name : str
    state : {"phase", "real"}
        A phase [rad] on the circle, or a real number.
    interaction : {"sin-difference", "linear", "tanh-linear"}
        How the couplings into a node act: sum K sin(x_j - x_i), sum K x_j, or tanh(sum K x_j + field).
    self_term : {"shil", "none", "cubic", "leak"}
        What a node does to itself: -S sin 2x, nothing, a x - x^3, or -x.
    node_parameters : tuple of str
        The per-node checkpoint tensors that the family reads, of ``shil``, ``field`` and ``detuning``; those it does
        not read must be zero in its checkpoints. ``cubic`` reads its gain a from ``shil``.
    equation : str
        The ODE, for documentation and receipts.
    """

    name: str
    state: Literal["phase", "real"]
    interaction: Literal["sin-difference", "linear", "tanh-linear"]
    self_term: Literal["shil", "none", "cubic", "leak"]
    node_parameters: tuple[str, ...]
    equation: str

    @property
    def has_hardware(self) -> bool:
        """Return whether DAC codes and RTL exist for it: only for oscillators, that is, phases."""
        return self.state == "phase"

    @property
    def readout(self) -> Literal["cos", "state"]:
        """Return how a pixel follows from the state at the end: its cosine, or the state itself."""
        return "cos" if self.state == "phase" else "state"


KURASHIL = Family(
    name="kurashil",
    state="phase",
    interaction="sin-difference",
    self_term="shil",
    node_parameters=("shil", "field", "detuning"),
    equation="dx_i/dt = w_i + sum_j K_ij sin(x_j - x_i) - S_i sin(2 x_i) - h_i sin(x_i)",
)
KURAMOTO = Family(
    name="kuramoto",
    state="phase",
    interaction="sin-difference",
    self_term="none",
    node_parameters=("field", "detuning"),
    equation="dx_i/dt = w_i + sum_j K_ij sin(x_j - x_i) - h_i sin(x_i)",
)
POLY_ISING = Family(
    name="poly_ising",
    state="real",
    interaction="linear",
    self_term="cubic",
    node_parameters=("shil", "field"),
    equation="dx_i/dt = a_i x_i - x_i^3 + sum_j J_ij x_j + h_i",
)
TANH_ISING = Family(
    name="tanh_ising",
    state="real",
    interaction="tanh-linear",
    self_term="leak",
    node_parameters=("field",),
    equation="dx_i/dt = -x_i + tanh(sum_j J_ij x_j + h_i)",
)

FAMILIES = {family.name: family for family in (KURASHIL, KURAMOTO, POLY_ISING, TANH_ISING)}
"""Every family by its name."""


def family_named(name: str) -> Family:
    """Return the family of a name.

    Parameters
    ----------
    name : str

    Raises
    ------
    ValueError
        When there is none; the message suggests the nearest.
    """
    if name not in FAMILIES:
        raise ValueError(f"'{name}' is not a family{did_you_mean(name, FAMILIES)}")
    return FAMILIES[name]
