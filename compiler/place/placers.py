"""The placers by name, from which the command's choices, its help and its advice are made."""

from __future__ import annotations

from collections.abc import Callable

from oscc.base.errors import OsccError
from oscc.base.extensions import OTHERS_HINT, ExtensionTable
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import diagnose_placed
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.place.exact import ExactPlacer
from oscc.compiler.place.fit import diagnose_fit
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
from oscc.compiler.route.routing import diagnose_route
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
        ``extension.failed`` where a placer of another distribution raises an error, or returns what is no answer to
        what it was asked.
    """
    with PLACERS.blaming(name):
        placing: object = placer.place(graph, core)
        if fault := _fault(placing, graph, core):
            message = f"placer '{name}' returns {fault}"
            raise OsccError("extension.failed", message, where=PLACERS.where, hint=OTHERS_HINT)
        assert isinstance(placing, Placing)
        routed = placing.placed
        if routed is None or name == AUTO or name in PLACERS.own:
            return placing
        # Ours have looked at it themselves.
        findings = (*diagnose_route(routed), *diagnose_fit(routed))
        return Placing(None, findings, routed) if findings else placing


def _fault(placing: object, graph: CouplingGraph, core: CoreSpec) -> str:
    """Return what is wrong with the answer of a placer, besides that it may not fit; empty where nothing is."""
    if not isinstance(placing, Placing):
        return f"a {type(placing).__name__}, not a Placing"
    if placing.placed is None:
        return "" if placing.findings else "neither a placement nor findings that say why there is none"
    # What another distribution returns is not what its types say.
    routed: object = placing.placed
    if not isinstance(routed, RoutedGraph):
        return f"a {type(routed).__name__}, not a RoutedGraph: routed_graph(placed) gives it its wires"
    if routed.graph is not graph or routed.core != core:
        return f"a placement of another {'model' if routed.graph is not graph else 'core'} than it was given"
    transform: object = routed.transform
    if not isinstance(transform, str):
        return f"a placement whose transform is a {type(transform).__name__}, not a str"
    return next((f"a placement of wrong arrays: {finding.message}" for finding in diagnose_placed(routed)), "")
