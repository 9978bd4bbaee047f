"""An independent check of witnesses: plain code that re-computes what a finding claims, and shares none with its maker.

A finding that passes here says what is so of the model and the core; for bounds, together with the argument in
`oscc.compiler.bounds`, that is the proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from oscc.compiler.findings import MAX_LISTED, Finding
from oscc.compiler.graph import CouplingGraph
from oscc.compiler.placed import PlacedGraph
from oscc.compiler.spec import CoreSpec
from oscc.compiler.witnesses import of_bounds, of_models, of_placements, of_times

SCHEMA = "oscc.witnesses/1"
"""Content of key ``schema`` of reports/witnesses.json."""

CHECKED = tuple(sorted((*of_bounds.CHECKS, *of_models.CHECKS, *of_placements.CHECKS, *of_times.CHECKS)))
"""Codes of findings whose witnesses can be checked."""


@dataclass(frozen=True)
class WitnessCheck:
    """What the check of some findings came to.

    Parameters
    ----------
    checked : int
        Findings whose witnesses were re-computed: of each code the first `oscc.compiler.findings.MAX_LISTED`.
    findings : int
        All of them.
    without_check : tuple of str
        Codes that there is no check for; a search that found nothing has nothing to re-compute.
    disagreeing : tuple of str
        Codes of findings whose numbers came out differently: there the compiler is wrong, not the model.
    """

    checked: int
    findings: int
    without_check: tuple[str, ...]
    disagreeing: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The check as JSON."""
        return {
            "schema": SCHEMA,
            "checked": self.checked,
            "findings": self.findings,
            "without_check": list(self.without_check),
            "disagreeing": list(self.disagreeing),
        }


def check_witnesses(
    findings: Sequence[Finding], graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None
) -> WitnessCheck:
    """Re-compute what findings claim, before anybody is told.

    Parameters
    ----------
    findings : sequence of Finding
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that they are about.
    """
    seen, checked, without, wrong = Counter[str](), 0, set[str](), set[str]()
    for finding in findings:
        seen[finding.code] += 1
        if seen[finding.code] > MAX_LISTED:
            continue
        holds = check_witness(finding, graph, core, placed)
        if holds is None:
            without.add(finding.code)
            continue
        checked += 1
        if not holds:
            wrong.add(finding.code)
    return WitnessCheck(checked, len(findings), tuple(sorted(without)), tuple(sorted(wrong)))


def check_witness(finding: Finding, graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> bool | None:
    """Whether the numbers of a finding are so.

    Parameters
    ----------
    finding : Finding
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that the finding is about; findings of codes R need one.

    Returns
    -------
    bool or None
        None for a code that there is no check for, or that needs a placement where there is none.
    """
    try:
        return _holds(finding, graph, core, placed)
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
        # It names what is not there.
        return False


def _holds(finding: Finding, graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> bool | None:
    code, witness = finding.code, finding.witness
    if code in of_bounds.CHECKS:
        return of_bounds.CHECKS[code](witness, graph, core)
    if code in of_models.CHECKS:
        return of_models.CHECKS[code](witness, graph, core)
    if code in of_times.CHECKS:
        return of_times.CHECKS[code](witness, graph, core, placed)
    if code in of_placements.CHECKS and placed is not None:
        return of_placements.CHECKS[code](witness, placed)
    return None
