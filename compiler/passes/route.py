"""Route: gives every coupling its unit and counts the wires."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from oscc.base.findings import FindingsError
from oscc.compiler.ir.placed import PlacedGraph
from oscc.compiler.place.fit import diagnose_fit
from oscc.compiler.route.routing import diagnose_route, trace_route


@dataclass(frozen=True)
class RoutePass:
    """Routes a placed model; it has no options."""

    name: ClassVar[str] = "route"
    description: ClassVar[str] = "check that the placement can be routed, and count slots and wires"

    def run(self, level: PlacedGraph) -> PlacedGraph:
        """The placed model with its route.

        Raises
        ------
        FindingsError
            With every finding of `diagnose_route` and `diagnose_fit`.
        """
        findings = [*diagnose_route(level), *diagnose_fit(level)]
        if findings:
            raise FindingsError(findings)
        return replace(level, route=trace_route(level))
