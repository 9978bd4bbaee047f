"""Place: gives every node a cell, as the model was trained, or by a placer.

A model without positions gets them from the placers `torus` and `growth`, which find those of grids that close and of
graphs that were cut out of a grid, and `anneal`, which searches for those of any sparse graph. That none finds a
placement is no proof that there is none; placer `exact` can give one for small models.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import ClassVar

from oscc.base.errors import OsccError, did_you_mean
from oscc.base.findings import Finding, FindingsError, finding_codes
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.place.bounds import DEGREE, diagnose_bound, diagnose_neighbourhoods
from oscc.compiler.place.lattice import Lattice
from oscc.compiler.place.placer import IdentityPlacer, Placer, Placing, SymmetryPlacer, identity_placement
from oscc.compiler.place.placers import AUTO, PLACERS, checked_placing
from oscc.compiler.place.search import Search
from oscc.core.spec import CoreSpec

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlaceOptions:
    """How a model is placed.

    Parameters
    ----------
    placer : str
        A name of `PLACERS`, or ``auto``: `RepairPlacer` for a model with positions; for one without, row by row when it
        fills the core, or its readable cells, and fits so, then `TorusPlacer`, `GrowthPlacer` and `AnnealPlacer`.
    seed : int
    timeout_s : float or None
        Seconds that all searches together may take.
    report : callable or None
        Called with what is being done, with the best so far, and how far it is, 0 to 1.

    Raises
    ------
    OsccError
        ``placer.unknown``.
    """

    placer: str = AUTO
    seed: int = 0
    timeout_s: float | None = None
    report: Callable[[str, float], None] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.placer != AUTO and self.placer not in PLACERS:
            near = did_you_mean(self.placer, (AUTO, *PLACERS))
            raise OsccError("placer.unknown", f"'{self.placer}' is no placer{near}", where="--placer")

    def placers(self, graph: CouplingGraph, core: CoreSpec) -> tuple[Placer, ...]:
        """Return the placers that are tried, in turn; all of them together have the time of the options, from now."""
        search = Search.within(self.timeout_s, self.seed, self.report)
        names: tuple[str, ...] = (self.placer,)
        if self.placer == AUTO and graph.position is not None:
            names = ("repair",)
        elif self.placer == AUTO:
            first = () if identity_placement(graph, core) is None else ("symmetry",)
            names = (*first, "torus", "growth", "anneal")
        with PLACERS.blaming(self.placer):
            return tuple(PLACERS[name](search) for name in names)


AUTOMATIC = PlaceOptions()
"""As a model is placed when nothing is asked for."""


@dataclass(frozen=True)
class PlacePass:
    """Places a model on a core.

    Parameters
    ----------
    core : CoreSpec
    options : PlaceOptions
    """

    core: CoreSpec
    options: PlaceOptions = AUTOMATIC
    name: ClassVar[str] = "place"
    description: ClassVar[str] = "give every node a cell of the core"

    def run(self, level: CouplingGraph) -> RoutedGraph:
        """Return the model on the core, with its wires.

        What no placement can change, such as pairs of unequal weights, is no part of the search: `RoutePass` has the
        last word. What is decided before is in `oscc.compiler.passes.conditions`.

        Raises
        ------
        FindingsError
            When no placement fits: the findings of the last placer that was tried.
        """
        placing = self._place(level)
        if placing.placed is None:
            raise FindingsError(placing.findings, placing.tried)
        return placing.placed

    def _place(self, level: CouplingGraph) -> Placing:
        if proofs := tuple(self._proofs(level)):
            _LOG.info("no placement exists: %s", finding_codes(proofs))
            as_it_is = Placing(None, ())
            if level.position is not None:
                as_given = IdentityPlacer() if self.options.placer == "identity" else SymmetryPlacer()
                as_it_is = as_given.place(level, self.core)
            return Placing(None, (*proofs, *as_it_is.findings), as_it_is.tried)
        placing = Placing(None, ())
        for placer in self.options.placers(level, self.core):
            begun = time.monotonic()
            placing = checked_placing(self.options.placer, placer, level, self.core)
            _tell(getattr(placer, "name", self.options.placer), placing, time.monotonic() - begun)
            if placing.placed is not None:
                return placing
        return placing

    def _proofs(self, level: CouplingGraph) -> Iterator[Finding]:
        """Yield why a model has no placement, as far as that is quick to compute.

        What is wrong with the positions of a model says more than the stencil of the core; but that nodes are on cells
        that cannot be read does not say that they can be on no others.
        """
        if level.position is None:
            yield from diagnose_neighbourhoods(level, self.core)
        elif Lattice.readable(self.core) != Lattice.whole(self.core):
            crowded = diagnose_bound(DEGREE, level, self.core)
            if crowded is not None and crowded.witness["cause"] == "readout":
                yield crowded


def _tell(placer: str, placing: Placing, seconds: float) -> None:
    """Log what came of a placer."""
    if placing.placed is not None:
        _LOG.info("placer %s: placed (%s); %.2f s", placer, placing.placed.transform, seconds)
        return
    _LOG.info("placer %s: no placement, findings %s; %.2f s", placer, finding_codes(placing.findings), seconds)
    for number, finding in enumerate(placing.findings):
        _LOG.log(logging.DEBUG if number else logging.INFO, "placer %s: %s: %s", placer, finding.code, finding.message)
