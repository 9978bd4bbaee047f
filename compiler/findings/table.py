"""All kinds of findings that a report of the compiler may hold, by their codes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from oscc.base.findings import FindingKind
from oscc.compiler.findings import (
    of_bounds,
    of_fit,
    of_graphs,
    of_levels,
    of_placers,
    of_route_check,
    of_routes,
    of_times,
)
from oscc.core import program_findings, schedule_findings

_MODULES = (
    of_graphs,
    of_placers,
    of_bounds,
    of_levels,
    of_routes,
    of_route_check,
    of_fit,
    of_times,
    schedule_findings,
    program_findings,
)

KINDS: dict[str, FindingKind[Any]] = {
    kind.code: kind for module in _MODULES for kind in vars(module).values() if isinstance(kind, FindingKind)
}
"""By code."""


def kind_of(code: str, proof: bool) -> FindingKind[Any]:
    """Return the kind of a finding that was read from a file; one of its own for what this version does not declare.

    Parameters
    ----------
    code : str
    proof : bool
        Whether the file says that the finding is a proof.
    """
    kind = KINDS.get(code)
    return kind if kind is not None and kind.proof == proof else _unknown_kind(code, proof)


@lru_cache(maxsize=256)
def _unknown_kind(code: str, proof: bool) -> FindingKind[Any]:
    return FindingKind(code, "of another version", "", (dict,), proof, unchecked="it is of another version")
