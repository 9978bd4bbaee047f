"""An independent check of witnesses: plain code that re-computes what a finding claims, and shares none with its maker.

A finding that passes here says what is so of the model and the core; for bounds, together with the argument in
`oscc.compiler.place.bounds`, that is the proof.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from oscc.base.findings import Finding, FindingKind
from oscc.compiler.diagnosis.causes import Cause
from oscc.compiler.feasibility.witnesses.subject import Check, Subject
from oscc.compiler.findings.table import KINDS
from oscc.compiler.ir.graph import CouplingGraph
from oscc.compiler.ir.placed import PlacedGraph
from oscc.core.spec import CoreSpec

SCHEMA = "oscc.witnesses/1"
"""Content of key ``schema`` of reports/witnesses.json."""

CHECKED = tuple(sorted(code for code, kind in KINDS.items() if kind.check))
"""Codes of findings whose witnesses can be checked."""


@dataclass(frozen=True)
class WitnessCheck:
    """What the check of some findings came to.

    Parameters
    ----------
    checked : int
        Findings whose witnesses were re-computed, or that were counted anew together with all others of their code.
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
        """Return the check as JSON."""
        return {
            "schema": SCHEMA,
            "checked": self.checked,
            "findings": self.findings,
            "without_check": list(self.without_check),
            "disagreeing": list(self.disagreeing),
        }


def check_witnesses(
    causes: Sequence[Cause], graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None
) -> WitnessCheck:
    """Recompute what causes claim, before anybody is told.

    Of each cause the witness, or those of its examples where it stands for several findings; and of every code how many
    findings there are, as causes and as consequences.

    Parameters
    ----------
    causes : sequence of Cause
    graph : CouplingGraph
    core : CoreSpec
    placed : PlacedGraph or None
        The placement that they are about.
    """
    total: Counter[str] = sum((cause.totals() for cause in causes), Counter())
    singly, without, wrong = Counter[str](), set[str](), set[str]()
    for cause in causes:
        for finding in (*((cause,) if cause.count == 1 else ()), *cause.examples):
            holds = check_witness(finding, graph, core, placed)
            if holds is None:
                without.add(finding.code)
                continue
            singly[finding.code] += 1
            if not holds:
                wrong.add(finding.code)
    counted: dict[str, int] = {}
    if placed is not None:
        counted = {code: count_findings(KINDS[code], placed) for code in total if code in KINDS and KINDS[code].count}
    wrong |= {code for code, count in counted.items() if count != total[code]}
    without |= {code for code in total if code not in counted and singly[code] == 0}
    checked = sum(count if code in counted else min(count, singly[code]) for code, count in total.items())
    return WitnessCheck(checked, sum(total.values()), tuple(sorted(without)), tuple(sorted(wrong)))


def count_findings(kind: FindingKind[Any], placed: PlacedGraph) -> int:
    """Return how many findings of a kind a placement has, counted anew.

    Parameters
    ----------
    kind : FindingKind
        One with ``count``.
    placed : PlacedGraph
    """
    count: Callable[[PlacedGraph], int] = _function(kind.count)
    return count(placed)


def check_witness(finding: Finding, graph: CouplingGraph, core: CoreSpec, placed: PlacedGraph | None) -> bool | None:
    """Return whether the numbers of a finding are so.

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
    kind = finding.kind
    if not kind.check or (kind.of_placement and placed is None):
        return None
    check: Check = _function(kind.check)
    try:
        return check(finding.witness, Subject(graph, core, placed))
    except (IndexError, KeyError, TypeError, ValueError, ZeroDivisionError):
        # It names what is not there.
        return False


def _function(path: str) -> Callable[..., Any]:
    """Return the function that a declaration names as ``module:function``."""
    module, _, name = path.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
