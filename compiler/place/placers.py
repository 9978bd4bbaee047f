"""The placers by name, from which the command's choices, its help and its advice are made."""

from __future__ import annotations

from collections.abc import Callable

from oscc.base.errors import OsccError
from oscc.base.extensions import OTHERS_HINT, ExtensionTable
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.place.exact import ExactPlacer
from oscc.compiler.place.placer import (
    AnnealPlacer,
    GrowthPlacer,
    IdentityPlacer,
    Placer,
    Placing,
    RepairPlacer,
    SymmetryPlacer,
    TorusPlacer,
)
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

MakePlacer = Callable[[Search], Placer]
"""Gives a placer that takes no more than the effort of a search; what an entry point of `PLACERS` loads."""

AUTO = "auto"
"""Stands for the placers that `oscc.compiler.passes.place.PlaceOptions` chooses for a model."""

PLACERS: ExtensionTable[MakePlacer] = ExtensionTable(
    "oscc.placers",
    "placer",
    {
        "identity": lambda search: IdentityPlacer(),
        "symmetry": lambda search: SymmetryPlacer(),
        "repair": RepairPlacer,
        "torus": TorusPlacer,
        "growth": GrowthPlacer,
        "anneal": AnnealPlacer,
        "exact": ExactPlacer,
    },
)
"""Every placer but `AUTO` by its name."""


def checked_placing(name: str, placer: Placer, graph: CouplingGraph, core: CoreSpec) -> Placing:
    """Return what a placer comes to; that of another distribution is named where it fails.

    Parameters
    ----------
    name : str
        Under which it was asked for.
    placer : Placer
    graph : CouplingGraph
    core : CoreSpec

    Raises
    ------
    OsccError
        ``extension.failed`` where a placer of another distribution raises an error, or returns no `Placing`.
    """
    with PLACERS.blaming(name):
        placing: object = placer.place(graph, core)
        if not isinstance(placing, Placing):
            message = f"placer '{name}' returns a {type(placing).__name__}, not a Placing"
            raise OsccError("extension.failed", message, where=PLACERS.where, hint=OTHERS_HINT)
        return placing
