"""Route: a unit for every coupling, and the last word on whether its wires fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oscc.base.findings import FindingsError
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.ir.routed import RoutedGraph
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.route.routing import diagnose_route, routed_graph


@dataclass(frozen=True)
class RoutePass:
    """Routes a placed model, where its placer has not; it has no options."""

    name: ClassVar[str] = "route"
    description: ClassVar[str] = "check that the placement can be routed, and count slots and wires"

    def run(self, level: PlacedGraph) -> RoutedGraph:
        """Return the placed model with its route.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_route` and `diagnose_fit`.
        """
        routed = routed_graph(level)
        if findings := [*diagnose_route(routed), *diagnose_fit(routed)]:
            raise FindingsError(findings, routed)
        return routed
