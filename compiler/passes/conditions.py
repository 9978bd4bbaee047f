"""Conditions: what a model needs of a core wherever its nodes are placed, decided before anything is searched for."""

from __future__ import annotations

from collections.abc import Iterator

from oscc.base.findings import Finding
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.passes.time_scale import ScaleOptions
from oscc.compiler.passes.time_scale_check import diagnose_time_scale
from oscc.compiler.place.bounds import diagnose_bounds, diagnose_neighbourhoods
from oscc.compiler.place.fit import diagnose_model
from oscc.core.families import family_named
from oscc.core.spec import CoreSpec


def diagnose_conditions(graph: CouplingGraph, core: CoreSpec, options: ScaleOptions) -> Iterator[Finding]:
    """Yield every condition that a model does not meet, each a proof with its witness; no search is needed then.

    Family, nodes, cells, chunks and initial phases (`diagnose_model`), the time scale (`diagnose_time_scale`) where all
    cells have the same gain, and of a model without positions its neighbourhoods. Where any of these is not met, all
    bounds of such a model are looked at, too, so that everything is said together; else the placers do it, after what
    is quicker.

    Parameters
    ----------
    graph : CouplingGraph
    core : CoreSpec
    options : ScaleOptions
    """
    found = list(diagnose_model(graph, core))
    timed: list[Finding] = []
    if not core.defects.gain and family_named(graph.family).has_hardware:
        timed = list(diagnose_time_scale(graph, core, options))
    if graph.position is None and graph.nodes <= core.cells:
        found += (diagnose_bounds if found or timed else diagnose_neighbourhoods)(graph, core)
    yield from (*found, *timed)
