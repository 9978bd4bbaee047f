"""The families of analog interaction systems, each declared once.

Reference, array, quantizer and receipts read these declarations; none of them knows a family by its name. Packages that
are installed may declare more, in the group ``oscc.families`` of their entry points: the name of a family, and where
its `Family` is, as ``module:attribute``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.extensions import OTHERS_HINT, ExtensionTable


@dataclass(frozen=True)
class Family:
    """A family of dynamics dx_i/dt on a coupling graph.

    Parameters
    ----------
    name : str
    state : {"phase", "real"}
        A phase [rad] on the circle, or a real number.
    interaction : str
        How the couplings into a node act: ``sin-difference`` is sum K sin(x_j - x_i), ``linear`` sum K x_j, and
        ``tanh-linear`` tanh(sum K x_j + field).
    self_term : str
        What a node does to itself: ``shil`` is -S sin 2x, ``none`` nothing, ``cubic`` a x - x^3, and ``leak`` -x.
    form : str
        What computes it when models are trained and sampled: a module of `oscc.models.dynamics.forms`, or
        ``module:attribute`` of another package.
    node_parameters : tuple of str
        The per-node checkpoint tensors that the family reads, of ``shil``, ``field`` and ``detuning``; those it does
        not read must be zero in its checkpoints. ``cubic`` reads its gain a from ``shil``.
    equation : str
        The ODE, for documentation and receipts.

    Notes
    -----
    Phases: Y. Kuramoto, Self-entrainment of a population of coupled non-linear oscillators, Lecture Notes in Physics
    39, 1975; with SHIL: T. Wang and J. Roychowdhury, OIM: oscillator-based Ising machines for solving combinatorial
    optimisation problems, UCNC 2019. Real states: F. Boehm, T. Van Vaerenbergh, G. Verschaffelt and G. Van der Sande,
    Order-of-magnitude differences in computational performance of analog Ising machines induced by the choice of
    nonlinearity, Communications Physics 4, 2021.
    """

    name: str
    state: Literal["phase", "real"]
    interaction: str
    self_term: str
    form: str
    node_parameters: tuple[str, ...]
    equation: str

    @property
    def has_hardware(self) -> bool:
        """Return whether DAC codes and RTL exist for it: only for oscillators that the array is made of."""
        return self.state == "phase" and self.interaction == "sin-difference" and self.self_term in ("shil", "none")

    @property
    def readout(self) -> Literal["cos", "state"]:
        """Return how a pixel follows from the state at the end: its cosine, or the state itself."""
        return "cos" if self.state == "phase" else "state"


KURASHIL = Family(
    name="kurashil",
    state="phase",
    interaction="sin-difference",
    self_term="shil",
    form="phases",
    node_parameters=("shil", "field", "detuning"),
    equation="dx_i/dt = w_i + sum_j K_ij sin(x_j - x_i) - S_i sin(2 x_i) - h_i sin(x_i)",
)
KURAMOTO = Family(
    name="kuramoto",
    state="phase",
    interaction="sin-difference",
    self_term="none",
    form="phases",
    node_parameters=("field", "detuning"),
    equation="dx_i/dt = w_i + sum_j K_ij sin(x_j - x_i) - h_i sin(x_i)",
)
POLY_ISING = Family(
    name="poly_ising",
    state="real",
    interaction="linear",
    self_term="cubic",
    form="cubic",
    node_parameters=("shil", "field"),
    equation="dx_i/dt = a_i x_i - x_i^3 + sum_j J_ij x_j + h_i",
)
TANH_ISING = Family(
    name="tanh_ising",
    state="real",
    interaction="tanh-linear",
    self_term="leak",
    form="leak",
    node_parameters=("field",),
    equation="dx_i/dt = -x_i + tanh(sum_j J_ij x_j + h_i)",
)


class FamilyTable(ExtensionTable[Family]):
    """Families by their names: those of the project, then those of installed distributions.

    Parameters
    ----------
    *own : Family
        Of the project.
    """

    def __init__(self, *own: Family) -> None:
        declared = {family.name: family for family in own}
        super().__init__("oscc.families", "family", declared, lambda found: isinstance(found, Family))

    def __getitem__(self, name: str) -> Family:
        """Return the family of a name.

        Parameters
        ----------
        name : str

        Raises
        ------
        KeyError
            When there is none.
        OsccError
            As `ExtensionTable` does, and ``extension.broken`` for one that calls itself otherwise.
        """
        family = super().__getitem__(name)
        if family.name != name:
            message = f"family '{name}' of {self.origin(name)} declares '{family.name}'"
            raise OsccError("extension.broken", message, where=self.where, hint=OTHERS_HINT)
        return family


FAMILIES = FamilyTable(KURASHIL, KURAMOTO, POLY_ISING, TANH_ISING)
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
    OsccError
        As `FamilyTable` does.
    """
    if name not in FAMILIES:
        raise ValueError(f"'{name}' is not a family{did_you_mean(name, FAMILIES)}")
    return FAMILIES[name]
